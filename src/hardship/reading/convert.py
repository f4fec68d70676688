"""Whole columns of cells into stored values, as `cells` would read them one by one.

Plain numbers and typed columns are converted by polars; every other distinct text is read once by the one
grammar in `cells`, so that the fast way and the slow way cannot disagree on an odd cell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from hardship.attributes import scale, storage, stored_bounds
from hardship.language.fields import DeclaredAttribute
from hardship.reading.cells import MAX_DIGITS, MAX_ID, Cell, bound_class, parser

SMALL = 512  # rows below which plain Python beats polars
# Texts that normalising leaves as they are: letters and digits of ASCII, and the characters of Chinese names.
_PLAIN_TEXT = r"^[0-9A-Za-z\x{4e00}-\x{9fff}]{1,100}$"
_WHOLE = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32)


@dataclass(frozen=True, slots=True)
class Wrong:
    """A rejected cell: its row in the column, the problem's short id, and the class of the text."""

    row: int
    problem: str
    value_class: str


@dataclass(frozen=True, slots=True)
class Converted:
    """Stored values of a column (null = missing or wrong), the wrong cells, the rows that were normalised.

    `blank`: where a value is missing, 0 is stored.
    """

    values: pl.Series
    wrong: list[Wrong]
    flagged: list[int]
    blank: bool = False


def convert(column: pl.Series, attribute: DeclaredAttribute) -> Converted:
    """Read a column of texts, numbers, dates or truth values as the attribute says.

    Args:
        column: String, or any type that `as_text` knows; the empty text and null are missing.
        attribute: what the column means.
    """
    if column.dtype in _WHOLE and attribute.type in ("int", "money", "decimal"):
        return _whole(column, attribute)
    if isinstance(column.dtype, pl.Decimal) and attribute.type in ("money", "decimal"):
        places = column.dtype.scale
        if places <= len(str(scale(attribute))) - 1 and (column.dtype.precision or 38) <= MAX_DIGITS:
            factor = scale(attribute) // 10**places
            stored = column.to_physical().cast(pl.Int64)
            return _bounded(stored * factor if factor > 1 else stored, attribute)
    if column.dtype == pl.Boolean and attribute.type == "bool":
        return Converted(column.cast(storage(attribute)), [], [])
    if column.dtype == pl.Date and attribute.type == "date" and writable(column) is None:
        return _bounded(_calendar(column), attribute, "date")
    if isinstance(column.dtype, (pl.Categorical, pl.Enum)) and attribute.type in ("enum", "set", "bool"):
        return _by_category(column, parser(attribute), storage(attribute))
    plain = _PLAIN_TEXT if attribute.type == "code" else ""
    return read_column(as_text(column), parser(attribute), storage(attribute), attribute, plain)


def writable(column: pl.Series) -> pl.Series | None:
    """Which dates of a column lie in the years 1 to 9999; None if all do. Writing another one makes polars panic."""
    unit = column.dtype.time_unit if isinstance(column.dtype, pl.Datetime) else None
    day = {None: 1, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}[unit]
    first, last = max(-719_162 * day, -(2**63)), min(2_932_897 * day, 2**63) - 1
    good = column.to_physical().cast(pl.Int64).is_between(first, last)
    return None if good.all() else good


def as_text(column: pl.Series) -> pl.Series:
    """A typed column as the texts a person would write: shortest decimals, ISO dates, `true` and `false`.

    Raises:
        ValueError: the type cannot be a cell (binary, nested).
    """
    match column.dtype:
        case pl.String():
            return column
        case pl.Date() | pl.Datetime() if (good := writable(column)) is not None:
            told = as_text(pl.select(pl.when(good).then(column)).to_series())
            return pl.select(pl.when(good | column.is_null()).then(told).otherwise(pl.lit("date"))).to_series()
        case pl.Float32() | pl.Float64():
            return column.cast(pl.String).str.strip_suffix(".0")
        case pl.Decimal():
            text = column.cast(pl.String)
            bare = text.str.replace(r"\.?0+$", "")
            return pl.select(pl.when(text.str.contains(".", literal=True)).then(bare).otherwise(text)).to_series()
        case pl.Datetime():
            text = column.dt.strftime("%Y-%m-%dT%H:%M:%S%.f")
            return text.str.strip_suffix("T00:00:00")
        case dtype if dtype == pl.List(pl.String):
            joined = column.list.join(";")
            return pl.select(pl.when(column.list.len() == 0).then(pl.lit("none")).otherwise(joined)).to_series()
        case dtype if dtype.is_integer() or dtype in (pl.Boolean, pl.Date, pl.Categorical, pl.Null):
            return column.cast(pl.String)
        case pl.Enum():
            return column.cast(pl.String)
        case dtype:
            raise ValueError(str(dtype))


def _all_between(column: pl.Series, low: int, high: int) -> bool:
    """Whether every value is within the bounds: the smallest and the largest say so for all."""
    smallest: Any = column.min()
    largest: Any = column.max()
    return smallest is None or bool(low <= smallest and largest <= high)


def _calendar(column: pl.Series) -> pl.Series:
    """Dates as yyyymmdd. Few days occur in a long column: each is worked out once."""
    days = column.to_physical()
    first: Any = days.min()
    last: Any = days.max()
    if first is not None and last - first < column.len():
        every = pl.int_range(first, last + 1, dtype=pl.Int32, eager=True).cast(pl.Date)
        return _calendar_days(every).gather(days - first)
    return _calendar_days(column)


def _calendar_days(column: pl.Series) -> pl.Series:
    day = column.dt
    return day.year() * 10_000 + day.month().cast(pl.Int32) * 100 + day.day()


def _whole(column: pl.Series, attribute: DeclaredAttribute) -> Converted:
    """Whole numbers: compared with the bounds before they are scaled, so that nothing can wrap."""
    factor = scale(attribute)
    low, high = stored_bounds(attribute)
    if _all_between(column, -(-low // factor), high // factor):
        scaled = column.cast(pl.Int64) * factor if factor > 1 else column
        return Converted(scaled.cast(storage(attribute)), [], [])
    column = column.cast(pl.Int64)
    inside = column.is_between(-(-low // factor), high // factor)
    stored = pl.select(pl.when(inside).then(column * factor)).to_series()
    wrong = [
        Wrong(row, "out_of_bounds", bound_class(column[row] * factor, low))
        for row in (~inside.fill_null(True)).arg_true().to_list()
    ]
    return Converted(stored.cast(storage(attribute)), wrong, [])


def _bounded(stored: pl.Series, attribute: DeclaredAttribute, seen: str = "") -> Converted:
    """Stored values, those outside the bounds rejected; `seen` is what a value is called (default: a number)."""
    low, high = stored_bounds(attribute)
    if _all_between(stored, low, high):
        return Converted(stored.cast(storage(attribute)), [], [])
    inside = stored.is_between(low, high)
    wrong = []
    for row in (~inside.fill_null(True)).arg_true().to_list():
        side = f"{seen}<low" if stored[row] < low else f"{seen}>high"
        wrong.append(Wrong(row, "out_of_bounds", side if seen else bound_class(stored[row], low)))
    kept = pl.select(pl.when(inside).then(stored)).to_series()
    return Converted(kept.cast(storage(attribute)), wrong, [])


def _by_category(column: pl.Series, read: Callable[[str], Cell], dtype: pl.DataType) -> Converted:
    """Read each category that occurs once; the rows follow by their codes."""
    if isinstance(column.dtype, pl.Enum) and len(column.dtype.categories) <= SMALL:
        every = [read(one) for one in column.dtype.categories.to_list()]
        if not any(cell.problem or cell.flagged for cell in every):
            if [cell.value for cell in every] == list(range(len(every))):  # the codes are the stored values
                return Converted(column.to_physical().cast(dtype), [], [])
            values = pl.Series([cell.value for cell in every], dtype=dtype)
            return Converted(values.gather(column.to_physical()).alias(column.name), [], [])
    used = column.drop_nulls().unique()
    categories, codes = used.cast(pl.String).to_list(), used.to_physical().to_list()
    cells = [read(one) for one in categories]
    by_code: list[int | str | None] = [None] * (max(codes, default=-1) + 1)
    for code, cell in zip(codes, cells, strict=True):
        by_code[code] = cell.value
    values = pl.Series(by_code, dtype=dtype).gather(column.to_physical())
    odd = {one: cell for one, cell in zip(categories, cells, strict=True) if cell.problem or cell.flagged}
    wrong, flagged = _odd_rows(column.cast(pl.String), odd) if odd else ([], [])
    return Converted(values.alias(column.name), wrong, flagged)


def text_bytes(texts: pl.Series) -> memoryview:
    """The UTF-8 of all texts of a column without nulls, one after the other."""
    arrow = texts.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    content = arrow.buffers()[2]
    return memoryview(content if content is not None else b"")[: int(texts.str.len_bytes().sum())]


def printable(text: pl.Series) -> bool:
    """Whether every cell is 1 to 64 printable ASCII characters without blanks: an id as it is, whatever it says."""
    lengths = text.str.len_bytes()
    if text.null_count() or not _all_between(lengths, 1, MAX_ID):
        return False
    letters = np.frombuffer(text_bytes(text), dtype=np.uint8)
    return letters.size == 0 or bool(letters.min() >= 0x21 and letters.max() <= 0x7E)


def read_column(
    text: pl.Series,
    read: Callable[[str], Cell],
    dtype: pl.DataType,
    attribute: DeclaredAttribute | None = None,
    plain: str = "",
) -> Converted:
    """Read a column of texts with a cell parser.

    Args:
        text: the cells, empty or null where missing.
        read: what one cell means.
        dtype: of the stored values.
        attribute: of a number or date, which then may take the fast way.
        plain: of ids and codes, a pattern of texts that `read` gives back as they are.
    """
    if text.len() <= SMALL:
        return _one_by_one(text, read, dtype)
    if attribute is not None and attribute.type in ("int", "money", "decimal"):
        return _numbers(text, read, dtype, attribute)
    if attribute is not None and attribute.type == "date":
        return _dates(text, read, dtype, attribute)
    if plain:
        stored = pl.select(pl.when(text.str.contains(plain)).then(text)).to_series()
        return _finish(text, stored, stored.is_null().arg_true(), read, dtype)
    return _by_distinct(text, read, dtype)


def _one_by_one(text: pl.Series, read: Callable[[str], Cell], dtype: pl.DataType) -> Converted:
    known: dict[str | None, Cell] = {}
    values: list[Any] = []
    wrong: list[Wrong] = []
    flagged: list[int] = []
    for row, cell_text in enumerate(text.to_list()):
        cell = known.get(cell_text)
        if cell is None:
            cell = known[cell_text] = read(cell_text or "")
        values.append(cell.value)
        if cell.problem:
            wrong.append(Wrong(row, cell.problem, cell.value_class))
        elif cell.flagged:
            flagged.append(row)
    return Converted(pl.Series(text.name, values, dtype=dtype), wrong, flagged)


def _by_distinct(text: pl.Series, read: Callable[[str], Cell], dtype: pl.DataType) -> Converted:
    """Read each distinct text once, then spread the values over the rows."""
    distinct = text.unique().to_list()
    cells = [read(one or "") for one in distinct]
    values = pl.Series("value", [cell.value for cell in cells], dtype=dtype)
    keys = pl.Series("text", distinct, dtype=pl.String)
    if dtype == pl.String and values.equals(keys):
        spread = text
    else:
        spread = text.replace_strict(keys, values, return_dtype=dtype)
    odd = {one: cell for one, cell in zip(distinct, cells, strict=True) if cell.problem or cell.flagged}
    if not odd:
        return Converted(spread.alias(text.name), [], [])
    wrong, flagged = _odd_rows(text, odd)
    return Converted(spread.alias(text.name), wrong, flagged)


def _odd_rows(text: pl.Series, odd: dict[Any, Cell]) -> tuple[list[Wrong], list[int]]:
    known = [one for one in odd if one is not None]
    hits = text.is_in(pl.Series(known, dtype=pl.String))
    if None in odd:  # an empty cell where one is required
        hits = hits.fill_null(True)
    wrong: list[Wrong] = []
    flagged: list[int] = []
    for row in hits.fill_null(False).arg_true().to_list():
        cell = odd[text[row]]
        if cell.problem:
            wrong.append(Wrong(row, cell.problem, cell.value_class))
        else:
            flagged.append(row)
    return wrong, flagged


def _numbers(
    text: pl.Series, read: Callable[[str], Cell], dtype: pl.DataType, attribute: DeclaredAttribute
) -> Converted:
    """Plain ASCII numbers by polars; all others, and those out of bounds, by the grammar."""
    decimals = len(str(scale(attribute))) - 1
    point = rf"(\.[0-9]{{1,{decimals}}})?" if decimals else ""
    plain = text.str.contains(rf"^-?[0-9]{{1,{15 - decimals}}}{point}$")
    exact = pl.select(pl.when(plain).then(text)).to_series().cast(pl.Decimal(20, decimals))
    stored = exact.to_physical().cast(pl.Int64)
    low, high = stored_bounds(attribute)
    stored = pl.select(pl.when(stored.is_between(low, high)).then(stored)).to_series()
    left = (stored.is_null() & text.is_not_null() & (text != "")).arg_true()
    return _finish(text, stored, left, read, dtype)


def _dates(text: pl.Series, read: Callable[[str], Cell], dtype: pl.DataType, attribute: DeclaredAttribute) -> Converted:
    """Days written the usual way by polars; all others, and those out of bounds, by the grammar."""
    plain = text.str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
    days = pl.select(pl.when(plain).then(text)).to_series().str.to_date("%Y-%m-%d", strict=False)
    stored = _calendar(days).cast(pl.Int64)
    low, high = stored_bounds(attribute)
    stored = pl.select(pl.when(stored.is_between(low, high)).then(stored)).to_series()
    left = (stored.is_null() & text.is_not_null() & (text != "")).arg_true()
    return _finish(text, stored, left, read, dtype)


def _finish(
    text: pl.Series, stored: pl.Series, left: pl.Series, read: Callable[[str], Cell], dtype: pl.DataType
) -> Converted:
    """Put the cells that are left into a column of which the others are read."""
    if left.len() == 0:
        return Converted(stored.cast(dtype).alias(text.name), [], [])
    rest = _by_distinct(text.gather(left), read, pl.String() if dtype == pl.String else pl.Int64())
    places = left.to_list()
    wrong = [Wrong(places[one.row], one.problem, one.value_class) for one in rest.wrong]
    stored = stored.scatter(left, rest.values)
    return Converted(stored.cast(dtype).alias(text.name), wrong, [places[row] for row in rest.flagged])
