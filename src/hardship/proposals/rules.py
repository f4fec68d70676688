"""The tests that a proposed standard must stand: their file, read and checked like a scoring table.

A file of tests (`scoring_tables/checks.toml`) holds inputs (rows of the standards files), constants,
look-ups, derived values and tests. The expressions are those of scoring tables, at the level of one area: there
are no households, so of the attributes only the area's code and residence can be named, and nothing is counted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from hardship.attributes import dictionary
from hardship.checking.check import Checked, check
from hardship.errors import Fault, TableError, UsageError
from hardship.language import positions
from hardship.language.fields import Ident, Model, Place, Provided, Status, Title
from hardship.language.names import resolve
from hardship.language.nodes import Aggregate, Name, walk
from hardship.language.positions import Positions
from hardship.language.shapes import validated
from hardship.language.sites import sites
from hardship.language.table import (
    Constant,
    Derive,
    Identity,
    Ladder,
    Lookup,
    Otherwise,
    Parameter,
    Rank,
    Rung,
    Source,
    Table,
    Test,
)
from hardship.language.toml_text import read_toml
from hardship.lots import LOT
from hardship.roots import default_roots

OF_AN_AREA = ("area_code", "residence_type")
"""The attributes that an area has."""
_NOWHERE = Title(zh="否则", en="otherwise")


class Head(Model):
    """`[checks]`."""

    title: Title
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    default_status: Status = "illustrative"
    note: Title | None = None


class Input(Parameter):
    """`[[input]]`: a number from the standards files.

    Attributes:
        of: the parameter of the rows; the input's own name without it.
        before: the value in force on the day before the judged row takes effect, instead of on the day asked for.
        residence: the `residence_type` whose row is read, whatever the judged one's.
    """

    of: Ident | None = None
    before: bool = False
    residence: str = ""

    @property
    def rows(self) -> str:
        """The parameter whose rows are read."""
        return self.of or self.name

    @property
    def now(self) -> bool:
        """Whether it is the number in force on the day and for the residence asked for."""
        return not self.before and not self.residence and self.as_of == "assessment"


class Check(Provided):
    """`[[check]]`: tests that a proposed row of the parameter `of` must all stand.

    Attributes:
        area: prefix of the area codes where it holds; empty everywhere.
        residence: the `residence_type` for which it holds; any without it.
        percent: people read its plain numbers as percentages.
    """

    id: Ident
    title: Title
    of: Ident
    area: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{0,32}$")] = ""
    residence: str = ""
    percent: bool = False
    tests: Annotated[tuple[Test, ...], Field(strict=False)]


class ChecksFile(Model):
    """One file of tests."""

    checks: Head
    source: Annotated[tuple[Source, ...], Field(strict=False)] = ()
    input: Annotated[tuple[Input, ...], Field(strict=False)]
    constant: Annotated[tuple[Constant, ...], Field(strict=False)] = ()
    lookup: Annotated[tuple[Lookup, ...], Field(strict=False)] = ()
    derive: Annotated[tuple[Derive, ...], Field(strict=False)] = ()
    check: Annotated[tuple[Check, ...], Field(strict=False)]


@dataclass(frozen=True)
class Rules:
    """The tests of one file, checked: names, units, bounds and divisors as in a scoring table."""

    file: ChecksFile
    checked: Checked

    @property
    def judged(self) -> frozenset[str]:
        """The parameters of which some test speaks."""
        return frozenset(one.of for one in self.file.check)


def packaged_rules() -> Path:
    """The file of tests that comes with the scoring tables."""
    return default_roots()[0] / "checks.toml"


def load_rules(path: Path | None = None) -> Rules:
    """Read and check a file of tests; without a path, the one that comes with the scoring tables.

    Raises:
        UsageError: the file cannot be read. TableError: everything that is wrong with it, each at its place.
    """
    path = path or packaged_rules()
    try:
        data = path.read_bytes()
    except (OSError, ValueError):
        raise UsageError(Fault("table.file_missing", params={"found": str(path)})) from None
    values, where = read_toml(data, str(path))
    file = validated(ChecksFile, values, where)
    if faults := list(_faults(file, where)):
        raise TableError(faults)
    table, inside = _table(file), _moved(where)
    known = {name: attribute for name, attribute in dictionary().items() if name in OF_AN_AREA}
    return Rules(file, check(table, resolve(table, known, inside), inside))


def _table(file: ChecksFile) -> Table:
    """The file as a table whose ladders are the tests: the same names, the same proofs."""
    head = file.checks
    return Table(
        table=Identity(
            id="checks",
            version=dt.date.min,
            title=head.title,
            place=Place(zh="", en=""),
            currency=head.currency,
            default_status=head.default_status,
        ),
        source=file.source,
        parameter=file.input,
        constant=file.constant,
        lookup=file.lookup,
        derive=file.derive,
        ladder=tuple(
            Ladder(
                id=one.id,
                title=one.title,
                rung=(Rung(id="passed", title=one.title, tests=one.tests, source=one.source, status=one.status),),
                otherwise=Otherwise(id="failed", title=_NOWHERE),
            )
            for one in file.check
        ),
        rank=Rank(keys=()),
    )


def _moved(where: Positions) -> Positions:
    """The places of the file under the names that its parts have in the table."""
    moved = Positions(where.file)
    for old, new in ((where.values, moved.values), (where.keys, moved.keys)):
        new.update((path, place) for old_path, place in old.items() for path in _paths(old_path))
    moved.raw.update((path, raw) for old_path, raw in where.raw.items() for path in _paths(old_path))
    return moved


def _paths(path: positions.Path) -> Iterator[positions.Path]:
    match path:
        case ("checks", *rest):
            yield ("table", *rest)
        case ("input", *rest):
            yield ("parameter", *rest)
        case ("check", number, *rest):
            yield ("ladder", number, *rest)
            yield ("ladder", number, "rung", 0, *rest)
        case _:
            yield path


def _faults(file: ChecksFile, where: Positions) -> Iterator[Fault]:
    """What a scoring table may have and an area has not; tests of what no input reads."""
    table = _table(file)
    inside = _moved(where)
    for number, derive in enumerate(file.derive):
        if derive.level != "household":
            yield where.fault(("derive", number, "level"), "proposal.level", found=derive.level)
    for site in sites(table, lambda name: "household"):
        for node in walk(site.node):
            if isinstance(node, Aggregate):
                yield inside.fault(site.path, "proposal.level", node.at, found=node.function)
            elif isinstance(node, Name) and node.name == LOT:
                yield inside.fault(site.path, "proposal.level", node.at, found=LOT)
    read = {one.rows for one in file.input if one.now}
    residences = [entry.value for entry in dictionary()["residence_type"].values]
    for number, one in enumerate(file.check):
        if not one.tests:
            yield where.fault(("check", number, "tests"), "proposal.empty", found=one.id)
        if one.of not in read:
            yield where.fault(("check", number, "of"), "proposal.of", found=one.of, expected=", ".join(sorted(read)))
    sections: tuple[tuple[str, Sequence[Input | Check]], ...] = (("input", file.input), ("check", file.check))
    for section, entries in sections:
        for number, entry in enumerate(entries):
            if entry.residence and entry.residence not in residences:
                expected = ", ".join(residences)
                place = (section, number, "residence")
                yield where.fault(place, "proposal.residence", found=entry.residence, expected=expected)
