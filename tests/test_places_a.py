"""Huizhou, Shanghai, Shanxi and the general rules of 2021: what their tables claim, hold, and give."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest

from hardship.cases import Evaluator, find_cases, read_case, run_case
from hardship.checking.check import Checked
from hardship.language.fields import Provided
from hardship.load import load_table
from hardship.standards import converted, load_standards

ROOT = Path(__file__).parents[1]
TABLES = ROOT / "scoring_tables"
CASES = ROOT / "tests" / "cases"
ON = dt.date(2018, 7, 1)
VERSIONS = [
    ("huizhou", "2019-05-01"),
    ("shanghai", "2016-01-01"),
    ("shanghai", "2017-04-01"),
    ("shanxi", "2016-01-01"),
    ("shanxi", "2022-08-30"),
    ("national_2021", "2021-07-01"),
]
PRINTED = {
    ("huizhou", "2019-05-01"): {"kinds_limit": 2},
    ("shanghai", "2016-01-01"): {"low_income_multiple": 2, "refusal_limit": 2, "exit_least": 2, "exit_most": 6},
    ("shanghai", "2017-04-01"): {
        "low_income_multiple": 2,
        "income_growth": Fraction(89, 1000),
        "refusal_limit": 2,
        "exit_least": 2,
        "exit_most": 6,
    },
    ("shanxi", "2016-01-01"): {"review_long": 6, "review_short": 3},
    ("shanxi", "2022-08-30"): {"review_long": 12, "review_short": 6},
    ("national_2021", "2021-07-01"): {},
}
WORKED = [path for path, table, _ in find_cases(CASES) if table in {table for table, _ in VERSIONS}]


@cache
def load(table: str, version: str) -> Checked:
    return load_table(TABLES / table / f"{version}.toml")


@pytest.mark.parametrize(("table", "version"), VERSIONS)
def test_a_place_loads_without_a_warning_and_says_what_is_not_printed(table: str, version: str) -> None:
    checked = load(table, version)
    assert checked.warnings == ()
    note = checked.table.table.note
    assert note is not None
    assert "示例" in note.zh or "未印出" in note.zh or "未经核实" in note.zh
    assert checked.table.table.default_status == ("unverified" if table == "national_2021" else "illustrative")


@pytest.mark.parametrize(("table", "version"), VERSIONS)
def test_published_are_the_numbers_that_the_documents_print(table: str, version: str) -> None:
    constants = load(table, version).table.constant
    assert {one.name: one.value for one in constants if one.status == "published"} == PRINTED[table, version]
    assert all(one.source for one in constants if one.status in ("published", "law"))


def test_published_look_ups_are_those_of_shanxi_in_2022() -> None:
    found = {
        (table, version, one.name): [str(row[0]) for row in one.grid]
        for table, version in VERSIONS
        for one in load(table, version).table.lookup
        if one.status == "published" or one.published
    }
    assert found == {
        ("shanxi", "2022-08-30", "tekun_multiple"): ["27/20", "3/2"],
        ("shanxi", "2022-08-30", "share_least"): ["3/10", "9/20"],
        ("shanxi", "2022-08-30", "share_most"): ["2/5", "11/20"],
    }


def test_laws_are_named_with_their_articles() -> None:
    table = load("national_2021", "2021-07-01").table
    rungs = [rung for ladder in table.ladder for rung in ladder.rung]
    every: list[Provided] = [*table.constant, *table.derive, *table.veto, *rungs]
    lawful = [one for one in every if one.status == "law"]
    assert len(lawful) == 10
    for one in lawful:
        assert one.note is not None
        assert "条" in one.note.zh
        assert "rticle" in one.note.en


def test_published_standards_are_those_of_shanghai_and_shanxi() -> None:
    rows = load_standards([TABLES / "standards" / "places_a.csv"]).rows
    assert {
        (row.parameter, row.area_code, row.residence, str(row.effective_from), int(row.value))
        for row in rows
        if row.status == "published"
    } == {
        ("dibao_standard", "31", "", "2016-01-01", 880),
        ("standard_before", "31", "", "2017-04-01", 880),
        ("work_disregard", "31", "", "2017-01-01", 870),
        ("average_standard", "14", "urban", "2022-01-01", 628),
        ("average_standard", "14", "rural", "2022-01-01", 496),
    }
    assert {row.area_code for row in rows if row.status in ("law", "unverified")} == {"33", "610528", "14"}
    assert all(row.status == "illustrative" for row in rows if row.area_code == "")


@pytest.mark.parametrize("residence", ["urban", "rural"])
@pytest.mark.parametrize(("table", "version"), VERSIONS)
def test_any_register_has_an_illustrative_standard(table: str, version: str, residence: str) -> None:
    for parameter in load(table, version).table.parameter:
        asked = ON if parameter.as_of == "assessment" else dt.date(ON.year - 1, 12, 31)
        rows = [
            row
            for row in load_standards().rows
            if (row.parameter, row.area_code) == (parameter.name, "")
            and row.residence in ("", residence)
            and row.effective_from <= asked
        ]
        assert {row.status for row in rows} == {"illustrative"}, parameter.name
        assert all(parameter.bounds[0] <= converted(row, parameter) <= parameter.bounds[1] for row in rows)


def test_the_shanghai_list_has_21_kinds_and_the_named_ones_are_published() -> None:
    for version in ("2016-01-01", "2017-04-01"):
        table = load("shanghai", version).table
        (exempt,) = (one for one in table.list if one.name == "exempt_income")
        named = {entry.value for entry in exempt.values if entry.status == "published"}
        # Student aid and scholarships are one kind of the document and two entries here.
        assert (len(exempt.values), exempt.expected_count) == (22, 22)
        assert named == {
            "commendation",
            "scholarship",
            "student_aid",
            "residents_pension",
            "nonfarm_employment_subsidy",
        }
        aspects = [one.name for one in table.derive if one.name.startswith("aspect_")]
        assert aspects == [f"aspect_{number}" for number in range(1, 10)]
        ladders = {one.id: one for one in table.ladder}
        assert [rung.id for rung in ladders["special"].rung] == ["medical", "education", "housing", "employment"]
        assert len(ladders["verification"].rung) == 12
        assert [rung.id for rung in ladders["intervention"].rung] == ["level_3", "level_2", "level_1"]
        assert [group.id for group in table.group] == ["economy", "body", "mind", "society"]


def test_four_conditions_call_a_conference_in_huizhou() -> None:
    ladders = {one.id: one for one in load("huizhou", "2019-05-01").table.ladder}
    assert [rung.id for rung in ladders["conference"].rung] == ["urgent", "over_ceiling", "several_kinds", "complex"]
    assert ladders["conference"].pick == "all"


@pytest.mark.parametrize(("table", "version"), VERSIONS)
def test_every_version_has_at_least_twelve_worked_cases(table: str, version: str) -> None:
    assert sum(path.parts[-3:-1] == (table, version) for path in WORKED) >= 12


@pytest.mark.parametrize("evaluator", ["reference", "machine"])
@pytest.mark.parametrize("path", WORKED, ids=lambda path: "-".join((*path.parts[-3:-1], path.stem)))
def test_a_case_worked_by_hand(path: Path, evaluator: Evaluator) -> None:
    assert run_case(read_case(path), load(*path.parts[-3:-1]), evaluator) == []


def expected(table: str, column: str) -> set[str]:
    """Every id that the worked cases of a table expect in a column of one or several ids."""
    return {
        id_
        for path in WORKED
        if path.parts[-3] == table
        for one in read_case(path).expected
        for id_ in str(one.get(column, "")).split(";")
    }


@pytest.mark.parametrize("table", ["huizhou", "shanghai", "shanxi", "national_2021"])
def test_every_rung_and_veto_is_reached_by_a_worked_case(table: str) -> None:
    for found, version in VERSIONS:
        if found != table:
            continue
        definition = load(table, version).table
        for ladder in definition.ladder:
            column = "circle" if ladder.id == "circle" else f"ladder_{ladder.id}"
            rungs = {rung.id for rung in ladder.rung} | {ladder.otherwise.id}
            assert rungs <= expected(table, column), (version, ladder.id)
        assert {veto.id for veto in definition.veto} <= expected(table, "vetoes")
