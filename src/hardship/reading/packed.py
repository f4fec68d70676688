"""Ids as bytes one after the other: what sorted registers are linked by, without making texts of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from hardship.reading.cells import MAX_ID

PADDING = 8  # bytes behind the last text: kernels read words


@dataclass(frozen=True)
class Packed:
    """Printable ASCII texts of 1 to 64 characters, none missing.

    Attributes:
        offsets: int64 [rows + 1]: where each begins in `data`, and where the last ends.
        data: their bytes, and eight more that mean nothing.
    """

    offsets: NDArray[np.int64]
    data: NDArray[np.uint8]

    @property
    def rows(self) -> int:
        """How many."""
        return self.offsets.size - 1

    @property
    def address(self) -> np.uint64:
        """Where `data` lies."""
        return np.uint64(self.data.ctypes.data)

    @cached_property
    def series(self) -> pl.Series:
        """The texts as a column."""
        array = pa.LargeStringArray.from_buffers(
            self.rows, pa.py_buffer(self.offsets), pa.py_buffer(self.data), null_count=0
        )
        series = pl.from_arrow(array)
        assert isinstance(series, pl.Series)
        return series

    @classmethod
    def of(cls, texts: pl.Series) -> Packed | None:
        """A column of texts packed; None if one is missing, empty, too long, or no printable ASCII."""
        return cls.of_arrow(len(texts), [texts.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())])

    @classmethod
    def of_arrow(cls, rows: int, pieces: Iterable[pa.LargeStringArray]) -> Packed | None:
        """The same of Arrow arrays, which have so many rows together."""
        from hardship.engine import kernels_columns as kernels
        from hardship.engine import room

        (offsets,), data, done = room.empty([((rows + 1,), np.int64)]), np.empty(0, dtype=np.uint8), 0
        offsets[0] = 0
        for piece in pieces:
            if piece.null_count:
                return None
            _, places, letters = piece.buffers()
            starts = np.frombuffer(places, dtype=np.int64, count=len(piece) + 1, offset=piece.offset * 8)
            mine = np.frombuffer(letters or b"", dtype=np.uint8)[starts[0] : starts[-1]]
            end = int(offsets[done]) + mine.size
            if end + PADDING > data.size:  # as many bytes more for each row to come as for those so far
                size = end * max(rows, 1) // max(done + len(piece), 1) + end // 64 + PADDING
                (grown,) = room.empty([((size,), np.uint8)])
                grown[: offsets[done]] = data[: offsets[done]]
                data = grown
            here = slice(done, done + len(piece) + 1)
            if not kernels.packed(starts, mine, MAX_ID, offsets[here], data[offsets[done] : end]):
                return None
            done += len(piece)
        return cls(offsets, data[: int(offsets[-1]) + PADDING])
