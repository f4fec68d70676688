"""A body with known facts, read by the kernels of `engine.scan` before their first word is believed."""

from __future__ import annotations

import datetime as dt
from functools import cache

import numpy as np
import orjson

from hardship.attributes import dictionary
from hardship.engine import scan as kernels
from hardship.engine import scan_layout as lay
from hardship.errors import EngineError, Fault
from hardship.single.household import Reader
from hardship.single.scan import Scanner

FACTS = {
    "household": {"household_id": "H1", "area_code": "370828", "residence_type": "rural", "household_size_counted": 2},
    "members": [
        {"member_id": "2", "birth_date": "1947-02-28", "wage_month": "12.5", "orphan": False},
        {"member_id": "1", "relation_to_head": "head", "wage_month": 70},
    ],
    "transfers": [{"member_id": "2", "amount": 1500}],
}


@cache
def check() -> None:
    """Compile the kernels, or load them from disk, and hold them to what `Reader` makes of the same household.

    Raises:
        EngineError: they find something else.
    """
    reader = Reader(dictionary(), dt.date(2018, 7, 1))
    scanner = Scanner(dictionary(), reader)
    found, known = scanner.read(orjson.dumps(FACTS)), reader.read(FACTS)
    if found is None or known is None or (found.facts, found.transfers) != (known.facts, known.transfers):
        raise EngineError(Fault("common.engine", params={"what": "the reader's self-test"}))
    slot = scanner.slots.place(1, "wage_month")
    plan = np.zeros(lay.PLAN + lay.COLUMN, np.int64)
    plan[lay.OF_LEVEL + 2 : lay.OF_LEVEL + 5], plan[lay.WORDS + 1], plan[lay.SMALL + 1] = 1, 1, 1
    plan[lay.PLAN + lay.OF], plan[lay.PLAN + lay.IS_WORD] = slot, 1
    words, small = np.zeros(2, np.int64), np.zeros(2, np.uint8)
    work = scanner.memory(found).work
    kernels.fill(found.body, found.told.about, plan, np.zeros(1, np.uint8), work, words, small, 0)
    if (words.tolist(), small.tolist()) != ([7000, 1250], [1, 1]):
        raise EngineError(Fault("common.engine", params={"what": "the self-test of cells"}))
