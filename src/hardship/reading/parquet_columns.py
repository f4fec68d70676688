"""Columns of a Parquet file straight to stored values, for columns whose every cell is right as it is.

pyarrow decodes a piece of a column at a time, kernels write its values where they are to lie: memory that is touched
for the first time costs more than what is done with it. The entries of a dictionary are read once, and what an entry
means is said by the same grammar as for every other cell (`cells`). A column with a cell that is wrong or had to be
normalised is left to the general way, which judges it row by row as in every other format: so nothing here rejects or
flags anything, and no message can differ.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hardship.attributes import scale, storage, stored_bounds
from hardship.engine import kernels_columns as kernels
from hardship.engine import room
from hardship.language.fields import DeclaredAttribute
from hardship.reading.cells import MAX_DIGITS, Cell, parser
from hardship.reading.packed import Packed
from hardship.reading.readers import is_text

MAX_ENTRIES = 20_000  # distinct texts of a column; more are hardly labels
PIECE = 1 << 16  # rows decoded at a time, so that they stay in the processor's cache until they are written
TOGETHER = 1 << 25  # bytes of memory that is asked for at once: the system gives it in large pages
_EPOCH = dt.date(1970, 1, 1)
_STORED: dict[Any, Any] = {pl.UInt8: np.uint8, pl.Int32: np.int32, pl.Int64: np.int64, pl.UInt64: np.uint64}
Array = npt.NDArray[Any]


class NotPlainError(Exception):
    """A column that is left to the general way; nothing is known to be wrong with it."""


LEFT = (NotPlainError, pa.ArrowException, OSError, UnicodeDecodeError)
"""What `stored`, `texts`, `judged` and `ids` raise for such a column."""


class Source:
    """The columns of one flat Parquet file.

    Attributes:
        kept: what is read of it is kept, and may lie together in pieces of memory that later readings use again.
    """

    def __init__(self, path: Path, about: pq.FileMetaData, *, kept: bool = True) -> None:
        self.path, self.about, self.rows = path, about, about.num_rows
        self.kinds = about.schema.to_arrow_schema()
        self.kept = kept
        self._left = np.empty(0, dtype=np.uint8)
        self._lock = Lock()

    def array(self, dtype: Any) -> Array:
        """Room for the values of a column, anything in it."""
        size = self.rows * np.dtype(dtype).itemsize
        if not self.kept:
            return np.empty(self.rows, dtype=dtype)
        with self._lock:
            if size > self._left.size:
                self._left = room.large(max(size, min(TOGETHER, 64 * self.rows)))
            found, self._left = self._left[:size], self._left[-(-size // 64) * 64 :]
        return found.view(dtype)

    def opened(self, dictionary: list[str] | None = None) -> pq.ParquetFile:
        """The file, some of its columns to be read as dictionaries.

        Raises:
            ArrowException, OSError: it cannot be opened.
        """
        # Without `pre_buffer`, which is for far stores: the file would be held as a whole before it is decoded.
        return pq.ParquetFile(
            self.path, metadata=self.about, page_checksum_verification=True, pre_buffer=False,
            read_dictionary=dictionary,
        )  # fmt: skip

    def table(self, name: str) -> pa.Table:
        """A table of one column as pyarrow decodes it.

        Raises:
            ArrowException, OSError: it cannot be decoded.
        """
        with self.opened() as parts:
            return parts.read([name], use_threads=False)

    def pieces(self, name: str, *, dictionary: bool = False) -> Iterator[tuple[slice, pa.Array]]:
        """A column piece by piece, each with its rows; a text by its dictionary where that is asked for.

        Raises:
            ArrowException, OSError: it cannot be decoded. NotPlainError: it has not as many rows as the file.
        """
        done = 0
        with self.opened([name] if dictionary else None) as parts:
            for batch in parts.iter_batches(PIECE, columns=[name], use_threads=False):
                if done + len(batch) > self.rows:
                    raise NotPlainError
                yield slice(done, done + len(batch)), batch.column(0)
                done += len(batch)
        if done != self.rows:
            raise NotPlainError


def stored(source: Source, name: str, attribute: DeclaredAttribute) -> pl.Series:
    """A column as the attribute's stored values, 0 where one is missing.

    Raises:
        LEFT: it is left to the general way.
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
        return _written(source, name, dtype, _truths)
    if attribute.type == "date" and pa.types.is_date32(kind):
        return _days(source, name, dtype, stored_bounds(attribute))
    return _numbers(source, name, kind, dtype, attribute)


def texts(source: Source, name: str, read: Callable[[str], Cell]) -> pl.Series:
    """A column of texts, few of them distinct, of which `read` leaves every one as it is.

    Raises:
        LEFT: it is left to the general way.
    """
    if not is_label(source.kinds.field(name).type):
        raise NotPlainError
    place: dict[str, int] = {}

    def numbered(text: str) -> int:
        cell = read(text)
        if cell.flagged or cell.value != text:
            raise NotPlainError
        return place.setdefault(text, len(place))

    index = _labelled(source, name, np.uint32, numbered)
    if not place:
        return pl.Series(name, [None], dtype=pl.String).new_from_index(0, source.rows)
    return pl.Series(list(place), dtype=pl.String).gather(index)


def judged(source: Source, name: str, attribute: DeclaredAttribute) -> None:
    """Look at every cell of a column that nobody keeps; of texts only at the distinct ones.

    Raises:
        LEFT: it is left to the general way.
    """
    if attribute.type not in ("enum", "set", "bool", "code") or not is_label(source.kinds.field(name).type):
        stored(Source(source.path, source.about, kept=False), name, attribute)
        return
    read, seen = parser(attribute), set[str]()
    last = None
    for _, piece in source.pieces(name, dictionary=True):
        piece.validate(full=True)
        if last is not None and piece.dictionary.equals(last):
            continue
        last = piece.dictionary
        new = set(last.to_pylist()) - seen
        if None in new or any((cell := read(text)).problem or cell.flagged for text in new):
            raise NotPlainError
        seen |= new
        if len(seen) > MAX_ENTRIES:
            raise NotPlainError


def ids(source: Source, name: str) -> Packed:
    """A column of ids, each 1 to 64 printable ASCII characters without blanks.

    Raises:
        LEFT: it is left to the general way.
    """
    if not is_label(source.kinds.field(name).type):
        raise NotPlainError
    found = Packed.of_arrow(source.rows, (piece.cast(pa.large_string()) for _, piece in source.pieces(name)))
    if found is None:
        raise NotPlainError
    return found


def is_label(kind: Any) -> bool:
    """Whether an Arrow type is of texts, by a dictionary or not."""
    return is_text(kind.value_type if pa.types.is_dictionary(kind) else kind)


def _written(
    source: Source, name: str, dtype: Any, write: Callable[[pa.Array, Array, Array], bool], *, dictionary: bool = False
) -> pl.Series:
    """A column as stored values.

    Args:
        write: writes the values of a piece, told in which of its rows there is one; False: not all of them are right.
    """
    values, known = source.array(dtype), None  # known: a bit for each row
    everywhere = np.ones(min(PIECE, source.rows), dtype=np.uint8)
    for rows, piece in source.pieces(name, dictionary=dictionary):
        there = everywhere[: len(piece)]
        if piece.null_count:
            if known is None:
                known = np.full(-(-source.rows // 8), 0xFF, dtype=np.uint8)
            there = _bits(piece, 0)
            _copied(piece, there, rows.start, known)
        if not write(piece, there, values[rows]):
            raise NotPlainError
    bits = None if known is None else pa.py_buffer(known)
    array = pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), values.size, [bits, pa.py_buffer(values)])
    series = pl.from_arrow(array)
    assert isinstance(series, pl.Series)
    return series


def _bits(piece: pa.Array, place: int) -> Array:
    """A byte for each row of what a buffer holds as bits."""
    held = np.frombuffer(piece.buffers()[place], dtype=np.uint8)
    begin, end = piece.offset // 8, -(-(piece.offset + len(piece)) // 8)
    bits: Array = np.unpackbits(held[begin:end], bitorder="little")[piece.offset % 8 :][: len(piece)]
    return bits


def _copied(piece: pa.Array, there: Array, row: int, known: Array) -> None:
    """Set the bits of a piece among those of its column, where they are 1 so far."""
    begin, end = row // 8, -(-(row + len(piece)) // 8)
    if row % 8 == 0 and piece.offset % 8 == 0 and len(piece) % 8 == 0:
        known[begin:end] = np.frombuffer(piece.buffers()[0], dtype=np.uint8)[piece.offset // 8 :][: end - begin]
        return
    bits = np.ones(8 * (end - begin), dtype=np.uint8)
    bits[row % 8 :][: there.size] = there
    known[begin:end] &= np.packbits(bits, bitorder="little")


def _raw(piece: pa.Array, dtype: Any, step: int = 1) -> Array:
    """The numbers of a piece as they lie in memory, `step` for each row."""
    whole = np.frombuffer(piece.buffers()[1], dtype=dtype)
    return whole[piece.offset * step : (piece.offset + len(piece)) * step]


def _truths(piece: pa.Array, there: Array, found: Array) -> bool:
    np.bitwise_and(_bits(piece, 1), there, out=found)
    return True


def _labels(source: Source, name: str, dtype: Any, read: Callable[[str], Cell]) -> pl.Series:
    """Labels of an enum or set, or words for a truth."""

    def value(text: str) -> int:
        cell = read(text)
        if cell.problem or cell.flagged or not isinstance(cell.value, int):
            raise NotPlainError
        return cell.value

    return _labelled(source, name, dtype, value)


def _labelled(source: Source, name: str, dtype: Any, value: Callable[[str], int]) -> pl.Series:
    """A column of texts as the values of its distinct ones."""
    values: dict[str, int] = {}
    held: tuple[pa.Array, Array] | None = None

    def write(piece: pa.Array, there: Array, found: Array) -> bool:
        nonlocal held
        if held is None or not piece.dictionary.equals(held[0]):
            entries = piece.dictionary.to_pylist()
            if None in entries or len(entries) > MAX_ENTRIES:
                return False
            values.update((text, value(text)) for text in entries if text not in values)
            if len(values) > MAX_ENTRIES:
                return False
            held = piece.dictionary, np.array([values[text] for text in entries], dtype=dtype)
        if held[1].size == 0:
            found[:] = 0
            return not there.any()
        return bool(kernels.taken(_raw(piece.indices.cast(pa.int32()), np.int32), 0, there, held[1], found))

    return _written(source, name, dtype, write, dictionary=True)


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
    least, most = -(-low // factor), high // factor

    def write(piece: pa.Array, there: Array, found: Array) -> bool:
        if wide:
            return bool(kernels.decimals(_raw(piece, np.int64, 2), there, least, most, factor, found))
        whole = _raw(piece, kind.to_pandas_dtype()).astype(np.int64)
        return bool(kernels.numbers(whole, there, least, most, factor, found))

    return _written(source, name, dtype, write)


def _days(source: Source, name: str, dtype: Any, bounds: tuple[int, int]) -> pl.Series:
    """Days as yyyymmdd."""
    first, last = ((dt.date(day // 10_000, day // 100 % 100, day % 100) - _EPOCH).days for day in bounds)
    calendar = _calendar(first, last)

    def write(piece: pa.Array, there: Array, found: Array) -> bool:
        return bool(kernels.taken(_raw(piece, np.int32), first, there, calendar, found))

    return _written(source, name, dtype, write)


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
