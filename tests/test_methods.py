"""The log-linear proxy means test: its logarithms are those of its line, and no exponential is missed."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path

import pytest

from hardship.cases import find_cases, read_case, run_case
from hardship.load import load_table
from hardship.standards import load_standards

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "scoring_tables" / "pmt_loglinear" / "2018-01-01.toml"
LINES = {"urban": 810, "rural": 510}
WORKED = [path for path, table, _ in find_cases(ROOT / "tests" / "cases", "pmt_loglinear") if table == "pmt_loglinear"]


def logarithm(value: int) -> Decimal:
    """The natural logarithm to thirty digits."""
    with localcontext(prec=30):
        return Decimal(value).ln()


def test_nothing_is_shown_as_published():
    checked = load_table(TABLE)
    assert checked.warnings == ()
    table = checked.table
    entries = [*table.constant, *table.lookup, *table.item, *table.derive, *table.output]
    assert {entry.status for entry in entries} == {None}
    assert table.table.default_status == "illustrative"


def test_the_lines_are_logarithms_to_six_decimals():
    rows = {row.residence: row for row in load_standards().rows if row.parameter == "pmt_log_line"}
    assert set(rows) == set(LINES)
    for residence, line in LINES.items():
        assert rows[residence].value == Fraction(round(logarithm(line), 6))
        assert str(line) in rows[residence].source


def test_the_term_of_the_persons_is_a_logarithm_to_four_decimals():
    (lookup,) = load_table(TABLE).table.lookup
    cells = [row[0] for row in lookup.grid]
    assert cells == [Fraction(round(Decimal("-0.42") * logarithm(persons), 4)) for persons in range(1, 11)]


@pytest.mark.parametrize("residence", LINES)
def test_comparing_logarithms_finds_the_same_households_as_comparing_amounts(residence):
    """Totals have four decimals; none falls between the line's logarithm and its six decimals."""
    line = LINES[residence]
    declared = round(logarithm(line), 6)
    with localcontext(prec=30):
        for ten_thousandths in range(40_000, 80_000):
            total = Decimal(ten_thousandths) / 10_000
            if abs(total - declared) < Decimal("0.001"):
                assert (total < declared) == (total.exp() < line)
        assert Decimal("6.6970").exp() < 810 < Decimal("6.6971").exp()
        assert Decimal("6.2344").exp() < 510 < Decimal("6.2345").exp()


@pytest.mark.parametrize("path", WORKED, ids=lambda path: path.stem)
def test_a_case_worked_by_hand(path):
    case, checked = read_case(path), load_table(TABLE)
    assert run_case(case, checked, "reference") == []
    assert run_case(case, checked, "machine") == []


def test_there_are_at_least_twelve_worked_cases():
    assert len(WORKED) >= 12
