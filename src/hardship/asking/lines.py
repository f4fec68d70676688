"""Changes of lines for one household: other local numbers, other numbers of the table.

The amounts and targets are those of a sweep (`hardship whatif --set`): `"700"`, `"+10%"`, `"-50"`, `"8400/year"`.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hardship.errors import Fault, UsageError
from hardship.standards import StandardRow, Standards, converted
from hardship.standards import standards as sorted_standards
from hardship.sweep.apply import changed_table, changed_value, split
from hardship.sweep.settings import Setting, parse_change

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.language.table import Parameter
    from hardship.sweep.settings import Change

MOST = 20
MOST_KEPT = 16
WHAT_IF = "what if"


def settings(lines: Any) -> Setting:
    """`{"dibao_standard": "+10%"}` as a setting.

    Raises:
        UsageError: another shape, more than `MOST`, or an amount that is none.
    """
    shaped = isinstance(lines, dict) and len(lines) <= MOST
    if not shaped or not all(isinstance(amount, str) for amount in lines.values()):
        raise UsageError(Fault("asking.lines", "/lines", params={"most": MOST}))
    found = []
    for target, amount in lines.items():
        name = target.removeprefix("constant:")
        found.append((name, parse_change(amount.strip(), name)))
    return Setting(tuple(found))


def changed(
    checked: Checked, standards: Standards, on: dt.date, area_code: str, setting: Setting
) -> tuple[Checked, Standards]:
    """The table and the standards with the lines changed for households of one area.

    The last few are kept, so that equal questions get the same objects.

    Raises:
        UsageError: no such line; a number that does not fit its decimals or bounds; a table that is wrong with it.
        TableError: a standard that is changed does not fit the table.
    """
    key = id(checked), id(standards), on, area_code, setting
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key][1]
    local, own = split(checked, setting)
    table = changed_table(checked, own) if own else checked
    numbers = _changed_standards(table, standards, on, area_code, local) if local else standards
    with _lock:
        # The key holds numbers of objects: these are kept with it, so that no other object can have them.
        _kept[key] = (checked, standards), (table, numbers)
        if len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return table, numbers


_kept: OrderedDict[Any, tuple[Any, tuple[Checked, Standards]]] = OrderedDict()
_lock = threading.Lock()


def _changed_standards(
    checked: Checked, standards: Standards, on: dt.date, area_code: str, changes: Mapping[str, Change]
) -> Standards:
    declared = {parameter.name: parameter for parameter in checked.table.parameter}
    rows: list[StandardRow] = [row for row in standards.rows if row.parameter not in changes]
    for name, change in changes.items():
        parameter = declared[name]
        mine = [row for row in standards.rows if row.parameter == name and area_code.startswith(row.area_code)]
        if not mine and change.kind == "to":
            mine = [_anywhere(parameter, on)]
        for row in mine:
            value = changed_value(converted(row, parameter), change, parameter, None)
            rows.append(replace(row, value=value, unit=parameter.unit, status="illustrative", source=WHAT_IF))
    return sorted_standards(rows)


def _anywhere(parameter: Parameter, on: dt.date) -> StandardRow:
    """A row that holds everywhere on a day, whichever day the parameter asks for."""
    since = dt.date(on.year - 1, 12, 31)
    return StandardRow(
        parameter.name, "", "", since, parameter.bounds[0], parameter.unit, "illustrative", WHAT_IF, "", 0
    )
