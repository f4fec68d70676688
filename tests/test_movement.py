"""Comparisons of two settings: closed forms, sums, one result for any way of running, nobody lost."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from settings import ON, SHORTFALL, household, line, setting, table

from hardship.errors import RegisterError
from hardship.inputs import Inputs, open_inputs
from hardship.load import load_table, load_text
from hardship.movement.rerank import Movement, rerank
from hardship.movement.screen import render
from hardship.movement.setting import Wanted, open_settings
from hardship.roots import default_roots
from hardship.score import score
from hardship.standards import load_standards, standards
from hardship.synthesis import synthesize

COUNTY = default_roots()[0] / "county_model" / "2018-01-01.toml"
HOUSEHOLDS = 20_000


def raised(inputs: Inputs, by: Fraction) -> Inputs:
    """The same setting with all dibao standards multiplied."""
    rows = (
        dataclasses.replace(row, value=row.value * by) if row.parameter == "dibao_standard" else row
        for row in inputs.standards.rows
    )
    return dataclasses.replace(inputs, standards=standards(rows))


@pytest.fixture(scope="module")
def county() -> Inputs:
    """A made-up county under the model table."""
    checked = load_table(COUNTY)
    register = synthesize(HOUSEHOLDS, 7, attributes=checked.names.attributes)
    return Inputs(register, checked, load_standards(), ON, False, {})


@pytest.fixture(scope="module")
def rise(county: Inputs) -> Movement:
    """The county through a rise of 10 %."""
    return rerank(county, raised(county, Fraction(11, 10)))


def test_nothing_changes_where_nothing_differs(county: Inputs) -> None:
    moved = rerank(county, county)
    assert moved.changed.height == 0
    assert moved.run["factors"] == []
    assert moved.run["runs"] == 1
    assert moved.frame.height == HOUSEHOLDS
    assert moved.frame["kind"].unique().to_list() == ["same"]
    off = moved.matrix.filter(pl.col("state_before") != pl.col("state_after"))
    assert off["households"].sum() == 0
    assert moved.totals.select(pl.col("^.*_difference$").abs().sum()).row(0) == (0, 0, Decimal(0), Decimal(0))


def test_another_spelling_of_the_same_standards_is_no_difference(county: Inputs) -> None:
    later = dataclasses.replace(county, standards=standards([*county.standards.rows[1:], county.standards.rows[0]]))
    assert rerank(county, later).run["factors"] == []


def test_a_rise_moves_exactly_the_households_between_the_lines() -> None:
    wages = [599.99, 600, 600.01, 659.99, 660, 660.01]
    people = [household(f"H{k}", str(wage)) for k, wage in enumerate(wages)]
    moved = rerank(setting(table(), [line("600")], people), setting(table(), [line("660")], people))
    # Below 600 in already; 600.00 to 659.99 enter; 660.00 and above stay out. The shortfall of each by hand.
    assert moved.frame["kind"].to_list() == ["raised", "entered", "entered", "entered", "same", "same"]
    assert moved.frame["state_after"].to_list() == ["dibao"] * 4 + ["none"] * 2
    shortfalls = [Decimal(text) for text in ("60.01", "60.00", "59.99", "0.01", "0.00", "0.00")]
    assert moved.frame["amount_after"].to_list() == shortfalls
    assert moved.frame["amount_before"].to_list() == [Decimal("0.01"), *[Decimal("0.00")] * 5]
    assert moved.frame["cause"].to_list() == ["", "standard", "standard", "standard", "", ""]
    assert moved.frame["amount_by_standard"].to_list() == [36_000, 36_000, 35_994, 6, 0, 0]


def test_in_a_county_the_movers_are_those_between_the_lines(county: Inputs) -> None:
    low, high = Fraction(600), Fraction(660)
    before = dataclasses.replace(county, checked=table(), standards=setting(table(), [line("600")], []).standards)
    after = dataclasses.replace(before, standards=setting(table(), [line("660")], []).standards)
    moved = rerank(before, after)
    members = county.register.frames["member"].group_by("household", maintain_order=True)
    sums = members.agg(pl.len().alias("n"), pl.col("wage_month").sum().alias("fen"), pl.col("wage_month").null_count())
    between = (pl.col("fen") >= int(low * 100) * pl.col("n")) & (pl.col("fen") < int(high * 100) * pl.col("n"))
    known = sums.filter(between & (pl.col("wage_month") == 0))
    wanted = county.register.frames["household"]["household_id"].gather(known["household"]).to_list()
    assert len(wanted) > 50
    assert moved.frame.filter(pl.col("kind") == "entered")["household_id"].to_list() == sorted(wanted)
    assert moved.frame.filter(pl.col("state_before") != pl.col("state_after"))["household_id"].len() == len(wanted)


def test_an_income_of_50_000_that_becomes_52_500_is_5_per_cent_more() -> None:
    # A year's income of one person: 50,000 / 12 = 4,166.67 a month, 52,500 / 12 = 4,375.00. Of the amount before.
    yearly = load_text(YEARLY)
    one, two = (
        setting(
            yearly,
            [],
            [
                household("H1", "0", income_year_before=Decimal(year)),
                household("H2", "0", income_year_before=Decimal(0)),
            ],
        )
        for year in ("50000", "52500")
    )
    there, back = rerank(one, two), rerank(two, one)
    assert there.run["factors"] == ["data"]
    assert there.frame["income_before"].to_list() == [Decimal("4166.67"), Decimal("0.00")]
    assert there.frame["income_after"].to_list() == [Decimal("4375.00"), Decimal("0.00")]
    assert there.frame["income_percent"].to_list() == [Decimal("5.00"), None]
    assert back.frame["income_percent"].to_list() == [Decimal("-4.76"), None]
    # A table without benefits has no budget to show.
    for lang, word in (("en", "budget a month"), ("zh", "月资金：")):
        assert word not in render(there, there.run, Path("out"), lang).partition("\n\n")[2]


YEARLY = """[table]
id = "yearly"
version = 2018-01-01
title = { zh = "年", en = "Yearly" }
place = { zh = "某地", en = "Somewhere" }
currency = "CNY"
[results]
income_per_head = "income_year_before"
[rank]
keys = [{ value = "income_year_before", order = "ascending" }]
"""


def test_the_matrix_and_the_totals_sum_to_the_register(county: Inputs, rise: Movement) -> None:
    assert rise.matrix["households"].sum() == HOUSEHOLDS
    assert rise.matrix["persons"].sum() == rise.frame["persons_after"].sum()
    assert len(rise.matrix) == len(rise.matrix["state_before"].unique()) ** 2
    sums = pl.col("^(households|persons|month|year)_.*$").sum()
    whole = rise.totals.filter((pl.col("level") == "all") & (pl.col("residence") == "")).select(sums).row(0)
    for level in ("all", "province", "city", "county", "township", "village"):
        there = rise.totals.filter(pl.col("level") == level)
        assert there.filter(pl.col("residence") == "").select(sums).row(0) == whole
        assert there.filter(pl.col("residence") != "").select(sums).row(0) == whole
    paid = rise.frame.select(pl.col("amount_before", "amount_after").sum()).row(0)
    assert paid == (rise.totals["month_before"][0], rise.totals["month_after"][0])
    assert rise.totals["year_after"][0] == 12 * paid[1]
    assert rise.matrix.select(pl.col("amount_before", "amount_after").sum()).row(0) == paid
    (sixths,) = rise.causes.filter(pl.col("factor") == "standard")["amount_sixths"]
    assert sixths == 600 * (paid[1] - paid[0])


def test_both_sides_are_what_score_says(county: Inputs, rise: Movement) -> None:
    for name, one in (("before", rise.before), ("after", rise.after)):
        results = score(one.register, one.checked, one.standards, one.on).frame
        pairs = {
            "outcome": "outcome", "index": "index", "income": "income_per_head", "gap": "gap_to_next_line",
            "benefit": "benefit_month", "position": "position", "rank": "rank",
        }  # fmt: skip
        for column, known in pairs.items():
            assert rise.frame[f"{column}_{name}"].equals(results[known], check_names=False), column
        state = results["circle"].fill_null("incomplete")
        assert rise.frame[f"state_{name}"].equals(state, check_names=False)
        told = results["missing"].replace("", None).fill_null(results["vetoes"])
        assert rise.frame[f"reason_{name}"].equals(told, check_names=False)


def test_one_hash_for_threads_blocks_and_row_orders(county: Inputs, rise: Movement, tmp_path: Path) -> None:
    digest = rise.sha256
    assert rerank(rise.before, rise.after, threads=1, block=37).sha256 == digest
    small = synthesize(400, 3, attributes=county.checked.names.attributes)
    from hardship.reading.write_register import write_frames

    found = set()
    for number, form in enumerate(("csv", "parquet", "csv", "xlsx")):
        folder = tmp_path / str(number)
        write_frames([small.frames], folder, county.checked.names.attributes, form)
        if number == 2:
            shuffle(folder)
        path = folder if form != "xlsx" else next(folder.glob("*.xlsx"))
        before, after = open_settings(
            path, Wanted("county_model", ON), Wanted("county_model", dt.date(2018, 9, 1)), mapping=None
        )
        found.add(rerank(before, raised(after, Fraction(11, 10))).sha256)
    assert len(found) == 1


def shuffle(folder: Path) -> None:
    """Put the rows of every file into another order."""
    for path in folder.glob("*.csv"):
        head, *rows = path.read_text(encoding="utf-8").splitlines()
        order = np.random.default_rng(1).permutation(len(rows))
        path.write_text("\n".join([head, *(rows[k] for k in order)]) + "\n", encoding="utf-8")


def test_arrived_departed_rejected_and_incomplete_are_all_there(tmp_path: Path) -> None:
    small, rows = table(), [line("600")]
    old = [household("A", "100"), household("B", "100"), household("C", "100"), household("E", "100")]
    new = [household("B", "100"), household("C", "100"), household("D", "700"), household("E", "100")]
    new[1] = household("C", "")
    # E has no standard after: a row for its area only before.
    old[3]["household"]["area_code"] = new[3]["household"]["area_code"] = "420000"
    moved = rerank(
        setting(small, [line("600", area="31"), line("500", area="42")], old),
        setting(small, [line("600", area="31")], new),
    )
    frame = moved.frame
    assert frame["household_id"].to_list() == ["A", "B", "C", "D", "E"]
    assert frame["kind"].to_list() == ["departed", "same", "unscored", "arrived", "unscored"]
    assert frame["state_before"].to_list() == ["dibao", "dibao", "dibao", "absent", "dibao"]
    assert frame["state_after"].to_list() == ["absent", "dibao", "incomplete", "none", "rejected"]
    assert frame["reason_after"].to_list() == ["", "", "wage_month", "", "no_standard"]
    assert frame["cause"].to_list() == ["data", "", "data", "data", "standard"]
    # Nothing is paid to who is not there; what cannot be scored has no shares.
    assert frame["amount_by_data"].to_list() == [-300_000, 0, None, 0, None]
    assert moved.matrix["households"].sum() == 5
    left = moved.causes.filter(pl.col("factor") == "unattributed")
    assert left["amount_sixths"].to_list() == [-(50_000 + 40_000) * 6]
    whole = moved.totals.row(0, named=True)
    assert (whole["arrived"], whole["departed"], whole["incomplete_after"], whole["rejected_after"]) == (1, 1, 1, 1)
    assert rows


def test_households_that_the_register_rejects_are_named_with_the_reason(tmp_path: Path) -> None:
    households = (
        "household_id,area_code\nA,310101001001\nB,310101001001\nB,310101001001\n,310101001001\nC,310101001001\n"
    )
    for name, wage in (("old", "100"), ("new", "many")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "households.csv").write_text(households, encoding="utf-8")
        members = f"household_id,member_id,wage_month\nA,1,{wage}\nB,1,100\nC,1,100\n"
        (folder / "members.csv").write_text(members, encoding="utf-8")
        (folder / "supporters.csv").write_text("household_id,member_id,supporter_id\n", encoding="utf-8")
    text = tmp_path / "small.toml"
    text.write_text(_text(), encoding="utf-8")
    rows = tmp_path / "rows.csv"
    rows.write_text(
        "parameter,area_code,residence,effective_from,value,unit,status,source\n"
        "line,,,2018-01-01,600,money/month,illustrative,\n",
        encoding="utf-8",
    )
    first = Wanted(str(text), ON, (rows,))
    moved = rerank(*open_settings(tmp_path / "old", first, dataclasses.replace(first, register=tmp_path / "new")))
    frame = moved.frame
    assert frame["household_id"].to_list() == ["A", "B", "C"]
    assert frame["state_before"].to_list() == ["dibao", "rejected", "dibao"]
    assert frame["state_after"].to_list() == ["rejected", "rejected", "dibao"]
    assert frame["reason_before"].to_list() == ["", "duplicate_household;household_rejected", ""]
    assert frame["reason_after"].to_list() == [
        "bad_number;member_rejected",
        "duplicate_household;household_rejected",
        "",
    ]
    assert frame["kind"].to_list() == ["unscored", "same", "same"]
    for name, scored in (("before", 2), ("after", 1)):
        counts = moved.run[name]["counts"]["households"]
        assert counts == {"in": 5, "scored": scored, "rejected": 5 - scored}


def _text() -> str:
    from settings import BODY, HEAD

    body = BODY.replace("SHARE", SHORTFALL).replace("IN", "dibao").replace("MORE", "")
    return HEAD.replace("VERSION", "2018-01-01") + body


def test_a_register_is_read_once_where_both_sides_share_it(tmp_path: Path, county: Inputs) -> None:
    from hardship.synthesis import write

    write(300, 2, tmp_path / "register")
    first = Wanted("county_model", ON)
    before, after = open_settings(tmp_path / "register", first, dataclasses.replace(first, on=dt.date(2018, 7, 2)))
    assert before.register is after.register
    # Somebody is not born yet on the earlier day: then each side reads for itself.
    before, after = open_settings(tmp_path / "register", dataclasses.replace(first, on=dt.date(2018, 1, 2)), first)
    born = open_inputs(tmp_path / "register", "county_model", ON).register.frames["member"]["birth_date"]
    assert (before.register is not after.register) == bool((born > 2018_01_02).any())


def test_nobody_left_is_told_with_the_reasons() -> None:
    people = [household("A", "100")]
    with pytest.raises(RegisterError) as error:
        rerank(setting(table(), [line("600")], people), setting(table(), [line("600", "2019-01-01")], people))
    assert error.value.faults[0].code == "common.nothing_left"


def test_a_quick_comparison_has_everything_but_the_causes(rise: Movement) -> None:
    quick = rerank(rise.before, rise.after, quick=True)
    causes = [name for name in rise.frame.columns if name == "cause" or "_by_" in name]
    assert quick.frame.drop(causes).equals(rise.frame.drop(causes))
    assert quick.frame["amount_by_standard"].null_count() == HOUSEHOLDS
    assert quick.run["runs"] == 2


def test_tables_that_declare_an_attribute_otherwise_are_compared_without_causes() -> None:
    own = """[[attribute]]
name = "grade"
title = { zh = "级", en = "Grade" }
level = "household"
type = "enum"
values = [VALUES]
[[output]]
name = "is_low"
expr = "grade == 'low'"
"""
    values = [f'{{ value = "{name}", title = {{ zh = "级", en = "G" }} }}' for name in ("high", "low")]
    first = table(more=own.replace("VALUES", ", ".join(values)))
    second = table("2018-06-01", more=own.replace("VALUES", ", ".join(values[::-1])))
    sides = [
        setting(one, [line(low)], [household("A", "550", grade="low")])
        for one, low in ((first, "600"), (second, "500"))
    ]
    moved = rerank(*sides)
    assert moved.run["factors"] == ["standard", "table", "data"]
    assert moved.frame["state_after"].to_list() == ["none"]
    assert moved.frame["cause"].to_list() == ["unattributed"]
    assert moved.frame["amount_by_standard"].to_list() == [None]


@pytest.mark.parametrize(("name", "on"), [("huizhou", "2019-07-01"), ("shanxi", "2022-10-01")])
def test_members_assessed_alone_are_paid_for_too(name: str, on: str) -> None:
    from hardship.load import find_table

    day = dt.date.fromisoformat(on)
    checked = load_table(find_table(name, day)[0])
    register = synthesize(2_000, 11, attributes=checked.names.attributes)
    before = Inputs(register, checked, load_standards(), day, False, {})
    moved = rerank(before, raised(before, Fraction(11, 10)))
    for side, one in (("before", moved.before), ("after", moved.after)):
        results = score(one.register, one.checked, one.standards, one.on)
        assert results.persons is not None
        meet = results.persons.filter(pl.col("outcome") == "meets")
        alone = meet.group_by("household_id").agg(pl.len().alias("n"), pl.col("benefit_month").sum().alias("paid"))
        whole = results.frame.join(alone, on="household_id", how="left", maintain_order="left")
        complete = pl.col("outcome") != "incomplete"
        wanted = whole.select(
            pl.when(complete).then(pl.col("n").fill_null(0)).alias("n"),
            (pl.col("benefit_month") + pl.col("paid").fill_null(0)).alias("amount"),
        )
        assert moved.frame[f"alone_{side}"].equals(wanted["n"].cast(pl.UInt32), check_names=False)
        assert moved.frame[f"amount_{side}"].equals(wanted["amount"].cast(pl.Decimal(18, 2)), check_names=False)
        assert wanted["n"].sum() > 0
        # Persons who get something: the members that count where the household meets, and those who meet alone.
        counts = register.frames["member"].with_columns(
            household_id=register.frames["household"]["household_id"].gather(register.frames["member"]["household"])
        )
        legal = [entry.value for entry in checked.names.attributes["member_counted"].values].index("counted")
        met = results.frame.filter(pl.col("outcome") == "meets").select("household_id")
        inside = counts.filter(pl.col("member_counted") == legal).join(met, on="household_id", how="semi")
        both = pl.concat([one.select("household_id", "member_id") for one in (inside, meet)]).unique()
        (persons,) = moved.totals.filter((pl.col("level") == "all") & (pl.col("residence") == ""))[f"persons_{side}"]
        complete_ids = results.frame.filter(pl.col("outcome") != "incomplete")["household_id"]
        assert persons == both.filter(pl.col("household_id").is_in(complete_ids.implode())).height
