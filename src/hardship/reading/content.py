"""The hash of what a register says: the same for any order of rows and columns, any format, any number of threads.

It is a tree. Each column has a hash: of the count of rows of its level; where something is missing, of a bit for each
row, 1 where there is a value; then of the values:

- texts: their lengths and then their UTF-8, each filled up with zeros to the longest if that has 12 bytes at most;
- numbers: as they are stored, 0 where missing; those of eight bytes in four if all fit, those of one byte in a bit each
  if all are 0 or 1.

A word before each of these says which it is. The register's is of the lines `level`, name and hash of its columns,
sorted. So several threads can work at it. Files, lines and columns without any value are left out.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hardship.language.fields import Level
from hardship.reading.packed import Packed

SHORT = 12  # bytes of a text that polars keeps beside its length
PIECE = 1 << 16
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
    rows = column.rows if isinstance(column, Packed) else column.len()
    digest = hashlib.sha256(f"{rows}\n".encode())
    nothing = True
    for piece in laid_out(column, blank):
        digest.update(piece)
        nothing = False
    return level, name, "" if nothing else digest.hexdigest()


def tree_hash(columns: Iterable[Hashed]) -> str:
    """The hash of all columns together, in whatever order they come."""
    lines = sorted(f"{level}\t{name}\t{one}\n" for level, name, one in columns if one)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def laid_out(column: pl.Series | Packed, blank: bool = False) -> Iterator[Any]:
    """The bytes of a column, piece by piece; none if it has no value at all.

    A piece lies where the one before lay: memory that is touched for the first time costs more than what is done here.

    Args:
        blank: where a number is missing, 0 is stored.
    """
    if isinstance(column, Packed):
        yield from _packed(column)
        return
    if column.null_count() == column.len():
        return
    column = column.rechunk()
    known = column.null_count() > 0
    if known:
        yield b"known\n"
        yield _known(column)
    if column.dtype == pl.String:
        yield from _texts(column.fill_null("") if known else column)
        return
    if known and not blank:
        column = column.fill_null(0)
    stored = column.to_arrow()
    numbers = np.frombuffer(stored.buffers()[1], dtype=stored.type.to_pandas_dtype())
    yield from _numbers(numbers[stored.offset : stored.offset + len(stored)])


def _packed(texts: Packed) -> Iterator[Any]:
    if texts.rows == 0:
        return
    lengths = np.empty(texts.rows, dtype=np.uint8)
    for rows in _pieces(texts.rows):
        lengths[rows] = np.diff(texts.offsets[rows.start : rows.stop + 1])
    longest = int(lengths.max())
    if longest <= SHORT and int(lengths.min()) < longest:
        yield from laid_out(texts.series)
        return
    yield b"texts\n"
    yield lengths
    yield texts.data[texts.offsets[0] : texts.offsets[-1]]


def _texts(column: pl.Series) -> Iterator[Any]:
    """Lengths, each in a byte if none takes more; then all texts."""
    stored = column.to_arrow(compat_level=pl.CompatLevel.newest())
    # Of a text that is this short the column itself holds a length of four bytes and twelve of text.
    views = np.frombuffer(stored.buffers()[1], dtype=np.uint32).reshape(-1, 4)[stored.offset :][: len(stored)]
    lengths = views[:, 0]
    longest = int(lengths.max())
    kind = np.uint8 if longest < 1 << 8 else np.uint32
    yield b"texts\n"
    for rows in _pieces(lengths.size):
        yield lengths[rows].astype(kind)
    if longest > SHORT:
        _, places, letters = column.to_arrow(compat_level=pl.CompatLevel.oldest()).buffers()
        starts = np.frombuffer(places, dtype=np.int64)
        yield np.frombuffer(letters or b"", dtype=np.uint8)[starts[0] : starts[len(stored)]]
    elif longest:
        texts = np.ndarray(lengths.size, f"V{longest}", views, offset=4, strides=(16,))
        for rows in _pieces(lengths.size):
            yield texts[rows].copy()


def _numbers(numbers: NDArray[Any]) -> Iterator[Any]:
    """Numbers as wide as their attribute is stored, which is so in every register, or narrower if all of them allow."""
    if numbers.dtype == np.uint8 and numbers.max() <= 1:
        yield b"bits\n"
        yield np.packbits(numbers)
    elif numbers.dtype == np.int64 and numbers.min() >= -(1 << 31) and numbers.max() < 1 << 31:
        yield b"4\n"
        for rows in _pieces(numbers.size):
            yield numbers[rows].astype(np.int32)
    else:
        yield f"{numbers.itemsize}\n".encode()
        yield numbers


def _pieces(size: int) -> Iterator[slice]:
    for start in range(0, size, PIECE):
        yield slice(start, min(start + PIECE, size))


def _known(column: pl.Series) -> Any:
    """A bit for each row, the first row's the highest of its byte: whether there is a value."""
    stored = column.to_arrow(compat_level=pl.CompatLevel.oldest())
    if stored.offset % 8:
        return np.packbits(column.is_not_null().to_numpy())
    bits = np.frombuffer(stored.buffers()[0], dtype=np.uint8, offset=stored.offset // 8, count=(len(stored) + 7) // 8)
    bits = _MIRRORED[bits]
    bits[-1] &= 0xFF << (-len(stored) % 8) & 0xFF
    return bits
