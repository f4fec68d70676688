"""Plain households for a table: random ones, ones at the corners of all bounds, and single facts put in and out."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from hardship.attributes import scale, stored_bounds, value_names
from hardship.checking.check import Checked
from hardship.language.fields import DeclaredAttribute
from hardship.language.nodes import Name, walk

Household = dict[str, Any]
Place = tuple[str, int, int]
"""Level, number of the member, number of its supporter or transfer (0 where there is none)."""
CHILDREN = {"supporter": "supporters", "transfer": "transfers"}


def used(checked: Checked) -> dict[str, DeclaredAttribute]:
    """The attributes that a table names, and `residence_type`, by which parameters are chosen."""
    named = {node.name for site in checked.names.sites for node in walk(site.node) if isinstance(node, Name)}
    named |= {require.value for require in checked.table.require}
    named |= {"residence_type"} | set(checked.table.missing)
    return {name: one for name, one in checked.names.attributes.items() if name in named}


def from_stored(attribute: DeclaredAttribute, stored: int) -> Any:
    """A stored integer as a plain value; a date is counted in days, so that neighbours are a day apart."""
    match attribute.type:
        case "bool":
            return bool(stored)
        case "enum":
            return value_names(attribute)[stored]
        case "set":
            return frozenset(one for k, one in enumerate(value_names(attribute)) if stored >> k & 1)
        case "date":
            return dt.date.fromordinal(stored)
        case _:
            return Fraction(stored, scale(attribute))


def to_stored(attribute: DeclaredAttribute, value: Any) -> int:
    """The reverse of `from_stored` for numbers and dates."""
    return value.toordinal() if attribute.type == "date" else int(value * scale(attribute))


def bounds(attribute: DeclaredAttribute) -> tuple[int, int]:
    """Smallest and largest stored integer, dates in days."""
    low, high = stored_bounds(attribute)
    if attribute.type == "date":
        return _ordinal(low), _ordinal(high)
    return low, high


def _ordinal(day: int) -> int:
    return dt.date(day // 10_000, day // 100 % 100, day % 100).toordinal()


def random_value(attribute: DeclaredAttribute, rng: random.Random, near: dt.date) -> Any:
    """A value that a household may have: small ones often, bounds and whole range sometimes."""
    if attribute.type == "code":
        return rng.choice(["none", "I10", "C34", "F20", ""]) or "none"
    low, high = bounds(attribute)
    if attribute.type in ("bool", "enum"):
        return from_stored(attribute, rng.randint(low, high))
    if attribute.type == "set":
        return from_stored(attribute, rng.getrandbits(max(1, high.bit_length())) & high)
    if attribute.type == "date":
        back = rng.choice([0, 1, 365, 366, rng.randrange(800), rng.randrange(36_500), -rng.randrange(400)])
        return from_stored(attribute, min(max(near.toordinal() - back, low), high))
    unit = scale(attribute)
    middle = rng.choice([rng.randint(0, 10), rng.randint(0, 1_000), rng.randint(0, 40_000)]) * unit
    stored = rng.choice([0, 1, middle, middle + rng.randint(-unit, unit), -middle, rng.randint(low, high), low, high])
    return from_stored(attribute, min(max(stored, low), high))


def random_household(
    attributes: Mapping[str, DeclaredAttribute],
    rng: random.Random,
    name: str,
    areas: Sequence[str] = ("370828",),
    near: dt.date = dt.date(2018, 7, 1),
    holes: float = 0.05,
    most: int = 4,
) -> Household:
    """A household with one to `most` members; each fact is missing with the chance `holes`."""

    def facts(level: str) -> dict[str, Any]:
        own = [one for one in attributes.values() if one.level == level]
        return {one.name: None if rng.random() < holes else random_value(one, rng, near) for one in own}

    members = []
    for number in range(rng.randint(1, most)):
        member = {"member_id": f"m{number + 1}", **facts("member"), "supporters": [], "transfers": []}
        for level, key in CHILDREN.items():
            member[key] = [facts(level) for _ in range(rng.choice([0, 0, 1, 2]))]
        members.append(member)
    return {
        "household": {"household_id": name, "area_code": rng.choice(list(areas)), **facts("household")},
        "members": members,
    }


def corners(
    attributes: Mapping[str, DeclaredAttribute], members: int, children: int, area: str = "370828"
) -> list[Household]:
    """Households with every fact at its lower bound, at its upper bound, in turns, and missing."""

    def fact(one: DeclaredAttribute, which: int) -> Any:
        if which == 2 or one.type == "code":
            return None if which == 2 else "none"
        return from_stored(one, bounds(one)[which])

    def facts(level: str, pick: Sequence[int], turn: int) -> dict[str, Any]:
        own = [one for one in attributes.values() if one.level == level]
        return {one.name: fact(one, pick[(turn + k) % len(pick)]) for k, one in enumerate(own)}

    found = []
    for number, pick in enumerate(((0,), (1,), (0, 1), (1, 1, 0), (2,))):
        rows = []
        for k in range(members):
            row = {"member_id": f"m{k:03}", **facts("member", pick, k), "supporters": [], "transfers": []}
            row["supporters"] = [facts("supporter", pick, j + k) for j in range(children)]
            row["transfers"] = [facts("transfer", pick, j + k) for j in range(children)]
            rows.append(row)
        ids = {"household_id": f"C{number}", "area_code": area}
        found.append({"household": ids | facts("household", pick, 0), "members": rows})
    return found


def places(household: Household, level: str) -> Iterator[Place]:
    """Where the rows of a level stand in a household."""
    if level == "household":
        yield (level, 0, 0)
        return
    for m, member in enumerate(household["members"]):
        if level == "member":
            yield (level, m, 0)
        else:
            for k in range(len(member[CHILDREN[level]])):
                yield (level, m, k)


def facts_at(household: Household, place: Place) -> dict[str, Any]:
    """The facts of one row."""
    level, m, k = place
    if level == "household":
        return household["household"]  # type: ignore[no-any-return]
    member: dict[str, Any] = household["members"][m]
    return member if level == "member" else member[CHILDREN[level]][k]  # type: ignore[no-any-return]


def with_fact(household: Household, place: Place, name: str, value: Any) -> Household:
    """The household with one fact changed; the given one stays as it is."""
    level, m, k = place
    if level == "household":
        return {**household, "household": {**household["household"], name: value}}
    members = list(household["members"])
    if level == "member":
        members[m] = {**members[m], name: value}
    else:
        rows = list(members[m][CHILDREN[level]])
        rows[k] = {**rows[k], name: value}
        members[m] = {**members[m], CHILDREN[level]: rows}
    return {**household, "members": members}


def renamed(household: Household, name: str) -> Household:
    """The household under another id."""
    return {**household, "household": {**household["household"], "household_id": name}}


def reshaped(household: Household, rng: random.Random) -> Household:
    """The household with a member, supporter or transfer doubled or left out."""
    members = list(household["members"])
    m = rng.randrange(len(members))
    kind = rng.choice(["member", "member", "supporters", "transfers"])
    if kind == "member" and rng.random() < 0.7 and len(members) < 12:
        members.append({**members[m], "member_id": f"n{len(members):03}{rng.randrange(1000):03}"})
    elif kind == "member" and len(members) > 1:
        del members[m]
    elif kind != "member":
        rows = list(members[m][kind])
        if rows and rng.random() < 0.5:
            rows.pop()
        elif rows:
            rows.append(dict(rows[0]))
        members[m] = {**members[m], kind: rows}
    return {**household, "members": members}
