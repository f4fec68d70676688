"""Ids as bytes one after the other: what sorted registers are linked by, without making texts of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from hardship.reading.cells import MAX_ID


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
        return (
            None if texts.null_count() else cls.of_arrow(texts.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest()))
        )

    @classmethod
    def of_arrow(cls, texts: pa.LargeStringArray) -> Packed | None:
        """The same of an Arrow array without missing texts."""
        _, offsets, data = texts.buffers()
        places = np.frombuffer(offsets, dtype=np.int64, count=len(texts) + 1, offset=texts.offset * 8)
        letters = np.frombuffer(data or b"", dtype=np.uint8)[places[0] : places[-1]]
        lengths = np.diff(places)
        if lengths.size and (lengths.min() < 1 or lengths.max() > MAX_ID):
            return None
        if letters.size and (letters.min() < 0x21 or letters.max() > 0x7E):
            return None
        return cls(places - places[0], np.append(letters, np.zeros(8, dtype=np.uint8)))
