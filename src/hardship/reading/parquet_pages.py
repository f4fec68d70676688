"""A column of a Parquet file, page by page: for columns that are written the usual way.

`decode` hands the pages of a column to a `Sink`: dictionaries, and the values of runs of rows, as numbers of a
dictionary's entries or as they are. It knows flat columns, the encodings PLAIN and RLE with a dictionary, both
versions of pages. Whatever else it meets ends in `NotPlainError`: a general reader then judges the column.
"""

from __future__ import annotations

import os
import threading
import weakref
import zlib
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from hardship.engine import pages

PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY = 0, 2, 3, 8
CODECS = {"UNCOMPRESSED": "", "SNAPPY": "snappy", "GZIP": "gzip", "ZSTD": "zstd", "BROTLI": "brotli", "LZ4": "lz4_raw"}
MAX_PAGES = 1 << 16
MAX_ROWS = 1 << 31
Array = npt.NDArray[Any]
Bits = npt.NDArray[np.uint8]
_scratch = threading.local()


class NotPlainError(Exception):
    """A column that is left to a general reader; nothing is known to be wrong with it."""


class Sink(Protocol):
    """What becomes of a column's pages. `bits` is the bitmap of rows that are known, None if all of the page are."""

    def dictionary(self, body: pa.Buffer, entries: int) -> None:
        """The dictionary of the pages that follow, written as they are."""

    def coded(self, index: Array, largest: int, known: int, bits: Bits | None, first: int, rows: int) -> None:
        """The known values of rows from `first`, as numbers of entries of the dictionary."""

    def plain(self, body: pa.Buffer, known: int, bits: Bits | None, first: int, rows: int) -> None:
        """The known values of rows from `first`, as they are."""


class ParquetFile:
    """An open Parquet file whose footer, `about`, has been read.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path, about: pq.FileMetaData) -> None:
        self.handle = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self.handle)
        self.about = about
        self.rows: int = about.num_rows
        self.groups = [about.row_group(number) for number in range(about.num_row_groups)]

    def bytes_of(self, start: int, size: int) -> pa.Buffer:
        """Bytes of the file."""
        found = pa.py_buffer(os.pread(self.handle, size, start))
        if found.size != size:
            raise NotPlainError
        return found


def decode(file: ParquetFile, column: int, sink: Sink) -> Bits | None:
    """Hand all pages of a column to a sink, in the order of rows.

    Returns:
        The bitmap of known rows, None if none is missing.

    Raises:
        NotPlainError: not written the usual way, or damaged.
    """
    kind = file.about.schema.column(column)
    if kind.max_repetition_level or kind.max_definition_level > 1 or file.rows >= MAX_ROWS:
        raise NotPlainError
    bits = np.zeros(file.rows // 8 + 9, dtype=np.uint8) if kind.max_definition_level else None
    first, missing = 0, 0
    try:
        for group in file.groups:
            missing += _chunk(file, group.column(column), bits, first, group.num_rows, sink)
            first += group.num_rows
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        raise NotPlainError from error
    if first != file.rows:
        raise NotPlainError
    return bits if missing else None


def _chunk(file: ParquetFile, chunk: Any, bits: Bits | None, first: int, rows: int, sink: Sink) -> int:
    """One column of one row group; how many values are missing."""
    name = CODECS.get(chunk.compression)
    if name is None:
        raise NotPlainError
    codec = pa.Codec(name) if name else None
    most = chunk.total_uncompressed_size
    start = chunk.data_page_offset
    if chunk.has_dictionary_page and 0 < (chunk.dictionary_page_offset or 0) < start:
        start = chunk.dictionary_page_offset
    content = file.bytes_of(start, chunk.total_compressed_size)
    table = _room("pages", min(MAX_PAGES, content.size // 8 + 1) * pages.ABOUT, np.int64).reshape(-1, pages.ABOUT)
    count = pages.headers(np.uint64(content.address), content.size, table, pages.FIELDS)
    if count < 0:
        raise NotPlainError
    end, missing = first + rows, 0
    for page in table[:count].tolist():
        packed = content.slice(page[pages.BODY], page[pages.PACKED])
        if page[pages.UNPACKED] > most:
            raise NotPlainError
        if page[pages.CHECKED] and zlib.crc32(packed) != page[pages.CHECKSUM]:
            raise NotPlainError
        if page[pages.KIND] == pages.DICTIONARY:
            if page[pages.ENCODING] not in (PLAIN, PLAIN_DICTIONARY):
                raise NotPlainError
            sink.dictionary(_unpacked(packed, codec, page[pages.UNPACKED]), page[pages.VALUES])
            continue
        if page[pages.VALUES] > end - first:
            raise NotPlainError
        known, body = _levels(page, packed, codec, bits, first)
        _values(page, body, known, bits, first, chunk.physical_type, sink)
        first += page[pages.VALUES]
        missing += page[pages.VALUES] - known
    if first != end:
        raise NotPlainError
    return missing


def _room(name: str, size: int, dtype: Any) -> Array:
    """An array of this thread's that is used again and again: fresh memory costs more than what is written to it."""
    found: Array | None = getattr(_scratch, name, None)
    if found is None or found.size < size:
        found = np.empty(size, dtype=dtype)
        setattr(_scratch, name, found)
    return found[:size]


def _unpacked(packed: pa.Buffer, codec: pa.Codec | None, size: int) -> pa.Buffer:
    if codec is None:
        if packed.size != size:
            raise NotPlainError
        return packed
    return codec.decompress(packed, size) if size else pa.py_buffer(b"")


def _levels(page: list[int], packed: pa.Buffer, codec: Any, bits: Bits | None, first: int) -> tuple[int, pa.Buffer]:
    """How many values of a data page are known, and its body behind the levels."""
    rows = page[pages.VALUES]
    if page[pages.KIND] == pages.DATA_V2:
        size = page[pages.LEVELS]
        if page[pages.REPEATS] or size > packed.size or size > page[pages.UNPACKED]:
            raise NotPlainError
        rest = packed.slice(size)
        body = _unpacked(rest, codec if page[pages.COMPRESSED] else None, page[pages.UNPACKED] - size)
        levels = packed.slice(0, size)
    elif page[pages.KIND] == pages.DATA:
        body = _unpacked(packed, codec, page[pages.UNPACKED])
        if bits is None:
            return rows, body
        size = int.from_bytes(body.slice(0, 4).to_pybytes(), "little")
        if page[pages.LEVEL_CODE] != RLE or body.size < 4 or size > body.size - 4:
            raise NotPlainError
        levels, body = body.slice(4, size), body.slice(4 + size)
    else:
        raise NotPlainError
    if bits is None:
        return rows, body
    known = pages.known_bits(np.uint64(levels.address), levels.size, rows, bits, first)
    if known < 0:
        raise NotPlainError
    return known, body


def _values(
    page: list[int], body: pa.Buffer, known: int, bits: Bits | None, first: int, physical: str, sink: Sink
) -> None:
    rows, code = page[pages.VALUES], page[pages.ENCODING]
    some = bits if known < rows else None
    if known == 0:
        return
    if physical == "BOOLEAN":
        index = _room("index", known + 1, np.uint32)
        if code == PLAIN:  # bits one after the other: a single run of them
            if body.size < (known + 7) // 8:
                raise NotPlainError
            pages.bits_of(np.uint64(body.address), known, index)
            largest = 1
        elif code == RLE and body.size >= 4:
            inner = body.slice(4)
            largest = pages.indices(np.uint64(inner.address), inner.size, known, 1, index)
        else:
            raise NotPlainError
    elif code in (PLAIN_DICTIONARY, RLE_DICTIONARY) and body.size:
        index = _room("index", known + 1, np.uint32)
        inner = body.slice(1)
        width = int(body[0])
        largest = pages.indices(np.uint64(inner.address), inner.size, known, width, index)
    elif code == PLAIN:
        sink.plain(body, known, some, first, rows)
        return
    else:
        raise NotPlainError
    if largest < 0:
        raise NotPlainError
    sink.coded(index, int(largest), known, some, first, rows)
