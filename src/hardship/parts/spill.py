"""Columns set down on disk between two passes, as their arrays lie in memory, integers in as few bytes as they need.

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
_ABSENT, _HERE = -1, -2  # otherwise the place among what columns before know


def write(sheet: Sheet, path: Path) -> None:
    """Set a sheet down; its columns' names and types are not kept. What several columns know is set down once."""
    known: dict[int, int] = {}
    with path.open("wb") as handle:
        np.save(handle, np.int64(sheet.height), allow_pickle=False)
        for column in sheet.columns.values():
            _write_column(column, handle, known)


def _write_column(column: Column, handle: BinaryIO, known: dict[int, int]) -> None:
    wide = None
    if column.wide is not None:
        made = io.BytesIO()
        column.wide.to_frame().write_ipc(made)
        wide = np.frombuffer(made.getvalue(), dtype=np.uint8)
    texts = column.texts
    own = (None, None) if texts is None else (texts.starts, texts.data)
    # What a null holds means nothing, and may be wide.
    values = column.values if column.valid is None or column.values is None or texts is not None else column.filled()
    held = (values, column.valid, *own, wide)
    places = [_ABSENT if one is None else _HERE for one in held]
    if column.valid is not None:
        places[1] = known.get(id(column.valid), _HERE)
        known.setdefault(id(column.valid), len(known))
    np.save(handle, np.array(places), allow_pickle=False)
    for one, place in zip(held, places, strict=True):
        if one is not None and place == _HERE:
            np.save(handle, narrow(one), allow_pickle=False)


def narrow(values: Array) -> Array:
    """The same integers in as few bytes as each of them needs; other arrays as they are."""
    values = np.ascontiguousarray(values)
    if values.dtype.kind not in "iu" or values.dtype.itemsize == 1 or not values.size:
        return values
    low, high = int(values.min()), int(values.max())
    kinds = (np.uint8, np.uint16, np.uint32) if low >= 0 else (np.int8, np.int16, np.int32)
    for kind in kinds:
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return values.astype(kind, copy=False)
    return values


def read(path: Path, types: Mapping[str, pl.DataType]) -> Sheet:
    """The sheet that was set down; `types`: names and types of its columns."""
    known: list[Array] = []
    with path.open("rb") as handle:
        height = int(np.load(handle))
        return Sheet({name: _read_column(handle, kind, known) for name, kind in types.items()}, height)


def _read_column(handle: BinaryIO, kind: pl.DataType, known: list[Array]) -> Column:
    held: dict[str, Any] = dict.fromkeys(_HELD)
    for name, place in zip(_HELD, np.load(handle), strict=True):
        if place == _HERE:
            held[name] = np.load(handle)
        elif place != _ABSENT:
            held[name] = known[place]
    if held["valid"] is not None and not any(held["valid"] is one for one in known):
        known.append(held["valid"])
    wide, starts = held["wide"], held["starts"]
    return Column(
        kind,
        held["values"],
        held["valid"],
        None if starts is None else Texts(starts.astype(np.int64, copy=False), held["data"]),
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
