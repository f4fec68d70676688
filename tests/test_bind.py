"""What the machine gets of a register and of the standards."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardship.engine import machine
from hardship.errors import EngineError, TableError
from hardship.load import load_text
from hardship.lowering.bind import bind
from hardship.lowering.program import Program, incomplete, lower, missing_attributes
from hardship.reference.values import Parameters
from hardship.standards import StandardRow, Standards

HEAD = """[table]
id = "small"
version = 2018-01-01
title = { zh = "小表", en = "Small" }
place = { zh = "某地", en = "Somewhere" }
currency = "CNY"
"""
TAIL = '\n[rank]\nkeys = [{ value = "0", order = "ascending" }]\n'
ON = dt.date(2018, 7, 1)
NOTHING = Standards((), "")


def program(text: str, detail: Any = "all") -> Program:
    return lower(load_text(HEAD + text + TAIL), detail)


def derive(name: str, expr: str, level: str = "household", unit: str = "") -> str:
    title = f'title = {{ zh = "{name}", en = "{name}" }}'
    return f'[[derive]]\nname = "{name}"\n{title}\nlevel = "{level}"\nunit = "{unit}"\nexpr = "{expr}"\n'


def output(expr: str) -> str:
    return f'[[output]]\nname = "shown"\ntitle = {{ zh = "列", en = "Column" }}\nexpr = "{expr}"\n'


def parameter(name: str, more: str = "") -> str:
    title = f'title = {{ zh = "{name}", en = "{name}" }}'
    return f'[[parameter]]\nname = "{name}"\n{title}\nunit = "money/year"\nbounds = [1, 1_000_000]\n{more}\n'


def register(members: list[int], household: dict[str, pl.Series] | None = None, **rest: Any) -> SimpleNamespace:
    rows = len(members)
    owner = pl.Series([h for h, count in enumerate(members) for _ in range(count)], dtype=pl.UInt32)
    ids = pl.Series([f"H{h:03}" for h in range(rows)], dtype=pl.String)
    head = {"household_id": ids, "area_code": pl.Series([""] * rows, dtype=pl.String), **(household or {})}
    return SimpleNamespace(
        frames={
            "household": pl.DataFrame(head),
            "member": pl.DataFrame({"household": owner, **rest.get("member", {})}),
            "supporter": pl.DataFrame({"member": pl.Series(rest.get("supporters", []), dtype=pl.UInt32)}),
            "transfer": pl.DataFrame({"member": pl.Series([], dtype=pl.UInt32)}),
        }
    )


def test_columns_without_missing_cells_are_used_where_they_lie() -> None:
    made = program(derive("x", "durable_goods_count + 1") + output("x"))
    column = next(c for c in made.columns if c.attribute == "durable_goods_count")
    series = pl.Series("durable_goods_count", [1, 2, 3], dtype=pl.UInt8)
    found = bind(made, register([1, 1, 1], {"durable_goods_count": series}), NOTHING, ON)
    place = made.columns.index(column)
    assert found.addresses[place] == series.to_numpy(allow_copy=False).ctypes.data
    assert found.known[place] == 0
    assert found.sizes[place] == 1


def test_words_are_bound_as_narrow_as_their_rounded_range() -> None:
    made = program(derive("x", "financial_assets > 0") + output("x"))
    place = next(k for k, c in enumerate(made.columns) if c.attribute == "financial_assets")
    many = 70_000  # more than two pieces
    for largest, size in ((255, 1), (256, 2), (32_767, 2), (32_768, 4), (2**31 - 1, 4), (2**31, 8)):
        for at in (0, 40_000, many - 1):
            cells = np.zeros(many, np.int64)
            cells[at] = largest
            found = bind(made, register([1] * many, {"financial_assets": pl.Series(cells)}), NOTHING, ON)
            assert found.sizes[place] == size
            stored = next(one for one in found.alive if one.ctypes.data == found.addresses[place])
            assert stored.dtype.itemsize == size
            assert np.array_equal(stored, cells)


def test_missing_cells_hold_the_lower_bound_or_what_is_assumed() -> None:
    made = program(derive("x", "durable_goods_count + motor_vehicles") + output("x"))
    columns = {
        "durable_goods_count": pl.Series([7, None, 3], dtype=pl.UInt8),
        "motor_vehicles": pl.Series([1, 1, None], dtype=pl.UInt8),
    }
    found = bind(made, register([1, 1, 1], columns), NOTHING, ON)
    raw = machine.run(made, found)
    assert raw["name:x"].values.tolist() == [8, 1, 3]
    assert raw["name:x"].valid is not None
    assert raw["name:x"].valid.tolist() == [1, 0, 0]
    assert missing_attributes(made, raw, found) == [("durable_goods_count",), ("motor_vehicles",)]
    assumed = program(
        "[missing]\nmotor_vehicles = { assume = 2 }\n"
        + derive("x", "durable_goods_count + motor_vehicles") + output("x")
    )  # fmt: skip
    found = bind(assumed, register([1, 1, 1], columns), NOTHING, ON)
    raw = machine.run(assumed, found)
    assert raw["name:x"].values.tolist() == [8, 1, 5]
    assert incomplete(raw).tolist() == [False, True, False]


def test_an_attribute_without_a_column_is_missing_everywhere() -> None:
    made = program(derive("x", "durable_goods_count + 1") + output("x"))
    found = bind(made, register([1, 1]), NOTHING, ON)
    raw = machine.run(made, found)
    assert incomplete(raw).tolist() == [True, True]
    assert missing_attributes(made, raw, found) == [("durable_goods_count",)] * 2
    assumed = program(
        "[missing]\ndurable_goods_count = { assume = 4 }\n" + derive("x", "durable_goods_count + 1") + output("x")
    )
    raw = machine.run(assumed, bind(assumed, register([1, 1]), NOTHING, ON))
    assert raw["name:x"].values.tolist() == [5, 5]


def test_codes_are_numbered_by_the_texts_of_the_table() -> None:
    made = program(
        derive("ill", "any(member.severe_illness_code in ['c01', 'c02'] or member.severe_illness_code == 'none')")
        + output("ill")
    )
    texts = pl.Series(["c02", "x", None, "none"], dtype=pl.String)
    found = bind(made, register([1, 1, 1, 1], member={"severe_illness_code": texts}), NOTHING, ON)
    assert machine.run(made, found)["name:ill"].values.tolist() == [1, 2, 0, 1]


def test_what_the_proofs_rest_on_is_checked() -> None:
    made = program(derive("x", "durable_goods_count + 1") + output("x"))
    high = pl.Series([10_000_000, 1], dtype=pl.Int64)
    with pytest.raises(EngineError, match="durable_goods_count"):
        bind(made, register([1, 1], {"durable_goods_count": high}), NOTHING, ON)
    with pytest.raises(EngineError, match="201 rows of member"):
        bind(made, register([201]), NOTHING, ON)
    with pytest.raises(EngineError, match="41 rows of supporter"):
        bind(made, register([1], supporters=[0] * 41), NOTHING, ON)
    with pytest.raises(EngineError, match="follow"):
        bind(made, register([1, 1], supporters=[1, 0]), NOTHING, ON)
    with pytest.raises(EngineError, match="follow"):
        bind(made, register([1], supporters=[1]), NOTHING, ON)


def row(name: str, area: str, residence: str, day: dt.date, value: int, unit: str = "money/year") -> StandardRow:
    return StandardRow(name, area, residence, day, Fraction(value), unit, "illustrative", "", "s.csv", 2)


AREAS = ("", "37", "3708", "370828", "370828001", "371")
ROWS = st.lists(
    st.builds(
        row, st.sampled_from(("line", "old", "year")), st.sampled_from(AREAS), st.sampled_from(("", "urban", "rural")),
        st.sampled_from((dt.date(2016, 12, 31), dt.date(2017, 1, 1), dt.date(2017, 6, 1), dt.date(2017, 12, 31),
                         dt.date(2018, 1, 1), dt.date(2018, 7, 1), dt.date(2018, 7, 2))),
        st.integers(1, 1000), st.sampled_from(("money/year", "money/month")),
    ),
    max_size=14, unique_by=lambda r: r.key,
)  # fmt: skip
THREE = (
    parameter("line")
    + parameter("old", 'as_of = "previous_year_end"')
    + parameter("year", 'as_of = "calendar_year_before"')
)
MADE = {
    assumed: program(
        ("[missing]\nresidence_type = { assume = 'rural' }\n" if assumed else "") + THREE
        + derive("all_three", "line + old + year", unit="money/year") + output("known(all_three)")
    )
    for assumed in (False, True)
}  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(ROWS, st.booleans())
def test_places_are_those_of_the_plain_search(rows: list[StandardRow], assumed: bool) -> None:
    made = MADE[assumed]
    homes = [(area, home) for area in (*AREAS, "3708280011", None) for home in (0, 1, None)]
    households = {
        "area_code": pl.Series([area for area, _ in homes], dtype=pl.String),
        "residence_type": pl.Series([home for _, home in homes], dtype=pl.UInt8),
    }
    found = bind(made, register([1] * len(homes), households), Standards(tuple(rows), ""), ON)
    plain = Parameters(made.declared, rows, ON)
    refused = dict(found.no_standard)
    for h, (area, home) in enumerate(homes):
        residence = ("urban", "rural", None)[2 if home is None else home]
        chosen = plain.at(area or "", "rural" if residence is None and assumed else residence)
        assert bool(found.served[h]) == (not isinstance(chosen, str))
        if isinstance(chosen, str):
            assert refused[h] == chosen
            continue
        for place, (name, den) in enumerate(made.parameters):
            at = found.places[h]
            value = Fraction(int(found.values[place, at]), den) if found.valid[place, at] else None
            assert value == chosen[name]


def test_a_standard_that_does_not_fit_is_named() -> None:
    made = program(parameter("line") + derive("x", "line", unit="money/year") + output("known(x)"))
    bad = Standards((row("line", "", "", dt.date(2018, 1, 1), 2_000_000),), "")
    with pytest.raises(TableError):
        bind(made, register([1]), bad, ON)


def test_offsets_fold_through_levels() -> None:
    made = program(derive("n", "count(supporter)") + output("n"))
    found = bind(made, register([2, 0, 1], supporters=[0, 0, 2]), NOTHING, ON)
    assert found.offsets[0].tolist() == [0, 2, 2, 3]
    assert found.offsets[1].tolist() == [0, 2, 2, 3]
    assert machine.run(made, found)["name:n"].values.tolist() == [2, 0, 1]
    assert np.array_equal(found.widest, [1, 2, 2, 0])
