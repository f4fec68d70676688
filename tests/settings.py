"""Small settings for the tests of comparisons: a table with one line, registers by hand, standards of a few rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from hardship.inputs import Inputs
from hardship.load import load_text
from hardship.reading.plain import plain_household, register_of
from hardship.standards import parsed, standards

ON = dt.date(2018, 7, 1)
HEAD = """[table]
id = "small"
version = VERSION
title = { zh = "小表", en = "Small" }
place = { zh = "某地", en = "Somewhere" }
currency = "CNY"
"""
BODY = """
[[parameter]]
name = "line"
title = { zh = "线", en = "Line" }
unit = "money/month"
bounds = [1, 100000]
[[derive]]
name = "persons"
expr = "count(member)"
[[require]]
id = "size"
value = "persons"
at_least = 1
[[derive]]
name = "wages"
unit = "money/month"
expr = "sum(member.wage_month)"
[[ladder]]
id = "circle"
title = { zh = "档", en = "Circle" }
otherwise = { id = "none", title = { zh = "外", en = "None" } }
rung = [{ id = "IN", title = { zh = "内", en = "In" }, tests = [{ value = "wages / persons", below = "line" }] }]
[[benefit]]
name = "paid"
unit = "money/month"
cases = [{ when = "circle == 'IN'", value = "SHARE" }, { otherwise = "0" }]
[results]
income_per_head = "wages / persons"
MORE
[rank]
keys = [{ value = "wages / persons", order = "ascending", show = { to = 0.01 } }]
"""
SHORTFALL = "max(0, line * persons - wages)"


def table(
    version: str = "2018-01-01", *, share: str = SHORTFALL, more: str = "", circle: str = "dibao", table: str = "small"
) -> Any:
    """A checked table: below the line a household is in `circle` and gets `share`."""
    text = HEAD.replace("VERSION", version).replace('"small"', f'"{table}"') + BODY.replace("SHARE", share)
    return load_text(text.replace("IN", circle).replace("MORE", more))


def line(value: str, since: str = "2018-01-01", area: str = "") -> dict[str, str]:
    """A row of the standards: the line from a day on."""
    return {
        "parameter": "line", "area_code": area, "effective_from": since, "value": value, "unit": "money/month",
        "status": "illustrative",
    }  # fmt: skip


def household(name: str, *wages: str, area: str = "310101001001", **facts: Any) -> dict[str, Any]:
    """A household with a member for each wage a month (empty: not known)."""
    members = [
        {"member_id": str(number)} | ({"wage_month": Decimal(wage)} if wage else {})
        for number, wage in enumerate(wages, 1)
    ]
    return {"household": {"household_id": name, "area_code": area, **facts}, "members": members}


def setting(
    checked: Any, rows: Sequence[Mapping[str, str]], households: Sequence[Mapping[str, Any]], on: dt.date = ON
) -> Inputs:
    """Everything that decides a result."""
    attributes = checked.names.attributes
    plain = [plain_household(one, attributes) for one in households]
    numbers = standards(parsed(row, "rows", number) for number, row in enumerate(rows, 1))
    return Inputs(register_of(plain, attributes), checked, numbers, on, False, {})
