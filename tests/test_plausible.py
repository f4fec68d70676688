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
from hardship.plausible import BEYOND, ENOUGH, amounts_of, check_columns, line_values, sample
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


def test_a_twelfth_of_a_year_is_told(register, county, numbers):
    """A twelfth of a wage may be honest: somebody's year of odd jobs, spread over its months. Half of that stops."""
    member = register.frames["member"]
    fen = member["wage_month"].cast(pl.Int64) // 12
    more = pl.select(pl.when(fen > 0).then(fen + 100_00).otherwise(fen).alias("wage_month")).to_series()
    spoilt = replace(register, frames={**register.frames, "member": member.with_columns(more)})
    (row,) = found(spoilt, county, numbers)
    assert row["attribute"] == "wage_month"
    assert 150 < float(row["median"]) < 300
    assert (row["low"], row["high"]) == ("300.00", "12150.00")  # once the lowest line, 15 times the highest
    assert (row["fits"], row["traces"]) == (["1/12"], ["1/12"])
    assert "accepted" not in row
    assert score(spoilt, county, numbers, ON).run["columns"] == [row]


@pytest.mark.parametrize(
    ("factor", "traces"),
    [(Fraction(100), ["100"]), (Fraction(1, 100), []), (Fraction(12), ["12"]), (Fraction(1, 12), ["1/12"])],
)
def test_wrong_units_stop_unless_somebody_says_why(factor, traces, register, county, numbers):
    spoilt = with_wages(register, factor)
    with pytest.raises(RegisterError) as caught:
        found(spoilt, county, numbers)
    (fault,) = caught.value.faults
    assert fault.code == ("common.traced_column" if traces else "common.implausible_column")
    assert "wage_month" in fault.text("en")
    assert "工资性收入" in fault.text("zh")
    assert "--accept-implausible" in fault.text("en")
    (row,) = found(spoilt, county, numbers, accepted="a town of managers")
    assert row["accepted"] == "a town of managers"
    assert str(factor) in row["fits"]
    assert row["traces"] == traces


def test_a_trace_inside_the_range_stops_where_it_has_no_honest_cause(register, county, numbers):
    """Yearly income of property divided by 12 stays within 0.2 to 60 lines; twelve times a month's rent is honest."""
    member = register.frames["member"]
    fen = member["property_income_year"].cast(pl.Int64)
    for changed, stops in ((fen // 12, True), (fen // 100 * 1200, False)):
        spoilt = replace(register, frames={**register.frames, "member": member.with_columns(changed)})
        if stops:
            with pytest.raises(RegisterError, match="as if divided by 12"):
                found(spoilt, county, numbers, used=("property_income_year",))
        else:
            assert found(spoilt, county, numbers, used=("property_income_year",)) == []


def test_amounts_go_by_the_period_of_their_row(register, county, numbers):
    """Amounts of a year that are multiples of 12 are honest; of a month they are a year's."""
    transfer = register.frames["transfer"]
    month, year = (transfer["period"].fill_null(9) == place for place in (0, 1))
    fen = transfer["amount"].cast(pl.Int64)
    for rows, stops in ((month, True), (year, False)):
        changed = pl.select(pl.when(rows).then(fen // 100 * 1200).otherwise(fen).alias("amount")).to_series()
        spoilt = replace(register, frames={**register.frames, "transfer": transfer.with_columns(changed)})
        if stops:
            with pytest.raises(RegisterError, match="as if multiplied by 12"):
                found(spoilt, county, numbers, used=("amount",))
        else:
            assert found(spoilt, county, numbers, used=("amount",)) == []


def test_what_decides_nothing_is_not_looked_at(register, county, numbers):
    assert found(with_wages(register, Fraction(100)), county, numbers, used=("financial_assets",)) == []


def test_a_sample_is_of_amounts_above_nothing_and_of_rows_evenly_spread():
    assert sample(pl.Series([3, 0, None, -5, 1], dtype=pl.Int32)).tolist() == [3, 1]
    assert len(sample(pl.Series(range(1, 120_001)))) == 60_000


def test_few_amounts_say_nothing(register, county, numbers):
    few = pl.when(pl.int_range(pl.len()) < ENOUGH - 1).then(1).otherwise(0).cast(pl.Int64).alias("wage_month")
    member = register.frames["member"].with_columns(few)
    assert found(replace(register, frames={**register.frames, "member": member}), county, numbers) == []


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
