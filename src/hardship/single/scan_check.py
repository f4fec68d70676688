"""A body with known facts, read by the kernels of `engine.scan` before their first word is believed; a known number."""

from __future__ import annotations

import datetime as dt
from functools import cache

import numpy as np
import orjson

from hardship.attributes import dictionary
from hardship.engine import kernels_texts as texts
from hardship.engine import scan as kernels
from hardship.engine import scan_layout as lay
from hardship.errors import EngineError, Fault
from hardship.single.household import Asked, Reader
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
    asked = Asked([(1, 1, "wage_month"), (1, 0, "disability_grade")], scanner.slots)
    if found.cells(asked)[0].tolist() != [1250, lay.ABSENT]:
        raise EngineError(Fault("common.engine", params={"what": "the self-test of facts"}))
    slot = scanner.slots.place(1, "wage_month")
    plan = np.zeros(lay.PLAN + lay.COLUMN, np.int64)
    plan[lay.OF_LEVEL + 2 : lay.OF_LEVEL + 5], plan[lay.WORDS + 1], plan[lay.SMALL + 1] = 1, 1, 1
    plan[lay.PLAN + lay.OF], plan[lay.PLAN + lay.IS_WORD] = slot, 1
    words, small = np.zeros(2, np.int64), np.zeros(2, np.uint8)
    work = scanner.memory(found).work
    kernels.fill(found.body, found.told.about, plan, np.zeros(1, np.uint8), work, words, small, 0)
    if (words.tolist(), small.tolist()) != ([7000, 1250], [1, 1]):
        raise EngineError(Fault("common.engine", params={"what": "the self-test of cells"}))
    specs = np.array([[0, 1, -1, -1, 600, 1, -1, 0, -1, -1, 1, 1, 1, texts.AS_JSON, 0, 2, 2, 0]], np.int64)
    pool, out = np.frombuffer(b" m", np.uint8), np.zeros(2 * texts.OF_NUMBER, np.uint8)
    cells, starts = np.array([-810_700_000]), np.zeros(4, np.int64)
    cells.setflags(write=False)  # as those of a household
    size, failed = texts.write(cells, np.frombuffer(b"\0", np.uint8), specs, pool, pool, out, 0, starts, 0)
    shown = '"-1351166.67""-4053500/3""≈−1,351,166.67 m"'
    if failed or out[:size].tobytes().decode() != shown or starts.tolist() != [0, 13, 25, size]:
        raise EngineError(Fault("common.engine", params={"what": "the self-test of numbers"}))
