"""Columns of a Parquet file straight to stored values, for columns whose every cell is right as it is.

pyarrow decodes; the entries of a dictionary are read once, numbers are judged by the smallest and the largest. What an
entry means is said by the same grammar as for every other cell (`cells`). A column with an entry that is wrong or had
to be normalised is left to the general way, which judges it row by row as in every other format: so nothing here
rejects or flags anything, and no message can differ.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hardship.attributes import scale, storage, stored_bounds
from hardship.language.fields import DeclaredAttribute
from hardship.reading.cells import MAX_DIGITS, Cell, parser
from hardship.reading.packed import Packed
from hardship.reading.readers import is_text

MAX_ENTRIES = 20_000  # texts of one dictionary; more are hardly labels
_EPOCH = dt.date(1970, 1, 1)
_STORED: dict[Any, Any] = {pl.UInt8: np.uint8, pl.Int32: np.int32, pl.Int64: np.int64, pl.UInt64: np.uint64}
Array = npt.NDArray[Any]


class NotPlainError(Exception):
    """A column that is left to the general way; nothing is known to be wrong with it."""


class Source:
    """The columns of one flat Parquet file."""

    def __init__(self, path: Path, about: pq.FileMetaData) -> None:
        self.path, self.about, self.rows = path, about, about.num_rows
        self.kinds = about.schema.to_arrow_schema()

    def table(self, name: str, *, dictionary: bool = False) -> pa.Table:
        """A table of one column as pyarrow decodes it, a text by its dictionary where that is asked for.

        Raises:
            ArrowException, OSError: it cannot be decoded.
        """
        # Without `pre_buffer`, which is for far stores: the file would be held as a whole before it is decoded.
        with pq.ParquetFile(
            self.path, metadata=self.about, page_checksum_verification=True, pre_buffer=False,
            read_dictionary=[name] if dictionary else None,
        ) as parts:  # fmt: skip
            return parts.read([name], use_threads=False)

    def column(self, name: str, *, dictionary: bool = False) -> pa.ChunkedArray:
        """One column.

        Raises:
            NotPlainError: it cannot be decoded.
        """
        try:
            found = self.table(name, dictionary=dictionary).column(0)
            if dictionary:
                found.validate(full=True)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise NotPlainError from error
        if len(found) != self.rows:
            raise NotPlainError
        return found


def stored(source: Source, name: str, attribute: DeclaredAttribute) -> pl.Series:
    """A column as the attribute's stored values, 0 where one is missing.

    Raises:
        NotPlainError: it is left to the general way.
    """
    kind = source.kinds.field(name).type
    if attribute.type == "code":
        return texts(source, name, parser(attribute))
    dtype = _STORED[storage(attribute).base_type()]
    if attribute.type in ("enum", "set", "bool"):
        if is_label(kind):
            return _labels(source, name, dtype, parser(attribute))
        if attribute.type != "bool" or not pa.types.is_boolean(kind):
            raise NotPlainError
        column = _whole(source.column(name)).cast(pa.uint8())
        return _series(column, _raw(column, np.uint8).astype(dtype, copy=False))
    if attribute.type == "date" and pa.types.is_date32(kind):
        return _days(_whole(source.column(name)), dtype, stored_bounds(attribute))
    return _numbers(source, name, kind, dtype, attribute)


def texts(source: Source, name: str, read: Callable[[str], Cell]) -> pl.Series:
    """A column of texts, few of them distinct, of which `read` leaves every one as it is.

    Raises:
        NotPlainError: it is left to the general way.
    """
    if not is_label(source.kinds.field(name).type):
        raise NotPlainError
    column = _coded(source, name)

    def kept(text: str) -> int:
        cell = read(text)
        if cell.flagged or cell.value != text:
            raise NotPlainError
        return 0

    _table(column.dictionary, kept)
    entries = pl.Series(column.dictionary.to_pylist(), dtype=pl.String)
    index = column.indices.cast(pa.uint32())
    return entries.gather(_series(index, _raw(index, np.uint32)))


def ids(source: Source, name: str) -> Packed:
    """A column of ids, each 1 to 64 printable ASCII characters without blanks.

    Raises:
        NotPlainError: it is left to the general way.
    """
    if not is_label(source.kinds.field(name).type):
        raise NotPlainError
    column = source.column(name)
    found = None if column.null_count else Packed.of_arrow(column.cast(pa.large_string()).combine_chunks())
    if found is None:
        raise NotPlainError
    return found


def is_label(kind: Any) -> bool:
    """Whether an Arrow type is of texts, by a dictionary or not."""
    return is_text(kind.value_type if pa.types.is_dictionary(kind) else kind)


def _series(column: pa.Array, values: Array) -> pl.Series:
    """Stored values, missing where those of a column are."""
    known = column.buffers()[0] if column.null_count else None
    if known is not None and column.offset:
        raise NotPlainError
    array = pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), values.size, [known, pa.py_buffer(values)])
    series = pl.from_arrow(array)
    assert isinstance(series, pl.Series)
    return series


def _raw(column: pa.Array, dtype: Any, step: int = 1) -> Array:
    """The numbers of a column as they lie in memory, every `step`th; 0 where one is missing."""
    if column.null_count:
        column = column.fill_null(0)
    whole = np.frombuffer(column.buffers()[1], dtype=dtype)
    return whole[column.offset * step : (column.offset + len(column)) * step : step]


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """The chunks of a column as one."""
    found = column.combine_chunks()
    return found.chunk(0) if isinstance(found, pa.ChunkedArray) else found


def _table(entries: pa.Array, read: Callable[[str], int]) -> list[int]:
    """What each entry of a dictionary is read as."""
    if len(entries) > MAX_ENTRIES or entries.null_count:
        raise NotPlainError
    return [read(text) for text in entries.to_pylist()]


def _labels(source: Source, name: str, dtype: Any, read: Callable[[str], Cell]) -> pl.Series:
    """Labels of an enum or set, or words for a truth."""
    column = _coded(source, name)

    def value(text: str) -> int:
        cell = read(text)
        if cell.problem or cell.flagged or not isinstance(cell.value, int):
            raise NotPlainError
        return cell.value

    table = np.array([*_table(column.dictionary, value), 0], dtype=dtype)
    index = column.indices.cast(pa.int32())
    filled = index.fill_null(table.size - 1) if index.null_count else index
    return _series(index, table[_raw(filled, np.int32)])


def _coded(source: Source, name: str) -> pa.Array:
    """A column of texts as the numbers of one dictionary's entries."""
    return _whole(source.column(name, dictionary=True).unify_dictionaries())


def _numbers(source: Source, name: str, kind: Any, dtype: Any, attribute: DeclaredAttribute) -> pl.Series:
    """Whole numbers and decimals within the bounds of the attribute, times what makes them stored values."""
    factor, low, high = scale(attribute), *stored_bounds(attribute)
    wide = pa.types.is_decimal128(kind) and attribute.type in ("money", "decimal") and kind.precision <= MAX_DIGITS
    if wide:
        if kind.scale < 0 or factor % 10**kind.scale:
            raise NotPlainError
        factor //= 10**kind.scale
    elif not (
        pa.types.is_integer(kind) and not pa.types.is_uint64(kind) and attribute.type in ("int", "money", "decimal")
    ):
        raise NotPlainError
    column = _whole(source.column(name))
    ends = pc.min_max(column)
    least, most = ends["min"].as_py(), ends["max"].as_py()
    if least is not None and not (low <= least * scale(attribute) and most * scale(attribute) <= high):
        raise NotPlainError
    # Within the bounds the lower half of 128 bits is the number.
    found = _raw(column, np.int64, 2) if wide else _raw(column, kind.to_pandas_dtype())
    return _series(column, (found if factor == 1 else found.astype(np.int64) * factor).astype(dtype))


def _days(column: pa.Array, dtype: Any, bounds: tuple[int, int]) -> pl.Series:
    """Days as yyyymmdd."""
    first, last = ((dt.date(day // 10_000, day // 100 % 100, day % 100) - _EPOCH).days for day in bounds)
    column = column.cast(pa.int32())
    ends = pc.min_max(column)
    least, most = ends["min"].as_py(), ends["max"].as_py()
    if least is not None and not (first <= least and most <= last):
        raise NotPlainError
    days = column.fill_null(first) if column.null_count else column
    stored_days = _calendar(first, last)[_raw(days, np.int32) - np.int32(first)]
    if column.null_count:
        stored_days *= pc.is_valid(column).cast(pa.uint8()).to_numpy()
    return _series(column, stored_days.astype(dtype, copy=False))


@cache
def _calendar(first: int, last: int) -> Array:
    """yyyymmdd of every day from one to another, both counted since 1970."""
    days = np.arange(first, last + 1, dtype="datetime64[D]")
    months = days.astype("datetime64[M]")
    year = months.astype("datetime64[Y]").astype(np.int64) + 1970
    month = months.astype(np.int64) % 12 + 1
    day = (days - months).astype(np.int64) + 1
    found: Array = (year * 10_000 + month * 100 + day).astype(np.int32)
    return found
