"""Digits: what a factor leaves in amounts, and what honest amounts look like."""

from __future__ import annotations

import numpy as np
import pytest

from hardship.traces import DIVERSE, TRACES, over_twelve, times_hundred, times_twelve

RNG = np.random.default_rng(5)
YUAN = RNG.integers(200, 9_000, 400)
HONEST = {
    "whole yuan": YUAN * 100,
    "with fen": RNG.integers(20_000, 900_000, 400),
    "whole tens": YUAN // 10 * 1_000,
    "whole hundreds, most of them thousands": np.where(
        YUAN % 3 == 0, YUAN // 100 * 10_000, YUAN // 1_000 * 100_000 + 100_000
    ),
    "halves and quarters": YUAN * 100 + RNG.integers(0, 4, 400) * 25,
    "a third of whole tens": YUAN // 10 * 1_000 // 3,
    "one scale of an office": np.repeat(np.arange(1, DIVERSE), 9) * 36_000,
}


@pytest.mark.parametrize("what", HONEST)
def test_honest_amounts_bear_no_trace(what: str) -> None:
    assert [name for name, traced in TRACES.items() if traced(HONEST[what])] == []


def test_every_factor_leaves_its_trace() -> None:
    mixed = np.where(YUAN % 3 == 0, YUAN * 100 + YUAN % 97, YUAN * 100)  # a third with fen
    assert times_twelve(mixed * 12)
    assert times_hundred(mixed * 100)
    assert over_twelve(mixed // 12)
    assert over_twelve((mixed + 6) // 12)
    assert not times_hundred(mixed * 12)
    assert not times_twelve(mixed * 100)


def test_a_share_decides() -> None:
    """Of 400 amounts 380 are 95 %: enough for multiples of 12, one less is not."""
    other = YUAN * 100 + 1 - YUAN * 100 % 12
    for twelves, traced in ((380, True), (379, False)):
        assert times_twelve(np.where(np.arange(400) < twelves, YUAN * 1_200, other)) == traced
