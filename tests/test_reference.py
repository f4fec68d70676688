"""The plain evaluator: its pieces, its columns, and that the checker's knowledge holds for every value it meets."""

from __future__ import annotations

import datetime as dt
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from equal.draw import Seeded, random_standards
from equal.households import random_household, used
from equal.random_tables import Generator
from hypothesis import given, settings
from hypothesis import strategies as st

from hardship.checking.check import Checked
from hardship.errors import TableError
from hardship.language.fields import Title
from hardship.language.kinds import Kind
from hardship.language.nodes import Node
from hardship.language.table import Parameter
from hardship.load import load_table, load_text
from hardship.reading.plain import register_of
from hardship.reference.evaluate import Reference, evaluate, rows
from hardship.reference.results import decimal_text, exact_text, results
from hardship.reference.values import (
    Parameters,
    age,
    both,
    converted,
    either,
    months_between,
    negation,
    rounded,
)
from hardship.standards import Standards, load_standards, parsed, standards
from hardship.synthesis import synthesize

ON = dt.date(2018, 7, 1)
TABLES = sorted(Path(__file__).resolve().parents[1].joinpath("scoring_tables").glob("*/*.toml"))
FRACTIONS = st.fractions(min_value=-1000, max_value=1000, max_denominator=1200)
STEPS = st.sampled_from([Fraction(1, 100), Fraction(1, 10), Fraction(1), Fraction(5), Fraction(1, 20)])
DAYS = st.dates(dt.date(1900, 1, 1), dt.date(2100, 12, 31))


# --- pieces ---


@given(FRACTIONS, STEPS)
def test_rounding_gives_a_multiple_on_the_right_side(value: Fraction, step: Fraction) -> None:
    for mode in ("floor", "ceil", "half_up", "half_even"):
        found = rounded(value, step, mode)
        assert (found / step).denominator == 1
        assert abs(found - value) < step
    assert rounded(value, step, "floor") <= value <= rounded(value, step, "ceil")
    assert abs(rounded(value, step, "half_up") - value) * 2 <= step
    assert rounded(-value, step, "half_up") == -rounded(value, step, "half_up")
    assert rounded(-value, step, "half_even") == -rounded(value, step, "half_even")


@given(st.integers(-1000, 1000))
def test_ties(number: int) -> None:
    tie = Fraction(2 * number + 1, 2)
    assert abs(rounded(tie, Fraction(1), "half_up")) == abs(tie) + Fraction(1, 2)
    assert rounded(tie, Fraction(1), "half_even") % 2 == 0


@given(DAYS, DAYS)
def test_age_is_the_number_of_birthdays(birth: dt.date, on: dt.date) -> None:
    years = age(birth, on)

    def birthday(year: int) -> dt.date:
        leap = birth.month == 2 and birth.day == 29
        try:
            return birth.replace(year=year)
        except ValueError:
            assert leap
            return dt.date(year, 3, 1)

    assert birthday(birth.year + years) <= on < birthday(birth.year + years + 1)


@given(DAYS, DAYS)
def test_months_are_whole_and_age_is_twelve_of_them(first: dt.date, last: dt.date) -> None:
    months = months_between(first, last)
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    reached = (year, month + 1, first.day)
    following = (year + (month == 11), (month + 1) % 12 + 1, first.day)
    assert reached <= (last.year, last.month, last.day) < following
    assert months // 12 == age(first, last)


KLEENE = st.lists(st.sampled_from([True, False, None]), max_size=5)


@given(KLEENE)
def test_kleene_holds_for_every_way_the_missing_may_turn_out(values: list[bool | None]) -> None:
    worlds = [[]]  # type: list[list[bool]]
    for value in values:
        worlds = [[*world, one] for world in worlds for one in ([True, False] if value is None else [value])]
    every, some = {all(world) for world in worlds}, {any(world) for world in worlds}
    assert both(values) == (every.pop() if len(every) == 1 else None)
    assert either(values) == (some.pop() if len(some) == 1 else None)
    assert negation(both(values)) == either([negation(value) for value in values])


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (Fraction(61), 0, "61"),
        (Fraction(5, 9), 3, "0.556"),
        (Fraction(-1, 200), 2, "-0.01"),
        (Fraction(-1, 250), 2, "0.00"),
        (Fraction(1, 20), 2, "0.05"),
        (Fraction(-1201, 100), 2, "-12.01"),
        (None, 2, ""),
    ],
)
def test_decimals_are_written_out_and_never_negative_zero(value: Fraction | None, decimals: int, text: str) -> None:
    assert decimal_text(value, decimals) == text


def test_exact_texts() -> None:
    assert exact_text(frozenset({"b", "a"})) == "a;b"
    assert [exact_text(value) for value in (None, True, dt.date(2018, 2, 3), Fraction(5, 9))] == [
        "", "true", "2018-02-03", "5/9",
    ]  # fmt: skip


# --- parameters ---


def declared(unit: str = "money/year", decimals: int = 2) -> Parameter:
    return Parameter(
        name="p",
        title=Title(zh="标准", en="standard"),
        unit=unit,
        bounds=(Fraction(1), Fraction(10_000)),
        decimals=decimals,
    )


def row(value: str, unit: str, **more: str) -> Any:
    cells = {"parameter": "p", "effective_from": "2018-01-01", "value": value, "unit": unit, "status": "illustrative"}
    return parsed({**cells, **more}, "case", 1)


def test_a_row_by_the_month_holds_for_a_parameter_by_the_year() -> None:
    assert converted(row("520.5", "money/month"), declared()) == 6246
    assert converted(row("6246", "money/year"), declared("money/month")) == Fraction(1041, 2)


@pytest.mark.parametrize(
    ("value", "unit", "parameter"),
    [
        ("100", "money", declared()),
        ("100.01", "money/year", declared("money/month")),
        ("1000", "money/month", declared()),
        ("0.5", "money/year", declared()),
        ("1.234", "money/year", declared()),
    ],
    ids=["unit", "twelfth", "above", "below", "decimals"],
)
def test_a_standard_that_does_not_fit_is_a_fault(value: str, unit: str, parameter: Parameter) -> None:
    with pytest.raises(TableError, match="case:1"):
        converted(row(value, unit), parameter)


def test_the_choice_of_a_row_does_not_depend_on_their_order() -> None:
    given_rows = [
        row("100", "money/year"),
        row("200", "money/year", area_code="37", residence="rural"),
        row("300", "money/year", area_code="3708"),
        row("400", "money/year", area_code="3708", effective_from="2018-06-01"),
        row("500", "money/year", area_code="3708", effective_from="2018-07-02"),
    ]
    rng = random.Random(1)
    for _ in range(20):
        rng.shuffle(given_rows)
        choose = Parameters([declared()], given_rows, ON)
        assert choose.at("370828", "rural") == {"p": 400}
        assert choose.at("371302", "rural") == {"p": 200}
        assert choose.at("371302", "urban") == {"p": 100}
        assert choose.at("371302", None) == {"p": None}
        assert choose.at("370828", None) == {"p": 400}
    assert Parameters([declared()], given_rows[:0], ON).at("370828", "rural") == "p"


# --- soundness: what the checker knows holds for every value ---


def assert_within(value: Any, kind: Kind, what: str) -> None:
    """A value the reference met lies where the checker said it would."""
    if value is None:
        assert kind.missing or kind.parameters, f"{what}: missing, and the checker says never"
        return
    match kind.type:
        case "number" if kind.divisor is None:
            scaled = value * kind.den
            assert scaled.denominator == 1, f"{what}: {value} is not over {kind.den}"
            assert kind.lo <= scaled <= kind.hi, f"{what}: {value} is not in {kind.lo} … {kind.hi} over {kind.den}"
        case "number":
            assert kind.divisor is not None
            largest = Fraction(max(abs(kind.lo), abs(kind.hi)), kind.den) / Fraction(kind.divisor.lo, kind.divisor.den)
            assert abs(value) <= largest, f"{what}: |{value}| > {largest}"
        case "bool":
            assert isinstance(value, bool), what
        case "date":
            assert kind.lo <= value.year * 10_000 + value.month * 100 + value.day <= kind.hi, what
        case "enum":
            assert value in kind.domain[kind.lo : kind.hi + 1], f"{what}: {value}"
        case "set":
            assert value <= set(kind.domain), what


def assert_sound(checked: Checked, known: Standards, households: list[dict[str, Any]]) -> int:
    """Every node and every name of every household lies within its kind; how many values were looked at."""
    seen = 0

    def observe(node: Node, _row: tuple[int, ...], value: Any) -> None:
        nonlocal seen
        kind = checked.kind_of_node.get(id(node))
        if kind is not None:
            seen += 1
            assert_within(value, kind, f"{type(node).__name__} at {node.at}")

    reference = Reference(checked.table, checked.names, known, ON, observe)
    for household in households:
        outcome = reference.evaluate(household)
        for (name, _), value in ({} if outcome.rejected else outcome.values).items():
            seen += 1
            assert_within(value, checked.kind_of_name[name], name)
    return seen


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.parent.name)
def test_every_value_of_a_shipped_table_lies_in_its_interval(path: Path) -> None:
    checked = load_table(path)
    rng = random.Random(7)
    area = checked.table.table.place.area or "370828"
    households = [random_household(used(checked), rng, f"H{k}", (area,), ON) for k in range(60)]
    assert assert_sound(checked, load_standards(), households) > 1_000


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**9))
def test_every_value_of_a_random_table_lies_in_its_interval(seed: int) -> None:
    checked = load_text(Generator(Seeded(seed)).table())
    rng = random.Random(seed)
    households = [random_household(used(checked), rng, f"H{k}", ("370828", "371302"), ON) for k in range(8)]
    assert_sound(checked, random_standards(), households)


# --- a register and its rows ---


def test_rows_give_back_what_a_register_was_made_of() -> None:
    checked = load_table(TABLES[0])
    attributes = checked.names.attributes
    rng = random.Random(3)
    made = [random_household(used(checked), rng, f"H{k:02}", holes=0.3) for k in range(30)]
    found = rows(register_of(made[::-1], attributes), attributes)
    for before, after in zip(made, found, strict=True):
        given_facts = {key: value for key, value in before["household"].items() if value is not None}
        assert given_facts.items() <= after["household"].items()
        assert [member["member_id"] for member in after["members"]] == sorted(m["member_id"] for m in before["members"])
        for one, other in zip(before["members"], after["members"], strict=True):
            for children in ("supporters", "transfers"):
                assert len(one[children]) == len(other[children])
            facts = {key: value for key, value in one.items() if value is not None and key[-1] != "s"}
            assert all(other[key] == value for key, value in facts.items())


def test_results_are_ranked_over_the_whole_register_and_sorted_by_id() -> None:
    checked = load_table(next(path for path in TABLES if path.parent.name == "jinxiang"))
    households = rows(synthesize(200, 1, attributes=checked.names.attributes), checked.names.attributes)
    random.Random(5).shuffle(households)
    found = results(checked.table, checked.names, load_standards(), ON, households)
    assert [one["household_id"] for one in found] == sorted(one["household_id"] for one in found)
    by_position = sorted((one for one in found if one["position"]), key=lambda one: int(one["position"]))
    assert [int(one["position"]) for one in by_position] == list(range(1, len(by_position) + 1))
    ranks = [int(one["rank"]) for one in by_position]
    assert len(ranks) > 20
    assert ranks == sorted(ranks)
    assert all(rank <= place for place, rank in enumerate(ranks, 1))


def test_one_household_without_a_standard_is_rejected() -> None:
    checked = load_table(next(path for path in TABLES if path.parent.name == "jinxiang"))
    household = random_household(used(checked), random.Random(1), "H1")
    found = evaluate(checked.table, checked.names, standards([]), ON, household)
    assert (found.rejected, bool(found.rejected_by), found.values) == ("no_standard", True, {})
