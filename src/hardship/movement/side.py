"""One setting's results as whole numbers in columns, a row for each household of its register.

Money is in fen, the index in units that both tables share, so that columns of two settings can be subtracted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hardship import rank
from hardship.columns import Array, nulled, scaled_integers
from hardship.days import as_number
from hardship.lists import missing_column
from hardship.movement.answer import alone, counted, summed
from hardship.movement.coded import coded
from hardship.movement.states import INCOMPLETE, circle_of
from hardship.movement.states import OUTCOMES as DECIDED
from hardship.results import TRUE, outcome_places, rank_keys
from hardship.reviews import review_columns
from hardship.sheet import bit_texts

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from hardship.engine.machine import Raw
    from hardship.inputs import Inputs
    from hardship.language.table import Table
    from hardship.lowering.bind import Columns
    from hardship.movement.answer import Answer
    from hardship.sheet import Column

MONEY = {"income": "income_per_head", "gap": "gap", "exit_amount": "exit:amount"}
"""Columns and the machine's stores, in fen."""
OUTCOMES = (*DECIDED, INCOMPLETE)
"""Of every table, in one order, so that outcomes of two settings can be compared as numbers."""


@dataclass(frozen=True)
class Lacking:
    """What incomplete households of a run lack: attribute names joined by `;`, empty for the others."""

    columns: Columns
    raw: Raw
    texts: Column

    def same(self, columns: Columns, raw: Raw) -> bool:
        """Whether another run lacks the same: one program over the same facts, and the same sinks missing."""
        mine = self.columns
        if mine.program is not columns.program or mine.frames is not columns.frames:
            return False
        if not (mine.valid.all() and columns.valid.all()):
            return False
        names = [name for name in ("missing", "counted") if name in raw]
        return all(np.array_equal(self.raw[name].values, raw[name].values) for name in names)


def lacking(columns: Columns, raw: Raw, found: Answer, known: Lacking | None = None) -> Lacking:
    """What incomplete households lack; taken from another run where that lacks the same."""
    if known is not None and known.same(columns, raw):
        return replace(known, columns=columns, raw=raw)
    return Lacking(columns, raw, missing_column(columns.program, raw, columns))


def side(setting: Inputs, told: Lacking, found: Answer, scale: int, refused: Sequence[str]) -> pl.DataFrame:
    """The columns of one setting: `state`, `outcome`, `meets`, `reason`, `persons`, `covered`, `index`, `income`,
    `gap`, `benefit`, `alone`, `amount`, `position`, `rank`, `exit_months`, `exit_amount`; and the review:
    `review_on`, `held`; and whether a transition takes the household out: `unless`.

    Args:
        setting: the setting; reviews without a date of their own are counted from its day.
        told: its run, and what its incomplete households lack.
        found: the answer of the run.
        scale: how many units make a point of the index.
        refused: the reasons for which the register rejected households.
    """
    columns, raw = told.columns, told.raw
    table, rows, scored = setting.checked.table, columns.rows[0], found.scored
    texts, places = outcome_places(circle_of(table), raw, ~found.complete)
    persons = counted(columns, raw)
    meets = np.array([text == "meets" for text in texts], np.bool_)[places] & scored
    nothing = pl.Series([None], dtype=pl.Int64).new_from_index(0, rows)
    made: dict[str, pl.Series] = {
        "state": pl.Series(found.state),
        "outcome": coded([*OUTCOMES, *texts], places + len(OUTCOMES), found.kept),
        "meets": pl.Series(meets),
        "reason": _reasons(told, found, refused),
        "persons": nulled(pl.Series(persons), found.kept),
        "covered": pl.Series(_covered(table, columns, raw, meets, persons, found.scored)),
        "index": nothing,
        "benefit": nulled(pl.Series(found.benefit), scored) if table.benefit else nothing,
        "alone": nulled(pl.Series(alone(table, columns, raw)), scored),
        "amount": nulled(pl.Series(found.amount), scored) if found.pays else nothing,
    }
    if found.index is not None:
        made["index"] = nulled(pl.Series(found.index * (scale // found.index_den)), scored)
    for name, store in MONEY.items():
        made[name] = _known(raw, store, scored, nothing)
    made["exit_months"] = _known(raw, "exit:months", scored, nothing)
    made |= _reviews(table, raw, scored, setting.on)
    chosen = scored & (raw["among"].values == TRUE) if "among" in raw else scored
    for name, values in zip(("position", "rank"), rank.ranks(rank_keys(table, raw), chosen), strict=True):
        made[name] = nulled(pl.Series(values.astype(np.int64)), values > 0)
    return pl.DataFrame(made)


def _reviews(table: Table, raw: Raw, scored: Array, on: dt.date) -> dict[str, pl.Series]:
    rows = len(scored)
    made = {
        "review_on": pl.Series([None], dtype=pl.Date).new_from_index(0, rows),
        "held": pl.Series([None], dtype=pl.Boolean).new_from_index(0, rows),
        "unless": pl.Series([False]).new_from_index(0, rows),
    }
    if table.review is not None:
        made |= review_columns(raw, scored, as_number(on))
    if "transition:unless" in raw:
        made["unless"] = pl.Series(raw["transition:unless"].values == TRUE)
    return made


def _known(raw: Raw, store: str, scored: Array, nothing: pl.Series) -> pl.Series:
    """A store in whole fen or months, null where it is missing or the household is not scored."""
    if store not in raw:
        return nothing
    stored = raw[store]
    known = scored if stored.valid is None else scored & (stored.valid == 1)
    values = np.where(known, stored.values, 0)
    return nulled(scaled_integers(values, stored.den, 0 if store == "exit:months" else 2).cast(pl.Int64), known)


def _covered(table: Table, columns: Columns, raw: Raw, meets: Array, persons: Array, scored: Array) -> Array:
    """int64 [households]: persons who get something: those who count in a household that meets, or meet alone."""
    if not table.person:
        return np.where(meets, persons, 0)
    by_themselves = np.zeros(columns.rows[1], np.bool_)
    for person in table.person:
        by_themselves |= raw[f"person:{person.id}:state"].values == 1
    counts = raw["counted"].values == TRUE if "counted" in raw else np.ones(columns.rows[1], np.bool_)
    inside = meets[columns.parents[0]] & counts
    return np.where(scored, summed(columns, (inside | by_themselves).astype(np.int64)), 0)


def _reasons(told: Lacking, found: Answer, refused: Sequence[str]) -> pl.Series:
    """Why a household is not scored, or which vetoes it has hit; ids joined by `;`."""
    columns = told.columns
    (vetoes, place, _), (lacks, lack, _) = (
        bit_texts(told.raw["veto"].values, columns.program.vetoes).coded(),
        told.texts.coded(),
    )
    if not found.complete.all():
        place = np.where(found.complete, place, lack + len(vetoes))
    if not found.kept.all():
        place = np.where(found.kept, place, ~columns.served + (len(vetoes) + len(lacks)))
    return coded([*vetoes, *lacks, "out_of_range", "no_standard", "", *refused], place)
