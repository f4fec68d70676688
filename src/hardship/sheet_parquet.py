"""A sheet as Parquet, written by pyarrow: few texts as its dictionaries, so that no column of texts is made for it.

Numbers are stored as they are, not through dictionaries: most have as many values as rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import polars as pl

from hardship.columns import Array
from hardship.sheet import Column, Sheet

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP = 250_000
SOUGHT = ("household_id", "area_code", "outcome", "circle", "position")
"""Columns by which readers leave out row groups: only of these the smallest and the largest value are stored."""


def write(sheet: Sheet, path: Path | BinaryIO) -> None:
    """Write all columns; the same rows give the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    held = {name: _array(column, sheet.height) for name, column in sheet.columns.items()}
    pq.write_table(
        pa.table(held),
        path,
        compression="zstd",
        compression_level=1,
        row_group_size=ROW_GROUP,
        use_dictionary=_names(held, pa.types.is_dictionary),
        write_statistics=[name for name in SOUGHT if name in held],
        store_decimal_as_integer=True,
        store_schema=False,  # columns are read as texts, whatever they were written from
    )


def _names(held: dict[str, Any], fits: Any) -> Sequence[str] | bool:
    # No name at all must be said by a truth: an empty list stands for every column.
    return [name for name, array in held.items() if fits(array.type)] or False


def _array(column: Column, rows: int) -> pa.Array:
    """A column as Arrow holds it: few texts by a dictionary, decimals of up to 18 digits as 64 bits."""
    import pyarrow as pa

    if column.texts is not None:
        texts = column.texts
        every = pa.LargeStringArray.from_buffers(len(texts), pa.py_buffer(texts.starts), pa.py_buffer(texts.data))
        if column.values is None:
            return _of(pa.large_string(), rows, column.valid, *every.buffers()[1:])
        places = _of(pa.int32(), rows, column.valid, _buffer(column.values, np.int32))
        many = 2 * len(texts) > rows
        return every.take(places) if many else pa.DictionaryArray.from_arrays(places, every, safe=False)
    if column.values is not None and isinstance(column.kind, pl.Decimal) and (column.kind.precision or 38) <= 18:
        kind = pa.decimal64(column.kind.precision, column.kind.scale)
        return _of(kind, rows, column.valid, _buffer(column.values, np.int64))
    if column.values is not None and column.kind == pl.UInt32:
        return _of(pa.uint32(), rows, column.valid, _buffer(column.values, np.uint32))
    return column.series().rechunk().to_arrow()


def _of(kind: pa.DataType, rows: int, valid: Array | None, *buffers: pa.Buffer) -> pa.Array:
    import pyarrow as pa

    known = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(kind, rows, [known, *buffers])


def _buffer(values: Array, dtype: Any) -> pa.Buffer:
    import pyarrow as pa

    return pa.py_buffer(np.ascontiguousarray(values, dtype=dtype))
