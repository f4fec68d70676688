"""Households as plain Python values: from written facts, and into a register's frames.

The form is that of `reference.rows`. Worked cases and the comparison of the two evaluators are made of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from hardship.attributes import LEVELS, STRUCTURAL, scale, storage, value_names
from hardship.errors import Fault, UsageError
from hardship.language.fields import DeclaredAttribute, Level

if TYPE_CHECKING:
    from hardship.register import Register

Attributes = Mapping[str, DeclaredAttribute]


def plain_household(given: Mapping[str, Any], attributes: Attributes, file: str = "") -> dict[str, Any]:
    """One household in the JSON form of the contract (values as TOML reads them) as plain values.

    Raises:
        UsageError: all facts that no attribute of the level has, or of another type; members that do not
            exist.
    """
    faults: list[Fault] = []

    def row(facts: Mapping[str, Any], level: Level, place: str) -> dict[str, Any]:
        read = {}
        for name, value in facts.items():
            try:
                read[name] = value if name in STRUCTURAL else _fact(value, attributes[name], level)
            except (KeyError, TypeError, ValueError):
                faults.append(Fault("common.case_fact", file, params={"place": place, "found": f"{name} = {value}"}))
        return read

    members = [row(facts, "member", facts["member_id"]) for facts in given["members"]]
    by_id = {member["member_id"]: member for member in members}
    for entity in ("supporter", "transfer"):
        for member in members:
            member[entity + "s"] = []
        for number, facts in enumerate(given.get(entity + "s", ()), 1):
            place = f"{entity} {number}"
            if facts["member_id"] not in by_id:
                params = {"place": place, "found": f"member_id = {facts['member_id']}"}
                faults.append(Fault("common.case_fact", file, params=params))
                continue
            own = {name: value for name, value in facts.items() if name != "member_id"}
            by_id[facts["member_id"]][entity + "s"].append(row(own, entity, place))
    household = row(given["household"], "household", "household")
    if faults:
        raise UsageError(faults)
    return {"household": household, "members": members}


def _fact(value: Any, attribute: DeclaredAttribute, level: Level) -> Any:
    """A written fact as a plain value; ValueError or TypeError if it is none of the attribute's."""
    if attribute.level != level:
        raise ValueError(level)
    names = {entry.value for entry in attribute.values}
    match attribute.type:
        case "bool" if isinstance(value, bool):
            return value
        case "int" | "money" | "decimal" if isinstance(value, int | Decimal) and not isinstance(value, bool):
            number = Fraction(value)
            if (number * scale(attribute)).denominator != 1:
                raise ValueError(value)
            return number
        case "date" if isinstance(value, dt.date):
            return value
        case "enum" if value in names:
            return value
        case "set" if set(value) <= names:
            return frozenset(value)
        case "code" if isinstance(value, str):
            return value
    raise ValueError(value)


def register_of(households: Sequence[Mapping[str, Any]], attributes: Attributes, name: str = "plain") -> Register:
    """A register of plain households, sorted as one that is read; every household holds.

    `reference.rows` of it gives the households back, sorted. Columns that no row has are left out.
    """
    from hardship.reading.content import content_hash
    from hardship.reading.rejects import COLUMNS
    from hardship.register import Register

    ordered = sorted(households, key=lambda one: one["household"]["household_id"].encode())
    rows: dict[Level, list[dict[str, Any]]] = {level: [] for level in LEVELS}
    for number, household in enumerate(ordered):
        place = {"file": name, "sheet": "", "line": number + 1}
        rows["household"].append(_stored(household["household"], attributes) | place)
        for member in sorted(household["members"], key=lambda one: one["member_id"].encode()):
            parent = {"member": len(rows["member"])}
            rows["supporter"] += [_stored(child, attributes) | parent for child in member["supporters"]]
            rows["transfer"] += [_stored(child, attributes) | parent for child in member["transfers"]]
            own = {key: value for key, value in member.items() if key not in ("supporters", "transfers")}
            rows["member"].append(_stored(own, attributes) | {"household": number})
    for children in (rows["supporter"], rows["transfer"]):
        names = sorted({name for row in children for name in row} - {"member"})
        children.sort(key=partial(_sorting, names=["member", *names]))
    frames = {level: _frame(level, rows[level], attributes) for level in LEVELS}
    counts = {f"{level}s": _counted(len(rows[level])) for level in LEVELS}
    return Register(
        frames=frames,
        rejects=pl.DataFrame(schema=COLUMNS),
        flags=pl.DataFrame(schema={"household_id": pl.String, "flag": pl.String}),
        counts=counts,
        name=name,
        sha256=content_hash(frames),
        currency="CNY",
    )


def _counted(rows: int) -> dict[str, int]:
    return {"in": rows, "read": rows, "rejected": 0}


def _stored(row: Mapping[str, Any], attributes: Attributes) -> dict[str, Any]:
    """The row's values as a register stores them."""
    return {
        name: value if value is None or name not in attributes else _store(value, attributes[name])
        for name, value in row.items()
    }


def _store(value: Any, attribute: DeclaredAttribute) -> Any:
    match attribute.type:
        case "enum":
            return value_names(attribute).index(value)
        case "set":
            return sum(1 << value_names(attribute).index(one) for one in value)
        case "date":
            return value.year * 10_000 + value.month * 100 + value.day
        case "code":
            return value
        case _:
            return int(value * scale(attribute))


def _sorting(row: Mapping[str, Any], names: Sequence[str]) -> tuple[tuple[bool, Any], ...]:
    """Sorts children by member and then by all their columns, a missing value last."""
    return tuple((row.get(name) is None, row.get(name)) for name in names)


_FIXED: dict[str, type[pl.DataType]] = {
    "household": pl.UInt32,
    "member": pl.UInt32,
    "household_id": pl.String,
    "area_code": pl.String,
    "member_id": pl.String,
    "supporter_id": pl.String,
    "file": pl.String,
    "sheet": pl.String,
    "line": pl.Int64,
}
_FIRST: dict[Level, tuple[str, ...]] = {
    "household": ("household_id", "area_code", "file", "sheet", "line"),
    "member": ("household", "member_id"),
    "supporter": ("member",),
    "transfer": ("member",),
}


def _frame(level: Level, rows: Sequence[Mapping[str, Any]], attributes: Attributes) -> pl.DataFrame:
    names = dict.fromkeys([*_FIRST[level], *(name for row in rows for name in row)])
    return pl.DataFrame(
        {
            name: pl.Series(
                name,
                [row.get(name) for row in rows],
                dtype=_FIXED[name] if name in _FIXED else storage(attributes[name]),
            )
            for name in names
        }
    )
