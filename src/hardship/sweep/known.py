"""Known counts: made once before the first what-if is believed, so that its kernels are there too."""

from __future__ import annotations

from functools import cache

import numpy as np

from hardship.engine import machine, selftest, variants
from hardship.engine.kernels_sums import summed
from hardship.errors import EngineError, Fault

EXPECTED = [[[1, 2, 0], [0, 0, 0], [0, 0, 0]], [[1, 3, 700], [1, 4, 0], [1, 5, 0]]]
"""Households, persons and money by area and by where households stand."""


@cache
def check() -> None:
    """Run the machine's small program under two settings, and count four households, once in this process.

    Raises:
        EngineError: a result is not the known one.
    """
    machine.warm()
    columns = selftest.small()
    for raw in variants.runs(columns.program, [columns, columns]):
        selftest.hold(raw)
    byte, word = np.uint8, np.int64
    sums = np.zeros((2, 3, 3), word)
    summed(
        np.array([[0, 1, 1, 1]], word),
        np.zeros(4, byte),
        np.array([0, 0, 1, 0], byte),
        np.zeros(4, byte),
        np.array([[0, 0, 0, 0]], byte),
        np.array([False, False, False, True]),
        np.array([0, 1, 1, 1], word),
        np.array([2, 3, 4, 5], word),
        np.array([900, 700, 0, 800], word),
        np.array([0, 1, 1, 1], byte),
        sums,
    )
    if sums.tolist() != EXPECTED:
        raise EngineError(Fault("common.engine", params={"what": "the self-test of sums"}))
