"""The search for single changes that move a household, whoever judges the variants.

Each number is moved alone, down and up to its legal bounds. Where a bound stands elsewhere, distances 1, 4, 16, … from
the present value are tried, and the gap before the first that moves the household is halved until its ends are
neighbours: the change reported is the far one, in steps of the smallest unit (a fen, a person). Truths and enums are
flipped. All variants of a round are judged together, several halvings at a time.

Between the present value and the one found the standing may in principle change and change back (a table may
reward what it punishes further on); the change reported is still one that really moves the household.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hardship.language.fields import DeclaredAttribute

Array = npt.NDArray[Any]
NUMBERS = ("money", "int", "decimal")
IN_ROUND = 448  # variants that a round is filled with, about
DEEPEST = 5  # halvings of a gap that are judged whichever way they go
# Members times facts looked at, members times changes told: a household of 200 members has thousands of facts.
# Its own facts and those of its first members are looked at, and its smallest changes told.
SEARCHED, CONFIRMED = 8_000, 2_000


@dataclass(frozen=True, slots=True)
class Fact:
    """One known fact: `row` among all rows of its level, `key`, `id`, `who` of that row, what is stored, its bounds."""

    attribute: DeclaredAttribute
    row: int
    key: tuple[int, ...]
    id: str
    who: str
    stored: int
    bounds: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Move:
    """A change that moves the household, and where it then stands."""

    fact: Fact
    stored: int
    standing: tuple[int, ...]


class Judge(Protocol):
    """Says where variants of one household stand."""

    def standings(self, places: Array, values: Array) -> Array:
        """Integers [variants, parts]: where the household stands with fact number `places[k]` at `values[k]`."""


def moves(facts: Sequence[Fact], judge: Judge) -> list[Move]:
    """Changes of one fact that move the household: numbers by size, money first, then truths and enums."""
    if not facts:
        return []
    stored = np.array([fact.stored for fact in facts], np.int64)
    ends = [
        (place, end)
        for place, fact in enumerate(facts)
        if fact.attribute.type in NUMBERS
        for end in fact.bounds
        if end != fact.stored
    ]
    flips = [
        (place, value)
        for place, fact in enumerate(facts)
        if fact.attribute.type not in NUMBERS
        for value in range(fact.bounds[1] + 1)
        if value != fact.stored
    ]
    tried = np.array([(0, facts[0].stored), *ends, *flips], np.int64)
    standings = judge.standings(tried[:, 0], tried[:, 1])
    now, there = standings[0], standings[1:]
    moved = (there != now).any(axis=1)
    first = len(ends)
    gaps = [
        _Gap(int(tried[1 + at, 0]), int(stored[tried[1 + at, 0]]), int(tried[1 + at, 1]), there[at])
        for at in np.flatnonzero(moved[:first])
    ]
    _halve(gaps, judge, now)
    found = [Move(facts[gap.place], gap.far, tuple(gap.standing.tolist())) for gap in gaps]
    known = set()
    for place in (first + np.flatnonzero(moved[first:])).tolist():
        (fact, value), standing = tried[1 + place].tolist(), tuple(there[place].tolist())
        key = facts[fact].attribute.name, facts[fact].row, standing
        if key not in known:
            known.add(key)
            found.append(Move(facts[fact], value, standing))
    return sorted(found, key=_order)


@dataclass(slots=True)
class _Gap:
    """A number between a value at which the household stands where it does, and one at which it does not."""

    place: int
    near: int
    far: int
    standing: Array

    def growing(self) -> list[int]:
        """Values 1, 4, 16, … from the near end, nearest first."""
        size = abs(self.far - self.near)
        sign = 1 if self.far > self.near else -1
        return [self.near + sign * 4**power for power in range(size.bit_length()) if 4**power < size]

    def middle(self) -> int:
        """The value half way, nearer to the near end."""
        half = abs(self.far - self.near) // 2
        return self.near + (half if self.far > self.near else -half)

    def halvings(self, depth: int) -> list[int]:
        """The values that so many halvings may ask for."""
        if abs(self.far - self.near) <= 1 or depth == 0:
            return []
        middle = self.middle()
        parts = (_Gap(self.place, *ends, self.standing) for ends in ((self.near, middle), (middle, self.far)))
        return [middle, *(value for part in parts for value in part.halvings(depth - 1))]


def _halve(gaps: Sequence[_Gap], judge: Judge, now: Array) -> None:
    """Cut each gap until its ends are neighbours."""
    for gap, judged in zip(gaps, _judged(gaps, [gap.growing() for gap in gaps], judge), strict=True):
        for value, standing in judged.items():
            if (standing != now).any():
                gap.far, gap.standing = value, standing
                break
            gap.near = value
    while active := [gap for gap in gaps if abs(gap.far - gap.near) > 1]:
        depth = max(1, min(DEEPEST, (IN_ROUND // len(active) + 1).bit_length() - 1))
        for gap, judged in zip(active, _judged(active, [gap.halvings(depth) for gap in active], judge), strict=True):
            while (middle := gap.middle()) in judged and abs(gap.far - gap.near) > 1:
                if (judged[middle] != now).any():
                    gap.far, gap.standing = middle, judged[middle]
                else:
                    gap.near = middle


def _judged(gaps: Sequence[_Gap], values: Sequence[Sequence[int]], judge: Judge) -> list[dict[int, Array]]:
    """Where each gap's fact stands at each of its values."""
    places = [gap.place for gap, wanted in zip(gaps, values, strict=True) for _ in wanted]
    flat = [value for wanted in values for value in wanted]
    if not flat:
        return [{} for _ in gaps]
    standings = iter(judge.standings(np.array(places), np.array(flat, np.int64)))
    return [{value: next(standings) for value in wanted} for wanted in values]


def _order(move: Move) -> tuple[bool, bool, int]:
    """Money first, then other numbers, each by the size of the change; then the rest as they come."""
    fact = move.fact
    number = fact.attribute.type in NUMBERS
    return not number, fact.attribute.type != "money", abs(move.stored - fact.stored) if number else 0
