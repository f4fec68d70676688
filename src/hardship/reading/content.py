"""The hash of what a register says: the same for any order of rows and columns, any format, any number of threads."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import polars as pl

from hardship.language.fields import Level
from hardship.reading.convert import text_bytes

PLACES = ("file", "sheet", "line")
_MIRRORED = np.packbits(np.unpackbits(np.arange(256, dtype=np.uint8), bitorder="little"))


def content_hash(frames: Mapping[Level, pl.DataFrame]) -> str:
    """SHA-256 of what the frames say. Files, lines and columns without any value leave no trace in it.

    Of each level, in their order: its name and count of rows; of each column, in the order of names: its name; where
    something is missing, a bit for each row, 1 where there is a value; texts as their lengths and then their UTF-8;
    numbers as they are stored, 0 where missing.
    """
    digest = hashlib.sha256()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for piece in _pieces(frames, pool):
            digest.update(piece)
    return digest.hexdigest()


def _pieces(frames: Mapping[Level, pl.DataFrame], pool: ThreadPoolExecutor) -> Iterator[Any]:
    """Everything that is hashed, in order; columns are laid out by the pool while those before are hashed."""
    ahead: list[tuple[str, Future[list[Any]] | None]] = []
    for level, frame in frames.items():
        ahead.append((f"{level}:{frame.height}\n", None))
        for name in sorted(frame.columns):
            if name not in PLACES and frame[name].null_count() < frame.height:
                ahead.append((f"{name}\n", pool.submit(_laid_out, frame[name])))
    ahead.reverse()
    while ahead:
        head, pieces = ahead.pop()
        yield head.encode()
        if pieces is not None:
            yield from pieces.result()


def _laid_out(column: pl.Series) -> list[Any]:
    """The bytes of one column."""
    column = column.rechunk()
    found: list[Any] = []
    if column.null_count():
        known = column.to_arrow(compat_level=pl.CompatLevel.oldest())
        bits, first = known.buffers()[0], known.offset
        if first % 8:
            found.append(np.packbits(column.is_not_null().to_numpy()))
        else:
            mask = np.frombuffer(bits, dtype=np.uint8, offset=first // 8, count=(len(known) + 7) // 8)
            mask = _MIRRORED[mask]  # the first row is the highest bit
            mask[-1] &= 0xFF << (-len(known) % 8) & 0xFF
            found.append(mask)
        column = column.fill_null("" if column.dtype == pl.String else 0)
    if column.dtype == pl.String:
        return [*found, column.str.len_bytes().to_numpy(), text_bytes(column)]
    return [*found, column.to_numpy()]  # the stored width is the attribute's, the same in every register
