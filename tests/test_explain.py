"""Explanations: of every worked case of every shipped table, complete, exact, the same bytes, safe to print."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hardship import load
from hardship.cases import case_standards, read_case
from hardship.checking.check import Checked
from hardship.errors import EngineError, RegisterError, UsageError
from hardship.explaining import html as explain_html
from hardship.explaining import text as explain_text
from hardship.explaining.explain import explain, explanation_json
from hardship.explaining.values import half_up
from hardship.reading.plain import plain_household, register_of
from hardship.register import Register
from hardship.score import score
from hardship.standards import Standards

ROOT = Path(__file__).parents[1]
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "explanation.json").read_text(encoding="utf-8"))
FULL = ("bairin_left", "beilin", "county_model", "jinxiang")
"""Tables all of whose cases are explained; of the others, scorecards of one form, some are."""
CASES = [
    path
    for folder in sorted((ROOT / "tests" / "cases").glob("*/*"))
    for path in sorted(folder.glob("*.toml"))[: None if folder.parent.name in FULL else 3]
]


@cache
def checked_table(table: str, version: str) -> Checked:
    return load.load_table(ROOT / "scoring_tables" / table / f"{version}.toml")


@dataclass(frozen=True)
class Opened:
    register: Register
    checked: Checked
    standards: Standards
    on: Any
    ids: list[str]


@cache
def opened(path: Path) -> Opened:
    case = read_case(path)
    checked = checked_table(path.parent.parent.name, path.parent.name)
    attributes = checked.names.attributes
    households = [plain_household(one, attributes, str(path)) for one in case.households]
    register = register_of(households, attributes, path.name)
    known = case_standards(case)
    try:
        ids = score(register, checked, known, case.on).frame["household_id"].to_list()
    except RegisterError:
        ids = []
    return Opened(register, checked, known, case.on, ids)


@cache
def explained(path: Path, lang: str = "zh") -> tuple[dict[str, Any], ...]:
    one = opened(path)
    return tuple(
        explain(one.register, one.checked, one.standards, one.on, name, lang, nearest=False) for name in one.ids
    )


def case_path(name: str) -> Path:
    return next(path for path in CASES if f"{path.parent.parent.name}/{path.stem}" == name)


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_an_explanation_is_the_result(path: Path) -> None:
    """What is explained is what was scored; points add up; the schema holds."""
    one = opened(path)
    if not one.ids:
        pytest.skip("every household of this case is rejected")
    frame = score(one.register, one.checked, one.standards, one.on, detail="items").frame
    for found, row in zip(explained(path), frame.iter_rows(named=True), strict=True):
        jsonschema.validate(found, SCHEMA)
        assert found["household_id"] == row["household_id"]
        assert found["outcome"] == row["outcome"]
        assert ";".join(found["flags"]) == row["flags"]
        assert ";".join(entry["name"] for entry in found["missing"]) == row["missing"]
        assert ";".join(entry["name"] for entry in found["assumed"]) == row["assumed"]
        assert ";".join(sorted(v["id"] for v in found["vetoes"] if v["hit"])) == row["vetoes"]
        if row["outcome"] == "incomplete":
            assert found["nearest_changes"] == []
            continue
        assert found["circle"]["id"] == row["circle"]
        for key in ("income_per_head", "gap_to_next_line"):
            assert found[key]["value"] == (None if row[key] is None else str(row[key]))
        if row["benefit_month"] is not None:
            assert found["benefit"]["month"] == str(row["benefit_month"])
        if row["index"] is not None:
            assert found["index"] == str(row["index"])
            assert Fraction(found["index_exact"]) == Fraction(row["index_exact"])
            points_add_up(found, row)


def points_add_up(found: dict[str, Any], row: dict[str, Any]) -> None:
    for index in found["indices"]:
        for group in index["groups"]:
            group_adds_up(group)
        total = sum((Fraction(group["points"]) for group in index["groups"]), Fraction(0))
        assert total == Fraction(index["sum"])
        assert total + Fraction(index["adjustment"]) == Fraction(index["exact"])
    decimals = len(found["index"].partition(".")[2])
    for group in found["groups"]:
        for item in group["items"]:
            assert Decimal(half_up(Fraction(item["points"]), decimals)) == row[f"item_{item['id']}"]
        if group["id"]:
            assert Decimal(half_up(Fraction(group["points"]), decimals)) == row[f"points_{group['id']}"]


def group_adds_up(group: dict[str, Any]) -> None:
    parts = [Fraction(part["points"]) for part in (*group["items"], *group["groups"])]
    assert sum(parts, Fraction(0)) == Fraction(group["sum"])
    assert Fraction(group["sum"]) + Fraction(group["adjustment"]) == Fraction(group["points"])
    for item in group["items"]:
        if item["rows"] and item["capped_by"] is None and not item["missing_taken"]:
            assert sum((Fraction(row["points"]) for row in item["rows"]), Fraction(0)) == Fraction(item["points"])
    for child in group["groups"]:
        group_adds_up(child)


@pytest.mark.parametrize(
    ("path", "lang"),
    [*((path, "zh") for path in CASES), *((path, "en") for path in CASES[::4])],
    ids=lambda value: value if isinstance(value, str) else f"{value.parent.parent.name}-{value.stem}",
)
def test_text_and_page_say_all(path: Path, lang: str) -> None:
    for found in explained(path, lang):
        text, page = explain_text.render(found), explain_html.render(found)
        assert page.startswith("<!DOCTYPE html>")
        for forbidden in ("<script", "http://", "https://", "@import", "url("):
            assert forbidden not in page
        for said in (text, page):
            if found["circle"]["rungs"]:
                assert found["outcome_text"] in said
            assert found["household_id"] in said
            assert ("不是行政决定" if lang == "zh" else "not a decision") in said
            assert ("行政复议" if lang == "zh" else "disagrees") in said
            for entry in (*found["parameters"], *found["constants"]):
                assert escaped(entry["title"], said) in said
                assert entry["text"] in said
            for item in (item for group in found["groups"] for item in group["items"]):
                assert escaped(item["title"], said) in said
        assert text.endswith("\n")
        if lang == "en":
            assert not any("\u4e00" <= letter <= "\u9fff" for letter in text)


def escaped(text: str, said: str) -> str:
    if not said.startswith("<!DOCTYPE"):
        return text
    from markupsafe import escape

    return str(escape(text))


def test_worked_by_hand_mother_and_son() -> None:
    """The household that the domain notes work out: 61 points, 875.00 a month."""
    (found,) = explained(case_path("jinxiang/01_mother_and_son"))
    assert (found["index"], found["circle"]["id"], found["benefit"]["month"]) == ("61", "dibao", "875.00")
    assert [group["points"] for group in found["groups"]] == ["13", "40", "8"]
    line = found["circle"]["lines"][0]
    assert (line["measured"]["value"], line["value"], line["gap"]) == ("750.00", "6000.00", "5250.00")
    assert any("750.00 元/年 < 低保标准 6,000.00 元/年" in reason for reason in found["reasons"])


def test_a_change_of_period_is_a_line_with_both_figures() -> None:
    """A yearly figure used monthly is never silent."""
    (found,) = explained(case_path("jinxiang/01_mother_and_son"))
    pairs = {(one["from"]["text"], one["to"]["text"]) for one in found["conversions"]}
    assert ("1,500.00 元/年", "125.00 元/月") in pairs
    for one in found["conversions"]:
        before, after = Fraction(one["from"]["exact"]), Fraction(one["to"]["exact"])
        assert {one["from"]["unit"], one["to"]["unit"]} == {"money/year", "money/month"}
        assert after == (before / 12 if one["to"]["unit"] == "money/month" else before * 12)


def test_a_cap_is_a_line() -> None:
    (found,) = explained(case_path("jinxiang/04_all_caps"))
    text = explain_text.render(found)
    adjusted = [group for group in found["groups"] if group["adjustment"] not in ("0", None)]
    assert adjusted
    for group in adjusted:
        assert f"封顶：合计 {group['sum']}，最高 {group['cap']}" in text
        assert all(item["capped_by"] for item in group["items"])


def test_vetoes_say_what_hit_and_how_to_answer() -> None:
    hit = [
        veto
        for path in CASES
        if path.parent.parent.name == "county_model"
        for found in explained(path)
        for veto in found["vetoes"]
        if veto["hit"]
    ]
    assert hit
    assert {veto["effect"] for veto in hit} == {"refuse", "defer"}
    for veto in hit:
        assert veto["title"]
        assert veto["expr"] or veto["items"]


def test_missing_facts_are_named_and_not_held_against_the_household() -> None:
    incomplete = [found for path in CASES for found in explained(path) if found["outcome"] == "incomplete"]
    assert incomplete
    for found in incomplete:
        assert found["missing"]
        assert "不作为不利结论" in found["reasons"][0]
        assert found["missing"][0]["title"] in found["reasons"][0]
        assert "月保障金额：" not in explain_text.render(found).split("\n\n")[1]


def test_every_number_has_a_status_and_illustrative_is_never_shown_as_published() -> None:
    for path in CASES:
        for found in explained(path):
            for entry in (*found["parameters"], *found["constants"], *found["lookups"]):
                assert entry["status"] in ("published", "law", "unverified", "illustrative")
                shown = {"published": "文件公布", "law": "法规规定", "unverified": "未核实"}
                assert entry["status_text"] == shown.get(entry["status"], "示例数据")


def test_the_same_bytes_everywhere() -> None:
    """JSON, text and page do not depend on hash seed, time zone or locale."""
    program = (
        "import hashlib, sys\n"
        f"sys.path.insert(0, {str(ROOT / 'tests')!r})\n"
        "import test_explain as t\n"
        "from hardship.explaining import html as explain_html, text as explain_text\n"
        "found = t.explained(t.case_path('county_model/02_farm_family'))\n"
        "parts = [f(e) for e in found for f in (t.explanation_json, explain_text.render, explain_html.render)]\n"
        "print(hashlib.sha256(''.join(parts).encode()).hexdigest())\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "77", "TZ": "Asia/Shanghai", "LC_ALL": "C"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    here = explained(case_path("county_model/02_farm_family"))
    parts = [make(e) for e in here for make in (explanation_json, explain_text.render, explain_html.render)]
    assert done.stdout.strip() == hashlib.sha256("".join(parts).encode()).hexdigest()


def test_json_is_sorted_and_ends_with_one_line_feed() -> None:
    (found,) = explained(case_path("jinxiang/01_mother_and_son"))
    text = explanation_json(found)
    assert text.endswith("}\n")
    assert json.loads(text) == found
    assert list(json.loads(text)) == sorted(found)


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}",
    "{% raw %}",
    "</style><h1>",
    "'; DROP TABLE x; --",
    "&lt;b&gt;",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("payload", HOSTILE)
def test_names_from_a_register_are_escaped(payload: str) -> None:
    one = opened(case_path("jinxiang/01_mother_and_son"))
    frames = dict(one.register.frames)
    import polars as pl

    frames["household"] = frames["household"].with_columns(pl.lit(payload).alias("household_id"))
    frames["member"] = frames["member"].with_columns(pl.lit(payload).alias("member_id"))
    register = replace(one.register, frames=frames)
    found = explain(register, one.checked, one.standards, one.on, payload, "zh", nearest=False)
    page = explain_html.render(found)
    assert "<script" not in page
    assert "<img" not in page
    assert "<h1>" + payload not in page
    assert page.count("<style>") == page.count("</style>") == 1
    assert explain_text.render(found).count(payload) >= 1


def test_a_household_that_is_not_there() -> None:
    one = opened(case_path("jinxiang/01_mother_and_son"))
    with pytest.raises(UsageError):
        explain(one.register, one.checked, one.standards, one.on, "nobody")


def test_a_household_without_a_standard_is_not_explained() -> None:
    one = opened(case_path("jinxiang/01_mother_and_son"))
    none = replace(one.standards, rows=())
    with pytest.raises(RegisterError):
        explain(one.register, one.checked, none, one.on, one.ids[0])


def test_evaluators_that_differ_give_no_explanation(monkeypatch: pytest.MonkeyPatch) -> None:
    from hardship import sides

    one = opened(case_path("jinxiang/01_mother_and_son"))
    honest = sides.trace

    def tampered(raw: Any, register: Any) -> list[Any]:
        found = honest(raw, register)
        found[0]["income", ()] += Fraction(1, 100)
        return found

    monkeypatch.setattr(sides, "trace", tampered)
    with pytest.raises(EngineError):
        explain(one.register, one.checked, one.standards, one.on, one.ids[0], nearest=False)


def test_a_caseworker_sees_when_the_review_is_due_and_whether_the_amount_stands() -> None:
    """Reviewed 1 October 2021, every 12 months: held on 30 September 2022. A day earlier: due on the day itself."""
    one = opened(Path(__file__).parent / "cases" / "shanxi" / "2022-08-30" / "06_review_long.toml")
    expected = {"SX22-06-1": ("2022-10-01", True), "SX22-06-2": ("2022-09-30", False)}
    for household, (day, held) in expected.items():
        found = explain(one.register, one.checked, one.standards, one.on, household, nearest=False)
        assert found["benefit"]["review"] == {"on": day, "held": held}
        for shown in (explain_text.render(found), explain_html.render(found)):
            assert f"Next review: {day}." in shown
            assert ("the amount stands." in shown) == held
