"""What the statistics of a Parquet file prove: that every cell of a column is right, without decoding it.

Only for columns that nobody uses: what a file claims of itself decides nothing that is kept. What it does not prove
is decoded and judged as every other column.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hardship.attributes import scale, stored_bounds
from hardship.language.fields import DeclaredAttribute
from hardship.reading.cells import MAX_DIGITS, parser
from hardship.reading.parquet_columns import Source, is_label
from hardship.reading.readers import can_be_a_cell


def footer_holds(source: Source) -> bool:
    """Whether what a file says of its columns can be looked at.

    Of a damaged footer pyarrow ends the process when it is asked for a column's entry, so a reader, which looks at all
    entries before it reads and can refuse, is asked for a row first.
    """
    try:
        with pq.ParquetFile(source.path, metadata=source.about, pre_buffer=True) as parts:
            next(parts.iter_batches(1, use_threads=False), None)
    except (pa.ArrowException, OSError):
        return False
    return True


def proved(source: Source, name: str, attribute: DeclaredAttribute) -> bool:
    """Whether no cell of a column can be wrong, or has to be normalised; of a file whose footer holds.

    Raises:
        ArrowException, OSError: the file says nothing that can be read.
    """
    kind, place = source.kinds.field(name).type, source.kinds.get_field_index(name)
    if not can_be_a_cell(kind):
        return False
    if attribute.type == "bool" and pa.types.is_boolean(kind):
        return True
    groups = [source.about.row_group(number) for number in range(source.about.num_row_groups)]
    stored_as = source.about.schema.column(place).physical_type
    return all(
        group.num_rows == 0
        # Statistics of another type would end the process too.
        or (group.column(place).physical_type == stored_as and _right(group, place, kind, attribute))
        for group in groups
    )


def _right(group: pq.RowGroupMetaData, place: int, kind: Any, attribute: DeclaredAttribute) -> bool:
    """Whether the statistics of one row group prove it."""
    chunk, rows = group.column(place), group.num_rows
    told = chunk.statistics if chunk.is_stats_set else None
    if told is None:
        return False
    if told.has_null_count and told.null_count == rows:
        return True
    if not told.has_min_max:
        return False
    if is_label(kind):
        return told.min == told.max and _is_right_text(told.min, attribute)
    ends = [_stored(value, kind, attribute) for value in (told.min, told.max)]
    low, high = stored_bounds(attribute) if _counts(kind, attribute) else (1, 0)
    return all(end is not None and low <= end <= high for end in ends)


def _is_right_text(text: Any, attribute: DeclaredAttribute) -> bool:
    if not isinstance(text, str):
        return False
    cell = parser(attribute)(text)
    return not cell.problem and not cell.flagged


def _counts(kind: Any, attribute: DeclaredAttribute) -> bool:
    """Whether values of an Arrow type are taken as they are, times a power of ten."""
    if attribute.type == "date":
        return bool(pa.types.is_date32(kind))
    if pa.types.is_decimal128(kind):
        return attribute.type in ("money", "decimal") and kind.precision <= MAX_DIGITS and kind.scale >= 0
    # Statistics of other unsigned numbers may be those of signed ones.
    whole = pa.types.is_signed_integer(kind) or pa.types.is_uint8(kind) or pa.types.is_uint16(kind)
    return whole and attribute.type in ("int", "money", "decimal")


def _stored(value: object, kind: Any, attribute: DeclaredAttribute) -> int | None:
    """The stored value of what statistics say; None if there is none."""
    match value:
        case dt.date() if attribute.type == "date":
            return value.year * 10_000 + value.month * 100 + value.day
        case Decimal() if pa.types.is_decimal128(kind) and scale(attribute) % 10**kind.scale == 0:
            factor: int = scale(attribute) // 10**kind.scale
            return int(value.scaleb(kind.scale)) * factor
        case int():
            return value * scale(attribute)
        case _:
            return None
