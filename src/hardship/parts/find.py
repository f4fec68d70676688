"""A register in parts: folders `households/` and `members/` (`supporters/`, `transfers/`) of Parquet files.

Files of one name hold the same households. The households of a part stand, by their ids, before or after those of
any other part: then a part can be scored by itself, and the results of all parts are those of the whole register.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hardship.errors import Fault, RegisterError
from hardship.language.fields import DeclaredAttribute, Level
from hardship.reading.readers import ENTITIES, LATE_ROWS, read_file
from hardship.register import LEVELS, Register, clean


@dataclass(frozen=True, slots=True)
class Part:
    """One part.

    Attributes:
        name: of its files, without folder and ending.
        files: entity → its file.
        rows: in each file.
        before: rows of each level in all parts before this one.
    """

    name: str
    files: dict[str, Path]
    rows: dict[Level, int]
    before: dict[Level, int]


def in_parts(path: Path) -> bool:
    """Whether a path is meant as a register in parts."""
    return (path / "households").is_dir()


def find(path: Path) -> list[Part]:
    """The parts of a register, by name.

    Raises:
        RegisterError: no part at all; a part without members; a file that belongs to no part, is no Parquet, or lies
            beside the folders; corrections.
    """
    faults: list[Fault] = []
    found: dict[str, dict[str, Path]] = {}
    for entity in ENTITIES:
        faults += [
            Fault("parts.beside", str(path / f"{entity}{ending}"), hint="parts.beside_hint")
            for ending in (".csv", ".parquet")
            if (path / f"{entity}{ending}").exists()
        ]
        folder = path / entity
        if not folder.is_dir():
            continue
        if entity not in LEVELS:
            faults.append(Fault("parts.no_overrides", str(folder)))
            continue
        for file in sorted(folder.iterdir()):
            if file.name.startswith((".", "_")):  # marks that other programs leave beside their files
                continue
            if file.suffix != ".parquet" or not file.is_file():
                faults.append(Fault("parts.no_parquet", str(file)))
            else:
                found.setdefault(file.stem, {})[entity] = file
    for name, files in found.items():
        if "households" not in files:
            first = next(iter(files.values()))
            faults.append(Fault("parts.no_households", str(first), params={"name": name}))
        elif "members" not in files:
            faults.append(Fault("parts.no_members", str(files["households"]), params={"name": name}))
    if not found and not faults:
        faults.append(Fault("parts.none", str(path)))
    if faults:
        raise RegisterError(faults)
    parts, before = [], dict.fromkeys(LEVELS.values(), 0)
    for name, files in sorted(found.items()):
        rows = {LEVELS[entity]: _rows(file) for entity, file in files.items()}
        parts.append(Part(name, files, rows, before))
        before = {level: count + rows.get(level, 0) for level, count in before.items()}
    return parts


def _rows(file: Path) -> int:
    import pyarrow.parquet as pq
    from pyarrow import ArrowException

    try:
        return int(pq.read_metadata(file).num_rows)
    except (ArrowException, OSError) as error:
        raise RegisterError(Fault("register.unreadable", str(file))) from error


def read(
    part: Part,
    attributes: Mapping[str, DeclaredAttribute],
    on: dt.date,
    currency: str,
    used: Collection[str] | None = None,
    also: Collection[str] = (),
) -> Register:
    """Read one part as a register by itself.

    Args:
        used, also: see `register.read_register`.

    Raises:
        RegisterError: a file cannot be read at all, or lacks an id column.
    """
    tables = []
    late_from: int | None = LATE_ROWS
    for entity, file in part.files.items():
        table = read_file(file, entity, late_from=late_from)
        if table.late is not None:  # what belongs to a large file is read the same way
            late_from = 1
        tables.append(replace(table, file=f"{entity}/{file.name}"))
    return clean(tables, dict(attributes), on, name=part.name, used=used, also=also, currency=currency)


def sources(parts: Sequence[Part]) -> list[Path]:
    """All files of all parts."""
    return [file for part in parts for file in part.files.values()]
