"""Synthetic households in every form that the service takes: contract documents, JSON lines, CSV, nested columns."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from equal.households import used

from hardship.client import encoded
from hardship.load import find_table, load_table
from hardship.reading.write_register import ENTITY, file_frames
from hardship.roots import default_roots
from hardship.synthesis import synthesize

Frames = Mapping[str, pl.DataFrame]
BELOW = ("supporters", "transfers")


def tables(households: int, seed: int, table: str, on: dt.date) -> dict[str, pl.DataFrame]:
    """A register's four tables as they stand in files, with the columns that a scoring table names."""
    checked = load_table(find_table(table, on, default_roots())[0])
    attributes = {name: one for name, one in checked.names.attributes.items() if name in used(checked)}
    return file_frames(synthesize(households, seed, attributes=attributes).frames, checked.names.attributes)


def documents(frames: Frames) -> list[dict[str, Any]]:
    """Households in contract form, in the order of their ids; missing facts are left out."""
    found: dict[str, dict[str, Any]] = {}
    for row in frames["households"].iter_rows(named=True):
        found[row["household_id"]] = {"household": _known(row), "members": [], "supporters": [], "transfers": []}
    for entity in ("members", *BELOW):
        for row in frames[entity].iter_rows(named=True):
            found[row.pop("household_id")][entity].append(_known(row))
    return list(found.values())


def _known(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


def json_lines(households: Iterable[Mapping[str, Any]]) -> bytes:
    """One household in contract form a line."""
    return b"".join(encoded(one) + b"\n" for one in households)


def flat(frames: Frames) -> bytes:
    """CSV with one member a line; supporters and transfers have no place in it."""
    rows = frames["members"].join(frames["households"], on="household_id", how="left", maintain_order="left")
    return rows.write_csv().encode()


def nested(frames: Frames) -> pa.Table:
    """One row a household: its facts, and `members` as a list of structs with `supporters` and `transfers` in them."""
    people = frames["members"]
    keys = ["household_id", "member_id"]
    for entity in BELOW:
        rows = frames[entity]
        inner = rows.group_by(keys, maintain_order=True).agg(pl.struct(pl.exclude(keys)).alias(entity))
        empty = pl.lit([], dtype=inner.schema[entity])
        people = people.join(inner, on=keys, how="left", maintain_order="left").with_columns(
            pl.col(entity).fill_null(empty)
        )
    homes = people.group_by("household_id", maintain_order=True).agg(
        pl.struct(pl.exclude("household_id")).alias("members")
    )
    return frames["households"].join(homes, on="household_id", how="left", maintain_order="left").to_arrow()


def arrow(table: pa.Table, rows: int = 10_000) -> bytes:
    """An Arrow stream in batches of so many households."""
    out = io.BytesIO()
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table, max_chunksize=rows)
    return out.getvalue()


def parquet(table: pa.Table) -> bytes:
    """A Parquet file."""
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(table, out, row_group_size=20_000)
    return out.getvalue()


def folder(frames: Frames, path: Path) -> Path:
    """The register as a folder of Parquet files, for the command line."""
    path.mkdir(parents=True)
    for entity in ENTITY.values():
        frames[entity].write_parquet(path / f"{entity}.parquet")
    return path
