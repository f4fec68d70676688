"""One household's whole answer, by the short way and by the long one: before the first of a service is believed.

It also compiles whatever kernels an answer takes, so that no caseworker waits for them.
"""

from __future__ import annotations

import datetime as dt
from functools import cache

from hardship.errors import EngineError, Fault
from hardship.load import load_text
from hardship.single import scan_check
from hardship.single.prepared import Prepared
from hardship.standards import standards

TABLE = """
[table]
id = "self_test"
version = 2018-01-01
title = { zh = "自检", en = "Self-test" }
place = { zh = "各地", en = "Everywhere", area = "37" }
currency = "CNY"
direction = "higher_is_better"
default_status = "unverified"

[[constant]]
name = "line"
title = { zh = "线", en = "Line" }
value = 500
unit = "money/month"

[[derive]]
name = "income"
title = { zh = "收入", en = "Income" }
unit = "money/month"
expr = "sum(member.wage_month)"

[[ladder]]
id = "circle"
title = { zh = "圈层", en = "Circle" }
otherwise = { id = "outside", title = { zh = "圈外", en = "Outside" } }

[[ladder.rung]]
id = "inside"
title = { zh = "圈内", en = "Inside" }
tests = [{ value = "income", at_most = "line", line = { zh = "线", en = "Line" } }]

[rank]
keys = [{ value = "income", order = "ascending" }]
"""
HOUSEHOLD = {"household": {"household_id": "1"}, "members": [{"member_id": "1", "wage_month": 600}]}


@cache
def check() -> None:
    """Compile what a service of single households needs, or load it from disk, and hold it to known results.

    Raises:
        EngineError: a kernel gives something else than it should.
    """
    scan_check.check()
    prepared = Prepared(load_text(TABLE), standards([]), dt.date(2018, 7, 1))
    if prepared.answer(HOUSEHOLD) != prepared.slow_answer(HOUSEHOLD):
        raise EngineError(Fault("common.engine", params={"what": "the self-test of answers"}))
