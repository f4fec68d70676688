"""Some households of one shape through the machine with as little around it as possible.

`machine.run` takes any register and gives arrays by name. Here the households (*lanes*) all have the same rows: one
household, or many variants of it. Memory is laid out once for a shape; a run only copies cells in and results out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hardship.engine import machine
from hardship.engine.jit import COMPILED
from hardship.lowering import ops
from hardship.lowering.ops import Program

Array = npt.NDArray[Any]
Rows = tuple[int, int, int, int]
Registers = tuple[machine.Files, tuple[Array, ...]]
LEFT = ""  # the column of members who leave
BLOCK = 2048
SHAPE_BYTES = 6  # how many members, supporters and transfers a lane has, at the end of what is found


@dataclass(frozen=True, slots=True)
class Slot:
    """A store by the numbers of its outputs: `value`, `valid` and `divisor` (-1: none). `level` counts from 0."""

    value: int
    valid: int
    divisor: int
    word: bool
    level: int
    type: str
    den: int
    divisor_den: int
    domain: tuple[str, ...]


class Layout:
    """Where a program's columns and stores lie, for any shape.

    Attributes:
        slots: every store by name.
        planes: outputs of the bit planes `missing`, `veto`, `require`, in order.
        words, small: columns of each level that are words, or bytes, by attribute: their number on that level.
        known: the number of each column's validity on its level, among the bytes, after the values.
        outputs: of each level the outputs that are words, and those that are bytes, in order.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        levels = range(len(ops.LEVELS))
        self.words: list[dict[str, int]] = [{} for _ in levels]
        self.small: list[dict[str, int]] = [{} for _ in levels]
        for column in program.columns:
            part = (self.small if column.byte or not column.attribute else self.words)[ops.LEVEL[column.level]]
            part[column.attribute] = len(part)
        self.known = [
            {name: place for place, name in enumerate((*self.words[level], *self.small[level]), len(self.small[level]))}
            for level in levels
        ]
        self.outputs: list[tuple[list[int], list[int]]] = [([], []) for _ in levels]
        seen = set()
        for store in program.stores:
            if store.output not in seen:
                seen.add(store.output)
                self.outputs[ops.LEVEL[store.level]][0 if store.word else 1].append(store.output)
        parts = {(store.name, store.part): store.output for store in program.stores}
        self.slots = {
            store.name: Slot(
                store.output, parts.get((store.name, "valid"), -1), parts.get((store.name, "divisor"), -1), store.word,
                ops.LEVEL[store.level], store.type, store.den, store.divisor_den, program.domains.get(store.name, ()),
            )
            for store in program.stores
            if store.part == "value"
        }  # fmt: skip
        self.planes = {
            name: [store.output for store in program.stores if store.name == name and store.part == "planes"]
            for name in ("missing", "veto", "require")
        }
        self.leaves = [self.slots[name].value for name in program.leaves]


def registers_for(program: Program, rows: int) -> Registers:
    """The machine's registers for any one household with at most so many rows of a level."""
    return machine.registers(program, (1, rows, rows, rows), np.array([1, rows, rows, rows], np.int64), 1)


class Lanes:
    """`count` households of `rows` rows each.

    Attributes:
        words, small: the cells; of each level in turn the columns of the layout, each with all rows of all lanes;
            among the bytes a level's values come first, then a byte for each of its columns, 1 where it is known.
        starts: of each level, where its words begin, and its bytes.
        at: where each output begins, in `found_words` or `found_small`.
        found: both as one memory, the words first.
        leaving: after a run, 1 for each member who was assessed alone and left.
    """

    def __init__(self, layout: Layout, rows: Rows, count: int = 1, registers: Registers | None = None) -> None:
        """`registers`: for one household, those of `registers_for` of at least as many rows; else its own."""
        program = layout.program
        self.layout, self.rows, self.count = layout, rows, count
        self.total: Rows = (count, rows[1] * count, rows[2] * count, rows[3] * count)
        self.starts: list[tuple[int, int]] = []
        words = small = 0
        for level, height in enumerate(self.total):
            self.starts.append((words, small))
            words += len(layout.words[level]) * height
            small += (len(layout.small[level]) + len(layout.known[level])) * height
        self.words, self.small = np.zeros(words + 1, np.int64), np.zeros(small + 1, np.uint8)
        self._outputs(program)
        self._columns(program)
        self._links()
        self.block = min(count, BLOCK)
        widest = np.array([1, *rows[1:]], np.int64)
        self.files, self._memory = registers or machine.registers(program, self.total, widest, self.block)
        self.affected = np.ones(count, np.uint8)
        self.numbers = np.arange(count)

    def _outputs(self, program: Program) -> None:
        count = 1 + max(store.output for store in program.stores)
        self.at = [0] * count
        is_word = np.zeros(count, np.bool_)
        words = small = 0
        for (of_words, of_small), height in zip(self.layout.outputs, self.total, strict=True):
            for output in of_words:
                self.at[output], words, is_word[output] = words, words + height, True
            for output in of_small:
                self.at[output], small = small, small + height
        bytes_of_words = 8 * (words + 1)
        self.found = np.zeros(bytes_of_words + small + 1 + SHAPE_BYTES, np.uint8)
        self.found_words = self.found[:bytes_of_words].view(np.int64)
        self.found_small = self.found[bytes_of_words:-SHAPE_BYTES]
        self.found[-SHAPE_BYTES:] = np.array(self.rows[1:], np.uint16).view(np.uint8)
        places = np.array(self.at, np.uint64)
        word, byte = np.uint64(self.found_words.ctypes.data), np.uint64(self.found_small.ctypes.data)
        self.addresses = np.where(is_word, word + places * np.uint64(8), byte + places)

    def _columns(self, program: Program) -> None:
        width = len(program.columns) or 1
        self.columns, self.known = np.zeros(width, np.uint64), np.zeros(width, np.uint64)
        self.sizes = np.ones(width, np.int64)
        word, byte = self.words.ctypes.data, self.small.ctypes.data
        self._left, self.leaving = -1, np.zeros(self.total[1], np.uint8)
        for place, column in enumerate(program.columns):
            level, name = ops.LEVEL[column.level], column.attribute
            height, (words, small) = self.total[level], self.starts[level]
            if name in self.layout.words[level]:
                self.columns[place] = word + 8 * (words + self.layout.words[level][name] * height)
                self.sizes[place] = 8
            else:
                self.columns[place] = byte + small + self.layout.small[level][name] * height
            self.known[place] = byte + small + self.layout.known[level][name] * height
            if name == LEFT:
                begin = small + self.layout.small[level][name] * height
                self._left = place
                self.leaving = self.small[begin : begin + height]

    def _links(self) -> None:
        """Offsets and parents; those of supporters and transfers to their members are set by `link`."""
        count, (_, members, supporters, transfers) = self.count, self.rows
        lane = np.arange(count + 1, dtype=np.uint32)
        self.of_supporter = np.zeros(count * members + 1, np.uint32)
        self.of_transfer = np.zeros(count * members + 1, np.uint32)
        self.offsets = (
            lane * np.uint32(members), self.of_supporter, self.of_transfer, lane * np.uint32(supporters),
            lane * np.uint32(transfers),
        )  # fmt: skip
        self.parents = (
            np.repeat(lane[:-1], members),
            np.zeros(count * supporters + 1, np.uint32),
            np.zeros(count * transfers + 1, np.uint32),
        )
        self.places = np.zeros(count, np.int32)
        self._linked: tuple[Sequence[int], Sequence[int]] = ([], [])
        arrays = (*self.offsets, *self.parents, self.places)
        self.links = np.array([array.ctypes.data for array in arrays], np.uint64)

    def link(self, supporters: Sequence[int], transfers: Sequence[int]) -> None:
        """Say which member, from 0, each supporter and each transfer of a lane belongs to; both ascending."""
        if (supporters, transfers) == self._linked:
            return
        self._linked = list(supporters), list(transfers)
        members = self.rows[1]
        for mine, offsets, parents in (
            (supporters, self.of_supporter, self.parents[1]), (transfers, self.of_transfer, self.parents[2]),
        ):  # fmt: skip
            if not mine:
                continue
            shift = np.arange(self.count, dtype=np.uint32)[:, None]
            parent = np.array(mine, np.uint32)
            parents[:-1] = (shift * np.uint32(members) + parent).ravel()
            ends = np.cumsum(np.bincount(parent, minlength=members)).astype(np.uint32)
            offsets[1:] = (shift * np.uint32(len(mine)) + ends).ravel()

    def run(self, values: Array, valid: Array, on: int, lanes: int = 0) -> None:
        """Compute the first `lanes` lanes (0: all); the results lie in `found_words` and `found_small`.

        Args:
            values, valid: int64 and uint8 [parameter, place]; each lane's place stands in `places`.
            on: the assessment date, yyyymmdd.
        """
        if self._left >= 0:
            self.leaving[:] = 0
        code, pool, _ = self.layout.program.arrays
        data = machine.Inputs(self.columns, self.sizes, self.known, self.links, values, valid, self.addresses)
        count = lanes or self.count
        self._pass(code, pool, data, on, count, np.uint64(0))
        leaves = self.layout.leaves
        if not leaves:
            return
        height = self.total[1]
        for output in leaves:
            self.leaving |= self.found_small[self.at[output] : self.at[output] + height] == 1
        if self.leaving.any():
            self._pass(code, pool, data, on, count, np.uint64(self.affected.ctypes.data))

    def _pass(self, code: Array, pool: Array, data: machine.Inputs, on: int, end: int, affected: np.uint64) -> None:
        count, members = self.total[:2]
        arguments = (code, pool, data, self.files, on, count, members, 0, end, self.block)
        if COMPILED:
            machine.run_range(*arguments, affected)
            return
        with np.errstate(over="ignore"):
            machine.run_range(*arguments, affected)
