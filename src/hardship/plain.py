"""Households as plain Python values: from written facts, and into a register's frames.

The form is that of `reference.rows`. Worked cases and the comparison of the two evaluators are made of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hardship.attributes import LEVELS, STRUCTURAL, scale, storage
from hardship.errors import Fault, UsageError
from hardship.table import DeclaredAttribute, Level

if TYPE_CHECKING:
    from hardship.register import Register

Attributes = Mapping[str, DeclaredAttribute]


def plain_household(given: Mapping[str, Any], attributes: Attributes, file: str = "") -> dict[str, Any]:
    """One household in the JSON form of the contract (values as TOML reads them) as plain values.

    Raises:
        UsageError: all facts that no attribute of their level has, or of another type; members that do not exist.
    """
    faults: list[Fault] = []

    def row(facts: Mapping[str, Any], level: Level, place: str) -> dict[str, Any]:
        read = {}
        for name, value in facts.items():
            try:
                read[name] = value if name in STRUCTURAL else _fact(value, attributes[name], level)
            except (KeyError, TypeError, ValueError):
                faults.append(
                    Fault("common.case_fact", file, params={"place": place, "found": f"{name} = {value}"})
                )
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


def register_of(
    households: Sequence[Mapping[str, Any]], attributes: Attributes, name: str = "plain"
) -> Register:
    """A register of plain households, as if it had been read; children sorted as a register sorts them.

    The given dicts are sorted in place likewise, so that row numbers agree.
    """
    raise NotImplementedError(LEVELS, storage, name)
