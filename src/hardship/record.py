"""The record of a run: who was set aside and why, counts, hashes, flags of the whole run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from hardship import __version__, sheet_csv
from hardship.columns import Array
from hardship.lists import plane_bit
from hardship.reading.rejects import COLUMNS, with_messages
from hardship.results import Found, Results

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.engine.machine import Raw
    from hardship.language.table import Table
    from hardship.lowering.bind import Columns
    from hardship.register import Register
    from hardship.sheet import Sheet
    from hardship.standards import Standards


def set_aside(register: Register, checked: Checked, columns: Columns, raw: Raw) -> pl.DataFrame:
    """All rejects: the register's, households without a standard, households outside a `[[require]]`."""
    return all_rejects(register, checked, _unfit(checked.table, columns, raw))


def all_rejects(register: Register, checked: Checked, unfit: Iterable[tuple[Array, str, str]]) -> pl.DataFrame:
    """The register's rejects, then the households that the table cannot score: rows, field and code of each reason."""
    schema = {name: kind for name, kind in COLUMNS.items() if not name.startswith("message_")}
    parts = [_rejected(register, *reason) for reason in unfit]
    found = pl.concat([pl.DataFrame(schema=schema), *parts]).sort("household_id", "field")
    return pl.concat([register.rejects, with_messages(found, checked.names.attributes)])


def _unfit(table: Table, columns: Columns, raw: Raw) -> Iterator[tuple[Array, str, str]]:
    """Rows of households that the table cannot score, with the field and the code of the reject."""
    for number, parameter in enumerate(columns.program.declared):
        yield np.flatnonzero(columns.unserved == number), parameter.name, "no_standard"
    rejecting = {require.id for require in table.require if require.outside == "reject"}
    for label, name in enumerate(columns.program.requires):
        if name in rejecting:
            hit = plane_bit(raw["require"].values, label) & columns.served
            yield np.flatnonzero(hit), name, "out_of_range"


def _rejected(register: Register, rows: Array, field: str, code: str) -> pl.DataFrame:
    """Households as lines of the rejects, without their messages."""
    household = register.frames["household"][rows]
    return household.select(
        pl.col("file").cast(pl.String),
        pl.col("sheet").cast(pl.String),
        pl.col("line").cast(pl.Int64),
        pl.col("household_id"),
        pl.lit("").alias("member_id"),
        pl.lit(field).alias("field"),
        pl.lit("").alias("value_class"),
        pl.lit(code).alias("code"),
    )


def counts(register: Register, kept: Array, incomplete: int) -> dict[str, Any]:
    """Rows of each entity: in = scored + rejected; and the incomplete among the scored households."""
    frames = register.frames
    scored = {f"{level}s": frame.height for level, frame in frames.items()}
    if not kept.all():
        member = kept[frames["member"]["household"].to_numpy()]
        scored |= {"households": int(kept.sum()), "members": int(member.sum())}
        for level in ("supporter", "transfer"):
            scored[f"{level}s"] = int(member[frames[level]["member"].to_numpy()].sum())
    found: dict[str, Any] = {}
    for entity, number in scored.items():
        came = register.counts[entity]["in"]
        found[entity] = {"in": came, "scored": number, "rejected": came - number}
    return found | {"incomplete": incomplete}


def hashing(sheet: Sheet) -> Future[str]:
    """Who takes the hash of results from now on, while they are checked and written."""
    aside = ThreadPoolExecutor(1)
    digest = aside.submit(sheet_csv.sha256, sheet)
    aside.shutdown(wait=False)
    return digest


def record(
    register: Register,
    checked: Checked,
    standards: Standards,
    on: dt.date,
    found: Found,
    rejects: pl.DataFrame,
    digest: Future[str],
    *,
    detail: str,
    flags: Sequence[str],
    incomes: Mapping[str, Any],
    columns: Sequence[Mapping[str, Any]] = (),
) -> Results:
    """The results with the content of `run.json`, all but sources and timings; `digest`: who takes their hash."""
    outcomes, places, _ = found.sheet.columns["outcome"].coded()
    incomplete = int(np.count_nonzero(places == outcomes.index("incomplete")))
    run = content(
        checked, standards, on, register.told, counts(register, found.kept, incomplete), "",
        detail=detail, flags=flags, incomes=incomes, columns=columns,
    )  # fmt: skip
    return Results(found.sheet, found.persons, rejects, run, digest)


def content(
    checked: Checked,
    standards: Standards,
    on: dt.date,
    register: Mapping[str, Any],
    counts: Mapping[str, Any],
    results_sha256: str,
    *,
    detail: str,
    flags: Sequence[str],
    incomes: Mapping[str, Any],
    columns: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The content of `run.json`, all but sources and timings."""
    table = checked.table.table
    return {
        "schema": 1,
        "engine": __version__,
        "on": on.isoformat(),
        "table": {"id": table.id, "version": table.version.isoformat(), "sha256": checked.sha256},
        "standards_sha256": standards.sha256,
        "register": dict(register),
        "counts": dict(counts),
        "results_sha256": results_sha256,
        "detail": detail,
        "flags": list(flags),
        "incomes": dict(incomes),
        "columns": [dict(column) for column in columns],
    }


def added_counts(several: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The counts of all parts of a register together; see `counts`."""
    first, rest = several[0], several[1:]
    return {
        name: added_counts([one[name] for one in several])
        if isinstance(value, Mapping)
        else value + sum(one[name] for one in rest)
        for name, value in first.items()
    }
