"""From the machine's stores to the result columns of the contract: names, order, types, scales.

`docs/interfaces.md` lists the columns.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from hardship import rank
from hardship.columns import WIDE, Array, chosen_texts, date_series, decimal_series, nulled
from hardship.errors import EngineError, Fault
from hardship.language.fields import Show
from hardship.language.table import Ladder, Outcome, Table
from hardship.lists import list_columns, plane_bit
from hardship.lowering.program import incomplete as incomplete_rows
from hardship.reviews import review_columns
from hardship.sheet import (
    Column,
    Sheet,
    Texts,
    absent,
    fraction_column,
    known_of,
    mask_column,
    number_column,
    plain_column,
    text_column,
)

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.engine.machine import Raw, Stored
    from hardship.language.kinds import Kind
    from hardship.lowering.bind import Columns
    from hardship.lowering.ops import Program
    from hardship.register import Register

TRUE = 1  # the machine's Kleene byte: 1 true, 2 false, 0 missing
LADDER_MISSING = 255
MONEY = pl.Decimal(18, 2)
CENT = Fraction(1, 100)
RANKS = ("rank", *(f"rank_{level}" for level in rank.AREA_LEVELS), "rank_circle")
LISTS = ("vetoes", "flags", "assumed", "missing")
PERSON_COLUMNS = ("household_id", "member_id", "rule", "outcome", "benefit_month")


def column_types(table: Table, detail: str, output_kinds: dict[str, Kind]) -> dict[str, pl.DataType]:
    """Names, order and types of the result columns of one table.

    Args:
        table: the scoring table.
        detail: `results` or `items` (adds a column for each item).
        output_kinds: kind of each `[[output]]`.
    """
    points = pl.Decimal(18, table.index[0].decimals if table.index else 0)
    types: dict[str, pl.DataType] = {
        **dict.fromkeys(("household_id", "area_code", "outcome", "circle"), pl.String()),
        **dict.fromkeys(("position", *RANKS), pl.UInt32()),
        "percentile": pl.Decimal(5, 2),
        "index": points,
        **{f"points_{group.id}": points for group in table.group},
        "index_exact": pl.String(),
        **dict.fromkeys(("income_per_head", "gap_to_next_line", "benefit_month"), MONEY),
        **dict.fromkeys(LISTS, pl.String()),
        **{f"index_{index.id}": pl.Decimal(18, index.decimals) for index in table.index[1:]},
        **{f"ladder_{ladder.id}": pl.String() for ladder in table.ladder if ladder.id != "circle"},
    }
    if table.exit is not None:
        types |= {"exit_months": pl.Int64(), "exit_amount": MONEY}
    if table.review is not None:
        types |= {"review_on": pl.Date()} | ({} if table.review.holds is None else {"held": pl.Boolean()})
    if detail == "items":
        types |= {f"item_{item.id}": points for item in table.item}
    return types | {o.name: output_type(output_kinds[o.name], o.show) for o in table.output}


def types_of(checked: Checked, detail: str) -> dict[str, pl.DataType]:
    """`column_types` of a checked table."""
    kinds = {output.name: checked.kind_of_name[output.name] for output in checked.table.output}
    return column_types(checked.table, detail, kinds)


def output_type(kind: Kind, show: Show | None) -> pl.DataType:
    """The column type of an `[[output]]`."""
    match kind.type:
        case "number":
            return pl.Decimal(WIDE, decimals_of(show.to if show else CENT))
        case "bool":
            return pl.Boolean()
        case "date":
            return pl.Date()
        case _:
            return pl.String()


def decimals_of(step: Fraction) -> int:
    """How many decimals the multiples of `step` need (at most 9)."""
    for decimals in range(10):
        if (step * 10**decimals).denominator == 1:
            return decimals
    raise EngineError(Fault("common.engine", params={"what": f"step {step}"}))


def ladder_column(ladder: Ladder, stored: Array, complete: Array | None) -> Column:
    """A ladder's stored rung index (or mask, for `pick = "all"`) as ids; null where it is missing."""
    rungs = [*(rung.id for rung in ladder.rung), ladder.otherwise.id]
    if ladder.pick == "all":
        return mask_column(stored, rungs, complete, keep_order=True)
    return text_column([*rungs, None], np.minimum(stored, len(rungs)), complete)


def ladder_outcomes(ladder: Ladder) -> list[Outcome]:
    """The outcome that each place of the circle ladder stands for, `otherwise` last."""
    return [*(rung.outcome or "meets" for rung in ladder.rung), ladder.otherwise.outcome or "does_not_meet"]


def rank_columns(keys: Sequence[rank.Key], chosen: Array, circle: Array, area: Column) -> dict[str, Column]:
    """`position`, all ranks and `percentile`; null for households that are not ranked.

    Args:
        keys: the table's rank keys over all households, which stand in the order of their ids.
        chosen: (n,) bool; who is ranked.
        circle: (n,) integers; place on the circle ladder, negative for none.
        area: their area codes.
    """
    codes, places, known = area.coded()
    if known is not None:
        places = np.where(known, places.astype(np.int64), -1)
    ladder = np.arange(int(circle.max(initial=-1)) + 1)
    found = rank.ranks(keys, chosen, [rank.Grouping(places, rank.area_levels(codes)), rank.Grouping(circle, [ladder])])
    return shown_ranks(found, int(np.count_nonzero(chosen)))


def shown_ranks(found: Sequence[Array], ranked: int) -> dict[str, Column]:
    """`position`, all ranks and `percentile`, null where 0, as `rank.ranks` found them among `ranked` households."""
    made: dict[int, Column] = {}
    standing = known_of(found[0] > 0)
    for values in found:  # ranks that are the same everywhere are one array
        if id(values) not in made:
            known = standing if np.count_nonzero(values) == ranked else known_of(values > 0)
            made[id(values)] = Column(pl.UInt32(), values, known)
    columns = {name: made[id(values)] for name, values in zip(("position", *RANKS), found, strict=True)}
    share = rank.percentile(found[1], ranked)
    return columns | {"percentile": Column(pl.Decimal(5, 2), share, columns["rank"].valid)}


@dataclass(frozen=True)
class Results:
    """What a run gives.

    Attributes:
        sheet: one row for each household that is not rejected, by `household_id`; columns of `column_types`.
        persons: `PERSON_COLUMNS`, None for a table without person rules.
        rejects: the columns of `rejects.csv`, a row for each thing that is wrong.
        about: `run`; its hash may be empty.
        digest: `sha256`, or who is taking it meanwhile.
        overrides: what each correction on record does, columns of `corrections.COLUMNS`; None for a register without.
    """

    sheet: Sheet
    persons: pl.DataFrame | None
    rejects: pl.DataFrame
    about: dict[str, Any]
    digest: Future[str] | str
    overrides: pl.DataFrame | None = None

    @property
    def sha256(self) -> str:
        """`results_sha256`; waits until it is known."""
        return self.digest if isinstance(self.digest, str) else self.digest.result()

    @functools.cached_property
    def run(self) -> dict[str, Any]:
        """The content of `run.json` without sources and timings; waits for the hash."""
        return self.about | {"results_sha256": self.sha256} if self.about else {}

    @property
    def frame(self) -> pl.DataFrame:
        """`sheet` as a polars frame, made when first asked for."""
        return self.sheet.frame


@dataclass(frozen=True)
class Found:
    """What the machine found.

    Attributes:
        sheet: the result columns of the households that are not rejected.
        persons: see `Results`.
        kept: bool (households of the register), which are not rejected.
    """

    sheet: Sheet
    persons: pl.DataFrame | None
    kept: Array

    @property
    def frame(self) -> pl.DataFrame:
        """`sheet` as a polars frame, made when first asked for."""
        return self.sheet.frame


def build(
    register: Register, checked: Checked, columns: Columns, raw: Raw, run_flags: Sequence[str], *, ranks: bool = True
) -> Found:
    """The result columns of a register.

    Args:
        register, columns, raw: a register, as it was bound and run, and what the machine stored.
        run_flags: flags that every household of this run carries.
        ranks: False leaves `position`, all ranks and `percentile` null: of a part of a register they mean nothing.
    """
    with ThreadPoolExecutor(1) as aside:
        lists = aside.submit(list_columns, register, checked, columns, raw, run_flags)
        found, kept = _number_columns(register, checked, columns, raw, ranks)
        found |= lists.result()
    rows, types = columns.rows[0], types_of(checked, columns.program.detail)
    nothing = {"vetoes": text_column([""], np.zeros(rows, dtype=np.uint32))}
    made = {name: found.get(name) or nothing.get(name) or absent(kind, rows) for name, kind in types.items()}
    return Found(Sheet(made, rows).taken(kept), persons_frame(register, checked.table, raw, kept), kept)


def _number_columns(
    register: Register, checked: Checked, columns: Columns, raw: Raw, ranks: bool
) -> tuple[dict[str, Column], Array]:
    """All other columns; which households are kept."""
    program, table, rows = columns.program, checked.table, columns.rows[0]
    incomplete = incomplete_rows(raw) if "missing" in raw else np.zeros(rows, dtype=np.bool_)
    complete = known_of(~incomplete)
    kept = columns.served & ~rejected_rows(table, program, raw, rows)
    codes, places = columns.codes
    areas = register.frames["household"]["area_code"]
    known = areas.is_not_null().to_numpy() if areas.null_count() else None
    found = {"area_code": Column(pl.String(), places, known, Texts.of(codes))}
    circle = next((ladder for ladder in table.ladder if ladder.id == "circle"), None)
    found["outcome"] = text_column(*outcome_places(circle, raw, incomplete))
    for ladder in table.ladder:
        name = ladder.id if ladder is circle else f"ladder_{ladder.id}"
        found[name] = ladder_column(ladder, raw[f"ladder:{ladder.id}"].values, complete)
    if ranks:
        found |= rank_columns(rank_keys(table, raw), *standing(table, raw, incomplete, kept), found["area_code"])
    found |= points_columns(table, raw, complete, program.detail)
    for column, store in MONEY_STORES.items():
        if store in raw:
            found[column] = stored_number(raw[store], complete, 2, MONEY)
    if "exit:months" in raw:
        found["exit_months"] = stored_number(raw["exit:months"], complete, 0, pl.Int64())
    if table.review is not None:
        reviews = review_columns(raw, ~incomplete, columns.on)
        found |= {name: plain_column(series) for name, series in reviews.items()}
    for output in table.output:
        found[output.name] = output_column(raw[f"output:{output.name}"], output.show, complete)
    return found, kept


MONEY_STORES = {
    "income_per_head": "income_per_head",
    "gap_to_next_line": "gap",
    "benefit_month": "benefit",
    "exit_amount": "exit:amount",
}
"""Money columns and the machine's stores, all in fen."""


def rejected_rows(table: Table, program: Program, raw: Raw, rows: int) -> Array:
    """(rows,) bool: households outside a `[[require]]` that rejects."""
    found = np.zeros(rows, dtype=np.bool_)
    rejecting = {require.id for require in table.require if require.outside == "reject"}
    for label, name in enumerate(program.requires):
        if name in rejecting:
            found |= plane_bit(raw["require"].values, label)
    return found


def outcome_places(circle: Ladder | None, raw: Raw, incomplete: Array) -> tuple[list[str], Array]:
    """Outcomes, and the place of each household's among them: incomplete, then refused, deferred, what is declared."""
    declared = ladder_outcomes(circle) if circle is not None else []
    texts = [*declared, "meets", "does_not_meet", "needs_review", "incomplete"]
    meets, refused, deferred, missing = (len(texts) - k for k in (4, 3, 2, 1))
    place = np.full(len(incomplete), meets)
    if circle is not None and circle.pick == "first":
        place = raw["ladder:circle"].values.astype(np.int64)
    place = np.where(raw["deferred"].values == TRUE, deferred, place)
    place = np.where(raw["refused"].values == TRUE, refused, place)
    return texts, np.where(incomplete, missing, place)


def standing(table: Table, raw: Raw, incomplete: Array, kept: Array) -> tuple[Array, Array]:
    """(rows,) bool, who is ranked; (rows,) int64, the place of each on the circle ladder, negative for none."""
    chosen = ~incomplete & kept
    if "among" in raw:
        chosen &= raw["among"].values == TRUE
    circle = next((ladder for ladder in table.ladder if ladder.id == "circle"), None)
    if circle is None or circle.pick != "first":
        return chosen, np.full(len(chosen), -1, dtype=np.int64)
    return chosen, np.where(incomplete, -1, raw["ladder:circle"].values.astype(np.int64))


def rank_keys(table: Table, raw: Raw) -> list[rank.Key]:
    """The table's keys as the machine stored them, rounded already where the table says so."""
    keys = []
    for number, key in enumerate(table.rank.keys):
        stored = raw[f"rank:{number}"]
        values = stored.values.astype(np.int64, copy=False)
        valid = None if stored.valid is None else stored.valid == 1
        if stored.type == "bool":
            # A Kleene byte: 1 true, 2 false, 0 missing; false comes before true.
            values, valid = (stored.values == TRUE).astype(np.int64), stored.values != 0
        keys.append(rank.Key(values, valid, key.order == "descending", key.nulls == "first"))
    return keys


def stored_number(stored: Stored, complete: Array | None, decimals: int, kind: pl.DataType) -> Column:
    """A stored number as a column; null where it is missing or the household is incomplete."""
    known = complete
    if stored.valid is not None:
        known = known_of(stored.valid == 1 if complete is None else complete & (stored.valid == 1))
    return number_column(stored.values, known, stored.den, decimals, kind)


def points_columns(table: Table, raw: Raw, complete: Array | None, detail: str) -> dict[str, Column]:
    """Index, group points and, on request, item points."""
    found: dict[str, Column] = {}
    for place, index in enumerate(table.index):
        kind = pl.Decimal(18, index.decimals)
        shown = stored_number(raw[f"index:{index.id}"], complete, index.decimals, kind)
        found["index" if place == 0 else f"index_{index.id}"] = shown
    if table.index:
        main = table.index[0]
        stored, kind = raw[f"index:{main.id}"], pl.Decimal(18, main.decimals)
        found["index_exact"] = fraction_column(stored.values, stored.den, complete)
        parts = {f"points_{group.id}": f"group:{group.id}:{main.id}" for group in table.group}
        if detail == "items":
            parts |= {f"item_{item.id}": f"item:{item.id}:{main.id}" for item in table.item}
        for column, name in parts.items():
            found[column] = stored_number(raw[name], complete, main.decimals, kind)
    return found


def output_column(stored: Stored, show: Show | None, complete: Array | None) -> Column:
    """One `[[output]]` as a column; the machine has rounded numbers already."""
    if stored.type == "number":
        decimals = decimals_of(show.to if show else CENT)
        return stored_number(stored, complete, decimals, pl.Decimal(WIDE, decimals))
    known = None if stored.valid is None else stored.valid == 1
    if stored.type == "bool":
        known = stored.values != 0
    known = complete if known is None else known_of(known if complete is None else known & complete)
    match stored.type:
        case "bool":
            return Column(pl.Boolean(), stored.values == TRUE, known)
        case "date":
            return plain_column(nulled(date_series(stored.values), known))
        case "enum":
            return text_column(stored.domain, stored.values, known)
        case _:
            return mask_column(stored.values, stored.domain, known)


PERSON_STATES = (None, "meets", "does_not_meet", "incomplete")


def persons_frame(register: Register, table: Table, raw: Raw, kept: Array) -> pl.DataFrame | None:
    """A row for each member whom a person rule concerns; None for a table without such rules."""
    if not table.person:
        return None
    members = register.frames["member"]
    household = members["household"]
    ids = register.frames["household"]["household_id"].gather(household)
    stays = kept[household.to_numpy()]
    parts = []
    for person in table.person:
        state, benefit = raw[f"person:{person.id}:state"], raw[f"person:{person.id}:benefit"]
        known = state.values != PERSON_STATES.index("incomplete")
        if benefit.valid is not None:
            known &= benefit.valid == 1
        rule = pl.DataFrame(
            {
                "household_id": ids,
                "member_id": members["member_id"],
                "rule": pl.repeat(person.id, members.height, dtype=pl.String, eager=True),
                "outcome": chosen_texts(PERSON_STATES, state.values),
                "benefit_month": decimal_series(benefit.values, known, benefit.den, 2),
            }
        )
        parts.append(rule.filter(pl.Series(stays & (state.values != 0))))
    return pl.concat(parts).sort("household_id", "member_id", "rule")
