"""Columns of a Parquet file straight to stored values: a dictionary's entries are read once, the rows follow by number.

What an entry means is said by the same grammar as for every other cell (`cells`). A column with an entry that is
wrong or had to be normalised, or that is not written the usual way, is decoded by pyarrow instead and judged row by
row as in every other format: so nothing here rejects or flags anything, and no message can differ.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from hardship.attributes import scale, storage, stored_bounds
from hardship.engine import packed, pages
from hardship.language.fields import DeclaredAttribute
from hardship.reading.cells import MAX_DIGITS, Cell, parser
from hardship.reading.packed import Packed
from hardship.reading.parquet_pages import Array, Bits, NotPlainError, ParquetFile, decode
from hardship.reading.readers import is_text

MAX_ENTRIES = 20_000  # texts of one dictionary; more are hardly labels
_EPOCH = dt.date(1970, 1, 1)
_ARROW = {
    np.dtype(np.uint8): pa.uint8(),
    np.dtype(np.int32): pa.int32(),
    np.dtype(np.int64): pa.int64(),
    np.dtype(np.uint64): pa.uint64(),
    np.dtype(np.uint32): pa.uint32(),
}
_STORED: dict[Any, Any] = {pl.UInt8: np.uint8, pl.Int32: np.int32, pl.Int64: np.int64, pl.UInt64: np.uint64}


def stored(file: ParquetFile, column: int, kind: Any, attribute: DeclaredAttribute) -> pl.Series:
    """A column as the attribute's stored values.

    Args:
        kind: the column's Arrow type.

    Raises:
        NotPlainError: it is left to the general reader.
    """
    if attribute.type == "code":
        return texts(file, column, kind, parser(attribute))
    sink: _Spread
    if pa.types.is_boolean(kind) and attribute.type == "bool":
        sink = _Truths(file.rows, storage(attribute))
    elif _is_text(kind) and attribute.type in ("enum", "set", "bool"):
        sink = _Labels(file.rows, storage(attribute), parser(attribute))
    else:
        sink = _numbers(file.rows, kind, attribute)
    bits = decode(file, column, sink)
    return _series(sink.found, bits, file.rows)


def texts(file: ParquetFile, column: int, kind: Any, read: Callable[[str], Cell]) -> pl.Series:
    """A column of texts, few of them distinct, of which `read` leaves every one as it is.

    Raises:
        NotPlainError: it is left to the general reader.
    """
    if not _is_text(kind):
        raise NotPlainError
    sink = _Texts(file.rows, read)
    bits = decode(file, column, sink)
    return pl.Series(list(sink.known), dtype=pl.String).gather(_series(sink.found, bits, file.rows))


def ids(file: ParquetFile, column: int, kind: Any) -> Packed:
    """A column of ids, each 1 to 64 printable ASCII characters without blanks.

    Raises:
        NotPlainError: it is left to the general reader.
    """
    if not _is_text(kind):
        raise NotPlainError
    sink = _Ids(file.rows)
    if decode(file, column, sink) is not None:
        raise NotPlainError
    return sink.whole()


def _is_text(kind: Any) -> bool:
    return is_text(kind.value_type if pa.types.is_dictionary(kind) else kind)


def _series(found: Array, bits: Bits | None, rows: int) -> pl.Series:
    known = None if bits is None else pa.py_buffer(bits)
    array = pa.Array.from_buffers(_ARROW[found.dtype], rows, [known, pa.py_buffer(found)])
    series = pl.from_arrow(array)
    assert isinstance(series, pl.Series)
    return series


class _Spread:
    """Values of a table, by the number of an entry."""

    def __init__(self, rows: int, dtype: npt.DTypeLike) -> None:
        self.found = np.zeros(rows, dtype=dtype)
        self.table: Array = np.empty(0, dtype=dtype)

    def dictionary(self, body: pa.Buffer, entries: int) -> None:
        raise NotPlainError

    def plain(self, body: pa.Buffer, known: int, bits: Bits | None, first: int, rows: int) -> None:
        raise NotPlainError

    def coded(self, index: Array, largest: int, known: int, bits: Bits | None, first: int, rows: int) -> None:
        if largest >= self.table.size:
            raise NotPlainError
        if bits is None:
            pages.spread_all(index, self.table, first, rows, self.found)
        else:
            pages.spread(index, self.table, bits, first, rows, self.found)


class _Truths(_Spread):
    def __init__(self, rows: int, dtype: pl.DataType) -> None:
        super().__init__(rows, _STORED[dtype.base_type()])
        self.table = np.array([0, 1], dtype=self.found.dtype)


class _Labels(_Spread):
    """Labels of an enum or set, or words for a truth: each distinct one is read once."""

    def __init__(self, rows: int, dtype: pl.DataType, read: Callable[[str], Cell]) -> None:
        super().__init__(rows, _STORED[dtype.base_type()])
        self.read, self.known = read, dict[str, int]()

    def dictionary(self, body: pa.Buffer, entries: int) -> None:
        self.table = np.array([self._value(one) for one in _entries(body, entries)], dtype=self.found.dtype)

    def _value(self, text: str) -> int:
        value = self.known.get(text)
        if value is None:
            cell = self.read(text)
            if cell.problem or cell.flagged or not isinstance(cell.value, int):
                raise NotPlainError
            value = self.known[text] = cell.value
        return value


class _Texts(_Spread):
    """Texts that stay as they are, numbered in the order in which they come."""

    def __init__(self, rows: int, read: Callable[[str], Cell]) -> None:
        super().__init__(rows, np.uint32)
        self.read, self.known = read, dict[str, int]()

    def dictionary(self, body: pa.Buffer, entries: int) -> None:
        self.table = np.array([self._number(one) for one in _entries(body, entries)], dtype=np.uint32)

    def _number(self, text: str) -> int:
        number = self.known.get(text)
        if number is None:
            cell = self.read(text)
            if cell.flagged or cell.value != text:
                raise NotPlainError
            number = self.known[text] = len(self.known)
        return number


def _entries(body: pa.Buffer, entries: int) -> list[str]:
    """The texts of a dictionary."""
    if entries > MAX_ENTRIES:
        raise NotPlainError
    content = body.to_pybytes()
    at, found = 0, []
    for _ in range(entries):
        end = at + 4 + int.from_bytes(content[at : at + 4], "little")
        if end > len(content) or end < at + 4:
            raise NotPlainError
        try:
            found.append(content[at + 4 : end].decode())
        except UnicodeDecodeError as error:
            raise NotPlainError from error
        at = end
    return found


def _numbers(rows: int, kind: Any, attribute: DeclaredAttribute) -> _Spread:
    """The sink for numbers and dates: judged by the smallest and the largest."""
    dtype = _STORED[storage(attribute).base_type()] if attribute.type not in ("bool", "enum", "set") else None
    if attribute.type == "date" and pa.types.is_date32(kind):
        return _Days(rows, dtype, stored_bounds(attribute))
    factor = scale(attribute)
    if pa.types.is_decimal128(kind) and attribute.type in ("money", "decimal") and kind.precision <= MAX_DIGITS:
        if kind.scale < 0 or factor % 10**kind.scale:
            raise NotPlainError
        factor //= 10**kind.scale
    elif not (
        pa.types.is_integer(kind) and not pa.types.is_uint64(kind) and attribute.type in ("int", "money", "decimal")
    ):
        raise NotPlainError
    low, high = stored_bounds(attribute)
    return _Numbers(rows, dtype, factor, (-(-low // factor), high // factor), unsigned=pa.types.is_uint32(kind))


class _Numbers(_Spread):
    """Whole numbers within bounds, times a factor."""

    def __init__(self, rows: int, dtype: Any, factor: int, bounds: tuple[int, int], unsigned: bool = False) -> None:
        super().__init__(rows, dtype)
        self.factor, self.bounds, self.unsigned = factor, bounds, unsigned
        self.width = 0

    def _read(self, body: pa.Buffer, count: int) -> Array:
        """`count` numbers within the bounds."""
        self.width = self.width or (8 if count and body.size >= 8 * count else 4)
        if body.size < count * self.width:
            raise NotPlainError
        kind = np.int64 if self.width == 8 else np.uint32 if self.unsigned else np.int32
        values = np.frombuffer(body, dtype=kind, count=count)
        if count and (values.min() < self.bounds[0] or values.max() > self.bounds[1]):
            raise NotPlainError
        return values

    def dictionary(self, body: pa.Buffer, entries: int) -> None:
        self.table = (self._read(body, entries).astype(np.int64) * self.factor).astype(self.found.dtype)

    def plain(self, body: pa.Buffer, known: int, bits: Bits | None, first: int, rows: int) -> None:
        values = (self._read(body, known).astype(np.int64) * self.factor).astype(self.found.dtype)
        self._put(values, bits, first, rows)

    def _put(self, values: Array, bits: Bits | None, first: int, rows: int) -> None:
        if bits is None:
            self.found[first : first + rows] = values
        else:
            pages.spread(_counting(values.size + 1), np.append(values, values[:1]), bits, first, rows, self.found)


class _Days(_Numbers):
    """Days since 1970 as yyyymmdd."""

    def __init__(self, rows: int, dtype: Any, bounds: tuple[int, int]) -> None:
        first, last = ((dt.date(day // 10_000, day // 100 % 100, day % 100) - _EPOCH).days for day in bounds)
        super().__init__(rows, dtype, 1, (first, last))
        self.calendar = _calendar(first, last)
        self.width = 4

    def dictionary(self, body: pa.Buffer, entries: int) -> None:
        self.table = self.calendar[self._read(body, entries) - self.bounds[0]]

    def plain(self, body: pa.Buffer, known: int, bits: Bits | None, first: int, rows: int) -> None:
        self._put(self.calendar[self._read(body, known) - self.bounds[0]], bits, first, rows)


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


@cache
def _counting(size: int) -> Array:
    return np.arange(size, dtype=np.uint32)


class _Ids:
    """Ids one after the other."""

    def __init__(self, rows: int) -> None:
        self.offsets = np.zeros(rows + 1, dtype=np.int64)
        self.parts: list[Array] = []
        self.size = 0
        self.entries: tuple[pa.Buffer, Array, Array, int] | None = None

    def _places(self, body: pa.Buffer, count: int) -> tuple[pa.Buffer, Array, Array, int]:
        starts, lengths = np.empty(count + 1, dtype=np.int64), np.empty(count + 1, dtype=np.int64)
        longest = packed.text_places(np.uint64(body.address), body.size, count, starts, lengths)
        if longest < 0:
            raise NotPlainError
        return body, starts, lengths, longest

    def dictionary(self, body: pa.Buffer, entries: int) -> None:
        if entries > body.size:
            raise NotPlainError
        self.entries = self._places(body, entries)

    def coded(self, index: Array, largest: int, known: int, bits: Bits | None, first: int, rows: int) -> None:
        if bits is not None or self.entries is None or largest >= self.entries[1].size - 1:
            raise NotPlainError
        self._pack(self.entries, index, first, rows)

    def plain(self, body: pa.Buffer, known: int, bits: Bits | None, first: int, rows: int) -> None:
        if bits is not None or known > body.size:
            raise NotPlainError
        self._pack(self._places(body, known), _counting(known), first, rows)

    def _pack(self, texts: tuple[pa.Buffer, Array, Array, int], index: Array, first: int, rows: int) -> None:
        body, starts, lengths, longest = texts
        data = np.empty(rows * longest + 8, dtype=np.uint8)
        ends = self.offsets[first + 1 : first + rows + 1]
        size = packed.pack(np.uint64(body.address), body.size, starts, lengths, index, rows, data, ends)
        ends += self.size
        self.parts.append(data[:size])
        self.size += size

    def whole(self) -> Packed:
        """All of them."""
        return Packed(self.offsets, np.concatenate([*self.parts, np.zeros(8, dtype=np.uint8)]))
