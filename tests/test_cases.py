"""Worked cases: how they are read, and that a wrong expectation is named."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from test_semantics import table_text

from hardship.cases import Evaluator, case_standards, find_cases, read_case, run_case
from hardship.errors import TableError, UsageError
from hardship.load import load_text

TABLE = dedent(
    """
    [[parameter]]
    name = "dibao_standard"
    title = { zh = "标准", en = "standard" }
    unit = "money/month"
    bounds = [1, 10_000]
    [[derive]]
    name = "wages"
    unit = "money/month"
    expr = "sum(member.wage_month)"
    [[ladder]]
    id = "circle"
    title = { zh = "圈", en = "circle" }
    otherwise = { id = "none", title = { zh = "无", en = "none" } }
    [[ladder.rung]]
    id = "dibao"
    title = { zh = "低保", en = "dibao" }
    tests = [{ value = "wages", below = "dibao_standard" }]
    [[person]]
    id = "alone"
    title = { zh = "单人", en = "alone" }
    when = "bedridden"
    benefit = "dibao_standard"
    remaining = "counts"
    """
)
CASE = """
title = "One household"
on = 2018-07-01
working = "100 + 200.50 = 300.50, below 500"
[household]
residence_type = "urban"
[[members]]
wage_month = 200.50
bedridden = false
[[members]]
member_id = "a1"
wage_month = 100
bedridden = true
[[standards]]
parameter = "dibao_standard"
area_code = "37"
residence = ""
effective_from = 2018-01-01
value = 500
unit = "money/month"
status = "illustrative"
source = ""
[expect]
circle = "dibao"
gap_to_next_line = "199.50"
persons = [{ member_id = "a1", rule = "alone", outcome = "meets", benefit_month = "500.00" }]
values = { wages = "601/2", "wage_month@a1" = "100", "wage_month@m1" = "401/2" }
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "case.toml"
    path.write_text(text, encoding="utf-8")
    return path


def differences(path: Path, evaluator: Evaluator) -> dict[str, tuple[str, str]]:
    found = run_case(read_case(path), load_text(table_text(TABLE)), evaluator)
    return {one.what: (one.expected, one.found) for one in found}


@pytest.mark.parametrize("evaluator", ["reference", "machine"])
def test_a_case_that_holds(tmp_path: Path, evaluator: Evaluator) -> None:
    assert differences(written(tmp_path, CASE), evaluator) == {}


@pytest.mark.parametrize("evaluator", ["reference", "machine"])
def test_each_wrong_expectation_is_named(tmp_path: Path, evaluator: Evaluator) -> None:
    text = CASE.replace('"199.50"', '"199.51"').replace('"dibao"\ngap', '"none"\ngap').replace('"601/2"', '"300"')
    text = text.replace('"500.00"', '"499.00"')
    found = differences(written(tmp_path, text), evaluator)
    persons = found.pop("persons")
    assert "499.00" in persons[0]
    assert "500.00" in persons[1]
    assert found == {
        "circle": ("none", "dibao"),
        "gap_to_next_line": ("199.51", "199.50"),
        "values.wages": ("300", "601/2"),
    }


@pytest.mark.parametrize("evaluator", ["reference", "machine"])
def test_what_is_expected_must_exist(tmp_path: Path, evaluator: Evaluator) -> None:
    text = CASE.replace("[expect]", '[expect]\nno_such_column = ""').replace("wages = ", "no_such_name = ")
    found = differences(written(tmp_path, text), evaluator)
    assert found == {"no_such_column": ("", "-"), "values.no_such_name": ("601/2", "-")}


@pytest.mark.parametrize("evaluator", ["reference", "machine"])
def test_a_rejected_household(tmp_path: Path, evaluator: Evaluator) -> None:
    text = CASE.replace('area_code = "37"', 'area_code = "11"')
    assert differences(written(tmp_path, text), evaluator) == {"rejected": ("", "no_standard")}
    text = text.replace('circle = "dibao"', 'rejected = "no_standard"')
    assert differences(written(tmp_path, text), evaluator) == {}


def test_the_standards_of_a_case_stand_for_all_rows_of_their_parameter(tmp_path: Path) -> None:
    known = case_standards(read_case(written(tmp_path, CASE)))
    assert [str(row.value) for row in known.rows if row.parameter == "dibao_standard"] == ["500"]
    assert any(row.parameter != "dibao_standard" for row in known.rows)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("title =", "titel =", "titel"),
        ("[expect]", "[expected]", "expect"),
        ("wage_month = 100", "wage_month = 100.001", "wage_month = 100.001"),
        ("wage_month = 100", "wage_mnth = 100", "wage_mnth"),
        ("bedridden = true", "bedridden = 1", "bedridden = 1"),
        ('residence_type = "urban"', 'residence_type = "town"', "residence_type = town"),
        ('residence_type = "urban"', "veteran = true", "veteran"),
        ("[expect]", '[[transfers]]\nmember_id = "x"\n[expect]', "member_id = x"),
        ("title =", "title", "case.toml"),
    ],
)
def test_a_case_file_that_is_none(tmp_path: Path, old: str, new: str, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        run_case(read_case(written(tmp_path, CASE.replace(old, new))), load_text(table_text(TABLE)), "reference")


def test_a_wrong_standard_of_a_case(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"case\.toml"):
        case_standards(read_case(written(tmp_path, CASE.replace("value = 500", 'value = "five"'))))


def test_cases_lie_by_table_and_date(tmp_path: Path) -> None:
    for name in ("b/2018-01-01", "a/2018-01-01", "a/2019-01-01"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "1.toml").write_text("", encoding="utf-8")
    assert [one[1:] for one in find_cases(tmp_path)] == [("a", "2018-01-01"), ("a", "2019-01-01"), ("b", "2018-01-01")]
    assert [one[1:] for one in find_cases(tmp_path, "b")] == [("b", "2018-01-01")]
