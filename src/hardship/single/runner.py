"""One household's facts through a program: cells in, `Found` out. Memory is kept for each shape and thread."""

from __future__ import annotations

import datetime as dt
import threading
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy.typing as npt
import polars as pl

from hardship.language.fields import DeclaredAttribute
from hardship.language.table import Parameter
from hardship.lots import LOT, lot
from hardship.lowering.ops import Column, Program
from hardship.lowering.places import placed
from hardship.single.household import Household
from hardship.single.lanes import LEFT, Lanes, Layout, Registers, Rows, registers_for
from hardship.single.record import Found
from hardship.single.scan import Filler, Scanned

if TYPE_CHECKING:
    from hardship.standards import Standards

MOST_SHAPES = 256
"""Shapes that a thread keeps for one program, of about ten kilobytes each; with one more the oldest goes."""
MOST_PLACES = 4_096
SIGN = 1 << 63
Into = dict[str, tuple[bool, int, int, Callable[[Any], int] | None]]
"""By name: whether a fact is a word, where its first row stands and its validity, and how it is coded."""


@dataclass(frozen=True, slots=True)
class Place:
    """The local numbers that hold for one area and residence.

    Attributes:
        values, valid: int64 and uint8 [parameter, 1].
        unknown: of each parameter, whether it is missing for want of a residence.
        served: whether every declared parameter has a row.
    """

    values: npt.NDArray[Any]
    valid: npt.NDArray[Any]
    unknown: tuple[bool, ...]
    served: bool


class Prefixes:
    """The areas that the standards of some parameters name."""

    def __init__(self, declared: Sequence[Parameter], standards: Standards) -> None:
        names = {parameter.name for parameter in declared}
        self._known = {row.area_code for row in standards.rows if row.parameter in names}
        self._lengths = sorted({len(area) for area in self._known}, reverse=True)

    def of(self, area: str) -> str:
        """The longest of them that an area begins with: whatever holds there holds for the area, and nothing else."""
        return next((area[:length] for length in self._lengths if area[:length] in self._known), "")


class Places:
    """Local numbers, looked up once for each area that the standards tell apart, and residence."""

    def __init__(self, program: Program, standards: Standards, on: dt.date) -> None:
        self.program, self.standards, self.on = program, standards, on
        self._prefixes = Prefixes(program.declared, standards)
        self._known: dict[tuple[str, int | None], Place] = {}

    def at(self, area: str, residence: int | None) -> Place:
        """The numbers of one place; `residence` is the stored `residence_type`, None where it is missing.

        Raises:
            TableError: a standard that is chosen does not fit its parameter.
        """
        area = self._prefixes.of(area)
        found = self._known.get((area, residence))
        if found is None:
            frame = pl.DataFrame(
                {"area_code": [area], "residence_type": [residence]},
                schema={"area_code": pl.String, "residence_type": pl.UInt8},
            )
            _, values, valid, unserved = placed(self.program, frame, self.standards, self.on)
            found = Place(values, valid, tuple((valid[:, 0] == 0).tolist()), int(unserved[0]) < 0)
            if len(self._known) >= MOST_PLACES:
                self._known.clear()
            self._known[area, residence] = found
        return found


class _Blank:
    """The cells of a household of one shape without any fact, and where each fact goes."""

    def __init__(self, lanes: Lanes, fills: dict[str, int], coded: dict[str, Callable[[Any], int]]) -> None:
        layout = lanes.layout
        words = array("q", bytes(lanes.words.nbytes))
        small = bytearray(lanes.small.nbytes)
        self.into: list[Into] = [{}, {}, {}, {}]
        for level, height in enumerate(lanes.total):
            of_words, of_small = lanes.starts[level]
            for part, begin, is_word in ((layout.words, of_words, True), (layout.small, of_small, False)):
                for name, number in part[level].items():
                    place, known = begin + number * height, of_small + layout.known[level][name] * height
                    self.into[level][name] = is_word, place, known, coded.get(name)
                    for row in range(height):
                        (words if is_word else small)[place + row] = fills[name]
                        small[known + row] = name in (LEFT, LOT)
        self.words, self.small = words.tobytes(), bytes(small)


class Cells:
    """The cells of one household, kept by whoever changes them.

    Args:
        words, small: as `Runner.cells` gives them.
        into: of each level where a fact goes. fills: what stands where none is known.
    """

    __slots__ = ("_fills", "_into", "_small", "_words")

    def __init__(self, words: array[int], small: bytearray, into: Sequence[Into], fills: Mapping[str, int]) -> None:
        self._words, self._small, self._into, self._fills = words, small, into, fills

    def put(self, level: int, row: int, name: str, stored: Any) -> None:
        """Another fact, None for none; nothing happens where the program does not look at it."""
        target = self._into[level].get(name)
        if target is None:
            return
        is_word, cell, known, coder = target
        value = self._fills[name] if stored is None else stored if coder is None else coder(stored)
        if is_word:
            self._words[cell + row] = value
        else:
            self._small[cell + row] = value
        self._small[known + row] = stored is not None

    def lay(self, lanes: Lanes) -> None:
        """All of them into lanes of the household's shape."""
        lanes.words.data.cast("B")[:], lanes.small.data[:] = memoryview(self._words).cast("B"), self._small


class _Shape:
    """One thread's memory for one shape; `blank` is made where a household was not scanned."""

    __slots__ = ("blank", "lanes")

    def __init__(self, lanes: Lanes) -> None:
        self.lanes = lanes
        self.blank: _Blank | None = None


class Runner:
    """Runs one program for households one at a time; safe to share between threads."""

    def __init__(self, program: Program, attributes: Mapping[str, DeclaredAttribute], on: dt.date) -> None:
        self.layout = Layout(program)
        self.day, self.on = on, on.year * 10_000 + on.month * 100 + on.day
        self._fills = {column.attribute: column.fill for column in program.columns}
        types = {column.attribute: attributes[column.attribute].type for column in _facts(program)}
        self._texts: dict[str, Callable[[Any], int]] = {
            column.attribute: _coder(column, types[column.attribute])
            for column in _facts(program)
            if types[column.attribute] in ("code", "set")
        }
        self._lot = any(column.attribute == LOT for column in program.columns)
        self._local = threading.local()
        self._filler: Filler | None = None

    def computed(self, household: Household, place: Place, cells: Cells | None = None) -> tuple[Found, bytes]:
        """The results of one household at one place, and a byte for each member: 1 for who left it.

        Args:
            cells: of the household, if they are at hand (`kept`).
        """
        shape = self._shape(household)
        lanes = shape.lanes
        if cells is None:
            self._lay(household, shape)
        else:
            cells.lay(lanes)
        if household.supporters or household.transfers:
            lanes.link(household.supporters, household.transfers)
        lanes.run(place.values, place.valid, self.on)
        return Found(lanes), lanes.leaving.tobytes()

    def _lay(self, household: Household, shape: _Shape) -> None:
        """The household's cells into the shape's lanes."""
        if not isinstance(household, Scanned):
            lanes = shape.lanes
            lanes.words.data.cast("B")[:], lanes.small.data[:] = self._cells(household, shape)
            return
        filler = self._filler
        if filler is None or filler.scanner is not household.scanner:
            filler = self._filler = Filler(household.scanner, self.layout)
        filler.fill(household, shape.lanes)

    def kept(self, household: Household) -> Cells:
        """The cells of a household that was decoded, to be changed one by one."""
        shape = self._shape(household)
        words, small = self._cells(household, shape)
        assert shape.blank is not None  # the cells were laid over it
        return Cells(array("q", words), small, shape.blank.into, self._fills)

    def cells(self, household: Household) -> tuple[bytes, bytearray]:
        """The household's cells, as `Lanes` of one household hold them: words and bytes."""
        shape = self._shape(household)
        if not isinstance(household, Scanned):
            return self._cells(household, shape)
        self._lay(household, shape)
        return shape.lanes.words.tobytes(), bytearray(shape.lanes.small.tobytes())

    def _cells(self, household: Household, shape: _Shape) -> tuple[bytes, bytearray]:
        blank = shape.blank
        if blank is None:
            blank = shape.blank = _Blank(shape.lanes, self._fills, self._texts)
        words, small = array("q", blank.words), bytearray(blank.small)
        for into, rows in zip(blank.into, household.facts, strict=True):
            for row, facts in enumerate(rows):
                for name, stored in facts.items():
                    target = into.get(name)
                    if target is None:
                        continue
                    is_word, cell, known, coder = target
                    if coder is not None:
                        stored = coder(stored)
                    if is_word:
                        words[cell + row] = stored
                    else:
                        small[cell + row] = stored
                    small[known + row] = 1
        if self._lot:
            words[blank.into[0][LOT][1]] = lot(household.household_id)
        return words.tobytes(), small

    def _shape(self, household: Household) -> _Shape:
        local = self._local
        known: dict[Rows, _Shape] | None = getattr(local, "shapes", None)
        if known is None:
            known = local.shapes = {}
            local.registers = {}
        found = known.get(household.rows)
        if found is None:
            if len(known) >= MOST_SHAPES:
                del known[next(iter(known))]
            room = max(8, 1 << (max(household.rows) - 1).bit_length())
            registers: dict[int, Registers] = local.registers
            if room not in registers:
                registers[room] = registers_for(self.layout.program, room)
            found = known[household.rows] = _Shape(Lanes(self.layout, household.rows, registers=registers[room]))
        return found


def _facts(program: Program) -> list[Column]:
    """The columns that hold attributes."""
    return [column for column in program.columns if column.attribute not in (LEFT, LOT)]


def _coder(column: Column, kind: str) -> Callable[[Any], int]:
    """A code as its place among the texts that the table mentions; a set's mask as a signed word."""
    if kind == "set":
        return lambda mask: mask - 2 * SIGN if mask >= SIGN else mask
    numbers = {text: place for place, text in enumerate(column.texts, 1)}
    return lambda text: numbers.get(text, 0)
