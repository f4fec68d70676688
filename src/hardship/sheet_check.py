"""Known columns, ranks and files: made once before the first results are, so that all kernels are there and believed.

A stale or damaged cache on disk is found here and not in a household; and nothing is compiled in the middle of a run.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import polars as pl

from hardship import rank, sheet_csv
from hardship.engine import kernels_groups, kernels_results
from hardship.errors import EngineError, Fault
from hardship.sheet import Column, Sheet, bit_texts, of_series, own_texts, text_column

EXPECTED = b"""\
id,area,circle,rank,money,vetoes
a,37,near,1,-0.05,V1;V2
b,"3,7",,,,
c,37,far,123456789,12345678901234.50,V2
"""
"""The CSV form of `_sheet`."""


def _sheet() -> Sheet:
    some = np.array([True, False, True])
    planes = np.array([[3, 0, 1]], dtype=np.uint8)
    return Sheet(
        {
            "id": own_texts(pl.Series(["a", "b", "c"])),
            "area": of_series(pl.Series(["37", "3,7", "37"])),
            "circle": text_column(["near", "far", None], np.array([0, 2, 1])),
            "rank": Column(pl.UInt32(), np.array([1, 0, 123456789], dtype=np.uint32), some),
            "money": Column(pl.Decimal(18, 2), np.array([-5, 0, 1234567890123450]), some),
            "vetoes": bit_texts(planes, ["V2", "V1"]),
        },
        3,
    )


@cache
def check() -> None:
    """Compile the kernels or load them from disk, and hold them to known results; once in a process.

    Raises:
        EngineError: one gives something else.
    """
    wrong = [name for name, right in PARTS.items() if not right()]
    if wrong:
        raise EngineError(Fault("common.engine", params={"what": f"the results' self-test: {', '.join(wrong)}"}))


def _told() -> bool:
    return b"".join(bytes(part) for part in sheet_csv.parts(_sheet(), 1)) == EXPECTED


def _ranked() -> bool:
    """Whether as many rows as it takes to be shared among threads are ranked; two groups, and two rows of each key."""
    rows = np.arange(rank.FEW)
    halves = [rank.Grouping((rows % 2).astype(kind), [np.array([0, 1])]) for kind in (np.int64, np.uint32)]
    found = rank.ranks([rank.Key(rows // 2, rows > 1)], rows < rank.FEW, halves, 2)
    order = np.roll(rows, -2)
    expected = [rows + 1, rows // 2 * 2 + 1, rows // 2 + 1, rows // 2 + 1]
    right = all(np.array_equal(ranks[order], want) for ranks, want in zip(found, expected, strict=True))
    return right and rank.percentile(found[0][order[:2]], 4).tolist() == [0, 2500]


def _grouped() -> bool:
    """Whether a woman of 61 who lives alone, near the line of 100, is found and counted as such."""
    one, nobody = np.array([1], dtype=np.int32), np.zeros(1, dtype=np.int32)
    home = np.zeros(1, dtype=np.uint32)
    groups, size, near = np.empty((4, 1), dtype=np.int32), np.empty(1, dtype=np.int32), np.empty(1, dtype=np.bool_)
    ages, codes = np.array([0, 18, 60], dtype=np.int32), np.array([1, 0, 1, 0], dtype=np.int32)
    born = np.array([19570630], dtype=np.int32)
    kernels_groups.members(home, born, one, nobody, nobody, nobody, codes, 20180701, ages, groups, size)
    spans = np.array([95, 105])
    kernels_groups.between(np.array([105]), nobody, np.array([0, 1]), spans[:1], spans[1:], near)
    cells, people, close = np.zeros((2, 3), dtype=np.int64), np.zeros(2, dtype=np.int64), np.zeros(2, dtype=np.int64)
    kernels_groups.tally(one, np.zeros(1, dtype=np.int8), size, near, cells, people, close)
    found = [groups[:, 0].tolist(), cells.tolist(), people.tolist(), close.tolist()]
    return found == [[0, 2, 0, kernels_groups.ONE_OLD], [[0, 0, 0], [1, 0, 0]], [0, 1], [0, 1]]


def _marked() -> bool:
    places, marks = np.zeros(3, dtype=np.int64), np.zeros((1, 2), dtype=np.uint8)
    kernels_results.set_bits(np.frombuffer(b"\x09\x05", dtype=np.uint8), 2, 9, places)
    known, slot = np.array([1, 0, 0], dtype=np.uint8), np.array([0, 0, 1])
    kernels_results.lacking(known, np.arange(3), slot, np.uint8(2), marks[0])
    told = np.zeros((1, 256, 1), dtype=np.uint8)
    told[0, 1] = 2
    kernels_results.behind(np.array([[1, 0]], dtype=np.uint8), np.arange(2), told, marks)
    return places.tolist() == [1, 6, 8] and marks.tolist() == [[2, 0]]


PARTS: dict[str, Callable[[], bool]] = {"csv": _told, "missing": _marked, "rank": _ranked, "groups": _grouped}
"""What is held to known results, each with kernels of its own."""
