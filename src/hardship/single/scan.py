"""Bodies of one household, read by the kernels of `engine.scan` without being decoded.

What a text, `true` or a list means is kept as tokens: the legal values from the start, other ways of writing them once
`Reader` has read one. A body that the kernels cannot judge gives None; it is then decoded and read the long way.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

from hardship.engine import kernels_page
from hardship.engine import scan as kernels
from hardship.engine import scan_layout as lay
from hardship.language.fields import DeclaredAttribute
from hardship.lots import LOT, lot
from hardship.lowering import ops
from hardship.single.household import ODD, Array, Asked, Facts, Household, Levels, Reader
from hardship.single.lanes import LEFT, Lanes, Layout
from hardship.single.scan_told import LONGEST_SET, Slots, Texts, Told, mask_for, salt_of, told

FLAGS = tuple(
    [name for bit, name in ((1, "no_head"), (2, "two_heads"), (4, "size_differs")) if marks & bit] for marks in range(8)
)

_numbers = itertools.count(1)


class Memory:
    """What one thread's last pass found.

    Attributes:
        work: int64, as `engine.scan` lays it out; `view` reads it without numpy.
        of: the number of the household that it holds, 0: of none.
    """

    __slots__ = ("of", "view", "work")

    def __init__(self, size: int) -> None:
        self.work = np.zeros(size, np.int64)
        self.view = self.work.data
        self.of = 0


class Scanned(Household):
    """A household that the kernels read; its facts become dicts only where somebody asks for them.

    Attributes:
        body: as it came. `table`, `on`: the texts of these keys, empty where they are not there.
        explained: what `explain` says, None where it is not there.
        told: with what the kernels read it; number: another one for each household.
    """

    __slots__ = ("_lacks", "_residence", "body", "explained", "number", "on", "scanner", "table", "told")

    def __init__(self, scanner: Scanner, told: Told, body: bytes, memory: Memory) -> None:
        view = memory.view
        head = view[: lay.IDS].tolist()
        members, supporters, transfers = head[lay.ROWS + 1 : lay.ROWS + 4]

        def text(span: int) -> str:
            if span < 0:
                return str(-span)
            begin = span >> 16
            return body[begin : begin + (span & 0xFFFF)].decode()

        def listed(begin: int, count: int) -> list[int]:
            return view[begin : begin + count].tolist() if count else []

        super().__init__(
            text(head[lay.HOUSE]), text(head[lay.PLACE]), None,
            list(map(text, listed(lay.IDS, members))),
            listed(lay.PARENT, supporters), list(map(text, listed(lay.BELOW, supporters))),
            listed(lay.PARENT + lay.MOST_ROWS, transfers), FLAGS[head[lay.FLAGS]],
        )  # fmt: skip
        self.scanner, self.told, self.body = scanner, told, body
        self.table, self.on = text(head[lay.OF_TABLE]), text(head[lay.OF_DAY])
        self.explained = None if head[lay.EXPLAINED] < 0 else head[lay.EXPLAINED] == 1
        self._residence = head[lay.LIVES]
        self._lacks = view[lay.LACKS : scanner.slots.dense[0]].tobytes()
        memory.of = self.number = next(_numbers)

    @property
    def residence(self) -> int | None:
        """The stored `residence_type`, None where it is missing."""
        return None if self._residence <= lay.NULL else self._residence

    def lacks(self, level: int, name: str) -> bool:
        """Whether some row of a level lacks a fact."""
        return self._lacks[8 * self.scanner.slots.of[level][name]] == 1

    def fact(self, level: int, name: str, row: int = 0) -> Any:
        """A fact as it is stored, None where it is missing."""
        return super().fact(level, name, row) if self._facts is not None else self.scanner.fact(self, level, name, row)

    def cells(self, asked: Asked) -> tuple[Array, Array]:
        """See `Household`."""
        cells = np.empty(len(asked.picks), np.int64)
        kernels_page.cells_of(self.scanner.memory(self).work, asked.picks, cells)
        return cells, np.frombuffer(self.body, np.uint8)

    @property
    def facts(self) -> Levels:
        """Of each level a dict for each row, without missing facts; made when first asked for."""
        if self._facts is None:
            self._facts = self.scanner.facts(self)
        return self._facts


class Scanner:
    """Reads plain bodies of one set of attributes on one day; safe to share between threads."""

    def __init__(self, attributes: Mapping[str, DeclaredAttribute], reader: Reader) -> None:
        self._reader = reader
        self._local = threading.local()
        self._lock = threading.Lock()
        self.slots = Slots(attributes)
        self._able = all(one.type != "set" or len(one.values) <= LONGEST_SET for one in attributes.values())
        self._first = self._now = told(self.slots, reader)
        self._cells = [
            [
                (name, slot - self.slots.first[level], one.type == "code")
                for name, slot in slots.items()
                if (one := self.slots.attributes[slot]) is not None
            ]
            for level, slots in enumerate(self.slots.of)
        ]

    def found(self, body: bytes) -> tuple[Told, Memory] | None:
        """What is in a body, until this thread reads another, and with what it was read; None if it is not plain."""
        if not self._able or len(body) > lay.MOST_BYTES or not _is_utf8(body):
            return None
        memory, now = self._memory(), self._now
        return (now, memory) if _scan(body, now, memory) == lay.PLAIN else None

    def read(self, body: bytes) -> Scanned | None:
        """The household of a body; None if it is not plain."""
        found = self.found(body)
        return None if found is None else Scanned(self, found[0], body, found[1])

    def learn(self, body: bytes) -> None:
        """Learn what tokens of a body mean that the long way has read as plain."""
        memory = self._memory()
        while len(body) <= lay.MOST_BYTES and self._able:
            if _scan(body, self._now, memory) != lay.UNKNOWN:
                return
            slot, form, span = memory.view[lay.OF_SLOT : lay.TOKEN + 1].tolist()
            text = body[span >> 16 : (span >> 16) + (span & 0xFFFF)]
            try:
                value = orjson.loads(text if form == lay.AS_IS else b'"' + text + b'"')
            except ValueError:
                return
            level, name = next(
                (level, name) for level, named in enumerate(self.slots.of) for name in named if named[name] == slot
            )
            stored = self._reader.meaning(level, name, value)
            if stored is ODD:
                return
            means = lay.NULL if stored is None else stored
            with self._lock:
                salt = salt_of(slot, form)
                self._now = self._now.with_token(text, salt, means) or self._first

    def _memory(self) -> Memory:
        found: Memory | None = getattr(self._local, "memory", None)
        if found is None:
            found = self._local.memory = Memory(self.slots.dense[-1])
        return found

    def memory(self, household: Scanned) -> Memory:
        """This thread's memory, holding what was found in a household's body."""
        memory = self._memory()
        if memory.of != household.number:
            _scan(household.body, household.told, memory)
            memory.of = household.number
        return memory

    def fact(self, household: Scanned, level: int, name: str, row: int) -> Any:
        """A fact as `Household.fact` gives it."""
        view, slots, body = self.memory(household).view, self.slots, household.body
        own = view[lay.ORDER + level * lay.MOST_ROWS + row] * len(slots.of[level])
        value = view[slots.dense[level] + own + slots.place(level, name)]
        if value <= lay.NULL:
            return None
        attribute = slots.attributes[slots.of[level][name]]
        is_code = attribute is not None and attribute.type == "code"
        return body[value >> 16 :][: value & 0xFFFF].decode() if is_code else value

    def facts(self, household: Scanned) -> Levels:
        """Facts as `Household` has them."""
        view, body = self.memory(household).view, household.body
        made: list[list[Facts]] = []
        for level, count in enumerate(household.rows):
            width, cells = len(self.slots.of[level]), self._cells[level]
            order = view[lay.ORDER + level * lay.MOST_ROWS :][:count].tolist()
            rows = []
            for row in order:
                begin = self.slots.dense[level] + row * width
                found = view[begin : begin + width].tolist()
                facts: Facts = {}
                for name, place, is_code in cells:
                    value = found[place]
                    if value > lay.NULL:
                        facts[name] = body[value >> 16 :][: value & 0xFFFF].decode() if is_code else value
                rows.append(facts)
            made.append(rows)
        return made[0], made[1], made[2], made[3]


def _is_utf8(body: bytes) -> bool:
    """Whether its texts can be decoded; the kernels do not look."""
    try:
        return body.isascii() or bool(body.decode())
    except UnicodeDecodeError:
        return False


def _scan(body: bytes, told: Told, memory: Memory) -> int:
    """One pass into a thread's memory."""
    memory.of = 0
    return int(kernels.scan(body, told.about, told.heap, memory.work))


class Filler:
    """Lays the facts of households of one scanner into the lanes of one program."""

    def __init__(self, scanner: Scanner, layout: Layout) -> None:
        self.scanner, program = scanner, layout.program
        codes: list[tuple[bytes, int, int]] = []
        columns = {(ops.LEVEL[one.level], one.attribute): one for one in program.columns}
        head, cells, count = [0] * lay.PLAN, list[int](), 0
        for level in range(4):
            head[lay.OF_LEVEL + level] = count
            words, small = layout.words[level], layout.small[level]
            for name, number in (*words.items(), *small.items()):
                column = columns[level, name]
                slot = -1 if name in (LEFT, LOT) else scanner.slots.place(level, name)
                attribute = None if slot < 0 else scanner.slots.attributes[scanner.slots.of[level][name]]
                coded = lay.LOT_COLUMN if name == LOT else 0
                if attribute is not None and attribute.type == "code":
                    coded = lay.CODE_COLUMN
                    codes += [(text.encode(), count, place) for place, text in enumerate(column.texts, 1) if text]
                cells += [slot, name in words, number, layout.known[level][name], column.fill, coded]
                count += 1
            head[lay.WORDS + level] = len(words)
            head[lay.SMALL + level] = len(small) + len(layout.known[level])
        head[lay.OF_LEVEL + 4] = count
        head[lay.CODES], head[lay.CODES_MASK] = len(head) + len(cells), mask_for(len(codes))
        self._plan = np.zeros(head[lay.CODES] + (head[lay.CODES_MASK] + 1) * lay.ENTRY, np.int64)
        self._plan[: head[lay.CODES]] = head + cells
        self._heap = np.zeros(sum(len(text) for text, _, _ in codes) + 1, np.uint8)
        known = Texts(self._plan, head[lay.CODES], head[lay.CODES_MASK], self._heap)
        for text, salt, means in codes:
            known.put(text, salt, means)
        self._lot = any(one.attribute == LOT for one in program.columns)

    def fill(self, household: Scanned, lanes: Lanes) -> None:
        """The cells of a household, as `Runner.cells` gives them."""
        memory = self.scanner.memory(household)
        drawn = lot(household.household_id) if self._lot else 0
        kernels.fill(
            household.body, household.told.about, self._plan, self._heap, memory.work, lanes.words, lanes.small, drawn
        )
