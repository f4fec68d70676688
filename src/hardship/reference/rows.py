"""A register's frames as plain Python rows, for the reference: grouped by ids, in the register's order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hardship.language.fields import DeclaredAttribute
from hardship.reference.values import Value

if TYPE_CHECKING:
    import polars as pl

    from hardship.register import Register


def read_rows(register: Register, attributes: Mapping[str, DeclaredAttribute]) -> list[dict[str, Any]]:
    """See `reference.rows`."""
    households = _plain(register.frames["household"], attributes)
    members = _plain(register.frames["member"], attributes)
    for member in members:
        member["supporters"], member["transfers"] = [], []
    for entity in ("supporter", "transfer"):
        for row in _plain(register.frames[entity], attributes):
            members[row["member"]][entity + "s"].append(row)
    found: list[dict[str, Any]] = [{"household": household, "members": []} for household in households]
    for member in members:
        found[member["household"]]["members"].append(member)
    return found


def _plain(frame: pl.DataFrame, attributes: Mapping[str, DeclaredAttribute]) -> list[dict[str, Any]]:
    columns = {name: _values(frame[name].to_list(), reader(attributes.get(name))) for name in frame.columns}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _values(stored: list[Any], read: Callable[[Any], Value]) -> list[Value]:
    return [None if value is None else read(value) for value in stored]


def reader(attribute: DeclaredAttribute | None) -> Callable[[Any], Value]:
    """How a stored value of the attribute is read; structural columns are taken as they are."""
    if attribute is None:
        return _same
    names = [entry.value for entry in attribute.values]
    match attribute.type:
        case "bool":
            return bool
        case "int":
            return Fraction
        case "money":
            return lambda stored: Fraction(stored, 100)
        case "decimal":
            return lambda stored: Fraction(stored, 10**attribute.decimals)
        case "date":
            return lambda stored: dt.date(stored // 10_000, stored // 100 % 100, stored % 100)
        case "enum":
            return lambda stored: names[stored]
        case "set":
            return lambda stored: frozenset(name for bit, name in enumerate(names) if stored >> bit & 1)
        case _:
            return _same


def _same(value: Any) -> Any:
    return value
