"""The search for single changes that move a household, whoever judges the variants.

Each number is moved alone, down and up to its legal bounds. Where the far end stands elsewhere, the gap is cut until
the first step of the smallest unit (a fen, a person) is found from which the household stands elsewhere: first at
distances four times as far each, then by equal parts. Truths and enums are flipped. All variants of a round are
judged together.

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
MOST_PROBES = 63  # values between two ends that are tried in a round
IN_ROUND = 448  # variants that a round is filled with
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
    gaps = np.flatnonzero(moved[:first])
    found = _numbers(facts, judge, now, tried[1:][gaps], stored, there[gaps])
    known = set()
    for place in (first + np.flatnonzero(moved[first:])).tolist():
        (fact, value), standing = tried[1 + place].tolist(), tuple(there[place].tolist())
        key = facts[fact].attribute.name, facts[fact].row, standing
        if key not in known:
            known.add(key)
            found.append(Move(facts[fact], value, standing))
    return sorted(found, key=_order)


def _numbers(
    facts: Sequence[Fact], judge: Judge, now: Array, gaps: Array, stored: Array, standings: Array
) -> list[Move]:
    """Each gap between a number's present value and an end cut to the first value that moves the household."""
    place, other = gaps[:, 0], gaps[:, 1].copy()
    same = stored[place]
    standings = standings.copy()
    growing = True
    while (active := np.flatnonzero(np.abs(other - same) > 1)).size:
        width = other[active] - same[active]
        steps = _growing(width) if growing else _parts(width, min(MOST_PROBES, max(1, IN_ROUND // active.size)))
        growing = False
        probes = np.abs(steps)
        wanted = (probes > 0) & (probes < np.abs(width)[:, None])
        values = same[active][:, None] + steps
        rows, columns = np.nonzero(wanted)
        judged = judge.standings(place[active][rows], values[rows, columns])
        moves_it = np.zeros(wanted.shape, np.bool_)
        moves_it[rows, columns] = (judged != now).any(axis=1)
        at = np.full(wanted.shape, -1)
        at[rows, columns] = np.arange(rows.size)
        # Values come nearest first: the gap ends at the first that moves the household, and begins at the one before.
        hit = moves_it.any(axis=1)
        nearest = moves_it.argmax(axis=1)
        last = wanted.sum(axis=1)
        line = np.arange(active.size)
        before = np.where(hit, nearest, last) - 1
        inner = before >= 0
        same[active[inner]] = values[line[inner], before[inner]]
        other[active[hit]] = values[line[hit], nearest[hit]]
        standings[active[hit]] = judged[at[line[hit], nearest[hit]]]
    return [
        Move(facts[number], value, tuple(standing))
        for number, value, standing in zip(place.tolist(), other.tolist(), standings.tolist(), strict=True)
    ]


def _growing(width: Array) -> Array:
    """Distances 1, 4, 16, … towards each end."""
    most = int(np.abs(width).max()).bit_length()
    steps: Array = np.sign(width)[:, None] * (np.int64(1) << np.arange(0, most, 2, dtype=np.int64))
    return steps


def _parts(width: Array, probes: int) -> Array:
    """At most so many distances that cut each gap into equal parts."""
    count = np.minimum(probes, np.abs(width) - 1)[:, None]
    whole, rest = np.divmod(width[:, None], count + 1)
    part = np.arange(1, probes + 1, dtype=np.int64)
    steps: Array = whole * part + rest * part // (count + 1)
    return np.where(part <= count, steps, 0)


def _order(move: Move) -> tuple[bool, bool, int]:
    """Money first, then other numbers, each by the size of the change; then the rest as they come."""
    fact = move.fact
    number = fact.attribute.type in NUMBERS
    return not number, fact.attribute.type != "money", abs(move.stored - fact.stored) if number else 0
