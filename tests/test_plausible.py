"""Wrong units: a column far from what is expected of it stops a run, one outside it is told, others are left alone."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from fractions import Fraction

import polars as pl
import pytest

from hardship.attributes import dictionary
from hardship.errors import RegisterError
from hardship.inputs import open_table
from hardship.plausible import BEYOND, ENOUGH, amounts_of, check_columns, column_median, line_values
from hardship.score import score
from hardship.standards import load_standards
from hardship.synthesis import synthesize

ON = dt.date(2018, 7, 1)
AREAS = ["370828101201"]


@pytest.fixture(scope="module")
def county():
    return open_table("county_model", ON)[0]


@pytest.fixture(scope="module")
def numbers():
    return load_standards()


@pytest.fixture(scope="module")
def register():
    return synthesize(900, 6)


def with_wages(register, factor):
    """The register with all wages multiplied."""
    member = register.frames["member"]
    wages = (member["wage_month"].cast(pl.Int64) * factor.numerator) // factor.denominator
    return replace(register, frames={**register.frames, "member": member.with_columns(wages.alias("wage_month"))})


def found(register, county, numbers, accepted="", used=("wage_month", "financial_assets")):
    return check_columns(register, used, county, numbers, ON, accepted)


def test_the_lines_of_a_month_are_the_circle_s(county, numbers):
    lines = line_values(county, numbers, ON, AREAS)
    assert (min(lines), max(lines)) == (300, 810)  # 3,600 a year in the country to 9,720 for low income in town
    shenhe = open_table("shenhe", ON)[0]
    assert line_values(shenhe, numbers, ON, AREAS) == []
    assert min(amounts_of(shenhe.table.parameter, numbers, ON, AREAS)) > 0


def test_every_range_of_the_dictionary_is_one_of_money():
    ranges = {name: one.typical for name, one in dictionary().items() if one.typical is not None}
    assert len(ranges) > 15
    for name, (low, high) in ranges.items():
        assert dictionary()[name].type == "money"
        assert 0 < low < high


def test_a_clean_register_is_left_alone(register, county, numbers):
    assert found(register, county, numbers) == []
    assert score(register, county, numbers, ON).run["columns"] == []


@pytest.mark.parametrize(("factor", "fits"), [(Fraction(12), ["12"]), (Fraction(1, 12), ["1/12"])])
def test_a_year_for_a_month_is_told(factor, fits, register, county, numbers):
    (row,) = found(with_wages(register, factor), county, numbers)
    assert row["attribute"] == "wage_month"
    assert fits[0] in row["fits"]
    assert (row["low"], row["high"]) == ("300.00", "12150.00")  # once the lowest line, 15 times the highest
    assert "accepted" not in row
    run = score(with_wages(register, factor), county, numbers, ON).run
    assert run["columns"] == [row]


@pytest.mark.parametrize("factor", [Fraction(100), Fraction(1, 100)])
def test_fen_for_yuan_stops_unless_somebody_says_why(factor, register, county, numbers):
    spoilt = with_wages(register, factor)
    with pytest.raises(RegisterError) as caught:
        found(spoilt, county, numbers)
    (fault,) = caught.value.faults
    assert fault.code == "common.implausible_column"
    assert "wage_month" in fault.text("en")
    assert "工资性收入" in fault.text("zh")
    assert "--accept-implausible" in fault.text("en")
    (row,) = found(spoilt, county, numbers, accepted="a town of managers")
    assert row["accepted"] == "a town of managers"
    assert str(factor) in row["fits"]


def test_what_decides_nothing_is_not_looked_at(register, county, numbers):
    assert found(with_wages(register, Fraction(100)), county, numbers, used=("financial_assets",)) == []


def column(*fen):
    return pl.Series(list(fen), dtype=pl.Int64)


def test_few_amounts_say_nothing():
    assert column_median(column(*[100] * (ENOUGH - 1), 0, 0, None, -5)) is None
    assert column_median(column(*[100] * ENOUGH, 0, 0, None)) == 1
    assert column_median(column(*range(1, 1000))) == 5


@pytest.mark.parametrize(
    ("fen", "what"),
    [
        (300_00, "nothing"), (299_99, "told"), (60_00, "told"), (59_99, "stopped"),
        (12_150_00, "nothing"), (12_150_01, "told"), (60_750_00, "told"), (60_750_01, "stopped"),
    ],
)  # fmt: skip
def test_the_edges_are_exact(fen, what, register, county, numbers):
    """Wages: 1 to 15 times a line of 300 to 810, and five times beyond."""
    assert (BEYOND, dictionary()["wage_month"].typical) == (5, (1, 15))
    member = register.frames["member"].with_columns(pl.lit(fen, dtype=pl.Int64).alias("wage_month"))
    changed = replace(register, frames={**register.frames, "member": member})
    if what == "stopped":
        with pytest.raises(RegisterError):
            found(changed, county, numbers)
    else:
        assert bool(found(changed, county, numbers)) == (what == "told")
