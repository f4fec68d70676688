"""One household with something changed, or under several tables: the same results as scoring each by itself."""

from __future__ import annotations

import copy
import datetime as dt
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from hardship.asking.compare import compare
from hardship.asking.patch import patched
from hardship.asking.side import side
from hardship.asking.whatif import _Titles, what_if
from hardship.errors import RegisterError, UsageError
from hardship.inputs import open_table
from hardship.load import load_table, versions
from hardship.register import from_dicts
from hardship.results import column_types
from hardship.results_json import result_records
from hardship.score import score
from hardship.standards import load_standards, standards

ON = dt.date(2018, 7, 1)
NUMBERS = load_standards([])
TABLE, _ = open_table("jinxiang", ON)
DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parent / "asking_household.json").read_text(encoding="utf-8"))


def ask(facts: Any = (), lines: Any = None, lang: str = "en", nearest: bool = False) -> dict[str, Any]:
    given = list(facts) if isinstance(facts, tuple) else facts
    return what_if(DOCUMENT, given, lines or {}, TABLE, NUMBERS, ON, lang, nearest=nearest)


def scored(document: Any, table: Any = TABLE, numbers: Any = NUMBERS) -> dict[str, Any]:
    register = from_dicts(document, table.names.attributes, ON)
    return next(result_records(score(register, table, numbers, ON, detail="items").frame))


def wage(value: Any, member: int = 0) -> dict[str, Any]:
    return {"pointer": f"/members/{member}/wage_month", "value": value}


# --- facts ---


def test_nothing_changed_changes_nothing():
    found = ask()
    assert found["before"] == found["after"]
    assert found["changes"] == []
    assert found["text"] == ["Nothing changes."]
    assert found["before"]["result"] == scored(DOCUMENT)


def test_a_changed_fact_gives_what_scoring_the_changed_household_gives():
    """300 a month more for two persons: 150 a head more, so 150 nearer to the line, and 300 less to top up."""
    found = ask((wage(300),))
    other = copy.deepcopy(DOCUMENT)
    other["members"][0]["wage_month"] = 300
    assert found["after"]["result"] == scored(other)
    changed = {one["name"]: (one["from"], one["to"]) for one in found["changes"]}
    assert Fraction(changed["income_per_head"][1]) - Fraction(changed["income_per_head"][0]) == 150
    assert Fraction(changed["gap_to_next_line"][0]) - Fraction(changed["gap_to_next_line"][1]) == 150
    assert Fraction(changed["benefit_month"][0]) - Fraction(changed["benefit_month"][1]) == 300
    assert "item_b16" in changed
    titles = {one["name"]: one["title"] for one in ask((wage(300),), lang="zh")["changes"]}
    assert titles["benefit_month"] == "救助金额（月）"


def test_a_fact_nobody_knows_says_what_is_possible():
    found = ask((wage(None),))
    assert found["after"]["result"]["outcome"] == "incomplete"
    assert [one["name"] for one in found["missing"]["facts"]] == ["wage_month"]
    assert {one["circle"] for one in found["missing"]["circles"]} == {"dibao", "stopped"}


def test_the_nearest_changes_are_those_of_an_explanation():
    found = ask((wage(300),), nearest=True)
    assert found["nearest_changes"]
    assert {"name", "from", "to", "circle"} <= set(found["nearest_changes"][0])


def test_rows_come_and_go():
    new = {
        "member_id": "9",
        **{key: DOCUMENT["members"][1][key] for key in DOCUMENT["members"][1] if key != "member_id"},
    }
    more = patched(DOCUMENT, [{"op": "add", "pointer": "/members/-", "value": new}])
    assert len(more["members"]) == len(DOCUMENT["members"]) + 1
    less = patched(more, [{"op": "remove", "pointer": f"/members/{len(DOCUMENT['members'])}"}])
    assert less["members"] == DOCUMENT["members"]
    assert ask(({"op": "remove", "pointer": "/members/1"},))["after"]["result"] == scored(
        {**DOCUMENT, "members": DOCUMENT["members"][:1]}
    )


def test_a_member_who_leaves_takes_along_what_is_his():
    document = {
        "members": [{"wage_month": 1}, {"wage_month": 2}, {"wage_month": 3}],
        "transfers": [{"member_id": "2", "amount": 5}, {"member_id": "3", "amount": 7}],
    }
    found = patched(document, [{"op": "remove", "pointer": "/members/1"}])
    assert [member["member_id"] for member in found["members"]] == ["1", "3"]
    assert found["transfers"] == [{"member_id": "3", "amount": 7}]
    assert "member_id" not in document["members"][0]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"pointer": "/members/0/wage_month"}, "asking.pointer"),
        ({"pointer": "/members/7/wage_month", "value": 1}, "asking.pointer"),
        ({"pointer": "/members/0", "value": 1}, "asking.pointer"),
        ({"pointer": "/members/01/wage_month", "value": 1}, "asking.pointer"),
        ({"pointer": "members/0/wage_month", "value": 1}, "asking.pointer"),
        ({"pointer": "/table", "value": 1}, "asking.pointer"),
        ({"op": "remove", "pointer": "/members/7"}, "asking.pointer"),
        ({"op": "remove", "pointer": "/members/0", "value": 1}, "asking.pointer"),
        ({"op": "add", "pointer": "/members/0", "value": {}}, "asking.pointer"),
        ({"op": "add", "pointer": "/members/-", "value": 3}, "asking.pointer"),
        ({"op": "test", "pointer": "/members/0"}, "asking.change_shape"),
        ({"pointer": 3, "value": 1}, "asking.change_shape"),
        ({"pointer": "/household/x", "value": 1, "more": 1}, "asking.change_shape"),
        ("x", "asking.change_shape"),
    ],
)  # fmt: skip
def test_wrong_changes_are_refused_with_their_place(change: Any, code: str):
    with pytest.raises(UsageError) as error:
        ask(({"pointer": "/household/financial_assets", "value": 1}, change))
    (fault,) = error.value.faults
    assert (fault.code, fault.file) == (code, "/facts/1")


@pytest.mark.parametrize("changes", [{}, "x", [{}] * 101])
def test_changes_are_a_list_of_at_most_a_hundred(changes: Any):
    with pytest.raises(UsageError) as error:
        ask(changes)
    assert error.value.faults[0].file.startswith("/facts")


def test_a_wrong_value_is_told_as_in_scoring():
    with pytest.raises(RegisterError) as error:
        ask((wage("x"),))
    assert error.value.faults[0].code == "register.bad_number"


# --- lines ---


def rows_with(value: Fraction) -> Any:
    """The shipped standards with one amount of the dibao standard everywhere."""
    return standards(
        replace(row, value=value, unit="money/month") if row.parameter == "dibao_standard" else row
        for row in NUMBERS.rows
    )


def test_a_changed_standard_gives_what_scoring_with_it_gives():
    """340 a month plus 10 percent are 374."""
    found = ask(lines={"dibao_standard": "+10%"})
    assert found["after"]["result"] == scored(DOCUMENT, numbers=rows_with(Fraction(374)))
    assert ask(lines={"dibao_standard": "374"})["after"] == found["after"]
    assert ask(lines={"dibao_standard": "4488/year"})["after"] == found["after"]


def test_a_standard_can_be_given_where_there_is_none():
    bare = standards(row for row in NUMBERS.rows if row.parameter != "dibao_standard")
    found = what_if(DOCUMENT, [], {"dibao_standard": "374"}, TABLE, bare, ON, nearest=False)
    assert found["before"]["status"] == "rejected"
    assert found["before"]["errors"][0]["code"] == "register.no_standard"
    assert found["after"]["result"] == scored(DOCUMENT, numbers=rows_with(Fraction(374)))


def test_a_changed_constant_is_checked_and_counts():
    name = next(
        constant.name for constant in TABLE.table.constant
        if ask(lines={constant.name: "+1%"})["run"] and constant.unit == ""
    )  # fmt: skip
    assert ask(lines={f"constant:{name}": "+1%"})["after"] == ask(lines={name: "+1%"})["after"]


@pytest.mark.parametrize(
    "lines", [{"dibao_standard": "x"}, {"no_such_line": "1"}, {"dibao_standard": "+0.001"}, {"dibao_standard": 5}, [],
              {"dibao_standard": "999999999"}],
)  # fmt: skip
def test_wrong_lines_are_refused(lines: Any):
    with pytest.raises(UsageError):
        what_if(DOCUMENT, [], lines, TABLE, NUMBERS, ON)


# --- tables ---


def test_one_household_under_several_tables():
    names = ("jinxiang", "county_model", "shanghai", "national_2021@2021-07-01")
    tables = [open_table(name, ON) for name in names]
    found = compare(DOCUMENT, tables, NUMBERS, ON, "zh")["tables"]
    assert [one["table"]["id"] for one in found] == [name.partition("@")[0] for name in names]
    assert (found[0]["circle"], found[0]["index"], found[0]["missing"]) == ("dibao", "61", [])
    assert found[0]["result"] == scored(DOCUMENT)
    assert found[1]["outcome"] == "incomplete"
    assert found[1]["missing"][0] == {"name": "authorisation_given", "title": "核对授权"}
    assert "table_forced" in found[3]["result"]["flags"]


def test_facts_of_another_table_are_left_out_and_unknown_ones_refused():
    own = next(
        (checked, attribute)
        for dates in versions().values()
        for checked in [load_table(max(dates.items())[1])]
        for attribute in checked.table.attribute
        if attribute.level == "household" and attribute.type == "bool"
    )
    document = copy.deepcopy(DOCUMENT)
    document["household"][own[1].name] = True
    tables = [(TABLE, False), (own[0], True)]
    assert compare(document, tables, NUMBERS, ON)["tables"][0]["status"] == "scored"
    with pytest.raises(RegisterError):
        compare(document, tables[:1], NUMBERS, ON)


@pytest.mark.parametrize("name", sorted(versions()))
def test_every_column_has_a_title_in_both_languages(name: str):
    checked = load_table(max(versions()[name].items())[1])
    kinds = {output.name: checked.kind_of_name[output.name] for output in checked.table.output}
    untitled = {"household_id", "area_code", "index_exact", "position", "percentile"}
    untitled |= set() if checked.table.index else {"index"}
    untitled |= set() if any(ladder.id == "circle" for ladder in checked.table.ladder) else {"circle"}
    for column in column_types(checked.table, "items", kinds):
        if column not in untitled and not column.startswith("rank"):
            assert _Titles(checked, "zh").column(column) != column, column
            assert _Titles(checked, "en").column(column), column


def test_a_side_is_made_once():
    assert side(TABLE, NUMBERS, ON) is side(TABLE, NUMBERS, ON)
