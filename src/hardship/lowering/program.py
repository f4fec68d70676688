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
    behind = sorted(missing_behind(program, raw, columns).items())
    rows = int(incomplete(raw).sum())
    return [tuple(name for name, missed in behind if missed[row]) for row in range(rows)]


def missing_behind(program: Program, raw: Raw, columns: Columns) -> dict[str, Array]:
    """Attribute → uint8 [incomplete households]: whether it is missing behind a missing sink of the household.

    An attribute is missing if its cell is empty in a row that is not excluded (`docs/semantics.md` section 5).
    """
    rows = np.flatnonzero(incomplete(raw))
    planes = raw["missing"].values[:, rows]
    assumed = {column.attribute for column in program.columns} - {
        column.attribute for column in program.columns if column.may_be_missing
    }
    lacking: dict[str, Array] = {}
    found: dict[str, Array] = {}
    places = columns.places[rows]
    for bit, sink in enumerate(program.sinks):
        missed = planes[bit // 8] >> (bit % 8) & 1
        for attribute in sink.attributes - assumed:
            if attribute not in lacking:
                lacking[attribute] = _lacking(program, raw, columns, attribute)[rows]
            found[attribute] = found.get(attribute, 0) | missed & lacking[attribute]
        for parameter in sink.parameters:
            number = next(k for k, (name, _) in enumerate(program.parameters) if name == parameter)
            unknown = missed & (columns.valid[number][places] == 0)
            found["residence_type"] = found.get("residence_type", 0) | unknown
    return found


def _lacking(program: Program, raw: Raw, columns: Columns, attribute: str) -> Array:
    """uint8 [households]: whether the attribute's cell is empty in a row that is not excluded."""
    column = next(column for column in program.columns if column.attribute == attribute)
    rows = columns.lacking(column)
    level = ops.LEVEL[column.level]
    if level > 0:
        members = rows if level == 1 else columns.parents[level - 1][rows]
        if "counted" in raw and not program.everyone:
            members = members[raw["counted"].values[members] != 2]
        rows = columns.parents[0][members]
    found = np.zeros(columns.rows[0], np.uint8)
    found[rows] = 1
    return found
