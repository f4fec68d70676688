"""The hash of what a register says: the same for any order of rows and columns, any format, any number of threads.

It is a tree. Each column has a hash: of the count of rows of its level; where something is missing, of a bit for each
row, 1 where there is a value; of texts as their lengths and then their UTF-8, of numbers as they are stored, in four
bytes where all fit, 0 where missing. The register's is of the lines `level`, name and hash of its columns, sorted. So
several threads can work at it. Files, lines and columns without any value are left out.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hardship.language.fields import Level
from hardship.reading.packed import Packed

PLACES = ("file", "sheet", "line")
_MIRRORED = np.packbits(np.unpackbits(np.arange(256, dtype=np.uint8), bitorder="little"))
Hashed = tuple[Level, str, str]
"""A column's level, name and hash; the hash is "" if the column has no value at all."""


def content_hash(frames: Mapping[Level, pl.DataFrame], left_out: Collection[str] = ()) -> str:
    """The hash of what the frames of a register say, but for some columns."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return tree_hash(pool.map(lambda one: hashed(*one), columns_of(frames, left_out)))


def columns_of(
    frames: Mapping[Level, pl.DataFrame], left_out: Collection[str] = ()
) -> list[tuple[Level, str, pl.Series]]:
    """The columns that the hash is of."""
    return [
        (level, name, frame[name])
        for level, frame in frames.items()
        for name in frame.columns
        if name not in PLACES and name not in left_out
    ]


def hashed(level: Level, name: str, column: pl.Series | Packed, blank: bool = False) -> Hashed:
    """A column's hash.

    Args:
        blank: where a number is missing, 0 is stored.
    """
    pieces = laid_out(column, blank)
    if not pieces:
        return level, name, ""
    rows = column.rows if isinstance(column, Packed) else column.len()
    digest = hashlib.sha256(f"{rows}\n".encode())
    for piece in pieces:
        digest.update(piece)
    return level, name, digest.hexdigest()


def tree_hash(columns: Iterable[Hashed]) -> str:
    """The hash of all columns together, in whatever order they come."""
    lines = sorted(f"{level}\t{name}\t{one}\n" for level, name, one in columns if one)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def laid_out(column: pl.Series | Packed, blank: bool = False) -> list[Any]:
    """The bytes of a column; none if it has no value at all.

    Args:
        blank: where a number is missing, 0 is stored.
    """
    if isinstance(column, Packed):
        return _texts(column.offsets, column.data) if column.rows else []
    if column.null_count() == column.len():
        return []
    column = column.rechunk()
    known = [_known(column)] if column.null_count() else []
    if column.dtype == pl.String:
        stored = column.fill_null("").to_arrow(compat_level=pl.CompatLevel.oldest())
        _, places, letters = stored.buffers()
        starts = np.frombuffer(places, dtype=np.int64, count=len(stored) + 1, offset=stored.offset * 8)
        return known + _texts(starts, np.frombuffer(letters or b"", dtype=np.uint8))
    if not known or not blank:
        return [*known, _short(column.fill_null(0).to_numpy())]
    stored = column.to_arrow()
    numbers = np.frombuffer(stored.buffers()[1], dtype=stored.type.to_pandas_dtype())
    return [*known, _short(numbers[stored.offset : stored.offset + len(stored)])]


def _texts(starts: NDArray[np.int64], letters: NDArray[np.uint8]) -> list[Any]:
    """Lengths, each in a byte if none takes more; then all texts."""
    lengths = np.diff(starts)
    return [lengths.astype(np.uint8 if lengths.max() < 1 << 8 else np.uint32), letters[starts[0] : starts[-1]]]


def _short(numbers: NDArray[Any]) -> NDArray[Any]:
    """Numbers of eight bytes in four if all fit; others as wide as their attribute, which is so in every register."""
    if numbers.dtype != np.int64 or numbers.min() < -(1 << 31) or numbers.max() >= 1 << 31:
        return numbers
    return numbers.astype(np.int32)


def _known(column: pl.Series) -> Any:
    """A bit for each row, the first row's the highest of its byte: whether there is a value."""
    stored = column.to_arrow(compat_level=pl.CompatLevel.oldest())
    if stored.offset % 8:
        return np.packbits(column.is_not_null().to_numpy())
    bits = np.frombuffer(stored.buffers()[0], dtype=np.uint8, offset=stored.offset // 8, count=(len(stored) + 7) // 8)
    bits = _MIRRORED[bits]
    bits[-1] &= 0xFF << (-len(stored) % 8) & 0xFF
    return bits
