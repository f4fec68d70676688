"""The kernels of the search for nearest changes: what to ask about, into the lanes, out of them, what is left.

The answers are those of `explaining.search`: a gap is halved until its ends are neighbours. Which halvings that takes
is known beforehand if one guesses where the household moves, so all of them are asked about at once: a wrong guess
costs another round and changes nothing. One guesses from the tests of the circle, whose slack is nearly a straight
line between the two ends, and where no test changes sides from where the same fact moved other households.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from hardship.engine.jit import kernel

MOST_ASKED = 128  # of one gap in a round
DEEPEST = 5  # halvings of a gap that are asked about whichever way they go
NOWHERE, IN_WORDS, IN_BYTES = 0, 1, 2
NEAR_WHOLE = 0.01  # a guess so near a whole number may be meant to be it


class Facts(NamedTuple):
    """The facts that may be changed.

    Attributes:
        offsets, strides: where the first lane's cell lies, and how far the next lane's from it.
        homes: whether the cell lies among the words, the bytes, or nowhere.
        stored: of the household.
        low, high: bounds; numbers: 1 for a number, 0 for a truth or an enum.
        kinds: which attribute it is, as a row of `hints`.
    """

    offsets: Any
    strides: Any
    homes: Any
    stored: Any
    low: Any
    high: Any
    numbers: Any
    kinds: Any


class Asked(NamedTuple):
    """Variants of the household, one a row.

    Attributes:
        facts, values: which fact, and its value.
        standings: uint8 [variants, parts]: where it stands; `search.Judge`.
        moved: whether that is elsewhere than the household.
        slacks: float64 [variants, tests]: each test's value less its edge; for guesses only.
    """

    facts: Any
    values: Any
    standings: Any
    moved: Any
    slacks: Any


class Gaps(NamedTuple):
    """Numbers between a value at which the household stands where it does, and one at which it does not.

    Attributes:
        facts: which fact; near, far: the two values; after: where the household stands at `far`.
        near_slacks, far_slacks: the slacks there.
        first, count: the rows of `Asked` that are about it.
    """

    facts: Any
    near: Any
    far: Any
    after: Any
    near_slacks: Any
    far_slacks: Any
    first: Any
    count: Any


class Outputs(NamedTuple):
    """Where a run's results lie, of the first lane.

    Attributes:
        words, small: the results.
        sinks: planes of what is missing; parts: the further parts of a standing.
        sides: int64 [tests, 4]: value, its divisor, edge, its divisor (-1: none), among the words.
        scales: float64 [tests, 4]: their denominators.
    """

    words: Any
    small: Any
    sinks: Any
    parts: Any
    sides: Any
    scales: Any


@kernel
def spread(cells: Any, held: Any, into: Any, levels: Any, lanes: int) -> None:
    """Lay one household's cells into all lanes, as far as these do not hold them already.

    Args:
        cells: as `Lanes` of one household hold them; `held`: what all lanes hold, brought up to date.
        levels: int64 [levels, 4]: columns, rows, where they begin in `cells`, and in `into`.
    """
    for level in range(levels.shape[0]):
        columns, rows, start, begin = levels[level]
        for column in range(columns):
            for row in range(rows):
                cell = start + column * rows + row
                value = cells[cell]
                if value != held[cell]:
                    held[cell] = value
                    first = begin + column * rows * lanes + row
                    if rows == 1:
                        into[first : first + lanes] = value
                    else:
                        for lane in range(lanes):
                            into[first + lane * rows] = value


@kernel
def opening(facts: Any, asked: Any) -> Any:
    """The household itself, every number at its bounds, every truth and enum at its other values.

    Returns:
        How many variants, and how many of them stand before the truths and enums.
    """
    asked.facts[0], asked.values[0] = 0, facts.stored[0]
    n = 1
    for f in range(facts.stored.size):
        if facts.numbers[f]:
            for end in (facts.low[f], facts.high[f]):
                if end != facts.stored[f]:
                    asked.facts[n], asked.values[n] = f, end
                    n += 1
    flips = n
    for f in range(facts.stored.size):
        if not facts.numbers[f]:
            for value in range(facts.high[f] + 1):
                if value != facts.stored[f]:
                    asked.facts[n], asked.values[n] = f, value
                    n += 1
    return n, flips


@kernel
def lay(facts: Any, asked: Any, first: int, end: int, words: Any, small: Any) -> None:
    """Write the variants from `first` to before `end` into lanes that hold the household."""
    for i in range(first, end):
        f = asked.facts[i]
        place = facts.offsets[f] + (i - first) * facts.strides[f]
        if facts.homes[f] == IN_WORDS:
            words[place] = asked.values[i]
        elif facts.homes[f] == IN_BYTES:
            small[place] = asked.values[i]


@kernel
def take(
    facts: Any, asked: Any, first: int, end: int, words: Any, small: Any, outputs: Any, places: Any, unserved: Any,
    now: Any,
) -> None:  # fmt: skip
    """Read where the variants stand, and write the household back into their lanes.

    Args:
        places: each lane's place among the local numbers; unserved: what that place adds to a standing's first byte.
        now: where the household stands; written where its first byte says that it was not read yet.
    """
    found, sinks, parts = outputs.small, outputs.sinks, outputs.parts
    for i in range(first, end):
        lane, f = i - first, asked.facts[i]
        place = facts.offsets[f] + lane * facts.strides[f]
        if facts.homes[f] == IN_WORDS:
            words[place] = facts.stored[f]
        elif facts.homes[f] == IN_BYTES:
            small[place] = facts.stored[f]
        missing = 0
        for k in range(sinks.size):
            missing |= found[sinks[k] + lane]
        asked.standings[i, 0] = (missing != 0) | unserved[places[lane]]
        for k in range(parts.size):
            asked.standings[i, 1 + k] = found[parts[k] + lane]
        for k in range(outputs.sides.shape[0]):
            value = _side(outputs, k, 0, lane) * _divisor(outputs, k, 2, lane)
            asked.slacks[i, k] = value - _side(outputs, k, 2, lane) * _divisor(outputs, k, 0, lane)
    if now[0] == 255:
        now[:] = asked.standings[0]
    for i in range(first, end):
        asked.moved[i] = 0
        for k in range(now.size):
            if asked.standings[i, k] != now[k]:
                asked.moved[i] = 1


@kernel
def _side(outputs: Any, test: int, part: int, lane: int) -> Any:
    return outputs.words[outputs.sides[test, part] + lane] / outputs.scales[test, part]


@kernel
def _divisor(outputs: Any, test: int, part: int, lane: int) -> Any:
    place = outputs.sides[test, part + 1]
    return 1.0 if place < 0 else outputs.words[place + lane] / outputs.scales[test, part + 1]


@kernel
def gaps_of(asked: Any, flips: int, facts: Any, gaps: Any) -> int:
    """A gap for each bound at which the household stands elsewhere; returns how many."""
    n = 0
    for i in range(1, flips):
        if asked.moved[i]:
            f = asked.facts[i]
            gaps.facts[n], gaps.near[n], gaps.far[n] = f, facts.stored[f], asked.values[i]
            gaps.after[n] = asked.standings[i]
            gaps.near_slacks[n], gaps.far_slacks[n] = asked.slacks[0], asked.slacks[i]
            n += 1
    return n


@kernel
def ask(gaps: Any, begin: int, end: int, facts: Any, hints: Any, asked: Any, wanted: int, growing: bool) -> int:
    """What to ask about the gaps from `begin` to before `end`; returns how many variants.

    Args:
        hints: int64 [attributes, 2, values]: where other households moved, downwards and upwards.
        wanted: how many it should be, about; at most `MOST_ASKED` a gap.
        growing: distances 1, 4, 16, … from the near end; else halvings.
    """
    active = 0
    for g in range(begin, end):
        active += abs(gaps.far[g] - gaps.near[g]) > 1
    queue = np.empty((2**DEEPEST, 2), np.int64)
    n = 0
    for g in range(begin, end):
        gaps.first[g], gaps.count[g] = n, 0
        size = abs(gaps.far[g] - gaps.near[g])
        if size <= 1:
            continue
        if growing:
            distance = 1
            while distance < size:
                n = _asked(gaps, g, asked, n, distance)
                distance *= 4
            continue
        before = n
        for s in range(gaps.near_slacks.shape[1]):
            near, far = gaps.near_slacks[g, s], gaps.far_slacks[g, s]
            if (near < 0) != (far < 0) or (near > 0) != (far > 0):
                crossing = near / (near - far) * size
                whole = int(np.rint(crossing))
                if abs(crossing - whole) > NEAR_WHOLE:
                    n = _path(gaps, g, asked, n, size, int(np.floor(crossing)) + 1)
                else:
                    n = _path(gaps, g, asked, n, size, whole)
                    n = _path(gaps, g, asked, n, size, whole + 1)
        if n == before:
            upwards = gaps.far[g] > gaps.near[g]
            for hint in hints[facts.kinds[gaps.facts[g]], 1 if upwards else 0]:
                moves = hint - gaps.near[g] if upwards else gaps.near[g] - hint
                if 0 < moves < size:
                    n = _path(gaps, g, asked, n, size, moves)
        depth = 1
        while depth < DEEPEST and active * (2 ** (depth + 1) - 1 + gaps.count[g]) <= wanted:
            depth += 1
        queue[0, 0], queue[0, 1] = 0, size
        last = 1
        for k in range(2**depth - 1):
            if k >= last:
                break
            low, high = queue[k]
            if high - low <= 1:
                continue
            middle = (low + high) // 2
            n = _asked(gaps, g, asked, n, middle)
            if last + 1 < 2**depth:
                queue[last, 0], queue[last, 1] = low, middle
                queue[last + 1, 0], queue[last + 1, 1] = middle, high
                last += 2
    return n


@kernel
def _path(gaps: Any, g: int, asked: Any, n: int, size: int, moves: int) -> int:
    """The halvings that lead to distance `moves` as the first that moves the household."""
    low, high = 0, size
    while high - low > 1 and gaps.count[g] < MOST_ASKED - 2**DEEPEST:
        middle = (low + high) // 2
        n = _asked(gaps, g, asked, n, middle)
        if middle < moves:
            low = middle
        else:
            high = middle
    return n


@kernel
def _asked(gaps: Any, g: int, asked: Any, n: int, distance: int) -> int:
    """One variant more, unless it is among the gap's already."""
    value = gaps.near[g] + distance if gaps.far[g] > gaps.near[g] else gaps.near[g] - distance
    for i in range(gaps.first[g], n):
        if asked.values[i] == value:
            return n
    asked.facts[n], asked.values[n] = gaps.facts[g], value
    gaps.count[g] += 1
    return n + 1


@kernel
def narrow(gaps: Any, begin: int, end: int, asked: Any, growing: bool) -> None:
    """Bring the ends nearer by what was answered."""
    for g in range(begin, end):
        first, last = gaps.first[g], gaps.first[g] + gaps.count[g]
        if growing:
            for i in range(first, last):
                _end(gaps, g, asked, i)
                if asked.moved[i]:
                    break
            continue
        while abs(gaps.far[g] - gaps.near[g]) > 1:
            half = abs(gaps.far[g] - gaps.near[g]) // 2
            middle = gaps.near[g] + (half if gaps.far[g] > gaps.near[g] else -half)
            i = first
            while i < last and asked.values[i] != middle:
                i += 1
            if i == last:
                break
            _end(gaps, g, asked, i)


@kernel
def remember(gaps: Any, count: int, facts: Any, hints: Any) -> None:
    """Note where this household moved; the oldest hint goes."""
    for g in range(count):
        known = hints[facts.kinds[gaps.facts[g]], 1 if gaps.far[g] > gaps.near[g] else 0]
        if not (known == gaps.far[g]).any():
            known[1:] = known[:-1].copy()
            known[0] = gaps.far[g]


@kernel
def _end(gaps: Any, g: int, asked: Any, i: int) -> None:
    """A variant becomes the far end if it moves the household, else the near one."""
    if asked.moved[i]:
        gaps.far[g], gaps.after[g], gaps.far_slacks[g] = asked.values[i], asked.standings[i], asked.slacks[i]
    else:
        gaps.near[g], gaps.near_slacks[g] = asked.values[i], asked.slacks[i]
