"""One register under two settings: who moved, and why. The one path of this package.

align    the households of both registers in one order        `align`
run      both settings, and the mixtures between them         `runs`, `answer`
side     each setting's results as whole numbers              `side`
stand    what a newer version keeps of the older one          `transition`
take     changes apart into standard, table and data          `causes`
build    the movement and its sums                            `frame`, `totals`
"""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from hardship import sheet_csv
from hardship.columns import Array, nulled
from hardship.days import after_months
from hardship.movement import totals as sums
from hardship.movement.align import align
from hardship.movement.causes import amount_shares, index_scale, index_shares, state_causes
from hardship.movement.coded import counted
from hardship.movement.frame import KINDS, Shown, both, changes, kinds, places, sheet
from hardship.movement.record import movement_record, stop_on_nothing
from hardship.movement.runs import BEFORE, FACTORS, Runs
from hardship.movement.side import Lacking, lacking, side
from hardship.movement.transition import kept, stand
from hardship.movement.transition import record as transition_record
from hardship.sheet import own_texts, plain_column, text_column

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardship.inputs import Inputs, Progress
    from hardship.movement.align import Aligned
    from hardship.movement.answer import Answer
    from hardship.movement.causes import Shares
    from hardship.sheet import Column, Sheet

COUNTED = (
    *(
        "area_code",
        "residence",
        "kind",
        "changed",
        "cause",
        "held",
        "exit_months",
        "exit_amount",
        "exit_until",
        "rank_change",
    ),
    *(f"{name}_{end}" for name in ("state", "persons", "income", "amount") for end in ("before", "after")),
    *(f"amount_by_{factor}" for factor in FACTORS),
)
"""Columns that are summed up."""


@dataclass(frozen=True)
class Movement:
    """What two settings make of the same households.

    Attributes:
        before, after: the settings.
        sheet: one row for every household of either register, by `household_id`.
        matrix, totals, exits, causes: see `totals`. `docs/interfaces.md` lists all columns.
        run: the content of `run.json` without sources and timings.
        sha256: of `sheet` as CSV.
    """

    before: Inputs
    after: Inputs
    sheet: Sheet
    matrix: pl.DataFrame
    totals: pl.DataFrame
    exits: pl.DataFrame
    causes: pl.DataFrame
    run: dict[str, Any]
    sha256: str

    @property
    def frame(self) -> pl.DataFrame:
        """`sheet` as a polars frame, made when first asked for."""
        return self.sheet.frame

    @property
    def changed(self) -> pl.DataFrame:
        """The households of which something changed; none where nothing did."""
        return self.frame.filter(pl.col("changed") != "")


def rerank(
    before: Inputs,
    after: Inputs,
    *,
    threads: int = 0,
    block: int = 2048,
    quick: bool = False,
    accepted: str = "",
    proposal: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Movement:
    """Compare two settings, household by household.

    Args:
        before, after: registers, tables, standards and dates. Where both share one register object it is bound once.
        threads: 0 uses all cores. Nothing depends on it, nor on `block`.
        quick: leave the causes out: two runs of the machine, whatever differs.
        accepted: why implausible incomes are right; "" stops on them.
        proposal: for the record, what the tests say of new standards (`proposal.record`).

    Raises:
        RegisterError: no household is left on a side, or incomes that a wrong unit would explain.
        TableError: a standard that holds for a household does not fit the table of its setting; a circle that a
            newer version keeps is not in it.
    """
    say = progress or (lambda what, share: None)
    say("score", 0.0)
    runs = Runs(before, after, threads=threads, block=block)
    order = align(before.register, after.register)
    scale = index_scale(runs)
    two = both(order, _sides(runs, order, scale), runs.states)
    standing = kept(before, after, two, runs.states)
    two = stand(two, standing.rows, after, runs.states)
    say("causes", 0.4)
    parts: dict[str, Shares] = {}
    cause = text_column([""], np.zeros(two.height, np.uint8))
    if not quick:
        parts, cause = _causes(runs, order, two, standing.rows)
    say("write", 0.7)
    area, residence = places(order, (before.register, after.register))
    others = {
        "household_id": own_texts(order.ids),
        "area_code": area,
        "residence": residence,
        "kind": text_column(KINDS, kinds(two, runs.states)),
        "changed": changes(two),
        "cause": cause,
        "held": _held(two, standing.rows),
        "review_on": plain_column(two["review_on_after"]),
        "exit_until": plain_column(exit_ends(after.on, two["exit_months_after"])),
        **{
            f"state_{name}": text_column(runs.states.names, two[f"state_{name}"].to_numpy())
            for name in ("before", "after")
        },
    }
    tables = [one.checked.table for one in (before, after)]
    decimals = max((table.index[0].decimals for table in tables if table.index), default=0)
    made = sheet(two, others, parts, Shown(decimals, scale))
    with ThreadPoolExecutor(1) as aside:  # the hash is one long chain: other work goes on beside it
        hashed = aside.submit(sheet_csv.sha256, made, threads)
        few = counted(made, COUNTED)
        found = (
            sums.matrix(few, runs.states),
            sums.totals(few, (two["covered_before"], two["covered_after"]), (two["meets_before"], two["meets_after"])),
            sums.exits(few.with_columns(order.ids), after.on),
            sums.causes(few, runs.differs),
        )
        told = {"transition": transition_record(after, standing), "proposal": proposal}
        run = movement_record(runs, few, scale, accepted)
        digest = hashed.result()
    say("write", 1.0)
    return Movement(before, after, made, *found, run | {"movement_sha256": digest} | told, digest)


def _sides(runs: Runs, order: Aligned, scale: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The columns of both settings; computed once where nothing differs."""
    wanted: list[tuple[Inputs, Lacking, Answer, int, list[str]]] = []
    told: Lacking | None = None
    ends = zip(runs.settings, (BEFORE, runs.after), order.refused, strict=True)
    for setting, mixture, refused in ends:
        if not wanted or mixture != BEFORE:
            columns, raw = runs.raw(mixture)
        found = runs.answer(mixture)
        assert found is not None
        stop_on_nothing(setting, columns, raw, int(found.kept.sum()))
        told = lacking(columns, raw, found, told)
        wanted.append((setting, told, found, scale, refused.unique().to_list()))
    with ThreadPoolExecutor(len(wanted)) as both_sides:
        made = list(both_sides.map(lambda one: side(*one), wanted))
    return made[0], made[1]


def _causes(runs: Runs, order: Aligned, two: pl.DataFrame, standing: Array) -> tuple[dict[str, Shares], Column]:
    """Shares of index and amount, and the cause of each changed state; what stands by a transition has not changed."""
    parts = {"index": index_shares(runs, order), "amount": amount_shares(runs, order)}
    found, names = state_causes(runs, order)
    if not standing.any():
        return parts, text_column(names, found)
    for part in parts["amount"].parts:
        part[standing] = 0
    parts["amount"].known[standing] = True
    renamed = (two["state_before"] != two["state_after"]).to_numpy()
    found[standing] = np.where(renamed[standing], len(names), 0)
    return parts, text_column([*names, FACTORS[1]], found)


def _held(two: pl.DataFrame, standing: Array) -> Column:
    """Why an amount stands: `transition`, `review`, or empty."""
    place = np.where(two["held_after"].fill_null(False).to_numpy(), 1, 0)
    return text_column(["", "review", "transition"], np.where(standing, 2, place))


def exit_ends(on: dt.date, months: pl.Series) -> pl.Series:
    """The last day of gradual exits that begin on a day and last for so many whole months; null for none."""
    known = (months > 0).fill_null(False).to_numpy()
    counts = np.where(known, months.fill_null(0).to_numpy(), 0)
    last = [after_months(on, count) - dt.timedelta(1) for count in range(int(counts.max(initial=0)) + 1)]
    return nulled(pl.Series(last, dtype=pl.Date).gather(counts), known)
