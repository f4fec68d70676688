"""Worked cases: households with the results somebody computed by hand, run on either evaluator.

A case file is TOML: `title`, `on`, `working` (the arithmetic, in words), `[[standards]]` if the case needs
its own, and either one household (`[household]`, `[[members]]`, `[[supporters]]`, `[[transfers]]`,
`[expect]`) or several under `[[households]]` with the same keys. Ids that are left out are given: households
`H1`, `H2` …, members `m1`, `m2` …; a supporter or transfer without `member_id` is the first member's.

`[expect]` holds result columns as texts; `values`: name → exact text (`name@member_id` for a member's);
`persons`: the rows of `persons` without `household_id`; `rejected`: `no_standard` or `out_of_range`.
The standards of a case replace all shipped rows of the parameters they name.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from hardship.checking.check import Checked
from hardship.errors import Fault, UsageError
from hardship.load import load_table
from hardship.reading.plain import plain_household, register_of
from hardship.reference.results import exact_text
from hardship.reference.values import Value
from hardship.sides import Answer, Key, by_machine, by_reference
from hardship.standards import Standards, load_standards, parsed, standards

Evaluator = Literal["reference", "machine"]
_KEYS = {"title", "on", "working", "table", "standards", "households"}
_HOUSEHOLD = {"household", "members", "supporters", "transfers", "expect"}


@dataclass(frozen=True, slots=True)
class Case:
    """One worked case as it stands in its file. `table` is the table's text, or "" for the shipped one."""

    path: Path
    title: str
    on: dt.date
    working: str
    table: str
    standards: tuple[dict[str, str], ...]
    households: tuple[dict[str, Any], ...]
    expected: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One expectation that does not hold."""

    household_id: str
    what: str
    expected: str
    found: str


def read_case(path: Path) -> Case:
    """One case file.

    Raises:
        UsageError: no TOML, unknown or missing keys.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, ValueError) as error:
        raise _unusable(path, str(error)) from None
    single = {key: data.pop(key) for key in _HOUSEHOLD & data.keys()}
    households = [single] if single else data.pop("households", [])
    wrong = [*(data.keys() - _KEYS), *(key for one in households for key in one.keys() - _HOUSEHOLD)]
    lacking = [key for key in ("title", "on", "working") if key not in data]
    lacking += ["expect" for one in households if "expect" not in one] or ([] if households else ["households"])
    if wrong or lacking:
        raise _unusable(path, f"unknown {sorted(wrong)}, lacking {lacking}")
    return Case(
        path,
        data["title"],
        data["on"],
        data["working"],
        data.get("table", ""),
        tuple({key: str(value) for key, value in row.items()} for row in data.get("standards", ())),
        tuple(_with_ids(one, number) for number, one in enumerate(households, 1)),
        tuple(one["expect"] for one in households),
    )


def _unusable(path: Path, why: str) -> UsageError:
    return UsageError(Fault("common.case_file", str(path), params={"why": why}))


def _with_ids(one: Mapping[str, Any], number: int) -> dict[str, Any]:
    """The household in the form of the register's JSON, with every id."""
    members = [{"member_id": f"m{k}"} | member for k, member in enumerate(one.get("members", [{}]), 1)]
    first = {"member_id": members[0]["member_id"]}
    return {
        "household": {"household_id": f"H{number}", "area_code": "370828"} | one.get("household", {}),
        "members": members,
        "supporters": [first | row for row in one.get("supporters", ())],
        "transfers": [first | row for row in one.get("transfers", ())],
    }


def find_cases(root: Path, table: str = "") -> Iterator[tuple[Path, str, str]]:
    """Case files under `<root>/<table>/<date>/`, of one table or all, with table and date, in order."""
    for path in sorted(root.glob(f"{table or '*'}/*/*.toml")):
        yield path, path.parent.parent.name, path.parent.name


def run_file(path: Path, table_file: Path, evaluator: Evaluator) -> list[Difference]:
    """Run the worked case of a shipped table: every expectation that does not hold."""
    return run_case(read_case(path), load_table(table_file), evaluator)


def run_case(case: Case, checked: Checked, evaluator: Evaluator) -> list[Difference]:
    """Run one case on one evaluator: every expectation that does not hold.

    Raises:
        UsageError: a fact the case gives does not exist or is of another type.
        TableError: a standard that the case gives is wrong.
    """
    households = [plain_household(one, checked.names.attributes, str(case.path)) for one in case.households]
    known = case_standards(case)
    register = register_of(households, checked.names.attributes, case.path.name)
    run = by_reference if evaluator == "reference" else by_machine
    found = run(checked, known, case.on, register)
    differences: list[Difference] = []
    for household, expected in zip(households, case.expected, strict=True):
        household_id = household["household"]["household_id"]
        members = sorted((member["member_id"] for member in household["members"]), key=str.encode)
        differences += _compare(household_id, expected, found[household_id], members)
    return differences


def case_standards(case: Case) -> Standards:
    """The shipped standards with the case's own instead for the parameters that it names."""
    own = [parsed(row, str(case.path), 0) for row in case.standards]
    named = {row.parameter for row in own}
    return standards([*(row for row in load_standards().rows if row.parameter not in named), *own])


def _texts(values: Mapping[Key, Value], members: Sequence[str]) -> dict[str, str]:
    """Exact texts of the household's and the members' values."""
    return {
        (f"{name}@{members[key[0]]}" if key else name): exact_text(value)
        for (name, key), value in values.items()
        if len(key) < 2
    }


def _compare(
    household_id: str, expected: Mapping[str, Any], found: Answer, members: Sequence[str]
) -> Iterator[Difference]:
    """Each expectation against what was found."""
    rejected = expected.get("rejected", "")
    if rejected or found.rejected:
        if rejected != found.rejected:
            yield Difference(household_id, "rejected", rejected, found.rejected)
        return
    for column, text in expected.items():
        if column == "values":
            values = _texts(found.values, members)
            for name, exact in text.items():
                if values.get(name) != exact:
                    yield Difference(household_id, f"values.{name}", exact, values.get(name, "-"))
        elif column == "persons":
            own = [{key: row[key] for key in row if key != "household_id"} for row in found.persons]
            if own != text:
                yield Difference(household_id, "persons", str(text), str(own))
        elif found.columns.get(column) != text:
            yield Difference(household_id, column, str(text), found.columns.get(column, "-"))
