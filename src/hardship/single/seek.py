"""The kernels of the search for nearest changes: what to ask about, into the lanes, out of them, what is left.

The answers are those of `explaining.search`: a gap is halved until its ends are neighbours. Which halvings that takes
is known beforehand if one guesses where the household moves, so all of them are asked about at once: a wrong guess
costs another round and changes nothing. One guesses from the tests of the circle, whose slack is nearly a straight
line between the two ends, and where no test changes sides from where the same fact moved other households.

Facts, gaps and questions stand in few arrays, as each array that is handed to a kernel costs time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from hardship.engine.jit import kernel

MOST_ASKED = 128  # of one gap in a round
DEEPEST = 5  # halvings of a gap that are asked about whichever way they go
NEAR_WHOLE = 0.01  # a guess so near a whole number may be meant to be it

# Rows of the facts. OFFSET, STRIDE: where the first lane's cell lies, among the words (IN_WORDS 1) or the bytes, and
# how far the next lane's from it; CELL, MARK: where the value and its validity lie in one household's cells; LOW, HIGH:
# bounds; NUMBER: 1 for a number, 0 for a truth or an enum; KIND: which attribute; STORED, KNOWN: of the household.
OFFSET, STRIDE, IN_WORDS, CELL, MARK, LOW, HIGH, NUMBER, KIND, STORED, KNOWN = range(11)
# Rows of the gaps. FACT; NEAR, FAR: a value at which the household stands where it does, and one at which it does not;
# FIRST, COUNT: the questions about it.
FACT, NEAR, FAR, FIRST, COUNT = range(5)
VALUE = 1  # the other row of the questions


class Asked(NamedTuple):
    """Variants of the household.

    Attributes:
        variants: int64 [2, variants]: FACT and VALUE.
        standings: uint8 [variants, parts]: where it stands, and last whether that is elsewhere than the household.
        slacks: float64 [variants, tests]: each test's value less its edge; for guesses only.
    """

    variants: Any
    standings: Any
    slacks: Any


class Gaps(NamedTuple):
    """Numbers that move the household somewhere between two values.

    Attributes:
        places: int64 [5, gaps].
        after: uint8 [gaps, parts]: where the household stands at the far value.
        slacks: float64 [2, gaps, tests]: at the near value and at the far one.
    """

    places: Any
    after: Any
    slacks: Any


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
def opening(facts: Any, words: Any, small: Any, most: int, variants: Any) -> Any:
    """The household itself, every known number at its bounds, every known truth and enum at its other values.

    Args:
        words, small: the household's cells; most: known facts that are looked at.

    Returns:
        How many variants (0: no fact is known), and how many of them stand before the truths and enums.
    """
    n: Any = np.int64(0)  # numba compiles a function once more for a literal
    for f in range(facts.shape[1]):
        facts[KNOWN, f] = small[facts[MARK, f]] if most > 0 else 0
        if facts[KNOWN, f]:
            most -= 1
            facts[STORED, f] = words[facts[CELL, f]] if facts[IN_WORDS, f] else small[facts[CELL, f]]
            if n == 0:
                n = _variant(variants, n, f, facts[STORED, f])
    for f in range(facts.shape[1]):
        if facts[KNOWN, f] and facts[NUMBER, f]:
            for end in (facts[LOW, f], facts[HIGH, f]):
                if end != facts[STORED, f]:
                    n = _variant(variants, n, f, end)
    flips = n
    for f in range(facts.shape[1]):
        if facts[KNOWN, f] and not facts[NUMBER, f]:
            for value in range(facts[HIGH, f] + 1):
                if value != facts[STORED, f]:
                    n = _variant(variants, n, f, value)
    return n, flips


@kernel
def _variant(variants: Any, n: int, fact: int, value: int) -> int:
    variants[FACT, n], variants[VALUE, n] = fact, value
    return n + 1


@kernel
def lay(facts: Any, variants: Any, first: int, end: int, words: Any, small: Any) -> None:
    """Write the variants from `first` to before `end` into lanes that hold the household."""
    for i in range(first, end):
        f = variants[FACT, i]
        place = facts[OFFSET, f] + (i - first) * facts[STRIDE, f]
        if facts[IN_WORDS, f]:
            words[place] = variants[VALUE, i]
        else:
            small[place] = variants[VALUE, i]


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
    variants, standings, slacks = asked
    found, sinks, parts = outputs.small, outputs.sinks, outputs.parts
    for i in range(first, end):
        lane, f = i - first, variants[FACT, i]
        place = facts[OFFSET, f] + lane * facts[STRIDE, f]
        if facts[IN_WORDS, f]:
            words[place] = facts[STORED, f]
        else:
            small[place] = facts[STORED, f]
        missing = 0
        for k in range(sinks.size):
            missing |= found[sinks[k] + lane]
        standings[i, 0] = (missing != 0) | unserved[places[lane]]
        for k in range(parts.size):
            standings[i, 1 + k] = found[parts[k] + lane]
        for k in range(outputs.sides.shape[0]):
            value = _side(outputs, k, 0, lane) * _divisor(outputs, k, 2, lane)
            slacks[i, k] = value - _side(outputs, k, 2, lane) * _divisor(outputs, k, 0, lane)
    if now[0] == 255:
        for k in range(now.size):  # a slice's assignment would be compiled with all the words of its possible fault
            now[k] = standings[0, k]
    for i in range(first, end):
        moved = False
        for k in range(now.size):
            moved |= standings[i, k] != now[k]
        standings[i, now.size] = moved


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
    variants, standings, slacks = asked
    places, after, ends = gaps
    n = 0
    for i in range(1, flips):
        if standings[i, -1]:
            f = variants[FACT, i]
            places[FACT, n], places[NEAR, n], places[FAR, n] = f, facts[STORED, f], variants[VALUE, i]
            after[n], ends[0, n], ends[1, n] = standings[i], slacks[0], slacks[i]
            n += 1
    return n


@kernel
def ask(gaps: Any, begin: int, end: int, facts: Any, hints: Any, variants: Any, wanted: int, growing: bool) -> int:
    """What to ask about the gaps from `begin` to before `end`; returns how many variants.

    Args:
        hints: int64 [attributes, 2, values]: where other households moved, downwards and upwards.
        wanted: how many it should be, about; at most `MOST_ASKED` a gap.
        growing: distances 1, 4, 16, … from the near end; else halvings.
    """
    places, _, slacks = gaps
    active = 0
    for g in range(begin, end):
        active += abs(places[FAR, g] - places[NEAR, g]) > 1
    n: Any = np.int64(0)
    for g in range(begin, end):
        first = places[FIRST, g] = n
        places[COUNT, g] = 0
        size = abs(places[FAR, g] - places[NEAR, g])
        if size <= 1:
            continue
        if growing:
            distance: Any = np.int64(1)
            while distance < size:
                n = _variant(variants, n, places[FACT, g], _value(places, g, distance))
                distance *= 4
        else:
            n = _guessed(places, slacks, g, facts, hints, variants, n, size)
            depth = 1
            while depth < DEEPEST and active * (2 ** (depth + 1) - 1 + n - first) <= wanted:
                depth += 1
            n = _halvings(places, g, variants, n, size, depth)
        places[COUNT, g] = n - first
    return int(n)


@kernel
def _guessed(places: Any, slacks: Any, g: int, facts: Any, hints: Any, variants: Any, n: int, size: int) -> int:
    """The halvings of every guess."""
    before = n
    for s in range(slacks.shape[2]):
        near, far = slacks[0, g, s], slacks[1, g, s]
        if (near < 0) != (far < 0) or (near > 0) != (far > 0):
            crossing = near / (near - far) * size
            whole = int(np.rint(crossing))
            if abs(crossing - whole) > NEAR_WHOLE:
                n = _path(places, g, variants, n, size, int(np.floor(crossing)) + 1)
            else:
                n = _path(places, g, variants, n, size, whole)
                n = _path(places, g, variants, n, size, whole + 1)
    if n == before:
        upwards = places[FAR, g] > places[NEAR, g]
        for hint in hints[facts[KIND, places[FACT, g]], 1 if upwards else 0]:
            moves = hint - places[NEAR, g] if upwards else places[NEAR, g] - hint
            if 0 < moves < size:
                n = _path(places, g, variants, n, size, moves)
    return n


@kernel
def _value(places: Any, g: int, distance: int) -> Any:
    """The value so far from the near end."""
    return places[NEAR, g] + (distance if places[FAR, g] > places[NEAR, g] else -distance)


@kernel
def _path(places: Any, g: int, variants: Any, n: int, size: int, moves: int) -> int:
    """The halvings that lead to distance `moves` as the first that moves the household."""
    low, high, known = 0, size, n
    while high - low > 1 and n - places[FIRST, g] < MOST_ASKED - 2**DEEPEST:
        middle = (low + high) // 2
        n = _unless_known(places, g, variants, n, known, middle)
        if middle < moves:
            low = middle
        else:
            high = middle
    return n


@kernel
def _halvings(places: Any, g: int, variants: Any, n: int, size: int, depth: int) -> int:
    """All values that so many halvings may ask for."""
    queue = np.empty((2**DEEPEST, 2), np.int64)
    queue[0, 0], queue[0, 1] = 0, size
    last, known = 1, n
    for k in range(2**depth - 1):
        if k == last:
            break
        low, high = queue[k]
        if high - low <= 1:
            continue
        middle = (low + high) // 2
        n = _unless_known(places, g, variants, n, known, middle)
        if last + 1 < 2**depth:
            queue[last, 0], queue[last, 1] = low, middle
            queue[last + 1, 0], queue[last + 1, 1] = middle, high
            last += 2
    return n


@kernel
def _unless_known(places: Any, g: int, variants: Any, n: int, known: int, distance: int) -> int:
    """One question more, unless it is among the gap's before `known`."""
    value = _value(places, g, distance)
    for i in range(places[FIRST, g], known):
        if variants[VALUE, i] == value:
            return n
    return _variant(variants, n, places[FACT, g], value)


@kernel
def narrow(gaps: Any, begin: int, end: int, asked: Any, growing: bool) -> None:
    """Bring the ends nearer by what was answered."""
    variants, standings, slacks = asked
    places, after, ends = gaps
    for g in range(begin, end):
        first, count = places[FIRST, g], places[COUNT, g]
        at = 0
        while count and abs(places[FAR, g] - places[NEAR, g]) > 1:
            if not growing:  # the halvings of a guess stand in the order in which they are looked for
                middle = _value(places, g, abs(places[FAR, g] - places[NEAR, g]) // 2)
                tried = 0
                while tried < count and variants[VALUE, first + at] != middle:
                    at, tried = (at + 1) % count, tried + 1
                if tried == count:
                    break
            i = first + at
            if standings[i, -1]:
                places[FAR, g] = variants[VALUE, i]
                after[g], ends[1, g] = standings[i], slacks[i]
            else:
                places[NEAR, g] = variants[VALUE, i]
                ends[0, g] = slacks[i]
            at += 1
            if growing and (standings[i, -1] or at == count):
                break
            at %= count


@kernel
def remember(gaps: Any, count: int, facts: Any, hints: Any) -> None:
    """Note where this household moved; the oldest hint goes."""
    places = gaps.places
    for g in range(count):
        known = hints[facts[KIND, places[FACT, g]], 1 if places[FAR, g] > places[NEAR, g] else 0]
        if not (known == places[FAR, g]).any():
            for k in range(known.size - 1, 0, -1):
                known[k] = known[k - 1]
            known[0] = places[FAR, g]
