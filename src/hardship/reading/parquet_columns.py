"""Columns of a Parquet file straight to stored values, for columns whose every cell is right as it is.

pyarrow decodes; the entries of a dictionary are read once, numbers are judged by the smallest and the largest. What an
entry means is said by the same grammar as for every other cell (`cells`). A column with an entry that is wrong or had
to be normalised is left to the general way, which judges it row by row as in every other format: so nothing here
rejects or flags anything, and no message can differ.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
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
Known = npt.NDArray[np.bool_] | None
"""Which rows of a chunk are known; None: all."""


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
        column = source.column(name).cast(pa.uint8())
        return _filled(column, dtype, lambda chunk, _: _raw(chunk, np.uint8))
    if attribute.type == "date" and pa.types.is_date32(kind):
        return _days(source.column(name), dtype, stored_bounds(attribute))
    return _numbers(source, name, kind, dtype, attribute)


def texts(source: Source, name: str, read: Callable[[str], Cell]) -> pl.Series:
    """A column of texts, few of them distinct, of which `read` leaves every one as it is.

    Raises:
        NotPlainError: it is left to the general way.
    """
    if not is_label(source.kinds.field(name).type):
        raise NotPlainError
    column = source.column(name, dictionary=True)

    def kept(text: str) -> int:
        cell = read(text)
        if cell.flagged or cell.value != text:
            raise NotPlainError
        return 0

    for _ in _entries(column, kept):
        pass
    series = pl.from_arrow(column.cast(pa.large_string()))
    assert isinstance(series, pl.Series)
    return series


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


def _chunks(column: pa.ChunkedArray) -> Iterator[tuple[int, Any, Known]]:
    """Each chunk with its first row and which of its rows are known."""
    first = 0
    for chunk in column.chunks:
        known = chunk.is_valid().to_numpy(zero_copy_only=False) if chunk.null_count else None
        yield first, chunk, known
        first += len(chunk)


def _filled(column: pa.ChunkedArray, dtype: Any, values: Callable[[Any, Known], Array]) -> pl.Series:
    """A series of what `values` makes of each chunk, and 0 where nothing is known."""
    found = np.zeros(len(column), dtype=dtype)
    every = np.ones(len(column), dtype=np.bool_) if column.null_count else None
    for first, chunk, known in _chunks(column):
        part = found[first : first + len(chunk)]
        part[:] = values(chunk, known)
        if known is not None and every is not None:
            part[~known] = 0
            every[first : first + len(chunk)] = known
    bits = None if every is None else pa.py_buffer(np.packbits(every, bitorder="little"))
    array = pa.Array.from_buffers(pa.from_numpy_dtype(found.dtype), found.size, [bits, pa.py_buffer(found)])
    series = pl.from_arrow(array)
    assert isinstance(series, pl.Series)
    return series


def _raw(chunk: Any, dtype: Any, step: int = 1) -> Array:
    """The numbers of a chunk as they lie in memory, every `step`th; where one is missing they mean nothing."""
    whole = np.frombuffer(chunk.buffers()[1], dtype=dtype)
    return whole[chunk.offset * step : (chunk.offset + len(chunk)) * step : step]


def _entries(column: pa.ChunkedArray, read: Callable[[str], int]) -> Iterator[list[int]]:
    """What the entries of each chunk's dictionary are read as; each distinct one is read once."""
    known: dict[str, int] = {}
    for chunk in column.chunks:
        if len(chunk.dictionary) > MAX_ENTRIES or chunk.dictionary.null_count:
            raise NotPlainError
        found = chunk.dictionary.to_pylist()
        for text in found:
            if text not in known:
                known[text] = read(text)
        yield [known[text] for text in found]


def _labels(source: Source, name: str, dtype: Any, read: Callable[[str], Cell]) -> pl.Series:
    """Labels of an enum or set, or words for a truth."""
    column = source.column(name, dictionary=True)

    def value(text: str) -> int:
        cell = read(text)
        if cell.problem or cell.flagged or not isinstance(cell.value, int):
            raise NotPlainError
        return cell.value

    tables = [np.array([*table, 0], dtype=dtype) for table in _entries(column, value)]
    next_table = iter(tables)

    def values(chunk: Any, known: Known) -> Array:
        table = next(next_table)
        index = chunk.indices if known is None else chunk.indices.fill_null(0)
        found: Array = table[index.to_numpy(zero_copy_only=False)]
        return found

    return _filled(column, dtype, values)


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
    column = source.column(name)
    ends = pc.min_max(column)
    least, most = (end.as_py() for end in (ends["min"], ends["max"]))
    if least is not None and not (low <= least * scale(attribute) and most * scale(attribute) <= high):
        raise NotPlainError

    def values(chunk: Any, _: Known) -> Array:
        # Within the bounds the lower half of 128 bits is the number.
        found = _raw(chunk, np.int64, 2) if wide else _raw(chunk, kind.to_pandas_dtype())
        return found.astype(np.int64) * factor if factor != 1 else found

    return _filled(column, dtype, values)


def _days(column: pa.ChunkedArray, dtype: Any, bounds: tuple[int, int]) -> pl.Series:
    """Days as yyyymmdd."""
    first, last = ((dt.date(day // 10_000, day // 100 % 100, day % 100) - _EPOCH).days for day in bounds)
    column = column.cast(pa.int32())
    ends = pc.min_max(column)
    least, most = (end.as_py() for end in (ends["min"], ends["max"]))
    if least is not None and not (first <= least and most <= last):
        raise NotPlainError
    calendar = _calendar(first, last)

    def values(chunk: Any, known: Known) -> Array:
        days = _raw(chunk, np.int32) - np.int32(first)
        return calendar[days if known is None else np.where(known, days, 0)]

    return _filled(column, dtype, values)


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
