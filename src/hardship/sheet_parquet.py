"""A sheet as a Parquet file: its numbers packed as differences, its texts once for each group of rows, in threads.

A general writer has to find out what a sheet already knows: which texts there are, and that numbers lie close
together. The bytes depend on the rows only. Every reader of Parquet 2 reads them; a test asks three.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hardship.columns import Array
from hardship.engine import kernels_results as kernels
from hardship.sheet import Column, Sheet

MAGIC = b"PAR1"
BOOLEAN, INT32, INT64, BYTES, FIXED = 0, 1, 2, 6, 7
PLAIN, RLE, DELTA, DELTA_BYTES, DICTIONARY = 0, 3, 5, 7, 8
UNCOMPRESSED, ZSTD = 0, 6
LEVEL = 1  # of zstd: what is left after packing is small
WIDE = 16  # bytes of a decimal of more than 18 digits


@dataclass(frozen=True, slots=True)
class _Chunk:
    """One column of one group of rows: its pages, what they are, where the data page begins among them."""

    pages: list[bytes]
    data_page: int
    encodings: tuple[int, ...]
    codec: int
    rows: int
    raw: int
    statistics: list[_Field]


_Field = tuple[int, str, Any]
"""A field of a Thrift structure: its number, its kind (a key of `_CODES`, or `bool`), its value."""


def write(sheet: Sheet, path: Path, row_group: int, threads: int = 0) -> None:
    """Write the file."""
    begins = range(0, sheet.height, row_group)
    work = [
        (column, begin, min(begin + row_group, sheet.height))
        for begin in begins
        for column in sheet.columns.values()
    ]  # fmt: skip
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool, path.open("wb") as out:
        out.write(MAGIC)
        chunks = pool.map(lambda one: _chunk(*one), work)
        groups = []
        for begin in begins:
            rows = min(begin + row_group, sheet.height) - begin
            groups.append(list(_group(out, sheet, chunks, rows)))
        footer = _struct(list(_metadata(sheet, groups)))
        out.write(footer)
        out.write(len(footer).to_bytes(4, "little") + MAGIC)


def _group(out: Any, sheet: Sheet, chunks: Iterator[_Chunk], rows: int) -> Iterator[_Field]:
    """Write one group of rows; its metadata."""
    told, total = [], 0
    for name, column in sheet.columns.items():
        chunk, begin = next(chunks), out.tell()
        out.writelines(chunk.pages)
        size = out.tell() - begin
        total += chunk.raw
        fields: list[_Field] = [
            (1, "i32", _physical(column)),
            (2, "i32s", chunk.encodings),
            (3, "texts", [name]),
            (4, "i32", chunk.codec),
            (5, "i64", rows),
            (6, "i64", chunk.raw),
            (7, "i64", size),
            (9, "i64", begin + chunk.data_page),
        ]
        if chunk.data_page:
            fields.append((11, "i64", begin))
        told.append([(2, "i64", begin), (3, "struct", [*fields, (12, "struct", chunk.statistics)])])
    yield 1, "structs", told
    yield 2, "i64", total
    yield 3, "i64", rows


def _metadata(sheet: Sheet, groups: Sequence[list[_Field]]) -> Iterator[_Field]:
    root: list[_Field] = [(4, "bytes", b"root"), (5, "i32", len(sheet.columns))]
    yield 1, "i32", 2
    yield 2, "structs", [root, *(list(_element(name, column)) for name, column in sheet.columns.items())]
    yield 3, "i64", sheet.height
    yield 4, "structs", groups
    yield 6, "bytes", b"hardship"
    # The order of each column's least and largest value is that of its type; without this readers ignore them.
    yield 7, "structs", [[(1, "struct", [])] for _ in sheet.columns]


def _element(name: str, column: Column) -> Iterator[_Field]:
    """A column in the schema."""
    kind = column.kind
    yield 1, "i32", _physical(column)
    if _physical(column) == FIXED:
        yield 2, "i32", WIDE
    yield 3, "i32", 1  # optional
    yield 4, "bytes", name.encode()
    if isinstance(kind, pl.Decimal):
        precision = kind.precision or 38
        yield 6, "i32", 5
        yield 7, "i32", kind.scale
        yield 8, "i32", precision
        yield 10, "struct", [(5, "struct", [(1, "i32", kind.scale), (2, "i32", precision)])]
    elif kind == pl.String:
        yield 6, "i32", 0
        yield 10, "struct", [(1, "struct", [])]
    elif kind == pl.Date:
        yield 6, "i32", 6
        yield 10, "struct", [(6, "struct", [])]
    elif kind == pl.UInt32:
        yield 6, "i32", 13
        yield 10, "struct", [(10, "struct", [(1, "i8", 32), (2, "bool", False)])]


def _physical(column: Column) -> int:
    """How the values of a column are stored."""
    kind = column.kind
    if isinstance(kind, pl.Decimal):
        precision = kind.precision or 38
        return FIXED if column.wide is not None or precision > 18 else INT32 if precision <= 9 else INT64
    if kind == pl.Boolean:
        return BOOLEAN
    if kind == pl.String:
        return BYTES
    return INT64 if kind == pl.Int64 else INT32


def _chunk(column: Column, begin: int, end: int) -> _Chunk:
    """The pages of some rows of a column."""
    rows = end - begin
    valid = None if column.valid is None else column.valid[begin:end]
    nulls = 0 if valid is None else rows - int(np.count_nonzero(valid))
    levels = _levels(valid, rows, nulls)
    statistics: list[_Field] = [(3, "i64", nulls)]
    kept = valid if nulls else None
    stored = _physical(column)
    if column.texts is not None and column.values is None:
        return _page(levels, [_own_texts(column, begin, end, kept)], DELTA_BYTES, rows, statistics, ZSTD)
    if column.texts is not None:
        return _texts(column, begin, end, kept, levels, statistics)
    if stored == FIXED:
        return _page(levels, [_wide(column, begin, end, kept)], PLAIN, rows, statistics, ZSTD)
    assert column.values is not None
    values = column.values[begin:end]
    values = values if kept is None else values[kept]
    if stored == BOOLEAN:
        bits = np.packbits(values.astype(np.bool_), bitorder="little")
        return _page(levels, [bits.tobytes()], PLAIN, rows, statistics, UNCOMPRESSED)
    least, most = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    if len(values):
        size, signed = (8 if stored == INT64 else 4), column.kind != pl.UInt32
        statistics.append((5, "bytes", most.to_bytes(size, "little", signed=signed)))
        statistics.append((6, "bytes", least.to_bytes(size, "little", signed=signed)))
    if stored == INT32 and (most >= 2**31 or most - least >= 2**31):  # differences would not fit 32 bits
        return _page(levels, [values.astype(np.int32).tobytes()], PLAIN, rows, statistics, UNCOMPRESSED)
    return _page(levels, [_deltas(values)], DELTA, rows, statistics, UNCOMPRESSED)


def _levels(valid: Array | None, rows: int, nulls: int) -> bytes:
    """Which rows are null."""
    if valid is None or nulls in (0, rows):
        body = _varint(rows << 1) + bytes([nulls == 0 and rows > 0])
    else:
        body = _varint((rows + 7) // 8 << 1 | 1) + np.packbits(valid, bitorder="little").tobytes()
    return len(body).to_bytes(4, "little") + body


def _deltas(values: Array) -> bytes:
    """Integers as packed differences."""
    out = np.empty(kernels.room(len(values)), dtype=np.uint8)
    return out[: kernels.deltas(np.ascontiguousarray(values, dtype=np.int64), out)].tobytes()


def _own_texts(column: Column, begin: int, end: int, kept: Array | None) -> bytes:
    """Each row's text, without what it shares with the one before."""
    assert column.texts is not None
    texts = column.texts
    if kept is not None:
        from hardship.sheet import Texts

        texts, begin, end = Texts.of_series(texts.series()[begin:end].filter(pl.Series(kept))), 0, int(kept.sum())
    prefix, suffix = np.empty(end - begin, dtype=np.int64), np.empty(end - begin, dtype=np.int64)
    out = np.empty(int(texts.starts[end] - texts.starts[begin]), dtype=np.uint8)
    size = kernels.shared(texts.starts, texts.data, begin, prefix, suffix, out)
    return _deltas(prefix) + _deltas(suffix) + out[:size].tobytes()


def _texts(column: Column, begin: int, end: int, kept: Array | None, levels: bytes, statistics: list[_Field]) -> _Chunk:
    """Places among the texts that occur in these rows."""
    assert column.texts is not None
    assert column.values is not None
    places = column.values[begin:end]
    places = places if kept is None else places[kept]
    occurs = np.zeros(len(column.texts), dtype=np.bool_)
    occurs[places] = True
    entries = np.flatnonzero(occurs)
    number = np.cumsum(occurs) - 1
    texts = column.texts
    lengths = texts.starts[entries + 1] - texts.starts[entries]
    held = np.empty(int(lengths.sum()) + 4 * len(entries) + 16, dtype=np.uint8)
    size = kernels.plain_texts(texts.starts, texts.data, entries, held)
    width = max(1, int(len(entries) - 1).bit_length())
    groups = (len(places) + 7) // 8
    bits = np.zeros(groups * width + 16, dtype=np.uint8)
    kernels.packed(number[places].astype(np.uint64), width, bits)
    body = [bytes([width]), _varint(groups << 1 | 1) if groups else b"", bits[: groups * width].tobytes()]
    page = _page(levels, body, DICTIONARY, end - begin, statistics, ZSTD)
    first = held[:size].tobytes()
    packed = _compressed(first, ZSTD)
    header = _struct(
        [
            (1, "i32", 2),
            (2, "i32", len(first)),
            (3, "i32", len(packed)),
            (7, "struct", [(1, "i32", len(entries)), (2, "i32", PLAIN)]),
        ]
    )
    return _Chunk(
        [header, packed, *page.pages], len(header) + len(packed), (PLAIN, RLE, DICTIONARY), ZSTD, page.rows,
        page.raw + len(header) + len(first), statistics,
    )  # fmt: skip


def _wide(column: Column, begin: int, end: int, kept: Array | None) -> bytes:
    """Decimals of up to 38 digits as sixteen bytes, the highest first."""
    words = np.empty((end - begin, 2), dtype=">i8")
    if column.wide is not None:
        array = column.wide[begin:end].rechunk().to_arrow()
        held = np.frombuffer(array.buffers()[1], dtype="<i8").reshape(-1, 2)[array.offset :][: end - begin]
        words[:, 0], words[:, 1] = held[:, 1], held[:, 0]
    else:
        assert column.values is not None
        words[:, 1] = column.values[begin:end]
        words[:, 0] = column.values[begin:end] >> 63
    return (words if kept is None else words[kept]).tobytes()


def _page(
    levels: bytes, body: Sequence[bytes], encoding: int, rows: int, statistics: list[_Field], codec: int
) -> _Chunk:
    """One data page."""
    raw = b"".join([levels, *body])
    packed = _compressed(raw, codec)
    header = _struct(
        [
            (1, "i32", 0),
            (2, "i32", len(raw)),
            (3, "i32", len(packed)),
            (5, "struct", [(1, "i32", rows), (2, "i32", encoding), (3, "i32", RLE), (4, "i32", RLE)]),
        ]
    )
    return _Chunk([header, packed], 0, (RLE, encoding), codec, rows, len(header) + len(raw), statistics)


def _compressed(raw: bytes, codec: int) -> bytes:
    if codec == UNCOMPRESSED:
        return raw
    import pyarrow as pa

    packed: bytes = pa.Codec("zstd", compression_level=LEVEL).compress(raw, asbytes=True)
    return packed


# --- Thrift's compact protocol, as far as Parquet's metadata needs it ---

_CODES = {"i8": 3, "i32": 5, "i64": 6, "bytes": 8, "struct": 12, "structs": 9, "i32s": 9, "texts": 9}


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _whole(value: int) -> bytes:
    """A signed number, small ones small."""
    return _varint(value << 1 if value >= 0 else (-value << 1) - 1)


def _struct(fields: Sequence[_Field]) -> bytes:
    out, last = bytearray(), 0
    for number, kind, value in fields:
        code = (1 if value else 2) if kind == "bool" else _CODES[kind]
        out.append((number - last) << 4 | code)
        last = number
        out += _value(kind, value)
    out.append(0)
    return bytes(out)


def _value(kind: str, value: Any) -> bytes:
    match kind:
        case "bool":
            return b""
        case "i8":
            return bytes([value])
        case "i32" | "i64":
            return _whole(value)
        case "bytes":
            return _varint(len(value)) + value
        case "struct":
            return _struct(value)
        case "structs":
            return _list(12, [_struct(one) for one in value])
        case "i32s":
            return _list(5, [_whole(one) for one in value])
        case _:
            return _list(8, [_value("bytes", one.encode()) for one in value])


def _list(code: int, values: Sequence[bytes]) -> bytes:
    size = bytes([len(values) << 4 | code]) if len(values) < 15 else bytes([0xF0 | code]) + _varint(len(values))
    return size + b"".join(values)
