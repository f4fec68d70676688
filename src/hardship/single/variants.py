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
        cells: of each its row among all rows of the household, and its name.
        places: of each its name, level and row there.
        asked: most variants of the first round.
    """

    cells: list[tuple[int, str]]
    places: list[tuple[str, int, int]]
    facts: seek.Facts
    asked: int


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
        desk, seat = self._desk, self._seat(household)
        rows = [row for level in household.facts for row in level]
        given = [rows[row].get(name) for row, name in seat.cells]
        chosen = [place for place, stored in enumerate(given) if stored is not None][:most]
        if not chosen:
            return []
        facts = seat.facts
        if len(chosen) < len(given):
            facts = seek.Facts(*(array[chosen] for array in facts))
        facts = facts._replace(stored=np.array([given[place] for place in chosen], np.int64))
        memory = self._memory(household)
        memory.hold(*self.runner.cells(household))
        if household.supporters or household.transfers:
            memory.lanes.link(household.supporters, household.transfers)
        held = self._held(household.area_code, household.facts[0][0].get(RESIDENCE))
        search = _Search(memory, facts, held, *self._asked(seat), self.runner.on)
        changes = search.changes(self._hints(), [seat.places[place] for place in chosen], self.attributes)
        desk.memories[memory.lanes.rows] = memory  # only now: after an error it may hold anything
        return changes

    def _memory(self, household: Household) -> _Memory:
        known = self._desk.memories
        _, members, supporters, transfers = map(len, household.facts)
        rows = 1, members, supporters, transfers
        if len(known) >= MOST_SHAPES:
            known.clear()
        memory = known.pop(rows, None)
        return memory or _Memory(self.runner.layout, rows, self._parts, self._sides, self._scales)

    def _asked(self, seat: _Seat) -> tuple[seek.Asked, seek.Gaps]:
        """The thread's memory for questions and gaps."""
        known, gaps, tests, width = self._desk.asked, 2 * len(seat.cells), len(self._sides), 1 + len(self._parts)
        if known is None or known[0].facts.size < seat.asked or known[1].facts.size < gaps:
            rows = max(seat.asked, TOGETHER * seek.MOST_ASKED)
            asked = seek.Asked(
                np.zeros(rows, np.int64), np.zeros(rows, np.int64), np.zeros((rows, width), np.uint8),
                np.zeros(rows, np.uint8), np.zeros((rows, tests)),
            )  # fmt: skip
            found = seek.Gaps(
                np.zeros(gaps, np.int64), np.zeros(gaps, np.int64), np.zeros(gaps, np.int64),
                np.zeros((gaps, width), np.uint8), np.zeros((gaps, tests)), np.zeros((gaps, tests)),
                np.zeros(gaps, np.int64), np.zeros(gaps, np.int64),
            )  # fmt: skip
            known = self._desk.asked = asked, found
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
        heights = memory.lanes.rows
        found = []
        for kind, (name, attribute) in enumerate(self.attributes.items()):
            level = LEVEL[attribute.level]
            word = name in layout.words[level]
            column = (layout.words if word else layout.small)[level].get(name)
            home = seek.NOWHERE if column is None else seek.IN_WORDS if word else seek.IN_BYTES
            begin = memory.lanes.starts[level][0 if word else 1] + (column or 0) * memory.lanes.total[level]
            low, high = stored_bounds(attribute)
            for row in range(heights[level]):
                cell = begin + row, heights[level], home, 0, low, high, attribute.type in NUMBERS, kind
                found.append((owners[level][row] if level else -1, sum(heights[:level]) + row, name, level, row, cell))
        found.sort(key=lambda one: one[0])
        facts = np.array([cell for *_, cell in found], np.int64).reshape(len(found), len(seek.Facts._fields)).T
        options = np.where(facts[6], 2, facts[5] + 1).sum()
        return _Seat(
            [(place, name) for _, place, name, _, _, _ in found],
            [(name, level, row) for _, _, name, level, row, _ in found],
            seek.Facts(*(column.copy() for column in facts)),
            1 + int(options),
        )


class _Search:
    """One household's search."""

    def __init__(
        self, memory: _Memory, facts: seek.Facts, held: _Held, asked: seek.Asked, gaps: seek.Gaps, on: int
    ) -> None:
        self.memory, self.facts, self.held, self.asked, self.gaps, self.on = memory, facts, held, asked, gaps, on
        self.now = np.full(asked.standings.shape[1], UNREAD, np.uint8)

    def changes(
        self, hints: Array, places: list[tuple[str, int, int]], attributes: Mapping[str, DeclaredAttribute]
    ) -> list[Change]:
        """See `Variants.changes`; `places`: name, level and row of each fact."""
        asked, gaps, facts = self.asked, self.gaps, self.facts
        residence = next((fact for fact, place in enumerate(places) if place[0] == RESIDENCE), -1)
        count, flips = seek.opening(facts, asked)
        self._judge(count, residence)
        flipped = flips + np.flatnonzero(asked.moved[flips:count])
        found = self._changes(places, asked.facts[flipped], asked.values[flipped], asked.standings[flipped])
        others: dict[tuple[Any, bytes], Change] = {}
        for one in found:
            others.setdefault((one.fact, one.standing), one)
        ends = seek.gaps_of(asked, flips, facts, gaps)
        for begin in range(0, ends, TOGETHER):
            end, growing = min(begin + TOGETHER, ends), True
            while count := seek.ask(gaps, begin, end, facts, hints, asked, IN_ROUND, growing):
                self._judge(count)
                seek.narrow(gaps, begin, end, asked, growing)
                growing = False
        seek.remember(gaps, ends, facts, hints)
        numbers = self._changes(places, gaps.facts[:ends], gaps.far[:ends], gaps.after[:ends])
        numbers.sort(key=lambda one: (attributes[one.fact[0]].type != "money", abs(one.after - one.before)))
        return [*numbers, *others.values()]

    def _judge(self, count: int, residence: int = -1) -> None:
        """Run the first `count` variants asked about; `residence`: the fact that chooses other local numbers."""
        lanes, asked, facts = self.memory.lanes, self.asked, self.facts
        values, valid, unserved = self.held
        for first in range(0, count, lanes.count):
            end = min(first + lanes.count, count)
            places = lanes.places[: end - first]
            places[:] = 0
            if residence >= 0:
                changed = np.flatnonzero(asked.facts[first:end] == residence)
                places[changed] = 1 + asked.values[first + changed]
            seek.lay(facts, asked, first, end, lanes.words, lanes.small)
            lanes.run(values, valid, self.on, end - first)
            seek.take(
                facts, asked, first, end, lanes.words, lanes.small, self.memory.outputs, places, unserved, self.now
            )  # fmt: skip

    def _changes(
        self, places: list[tuple[str, int, int]], facts: Array, values: Array, standings: Array
    ) -> list[Change]:
        width, raw, stored = self.now.size, standings.tobytes(), self.facts.stored[facts].tolist()
        cuts = range(0, len(raw), width)
        return [
            Change(places[fact], before, after, raw[cut : cut + width])
            for fact, before, after, cut in zip(facts.tolist(), stored, values.tolist(), cuts, strict=True)
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
