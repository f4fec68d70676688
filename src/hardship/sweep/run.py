"""Many settings over one register in one pass: read and bound once, run once for each setting, counted at once."""

from __future__ import annotations

import datetime as dt
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from hardship import __version__
from hardship.columns import decimal_series, fixed_point, sha256_of
from hardship.engine import machine, variants
from hardship.errors import Fault, RegisterError
from hardship.lowering.bind import bind
from hardship.lowering.program import incomplete, lower, lowered
from hardship.plausible import check_columns, check_incomes
from hardship.sweep import known
from hardship.sweep.apply import Rounding, changed_columns, changed_table, split
from hardship.sweep.settings import AS_IT_IS, Change, Setting
from hardship.sweep.tally import Alike, Counts, Tally

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.engine.machine import Raw
    from hardship.inputs import Progress
    from hardship.lowering.bind import Columns
    from hardship.register import Register
    from hardship.standards import Standards

MONTHS = 12
Own = tuple[tuple[str, Change], ...]


@dataclass(frozen=True)
class Sweep:
    """What a series of settings gives.

    Attributes:
        settings: in the order of their numbers; the first, number 0, is as it is now.
        targets: everything that any setting changes, in their order.
        frame: `setting` (number), a column for each target (the change as text, null: none), `level`, `area_code`,
            `rule`, `circle`, `outcome`, `households`, `persons`, `budget_month`, `budget_year` (money, null without a
            benefit).
        run: the content of `run.json` without sources and timings.
        sha256: of the frame as CSV.
    """

    settings: tuple[Setting, ...]
    targets: tuple[str, ...]
    frame: pl.DataFrame
    run: dict[str, Any]
    sha256: str


def sweep(
    register: Register,
    checked: Checked,
    standards: Standards,
    on: dt.date,
    settings: Sequence[Setting],
    *,
    level: str | None = None,
    rounding: Rounding | None = None,
    threads: int = 0,
    block: int = 2048,
    accepted: str = "",
    progress: Progress | None = None,
) -> Sweep:
    """Run a register under each of many settings.

    A changed local number costs a run of what depends on it; a changed number of the table a check, a lowering and a
    whole run, once for all settings that share it. Nothing is read, bound or compiled again.

    Args:
        settings: of `settings.grid` or `read_series`.
        level: also count by the areas of this level of `rank.AREA_LEVELS`.
        rounding: of changed local numbers; None: a number that its parameter cannot hold is an error.
        threads: 0 uses all cores; results do not depend on it.
        accepted: why implausible incomes are right; "" stops on them.

    Raises:
        UsageError: a setting names nothing of the table, or its number does not fit.
        RegisterError: no household is left, or incomes that a wrong unit would explain.
    """
    say = progress or (lambda what, share: None)
    everything = (AS_IT_IS, *settings)
    parts = [split(checked, setting) for setting in everything]
    program = lowered(checked, "totals")
    columns = bind(program, register, standards, on)
    # Every fault of a setting before any work.
    local = [changed_columns(columns, changes, rounding).values for changes, _ in parts]
    known.check()
    tally = Tally.of(register, level)
    doubtful = _check(register, checked, standards, on, columns, accepted)
    found: list[Counts | None] = [None] * len(everything)
    done = 0
    workers = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as executor:
        for table, bound, places in _tables(checked, columns, [own for _, own in parts], register, standards, on):
            if bound.values is columns.values:
                under = [replace(bound, values=local[place]) for place in places]
            else:
                under = [changed_columns(bound, parts[place][0], rounding) for place in places]
            raws = variants.runs(bound.program, under, threads=workers, block=block)
            for place, counted in zip(places, _counted(executor, workers, tally, table, bound, raws), strict=True):
                found[place] = counted
                done += 1
                say("whatif", done / len(everything))
    targets = tuple(dict.fromkeys(target for setting in everything for target, _ in setting.changes))
    frame = _frame(everything, targets, tally.frame(checked, [one for one in found if one is not None]))
    digest = sha256_of(frame)
    identity = checked.table.table
    run = {
        "schema": 1,
        "engine": __version__,
        "kind": "whatif",
        "on": on.isoformat(),
        "table": {"id": identity.id, "version": identity.version.isoformat(), "sha256": checked.sha256},
        "standards_sha256": standards.sha256,
        "register": register.told,
        "households": register.frames["household"].height,
        "columns": doubtful,
        "settings": [setting.text for setting in everything],
        "rounding": None
        if rounding is None
        else {"mode": rounding.mode, "to": str(rounding.to) if rounding.to else ""},
        "curve_sha256": digest,
    }
    return Sweep(everything, targets, frame, run, digest)


def _counted(
    executor: ThreadPoolExecutor, workers: int, tally: Tally, table: Checked, bound: Columns, raws: Iterator[Raw]
) -> Iterator[Counts]:
    """The counts of each setting of a table; some are counted at a time, so that not all results are held at once."""
    alike: Alike | None = None
    waiting: deque[Future[Counts]] = deque()
    for raw in raws:
        alike = alike or tally.under(table, bound, raw)
        waiting.append(executor.submit(tally.counted, alike, raw))
        if len(waiting) > 2 * workers:
            yield waiting.popleft().result()
    for one in waiting:
        yield one.result()


def _tables(
    checked: Checked, columns: Columns, owns: Sequence[Own], register: Register, standards: Standards, on: dt.date
) -> Iterator[tuple[Checked, Columns, list[int]]]:
    """Each different table with columns bound for it, and the settings that share it."""
    groups: dict[Own, list[int]] = {}
    for place, own in enumerate(owns):
        groups.setdefault(own, []).append(place)
    for own, places in groups.items():
        if not own:
            yield checked, columns, places
            continue
        changed = changed_table(checked, own)
        program = lower(changed, "totals")
        old = columns.program
        same = (program.columns, program.parameters, program.residences) == (
            old.columns,
            old.parameters,
            old.residences,
        )
        bound = replace(columns, program=program) if same else bind(program, register, standards, on)
        yield changed, bound, places


def _check(
    register: Register, checked: Checked, standards: Standards, on: dt.date, columns: Columns, accepted: str
) -> list[dict[str, Any]]:
    """Stop where a scoring of the register as it is would stop; the doubtful columns that it would tell."""
    raw = machine.compute(columns.program, columns)
    kept = columns.served & ~incomplete(raw)
    if not columns.served.any():
        count = register.counts["households"]["in"]
        raise RegisterError(Fault("common.nothing_left", params={"rejected": count}))
    if "income_per_head" in raw:
        income = raw["income_per_head"]
        known = kept if income.valid is None else kept & (income.valid == 1)
        incomes = decimal_series(income.values, known, income.den, 2).alias("income_per_head")
        frame = pl.DataFrame([register.frames["household"]["area_code"], incomes])
        check_incomes(frame, checked, standards, on, accepted)
    used = [column.attribute for column in columns.program.columns]
    return check_columns(register, used, checked, standards, on, accepted)


def _frame(settings: Sequence[Setting], targets: Sequence[str], counts: pl.DataFrame) -> pl.DataFrame:
    """The counts of all settings under each other, money as money."""
    heads = pl.DataFrame(
        {
            "setting": list(range(len(settings))),
            **{
                target: [dict(setting.changes)[target].text if target in dict(setting.changes) else None
                         for setting in settings]
                for target in targets
            },
        },
        schema={"setting": pl.Int64, **dict.fromkeys(targets, pl.String)},
    )  # fmt: skip
    frame = counts.join(heads, on="setting", how="left", maintain_order="left")
    fen = frame["fen"]
    month, year = (fixed_point(fen * factor, 18, 2) for factor in (1, MONTHS))
    return frame.select(
        "setting", *targets, "level", "area_code", "rule", "circle", "outcome", "households", "persons",
        month.alias("budget_month"), year.alias("budget_year"),
    )  # fmt: skip
