"""A part of a batch through the engine: read, scored, and put back into the order of the request."""

from __future__ import annotations

import datetime as dt
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

import hardship
from hardship import results
from hardship.columns import Array
from hardship.engine import machine
from hardship.errors import RegisterError, UsageError
from hardship.flags import run_flags
from hardship.lowering.bind import bind
from hardship.lowering.program import lowered
from hardship.plausible import IMPLAUSIBLE, check_columns, check_incomes
from hardship.record import set_aside
from hardship.register import clean
from hardship_api.parts import Entry, Part, error
from hardship_api.strict_json import Refused

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.standards import Standards

FOLLOWING = ("member_rejected", "household_rejected")
WHOLE = ("no_standard", "out_of_range")
"""Faults of a household as a whole."""
STAGES = ("read", "score", "results", "write")


@dataclass(frozen=True)
class Job:
    """What a batch is scored by.

    Attributes:
        accepted: why implausible incomes are right; "" stops on them.
        items: points of each item too.
        ranks: the part is the whole: positions and ranks are made.
        most: most households of the whole request.
    """

    checked: Checked
    standards: Standards
    on: dt.date
    forced: bool
    lang: str
    accepted: str = ""
    items: bool = False
    ranks: bool = False
    most: int = 1_000_000


@dataclass
class Progress:
    """How far a batch is.

    Attributes:
        seconds: spent so far on reading (up to a clean register), scoring (its columns through the machine), results
            (their columns, in the order of the request) and writing.
        ids: the household numbers seen.
    """

    households: int = 0
    scored: int = 0
    rejected: int = 0
    parts: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    ids: Seen = field(default_factory=lambda: Seen())

    @contextmanager
    def clock(self, stage: str) -> Iterator[None]:
        """The time inside counts for a stage."""
        began = time.perf_counter()
        yield
        self.seconds[stage] += time.perf_counter() - began


@dataclass(frozen=True)
class Answered:
    """One part's answer.

    Attributes:
        scored: the results with the first column `row`, by row.
        persons: rows of the person rules, with the column `row`; None for a table without such rules.
        wrong: what was wrong with every other row of the part.
    """

    scored: pl.DataFrame
    persons: pl.DataFrame | None
    wrong: dict[int, list[Entry]]


class Seen:
    """The numbers of all households of a batch so far, as two hashes each: sixteen bytes a household."""

    def __init__(self) -> None:
        self._seeds = secrets.randbits(32), secrets.randbits(32)
        self._runs: list[tuple[Array, Array]] = []

    def again(self, ids: pl.Series) -> Array:
        """(n,) bool: which of these distinct numbers were given before; all are known afterwards."""
        one, two = (ids.hash(seed).to_numpy() for seed in self._seeds)
        found = np.zeros(len(one), dtype=np.bool_)
        for first, second in self._runs:
            place = np.minimum(np.searchsorted(first, one), len(first) - 1)
            found |= (first[place] == one) & (second[place] == two)
        if len(one):
            self._keep(one, two)
        return found

    def _keep(self, one: Array, two: Array) -> None:
        """As sorted runs, each more than twice as long as the next: few to look through, each number moved rarely."""
        while self._runs and len(self._runs[-1][0]) <= 2 * len(one):
            first, second = self._runs.pop()
            one, two = np.concatenate([first, one]), np.concatenate([second, two])
        order = np.argsort(one)
        self._runs.append((one[order], two[order]))


def answer(job: Job, progress: Progress, part: Part) -> Answered:
    """Score the households of a part.

    Raises:
        Refused: incomes that a wrong unit would explain (the first part only), two columns that mean the same, a date
            that cannot be scored, more households than allowed.
    """
    if progress.households + part.households > job.most:
        raise Refused("api.too_many_rows", 413)
    wrong = {row: list(faults) for row, faults in part.wrong.items()}
    scored = pl.DataFrame(schema={"row": pl.Int64})
    persons = None
    if part.rows:
        try:
            scored, persons = _scored(job, progress, part, wrong)
        except RegisterError as fault:
            implausible = any(one.code in IMPLAUSIBLE for one in fault.faults)
            raise Refused("api.implausible" if implausible else "api.columns") from None
        except UsageError:
            raise Refused("api.date") from None
    progress.parts += 1
    progress.households += part.households
    progress.scored += scored.height
    progress.rejected += len(wrong)
    return Answered(scored, persons, dict(sorted(wrong.items())))


def _scored(
    job: Job, progress: Progress, part: Part, wrong: dict[int, list[Entry]]
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    attributes = job.checked.names.attributes
    with progress.clock("read"):
        currency = job.checked.table.table.currency
        register = clean(part.tables, attributes, job.on, name="batch", currency=currency, hashed=False)
    home = register.frames["household"]
    found, rejects = None, register.rejects
    if home.height:
        with progress.clock("score"):
            columns = bind(lowered(job.checked, "items" if job.items else "results"), register, job.standards, job.on)
            raw = machine.run(columns.program, columns, threads=os.cpu_count() or 1)
        with progress.clock("results"):
            flags = run_flags(job.checked.table, job.on, job.forced)
            found = results.build(register, job.checked, columns, raw, flags, ranks=job.ranks)
            rejects = set_aside(register, job.checked, columns, raw)
            if not progress.scored:
                rules = job.checked, job.standards, job.on, job.accepted
                check_incomes(found.frame, *rules)
                check_columns(register, [column.attribute for column in columns.program.columns], *rules)
    with progress.clock("results"):
        return _placed(job, progress, part, wrong, home, rejects, found)


def _placed(
    job: Job,
    progress: Progress,
    part: Part,
    wrong: dict[int, list[Entry]],
    home: pl.DataFrame,
    rejects: pl.DataFrame,
    found: results.Found | None,
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """The results by row of the request; every other row of the part gets its errors in `wrong`."""
    rows = np.asarray(part.rows, dtype=np.int64)
    # That a row's own household falls with it needs no saying where the row's fault is said.
    told = rejects.filter(~pl.col("code").is_in(FOLLOWING))
    names = ["file", "line", "field", "code", "message_zh" if job.lang == "zh" else "message_en"]
    places = {entity: rows[owner].tolist() for entity, owner in part.owner.items()} if told.height else {}
    for file, line, field_, code, message in told.select(names).rows():
        row = places[file][line]
        place = part.pointer(file, line, "" if code in WHOLE else field_)
        wrong.setdefault(row, []).append(
            {"row": row, "elementPath": place, "code": "register." + code, "message": message}
        )
    mine = rows[home["line"].to_numpy()]
    again = progress.ids.again(pl.concat([home["household_id"], _others(rejects, home)]))[: home.height]
    for row in mine[again]:
        wrong[int(row)] = [
            error(int(row), "/household/household_id", "register.duplicate_household", job.lang, "api.twice")
        ]
    if found is None:
        _leftover(job, rows, wrong)
        return pl.DataFrame(schema={"row": pl.Int64}), None
    frame = found.frame.insert_column(0, pl.Series("row", mine[found.kept]))
    good = ~again[found.kept]
    persons = found.persons
    if persons is not None:
        persons = persons.join(
            frame.filter(good).select("row", "household_id"), on="household_id", maintain_order="left"
        )
    frame = frame.filter(good).sort("row")
    lost = np.ones(len(rows), dtype=np.bool_)
    lost[home["line"].to_numpy()[found.kept][good]] = False
    _leftover(job, rows[lost], wrong)
    return frame, persons


def _others(rejects: pl.DataFrame, home: pl.DataFrame) -> pl.Series:
    """The numbers of rejected households, each once."""
    named = rejects["household_id"].unique()
    return named.filter((named != "") & ~named.is_in(home["household_id"].implode()))


def _leftover(job: Job, rows: Array, wrong: dict[int, list[Entry]]) -> None:
    """No row is lost: one that is neither scored nor has a fault of its own says that it was rejected."""
    for row in rows:
        if int(row) not in wrong:
            wrong[int(row)] = [error(int(row), "", "api.rejected", job.lang)]


def said(job: Job) -> str:
    """Which engine, table, standards and day a batch is scored by: the header `Hardship-Run`."""
    table = job.checked.table.table
    return (
        f"engine={hardship.__version__}; table={table.id}@{table.version}; table_sha256={job.checked.sha256}; "
        f"standards_sha256={job.standards.sha256}; on={job.on}"
    )
