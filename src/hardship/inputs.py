"""What a run needs, opened by name: a scoring table, standards, a register."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.language.fields import DeclaredAttribute
    from hardship.reading.database import Database
    from hardship.register import Register
    from hardship.standards import Standards

Progress = Callable[[str, float], None]
"""Called with what is being done and how far that is, from 0 to 1."""


@dataclass(frozen=True)
class Inputs:
    """Everything that decides a result, read and checked.

    Attributes:
        forced: the table's version was forced (`ID@DATE`, or a file that is not in force on `on`).
        files: where each came from, for the record: `register`, `table`, `standards`, `mapping`.
    """

    register: Register
    checked: Checked
    standards: Standards
    on: dt.date
    forced: bool
    files: dict[str, list[Path]]


def open_table(table: str, on: dt.date) -> tuple[Checked, bool]:
    """The checked table that `table` (ID, ID@DATE or a file) means on a date, and whether it was forced.

    Raises:
        UsageError: no such table, or no version in force.
        TableError: the table is wrong.
    """
    from hardship.load import find_table, load_table

    path, forced = find_table(table, on)
    return load_table(path), forced


def open_register(
    register: Path | Database,
    attributes: dict[str, DeclaredAttribute],
    on: dt.date,
    *,
    mapping: Path | None = None,
    used: Collection[str] | None = None,
    also: Collection[str] = (),
    currency: str = "CNY",
    progress: Progress | None = None,
) -> Register:
    """Read a register wherever it is: files, a folder of parts (all of them), a database; see `register.read_register`.

    Raises:
        UsageError: a database's address is wrong or its driver not installed. RegisterError: it cannot be read at all.
    """
    if not isinstance(register, Path):
        from hardship.register import read_from_database

        return read_from_database(register, attributes, on, used=used, also=also, currency=currency, progress=progress)
    from hardship.parts.find import in_parts

    if mapping is None and in_parts(register):
        from hardship.parts import joined

        return joined.read(register, attributes, on, currency, used=used, also=also)
    from hardship.register import read_register

    return read_register(
        register,
        attributes=attributes,
        on=on,
        mapping=mapping,
        used=used,
        also=also,
        currency=currency,
        progress=progress,
    )


def files_of(register: Path | Database) -> list[Path]:
    """Where a register was read from, for the record: its path, or the file of SQLite; nothing of a server."""
    return [register] if isinstance(register, Path) else [register.file] if register.file else []


def open_inputs(
    register: Path | Database,
    table: str,
    on: dt.date,
    *,
    standards: Sequence[Path] = (),
    mapping: Path | None = None,
    names: bool = False,
    progress: Progress | None = None,
) -> Inputs:
    """Open and check everything a run needs; the table first: of the register what it needs is kept.

    Args:
        names: keep the names of persons and villages too (`needed.NAMES`).

    Raises:
        UsageError, TableError, RegisterError: something does not exist or cannot be used.
    """
    from hardship.needed import NAMES, needed
    from hardship.standards import load_standards

    checked, forced = open_table(table, on)
    numbers = load_standards(standards)
    read = open_register(
        register,
        checked.names.attributes,
        on,
        mapping=mapping,
        used=needed(checked),
        also=NAMES if names else (),
        currency=checked.table.table.currency,
        progress=progress,
    )
    sources = {
        "register": files_of(register),
        "table": [Path(checked.path)],
        "standards": list(standards),
        "mapping": [mapping] if mapping else [],
    }
    return Inputs(read, checked, numbers, on, forced, sources)
