"""A register and the standards to the machine's columns.

A column is used where it lies, or as a copy of narrower words where its values fit into them; one with missing cells
is copied with the program's fill in them, and a code is numbered by the texts that the table mentions. Each household
gets the number of its *place*: all households for which the same rows of the standards hold share one.
"""

from __future__ import annotations

import ctypes
import datetime as dt
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from hardship.engine import room
from hardship.errors import EngineError, Fault, UsageError
from hardship.language.fields import Level
from hardship.limits import ASSESSMENT, INT64, ROWS
from hardship.lots import LOT, lot
from hardship.lowering import ops
from hardship.lowering.nodes import rounded
from hardship.lowering.ops import Column, Program
from hardship.lowering.places import Codes, area_codes, placed
from hardship.standards import Standards

if TYPE_CHECKING:
    import polars as pl

Array = npt.NDArray[Any]
MANY = 50_000
"""Households from which on columns are bound by several threads."""
PIECE = 1 << 15
"""Rows of a piece of a column."""
_KINDS: tuple[type[np.integer[Any]], ...] = (np.uint8, np.int16, np.int32, np.int64)
PARENT_COLUMN: dict[Level, str] = {"member": "household", "supporter": "member", "transfer": "member"}


class Frames(Protocol):
    """What is needed of a register."""

    @property
    def frames(self) -> Mapping[Level, pl.DataFrame]:
        """One frame for each level, as `docs/interfaces.md` says."""


@dataclass(frozen=True)
class Columns:
    """A program's inputs. The addresses point into `alive`.

    Attributes:
        program: what they were bound for.
        frames: of the register.
        rows: count of rows on each level.
        addresses, sizes, known: of each column of the program: where it lies (0: no column), bytes of an integer, where
            its validity bytes lie (0: nothing missing).
        ranges: of each column whether no cell is missing (0), some (1) or all (2), and a rounded range of its integers.
        links: addresses of offsets, parents and places, by `ops`.
        parents: uint32 household of each member, member of each supporter, of each transfer.
        offsets: uint32 first member of each household, first supporter and transfer of each member; one more at the
            end.
        widest: most rows of one household on each level.
        values, valid: int64 and uint8 [parameter, place].
        places: int32 [households].
        unserved: int16 [households]: the declared parameter without a row, or -1.
        on: the assessment date, yyyymmdd.
        codes: distinct area codes, and which of them each household has.
    """

    program: Program
    frames: Mapping[Level, pl.DataFrame]
    rows: tuple[int, int, int, int]
    addresses: Array
    sizes: Array
    known: Array
    ranges: tuple[tuple[int, int, int], ...]
    links: Array
    parents: tuple[Array, Array, Array]
    offsets: tuple[Array, Array, Array]
    widest: Array
    values: Array
    valid: Array
    places: Array
    unserved: Array
    on: int
    codes: Codes
    alive: tuple[Array, ...] = field(repr=False)

    @property
    def served(self) -> Array:
        """bool [households]: whether every declared parameter has a row."""
        found: Array = self.unserved < 0
        return found

    @property
    def no_standard(self) -> list[tuple[int, str]]:
        """Rows of households without a standard, each with the first parameter that has no row."""
        rows = np.flatnonzero(self.unserved >= 0)
        return [(int(row), self.program.declared[self.unserved[row]].name) for row in rows]

    def validity(self, column: Column) -> Array:
        """uint8 [rows of its level]: 0 where a column of the program has no value; of no rows where all have one."""
        address, rows = int(self.known[self.program.columns.index(column)]), self.rows[ops.LEVEL[column.level]]
        if not address or not rows:
            return np.zeros(0, np.uint8)
        known: Array = np.ctypeslib.as_array((ctypes.c_uint8 * rows).from_address(address))
        return known

    def place_of(self, column: Column, frames: Mapping[Level, pl.DataFrame]) -> tuple[Any, Any, Any, Any] | None:
        """Address, size, address of validity and range of a column, if it would be bound alike for other frames."""
        if not column.attribute or column not in self.program.columns:
            return None
        mine, other = self.frames[column.level], frames[column.level]
        name = "household_id" if column.attribute == LOT else column.attribute
        if mine is not other and (name in mine.columns) != (name in other.columns):
            return None
        if mine is not other and not (
            mine[name].equals(other[name], check_dtypes=True) if name in mine.columns else mine.height == other.height
        ):
            return None
        place = self.program.columns.index(column)
        return self.addresses[place], self.sizes[place], self.known[place], self.ranges[place]

    def with_leaving(self, leaving: Array) -> Columns:
        """The same columns with members (uint8, 1) taken out of their households."""
        place = next(k for k, column in enumerate(self.program.columns) if not column.attribute)
        leaving = np.ascontiguousarray(leaving, np.uint8)
        addresses = self.addresses.copy()
        addresses[place] = leaving.ctypes.data
        return replace(self, addresses=addresses, alive=(*self.alive, leaving))

    def with_standards(self, standards: Standards, asked_on: dt.date) -> Columns:
        """The same columns with other standards, or the same ones asked for on another day.

        Raises:
            TableError: a standard that is chosen does not fit its parameter.
        """
        places, values, valid, unserved = placed(
            self.program, self.frames["household"], standards, asked_on, self.codes
        )
        links = self.links.copy()
        links[ops.PLACES] = places.ctypes.data
        return replace(
            self, links=links, values=values, valid=valid, places=places, unserved=unserved, alive=(*self.alive, places)
        )

    def on_day(self, on: dt.date) -> Columns:
        """The same columns with ages and periods counted on another day."""
        return replace(self, on=_day(on))


def bind(
    program: Program, register: Frames, standards: Standards, on: dt.date, near: Sequence[Columns] = ()
) -> Columns:
    """Bring a register and the standards into the form that a program reads.

    Households without a row for a declared parameter are named in `Columns.unserved`; they can be run, and their
    results mean nothing.

    Args:
        near: what was bound for other programs or registers; columns that are equal are shared with them.

    Raises:
        UsageError: the assessment date is outside the years that the proofs cover.
        TableError: a standard that is chosen does not fit its parameter.
        EngineError: the register holds a value outside its attribute's bounds, or more rows than `limits` allow.
    """
    day = _day(on)
    frames = register.frames
    twin = next((one for one in near if one.frames is frames), None)
    shared = [
        next((found for one in near if (found := one.place_of(column, frames)) is not None), None)
        for column in program.columns
    ]
    own = [column for column, same in zip(program.columns, shared, strict=True) if same is None]
    new = [frames] if twin is None else []
    with _hands(frames) as each:  # columns, links and codes at the same time
        waiting = each(_links, new), each(area_codes, [one["household"] for one in new])
        made = iter(list(each(_column, own, [frames] * len(own), _copies(own, frames))))
        linked, coded = map(list, waiting)
        parents, offsets, widest = (twin.parents, twin.offsets, twin.widest) if twin is not None else linked[0]
        codes = twin.codes if twin is not None else coded[0]
    rows = (frames["household"].height, len(parents[0]), len(parents[1]), len(parents[2]))
    to_member, to_supporter, to_transfer = offsets
    every = (*offsets, to_supporter[to_member], to_transfer[to_member])
    addresses, known = np.zeros((2, len(program.columns) or 1), np.uint64)
    sizes = np.ones(len(program.columns) or 1, np.int64)
    alive: list[Array] = [*parents, *every, *(array for one in near for array in one.alive)]
    ranges: list[tuple[int, int, int]] = []
    for place, same in enumerate(shared):
        if same is not None:
            addresses[place], sizes[place], known[place], reach = same
            ranges.append(reach)
            continue
        values, valid, reach = next(made)
        ranges.append(reach)
        if values is not None:
            addresses[place], sizes[place] = values.ctypes.data, values.dtype.itemsize
            alive.append(values)
        if valid is not None:
            known[place] = valid.ctypes.data
            alive.append(valid)
    places, table, valid_table, unserved = placed(program, frames["household"], standards, on, codes)
    alive.append(places)
    links = np.array([array.ctypes.data for array in (*every, *parents, places)], np.uint64)
    return Columns(
        program, frames, rows, addresses, sizes, known, tuple(ranges), links, parents, offsets,
        widest, table, valid_table, places, unserved, day, codes, tuple(alive),
    )  # fmt: skip


def _links(
    frames: Mapping[Level, pl.DataFrame],
) -> tuple[tuple[Array, Array, Array], tuple[Array, Array, Array], Array]:
    """Parents and offsets of `Columns`, and the most rows of one household on each level."""
    parents = (_parent(frames, "member"), _parent(frames, "supporter"), _parent(frames, "transfer"))
    households, members = frames["household"].height, len(parents[0])
    to_member, to_supporter, to_transfer = (
        _offsets(parents[0], households), _offsets(parents[1], members), _offsets(parents[2], members)
    )  # fmt: skip
    every = (to_member, to_supporter, to_transfer, to_supporter[to_member], to_transfer[to_member])
    most = [int((offset[1:] - offset[:-1]).max(initial=0)) for offset in every]
    for (level, below), found in zip(ops.FOLDS, most, strict=True):
        if found > ROWS[level, below]:
            raise _broken(f"{found} rows of {below} in one {level}")
    widest = np.array([1, most[0], most[3], most[4]], np.int64)
    return parents, (to_member, to_supporter, to_transfer), widest


def _day(on: dt.date) -> int:
    """An assessment date as yyyymmdd, within the years that the proofs cover."""
    first, last = ASSESSMENT
    day = on.year * 10_000 + on.month * 100 + on.day
    if not first <= day <= last:
        raise UsageError(
            Fault("table.assessment", params={"found": str(on), "first": first // 10_000, "last": last // 10_000})
        )
    return day


def _parent(frames: Mapping[Level, pl.DataFrame], level: Level) -> Array:
    """The parent's row of each row, ascending."""
    found: Array = np.ascontiguousarray(frames[level][PARENT_COLUMN[level]].to_numpy(), np.uint32)
    if found.size and ((found[1:] < found[:-1]).any() or found[-1] >= _above(frames, level)):
        raise _broken(f"rows of {level} do not follow their parents")
    return found


def _above(frames: Mapping[Level, pl.DataFrame], level: Level) -> int:
    return frames["household" if level == "member" else "member"].height


def _offsets(parents: Array, rows: int) -> Array:
    """First child of each parent row, and the count of children at the end."""
    found = np.zeros(rows + 1, np.uint32)
    np.cumsum(np.bincount(parents, minlength=rows), out=found[1:], dtype=np.uint32)
    return found


def _column(
    column: Column, frames: Mapping[Level, pl.DataFrame], copies: Sequence[Array]
) -> tuple[Array | None, Array | None, tuple[int, int, int]]:
    """One column's stored integers, None where there is no column; validity, None where nothing is missing; range."""
    frame = frames[column.level]
    if not column.attribute:
        return np.zeros(frame.height, np.uint8), None, (0, column.lo, column.hi)
    if column.attribute == LOT:
        return np.fromiter(map(lot, frame["household_id"]), np.int64, frame.height), None, (0, column.lo, column.hi)
    if column.attribute not in frame.columns:
        return None, np.zeros(frame.height, np.uint8), (2, column.fill, column.fill)
    series, valid = frame[column.attribute].rechunk(), None
    values = _coded(series, column) if _is_coded(series, column) else _plain(series, column)
    if series.null_count():
        valid, whole = copies
        valid[:] = _known(series)
        _fill(values, valid, column.fill, whole)
        values = whole
    missing = 0 if valid is None else 1
    reach = (missing, column.lo, column.hi)
    if values.size and column.hi <= INT64:
        values, lo, hi = _narrowed(values)
        if lo < column.lo or hi > column.hi:
            raise _broken(f"{column.attribute} outside its bounds")
        if not column.byte:
            reach = (missing, *rounded(lo, hi))
    return values, valid, reach


def _copies(columns: Sequence[Column], frames: Mapping[Level, pl.DataFrame]) -> list[list[Array]]:
    """Of each column with missing cells memory for its validity and its integers, in one piece used before."""
    shapes: list[tuple[tuple[int, ...], Any]] = []
    has: list[bool] = []
    for column in columns:
        frame = frames[column.level]
        has.append(bool(column.attribute in frame.columns and frame[column.attribute].null_count()))
        if has[-1]:
            rows, series = (frame.height,), frame[column.attribute]
            shapes += [(rows, np.uint8), (rows, np.int32 if _is_coded(series, column) else _stored(series, column)[1])]
    memory = iter(room.empty(shapes))
    return [[next(memory), next(memory)] if some else [] for some in has]


@contextmanager
def _hands(frames: Mapping[Level, pl.DataFrame]) -> Iterator[Callable[..., Iterable[Any]]]:
    """A `map` that works with all processors where there are many rows."""
    if frames["household"].height < MANY:
        yield map
        return
    with ThreadPoolExecutor(os.cpu_count() or 1) as executor:
        yield executor.map


def _is_coded(series: pl.Series, column: Column) -> bool:
    import polars as pl

    return bool(column.texts) or series.dtype == pl.String


def _stored(series: pl.Series, column: Column) -> tuple[pl.DataType, type[np.integer[Any]]]:
    """The type in which a column is used, for polars and for numpy; it takes the column's fill."""
    import polars as pl

    kinds: dict[Any, type[np.integer[Any]]] = {pl.Int32(): np.int32, pl.Int64(): np.int64, pl.UInt64(): np.uint64}
    if column.byte or series.dtype == pl.UInt8:
        return pl.UInt8(), np.uint8
    dtype = kinds.get(series.dtype, np.int64)
    if not np.iinfo(dtype).min <= column.fill <= np.iinfo(dtype).max:
        dtype = np.int64
    return pl.Int64() if dtype is np.int64 else series.dtype, dtype


def _known(series: pl.Series) -> Array:
    """uint8, 1 where a cell is not missing; of one chunk with missing cells."""
    array = series.to_arrow()
    bits = np.frombuffer(array.buffers()[0], np.uint8)
    return np.unpackbits(bits, count=array.offset + len(array), bitorder="little")[array.offset :]


def _plain(series: pl.Series, column: Column) -> Array:
    """Stored integers as they lie, with anything where a cell is missing."""
    kind, dtype = _stored(series, column)
    series = series if series.dtype == kind else series.cast(kind)
    if not series.null_count():
        return np.ascontiguousarray(series.to_numpy())
    array = series.to_arrow()
    return np.frombuffer(array.buffers()[1], dtype)[array.offset :][: len(array)]


def _fill(values: Array, valid: Array, fill: int, into: Array) -> None:
    """The values with `fill` where a cell is missing; masks take a third of the time of a choice by truths.

    A piece at a time, which all passes find in the cache.
    """
    blank = into.dtype.type(fill)
    for at in range(0, into.size, PIECE):
        piece = into[at : at + PIECE]
        np.bitwise_xor(values[at : at + PIECE], blank, out=piece)
        piece &= np.negative(valid[at : at + PIECE].astype(into.dtype, copy=False))
        piece ^= blank


def _narrowed(values: Array) -> tuple[Array, int, int]:
    """The values in the narrowest type that the machine reads and that holds their rounded range; least and largest.

    The machine is bound by memory: half as many bytes are worth one more pass, made in pieces as above.
    """
    lo = hi = int(values[0])
    kind = _narrowest(lo, hi)
    narrow = values if kind == values.dtype else room.empty([((values.size,), kind)])[0]
    for at in range(0, values.size, PIECE):
        piece = values[at : at + PIECE]
        lo, hi = min(lo, int(piece.min())), max(hi, int(piece.max()))
        if narrow is values:
            continue
        kind = _narrowest(lo, hi)
        if kind == values.dtype:
            narrow = values
            continue
        if kind != narrow.dtype:
            wider = room.empty([((values.size,), kind)])[0]
            wider[:at] = narrow[:at]
            narrow = wider
        narrow[at : at + PIECE] = piece
    return narrow, lo, hi


def _narrowest(lo: int, hi: int) -> type[np.integer[Any]]:
    """The narrowest type of those that the machine reads that holds the rounded range of a range."""
    lo, hi = rounded(lo, hi)
    return next(kind for kind in _KINDS if np.iinfo(kind).min <= lo and hi <= np.iinfo(kind).max)


def _coded(series: pl.Series, column: Column) -> Array:
    """Texts as 1 + their place among those that the table mentions; 0 for all others."""
    import polars as pl

    place = series.cast(pl.Enum(column.texts), strict=False).to_physical()
    return (place.cast(pl.Int32) + 1).fill_null(0).to_numpy()


def _broken(what: str) -> EngineError:
    return EngineError(Fault("common.engine", params={"what": what}))
