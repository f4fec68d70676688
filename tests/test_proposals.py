"""Tests of a proposed standard: each factor at its edge and one unit beside it, what is missing, faulty files."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from hardship import cli
from hardship.errors import TableError, UsageError
from hardship.proposals.judge import Finding, check_proposal
from hardship.proposals.rules import load_rules, packaged_rules
from hardship.proposals.words import proposal_record, render
from hardship.standards import StandardRow, load_standards, parsed, standards

EXAMPLES = Path(__file__).resolve().parents[1] / "examples" / "proposed_standard"
APRIL = dt.date(2017, 4, 1)
NOTHING = standards(())
UNITS = {"disposable_income_growth": "", "consumer_price_growth": "", "consumption_year_before": "money/year"}
SHANGHAI = {
    ("dibao_standard", "2016-01-01"): "880",
    ("dibao_standard", "2017-04-01"): "970",
    ("disposable_income_growth", "2016-01-01"): "0.089",
    ("consumer_price_growth", "2016-01-01"): "0.03",
    ("living_expenditure_rise", "2017-01-01"): "60",
    ("resource_price_rise", "2017-01-01"): "20",
    ("minimum_wage", "2017-04-01"): "2400",
}
KEYS = {name: (name, date) for name, date in SHANGHAI}  # of the standard the later date


def row(parameter: str, date: str, value: str, area: str = "31", residence: str = "") -> StandardRow:
    cells = {
        "parameter": parameter,
        "area_code": area,
        "residence": residence,
        "effective_from": date,
        "value": value,
        "unit": UNITS.get(parameter, "money/month"),
        "status": "illustrative",
    }
    return parsed(cells, "proposal.csv", 2)


def shanghai(**changed: str | None) -> list[StandardRow]:
    """The worked proposal with some numbers changed or taken away."""
    values = SHANGHAI | {KEYS[name]: value for name, value in changed.items()}
    return [row(name, date, value) for (name, date), value in values.items() if value is not None]


def verdicts(findings: list[Finding]) -> dict[str, str]:
    return {one.check.id.removeprefix("shanghai_"): one.verdict for one in findings}


def test_the_worked_proposal_of_2017_passes_all_five_factors():
    # 90 / 880 = 0.10227... > 0.089 and > 0.03; 90 > 60; 970 / 2400 = 0.404166... in 0.35 ... 0.45; 90 - 60 = 30 >= 20.
    findings = check_proposal(load_standards(), load_standards([EXAMPLES / "shanghai_2017.csv"]).rows, APRIL)
    assert verdicts(findings) == dict.fromkeys(["income", "prices", "expenditure", "wage", "room"], "passed")
    assert [(str(side.value), str(side.edge)) for one in findings for side in one.sides] == [
        ("9/88", "89/1000"), ("9/88", "3/100"), ("90", "60"), ("97/240", "7/20"), ("97/240", "9/20"), ("30", "20"),
    ]  # fmt: skip
    assert {one.area for one in findings} == {"31"}
    assert {one.residence for one in findings} == {""}


@pytest.mark.parametrize(
    ("factor", "changed", "verdict"),
    [
        # 88 / 880 = 0.1, and "above" leaves the edge out.
        ("income", {"dibao_standard": "968", "disposable_income_growth": "0.1"}, "failed"),
        ("income", {"dibao_standard": "968.01", "disposable_income_growth": "0.1"}, "passed"),
        ("income", {"dibao_standard": "967.99", "disposable_income_growth": "0.1"}, "failed"),
        ("income", {"disposable_income_growth": "0.102272"}, "passed"),  # 90 / 880 = 0.1022727...
        ("income", {"disposable_income_growth": "0.102273"}, "failed"),
        ("prices", {"dibao_standard": "968", "consumer_price_growth": "0.1"}, "failed"),
        ("prices", {"dibao_standard": "968", "consumer_price_growth": "0.099999"}, "passed"),
        ("prices", {"dibao_standard": "968", "consumer_price_growth": "0.100001"}, "failed"),
        ("expenditure", {"living_expenditure_rise": "89.99"}, "passed"),
        ("expenditure", {"living_expenditure_rise": "90"}, "failed"),
        ("expenditure", {"living_expenditure_rise": "90.01"}, "failed"),
        # 0.45 x 2100 = 945 and 0.35 x 2100 = 735; both ends are in.
        ("wage", {"minimum_wage": "2100", "dibao_standard": "945"}, "passed"),
        ("wage", {"minimum_wage": "2100", "dibao_standard": "945.01"}, "failed"),
        ("wage", {"minimum_wage": "2100", "dibao_standard": "735"}, "passed"),
        ("wage", {"minimum_wage": "2100", "dibao_standard": "734.99"}, "failed"),
        ("wage", {"minimum_wage": "2155.56"}, "passed"),  # 0.45 x 2155.56 = 970.002
        ("wage", {"minimum_wage": "2155.55"}, "failed"),  # 0.45 x 2155.55 = 969.9975
        ("room", {"resource_price_rise": "29.99"}, "passed"),
        ("room", {"resource_price_rise": "30"}, "passed"),
        ("room", {"resource_price_rise": "30.01"}, "failed"),
    ],
)
def test_each_factor_at_its_edge(factor, changed, verdict):
    assert verdicts(check_proposal(NOTHING, shanghai(**changed), APRIL))[factor] == verdict


@pytest.mark.parametrize(
    ("residence", "standard", "consumption", "verdict"),
    [
        ("urban", "628", "18840", "passed"),  # 7,536 / 18,840 = 0.4
        ("urban", "628", "18839.99", "failed"),
        ("urban", "628", "25120", "passed"),  # 7,536 / 25,120 = 0.3
        ("urban", "628", "25120.01", "failed"),
        ("rural", "496", "13226.66", "passed"),  # 0.45 x 13,226.66 = 5,951.997 <= 5,952
        ("rural", "496", "13226.67", "failed"),  # 0.45 x 13,226.67 = 5,952.0015
        ("rural", "496", "10821.82", "passed"),  # 0.55 x 10,821.82 = 5,952.001
        ("rural", "496", "10821.81", "failed"),  # 0.55 x 10,821.81 = 5,951.9955
    ],
)
def test_shanxi_bands_at_both_ends(residence, standard, consumption, verdict):
    proposal = [
        row("dibao_standard", "2022-04-01", standard, "140105", residence),
        row("consumption_year_before", "2021-01-01", consumption, "14"),
    ]
    (found,) = check_proposal(NOTHING, proposal, dt.date(2022, 4, 1))
    assert (found.check.id, found.area, found.residence) == (f"shanxi_{residence}", "140105", residence)
    assert found.verdict == verdict


@pytest.mark.parametrize(
    ("residence", "standard", "verdict"),
    [
        ("urban", "920", "passed"),  # 0.4 x 2,300
        ("urban", "919.99", "failed"),
        ("urban", "1150", "passed"),  # 0.5 x 2,300
        ("urban", "1150.01", "failed"),
        ("rural", "700", "passed"),  # 0.7 x 1,000
        ("rural", "699.99", "failed"),
    ],
)
def test_zhejiang_by_the_minimum_wage_and_by_the_standard_in_towns(residence, standard, verdict):
    before = standards(
        [row("minimum_wage", "2022-01-01", "2300", "33"), row("dibao_standard", "2022-07-01", "1000", "33", "urban")]
    )
    proposal = [row("dibao_standard", "2023-07-01", standard, "330106", residence)]
    (found,) = check_proposal(before, proposal, dt.date(2023, 7, 1))
    assert (found.check.id, found.verdict) == (f"zhejiang_{residence}", verdict)


def test_a_standard_a_year_need_not_divide_by_twelve():
    cells = {"parameter": "dibao_standard", "area_code": "14", "residence": "rural", "effective_from": "2022-01-01"}
    yearly = parsed({**cells, "value": "3617", "unit": "money/year", "status": "illustrative"}, "proposal.csv", 2)
    consumption = row("consumption_year_before", "2021-01-01", "7234", "14")  # 3,617 / 7,234 = 0.5
    (found,) = check_proposal(NOTHING, [yearly, consumption], dt.date(2022, 9, 1))
    assert (found.verdict, str(found.sides[0].value)) == ("passed", "1/2")
    numbers = proposal_record([found], load_rules(), dt.date(2022, 9, 1), "en")["findings"][0]["numbers"]
    assert (numbers[0]["value"], numbers[0]["unit"]) == ("3617", "money/year")


@pytest.mark.parametrize("name", [name for name in KEYS if name != "dibao_standard"])
def test_a_missing_input_is_unknown_and_changes_nothing_else(name):
    whole = verdicts(check_proposal(NOTHING, shanghai(), APRIL))
    findings = check_proposal(NOTHING, shanghai(**{name: None}), APRIL)
    for one in findings:
        needs = name in [put.name for put in one.put]
        assert one.verdict == ("unknown" if needs else whole[one.check.id.removeprefix("shanghai_")])
        assert one.missing == ((name,) if needs else ())
    assert "unknown" in verdicts(findings).values()


def test_without_an_earlier_standard_growth_is_unknown():
    findings = check_proposal(NOTHING, shanghai()[1:], APRIL)
    assert verdicts(findings) == {
        "income": "unknown", "prices": "unknown", "expenditure": "unknown", "wage": "passed", "room": "unknown",
    }  # fmt: skip


def test_a_number_of_another_year_is_not_last_years():
    stale = [one for one in shanghai() if one.parameter != "consumer_price_growth"]
    for date in ("2015-12-31", "2017-01-01"):
        findings = check_proposal(NOTHING, [*stale, row("consumer_price_growth", date, "0.03")], APRIL)
        assert verdicts(findings)["prices"] == "unknown"


def test_what_differs_between_two_standards_is_the_proposal():
    before = standards(shanghai(dibao_standard=None))
    given = verdicts(check_proposal(before, shanghai()[1:2], APRIL))
    assert given == verdicts(check_proposal(before, standards(shanghai()), APRIL))
    alone = standards(shanghai()[1:2])  # a new file without history or further numbers: those before still tell
    assert given == verdicts(check_proposal(before, alone, APRIL))
    with pytest.raises(UsageError, match="no row of dibao_standard"):
        check_proposal(before, before, APRIL)


def test_a_row_that_the_new_standards_drop_holds_no_longer():
    county = row("dibao_standard", "2016-01-01", "900", "310151")
    before = standards([*shanghai(dibao_standard=None), county])
    assert check_proposal(before, shanghai()[1:2], APRIL, "310151001") == []
    (found, *_) = check_proposal(before, standards(shanghai()), APRIL, "310151001")
    assert (found.row.value, found.put[1].value) == (970, 12 * 900)


def test_the_row_that_holds_on_the_day_is_judged():
    steps = [*shanghai(), row("dibao_standard", "2017-10-01", "881")]
    assert verdicts(check_proposal(NOTHING, steps, APRIL))["income"] == "passed"
    october = check_proposal(NOTHING, steps, dt.date(2017, 10, 1))
    assert verdicts(october)["income"] == "failed"  # from 970, in force until 30 September, down to 881
    assert str(october[0].sides[0].value) == "-89/970"
    with pytest.raises(UsageError, match="2017-10-01"):
        check_proposal(NOTHING, steps[-1:], APRIL)


def test_a_place_where_another_row_holds_is_not_judged():
    county = standards([row("dibao_standard", "2016-01-01", "900", "310151")])
    assert check_proposal(county, shanghai(), APRIL, "310151001") == []
    assert {one.area for one in check_proposal(county, shanghai(), APRIL, "310101")} == {"310101"}
    assert check_proposal(NOTHING, [row("dibao_standard", "2017-01-01", "600", "42")], APRIL) == []


def test_a_row_for_the_whole_country_is_judged_where_a_test_names_a_place():
    findings = check_proposal(NOTHING, [row("dibao_standard", "2022-01-01", "628", "")], dt.date(2022, 9, 1))
    assert [(one.check.id, one.area, one.residence) for one in findings][-4:] == [
        ("shanxi_urban", "14", "urban"),
        ("shanxi_rural", "14", "rural"),
        ("zhejiang_urban", "33", "urban"),
        ("zhejiang_rural", "33", "rural"),
    ]


def test_town_and_country_stand_apart_where_their_numbers_differ():
    apart = [one for one in shanghai() if one.parameter != "minimum_wage"]
    apart += [row("minimum_wage", "2017-04-01", "2400", residence="urban")]
    apart += [row("minimum_wage", "2017-04-01", "1000", residence="rural")]
    found = [(one.residence, one.verdict) for one in check_proposal(NOTHING, apart, APRIL) if "wage" in one.check.id]
    assert found == [("urban", "passed"), ("rural", "failed")]


def test_findings_say_both_numbers_their_sources_and_what_is_missing():
    rules = load_rules()
    findings = check_proposal(NOTHING, shanghai(living_expenditure_rise="90.01", minimum_wage=None), APRIL)
    record = proposal_record(findings, rules, APRIL, "en")
    assert record["counts"] == {"passed": 2, "failed": 2, "unknown": 1}
    by_test = {one["test"]: one for one in record["findings"]}
    assert by_test["shanghai_expenditure"]["sides"][0]["text"].endswith(
        "90.00 yuan a month > 90.01 yuan a month does not hold"
    )
    assert by_test["shanghai_wage"]["missing"] == ["minimum_wage"]
    assert [one["status"] for one in by_test["shanghai_wage"]["numbers"][2:]] == ["published", "illustrative"]
    shown = render(proposal_record(findings, rules, APRIL, "zh"))
    assert "90.00 元/月 > 90.01 元/月 不成立" in shown
    assert "通过 2 项，未通过 2 项，无法判断 1 项" in shown


def test_numbers_that_would_look_alike_are_shown_exactly():
    findings = check_proposal(NOTHING, shanghai(disposable_income_growth="0.102273"), APRIL)
    record = proposal_record(findings, load_rules(), APRIL, "en")
    assert record["findings"][0]["sides"][0]["text"].endswith("9/88 > 0.102273 does not hold")


def test_a_row_in_another_unit_is_a_fault_at_its_place():
    wrong = [one for one in shanghai() if one.parameter != "minimum_wage"]
    cells = {"parameter": "minimum_wage", "effective_from": "2017-01-01", "value": "2", "unit": "m2"}
    wrong.append(parsed({**cells, "status": "illustrative"}, "wages.csv", 7))
    with pytest.raises(TableError, match=r"wages\.csv:7"):
        check_proposal(NOTHING, wrong, APRIL)


def test_the_shipped_tests_have_no_warnings_but_the_missing_order():
    assert [one.code for one in load_rules().checked.warnings] == ["table.rank_keys"]


HEAD = """[checks]
title = { zh = "校验", en = "tests" }
currency = "CNY"

[[input]]
name = "standard"
of = "dibao_standard"
title = { zh = "标准", en = "standard" }
unit = "money/month"
bounds = [0, 1_000]

[[check]]
id = "one"
title = { zh = "一", en = "one" }
"""


@pytest.mark.parametrize(
    ("rest", "place", "words"),
    [
        ('of = "dibao_standard"\ntests = [{ value = "standard", above = "count(member)" }]', "16:41", "`count`"),
        ('of = "dibao_standard"\ntests = [{ value = "lot", above = "0" }]', "16:21", "`lot`"),
        ('of = "dibao_standard"\ntests = [{ value = "standards", above = "0" }]', "16:21", "standards"),
        ('of = "dibao_standard"\ntests = [{ value = "standard", above = "1" }]', "16:41", "money/month"),
        ('of = "dibao_standard"\ntests = [{ value = "1 / standard", above = "0" }]', "16:25", "standard"),
        ('of = "minimum_wage"\ntests = [{ value = "standard", above = "0" }]', "15:6", "dibao_standard"),
        (
            'of = "dibao_standard"\nresidence = "town"\ntests = [{ value = "standard", above = "0" }]',
            "16:13",
            "urban, rural",
        ),
        ('of = "dibao_standard"\ntests = []', "16:9", ""),
        ('of = "dibao_standard"\ntests = [{ value = "standard", over = "0" }]', "16:32", "above"),
    ],
)
def test_a_faulty_file_is_refused_with_the_place(tmp_path, rest, place, words):
    path = tmp_path / "checks.toml"
    path.write_text(HEAD + rest + "\n", encoding="utf-8")
    with pytest.raises(TableError) as error:
        load_rules(path)
    found = error.value.faults[0].text("en")
    assert f"checks.toml:{place}:" in found
    assert words in found


def test_a_derived_value_of_members_is_refused(tmp_path):
    path = tmp_path / "checks.toml"
    text = packaged_rules().read_text(encoding="utf-8").replace('name = "rise"\n', 'name = "rise"\nlevel = "member"\n')
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TableError, match="`member`"):
        load_rules(path)


def test_the_command_and_its_exit_codes(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HARDSHIP_LANG", "en")

    def run(text: str, *more: str) -> tuple[int, str, str]:
        path = tmp_path / "proposal.csv"
        path.write_text(text, encoding="utf-8")
        code = cli.run(["standards", "check", str(path), "--on", "2017-04-01", *more])
        return code, *capsys.readouterr()

    good = (EXAMPLES / "shanghai_2017.csv").read_text(encoding="utf-8")
    code, out, err = run(good, "--json")
    assert (code, err, json.loads(out)["counts"]) == (0, "", {"passed": 5, "failed": 0, "unknown": 0})
    code, out, _ = run(good.replace(",970,", ",940,"))
    assert code == 1  # 60 / 880 = 0.068... is not above 0.089, 60 is not above 60, 60 - 60 = 0 is below 20
    assert "2 passed, 3 failed, 0 unknown" in out
    code, out, _ = run("\n".join(line for line in good.splitlines() if "living" not in line) + "\n")
    assert (code, "3 passed, 0 failed, 2 unknown" in out) == (3, True)
    for area in ("420582", "31;x"):
        code, out, _ = run(good, "--area", area)
        assert (code, out) == (2, "")
    code, out, err = run(good.replace("2017-04-01,970", "2018-04-01,970").replace("2016-01-01,880", "2018-01-01,880"))
    assert (code, out) == (2, "")
    assert "2018-01-01, 2018-04-01" in err
    code, out, err = run(good, "--rules", str(tmp_path / "none.toml"))
    assert (code, out) == (2, "")
    code, out, _ = run(good.replace(",31,", ",42,"))
    assert (code, "nothing was judged" in out) == (0, True)


def test_the_example_of_the_documentation_works(tmp_path):
    page = (EXAMPLES.parents[1] / "docs" / "proposed-standard.md").read_text(encoding="utf-8")
    path = tmp_path / "checks.toml"
    path.write_text(page.partition("```toml\n")[2].partition("```")[0], encoding="utf-8")
    rules = load_rules(path)
    before = standards([row("dibao_standard", "2025-01-01", "600", "42")])
    for value, verdict in (("629.99", "failed"), ("630", "passed")):  # 30 / 600 = 0.05
        proposal = [row("dibao_standard", "2026-01-01", value, "4205")]
        (found,) = check_proposal(before, proposal, dt.date(2026, 7, 1), rules=rules)
        assert (found.area, found.verdict) == ("4205", verdict)
