"""The data dictionary `attributes.toml`, and how a value of each attribute is stored.

Stored integers: money in fen, decimals times 10^decimals, dates as yyyymmdd, enums as the index into the
declared values, sets as a bit mask in declared order, bools as 0 and 1. A code is stored as text.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from hardship.language.fields import DeclaredAttribute, Level, Title

if TYPE_CHECKING:
    import polars as pl

LEVELS: tuple[Level, ...] = ("household", "member", "supporter", "transfer")

# Columns of a register that give it its structure. They are no attributes: no table can name them.
STRUCTURAL: dict[str, tuple[Level, Title]] = {
    "household_id": ("household", Title(zh="家庭编号", en="Household number")),
    "area_code": ("household", Title(zh="行政区划代码", en="Area code")),
    "member_id": ("member", Title(zh="成员编号", en="Member number")),
    "supporter_id": ("supporter", Title(zh="赡养人编号", en="Supporter number")),
}

MAX_ENUM = 250  # an index fits a byte with room for markers
MAX_SET = 64  # a mask fits 64 bits


@cache
def _entries() -> tuple[DeclaredAttribute, ...]:
    text = (resources.files("hardship") / "attributes.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text, parse_float=Decimal)
    return tuple(DeclaredAttribute.model_validate(entry) for entry in data["attribute"])


def dictionary() -> dict[str, DeclaredAttribute]:
    """All attributes of the data dictionary by name, in the order of the file. A new dict each time."""
    return {attribute.name: attribute for attribute in _entries()}


def combined(own: Iterable[DeclaredAttribute]) -> dict[str, DeclaredAttribute]:
    """The dictionary and a table's own attributes; the table's own definition wins."""
    return {**dictionary(), **{attribute.name: attribute for attribute in own}}


def scale(attribute: DeclaredAttribute) -> int:
    """Stored units in one written unit: 100 for money, 10^decimals for a decimal, else 1."""
    if attribute.type == "money":
        return 100
    return int(10**attribute.decimals) if attribute.type == "decimal" else 1


def stored_bounds(attribute: DeclaredAttribute) -> tuple[int, int]:
    """Smallest and largest stored integer, both included; (0, 0) for a code.

    Raises:
        ValueError: the attribute's declared bounds are missing, reversed, or no whole number of stored units.
    """
    match attribute.type:
        case "bool":
            return 0, 1
        case "enum":
            return 0, len(attribute.values) - 1
        case "set":
            return 0, (1 << len(attribute.values)) - 1
        case "code":
            return 0, 0
        case _:
            if attribute.bounds is None:
                raise ValueError(f"{attribute.name}: no bounds")
            low, high = (_stored_bound(attribute, bound) for bound in attribute.bounds)
            if low > high:
                raise ValueError(f"{attribute.name}: bounds reversed")
            return low, high


def _stored_bound(attribute: DeclaredAttribute, bound: Any) -> int:
    if attribute.type == "date":
        day = bound if isinstance(bound, dt.date) else dt.date.fromisoformat(str(bound))
        return day.year * 10_000 + day.month * 100 + day.day
    stored = Fraction(bound) * scale(attribute)
    if stored.denominator != 1 or abs(stored) >= 2**62:
        raise ValueError(f"{attribute.name}: bound {bound}")
    return int(stored)


def storage(attribute: DeclaredAttribute) -> pl.DataType:
    """The polars type of the attribute's column in a register frame."""
    import polars as pl

    match attribute.type:
        case "bool" | "enum":
            return pl.UInt8()
        case "set":
            return pl.UInt64()
        case "code":
            return pl.String()
        case "date":
            return pl.Int32()
        case _:
            low, high = stored_bounds(attribute)
            if attribute.type == "int" and low >= 0 and high <= 255:
                return pl.UInt8()
            return pl.Int32() if low >= -(2**31) and high < 2**31 else pl.Int64()


def value_names(attribute: DeclaredAttribute) -> tuple[str, ...]:
    """The legal values of an enum or set, in stored order."""
    return tuple(entry.value for entry in attribute.values)


def value_title(attribute: DeclaredAttribute, value: str, lang: str) -> str:
    """The title of one value of an enum or set in one language; the value itself where none is declared."""
    entry = next((entry for entry in attribute.values if entry.value == value), None)
    return entry.title.text(lang) if entry is not None and entry.title is not None else value
