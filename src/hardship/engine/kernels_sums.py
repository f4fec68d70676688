"""A kernel that counts one run: households, persons and money by where households stand, whole numbers throughout."""

from __future__ import annotations

from typing import Any

import numpy as np

from hardship.engine.jit import kernel

BLOCK = 2048  # households whose bytes are looked at together


@kernel
def summed(
    cells: Any, rung: Any, deferred: Any, refused: Any, missing: Any, out: Any, area: Any, persons: Any, money: Any,
    known: Any, sums: Any,
) -> None:  # fmt: skip
    """Count households, persons and money.

    Args:
        cells: (rungs, 4) int64; where a household on a rung stands: as the rung says, deferred, refused, incomplete.
        rung, deferred, refused: (n,) uint8; rung of the circle, and truths.
        missing: (planes, n) uint8, anything but 0 for incomplete households.
        out: (n,) bool, who is rejected: stands last.
        area: (n,) int64; empty: all are in area 0.
        persons: (n,) int64.
        money: (n,) int64; empty: none. Of those who are incomplete or rejected nothing counts.
        known: (n,) uint8, 1 where the money is known; empty: all is.
        sums: (areas, places, 3) int64, zeros; filled.
    """
    width = sums.shape[1]
    rejected = width - 1
    flat = sums.reshape(sums.shape[0] * width, 3)
    states = cells.reshape(cells.shape[0] * 4)
    lost, place = np.empty(BLOCK, np.uint8), np.empty(BLOCK, np.int64)
    # Step by step over a block, without branches: where a household stands cannot be foreseen.
    for begin in range(0, len(rung), BLOCK):
        end = min(begin + BLOCK, len(rung))
        size = end - begin
        lost[:] = 0
        for plane in range(missing.shape[0]):
            own = missing[plane, begin:end]
            for k in range(size):
                lost[k] |= own[k]
        rungs, refusals, deferrals, away = rung[begin:end], refused[begin:end], deferred[begin:end], out[begin:end]
        for k in range(size):
            state = np.int64(2) if refusals[k] == 1 else np.int64(deferrals[k] == 1)
            state += np.int64(rungs[k]) * 4
            place[k] = 3 if lost[k] != 0 else state
        for k in range(size):
            stands = states[place[k]]
            place[k] = rejected if away[k] else stands
        if len(area) > 0:
            of = area[begin:end]
            for k in range(size):
                place[k] += of[k] * width
        people = persons[begin:end]
        for k in range(size):
            flat[place[k], 0] += 1
            flat[place[k], 1] += people[k]
        if len(money) > 0:
            amounts = money[begin:end]
            for k in range(size):
                flat[place[k], 2] += 0 if len(known) > 0 and known[begin + k] != 1 else amounts[k]
    for group in range(sums.shape[0]):
        sums[group, rejected - 1 :, 2] = 0
