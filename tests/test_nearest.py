"""Nearest changes: each one found moves the household, one step less does not, and it takes no second."""

from __future__ import annotations

import time
from dataclasses import replace
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from test_explain import case_path, opened

from hardship.attributes import scale
from hardship.cases import read_case
from hardship.explaining.explain import explain, only
from hardship.explaining.nearest import NUMBERS
from hardship.reference.evaluate import Reference
from hardship.reference.rows import read_rows


def found_for(name: str) -> tuple[Any, list[dict[str, Any]]]:
    one = opened(case_path(name))
    found = explain(one.register, one.checked, one.standards, one.on, one.ids[0], "en")
    return one, found["nearest_changes"]


def standing(one: Any, change: dict[str, Any], value: Any) -> tuple[str, str | None]:
    """Where the household stands with one fact set, by the reference alone."""
    (household,) = read_rows(only(one.register, one.ids[0]), one.checked.names.attributes)
    rows = [household["household"]]
    if change["level"] == "member":
        rows = [row for row in household["members"] if row["member_id"] == change["id"]]
    elif change["level"] != "household":
        owner, _, own = change["id"].replace("#", "/").partition("/")
        member = next(row for row in household["members"] if row["member_id"] == owner)
        rows = member[change["level"] + "s"]
        if change["level"] == "supporter":
            rows = [row for row in rows if row["supporter_id"] == own]
        else:
            rows = rows[int(own) - 1 : int(own)]
    (row,) = rows
    row[change["name"]] = value
    done = Reference(one.checked.table, one.checked.names, one.standards, one.on).evaluate(household)
    return done.outcome, done.circle


@pytest.mark.parametrize(
    "name",
    [
        "county_model/02_farm_family",
        "county_model/04_below_dibao",
        "jinxiang/01_mother_and_son",
        "bairin_left/03_support",
        "beilin/05_below_one_and_a_half",
    ],
)
def test_a_change_moves_the_household_and_one_step_less_does_not(name: str) -> None:
    one, changes = found_for(name)
    assert changes
    attributes = one.checked.names.attributes
    for change in changes:
        after = (change["outcome"], change["circle"])
        if change["type"] not in NUMBERS:
            assert standing(one, change, change["to"]["exact"]) == after
            continue
        start, end = Fraction(change["from"]["exact"]), Fraction(change["to"]["exact"])
        step = Fraction(1 if end > start else -1, scale(attributes[change["name"]]))
        now = standing(one, change, start)
        assert standing(one, change, end) == after != now
        assert standing(one, change, end - step) == now


def test_worked_by_hand_at_the_standard() -> None:
    """One fen below the standard: one fen more a year for the household, and it stands elsewhere."""
    _, changes = found_for("jinxiang/03_one_fen_below")
    smallest = min(
        abs(Fraction(change["to"]["exact"]) - Fraction(change["from"]["exact"]))
        for change in changes
        if change["type"] == "money" and change["unit"] == "money/year"
    )
    assert smallest <= Fraction(2, 100)
    assert read_case(case_path("jinxiang/03_one_fen_below")).working


def test_numbers_come_first_and_money_by_size() -> None:
    _, changes = found_for("county_model/02_farm_family")
    kinds = [change["type"] in NUMBERS for change in changes]
    assert kinds == sorted(kinds, reverse=True)
    money = [
        abs(Fraction(change["to"]["exact"]) - Fraction(change["from"]["exact"]))
        for change in changes
        if change["type"] == "money"
    ]
    assert money == sorted(money)


def test_better_means_better() -> None:
    """A refused household is helped by what takes the clause away, and never by less."""
    one, changes = found_for("county_model/09_vetoes")
    rank = ["meets", "needs_review", "does_not_meet"]
    (household,) = read_rows(only(one.register, one.ids[0]), one.checked.names.attributes)
    before = Reference(one.checked.table, one.checked.names, one.standards, one.on).evaluate(household)
    for change in changes:
        if rank.index(change["outcome"]) < rank.index(before.outcome):
            assert change["better"]
        if rank.index(change["outcome"]) > rank.index(before.outcome):
            assert not change["better"]


def test_an_incomplete_household_has_none() -> None:
    _, changes = found_for("county_model/11_incomplete")
    assert changes == []


def test_it_takes_less_than_a_second() -> None:
    found_for("county_model/02_farm_family")  # loads the machine
    began = time.process_time()
    found_for("county_model/02_farm_family")
    assert time.process_time() - began < 1


def test_a_household_of_200_members_is_bounded() -> None:
    """The household's own facts come first; nothing grows with the square of its members."""
    one = opened(case_path("jinxiang/01_mother_and_son"))
    frames = dict(one.register.frames)
    members = frames["member"]
    many = pl.concat([members, *([members[1:2]] * 198)])
    ids = [f"{number:03d}" for number in range(many.height)]
    frames["member"] = many.with_columns(pl.Series("member_id", ids))
    register = replace(one.register, frames=frames)
    began = time.process_time()
    found = explain(register, one.checked, one.standards, one.on, one.ids[0], "en")
    assert time.process_time() - began < 6
    assert len(found["members"]) == 200
    assert found["nearest_changes"]
