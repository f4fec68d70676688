"""Households as decoded JSON, for the tests and measurements of `hardship.single`."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from equal.households import random_household, used

from hardship.checking.check import Checked
from hardship.reference.rows import read_rows
from hardship.register import Register

LEVELS = ("household", "member", "supporter", "transfer")


def document(plain: Mapping[str, Any], checked: Checked) -> dict[str, Any]:
    """A plain household (`reference.rows`) as decoded JSON; missing facts are left out."""
    members, below = [], {"supporters": list[Any](), "transfers": list[Any]()}
    for member in plain["members"]:
        own = {"member_id": member["member_id"]}
        members.append(own | _facts(member, checked))
        for key, found in below.items():
            for row in member[key]:
                found.append(own | ({"supporter_id": row["supporter_id"]} if "supporter_id" in row else {}))
                found[-1] |= _facts(row, checked)
    ids = {name: plain["household"][name] for name in ("household_id", "area_code")}
    return {"household": ids | _facts(plain["household"], checked), "members": members, **below}


def _facts(row: Mapping[str, Any], checked: Checked) -> dict[str, Any]:
    attributes = checked.names.attributes
    return {name: _json(value) for name, value in row.items() if name in attributes and value is not None}


def _json(value: Any) -> Any:
    match value:
        case bool() | str():
            return value
        case Fraction():
            return int(value) if value.denominator == 1 else Decimal(value.numerator) / value.denominator
        case dt.date():
            return value.isoformat()
        case _:
            return sorted(value)


def of_register(register: Register, checked: Checked) -> list[dict[str, Any]]:
    """Every household of a register."""
    return [document(plain, checked) for plain in read_rows(register, checked.names.attributes)]


def random_documents(checked: Checked, count: int, seed: int, *, holes: float, on: dt.date) -> list[dict[str, Any]]:
    """Odd households: small and extreme values, missing facts, supporters and transfers."""
    rng = random.Random(seed)
    attributes = used(checked)
    areas = ("370828", "150422", "3708281234", "", "9")
    return [
        document(random_household(attributes, rng, f"H{n}", areas, near=on, holes=holes), checked) for n in range(count)
    ]
