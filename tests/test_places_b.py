"""Dangyang, Laibin, Chongqing, Shangluo, Shenhe and Dachuan: what their tables claim, hold, and give."""

from __future__ import annotations

import datetime as dt
import tomllib
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest

from hardship.cases import Evaluator, find_cases, read_case, run_case
from hardship.checking.check import Checked
from hardship.load import load_table
from hardship.lots import LOTS, lot
from hardship.standards import StandardRow, converted, load_standards

ROOT = Path(__file__).parents[1]
TABLES = ROOT / "scoring_tables"
CASES = ROOT / "tests" / "cases"
PLACES = {
    "dangyang": "2018-01-01",
    "laibin": "2018-01-01",
    "chongqing": "2018-01-01",
    "shangluo": "2018-01-01",
    "shenhe": "2018-03-24",
    "dachuan": "2018-03-24",
}
PRINTED = {
    "dangyang": {"tekun_multiple": 2, "large_from": 2000},
    "laibin": {
        "premium_tekun": 1,
        "premium_dibao": Fraction(3, 5),
        "township_limit": 500,
        "audit_share": Fraction(2, 5),
    },
    "chongqing": {},
    "shangluo": {"short_exit": 6, "long_exit": 12, "quarter": 3},
    "shenhe": {},
    "dachuan": {},
}
WORKED = [path for path, table, _ in find_cases(CASES) if table in PLACES]


@cache
def load(table: str) -> Checked:
    return load_table(TABLES / table / f"{PLACES[table]}.toml")


def places_file() -> list[StandardRow]:
    return list(load_standards([TABLES / "standards" / "places_b.csv"]).rows)


@pytest.mark.parametrize("table", PLACES)
def test_a_place_loads_without_a_warning_and_says_what_it_made_up(table: str) -> None:
    checked = load(table)
    assert checked.warnings == ()
    assert checked.table.table.default_status == "illustrative"
    note = checked.table.table.note
    assert note is not None
    assert "示例" in note.zh or "未印" in note.zh


@pytest.mark.parametrize("table", PLACES)
def test_published_are_the_numbers_that_the_documents_print(table: str) -> None:
    found = {one.name: one.value for one in load(table).table.constant if one.status == "published"}
    assert found == PRINTED[table]
    assert all(one.source for one in load(table).table.constant if one.status in ("published", "law"))


def test_published_standards_are_those_of_dangyang_and_laibin() -> None:
    rows = {
        (row.area_code, row.residence, str(row.effective_from), row.value, row.unit)
        for row in places_file()
        if row.status == "published"
    }
    assert rows == {
        ("420582", "urban", "2017-04-01", 630, "money/month"),
        ("420582", "rural", "2017-04-01", 5280, "money/year"),
        ("420582", "urban", "2018-04-01", 670, "money/month"),
        ("420582", "rural", "2018-04-01", 6000, "money/year"),
        ("4513", "urban", "2018-01-01", 550, "money/month"),
        ("4513", "rural", "2018-01-01", 3617, "money/year"),
    }


@pytest.mark.parametrize("residence", ["urban", "rural"])
@pytest.mark.parametrize("table", PLACES)
def test_any_register_has_an_illustrative_standard(table: str, residence: str) -> None:
    asked = dt.date(2018, 7, 1)
    for parameter in load(table).table.parameter:
        assert parameter.as_of == "assessment"
        rows = [
            row
            for row in load_standards().rows
            if (row.parameter, row.area_code) == (parameter.name, "")
            and row.residence in ("", residence)
            and row.effective_from <= asked
        ]
        assert {row.status for row in rows} == {"illustrative"}
        assert all(parameter.bounds[0] <= converted(row, parameter) <= parameter.bounds[1] for row in rows)


@pytest.mark.parametrize("table", PLACES)
def test_every_place_has_at_least_twelve_worked_cases(table: str) -> None:
    assert sum(path.parts[-3] == table for path in WORKED) >= 12


@pytest.mark.parametrize("evaluator", ["reference", "machine"])
@pytest.mark.parametrize("path", WORKED, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_a_case_worked_by_hand(path: Path, evaluator: Evaluator) -> None:
    assert path.parts[-2] == PLACES[path.parts[-3]]
    assert run_case(read_case(path), load(path.parts[-3]), evaluator) == []


def expected(table: str, column: str) -> set[str]:
    """Every id that the worked cases of a table expect in a list column."""
    found: set[str] = set()
    for path in WORKED:
        if path.parts[-3] == table:
            for one in read_case(path).expected:
                found |= set(one.get(column, "").split(";"))
    return found - {""}


def test_dachuan_has_39_programmes_of_12_departments_and_a_case_for_each() -> None:
    programmes, departments = (
        {rung.id for rung in ladder.rung}
        for ladder in load("dachuan").table.ladder
        if ladder.id in ("programmes", "departments")
    )
    assert (len(programmes), len(departments)) == (39, 12)
    assert expected("dachuan", "ladder_programmes") == programmes | {"monitor"}
    assert expected("dachuan", "ladder_departments") == departments | {"nobody"}


def test_each_programme_of_dachuan_belongs_to_one_department() -> None:
    text = (TABLES / "dachuan" / "2018-03-24.toml").read_text(encoding="utf-8")
    ladders = {ladder["id"]: ladder["rung"] for ladder in tomllib.loads(text)["ladder"]}
    owners = [rung["also"] for rung in ladders["departments"]]
    for rung in ladders["programmes"]:
        assert sum(f"'{rung['id']}' in programmes" in owner for owner in owners) == 1


def test_shenhe_has_four_colours_over_an_index_of_0_to_100() -> None:
    checked = load("shenhe")
    assert checked.bounds["index:urgency"] == (0, 100)
    circle = checked.table.ladder[0]
    assert [*(rung.id for rung in circle.rung), circle.otherwise.id] == ["red", "yellow", "blue", "green"]


def test_the_lots_of_laibin_s_census_come_near_the_printed_40_percent() -> None:
    assert Fraction(18_864, 47_160) == PRINTED["laibin"]["audit_share"]
    assert round(Fraction(48_244, 90_923), 4) == Fraction(5306, 10_000)  # printed: 53.56 %, which is not used
    drawn = sum(lot(f"{number:06d}") < LOTS * Fraction(2, 5) for number in range(47_160))
    assert abs(drawn - 18_864) < 400  # nearly four standard deviations
