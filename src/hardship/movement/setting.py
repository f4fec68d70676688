"""The two settings of a comparison, from what a user writes: `table=shanghai,on=2017-05-01,standards=new.csv`."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hardship.errors import Fault, UsageError
from hardship.inputs import Inputs, files_of, open_register, open_table

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.inputs import Progress
    from hardship.reading.database import Database
    from hardship.register import Register

KEYS = ("table", "on", "standards", "register", "mapping")
_PART = re.compile(rf",(?=\s*(?:{'|'.join(KEYS)})=)")  # so that a path may hold a comma


@dataclass(frozen=True)
class Wanted:
    """A setting by name.

    Attributes:
        table: ID, ID@DATE or a file.
        on: the assessment date.
        standards: files of local numbers; none: those that come with the package.
        register, mapping: None: the ones of the whole comparison.
    """

    table: str
    on: dt.date
    standards: tuple[Path, ...] = ()
    register: Path | Database | None = None
    mapping: Path | None = None


def wanted(text: str, option: str, base: Wanted | None = None) -> Wanted:
    """Read a setting.

    Args:
        text: `key=value` parts with commas between them; `standards` may stand more than once.
        option: the name of the option, for faults.
        base: gives what the text does not name.

    Raises:
        UsageError: an unknown or repeated key, no table or date, a date that is none.
    """
    found: dict[str, list[str]] = {}
    for part in _PART.split(text):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if key not in KEYS or not equals or not value:
            raise _fault("setting_part", option, found=part.strip()[:80], legal=", ".join(KEYS))
        if key in found and key != "standards":
            raise _fault("setting_twice", option, key=key)
        found.setdefault(key, []).append(value)
    made = base
    if "on" in found or base is None:
        day = _day(found.get("on", [""])[0], option)
        table = found.get("table", [base.table if base else ""])[0]
        if not table:
            raise _fault("setting_lacks", option, key="table")
        made = Wanted(table, day) if base is None else replace(base, table=table, on=day)
    elif "table" in found:
        made = replace(base, table=found["table"][0])
    assert made is not None
    if "standards" in found:
        made = replace(made, standards=tuple(map(Path, found["standards"])))
    if "register" in found:
        made = replace(made, register=Path(found["register"][0]))
    if "mapping" in found:
        made = replace(made, mapping=Path(found["mapping"][0]))
    return made


def _day(text: str, option: str) -> dt.date:
    if not text:
        raise _fault("setting_lacks", option, key="on")
    try:
        if len(text) != 10:
            raise ValueError(text)
        return dt.date.fromisoformat(text)
    except ValueError:
        raise _fault("setting_day", option, found=text[:40]) from None


def _fault(code: str, option: str, **params: str) -> UsageError:
    return UsageError(Fault(f"rerank.{code}", params={"option": option, **params}, hint="rerank.hint_setting"))


def open_settings(
    register: Path | Database,
    before: Wanted,
    after: Wanted,
    *,
    mapping: Path | None = None,
    progress: Progress | None = None,
) -> tuple[Inputs, Inputs]:
    """Open and check two settings.

    A register that both share is read once, with the attributes of both tables, unless its ages are legal on one of
    the two dates only. Then each side reads it for itself.

    Raises:
        UsageError, TableError, RegisterError: something does not exist or cannot be used.
    """
    from hardship.standards import load_standards

    sides = [
        replace(one, register=one.register or register, mapping=one.mapping or (None if one.register else mapping))
        for one in (before, after)
    ]
    if any(one.mapping is not None and not isinstance(one.register, Path) for one in sides):
        raise UsageError(Fault("database.not_with", params={"option": "mapping="}))
    opened = [open_table(one.table, one.on) for one in sides]
    numbers = {paths: load_standards(paths) for paths in dict.fromkeys(one.standards for one in sides)}
    tables = [checked for checked, _ in opened]
    registers = _registers(sides, tables, progress)
    made = []
    for one, (checked, forced), read in zip(sides, opened, registers, strict=True):
        assert one.register is not None
        files = {
            "register": files_of(one.register),
            "table": [Path(checked.path)],
            "standards": list(one.standards),
            "mapping": [one.mapping] if one.mapping else [],
        }
        made.append(Inputs(read, checked, numbers[one.standards], one.on, forced, files))
    return made[0], made[1]


def differing_attributes(before: Checked, after: Checked) -> list[str]:
    """Attributes that two tables declare for themselves, under one name but not alike."""
    one, other = before.names.attributes, after.names.attributes
    return sorted(name for name in one.keys() & other.keys() if one[name] != other[name])


def _registers(sides: Sequence[Wanted], tables: Sequence[Checked], progress: Progress | None) -> list[Register]:
    from hardship.needed import VILLAGES, needed

    used = needed(*tables)  # of both, so that two registers of the same content have the same hash
    alike = not differing_attributes(*tables)
    known = [dict(one.names.attributes) for one in tables]
    if alike:
        known = [known[0] | known[1]] * 2

    def read(side: int, on: dt.date) -> Register:
        one = sides[side]
        assert one.register is not None
        return open_register(
            one.register,
            known[side],
            on,
            mapping=one.mapping,
            used=used,
            also=VILLAGES,
            currency=tables[side].table.table.currency,
            progress=progress,
        )

    same = (sides[0].register, sides[0].mapping) == (sides[1].register, sides[1].mapping)
    currencies = {one.table.table.currency for one in tables}
    if not (same and alike and len(currencies) == 1):
        return [read(side, sides[side].on) for side in (0, 1)]
    days = [one.on for one in sides]
    late = int(days[1] >= days[0])
    shared = read(late, days[late])
    if days[0] == days[1] or not _ages_depend(shared, days[1 - late]):
        return [shared, shared]
    registers = [shared, shared]
    registers[1 - late] = read(1 - late, days[1 - late])
    return registers


def _ages_depend(register: Register, earlier: dt.date) -> bool:
    """Whether a register that was read for a later date could be read otherwise for an earlier one."""
    if (register.rejects["code"] == "bad_age").any():
        return True
    members = register.frames["member"]
    if "birth_date" not in members.columns:
        return False
    day = earlier.year * 10_000 + earlier.month * 100 + earlier.day
    return bool((members["birth_date"] > day).any())


def named_files(before: Inputs, after: Inputs) -> Mapping[str, list[Path]]:
    """Where both settings came from, for the record: `before_table`, `after_table`, …"""
    return {
        f"{name}_{kind}": paths
        for name, one in (("before", before), ("after", after))
        for kind, paths in one.files.items()
    }
