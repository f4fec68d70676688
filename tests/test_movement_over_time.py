"""What is kept: amounts inside a review period, results by an older version, gradual exits; each by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest
from settings import household, line, setting, table

from hardship.cases import case_standards, read_case
from hardship.errors import TableError
from hardship.inputs import Inputs
from hardship.limits import EXIT_MONTHS
from hardship.load import find_table, load_table
from hardship.movement.rerank import Movement, exit_ends, rerank
from hardship.reading.plain import plain_household, register_of
from hardship.roots import default_roots
from hardship.standards import parsed, standards

CASES = default_roots()[-1].parent / "tests" / "cases"
REVIEW = """[[constant]]
name = "interval"
title = { zh = "间隔", en = "Interval" }
value = 12
[review]
when = "circle != 'none'"
months = "interval"
since = "last_review_date"
"""
KEEP = REVIEW + '[transition]\nrule = "keep_until_review"\nunless = "circumstances_changed"\n'


def day(text: str) -> dt.date:
    """A date."""
    return dt.date.fromisoformat(text)


def two_versions(more: str, *people: dict[str, object], circle: str = "dibao") -> Movement:
    """Version 1 pays the shortfall to 600, version 2 to 500 (another table, the same standards)."""
    less = "max(0, line * persons - wages - line + line)"
    before = setting(table("2018-01-01"), [line("600")], people)
    after = setting(table("2018-06-01", share=less, more=more, circle=circle), [line("500")], people)
    return rerank(before, after)


def people() -> list[dict[str, object]]:
    """Wages of 550: in at 600, out at 500. Reviewed lately, long ago, never; changed; and one at 450."""
    changed = {"circumstances_changed": True}
    return [
        household("A", "450", last_review_date=day("2018-01-15")),
        household("B", "450", last_review_date=day("2017-07-01")),
        household("C", "450"),
        household("D", "450", last_review_date=day("2018-01-15"), **changed),
        household("E", "700", last_review_date=day("2018-01-15")),
    ]


def test_without_a_transition_everyone_is_judged_anew_and_that_is_said() -> None:
    moved = two_versions("", *people())
    assert moved.run["transition"] == {"rule": "absent", "kept": 0}
    assert moved.frame["amount_after"].to_list() == [50, 50, 50, 50, 0]
    assert moved.frame["held"].unique().to_list() == [""]


def test_results_are_kept_until_the_review() -> None:
    # 600 − 450 = 150 before, 500 − 450 = 50 after. A: reviewed 15 January 2018, again on 15 January 2019: keeps 150.
    # B: due on 1 July 2018, the day itself: anew. C: no date: anew. D: changed: anew. E: got nothing before: anew.
    moved = two_versions(KEEP, *people())
    assert moved.run["transition"] == {"rule": "keep_until_review", "kept": 1, "source": "", "status": "illustrative"}
    assert moved.frame["amount_before"].to_list() == [150, 150, 150, 150, 0]
    assert moved.frame["amount_after"].to_list() == [150, 50, 50, 50, 0]
    assert moved.frame["held"].to_list() == ["transition", "", "", "", ""]
    assert moved.frame["kind"].to_list() == ["same", "lowered", "lowered", "lowered", "same"]
    assert moved.frame["review_on"].to_list() == [day("2019-01-15"), day("2018-07-01"), None, day("2019-01-15"), None]
    assert moved.frame["amount_by_standard"].to_list() == [0, -60_000, -60_000, -60_000, 0]
    (held,) = moved.totals.filter((pl.col("level") == "all") & (pl.col("residence") == ""))["held"]
    assert held == 1


def test_circles_are_carried_over() -> None:
    # Version 2 calls its circle `support`; `dibao` stands for it. The amount stays, so the change is the table's alone.
    mapped = '[transition]\nrule = "map"\ncircles = { dibao = "support" }\n'
    moved = two_versions(mapped, *people(), circle="support")
    assert moved.frame["state_after"].to_list() == ["support"] * 4 + ["none"]
    assert moved.frame["amount_after"].to_list() == [150, 150, 150, 150, 0]
    assert moved.frame["cause"].to_list() == ["table"] * 4 + [""]
    assert moved.frame["held"].to_list() == ["transition"] * 4 + [""]


def test_a_kept_circle_that_is_nowhere_is_a_fault() -> None:
    with pytest.raises(TableError) as error:
        two_versions(KEEP, *people(), circle="support")
    (fault,) = error.value.faults
    assert (fault.code, fault.params) == ("rerank.transition_circle", {"found": "dibao", "count": 1})


def test_two_tables_are_no_two_versions() -> None:
    before = setting(table(), [line("600")], people())
    after = setting(table("2018-06-01", more=KEEP, table="other"), [line("500")], people())
    assert rerank(before, after).run["transition"] is None


def tekun(household_id: str, **facts: object) -> dict[str, object]:
    """Somebody of 72 in town without income, work or family, who receives tekun."""
    home = {"household_id": household_id, "area_code": "140105001001", "residence_type": "urban"}
    home |= {"current_status": "tekun", "income_stable": True, "circumstances_changed": False}
    home |= {"relative_of_staff": False, "objection_raised": False, "verification_state": "returned", **facts}
    member: dict[str, object] = {"member_id": "1", "birth_date": day("1950-03-01"), "member_counted": "counted"}
    member |= {"labour_ability": "none", "disability_grade": 0, "severe_illness_code": "none", "orphan": False}
    member |= {"child_without_care": False, "wage_month": 0, "business_income_year": 0, "property_income_year": 0}
    return {"household": home, "members": [member]}


def test_shanxi_s_longer_intervals_leave_what_was_decided() -> None:
    """Until 29 August 2022 tekun is (here) 1.3 times 628.00 = 816.40, from the next day 1.35 times = 847.80.

    A: reviewed 1 April: 4 months, held by both versions at what was paid, and left by the transition: 816.40.
    B: reviewed 15 January with 800.00: 7 months are over the former 6, so 816.40 was due. By the new 12 alone it would
       be held again, at 800.00; the transition leaves 816.40 until 15 January 2023.
    C: reviewed 30 August 2021: 12 months have passed on the day itself: 847.80.
    D: like B, but circumstances changed: 847.80.   E: receives nothing yet, so nothing is reviewed: 847.80.
    """
    given = [
        tekun("A", last_review_date=day("2022-04-01"), previous_benefit_month=Decimal("816.40")),
        tekun("B", last_review_date=day("2022-01-15"), previous_benefit_month=800),
        tekun("C", last_review_date=day("2021-08-30"), previous_benefit_month=800),
        tekun("D", last_review_date=day("2022-01-15"), previous_benefit_month=800, circumstances_changed=True),
        tekun("E", current_status="none"),
    ]
    sides = []
    numbers = case_standards(read_case(CASES / "shanxi" / "2022-08-30" / "03_tekun.toml"))
    for on in (day("2022-08-29"), day("2022-08-30")):
        checked = load_table(find_table("shanxi", on)[0])
        attributes = checked.names.attributes
        register = register_of([plain_household(one, attributes) for one in given], attributes)
        sides.append(Inputs(register, checked, numbers, on, False, {}))
    moved = rerank(*sides)
    assert moved.run["transition"]["rule"] == "keep_until_review"
    assert [str(amount) for amount in moved.frame["amount_before"]] == ["816.40"] * 5
    assert [str(amount) for amount in moved.frame["amount_after"]] == ["816.40", "816.40"] + ["847.80"] * 3
    assert moved.frame["held"].to_list() == ["transition", "transition", "", "", ""]
    due = ["2023-04-01", "2023-01-15", "2022-08-30", "2023-01-15"]
    assert moved.frame["review_on"].to_list() == [*map(day, due), None]


def shipped(name: str, *standard: str, **facts: object) -> tuple[Inputs, Inputs]:
    """The households of a shipped worked case, before and after, under its table and standards.

    `standard`: the dibao standard a month before and after, instead of the case's; `facts` replace the household's.
    """
    table_id, version, file = name.split("/")
    case = read_case(CASES / table_id / version / f"{file}.toml")
    checked = load_table(find_table(f"{table_id}@{version}", case.on)[0])
    attributes = checked.names.attributes
    given = [{**one, "household": {**one["household"], **facts}} for one in case.households]
    register = register_of([plain_household(one, attributes) for one in given], attributes)
    numbers = [case_standards(case)] * 2
    if standard:
        others = [row for row in numbers[0].rows if row.parameter != "dibao_standard"]
        numbers = [standards([*others, parsed(dibao(value), "rows", 1)]) for value in standard]
    before, after = (Inputs(register, checked, one, case.on, False, {}) for one in numbers)
    return before, after


def dibao(value: str) -> dict[str, str]:
    """A dibao standard a month, everywhere."""
    return line(value, "2016-01-01") | {"parameter": "dibao_standard"}


def test_inside_the_review_period_a_rise_changes_no_amount() -> None:
    """Shanxi: the case of a household inside its interval; the standard rises from 628 to 700."""
    seen = 0
    for path in sorted((CASES / "shanxi" / "2022-08-30").glob("0*.toml")):
        frame = rerank(*shipped(f"shanxi/2022-08-30/{path.stem}", "628", "700")).frame
        held = frame.filter(pl.col("held") == "review")
        seen += held.height
        assert held["kind"].unique().to_list() in ([], ["same"])
        assert held["amount_before"].equals(held["amount_after"], check_names=False)
    assert seen >= 3


@pytest.mark.parametrize(
    ("name", "months", "amount", "until", "total"),
    [
        # Able: 180 a month for 6 months from 1 July 2018, to the end of December. Weak or none: 12 months, to 30 June.
        ("08_exit_six", 6, "180.00", "2018-12-31", "1080.00"),
        ("09_exit_twelve", 12, "180.00", "2019-06-30", "2160.00"),
    ],
)
def test_leavers_get_the_schedule_of_their_table(name: str, months: int, amount: str, until: str, total: str) -> None:
    moved = rerank(*shipped(f"shangluo/2018-01-01/{name}"))
    row = moved.exits.row(0, named=True)
    assert (row["months"], row["amount"]) == (months, Decimal(amount))
    assert (row["first"], row["until"], row["total"]) == (day("2018-07-01"), day(until), Decimal(total))


def test_an_exit_is_never_above_the_standard_of_all_persons() -> None:
    # One person, 3,600 a year: 300.00 a month, though 500 was paid before.
    moved = rerank(*shipped("shangluo/2018-01-01/08_exit_six", previous_benefit_month=500))
    assert moved.exits["amount"].to_list() == [Decimal("300.00")]
    # Shanghai, one person at 970: 970.00 though 1,200 was paid.
    moved = rerank(*shipped("shanghai/2017-04-01/10_gradual_exit", previous_benefit_month=1200))
    assert moved.exits["amount"].unique().to_list() == [Decimal("970.00")]


def test_the_longest_exit_from_the_last_day_has_an_end() -> None:
    """999 months are 83 years and 3 months: from 31 December 2299 they have passed on 31 March 2383."""
    found = exit_ends(dt.date(2299, 12, 31), pl.Series([EXIT_MONTHS, 0, None], dtype=pl.Int64))
    assert found.to_list() == [dt.date(2383, 3, 30), None, None]
