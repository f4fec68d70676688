"""Settings put into effect: changed local numbers in bound columns, changed numbers of a table in a new table.

Nothing is rounded unless the caller chose a rounding: a number that its parameter cannot hold is an error.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from hardship.attributes import dictionary
from hardship.errors import Fault, TableError, UsageError
from hardship.language.fields import Mode
from hardship.language.names import resolve
from hardship.language.positions import Positions
from hardship.language.table import Item, Parameter, Table
from hardship.messages import Both
from hardship.sweep.settings import Change, Setting, decimal_text

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.lowering.bind import Columns


MODES: dict[str, Mode] = {"floor": "floor", "ceil": "ceil", "half_up": "half_up", "half_even": "half_even"}


@dataclass(frozen=True, slots=True)
class Rounding:
    """How a changed local number is rounded: to a multiple of `to` (None: of the last decimal it may have)."""

    mode: Mode
    to: Fraction | None = None

    def rounded(self, value: Fraction, step: Fraction) -> Fraction:
        """The multiple of `to`, or of `step`."""
        step = self.to or step
        units = value / step
        below = units.numerator // units.denominator
        rest = units - below
        half = Fraction(1, 2)
        up = {
            "floor": False,
            "ceil": rest > 0,
            "half_up": rest > half or (rest == half and value > 0),
            "half_even": rest > half or (rest == half and below % 2 == 1),
        }[self.mode]
        return (below + up) * step


def parse_rounding(text: str) -> Rounding:
    """`half_up`, or with a step `floor:10`.

    Raises:
        UsageError: no such mode, or no positive step.
    """
    mode, colon, step = text.partition(":")
    try:
        to = Fraction(step) if colon else None
    except (ValueError, ZeroDivisionError):
        to = Fraction(0)
    if mode not in MODES or (to is not None and to <= 0):
        raise UsageError(Fault("sweep.bad_round", params={"found": text[:40], "legal": ", ".join(MODES)}))
    return Rounding(MODES[mode], to)


def split(checked: Checked, setting: Setting) -> tuple[dict[str, Change], tuple[tuple[str, Change], ...]]:
    """The changes of local numbers, by parameter; and those of the table's own numbers.

    Raises:
        UsageError: a target is neither.
    """
    parameters = {parameter.name for parameter in checked.table.parameter}
    own = [(target, change) for target, change in setting.changes if target not in parameters]
    for target, _ in own:
        _place(checked.table, target)
    return {target: change for target, change in setting.changes if target in parameters}, tuple(own)


# ── local numbers ──


def changed_value(value: Fraction, change: Change, parameter: Parameter, rounding: Rounding | None) -> Fraction:
    """A local number in the parameter's own unit after a change.

    Raises:
        UsageError: it has more decimals than declared and no rounding was chosen, or it is out of bounds.
    """
    step = Fraction(1, 10**parameter.decimals)
    found = _applied(change, value, parameter.unit, parameter.name)
    if rounding is not None:
        found = rounding.rounded(found, step)
    params: dict[str, Any] = {
        "target": parameter.name, "change": change.text, "value": decimal_text(value), "found": decimal_text(found)
    }  # fmt: skip
    if (found / step).denominator != 1:
        below = Fraction(found // step) * step
        near = f"{decimal_text(below)} / {decimal_text(below + step)}"
        raise UsageError(Fault("sweep.decimals", params={**params, "decimals": parameter.decimals, "near": near}))
    low, high = parameter.bounds
    if not low <= found <= high:
        raise UsageError(Fault("sweep.bounds", params={**params, "expected": f"{low} … {high}"}))
    return found


def changed_columns(columns: Columns, changes: Mapping[str, Change], rounding: Rounding | None) -> Columns:
    """Bound columns with other local numbers; everything else is shared with the given ones.

    Raises:
        UsageError: see `changed_value`.
    """
    declared = {parameter.name: parameter for parameter in columns.program.declared}
    values = columns.values.copy()
    for at, (name, den) in enumerate(columns.program.parameters):
        if name in changes:
            known = columns.valid[at] == 1
            for old in np.unique(columns.values[at, known]):
                new = changed_value(Fraction(int(old), den), changes[name], declared[name], rounding) * den
                values[at, known & (columns.values[at] == old)] = int(new)
    return replace(columns, values=values)


def _applied(change: Change, value: Fraction, unit: str, target: str) -> Fraction:
    try:
        return change.applied(value, unit)
    except ValueError:
        raise UsageError(Fault("sweep.no_time", params={"target": target, "change": change.text})) from None


# ── numbers of the table ──


def changed_table(checked: Checked, changes: Sequence[tuple[str, Change]]) -> Checked:
    """The table with other numbers of its own, checked anew.

    Raises:
        UsageError: the table is wrong with them; the first fault is told.
    """
    table = checked.table
    for target, change in changes:
        table = _place(table, target)(change)
    where = Positions(checked.path)
    try:
        from hardship.checking.check import check

        found = check(table, resolve(table, dictionary(), where), where)
    except TableError as error:
        said = Both(*(error.faults[0].text(lang) for lang in ("zh", "en")))
        params = {"setting": Setting(tuple(changes)).text, "text": said}
        raise UsageError(Fault("sweep.unfit", params=params)) from None
    return replace(found, path=checked.path)


def _place(table: Table, target: str) -> Callable[[Change], Table]:
    """What puts a change into a table.

    Raises:
        UsageError: the table has no such number.
    """
    kind, _, name = target.rpartition(":") if target.count(":") == 1 else ("", "", target)
    if target.startswith("points:"):
        kind, name = "points", target.removeprefix("points:")
    if not kind:
        for at, constant in enumerate(table.constant):
            if constant.name == name:
                return _constant(table, at)
    if kind == "points":
        item_id, _, place = name.partition(":")
        for at, item in enumerate(table.item):
            if item.id == item_id:
                return _points(table, at, int(place) if place else None, target)
    if kind in ("cap", "floor"):
        for section in ("item", "group", "index"):
            for at, one in enumerate(getattr(table, section)):
                if one.id == name and isinstance(getattr(one, kind), Fraction):
                    return _bound(table, section, at, kind, target)
    raise _unknown(table, target)


def _constant(table: Table, at: int) -> Callable[[Change], Table]:
    old = table.constant[at]
    return lambda change: _with(table, "constant", at, value=_applied(change, old.value, old.unit, old.name))


def _bound(table: Table, section: str, at: int, kind: str, target: str) -> Callable[[Change], Table]:
    old: Fraction = getattr(getattr(table, section)[at], kind)
    return lambda change: _with(table, section, at, **{kind: _applied(change, old, "", target)})


def _points(table: Table, at: int, place: int | None, target: str) -> Callable[[Change], Table]:
    """Puts a change into the points of an item, or of one of its cases and bands, counted from 1."""
    item: Item = table.item[at]
    if place is None:
        if not isinstance(item.points, Fraction):
            raise _unknown(table, target)
        old = item.points
        return lambda change: _with(table, "item", at, points=_applied(change, old, "", target))
    cases, bands = item.cases or (), item.bands or ()
    if not 1 <= place <= len(cases) + len(bands):
        raise _unknown(table, target)
    field, lines, within = (
        ("cases", cases, place - 1) if place <= len(cases) else ("bands", bands, place - len(cases) - 1)
    )
    points = lines[within].points
    if not isinstance(points, Fraction):
        raise _unknown(table, target)

    def put(change: Change) -> Table:
        line = lines[within].model_copy(update={"points": _applied(change, points, "", target)})
        return _with(table, "item", at, **{field: (*lines[:within], line, *lines[within + 1 :])})

    return put


def _with(table: Table, section: str, at: int, **update: Any) -> Table:
    rows = getattr(table, section)
    row = rows[at].model_copy(update=update)
    return table.model_copy(update={section: (*rows[:at], row, *rows[at + 1 :])})


def targets(table: Table) -> list[str]:
    """Everything of a table that a setting can change."""
    found = [parameter.name for parameter in table.parameter] + [constant.name for constant in table.constant]
    for item in table.item:
        if isinstance(item.points, Fraction):
            found.append(f"points:{item.id}")
        lines = [*(case.points for case in item.cases or ()), *(band.points for band in item.bands or ())]
        found += [f"points:{item.id}:{k}" for k, points in enumerate(lines, 1) if isinstance(points, Fraction)]
    bounded = [(one.id, one.cap, one.floor) for one in table.item]
    bounded += [(one.id, one.cap, one.floor) for one in table.group]
    bounded += [(one.id, one.cap, one.floor) for one in table.index]
    for name, *limits in bounded:
        found += [
            f"{k}:{name}" for k, limit in zip(("cap", "floor"), limits, strict=True) if isinstance(limit, Fraction)
        ]
    return found


def _unknown(table: Table, target: str) -> UsageError:
    near = difflib.get_close_matches(target, targets(table), 1, 0.6)
    params = {"found": target, "table": table.table.id, "nearest": near[0] if near else ""}
    return UsageError(Fault("sweep.no_target", params=params, hint="table.hint_nearest" if near else ""))
