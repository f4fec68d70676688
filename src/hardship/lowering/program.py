"""Checked table → program; and from a program's results which attributes were missing.

The lowering itself is in `lower` (stages, stores, sinks), `lower_stages`, `lower_expression`, `values` and
`comparisons` (instructions of values) and `allocate` (order and registers).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hardship.checking.check import Checked
from hardship.lowering import ops
from hardship.lowering.lower import Detail, lower
from hardship.lowering.ops import Program

if TYPE_CHECKING:
    from hardship.engine.machine import Raw
    from hardship.lowering.bind import Columns

__all__ = ["Program", "incomplete", "lower", "lowered", "missing_attributes", "missing_behind"]

Array = npt.NDArray[Any]
MOST_KEPT = 64
RESIDENCE = "residence_type"  # the attribute that is missing where a number has no row without it

_kept: OrderedDict[tuple[str | int, str], tuple[Checked, Program]] = OrderedDict()
_lock = threading.Lock()


def lowered(checked: Checked, detail: Detail = "results") -> Program:
    """`lower`, once for each content of a table and detail in a process; the last `MOST_KEPT` are kept."""
    key = (checked.sha256 or id(checked), detail)
    with _lock:
        known = _kept.get(key)
        if known is not None and _same(known[0], checked):
            _kept.move_to_end(key)
            return known[1]
    program = lower(checked, detail)
    with _lock:
        _kept[key] = checked, program
        if len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return program


def _same(known: Checked, checked: Checked) -> bool:
    """Whether two tables with the same content also rest on the same dictionary."""
    if known is checked:
        return True
    own = {attribute.name for attribute in checked.table.attribute}
    mine, theirs = known.names.attributes, checked.names.attributes
    return mine.keys() == theirs.keys() and all(mine[name] is theirs[name] for name in mine if name not in own)


def incomplete(raw: Raw) -> Array:
    """bool [households]: whether a sink is missing."""
    planes: Array = raw["missing"].values
    return np.asarray(planes.any(axis=0))


def missing_attributes(program: Program, raw: Raw, columns: Columns) -> list[tuple[str, ...]]:
    """For each incomplete household, in order, the attributes that are missing behind its missing sinks, sorted."""
    names, planes = missing_behind(program, raw, columns)
    bits = np.unpackbits(planes, axis=0, bitorder="little")[: len(names)].T
    return [tuple(name for name, missed in zip(names, row, strict=True) if missed) for row in bits]


def missing_behind(program: Program, raw: Raw, columns: Columns) -> tuple[list[str], Array]:
    """Which attributes are missing behind a missing sink of which incomplete household.

    An attribute is missing if its cell is empty in a row that is not excluded (`docs/semantics.md` section 5).

    Returns:
        attributes, sorted; uint8 [planes, incomplete households]: bit b of plane k is attribute 8·k + b.
    """
    from hardship.engine import kernels_results as kernels

    rows = np.flatnonzero(incomplete(raw))
    column_of = {column.attribute: column for column in program.columns}
    assumed = column_of.keys() - {column.attribute for column in program.columns if column.may_be_missing}
    asked = {attribute for sink in program.sinks for attribute in sink.attributes} - assumed
    named = sorted(asked | ({RESIDENCE} if any(sink.parameters for sink in program.sinks) else set()))
    place = {name: divmod(number, 8) for number, name in enumerate(named)}
    lacking = np.zeros(((len(named) + 7) // 8, len(rows)), np.uint8)
    within = _Within(program, raw, columns, rows)
    for attribute in asked:
        plane, bit = place[attribute]
        known = columns.validity(column_of[attribute])
        if len(known):
            kernels.lacking(known, *within(ops.LEVEL[column_of[attribute].level]), np.uint8(1 << bit), lacking[plane])
    planes = raw["missing"].values
    told = np.zeros((len(planes), 256, len(lacking)), np.uint8)
    unknown, places = np.zeros(len(rows), np.bool_), columns.places[rows]
    for number, sink in enumerate(program.sinks):
        has_bit = np.arange(256) >> number % 8 & 1 == 1
        for attribute in sink.attributes - assumed:
            plane, bit = place[attribute]
            told[number // 8, has_bit, plane] |= np.uint8(1 << bit)
        for parameter in sink.parameters:
            of = next(k for k, (name, _) in enumerate(program.parameters) if name == parameter)
            no_row = columns.valid[of][places] == 0
            unknown |= no_row & (planes[number // 8, rows] >> number % 8 & 1 == 1)
    kernels.behind(planes, rows, told, lacking)
    if RESIDENCE in place:
        plane, bit = place[RESIDENCE]
        lacking[plane] |= unknown.view(np.uint8) << np.uint8(bit)
    return named, lacking


class _Within:
    """Each level's rows in some households that are not excluded, and the place of each one's household.

    No function that calls itself by a cell: such a circle would hold the columns and the register until Python looks
    for rubbish.
    """

    def __init__(self, program: Program, raw: Raw, columns: Columns, rows: Array) -> None:
        self.columns = columns
        self.counted = None if program.everyone or "counted" not in raw else raw["counted"].values
        self.found = {0: (rows, np.arange(len(rows)))}

    def __call__(self, level: int) -> tuple[Array, Array]:
        if level not in self.found:
            self.found[level] = self._below(level, *self(min(level - 1, 1)))
        return self.found[level]

    def _below(self, level: int, above: Array, slot: Array) -> tuple[Array, Array]:
        offsets = self.columns.offsets[level - 1]
        first, end = (offsets[one].astype(np.int64) for one in (above, above + 1))
        at = np.repeat(end - np.cumsum(end - first), end - first)
        at += np.arange(len(at))
        slot = np.repeat(slot, end - first)
        if level == 1 and self.counted is not None:
            stays = self.counted[at] != 2
            return at[stays], slot[stays]
        return at, slot
