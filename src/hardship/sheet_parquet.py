"""A sheet as Parquet, written by pyarrow: few texts as its dictionaries, so that no column of texts is made for it.

Whole numbers are stored as differences of neighbours, in as few bits as those need: in less time than general
compression takes, about as small, and any reader knows it. Everything else is compressed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import polars as pl

from hardship.columns import Array
from hardship.sheet import Column, Sheet, Texts

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP = 250_000
SOUGHT = ("household_id", "area_code")
"""Columns by which readers leave out row groups: only of these the smallest and the largest value are stored."""
FEW = 1_000  # texts that every row group may have in its dictionary, used or not


def write(sheet: Sheet, path: Path | BinaryIO) -> None:
    """Write all columns; the same rows give the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = sheet.columns
    group = _group(sheet, 0)
    packed = [name for name, column in columns.items() if _packs(column, group.schema.field(name).type)]
    other = [name for name in columns if name not in packed]
    writer = pq.ParquetWriter(
        path,
        group.schema,
        compression={name: "none" if name in packed else "zstd" for name in columns},
        compression_level=dict.fromkeys(other, 1),
        column_encoding=dict.fromkeys(packed, "DELTA_BINARY_PACKED"),
        # No name at all must be said by a truth: an empty list stands for every column.
        use_dictionary=[name for name in other if pa.types.is_dictionary(group.schema.field(name).type)] or False,
        write_statistics=[name for name in SOUGHT if name in columns] or False,
        store_decimal_as_integer=True,
        store_schema=False,  # columns are read as texts, whatever they were written from
    )
    with writer:
        writer.write_table(group, ROW_GROUP)
        for begin in range(ROW_GROUP, sheet.height, ROW_GROUP):
            writer.write_table(_group(sheet, begin), ROW_GROUP)


def _packs(column: Column, kind: pa.DataType) -> bool:
    """Whether a column is stored as whole numbers of 32 or 64 bits."""
    import pyarrow as pa

    whole = pa.types.is_integer(kind) or pa.types.is_date32(kind) or pa.types.is_decimal64(kind)
    return column.texts is None and whole


def _group(sheet: Sheet, begin: int) -> pa.Table:
    """The rows of the row group that begins there."""
    import pyarrow as pa

    end = min(begin + ROW_GROUP, sheet.height)
    return pa.table({name: _array(column, begin, end, sheet.height) for name, column in sheet.columns.items()})


def _array(column: Column, begin: int, end: int, height: int) -> pa.Array:
    """Some rows of a column as Arrow holds it: few texts by a dictionary, decimals of up to 18 digits as 64 bits."""
    import pyarrow as pa

    rows, valid = end - begin, None if column.valid is None else column.valid[begin:end]
    if column.texts is not None:
        if column.values is None:
            return _of(pa.large_string(), rows, valid, *_strings(column.texts, begin, end).buffers()[1:])
        many = 2 * len(column.texts) > height
        if many and height <= FEW:  # without `take`: to import Arrow's functions takes longer than all of a small file
            return Column(column.kind, column.values[begin:end], valid, column.texts).series().rechunk().to_arrow()
        texts, places = _used(column.texts, column.values[begin:end])
        coded = _of(pa.int32(), rows, valid, _buffer(places, np.int32))
        return texts.take(coded) if many else pa.DictionaryArray.from_arrays(coded, texts, safe=False)
    values = None if column.values is None else column.values[begin:end]
    if values is not None and isinstance(column.kind, pl.Decimal) and (column.kind.precision or 38) <= 18:
        kind = pa.decimal64(column.kind.precision, column.kind.scale)
        return _of(kind, rows, valid, _buffer(values, np.int64))
    if values is not None and column.kind == pl.UInt32:
        return _of(pa.uint32(), rows, valid, _buffer(values, np.uint32))
    wide = None if column.wide is None else column.wide[begin:end]
    return Column(column.kind, values, valid, None, wide).series().rechunk().to_arrow()


def _used(texts: Texts, places: Array) -> tuple[pa.Array, Array]:
    """The texts that some rows have, all of them where they are few; each row's place among them."""
    if len(texts) <= FEW:
        return _strings(texts, 0, len(texts)), places
    seen = np.zeros(len(texts), dtype=np.bool_)
    seen[places] = True
    return _strings(texts, 0, len(texts)).take(np.flatnonzero(seen)), np.cumsum(seen, dtype=np.int32)[places] - 1


def _strings(texts: Texts, begin: int, end: int) -> pa.Array:
    import pyarrow as pa

    starts = pa.py_buffer(texts.starts[begin : end + 1])
    return pa.LargeStringArray.from_buffers(end - begin, starts, pa.py_buffer(texts.data))


def _of(kind: pa.DataType, rows: int, valid: Array | None, *buffers: pa.Buffer) -> pa.Array:
    import pyarrow as pa

    known = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(kind, rows, [known, *buffers])


def _buffer(values: Array, dtype: Any) -> pa.Buffer:
    import pyarrow as pa

    return pa.py_buffer(np.ascontiguousarray(values, dtype=dtype))
