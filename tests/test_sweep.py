"""What-ifs: every setting gives what a run of its own gives; amounts are exact; faults are told before any work."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from hardship import cli
from hardship.errors import EngineError, RegisterError, UsageError
from hardship.inputs import open_table
from hardship.load import load_text
from hardship.score import score
from hardship.standards import StandardRow, load_standards, standards
from hardship.sweep import known
from hardship.sweep.apply import Rounding, changed_value, parse_rounding, targets
from hardship.sweep.run import sweep
from hardship.sweep.settings import AS_IT_IS, Change, Setting, grid, parse_set, read_series
from hardship.synthesis import synthesize

ON = dt.date(2018, 7, 1)
COUNTY = Path("scoring_tables/county_model/2018-01-01.toml")
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def register():
    return synthesize(500, 7)


@pytest.fixture(scope="module")
def county():
    return open_table("county_model", ON)[0]


@pytest.fixture(scope="module")
def numbers():
    return load_standards()


def alone(register, checked, numbers, on=ON):
    """Households and fen by circle and outcome, persons and fen by rule, from a scoring of its own."""
    done = score(register, checked, numbers, on, accepted="test")
    households, fen = Counter(), Counter()
    for circle, outcome, money in done.frame.select("circle", "outcome", "benefit_month").iter_rows():
        households[circle, outcome] += 1
        fen[circle, outcome] += int((money or 0) * 100)
    rejected = register.frames["household"].height - done.frame.height
    if rejected:
        households[None, "rejected"] = rejected
    persons, person_fen = Counter(), Counter()
    if done.persons is not None:
        for rule, outcome, money in done.persons.select("rule", "outcome", "benefit_month").iter_rows():
            if outcome == "meets":
                persons[rule] += 1
                person_fen[rule] += int(money * 100)
    return households, fen, persons, person_fen


def swept(done, number):
    """The same from one setting of a sweep."""
    part = done.frame.filter((pl.col("setting") == number) & (pl.col("level") == "all"))
    households, fen, persons, person_fen = Counter(), Counter(), Counter(), Counter()
    for rule, circle, outcome, count, people, money in part.select(
        "rule", "circle", "outcome", "households", "persons", "budget_month"
    ).iter_rows():
        if rule is None:
            households[circle, outcome] += count
            fen[circle, outcome] += int((money or 0) * 100)
        else:
            persons[rule] += people
            person_fen[rule] += int((money or 0) * 100)
    return tuple(+counter for counter in (households, fen, persons, person_fen))


def with_standard(numbers, name, change):
    """Standards whose rows of one parameter are changed, in their own unit."""
    return standards(replace(row, value=change(row.value)) if row.parameter == name else row for row in numbers.rows)


@pytest.mark.parametrize(
    ("table", "on", "name"),
    [
        ("county_model", ON, "dibao_standard"),
        ("county_model", ON, "low_income_line"),
        ("huizhou", dt.date(2019, 7, 1), "dibao_standard"),
        ("shanxi", dt.date(2022, 10, 1), "dibao_standard"),
        ("beilin", ON, "dibao_standard"),
        ("dachuan", ON, "dibao_standard"),
        ("national_2021", dt.date(2021, 8, 1), "dibao_standard"),
    ],
)
def test_each_setting_is_what_a_run_of_its_own_gives(table, on, name, numbers):
    checked, _ = open_table(table, on)
    register = synthesize(400, 5)
    done = sweep(register, checked, numbers, on, grid([f"{name}=-20%,+10%,+50%"]), accepted="test")
    for number, factor in enumerate((100, 80, 110, 150)):
        changed = with_standard(numbers, name, lambda value, factor=factor: value * factor / 100)
        expected = alone(register, checked, changed, on)
        assert swept(done, number) == tuple(+counter for counter in expected)
    assert len({str(swept(done, number)) for number in range(4)}) > 1


@effort(max_examples=8)
@given(st.integers(1, 2000), st.integers(-90, 300), st.integers(0, 40))
def test_random_settings_are_what_runs_of_their_own_give(share, more, third):
    checked, numbers, register = open_table("county_model", ON)[0], load_standards(), synthesize(120, 3)
    text = [f"dibao_standard={'+' if more >= 0 else ''}{more}%", f"low_income_line=+{share}", f"circle_three=1.{third}"]
    done = sweep(register, checked, numbers, ON, grid(text), accepted="test")
    changed = with_standard(numbers, "dibao_standard", lambda value: value * (100 + more) / 100)
    yearly = [
        replace(row, value=row.value * 12 if row.unit == "money/month" else row.value, unit="money/year")
        if row.parameter == "low_income_line" else row
        for row in changed.rows
    ]  # fmt: skip
    changed = with_standard(standards(yearly), "low_income_line", lambda value: value + share)
    source = (ROOT / COUNTY).read_text(encoding="utf-8")
    other = load_text(source.replace("value = 1.5\n", f"value = 1.{third}\n", 1))
    assert swept(done, 1) == tuple(+counter for counter in alone(register, other, changed))
    assert swept(done, 0) == tuple(+counter for counter in alone(register, checked, numbers))


def test_points_caps_and_constants_are_changed_in_the_table(register, county, numbers):
    source = (ROOT / COUNTY).read_text(encoding="utf-8")
    assert "medical_cap" in targets(county.table)
    done = sweep(register, county, numbers, ON, grid(["medical_cap=0", "circle_four=3"]), accepted="test")
    changed = source.replace("value = 20_000\n", "value = 0\n", 1).replace("value = 2\n", "value = 2\n")
    at = changed.index('name = "circle_four"')
    changed = changed[:at] + changed[at:].replace("value = 2\n", "value = 3\n", 1)
    assert swept(done, 1) == tuple(+counter for counter in alone(register, load_text(changed), numbers))
    assert swept(done, 1) != swept(done, 0)


def test_every_target_of_a_table_can_be_set(register, county, numbers):
    some = targets(county.table)[::6]
    assert {target.partition(":")[0] for target in some} >= {"points", "cap"}
    same = [Setting(((target, Change("by", Fraction(0))),)) for target in some]
    done = sweep(register, county, numbers, ON, same, accepted="test")
    assert [swept(done, number) for number in range(1, len(same) + 1)] == [swept(done, 0)] * len(same)


def test_areas_add_up_and_threads_do_not_matter(register, county, numbers):
    settings = grid(["dibao_standard=+0%..+30%:10%"])
    done = sweep(register, county, numbers, ON, settings, level="township", threads=1)
    other = sweep(register, county, numbers, ON, settings, level="township", threads=3, block=64)
    assert done.sha256 == other.sha256
    key = ["setting", "rule", "circle", "outcome"]
    sums = done.frame.group_by([*key, "level"]).agg(pl.col("households", "persons", "budget_month").sum()).sort(key)
    whole, parts = (sums.filter(pl.col("level") == level).drop("level") for level in ("all", "township"))
    assert whole.filter(pl.col("households") > 0).equals(parts)
    counted = done.frame.filter((pl.col("level") == "all") & (pl.col("setting") == 2))
    assert counted["households"].sum() == 500
    assert (done.frame["budget_year"] == done.frame["budget_month"] * 12).all()


def test_a_month_is_a_twelfth_of_a_year(register, county, numbers):
    done = sweep(register, county, numbers, ON, grid(["dibao_standard=400/month,4800,4800/year"]))
    assert swept(done, 1) == swept(done, 2) == swept(done, 3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=700", ["700"]),
        ("a=+10%,-2.5%", ["+10%", "-2.5%"]),
        ("a=700..720:10", ["700", "710", "720"]),
        ("a=700..719:10", ["700", "710"]),
        ("a=-10%..+10%:10%", ["-10%", "+0%", "+10%"]),
        ("a=500/month..520/month:10/month", ["500/month", "510/month", "520/month"]),
        ("a=1/3,1/3", ["1/3"]),
        ("constant:a=+0.05", ["+0.05"]),
        ("points:b01:2=5", ["5"]),
    ],
)
def test_amounts_as_people_write_them(text, expected):
    assert [change.text for change in parse_set(text)[1]] == expected


@pytest.mark.parametrize(
    "text",
    ["a", "=5", "a=", "a=1e5", "a=10%", "a=5..1:1", "a=+1..5:1", "a=1..5:0", "a=1..5", "a=nan", "a=1..99999:1", "a=１",
     "a b=1", "a=5,,6", "a=1/0", "a=500/month..600:10"],
)  # fmt: skip
def test_what_is_no_setting_is_told(text):
    with pytest.raises(UsageError) as caught:
        grid([text])
    assert caught.value.faults[0].code.startswith("sweep.")
    assert caught.value.faults[0].text("zh")


def test_a_grid_is_every_combination_and_nothing_twice():
    assert [setting.text for setting in grid(["a=1,2", "b=+5%,+6%"])] == [
        "a=1 b=+5%", "a=1 b=+6%", "a=2 b=+5%", "a=2 b=+6%"
    ]  # fmt: skip
    with pytest.raises(UsageError, match="twice"):
        grid(["a=1", "constant:a=2"])
    with pytest.raises(UsageError, match="at most"):
        grid(["a=1..200:1", "b=1..200:1"])


def test_a_series_comes_from_a_file(tmp_path):
    path = tmp_path / "series.csv"
    path.write_bytes("dibao_standard,near\n+10%,2\n,3\n\n".encode("gb18030"))
    assert [setting.text for setting in read_series(path)] == ["dibao_standard=+10% near=2", "near=3"]
    for content, code in (
        ("a\n", "empty_series"),
        ("a,b\n1\n", "bad_row"),
        ("a\nx\n", "bad_amount"),
        ("ä\n1\n", "bad_set"),
    ):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(UsageError) as caught:
            read_series(path)
        assert caught.value.faults[0].code == f"sweep.{code}"
    with pytest.raises(UsageError):
        read_series(tmp_path / "none.csv")


def test_percentages_are_exact_or_an_error(county):
    parameter = next(one for one in county.table.parameter if one.name == "dibao_standard")
    assert changed_value(Fraction(880), Change("percent", Fraction(10)), parameter, None) == 968
    assert changed_value(Fraction(880), Change("percent", Fraction("1.25")), parameter, None) == 891
    with pytest.raises(UsageError) as caught:  # 335.55 · 1.033 = 346.62315
        changed_value(Fraction("335.55"), Change("percent", Fraction("3.3")), parameter, None)
    assert "346.62 / 346.63" in caught.value.text("en")
    assert "--round" in caught.value.text("zh")
    for text, expected in (("half_up", "346.62"), ("ceil", "346.63"), ("floor:10", "340"), ("half_up:10", "350")):
        found = changed_value(Fraction("335.55"), Change("percent", Fraction("3.3")), parameter, parse_rounding(text))
        assert found == Fraction(expected)
    with pytest.raises(UsageError) as caught:
        changed_value(Fraction(880), Change("percent", Fraction(-100)), parameter, None)
    assert caught.value.faults[0].code == "sweep.bounds"


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [
        ("half_up", "2.5", 3), ("half_up", "-2.5", -3), ("half_up", "-2.4", -2), ("half_even", "2.5", 2),
        ("half_even", "3.5", 4), ("floor", "-0.1", -1), ("ceil", "0.1", 1), ("ceil", "2", 2),
    ],
)  # fmt: skip
def test_rounding_is_the_language_s(mode, value, expected):
    assert Rounding(mode).rounded(Fraction(value), Fraction(1)) == expected


def test_faults_of_settings_name_what_is_meant(register, county, numbers):
    for text, code in (
        ("dibao_standart=700", "no_target"), ("points:nothing=1", "no_target"), ("cap:dibao_standard=1", "no_target"),
        ("circle_three=1/month", "no_time"), ("dibao_standard=99999999", "bounds"),
        ("months_in_year=100000000000000", "unfit"),
    ):  # fmt: skip
        with pytest.raises(UsageError) as caught:
            sweep(register, county, numbers, ON, grid([text]), accepted="test")
        assert caught.value.faults[0].code == f"sweep.{code}", text
    with pytest.raises(UsageError, match="Did you mean `dibao_standard`"):
        sweep(register, county, numbers, ON, grid(["dibao_standart=700"]))
    with pytest.raises(UsageError):
        parse_rounding("up")
    with pytest.raises(UsageError):
        parse_rounding("floor:0")


def test_households_without_a_standard_stay_without(county, numbers, register):
    none = standards(row for row in numbers.rows if row.parameter != "dibao_standard")
    with pytest.raises(RegisterError):
        sweep(register, county, none, ON, grid(["dibao_standard=5000"]))


def test_the_command_writes_the_curve_and_a_picture_with_letters(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HARDSHIP_LANG", "zh")
    folder, out = tmp_path / "register", tmp_path / "curve"
    assert cli.run(["synth", "--households", "250", "--seed", "2", "--out", str(folder)]) == 0
    call = ["whatif", str(folder), "--table", "county_model", "--on", "2018-07-01", "--out", str(out)]
    assert cli.run([*call, "--set", "dibao_standard=+0%,+10%", "--by", "county"]) == 0
    shown = capsys.readouterr().out
    assert "现行" in shown
    assert "dibao_standard=+10%" in shown
    assert {path.name for path in out.iterdir()} == {"curve.parquet", "curve.csv", "curve.svg", "curve.png", "run.json"}
    run = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert run["kind"] == "whatif"
    assert run["settings"] == ["", "dibao_standard=+0%", "dibao_standard=+10%"]
    assert run["sources"]["register"] == ["../register"]
    frame = pl.read_parquet(out / "curve.parquet")
    assert frame.columns[:3] == ["setting", "dibao_standard", "level"]
    svg = (out / "curve.svg").read_text(encoding="utf-8")
    assert "低保标准变动 (%)" in svg
    assert svg.count("<text") > 20
    # Again, without charts: the old pictures do not stay.
    assert cli.run([*call, "--set", "dibao_standard=+5%", "--chart", "none"]) == 0
    assert {path.name for path in out.iterdir()} == {"curve.parquet", "curve.csv", "run.json"}
    assert cli.run([*call]) == 2
    assert cli.run([*call, "--set", "dibao_standard=+0.001%"]) == 2
    assert "取整" in capsys.readouterr().err


def test_results_of_another_kind_are_not_overwritten(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.json").write_text('{"schema": 1}', encoding="utf-8")
    call = ["whatif", "x", "--table", "county_model", "--on", "2018-07-01", "--out", str(tmp_path / "out")]
    assert cli.run([*call, "--set", "dibao_standard=+5%"]) == 2


def test_as_it_is_changes_nothing():
    assert AS_IT_IS.text == ""


LINE = """[table]
id = "t"
version = 2018-01-01
title = { zh = "表", en = "Table" }
place = { zh = "某地", en = "Somewhere" }
currency = "CNY"
[[parameter]]
name = "line"
title = { zh = "线", en = "line" }
unit = "money/month"
bounds = [1, 100000]
[[constant]]
name = "most"
title = { zh = "上限", en = "most" }
value = 2
[[derive]]
name = "wages"
unit = "money/month"
expr = "sum(or_else(member.wage_month, 0))"
[[derive]]
name = "persons"
expr = "count(member)"
[[require]]
id = "size"
value = "persons"
at_least = 1
at_most = 5
outside = "reject"
[[ladder]]
id = "circle"
title = { zh = "档", en = "circle" }
otherwise = { id = "none", title = { zh = "外", en = "none" } }
rung = [
  { id = "poor", title = { zh = "贫", en = "poor" }, tests = [{ value = "wages / persons", below = "line" }] },
  { id = "small", title = { zh = "小", en = "small" }, also = "persons <= most" },
]
[rank]
keys = [{ value = "wages / persons", order = "ascending" }]
"""


def test_rejected_households_and_a_table_without_a_benefit(register):
    checked = load_text(LINE)
    begins = dt.date(2018, 1, 1)
    line = StandardRow("line", "370828101", "", begins, Fraction(600), "money/month", "illustrative", "", "x", 1)
    numbers = standards([line])
    done = sweep(register, checked, numbers, ON, grid(["line=900", "most=3"]), accepted="test")
    other = load_text(LINE.replace("value = 2\n", "value = 3\n"))
    raised = standards([replace(line, value=Fraction(900))])
    for number, (table, rows) in enumerate(((checked, numbers), (other, raised))):
        found = swept(done, number)
        assert found == tuple(+counter for counter in alone(register, table, rows))
        assert found[0][None, "rejected"] > 400  # outside the one township with a standard, or too many persons
    assert {"poor", "small", "none"} <= set(done.frame["circle"].drop_nulls())
    assert done.frame["budget_month"].null_count() == done.frame.height


def test_a_chart_of_settings_that_have_no_common_axis(register, county, numbers):
    from hardship.charts import to_svg
    from hardship.inputs import Inputs
    from hardship.sweep.chart import chart

    settings = grid(["dibao_standard=+5%,5000"])
    done = sweep(register, county, numbers, ON, settings, accepted="test")
    drawn = to_svg(chart(done, Inputs(register, county, numbers, ON, False, {}), "en"))
    assert "Number of the setting" in drawn


def test_what_ifs_are_believed_after_known_counts_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hardship.sweep.known.EXPECTED", [])
    known.check.cache_clear()
    with pytest.raises(EngineError):
        known.check()
    monkeypatch.undo()
    known.check()
