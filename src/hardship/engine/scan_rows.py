"""Facts of many bodies side by side: what `scan` found in one is put below what it found in those before."""

from __future__ import annotations

from typing import Any

import numpy as np

from hardship.engine import scan_layout as lay
from hardship.engine.jit import kernel
from hardship.engine.scan_order import byte_of, size_of


@kernel
def keep(
    about: Any, work: Any, base: int, ends: Any, number: int, homes: Any, members: Any, supporters: Any, transfers: Any
) -> None:  # fmt: skip
    """Put the rows of one household, as they stand in its body, into columns.

    Args:
        about, work: of `scan`, which found the body plain.
        base: where the body begins in the text that places shall count from.
        ends: int64 [4, households + 1]: takes where the household's rows of each level end.
        number: how many households were kept before.
        homes, members, supporters, transfers: int64 [slots of the level, rows].
    """
    into = (homes, members, supporters, transfers)
    for level in range(4):
        at = ends[level, number]
        lay_down(about, work, np.int64(level), base, into[level], at)
        ends[level, number + 1] = at + work[lay.ROWS + level]


@kernel
def lay_down(about: Any, work: Any, level: Any, base: int, cells: Any, at: int) -> None:
    """The rows of one level; an own number left out becomes its place, `-n`; the only member is named where none is."""
    count, dense = about[lay.COUNT + level], about[lay.DENSE + level]
    for slot in range(count):
        kind = about[about[lay.SLOTS] + (about[lay.FIRST + level] + slot) * lay.SLOT + lay.KIND]
        for row in range(work[lay.ROWS + level]):
            value = work[dense + row * count + slot]
            if kind == lay.OWN and value == lay.ABSENT:
                value = np.int64(-1 - row)
            elif kind == lay.OF_MEMBER and value == lay.ABSENT:
                value = work[lay.IDS]
            if kind >= lay.CODE and value >= 0:
                value += base << 16
            cells[slot, at + row] = value


@kernel
def spell(body: Any, places: Any, ends: Any, out: Any) -> None:
    """The texts at some places, one after the other.

    Args:
        body: bytes.
        places: int64, of `keep`; nothing is written for those that are missing.
        ends: int64: takes where each text ends.
        out: uint8: takes the texts.
    """
    end = 0
    for row in range(len(places)):
        place = places[row]
        if place > lay.NULL:
            for k in range(size_of(place)):
                out[end] = byte_of(body, place, k)
                end += 1
        ends[row] = end
