"""Arrays as typed columns, and the columns of the contract."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardship import columns, lists, results
from hardship.inputs import open_table
from hardship.load import versions

ON = dt.date(2018, 7, 1)
CONTRACT = [
    "household_id", "area_code", "outcome", "circle", "position", "rank", "rank_province", "rank_city",
    "rank_county", "rank_township", "rank_village", "rank_circle", "percentile", "index", "POINTS",
    "index_exact", "income_per_head", "gap_to_next_line", "benefit_month", "vetoes", "flags", "assumed",
    "missing",
]  # fmt: skip


@given(st.fractions())
def test_rounding_half_up_is_the_nearest_and_ties_go_away_from_zero(value):
    found = columns.round_half_up(value)
    assert abs(found - value) <= Fraction(1, 2)
    if abs(found - value) == Fraction(1, 2):
        assert abs(found) > abs(value)


@given(
    st.lists(st.one_of(st.integers(-1000, 1000), st.integers(-(2**63), 2**63 - 1)), min_size=1, max_size=20),
    st.sampled_from([1, 2, 3, 8, 9, 10, 18, 100, 1000, 7 * 11 * 13]),
    st.integers(0, 9),
)
def test_decimal_columns_are_the_fractions_rounded(values, den, decimals):
    series = columns.decimal_series(np.array(values, dtype=np.int64), None, den, decimals, columns.WIDE)
    assert series.dtype == pl.Decimal(38, decimals)
    for value, shown in zip(values, series, strict=True):
        exact = Fraction(value, den)
        assert Fraction(shown) == Fraction(columns.round_half_up(exact * 10**decimals), 10**decimals)


def test_a_null_cell_may_hold_anything():
    values = np.array([5, 2**62, -(2**62)], dtype=np.int64)
    series = columns.decimal_series(values, np.array([True, False, False]), 1, 2)
    assert series.cast(pl.String).to_list() == ["5.00", None, None]


def test_dates_come_from_their_digits():
    found = columns.date_series(np.array([20180701, 20200229], dtype=np.int64))
    assert found.to_list() == [dt.date(2018, 7, 1), dt.date(2020, 2, 29)]


def test_decimals_of_a_step():
    found = [results.decimals_of(Fraction(step)) for step in ("1", "10", "1/10", "1/100", "1/20", "1/8")]
    assert found == [0, 0, 1, 2, 2, 3]


@pytest.mark.parametrize("name", [f"{name}@{max(dates)}" for name, dates in sorted(versions().items())])
def test_shipped_tables_give_the_contract_first(name):
    checked, _ = open_table(name, ON)
    table = checked.table
    kinds = {output.name: checked.kind_of_name[output.name] for output in table.output}
    types = results.column_types(table, "items", kinds)
    points = [f"points_{group.id}" for group in table.group]
    expected = [part for column in CONTRACT for part in (points if column == "POINTS" else [column])]
    assert list(types)[: len(expected)] == expected
    assert [name for name in types if name.startswith("item_")] == [f"item_{item.id}" for item in table.item]
    assert list(types)[len(types) - len(table.output) :] == [output.name for output in table.output]
    assert types["percentile"] == pl.Decimal(5, 2)
    assert types["benefit_month"] == types["income_per_head"] == pl.Decimal(18, 2)


def frames():
    """Two households; one member in the first, two in the second, one supporter of the last."""
    return {
        "household": pl.DataFrame({"household_id": ["a", "b"], "home": [1, None]}),
        "member": pl.DataFrame({"household": pl.Series([0, 1, 1], dtype=pl.UInt32), "age": [1, 2, None]}),
        "supporter": pl.DataFrame({"member": [2], "kind": pl.Series([None], dtype=pl.UInt8)}),
        "transfer": pl.DataFrame({"member": pl.Series([], dtype=pl.UInt32)}),
    }


@pytest.mark.parametrize(("start", "rows"), [(0, 40), (3, 17), (8, 8), (13, 0)])
def test_rows_without_a_value_are_those_of_the_column(start, rows):
    column = pl.Series([None if k % 3 == 0 or k > 20 else k for k in range(40)], dtype=pl.Int32)[start : start + rows]
    assert lists.null_rows(column).tolist() == [row for row, value in enumerate(column) if value is None]


@pytest.mark.parametrize(
    ("level", "attribute", "expected"),
    [
        ("household", "home", [False, True]),
        ("household", "absent", [True, True]),
        ("member", "age", [False, True]),
        ("member", "absent", [True, True]),
        ("supporter", "kind", [False, True]),
        ("supporter", "absent", [False, True]),
        ("transfer", "absent", [False, False]),
    ],
)
def test_a_fact_is_missing_in_a_household_if_it_is_in_a_row(level, attribute, expected):
    found = set(lists.households_with_null(frames(), level, attribute).tolist())
    assert [row in found for row in range(2)] == expected
