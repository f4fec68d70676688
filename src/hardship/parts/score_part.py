"""Score one part: the one function that runs on every part, in this process, in another, or on another machine.

It reads the part, scores it, and sets down what the second pass needs: the result columns without ranks, and the
keys of the order. What it gives back is small.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from hardship import export, record, results, summary
from hardship.columns import Array
from hardship.engine import machine
from hardship.errors import Fault
from hardship.flags import run_flags
from hardship.inputs import Inputs
from hardship.load import load_text
from hardship.lowering.bind import bind
from hardship.lowering.lower import Detail
from hardship.lowering.program import incomplete, lowered
from hardship.needed import needed
from hardship.parts import find, spill
from hardship.parts.find import Part
from hardship.plausible import PERIOD
from hardship.rank import Key
from hardship.reports.groups import group_counts
from hardship.reports.words import written_names
from hardship.standards import Standards

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.language.fields import Level
    from hardship.register import Register
    from hardship.results import Found

RANKED = ("position", *results.RANKS, "percentile")
"""The columns that only the whole register can fill."""
TOWNSHIP = 9  # digits of the code of the finest area that the group report counts by


_LOADING = Lock()


@dataclass(frozen=True)
class Job:
    """What is the same for all parts; plain values, which can be sent to other machines.

    Attributes:
        table, file: the scoring table's text and where it came from.
        standards, on, forced: see `inputs.Inputs`.
        block, threads, detail: see `score.score`.
        steps: at each level every how many rows an amount is looked at for wrong units.
        work: the folder for what the second pass needs.
        out: the folder of the results while they are being made.
    """

    table: str
    file: str
    standards: Standards
    on: dt.date
    forced: bool
    block: int
    threads: int
    detail: Detail
    steps: dict[Level, int]
    work: Path
    out: Path

    @property
    def checked(self) -> Checked:
        """The table, checked once in each process."""
        with _LOADING:  # two threads that begin together would both find nothing
            return _checked(self.table, self.file)


@lru_cache(maxsize=4)
def _checked(text: str, file: str) -> Checked:
    return load_text(text, file)


@dataclass(frozen=True)
class Bounds:
    """How far a key reaches within a part: smallest and largest known value, None if none is; whether one is not."""

    low: int | None
    high: int | None
    nulls: bool
    descending: bool
    nulls_first: bool


@dataclass(frozen=True)
class Scored:
    """What is known of a part after it was scored.

    Attributes:
        name: of the part.
        first, last: its first and last household read, None where there is none.
        persons: the same of its members' ids.
        rows: households with results; ranked: those that are ranked.
        entities: `Register.counts`.
        counts: of `run.json`.
        sha256: of the part's register.
        rejected, unfit: lines of `rejects.csv`: what reading set aside; what the table cannot score.
        notes: about its files.
        bounds: of each key of the order.
        codes: area codes of its households, in the order of the numbers that were set down.
        incomes: how many incomes were set down.
        sample: rows for the look at wrong units.
        names, groups, seen: see `reports.words`, `reports.groups`, `summary`.
    """

    name: str
    first: str | None
    last: str | None
    persons: tuple[str, str] | None
    rows: int
    ranked: int
    entities: dict[str, dict[str, int]]
    counts: dict[str, Any]
    sha256: str
    rejected: pl.DataFrame
    unfit: pl.DataFrame
    notes: tuple[Fault, ...]
    bounds: tuple[Bounds, ...]
    codes: list[str]
    incomes: int
    sample: dict[Level, pl.DataFrame]
    names: pl.DataFrame
    groups: dict[str, pl.DataFrame]
    seen: summary.Seen


def score_part(part: Part, job: Job) -> Scored:
    """Read and score one part.

    Raises:
        RegisterError: a file cannot be read at all.
        TableError: a standard that holds for a household does not fit the table.
    """
    return score_read(part, read_part(part, job), job)


def read_part(part: Part, job: Job) -> Register:
    """The register that a part is by itself."""
    checked = job.checked
    return find.read(part, checked.names.attributes, job.on, checked.table.table.currency, needed(checked))


def score_read(part: Part, register: Register, job: Job) -> Scored:
    """Score a part that was read."""
    checked, stem = job.checked, job.work / register.name
    program = lowered(checked, job.detail)
    columns = bind(program, register, job.standards, job.on)
    raw = machine.run(program, columns, threads=job.threads or os.cpu_count() or 1, block=job.block)
    flags = run_flags(checked.table, job.on, job.forced)
    found = results.build(register, checked, columns, raw, flags, ranks=False)
    rest = {name: column for name, column in found.sheet.columns.items() if name not in RANKED}
    spill.write(replace(found.sheet, columns=rest), stem.with_name(f"{stem.name}.sheet"))
    chosen, circle = results.standing(checked.table, raw, incomplete(raw), found.kept)
    rows = np.flatnonzero(chosen)
    keys = results.rank_keys(checked.table, raw)
    codes = _set_down_order(stem, keys, rows, found, circle)
    if found.persons is not None:
        export.write_parquet(found.persons, job.out / "persons" / f"{register.name}.parquet")
    people = register.frames["member"].select("household", "member_id")
    people.write_ipc(stem.with_name(f"{stem.name}.people"), compression="uncompressed")
    spill.save(stem, "kept", found.kept)
    incomes = _incomes(found)
    spill.save(stem, "incomes", incomes)
    rejects = record.set_aside(register, checked, columns, raw)
    split = register.rejects.height
    seen = summary.seen(results.Results(found.sheet, None, rejects, {}, ""), register)
    outcomes = seen.outcomes.get("incomplete", 0)
    ids = register.frames["household"]["household_id"]
    inputs = Inputs(register, checked, job.standards, job.on, job.forced, {})
    used = {column.attribute for column in program.columns}
    return Scored(
        register.name,
        *reach(ids, register.rejects),
        (str(people["member_id"].min()), str(people["member_id"].max())) if people.height else None,
        found.sheet.height,
        len(rows),
        register.counts,
        record.counts(register, found.kept, outcomes),
        register.sha256,
        rejects[:split],
        rejects[split:],
        register.notes,
        tuple(_bounds(key, rows) for key in keys),
        codes,
        len(incomes),
        {level: _sampled(level, frame, used, part, job) for level, frame in register.frames.items()},
        written_names(register, ("township",)),
        group_counts(found.sheet, inputs, cut=TOWNSHIP),
        replace(seen, hardest=seen.hardest.clear()),
    )


def _set_down_order(stem: Path, keys: Sequence[Key], rows: Array, found: Found, circle: Array) -> list[str]:
    """Set down what the order needs of each ranked household; the texts that the numbers of areas stand for.

    Args:
        rows: (ranked,) places in the register.
        circle: of all households of the register.
    """
    for number, key in enumerate(keys):
        spill.save(stem, f"key{number}", key.values[rows].astype(np.int64))
        if key.valid is not None:
            spill.save(stem, f"valid{number}", key.valid[rows])
    kept_rows = (np.cumsum(found.kept) - 1)[rows]  # results have no rows for rejected households
    codes, places, known = found.sheet.columns["area_code"].coded()
    area = places.astype(np.int32) if known is None else np.where(known, places.astype(np.int32), np.int32(-1))
    spill.save(stem, "rows", kept_rows.astype(np.uint32))
    spill.save(stem, "area", area[kept_rows])
    spill.save(stem, "circle", circle[rows].astype(np.int16))
    return codes


def reach(ids: pl.Series, rejects: pl.DataFrame) -> tuple[str | None, str | None]:
    """The first and the last household, rejected ones among them."""
    aside = rejects.filter(pl.col("file").str.starts_with("households/") & (pl.col("household_id") != ""))
    every = [*(ids[place] for place in (0, -1) if len(ids)), *aside["household_id"]]
    return min(every, default=None), max(every, default=None)


def _bounds(key: Key, rows: Array) -> Bounds:
    valid = None if key.valid is None else key.valid[rows]
    values = key.values[rows] if valid is None else key.values[rows][valid]
    nulls = valid is not None and not valid.all()
    if not len(values):
        return Bounds(None, None, nulls, key.descending, key.nulls_first)
    return Bounds(int(values.min()), int(values.max()), nulls, key.descending, key.nulls_first)


def _incomes(found: Found) -> Array:
    """The incomes a head above 0, fen, ascending."""
    incomes = found.sheet.columns["income_per_head"].filled().astype(np.int64)
    return np.sort(incomes[incomes > 0])


def _sampled(level: Level, frame: pl.DataFrame, used: set[str], part: Part, job: Job) -> pl.DataFrame:
    """An even choice of rows, with what the look at wrong units may ask for."""
    known = job.checked.names.attributes
    wanted = {name for name in used if name in known and known[name].typical is not None} | {PERIOD}
    names = [name for name in frame.columns if name in wanted]
    if level == "household":
        names.insert(0, "area_code")
    step = job.steps[level]
    return frame.select(names).gather_every(step, -part.before[level] % step)
