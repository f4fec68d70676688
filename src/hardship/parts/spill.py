"""Columns set down on disk between two passes, as their arrays lie in memory.

Only the run that wrote such a file reads it again, so it holds no more than is needed for that.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import polars as pl

from hardship.columns import Array
from hardship.sheet import Column, Sheet, Texts

_HELD = ("values", "valid", "starts", "data", "wide")


def write(sheet: Sheet, path: Path) -> None:
    """Set a sheet down; its columns' names and types are not kept."""
    with path.open("wb") as handle:
        np.save(handle, np.int64(sheet.height), allow_pickle=False)
        for column in sheet.columns.values():
            _write_column(column, handle)


def _write_column(column: Column, handle: BinaryIO) -> None:
    wide = None
    if column.wide is not None:
        made = io.BytesIO()
        column.wide.to_frame().write_ipc(made)
        wide = np.frombuffer(made.getvalue(), dtype=np.uint8)
    texts = column.texts
    own = (None, None) if texts is None else (texts.starts, texts.data)
    held = (column.values, column.valid, *own, wide)
    np.save(handle, np.array([one is not None for one in held]), allow_pickle=False)
    for one in held:
        if one is not None:
            np.save(handle, np.ascontiguousarray(one), allow_pickle=False)


def read(path: Path, types: Mapping[str, pl.DataType]) -> Sheet:
    """The sheet that was set down; `types`: names and types of its columns."""
    with path.open("rb") as handle:
        height = int(np.load(handle))
        return Sheet({name: _read_column(handle, kind) for name, kind in types.items()}, height)


def _read_column(handle: BinaryIO, kind: pl.DataType) -> Column:
    there = np.load(handle)
    held: dict[str, Any] = {
        name: np.load(handle) if present else None for name, present in zip(_HELD, there, strict=True)
    }
    wide, starts = held["wide"], held["starts"]
    return Column(
        kind,
        held["values"],
        held["valid"],
        None if starts is None else Texts(starts, held["data"]),
        None if wide is None else pl.read_ipc(io.BytesIO(wide.tobytes())).to_series(),
    )


def save(stem: Path, name: str, values: Array) -> None:
    """Set one array down beside others of the same stem."""
    np.ascontiguousarray(values).tofile(_place(stem, name))


def load(stem: Path, name: str, dtype: Any, begin: int = 0, end: int | None = None) -> Array:
    """One of these arrays, or some of its rows. Read, not mapped: mapped files count as memory of the process."""
    kind = np.dtype(dtype)
    count = -1 if end is None else end - begin
    return np.fromfile(_place(stem, name), kind, count, offset=begin * kind.itemsize)


def _place(stem: Path, name: str) -> Path:
    return stem.with_name(f"{stem.name}.{name}")
