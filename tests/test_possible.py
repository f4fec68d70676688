"""What missing facts leave possible: held to what the reference says of households whose facts are known."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import random
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from equal.draw import AREAS, Seeded, random_standards
from equal.households import facts_at, places, random_household, random_value, used, with_fact
from equal.random_tables import Generator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hardship import cli
from hardship.cases import case_standards, read_case
from hardship.checking.check import Checked
from hardship.errors import TableError
from hardship.explaining.prospects import lines
from hardship.load import find_table, load_table, load_text, versions
from hardship.lowering import ops
from hardship.possible.answer import possible
from hardship.possible.facts import fact
from hardship.reading.plain import plain_household, register_of
from hardship.reference.evaluate import Outcome, Reference
from hardship.standards import Standards, load_standards, standards

ROOT = Path(__file__).resolve().parents[1]
ON = dt.date(2018, 7, 1)
NONE = standards([])
HEAD = """
[table]
id = "small"
version = 2018-01-01
title = { zh = "小表", en = "Small" }
place = { zh = "某地", en = "Somewhere" }
currency = "CNY"
[rank]
keys = []
"""
TITLE = 'title = { zh = "题", en = "Title" }'
LADDER = f"""
[[constant]]
name = "line"
{TITLE}
unit = "money/month"
value = 500
[[constant]]
name = "second"
{TITLE}
unit = "money/month"
value = 800
[[ladder]]
id = "circle"
{TITLE}
otherwise = {{ id = "outside", {TITLE} }}
rung = [
  {{ id = "low", {TITLE}, tests = [{{ value = "per_head", below = "line" }}] }},
  {{ id = "near", {TITLE}, tests = [{{ value = "per_head", at_most = "second" }}] }},
]
[[derive]]
name = "per_head"
{TITLE}
unit = "money/month"
expr = "sum(member.wage_month) / count(member)"
"""


def household(*wages: Any, **facts: Any) -> dict[str, Any]:
    """One household of members with these wages."""
    members = [{"member_id": str(number), "wage_month": wage} for number, wage in enumerate(wages, 1)]
    return plain({"household": {"household_id": "H", "area_code": "370828", **facts}, "members": members})


def plain(document: dict[str, Any]) -> dict[str, Any]:
    """The same with plain values."""
    for member in document["members"]:
        member.setdefault("supporters", [])
        member.setdefault("transfers", [])
        if member.get("wage_month") is not None:
            member["wage_month"] = Fraction(member["wage_month"])
    return document


@cache
def table_of(text: str) -> Checked:
    return load_text(text)


def asked(text: str, one: dict[str, Any], lang: str = "en") -> Any:
    checked = table_of(text)
    return possible(register_of([one], checked.names.attributes), checked, NONE, ON, lang)


def circles(found: Any) -> set[str]:
    return {one["circle"] for one in found["circles"]}


# --- worked by hand ---


def test_nothing_is_asked_of_a_complete_household():
    assert asked(HEAD + LADDER, household(100, 200)) is None


def test_one_wage_decides_between_three_circles():
    """Two persons, one earns 400: below 500 a head while the other earns below 600; at most 800 up to 1,200."""
    found = asked(HEAD + LADDER, household(400, None))
    assert found["exact"]
    assert found["may_change"]
    assert circles(found) == {"low", "near", "outside"}
    assert [(one["name"], one["id"]) for one in found["facts"]] == [("wage_month", "2")]
    answers = [
        (part["from"]["value"], part["to"]["value"], part["circles"][0]["circle"])
        for part in found["ask_next"]["answers"]
    ]
    assert answers == [("0", "599.99", "low"), ("600", "1200", "near"), ("1200.01", "10000000", "outside")]


def test_a_fact_that_cannot_matter_leaves_one_circle():
    """One of two earns 2,000: the other's wage, never below 0, cannot bring a head to 800 or less."""
    found = asked(HEAD + LADDER, household(2000, None))
    assert (found["exact"], found["may_change"], circles(found)) == (True, False, {"outside"})


def test_a_circle_between_two_neighbouring_fen_is_excluded():
    """From `line` of 500 to `near` of 500 a head there is one wage: 500 exactly."""
    text = (HEAD + LADDER).replace("value = 800", "value = 500")
    found = asked(text, household(None))
    assert circles(found) == {"low", "near", "outside"}
    near = next(one for one in found["circles"] if one["circle"] == "near")
    assert near["example"][0]["value"] == "500"
    text = text.replace('at_most = "second"', 'below = "second"')
    assert (asked(text, household(None))["exact"], circles(asked(text, household(None)))) == (True, {"low", "outside"})


def test_the_question_that_settles_most_is_asked_first():
    """A refusal settles all; a wage leaves the refusal open."""
    text = HEAD + LADDER + f'[[veto]]\nid = "V"\n{TITLE}\neffect = "refuse"\nwhen = "motor_vehicles > 0"\n'
    found = asked(text, household(400, None, motor_vehicles=None))
    assert found["ask_next"]["name"] == "wage_month"  # from 1,200.01 on it leaves `outside` alone, below two
    left = [len(part["circles"]) for part in found["ask_next"]["answers"]]
    assert max(left) == 2
    assert circles(found) == {"low", "near", "outside"}


def test_assumed_and_left_out_facts_are_not_asked():
    text = HEAD.replace("[rank]", "[household]\ncounted = \"member_counted == 'counted'\"\n[rank]")
    text += LADDER.replace("sum(member.wage_month) / count(member)", "sum(member.wage_month)")
    one = household(100, None)
    for member, counted in zip(one["members"], ("counted", "prison"), strict=True):
        member["member_counted"] = counted
    assert asked(text, one) is None
    assumed = HEAD.replace("[rank]", "[missing]\nwage_month = { assume = 12.5 }\n[rank]") + LADDER
    assert asked(assumed, household(100, None)) is None


def test_an_empty_cell_of_a_look_up_leaves_the_household_incomplete():
    text = HEAD + (
        f'[[lookup]]\nname = "cells"\n{TITLE}\nrows = {{ of = "residence_type", values = ["urban", "rural"] }}\n'
        f'cells = [3, ""]\n[[index]]\nid = "main"\n{TITLE}\n[[item]]\nid = "a"\n{TITLE}\n'
        'expr = "lookup(cells, residence_type)"\n'
    )
    found = asked(text, household(100))
    assert {one["outcome"] for one in found["circles"]} == {"meets", "incomplete"}
    assert (found["index"]["least"], found["index"]["most"], found["exact"]) == ("3", "3", True)


def test_a_rejected_answer_is_told():
    text = (
        HEAD
        + LADDER
        + f'[[require]]\nid = "r"\n{TITLE.replace("title", "message")}\nvalue = "wage_month"\nat_most = 5000\n'
        + 'outside = "reject"\n'
    )
    found = asked(text, household(None))
    assert found["rejected"]
    assert found["exact"]


# --- against every answer ---


def completions(one: dict[str, Any], cells: list[tuple[Any, str]], values: list[list[Any]]) -> Iterator[dict[str, Any]]:
    for chosen in itertools.product(*values):
        full = one
        for (spot, name), value in zip(cells, chosen, strict=True):
            full = with_fact(full, spot, name, value)
        yield full


def standing(outcome: Outcome) -> tuple[str | None, str]:
    return (None if outcome.incomplete else outcome.circle), outcome.outcome


def test_small_tables_give_what_all_answers_give():
    """Every answer to facts of few values, worked out one by one, is what is told: no more, no less."""
    choices = ("disability_grade", "labour_ability", "student_level")
    rng = random.Random(5)
    text = HEAD + LADDER.replace("sum(member.wage_month)", "sum(member.wage_month * member.disability_grade)").replace(
        "value = 500", "value = 333"
    )
    text += (
        f'[[index]]\nid = "main"\n{TITLE}\n[[item]]\nid = "a"\n{TITLE}\nper = "member"\n'
        "cases = [\n  { when = \"labour_ability == 'none' and student_level == 'none'\", points = 7 },\n"
        "  { when = \"disability_grade > 1 or student_level == 'senior'\", points = -3 },\n]\n"
        f'[[item]]\nid = "b"\n{TITLE}\nvalue = "count(member, where = member.disability_grade == 1)"\n'
        "bands = [{ below = 1, points = 5 }, { otherwise = true, points = 1 }]\n"
    )
    checked = table_of(text)
    reference = Reference(checked.table, checked.names, NONE, ON)
    attributes = checked.names.attributes
    for _ in range(12):
        one = household(rng.choice([100, 250, 400]), rng.choice([90, 700]))
        for member in one["members"]:
            for name in choices:
                low = fact(attributes[name], 0, ("", ""), ON)
                member[name] = low.value(rng.randint(low.low, low.high))
        spots = [(spot, name) for spot in places(one, "member") for name in choices]
        cells = rng.sample(spots, 3)
        for spot, name in cells:
            one = with_fact(one, spot, name, None)
        values = []
        for _, name in cells:
            answers = fact(attributes[name], 0, ("", ""), ON)
            values.append([answers.value(k) for k in range(answers.low, answers.high + 1)])
        all_of = [reference.evaluate(full) for full in completions(one, cells, values)]
        found = asked(text, one)
        assert found["exact"]
        assert {(circle["circle"], circle["outcome"]) for circle in found["circles"]} == set(map(standing, all_of))
        points = [done.values["main", ()] for done in all_of]
        assert (Fraction(found["index"]["least"]), Fraction(found["index"]["most"])) == (min(points), max(points))


# --- random households under the shipped tables ---


@cache
def shipped(name: str) -> tuple[Checked, Reference, dt.date, dict[str, Any], Standards]:
    version, path = max(versions()[name].items())
    checked, on, numbers = load_table(path), max(ON, version), load_standards([])
    return checked, Reference(checked.table, checked.names, numbers, on), on, used(checked), numbers


def lacking(attributes: dict[str, Any], on: dt.date, rng: random.Random, most: int) -> dict[str, Any]:
    """A household of which a few facts are missing."""
    one = random_household(attributes, rng, "H1", near=on, holes=0.0)
    cells = [(spot, name) for name, attribute in attributes.items() for spot in places(one, attribute.level)]
    for spot, name in cells:
        if facts_at(one, spot).get(name) is None:
            one = with_fact(one, spot, name, random_value(attributes[name], rng, on))
    for spot, name in rng.sample(cells, min(len(cells), rng.randint(1, most))):
        one = with_fact(one, spot, name, None)
    return one


def answered(
    one: dict[str, Any], found: Any, attributes: dict[str, Any], on: dt.date, rng: random.Random
) -> dict[str, Any]:
    """The household with a random answer to each open question."""
    members = [member["member_id"] for member in one["members"]]
    for entry in found["facts"]:
        attribute = attributes[entry["name"]]
        if attribute.level not in ("household", "member"):
            return {}
        spot = next(
            spot for spot in places(one, attribute.level)
            if attribute.level == "household" or members[spot[1]] == entry["id"]
        )  # fmt: skip
        possible_values = fact(attribute, 0, ("", ""), on)
        value = random_value(attribute, rng, on)
        if attribute.type == "date":
            value = dt.date.fromordinal(min(max(value.toordinal(), possible_values.low), possible_values.high))
        one = with_fact(one, spot, entry["name"], value)
    return one


@pytest.mark.parametrize(
    "name", ["county_model", "jinxiang", "beilin", "shanghai", "huizhou", "national_2021", "dachuan"]
)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_no_answer_leads_out_of_what_is_told(name: str, seed: int):
    checked, reference, on, attributes, numbers = shipped(name)
    rng = random.Random(seed)
    one = lacking(attributes, on, rng, 5)
    outcome = reference.evaluate(one)
    if outcome.rejected:
        return
    found = possible(register_of([one], checked.names.attributes), checked, numbers, on)
    assert (found is not None) == (outcome.incomplete and bool(outcome.missing))
    if found is None:
        return
    for _ in range(6):
        full = answered(one, found, checked.names.attributes, on, rng)
        if full:
            assert within(found, reference.evaluate(full), checked)


# --- random tables ---


def within(found: Any, done: Outcome, checked: Checked) -> bool:
    """Whether a household with known facts lies within what was told of it before."""
    if done.rejected:
        return bool(found["rejected"])
    single = any(ladder.id == "circle" and ladder.pick == "first" for ladder in checked.table.ladder)
    circle = done.circle if single and not done.incomplete else None
    inside = (circle, done.outcome) in {(one["circle"], one["outcome"]) for one in found["circles"]}
    if done.incomplete:
        return inside
    if found["benefit_month"] is not None and done.benefit is not None:
        least, most = (Fraction(found["benefit_month"][end]) for end in ("least", "most"))
        inside = inside and least <= done.benefit <= most
    if found["index"] is not None:
        points = done.values[checked.table.index[0].id, ()]
        assert isinstance(points, Fraction)
        inside = inside and Fraction(found["index"]["least"]) <= points <= Fraction(found["index"]["most"])
    return inside


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_random_tables_keep_every_answer_within_what_is_told(seed: int):
    """Tables that use every construct of the language."""
    try:
        checked = load_text(Generator(Seeded(seed)).table())
    except TableError:
        return
    rng, numbers = random.Random(seed), random_standards()
    reference = Reference(checked.table, checked.names, numbers, ON)
    for number in range(2):
        one = random_household(used(checked), rng, f"H{number}", AREAS[:4], near=ON, holes=0.1, most=3)
        for member in one["members"]:
            if member.get("birth_date") is not None:
                member["birth_date"] = min(max(member["birth_date"], dt.date(1890, 1, 1)), ON)
        if reference.evaluate(one).rejected:
            continue
        found = possible(register_of([one], checked.names.attributes), checked, numbers, ON)
        for _ in range(5 if found is not None else 0):
            full = answered(one, found, checked.names.attributes, ON, rng)
            if full:
                assert within(found, reference.evaluate(full), checked)


def test_every_instruction_has_a_rule_for_ranges():
    """A new instruction of the machine needs one in `possible.interval`; then its number is added here."""
    known = [
        *range(9),
        *range(20, 30),
        *range(40, 52),
        *range(60, 65),
        *range(66, 74),
        *range(80, 86),
        *range(100, 106),
    ]
    known += [*range(120, 124), *range(140, 148), 160, 161]
    first = list(vars(ops)).index("LOAD_WORD")
    last = list(vars(ops)).index("STORE_BYTE")
    assert sorted(list(vars(ops).values())[first : last + 1]) == known


# --- the structure ---


CASES = [
    path
    for path in sorted((ROOT / "tests/cases").glob("*/*/*.toml"))
    if 'outcome = "incomplete"' in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_worked_cases_are_told_whole(path: Path):
    """Each worked case with missing facts: valid by its schema, each circle with an example, lines in two languages."""
    case = read_case(path)
    checked = load_table(find_table(f"{path.parts[-3]}@{path.parts[-2]}", case.on)[0])
    schema = json.loads((ROOT / "docs/schemas/possible.json").read_text(encoding="utf-8"))
    told = 0
    for document, expected in zip(case.households, case.expected, strict=True):
        if expected.get("outcome") != "incomplete":
            continue
        register = register_of([plain_household(document, checked.names.attributes)], checked.names.attributes)
        for lang in ("zh", "en"):
            found = possible(register, checked, case_standards(case), case.on, lang)
            assert found is not None
            jsonschema.validate(found, schema)
            assert found["exact"]
            assert all(circle["example"] for circle in found["circles"])
            assert list(lines(found, lang))
            told += 1
    assert told


# --- the command ---


def test_the_command_asks_and_the_explanation_has_a_section(tmp_path: Path, capsys: Any, monkeypatch: Any):
    monkeypatch.setenv("HARDSHIP_LANG", "zh")
    one = json.loads((ROOT / "tests" / "asking_household.json").read_text(encoding="utf-8"))
    file = tmp_path / "one.json"

    def told(*arguments: str) -> str:
        file.write_text(json.dumps(one, ensure_ascii=False), encoding="utf-8")
        assert cli.run([*arguments, str(file), "--table", "jinxiang", "--on", "2018-07-01"]) == 0
        text: str = capsys.readouterr().out
        return text

    assert "没有影响结果的缺失情况" in told("ask")
    del one["members"][0]["wage_month"]
    text = told("ask")
    assert "建议先核实：工资性收入（成员1）。" in text
    assert "555.00 元/月 及以上 → “不符合，停止上报”" in text
    whole = json.loads(told("ask", "--format", "json"))
    assert whole["possible"]["ask_next"]["name"] == "wage_month"
    explained = json.loads(told("explain", "--format", "json"))
    assert explained["possible"] == whole["possible"]
    jsonschema.validate(explained, json.loads((ROOT / "docs/schemas/explanation.json").read_text(encoding="utf-8")))
    assert "补齐缺失情况后的可能结果" in told("explain", "--format", "html")
    assert "建议先核实：工资性收入（成员1）。" in told("explain")
