"""The one path: a register, a checked table and standards in; ranked results out. Read this file first.

lower    the table's arrays                          `lower`
bind     the register's and the standards' columns   `bind`
run      the block machine                           `machine`
build    result columns, ranks                       `results`, `rank`
"""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from hardship import results
from hardship.columns import csv_texts
from hardship.corrections import counted, effects, lanes
from hardship.engine import machine
from hardship.errors import Fault, RegisterError
from hardship.flags import run_flags
from hardship.lowering.bind import bind
from hardship.lowering.lower import Detail
from hardship.lowering.program import lowered
from hardship.plausible import check_columns, check_incomes
from hardship.reading.rejects import main_reasons
from hardship.record import hashing, record, set_aside
from hardship.results import Results

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.inputs import Progress
    from hardship.lowering.bind import Columns
    from hardship.register import Register
    from hardship.standards import Standards


def score(
    register: Register,
    checked: Checked,
    standards: Standards,
    on: dt.date,
    *,
    threads: int = 0,
    block: int = 2048,
    detail: Detail = "results",
    forced: bool = False,
    accepted: str = "",
    progress: Progress | None = None,
) -> Results:
    """Score and rank a register.

    Args:
        on: the assessment date.
        threads: 0 uses all cores. Results do not depend on it, nor on `block`.
        block: most households that are computed at a time.
        detail: `items` adds a column for each item.
        forced: the table's version was chosen by force; flagged on every row.
        accepted: why implausible incomes are right; "" stops on them.

    Raises:
        RegisterError: no household is left, or incomes that a wrong unit would explain.
        TableError: a standard that holds for a household does not fit the table.
    """
    say = progress or (lambda what, share: None)
    say("score", 0.0)
    program = lowered(checked, detail)
    columns = bind(program, register, standards, on)
    raw = machine.run(program, columns, threads=threads or os.cpu_count() or 1, block=block)
    say("rank", 0.6)
    flags = run_flags(checked.table, on, forced)
    found = results.build(register, checked, columns, raw, flags)
    rejects = set_aside(register, checked, columns, raw)
    if found.sheet.height == 0:
        count = register.counts["households"]["in"]
        raise RegisterError([Fault("common.nothing_left", params={"rejected": count}), *main_reasons(rejects)])
    digest = hashing(found.sheet)
    incomes = check_incomes(found.sheet, checked, standards, on, accepted)
    used = [column.attribute for column in program.columns]
    doubtful = check_columns(register, used, checked, standards, on, accepted, columns.codes[0])
    done = record(
        register, checked, standards, on, found, rejects, digest,
        detail=detail, flags=flags, incomes=incomes, columns=doubtful,
    )  # fmt: skip
    if "overrides" in register.counts:
        done = _with_corrections(done, register, checked, columns, standards, on)
    say("rank", 1.0)
    return done


def _with_corrections(
    done: Results, register: Register, checked: Checked, columns: Columns, standards: Standards, on: dt.date
) -> Results:
    """The results with what each correction on record does: the same households once more, each without one of them."""
    without: dict[int, dict[str, str]] = {}
    alone, chosen = lanes(register)
    if chosen:
        bound = bind(columns.program, alone, standards, on)
        raw = machine.run(columns.program, bound)
        found = results.build(alone, checked, bound, raw, ())
        kept = [number for number, stays in zip(chosen, found.kept, strict=True) if stays]
        without = dict(zip(kept, csv_texts(found.frame), strict=True))
    named = {one.household_id for one in register.corrections}
    mine = done.frame.filter(pl.col("household_id").is_in(named))
    frame = effects(register.corrections, {row["household_id"]: row for row in csv_texts(mine)}, without)
    about = done.about | {"overrides": counted(frame, register.counts["overrides"])}
    return replace(done, overrides=frame, about=about)
