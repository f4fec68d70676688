"""The checker's promises against the plain evaluator: every value lies in its interval, over its denominator.

Good tables and the shipped ones; random households, and households at the corners of all bounds.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from equal.compare import Comparison
from equal.households import corners, random_household, used

from hardship.checking.check import Checked
from hardship.language import scales
from hardship.language.kinds import Kind
from hardship.language.nodes import Node
from hardship.language.spelling import spell
from hardship.load import load_table
from hardship.reading.plain import register_of
from hardship.reference.evaluate import Reference
from hardship.standards import StandardRow, Standards

ROOT = Path(__file__).parent.parent
GOOD = sorted((ROOT / "tests" / "tables" / "good").glob("*.toml"))
TABLES = [*GOOD, *sorted((ROOT / "scoring_tables").glob("*/*.toml"))]
ON = dt.date(2018, 7, 1)


def standards(checked: Checked, high: bool) -> Standards:
    """Every parameter at one end of its bounds, in force in every year."""
    rows = []
    for one in checked.table.parameter:
        for year in (2016, 2017, 2018):
            value = one.bounds[int(high)]
            rows.append(StandardRow(one.name, "", "", dt.date(year, 1, 1), value, one.unit, "illustrative", "", "", 1))
    return Standards(tuple(rows), "")


def households(checked: Checked, seed: int) -> Iterator[dict[str, Any]]:
    attributes = used(checked)
    rng = random.Random(seed)
    for number in range(25):
        yield random_household(attributes, rng, f"H{number}", near=ON, holes=rng.choice([0, 0.05, 0.5]))
    yield from corners(attributes, members=3, children=2)


def wrong(kind: Kind, value: Any) -> str:
    """What is wrong with a value of this kind; "" if nothing is."""
    if value is None:
        return "" if kind.missing else "missing, which it cannot be"
    match kind.type:
        case "bool":
            return "" if kind.lo <= value <= kind.hi else "outside"
        case "enum":
            return "" if kind.lo <= kind.domain.index(value) <= kind.hi else "outside"
        case "date":
            return "" if kind.lo <= value.year * 10_000 + value.month * 100 + value.day <= kind.hi else "outside"
        case "set":
            return "" if set(value) <= set(kind.domain) else "outside"
        case "code":
            return ""
    low, high = scales.value_range(kind)
    if not low <= value <= high:
        return f"outside {low} … {high}"
    if kind.divisor is None and (Fraction(value) * kind.den).denominator != 1:
        return f"not over {kind.den}"
    return ""


@pytest.mark.parametrize("path", TABLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_value_is_as_the_checker_says(path: Path) -> None:
    checked = load_table(path)
    found: list[str] = []
    seen: set[int] = set()

    def observe(node: Node, row: tuple[int, ...], value: Any) -> None:
        kind = checked.kind_of_node.get(id(node))
        if kind is not None:
            seen.add(id(node))
            fault = wrong(kind, value)
            if fault:
                found.append(f"{spell(node)} at {row}: {value} {fault}")

    for high in (False, True):
        reference = Reference(checked.table, checked.names, standards(checked, high), ON, observe)
        for household in households(checked, seed=len(seen)):
            outcome = reference.evaluate(household)
            assert outcome.rejected != "no_standard"
            for (name, row), value in outcome.values.items():
                kind = checked.kind_of_name[name]
                fault = wrong(kind, value)
                if fault:
                    found.append(f"{name}{row}: {value} {fault}")
            for (item, index), points in outcome.items.items():
                fault = wrong(checked.points[f"item:{item}:{index}"], points)
                if fault:
                    found.append(f"{item} in {index}: {points} {fault}")
    assert found == []
    assert len(seen) > 0.5 * len(checked.kind_of_node) or not seen


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_the_machine_agrees_where_every_construct_is_used(path: Path) -> None:
    """All result columns and all named values, with missing facts and at the corners of all bounds."""
    checked = load_table(path)
    attributes, rng = used(checked), random.Random(path.stem)
    some = [random_household(attributes, rng, f"H{k:02}", near=ON, holes=k % 3 / 5) for k in range(18)]
    register = register_of([*some, *corners(attributes, members=3, children=2)], checked.names.attributes)
    comparison = Comparison()
    comparison.add(checked, standards(checked, high=True), ON, register)
    assert comparison.shown == []
    assert (comparison.households, comparison.differences) == (23, 0)
