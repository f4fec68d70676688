"""Variants of one household as lanes of one block: which changes of one fact move it (`explaining.search`, at speed).

What depends on the household's shape only is laid out once for each thread; the search itself is in `seek`.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from hardship.attributes import stored_bounds
from hardship.explaining.search import NUMBERS, Array
from hardship.language.fields import DeclaredAttribute
from hardship.lowering.ops import LEVEL
from hardship.single import seek
from hardship.single.household import Household
from hardship.single.lanes import Lanes, Layout, Rows
from hardship.single.runner import Places, Runner

MOST_LANES, MOST_ROWS = 512, 8_192
MOST_SHAPES, MOST_SEATS, MOST_HELD = 16, 64, 256
TOGETHER = 64  # gaps that are cut in the same rounds
IN_ROUND = 256  # variants that a round is filled with, about
HINTS = 4  # places where other households moved that are tried for a fact
START = 2  # the column of `_Memory.levels` that says where a level begins in one household's cells
UNREAD = 255  # no standing begins with it
RESIDENCE = "residence_type"  # under another one other local numbers hold


class Change(NamedTuple):
    """A change of one fact that moves the household: from what to what, as stored, and where it then stands.

    Attributes:
        fact: its name, level and row.
    """

    fact: tuple[str, int, int]
    before: int
    after: int
    standing: bytes


class _Seat(NamedTuple):
    """The facts of one shape that may be changed, in the order of the search.

    Attributes:
        places: of each its name, level and row.
        facts: int64 [rows of `seek`, facts].
        asked: most variants of the first round.
        residence: which fact chooses other local numbers; -1: none.
    """

    places: list[tuple[str, int, int]]
    facts: Array
    asked: int
    residence: int


class _Held(NamedTuple):
    """Local numbers [parameter, place] and their validity: at the household's place, then at that of each residence.

    `unserved` is 2 for a place without a standard, else 0: a bit of a standing's first byte.
    """

    values: Array
    valid: Array
    unserved: Array


class _Memory:
    """Lanes for households of one shape; what they hold between two searches is the last one's household."""

    def __init__(self, layout: Layout, rows: Rows, parts: list[int], sides: Array, scales: Array) -> None:
        self.lanes = lanes = Lanes(layout, rows, max(16, min(MOST_LANES, MOST_ROWS // max(rows))))
        counts = (
            [len(columns) for columns in layout.words],
            [len(small) + len(known) for small, known in zip(layout.small, layout.known, strict=True)],
        )
        ends = [np.cumsum(np.multiply(columns, rows)) for columns in counts]
        self.words, self.small = np.zeros(ends[0][-1], np.int64), np.zeros(ends[1][-1], np.uint8)
        begins = zip(*lanes.starts, strict=True)
        # Of words and of bytes: int64 [levels, 4], as `seek.spread` has them.
        self.levels = [
            np.column_stack([columns, rows, np.concatenate([[0], end[:-1]]), begin])
            for columns, end, begin in zip(counts, ends, begins, strict=True)
        ]
        at = np.array(lanes.at, np.int64)
        self.outputs = seek.Outputs(
            lanes.found_words, lanes.found_small, at[layout.planes["missing"]], at[parts],
            np.where(sides < 0, -1, at[sides]), scales,
        )  # fmt: skip

    def hold(self, words: bytes, small: bytes | bytearray) -> None:
        """Lay a household's cells into all lanes."""
        lanes = self.lanes
        seek.spread(np.frombuffer(words, np.int64), self.words, lanes.words, self.levels[0], lanes.count)
        seek.spread(np.frombuffer(small, np.uint8), self.small, lanes.small, self.levels[1], lanes.count)


class _Desk(threading.local):
    """What a thread keeps."""

    def __init__(self) -> None:
        self.memories: dict[Rows, _Memory] = {}
        self.seats: dict[tuple[object, ...], _Seat] = {}
        self.asked: tuple[seek.Asked, seek.Gaps] | None = None
        self.hints: Array | None = None


class Variants:
    """Finds changes for households of one prepared table.

    A standing is, byte by byte: 1 where the household is incomplete and 2 where it has no standard; refused; deferred;
    the circle, if the table has one; the planes of bounds broken.

    Args:
        attributes: that may be changed.
        runner, places: of the program with detail `standing`.
    """

    def __init__(self, attributes: Mapping[str, DeclaredAttribute], runner: Runner, places: Places) -> None:
        self.attributes, self.runner, self.places = attributes, runner, places
        slots, planes = runner.layout.slots, runner.layout.planes
        names = ("refused", "deferred", "ladder:circle")
        self._parts = [*(slots[name].value for name in names if name in slots), *planes["require"]]
        self._sides, self._scales = _sides(runner.layout)
        self._residences = range(stored_bounds(attributes[RESIDENCE])[1] + 1 if RESIDENCE in attributes else 0)
        self._places: dict[tuple[str, int | None], _Held] = {}
        self._desk = _Desk()

    def changes(self, household: Household, most: int) -> list[Change]:
        """Every change found: numbers by size, money first, then truths and enums.

        Args:
            household: complete, at a place with all standards.
            most: facts that are looked at.
        """
        seat, memory = self._seat(household), self._memory(household)
        memory.hold(*self.runner.cells(household))
        if household.supporters or household.transfers:
            memory.lanes.link(household.supporters, household.transfers)
        held = self._held(household.area_code, household.residence)
        search = _Search(memory, seat, held, *self._asked(seat), self.runner.on)
        changes = search.changes(most, self._hints(), self.attributes)
        self._desk.memories[memory.lanes.rows] = memory  # only now: after an error it may hold anything
        return changes

    def _memory(self, household: Household) -> _Memory:
        known = self._desk.memories
        rows = household.rows
        if len(known) >= MOST_SHAPES:
            known.clear()
        memory = known.pop(rows, None)
        return memory or _Memory(self.runner.layout, rows, self._parts, self._sides, self._scales)

    def _asked(self, seat: _Seat) -> tuple[seek.Asked, seek.Gaps]:
        """The thread's memory for questions and gaps."""
        known, gaps, tests, width = self._desk.asked, 2 * len(seat.places), len(self._sides), 2 + len(self._parts)
        if known is None or known[0].slacks.shape[0] < seat.asked or known[1].after.shape[0] < gaps:
            rows = max(seat.asked, TOGETHER * seek.MOST_ASKED)
            known = self._desk.asked = (
                seek.Asked(np.zeros((2, rows), np.int64), np.zeros((rows, width), np.uint8), np.zeros((rows, tests))),
                seek.Gaps(np.zeros((5, gaps), np.int64), np.zeros((gaps, width), np.uint8), np.zeros((2, gaps, tests))),
            )
        return known

    def _hints(self) -> Array:
        """The thread's memory of where facts moved households; at first nowhere that a fact may be."""
        if self._desk.hints is None:
            nowhere = np.iinfo(np.int64).min // 2
            self._desk.hints = np.full((len(self.attributes), 2, HINTS), nowhere, np.int64)
        return self._desk.hints

    def _held(self, area: str, residence: int | None) -> _Held:
        key = area, residence
        if key not in self._places:
            if len(self._places) >= MOST_HELD:
                self._places.clear()
            others = self._residences if residence is not None else ()
            found = [self.places.at(area, one) for one in (residence, *others)]
            self._places[key] = _Held(
                np.hstack([place.values for place in found]), np.hstack([place.valid for place in found]),
                np.array([2 * (not place.served) for place in found], np.uint8),
            )  # fmt: skip
        return self._places[key]

    def _seat(self, household: Household) -> _Seat:
        known = self._desk.seats
        key = len(household.member_ids), tuple(household.supporters), tuple(household.transfers)
        if key not in known:
            if len(known) >= MOST_SEATS:
                known.clear()
            known[key] = self._made(household)
        return known[key]

    def _made(self, household: Household) -> _Seat:
        """The household's own facts first, then member by member."""
        memory, layout = self._memory(household), self.runner.layout
        owners = (range(1), range(len(household.member_ids)), household.supporters, household.transfers)
        heights, starts, totals = memory.lanes.rows, memory.lanes.starts, memory.lanes.total
        found = []
        for kind, (name, attribute) in enumerate(self.attributes.items()):
            level = LEVEL[attribute.level]
            word = name in layout.words[level]
            column = (layout.words if word else layout.small)[level][name]
            begin, of_one = starts[level][0 if word else 1], memory.levels[0 if word else 1][level, START]
            mark = memory.levels[1][level, START] + layout.known[level][name] * heights[level]
            low, high = stored_bounds(attribute)
            for row in range(heights[level]):
                fact = (
                    begin + column * totals[level] + row, heights[level], word, of_one + column * heights[level] + row,
                    mark + row, low, high, attribute.type in NUMBERS, kind, 0, 0,
                )  # fmt: skip
                found.append((owners[level][row] if level else -1, (name, level, row), fact))
        found.sort(key=lambda one: one[0])
        places, facts = [place for _, place, _ in found], np.array([fact for _, _, fact in found], np.int64)
        facts = facts.reshape(len(found), seek.KNOWN + 1).T.copy()
        options = int(np.where(facts[seek.NUMBER], 2, facts[seek.HIGH] + 1).sum())
        residence = places.index((RESIDENCE, 0, 0)) if (RESIDENCE, 0, 0) in places else -1
        return _Seat(places, facts, 1 + options, residence)


class _Search:
    """One household's search."""

    def __init__(
        self, memory: _Memory, seat: _Seat, held: _Held, asked: seek.Asked, gaps: seek.Gaps, on: int
    ) -> None:  # fmt: skip
        self.memory, self.seat, self.held, self.asked, self.gaps, self.on = memory, seat, held, asked, gaps, on
        self.now = np.full(asked.standings.shape[1] - 1, UNREAD, np.uint8)

    def changes(self, most: int, hints: Array, attributes: Mapping[str, DeclaredAttribute]) -> list[Change]:
        """See `Variants.changes`."""
        asked, gaps, facts, memory = self.asked, self.gaps, self.seat.facts, self.memory
        variants = asked.variants
        count, flips = seek.opening(facts, memory.words, memory.small, most, variants)
        self._judge(count, self.seat.residence)
        flipped = flips + np.flatnonzero(asked.standings[flips:count, -1])
        others: dict[tuple[Any, bytes], Change] = {}
        for one in self._changes(variants[seek.FACT, flipped], variants[seek.VALUE, flipped], asked.standings[flipped]):
            others.setdefault((one.fact, one.standing), one)
        ends = seek.gaps_of(asked, flips, facts, gaps)
        for begin in range(0, ends, TOGETHER):
            end, growing = min(begin + TOGETHER, ends), True
            while count := seek.ask(gaps, begin, end, facts, hints, variants, IN_ROUND, growing):
                self._judge(count)
                seek.narrow(gaps, begin, end, asked, growing)
                growing = False
        seek.remember(gaps, ends, facts, hints)
        numbers = self._changes(gaps.places[seek.FACT, :ends], gaps.places[seek.FAR, :ends], gaps.after[:ends])
        numbers.sort(key=lambda one: (attributes[one.fact[0]].type != "money", abs(one.after - one.before)))
        return [*numbers, *others.values()]

    def _judge(self, count: int, residence: int = -1) -> None:
        """Run the first `count` variants asked about; `residence`: the fact that chooses other local numbers."""
        lanes, asked, facts = self.memory.lanes, self.asked, self.seat.facts
        values, valid, unserved = self.held
        for first in range(0, count, lanes.count):
            end = min(first + lanes.count, count)
            places = lanes.places[: end - first]
            places[:] = 0
            if residence >= 0:
                changed = np.flatnonzero(asked.variants[seek.FACT, first:end] == residence)
                places[changed] = 1 + asked.variants[seek.VALUE, first + changed]
            seek.lay(facts, asked.variants, first, end, lanes.words, lanes.small)
            lanes.run(values, valid, self.on, end - first)
            seek.take(
                facts, asked, first, end, lanes.words, lanes.small, self.memory.outputs, places, unserved, self.now
            )  # fmt: skip

    def _changes(self, facts: Array, values: Array, standings: Array) -> list[Change]:
        """The changes of some variants."""
        places, width = self.seat.places, standings.shape[1]
        raw, stored = standings.tobytes(), self.seat.facts[seek.STORED, facts].tolist()
        return [
            Change(places[fact], before, after, raw[cut : cut + width - 1])
            for fact, before, after, cut in zip(
                facts.tolist(), stored, values.tolist(), range(0, len(raw), width), strict=True
            )
        ]


def _sides(layout: Layout) -> tuple[Array, Array]:
    """Of each test of the circle value, its divisor, edge, its divisor: output (-1: none) and denominator."""
    sides, scales = [], []
    tests = sum(name.startswith("side:") and name.endswith(":value") for name in layout.slots)
    for test in range(tests):
        slots = [layout.slots[f"side:{test}:{part}"] for part in ("value", "edge")]
        sides.append([output for slot in slots for output in (slot.value, slot.divisor)])
        scales.append([den for slot in slots for den in (slot.den, slot.divisor_den)])
    return np.array(sides, np.int64).reshape(tests, 4), np.array(scales, np.float64).reshape(tests, 4)
