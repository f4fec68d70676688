"""The group report: its counts are those of the results, its small cells stay hidden."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from report_data import ON, county, scored

from hardship.engine import kernels_groups
from hardship.reports.groups import MARK, group_report
from hardship.reports.household_facts import AGES, TYPES
from hardship.reports.lines import Places, circle_lines, near_line, places
from hardship.sheet import of_series

DIMENSIONS = ("sex", "age", "disability", "household_type", "residence", "area")


@pytest.fixture(scope="module")
def report():
    return group_report(scored().frame, county())


def lived_in(inputs) -> Places:
    household = inputs.register.frames["household"]
    return places(of_series(household["area_code"]), household, inputs.standards)


def shown(cell):
    return None if cell in (MARK, "") else int(cell)


def test_the_first_row_is_the_run(report):
    frame, first = scored().frame, report.row(0, named=True)
    assert first["dimension"] == first["group"] == "all"
    assert int(first["households"]) == frame.height
    assert int(first["incomplete"]) == frame.filter(pl.col("outcome") == "incomplete").height
    assert int(first["needs_review"]) == frame.filter(pl.col("outcome") == "needs_review").height
    judged = frame.filter(pl.col("outcome").is_in(["meets", "does_not_meet"]))
    for circle, count in judged.group_by("circle").len().iter_rows():
        assert int(first[f"circle_{circle}"]) == count


def test_each_dimension_holds_every_household_once(report):
    for dimension in DIMENSIONS:
        rows = report.filter(pl.col("dimension") == dimension)
        assert sum(map(int, rows["households"])) == scored().frame.height, dimension
        for name in rows.columns[6:-1]:
            cells = [shown(cell) for cell in rows[name]]
            if None not in cells:
                assert sum(cells) == int(report[name][0]), (dimension, name)


def test_no_cell_below_ten_is_shown(report):
    counted = [name for name in report.columns[6:] if name != "near_line_percent"]
    cells = [shown(cell) for name in counted for cell in report[name]]
    assert not [cell for cell in cells if cell is not None and 0 < cell < 10]
    assert MARK in report["needs_review"].to_list()


def test_no_row_or_column_hides_one_cell_alone(report):
    parts = [name for name in report.columns if name.startswith("circle_")] + ["needs_review", "incomplete"]
    for dimension in DIMENSIONS:
        rows = report.filter(pl.col("dimension") == dimension)
        for row in rows.select(parts).iter_rows():
            assert row.count(MARK) != 1
        for name in parts:
            assert rows[name].to_list().count(MARK) != 1


def test_groups_are_counted_as_the_register_says(report):
    members = county().register.frames["member"]
    heads = members.filter(pl.col("relation_to_head") == 0).group_by("household").first()
    women = heads.filter(pl.col("sex") == 0).height
    row = report.filter((pl.col("dimension") == "sex") & (pl.col("group") == "female")).row(0, named=True)
    assert int(row["households"]) == women
    assert row["group_zh"] == "女"
    ages = (ON.year * 10_000 + ON.month * 100 + ON.day - heads["birth_date"]) // 10_000
    row = report.filter((pl.col("dimension") == "age") & (pl.col("group") == "60")).row(0, named=True)
    assert int(row["households"]) == ages.is_between(60, 69).sum()


def test_small_groups_go_together():
    small = scored().frame.head(30)
    report = group_report(small, county())
    sizes = [cell for cell in report["households"] if cell != MARK]
    assert all(int(size) >= 10 for size in sizes)
    assert "other" in report["group"].to_list()


def test_a_handful_of_whom_nothing_is_known_goes_with_the_most():
    inputs = county()
    known = inputs.register.frames["member"].filter((pl.col("relation_to_head") == 0) & pl.col("sex").is_not_null())
    ids = inputs.register.frames["household"]["household_id"].gather(known["household"])
    unknown = scored().frame.filter(~pl.col("household_id").is_in(ids.implode())).head(3)
    some = pl.concat([scored().frame.filter(pl.col("household_id").is_in(ids.implode())), unknown])
    rows = group_report(some, inputs).filter(pl.col("dimension") == "sex")
    assert sum(group.endswith("+unknown") for group in rows["group"]) == 1
    assert "unknown" not in rows["group"].to_list()
    assert sum(map(int, rows["households"])) == some.height


def test_nobody_is_told_from_a_handful():
    report = group_report(scored().frame.head(4), county())
    told = report.row(0, named=True)
    assert {told[name] for name in ("households", "persons", "incomplete", "circle_dibao")} == {MARK}


def test_a_table_without_circles_has_outcomes():
    report = group_report(scored("phl_ppi_2014").frame, county("phl_ppi_2014"))
    assert "does_not_meet" in report.columns
    assert set(report["near_line"]) == {""}


def test_the_lines_are_those_of_the_standards():
    inputs = county()
    found = circle_lines(inputs.checked, inputs.standards, ON, lived_in(inputs).names)
    urban = [str(line.value) for line in found if line.residence == "urban"]
    # By hand: dibao 540 a month; the low-income line 1.5 times, its 1.5 and 2 times.
    assert urban == ["540", "810", "1215", "1620"]


@pytest.mark.parametrize(
    ("income", "near"),
    [("512.99", False), ("513.00", True), ("540.00", True), ("567.00", True), ("567.01", False), (None, False)],
)
def test_near_is_a_twentieth_of_the_line_both_ways(income, near):
    # By hand: 5 % of 540 is 27; the next line, 810, begins to be near at 769.50.
    inputs = county()
    found = circle_lines(inputs.checked, inputs.standards, ON, lived_in(inputs).names)
    names = pl.DataFrame({"area": ["370828"], "residence": ["urban"]})
    fen = np.array([int(Decimal(income or 0) * 100)])
    assert near_line(fen, Places(names, np.zeros(1, dtype=np.int32)), found).tolist() == [near]


def test_households_are_grouped_as_each_of_them_says():
    rng = np.random.default_rng(3)
    home = np.sort(rng.integers(0, 400, 900)).astype(np.uint32)
    born, relation, sex, grade, kind = (
        rng.choice(np.array(values, dtype=np.int32), 900)
        for values in (
            [0, 19380702, 19580701, 19580702, 20000701, 20000702, 20180702],
            [0, 1, 255], [0, 1, 255], [0, 1, 2, 3, 255], [0, 1, 4, 255],
        )
    )  # fmt: skip
    groups, size = np.empty((4, 401), dtype=np.int32), np.empty(401, dtype=np.int32)
    codes, ages = np.array([0, 0, 1, 4], dtype=np.int32), np.array(AGES, dtype=np.int32)
    kernels_groups.members(home, born, relation, sex, grade, kind, codes, 20180701, ages, groups, size)
    for place in range(401):
        rows = np.flatnonzero(home == place).tolist()
        years = [(20180701 - int(born[row])) // 10_000 if born[row] else None for row in rows]
        heads = [row for row in rows if relation[row] == 0][:1]
        of_head = [years[rows.index(row)] for row in heads]
        told = [year for year in years if year is not None and year >= 0]
        young, old = sum(year < 18 for year in told), sum(year >= 60 for year in told)
        bands = [sum(age <= year for age in AGES) - 1 if year is not None and year >= 0 else 6 for year in of_head]
        kinds = (
            "unknown" if len(told) < len(rows) or not rows
            else "minors" if young == len(rows)
            else ("one_old" if old else "one_young") if len(rows) == 1
            else "old" if old == len(rows)
            else "adults" if not young
            else "lone_parent" if len(rows) - young == 1
            else "children"
        )  # fmt: skip
        heavy, any_grade = ({row for row in rows if grade[row] in known} for known in ((1, 2), (1, 2, 3)))
        of_kind = {row for row in rows if kind[row] in (0, 1)}
        clear = {row for row in rows if grade[row] == 0 or kind[row] == 4}
        disability = 2 if heavy else 1 if any_grade | of_kind else 0 if len(clear) == len(rows) else 3
        expected = [{0: 0, 1: 1}.get(sex[heads[0]], 2) if heads else 2, bands[0] if bands else 6, disability]
        assert [*groups[:, place]] == [*expected, [*TYPES, "unknown"].index(kinds)], place
        assert size[place] == len(rows)


def test_households_that_could_not_be_read_are_counted():
    inputs = county()
    counts = {**inputs.register.counts, "households": {"in": 2_030, "read": 2_000, "rejected": 30}}
    more = replace(inputs, register=replace(inputs.register, counts=counts))
    report = group_report(scored().frame, more)
    assert report["rejected"][0] == "30"
    unknown = report.filter((pl.col("dimension") == "residence") & (pl.col("group") == "unknown"))
    assert unknown.height == 0  # fewer than ten scored: put together with another group
    assert report.filter(pl.col("dimension") == "residence")["rejected"].to_list().count("30") <= 1


def test_a_register_without_any_column_is_all_unknown():
    inputs = county()
    frames = dict(inputs.register.frames)
    frames["member"] = frames["member"].select("household", "member_id")
    frames["household"] = frames["household"].select("household_id", "area_code", "file", "sheet", "line")
    bare = replace(inputs, register=replace(inputs.register, frames=frames))
    report = group_report(scored().frame, bare)
    assert set(report["dimension"]) == {"all", "area"}  # one unknown group is no comparison
