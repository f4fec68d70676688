"""The hash of what a register says: the same for any order of rows and columns, any format, any number of threads.

It is over a register's levels in their order: of each its name and count of rows; of each column, in the order of
names, its name; where something is missing, a bit for each row, 1 where there is a value; texts as their lengths and
then their UTF-8; numbers as they are stored, 0 where missing. Files, lines and columns without any value are left out.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import polars as pl

from hardship.language.fields import Level
from hardship.reading.convert import text_bytes
from hardship.reading.packed import Packed

PLACES = ("file", "sheet", "line")
_MIRRORED = np.packbits(np.unpackbits(np.arange(256, dtype=np.uint8), bitorder="little"))


class ContentHash:
    """The hash of a register that is told level by level, each column in the order of names."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def level(self, level: Level, rows: int) -> None:
        """Begin a level."""
        self._digest.update(f"{level}:{rows}\n".encode())

    def column(self, name: str, pieces: list[Any]) -> None:
        """Tell a column, laid out as bytes; of one without any value there are none."""
        if pieces:
            self._digest.update(f"{name}\n".encode())
            for piece in pieces:
                self._digest.update(piece)

    def frame(self, level: Level, frame: pl.DataFrame) -> None:
        """Tell a whole level; columns are laid out by other threads while those before are hashed."""
        self.level(level, frame.height)
        names = [name for name in sorted(frame.columns) if name not in PLACES]
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for name, pieces in zip(names, pool.map(laid_out, (frame[name] for name in names)), strict=True):
                self.column(name, pieces)

    def hexdigest(self) -> str:
        """SHA-256 of all that was told."""
        return self._digest.hexdigest()


def content_hash(frames: Mapping[Level, pl.DataFrame]) -> str:
    """SHA-256 of what the frames of a register say."""
    digest = ContentHash()
    for level, frame in frames.items():
        digest.frame(level, frame)
    return digest.hexdigest()


def laid_out(column: pl.Series | Packed, blank: bool = False) -> list[Any]:
    """The bytes of a column; none if it has no value at all.

    Args:
        blank: where a number is missing, 0 is stored.
    """
    if isinstance(column, Packed):
        return [np.diff(column.offsets).astype(np.uint32), column.data[: column.offsets[-1]]] if column.rows else []
    if column.null_count() == column.len():
        return []
    column = column.rechunk()
    found: list[Any] = []
    if column.null_count():
        found.append(_known(column))
        if column.dtype == pl.String:
            column = column.fill_null("")
        elif blank:
            stored = column.to_arrow()
            size = len(stored) * stored.type.bit_width // 8
            return [*found, memoryview(stored.buffers()[1])[stored.offset * stored.type.bit_width // 8 :][:size]]
        else:
            column = column.fill_null(0)
    if column.dtype == pl.String:
        return [*found, column.str.len_bytes().to_numpy(), text_bytes(column)]
    return [*found, column.to_numpy()]  # the stored width is the attribute's, the same in every register


def _known(column: pl.Series) -> Any:
    """A bit for each row, the first row's the highest of its byte: whether there is a value."""
    stored = column.to_arrow(compat_level=pl.CompatLevel.oldest())
    if stored.offset % 8:
        return np.packbits(column.is_not_null().to_numpy())
    bits = np.frombuffer(stored.buffers()[0], dtype=np.uint8, offset=stored.offset // 8, count=(len(stored) + 7) // 8)
    bits = _MIRRORED[bits]
    bits[-1] &= 0xFF << (-len(stored) % 8) & 0xFF
    return bits
