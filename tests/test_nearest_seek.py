"""The search at speed finds what plain halving finds, whatever the household does between two bounds."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardship.explaining.search import Array, Fact, moves
from hardship.single import seek

LOW, HIGH = -(10**9), 10**11
TESTS = 2
Standing = Callable[[int], int]


class Judge:
    """Says where one number stands, by a function of its value."""

    def __init__(self, standing: Standing) -> None:
        self.standing = standing

    def standings(self, places: Array, values: Array) -> Array:
        assert not places.any()
        return np.array([[self.standing(value)] for value in values.tolist()], np.uint8)


def plain(standing: Standing, stored: int) -> dict[tuple[int, int], int]:
    """Change down or up → where it ends, by `search.moves`."""
    attribute: Any = SimpleNamespace(type="money", name="x")
    found = moves([Fact(attribute, 0, (), "", "", stored, (LOW, HIGH))], Judge(standing))
    return {(0, 1 if move.stored > stored else 0): move.stored for move in found}


def quick(standing: Standing, stored: int, slack: Callable[[int, int], float], hints: Array) -> Any:
    """The same by the kernels, with guesses from `slack` and `hints`; and how many rounds it took."""
    facts = np.zeros((seek.KNOWN + 1, 1), np.int64)
    facts[[seek.LOW, seek.HIGH, seek.NUMBER, seek.IN_WORDS], 0] = LOW, HIGH, 1, 1
    asked = seek.Asked(np.zeros((2, 512), np.int64), np.zeros((512, 2), np.uint8), np.zeros((512, TESTS)))
    gaps = seek.Gaps(np.zeros((5, 2), np.int64), np.zeros((2, 2), np.uint8), np.zeros((2, 2, TESTS)))
    variants, standings, slacks = asked

    def judge(count: int) -> None:
        values = variants[seek.VALUE, :count].tolist()
        standings[:count, 0] = [standing(value) for value in values]
        standings[:count, 1] = standings[:count, 0] != standing(stored)
        slacks[:count] = [[slack(test, value) for test in range(TESTS)] for value in values]

    count, flips = seek.opening(facts, np.array([stored]), np.array([1], np.uint8), 1, variants)
    judge(count)
    ends, rounds, growing = seek.gaps_of(asked, flips, facts, gaps), 1, True
    while count := seek.ask(gaps, 0, ends, facts, hints, variants, 256, growing):
        judge(count)
        seek.narrow(gaps, 0, ends, asked, growing)
        growing, rounds = False, rounds + 1
    seek.remember(gaps, ends, facts, hints)
    found = gaps.places[seek.FAR, :ends].tolist()
    return {(0, 1 if value > stored else 0): value for value in found}, rounds


def no_hints() -> Array:
    return np.full((1, 2, 4), np.iinfo(np.int64).min // 2)


@settings(max_examples=60)
@given(
    st.integers(0, 10**7), st.lists(st.integers(-(10**6), 10**8), min_size=1, max_size=5), st.integers(1, 10**6),
    st.lists(st.integers(-(10**6), 10**8), min_size=4, max_size=4),
)  # fmt: skip
def test_wrong_guesses_change_nothing(stored: int, edges: list[int], scatter: int, hinted: list[int]) -> None:
    """Standings that go to and fro, slacks that tell nothing, hints from anywhere."""

    def standing(value: int) -> int:
        return sum(value >= edge for edge in edges) % 2 + 2 * (value // scatter % 7 == 3)

    hints = no_hints()
    hints[0, :] = hinted
    for slack in (lambda test, value: 0.0, lambda test, value: float(hash((test, value // 1000)) % 2001 - 1000)):
        assert quick(standing, stored, slack, hints.copy())[0] == plain(standing, stored)


@pytest.mark.parametrize("line", [100_001, 499_999, 500_000, 500_003, 7_654_321, 10**10 + 1])
@pytest.mark.parametrize("strict", [0, 1])
def test_a_straight_line_is_found_in_three_rounds(line: int, strict: int) -> None:
    """The bounds, growing distances, and the halvings that lead to where the slack is nought."""
    found, rounds = quick(lambda value: value >= line + strict, 3_000, lambda _, value: value - line, no_hints())
    assert found == {(0, 1): line + strict}
    assert rounds == 3


def test_a_line_that_moved_another_household_is_found_in_three_rounds() -> None:
    hints = no_hints()
    first, slow = quick(lambda value: value < 1_234_567, 5_000_000, lambda test, value: 1.0, hints)
    again, rounds = quick(lambda value: value < 1_234_567, 4_000_000, lambda test, value: 1.0, hints)
    assert first == again == {(0, 0): 1_234_566}
    assert rounds == 3 < slow
