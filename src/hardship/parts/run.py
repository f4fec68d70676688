"""A run over a register in parts: each part scored by itself, one order over all, ranks added, everything written.

Memory holds two or three parts and the order, whatever the register's size. Two parts are read and scored at a time,
and a part is written while the next is told to the hash. Who does the work is an `Engine`: threads here, a cluster in
`hardship.spark`.
"""

from __future__ import annotations

import datetime as dt
import shutil
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl

from hardship import export, record, sheet_check, summary
from hardship.columns import Array
from hardship.engine import machine
from hardship.errors import Fault, RegisterError
from hardship.flags import run_flags
from hardship.inputs import open_table
from hardship.language.fields import Level
from hardship.language.table import Table
from hardship.lowering.lower import Detail
from hardship.lowering.program import lowered
from hardship.parts import across, find, spill
from hardship.parts.find import Part
from hardship.parts.finish import Last, Told, finished, write
from hardship.parts.joined import content_hash
from hardship.parts.order import Order, planned, rank_range, split, standing_before
from hardship.parts.score_part import TOWNSHIP, Job, Scored, score_part
from hardship.plausible import ENOUGH, SAMPLE, check_columns, check_median
from hardship.reading.rejects import main_reasons
from hardship.register import LEVELS
from hardship.reports.groups import added_counts, shown_groups
from hardship.reports.household_facts import UNKNOWN, area_cut
from hardship.reports.words import settled_names
from hardship.standards import load_standards

SPLIT = 1024  # spans that a value is looked for in at a time
AT_ONCE = 2
"""Parts that are worked on at a time; each of them uses all cores."""
MEMORY = 512 * 2**20  # bytes that the order may take unless said otherwise
Progress = Callable[[str, int, int], None]
"""Called with what is being done, households done and households in all."""


class Engine(Protocol):
    """Who runs the three steps; none of them depends on the order in which parts are done."""

    def score(self, parts: Sequence[Part], job: Job) -> Iterator[Scored]:
        """Score all parts, in any order."""

    def rank(self, order: Order, threads: int) -> None:
        """Split all parts, and then rank all ranges."""

    def finish(self, last: Last, done: Callable[[int], None]) -> Told:
        """Write all parts and tell them in order; `done` is called with households written."""


class Threads:
    """All in this process."""

    def score(self, parts: Sequence[Part], job: Job) -> Iterator[Scored]:
        """See `Engine`."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield from pool.map(partial(score_part, job=job), parts)

    def rank(self, order: Order, threads: int) -> None:
        """See `Engine`."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(partial(split, order), range(len(order.parts))))
        for number, before in enumerate(standing_before(order)):
            rank_range(order, number, before, threads)

    def finish(self, last: Last, done: Callable[[int], None]) -> Told:
        """See `Engine`."""
        told, count = Told(), len(last.order.parts)
        writing: deque[Future[None]] = deque()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            ahead = pool.submit(finished, last, 0)
            for place in range(count):
                sheet = ahead.result()
                if place + 1 < count:
                    ahead = pool.submit(finished, last, place + 1)
                writing.append(pool.submit(write, last, place, sheet))
                told.tell(sheet, last.job.threads)
                if len(writing) > AT_ONCE:
                    writing.popleft().result()
                done(sheet.height)
            for one in writing:
                one.result()
        return told


@dataclass(frozen=True)
class Sampled:
    """Some rows of a register."""

    frames: Mapping[Level, pl.DataFrame]


@dataclass(frozen=True)
class Done:
    """What a run in parts gives beside its files.

    Attributes:
        run: the content of `run.json`.
        seen: what the summary shows.
        checked: the table.
        notes: about the files.
        rejected: lines of `rejects.csv`.
    """

    run: dict[str, Any]
    seen: summary.Seen
    checked: Any
    notes: tuple[Fault, ...]
    rejected: int


def run(
    register: Path,
    table: str,
    on: dt.date,
    out: Path,
    *,
    standards: Sequence[Path] = (),
    threads: int = 0,
    block: int = 2048,
    detail: Detail = "results",
    accepted: str = "",
    memory: int = MEMORY,
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> Done:
    """Score and rank a register in parts and write the results into the folder `out`, replacing older ones as a whole.

    Args:
        register: a folder as `find` takes it.
        table, standards: see `inputs.open_inputs`.
        threads, block, detail, accepted: see `score.score`.
        memory: bytes that the order may take; beyond, it is made in several passes. Results do not depend on it.
        engine: who does the work; threads of this process unless given.

    Raises:
        RegisterError: the register is none in parts, a part cannot be read, parts are mixed up, or nothing is left.
        TableError, UsageError: see `inputs.open_inputs` and `export.prepare`.
    """
    export.prepare(out)
    say = progress or (lambda _what, _done, _all: None)
    worker = engine or Threads()
    began = time.perf_counter()
    parts = find.find(register)
    checked, forced = open_table(table, on)
    numbers = load_standards(standards)
    machine.warm()
    sheet_check.check()
    ready = time.perf_counter()
    total = sum(part.rows["household"] for part in parts)
    with export.staged(out, export.OURS) as staging:
        job = Job(
            Path(checked.path).read_text(encoding="utf-8"), Path(checked.path).name, numbers, on, forced, block,
            threads, detail, _steps(parts), staging / ".work", staging,
        )  # fmt: skip
        job.work.mkdir()
        for folder in ("results", *(("persons",) if checked.table.person else ())):
            (staging / folder).mkdir()
        scored = []
        for one in worker.score(parts, job):
            scored.append(one)
            say("score", sum(each.entities["households"]["in"] for each in scored), total)
        scored = across.in_order(scored, {part.name: part for part in parts}, job)
        if not sum(one.rows for one in scored):
            reasons = main_reasons(_rejects(scored))
            raise RegisterError([Fault("common.nothing_left", params={"rejected": total}), *reasons])
        judged = _judged(scored, job, accepted)
        ranked = time.perf_counter()
        say("rank", 0, total)
        order = planned(job.work, scored, _circles(checked.table), memory)
        worker.rank(order, threads)
        shared = across.shared_persons(job.work, scored, memory)
        finishing = time.perf_counter()
        written = 0

        def done(rows: int) -> None:
            nonlocal written
            written += rows
            say("write", written, total)

        last = Last(job, order, tuple(one.rows for one in scored), shared)
        told = worker.finish(last, done)
        rejects, groups = _rejects(scored), _groups(scored, checked.table)
        export.write_csv(rejects, staging / export.REJECTS)
        export.write_csv(groups, staging / export.GROUPS)
        shutil.rmtree(job.work)
        seconds = {
            "read": ready - began, "score": ranked - ready, "rank": finishing - ranked,
            "write": time.perf_counter() - finishing,
        }  # fmt: skip
        sources = {"register": [register], "table": [Path(checked.path)], "standards": list(standards), "mapping": []}
        content = _record(scored, job, judged, register.name, told.sha256())
        content = export.write_run(staging, out, content, sources, seconds)
    notes = {(note.code, str(note.params)): note for one in reversed(scored) for note in one.notes}
    return Done(content, _seen(scored, told), checked, tuple(notes.values()), rejects.height)


def _steps(parts: Sequence[Part]) -> dict[Level, int]:
    """Every how many rows an amount is looked at, so that no more are than of a register in one piece."""
    rows: Counter[Level] = Counter()
    for part in parts:
        rows.update(part.rows)
    return {level: max(1, rows[level] // SAMPLE) for level in LEVELS.values()}


def _circles(table: Table) -> int:
    """Places on the circle ladder."""
    circle = next((ladder for ladder in table.ladder if ladder.id == "circle"), None)
    return 0 if circle is None else len(circle.rung) + 1


def _rejects(scored: Sequence[Scored]) -> pl.DataFrame:
    """All lines of `rejects.csv`: what reading set aside, then what the table cannot score."""
    return pl.concat([*(one.rejected for one in scored), *(one.unfit for one in scored)])


def _judged(scored: Sequence[Scored], job: Job, accepted: str) -> dict[str, Any]:
    """The stop on wrong units; what is recorded of it."""
    areas = {code for one in scored for code in one.codes}
    incomes: dict[str, Any] = {}
    stored = [partial(spill.load, job.work / one.name, "incomes", np.int64) for one in scored]
    count = sum(one.incomes for one in scored)
    if count >= ENOUGH:
        median = Fraction(nth(stored, count // 2), 100)
        incomes = check_median(median, areas, job.checked, job.standards, job.on, accepted)
    frames = {level: pl.concat([one.sample[level] for one in scored]) for level in LEVELS.values()}
    used = [column.attribute for column in lowered(job.checked, job.detail).columns]
    columns = check_columns(Sampled(frames), used, job.checked, job.standards, job.on, accepted, areas)
    return {"incomes": incomes, "columns": columns}


def nth(several: Sequence[Callable[[], Array]], place: int) -> int:
    """The value at `place` (from 0) of all values together; each array is in order, and held only while looked at."""
    ends = [(int(values[0]), int(values[-1])) for values in (load() for load in several) if len(values)]
    low, high = min(first for first, _ in ends), max(last for _, last in ends)
    while low < high:
        edges = np.unique([low + (high - low) * k // SPLIT for k in range(SPLIT)])
        upto = sum(np.searchsorted(load(), edges, side="right") for load in several)
        number = int(np.searchsorted(upto, place, side="right"))  # the first edge that enough values do not exceed
        low, high = (int(edges[number - 1]) + 1 if number else low), int(edges[number]) if number < len(edges) else high
    return low


def _groups(scored: Sequence[Scored], table: Table) -> pl.DataFrame:
    """The group report."""
    names = pl.concat([one.groups["area"]["group"] for one in scored])
    cut = min(TOWNSHIP, area_cut(names.filter(names != UNKNOWN)))
    townships = settled_names(pl.concat([one.names for one in scored]))
    return shown_groups(added_counts([one.groups for one in scored], cut), table, townships)


def _record(scored: Sequence[Scored], job: Job, judged: dict[str, Any], name: str, results: str) -> dict[str, Any]:
    """`run.json`, all but sources and timings."""
    register = {"name": name, "sha256": content_hash(one.sha256 for one in scored), "parts": len(scored)}
    counts = record.added_counts([one.counts for one in scored])
    flags = run_flags(job.checked.table, job.on, job.forced)
    return record.content(
        job.checked, job.standards, job.on, register, counts, results, detail=job.detail, flags=flags, **judged
    )


def _seen(scored: Sequence[Scored], told: Told) -> summary.Seen:
    """What the screen shows."""
    outcomes: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    for one in scored:
        outcomes.update(one.seen.outcomes)
        codes.update(one.seen.codes)
    cells = pl.concat([one.seen.cells for one in scored])
    sums = pl.col("households", "persons", "benefit_month").sum()
    return summary.Seen(
        dict(outcomes), dict(codes), cells.group_by("area_code", "circle").agg(sums).sort("area_code", "circle"),
        pl.concat(told.hardest).sort("position"),
    )  # fmt: skip
