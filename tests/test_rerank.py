"""`hardship rerank`: Dangyang's 1 April and Shanghai's 880 → 970 by hand, the command, its files and its faults."""

from __future__ import annotations

import copy
import datetime as dt
import json
import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from report_data import county

from hardship import cli
from hardship.cases import read_case
from hardship.columns import sha256_of
from hardship.errors import RegisterError, UsageError
from hardship.inputs import Inputs
from hardship.load import find_table, load_table
from hardship.movement.rerank import Movement, rerank
from hardship.movement.screen import render
from hardship.movement.setting import Wanted, wanted
from hardship.reading.plain import plain_household, register_of
from hardship.standards import load_standards, parsed, standards

CASES = Path(__file__).parent / "cases"
APRIL = dt.date(2018, 4, 1)


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARDSHIP_LANG", "en")


def with_wages(case: str, wages: dict[str, list[str]]) -> list[dict[str, Any]]:
    """The first household of a worked case, once for each id, its members with these wages."""
    found = []
    for name, money in wages.items():
        one = copy.deepcopy(read_case(CASES / f"{case}.toml").households[0])
        one["household"]["household_id"] = name
        for member, wage in zip(one["members"], money, strict=True):
            member["wage_month"] = Decimal(wage)
        found.append(one)
    return found


def compare(table: str, people: list[dict[str, Any]], *sides: tuple[dt.date, Any]) -> Movement:
    """Compare a date and standards with another."""
    checked = load_table(find_table(table, sides[1][0])[0])
    register = register_of([plain_household(one, checked.names.attributes) for one in people], checked.names.attributes)
    before, after = (Inputs(register, checked, numbers, on, False, {}) for on, numbers in sides)
    return rerank(before, after)


def test_dangyang_on_1_april() -> None:
    """In town the standard rises from 630 to 670, the low-income line (one and a half of it) from 945 to 1,005.

    DY-1, the published family, 468 together: 2 × 630 − 468 = 792.00, then 2 × 670 − 468 = 872.00.
    DY-2, 645 a head: above 630 and below 945, low income, nothing; below 670, dibao, 2 × (670 − 645) = 50.00.
    DY-3, 670 a head: low income before and after, for the standard itself is not below it.
    DY-4, 945.01 a head: a fen above 945, outside; low income after.
    DY-5, 1,005.01 a head: outside both times.
    """
    wages = {
        "DY-1": ["468", "0"], "DY-2": ["1290", "0"], "DY-3": ["1340", "0"], "DY-4": ["1890.02", "0"],
        "DY-5": ["2010.02", "0"],
    }  # fmt: skip
    people = with_wages("dangyang/2018-01-01/01_published_family", wages)
    numbers = load_standards()
    moved = compare("dangyang", people, (dt.date(2018, 3, 31), numbers), (APRIL, numbers))
    frame = moved.frame
    assert frame["state_before"].to_list() == ["dibao", "low_income", "low_income", "outside", "outside"]
    assert frame["state_after"].to_list() == ["dibao", "dibao", "low_income", "low_income", "outside"]
    assert frame["amount_before"].to_list() == [792, 0, 0, 0, 0]
    assert frame["amount_after"].to_list() == [872, 50, 0, 0, 0]
    assert frame["kind"].to_list() == ["raised", "moved", "same", "entered", "same"]
    assert frame["cause"].to_list() == ["", "standard", "", "standard", ""]
    assert frame["amount_by_standard"].to_list() == [48_000, 30_000, 0, 0, 0]
    assert frame["gap_before"].to_list()[0] == Decimal("396.00")  # 630 − 234
    assert frame["gap_after"].to_list()[0] == Decimal("436.00")  # 670 − 234
    whole = moved.totals.row(0, named=True)
    assert (whole["month_before"], whole["month_after"], whole["month_difference"]) == (792, 922, 130)
    assert (whole["year_before"], whole["year_after"]) == (9_504, 11_064)
    assert (whole["households_before"], whole["households_after"]) == (3, 4)
    assert moved.run["factors"] == ["standard", "data"]  # a table that asks for ages counts them to another day
    # 630 and 670 are published: nobody proposes them any more, and no test of the place holds for Dangyang.
    assert moved.run["proposal"] is None


def test_shanghai_from_880_to_970() -> None:
    """One table, one day, two standards; one person each, low income up to twice the standard.

    879.99: 0.01, then 90.01. 880: nothing (low income), then 90.00. 969.99: nothing, then 0.01. 970: nothing, nothing.
    1,760 is twice 880, in; 1,760.01 is not, and is in at twice 970.
    """
    wages = {f"SH-{k}": [wage] for k, wage in enumerate(("879.99", "880", "969.99", "970", "1760", "1760.01"), 1)}
    people = with_wages("shanghai/2017-04-01/01_dibao_line", wages)
    rows = [row for row in load_standards().rows if row.parameter != "dibao_standard"]
    numbers = [standards([*rows, parsed(dibao(value), "rows", 1)]) for value in ("880", "970")]
    on = dt.date(2017, 4, 1)
    moved = compare("shanghai", people, (on, numbers[0]), (on, numbers[1]))
    frame = moved.frame
    texts = [Decimal(text) for text in ("0.01", "0", "0", "0", "0", "0")]
    assert frame["benefit_before"].to_list() == texts
    texts = [Decimal(text) for text in ("90.01", "90.00", "0.01", "0", "0", "0")]
    assert frame["benefit_after"].to_list() == texts
    low = ["low_income"] * 4
    assert frame["state_before"].to_list() == ["dibao", *low, frame["state_before"][5]]
    assert frame["state_after"].to_list() == ["dibao", "dibao", "dibao", "low_income", "low_income", "low_income"]
    assert frame["state_before"][5] not in ("dibao", "low_income")
    assert moved.run["factors"] == ["standard"]
    assert moved.run["runs"] == 2
    assert frame["amount_by_standard"].to_list() == [54_000, 54_000, 6, 0, 0, 0]


def dibao(value: str) -> dict[str, str]:
    """A dibao standard a month for Shanghai."""
    return {
        "parameter": "dibao_standard", "area_code": "31", "effective_from": "2016-01-01", "value": value,
        "unit": "money/month", "status": "illustrative",
    }  # fmt: skip


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up register of 300 households in Shanghai."""
    folder = tmp_path_factory.mktemp("rerank") / "register"
    assert cli.run(["synth", "--households", "300", "--seed", "5", "--area", "310101", "--out", str(folder)]) == 0
    return folder


BEFORE = "table=county_model,on=2018-07-01"


def run(register: Path, out: Path, *more: str, before: str = BEFORE, after: str = "on=2018-09-01") -> int:
    """One comparison."""
    return cli.run(["rerank", str(register), "--before", before, "--after", after, "--out", str(out), *more])


def test_the_files_and_their_hash(register: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "moved"
    assert run(register, out, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert sorted(path.name for path in out.iterdir()) == [
        "areas.csv", "causes.csv", "exits.csv", "groups.csv", "matrix.csv", "movement.parquet", "run.json",
        "totals.csv",
    ]  # fmt: skip
    frame = pl.read_parquet(out / "movement.parquet")
    assert sha256_of(frame) == told["movement_sha256"]
    assert (told["kind"], told["counts"]["households"]) == ("movement", 300)
    assert sum(told["counts"][kind] for kind in frame["kind"].unique()) == 300
    page = (Path(__file__).parents[1] / "docs" / "interfaces.md").read_text(encoding="utf-8")
    assert [name for name in frame.columns if f"`{name}`" not in page] == []
    assert (out / told["sources"]["after_register"][0]).resolve() == register.resolve()
    # Again into the same folder: replaced as a whole, what others laid there stays.
    (out / "note.txt").write_text("mine", encoding="utf-8")
    (out / "movement.xlsx").write_text("old", encoding="utf-8")
    assert run(register, out) == 0
    assert (out / "note.txt").exists()
    assert not (out / "movement.xlsx").exists()
    assert "300 households" in capsys.readouterr().out


def test_reports_need_no_register_any_more(register: Path, tmp_path: Path) -> None:
    """The same workbook as with the comparison; another version of a table than it was made with is refused."""
    gone, mine, out = tmp_path / "gone", tmp_path / "mine.toml", tmp_path / "moved"
    shutil.copytree(register, gone)
    shutil.copy(find_table("county_model", APRIL)[0], mine)
    assert run(gone, out, "--report", "xlsx", before=f"table={mine},on=2018-07-01") == 0
    shutil.rmtree(gone)
    again = ["report", str(out), "--format", "xlsx", "--out"]
    assert cli.run([*again, str(tmp_path / "again")]) == 0
    assert (tmp_path / "again" / "movement.xlsx").read_bytes() == (out / "movement.xlsx").read_bytes()
    mine.write_text(mine.read_text(encoding="utf-8").replace("title = {", "title = { ", 1), encoding="utf-8")
    assert cli.run([*again, str(tmp_path / "remark")]) == 0  # a space is no other table
    mine.write_text(mine.read_text(encoding="utf-8").replace("value = 16", "value = 17", 1), encoding="utf-8")
    assert cli.run([*again, str(tmp_path / "other")]) == 2


def test_folders_of_others_are_refused(register: Path, tmp_path: Path) -> None:
    scored = tmp_path / "scored"
    arguments = ["--table", "county_model", "--on", "2018-07-01", "--out", str(scored)]
    assert cli.run(["score", str(register), *arguments]) == 0
    before = sorted(path.name for path in scored.iterdir())
    assert run(register, scored) == 2
    assert sorted(path.name for path in scored.iterdir()) == before
    moved = tmp_path / "moved"
    assert run(register, moved) == 0
    assert cli.run(["verify", str(moved)]) == 2


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_help_and_screen_in_both_languages(
    register: Path, tmp_path: Path, lang: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HARDSHIP_LANG", lang)
    assert cli.run(["rerank", "--help"]) == 0
    assert ("示例" if lang == "zh" else "Examples") in capsys.readouterr().out
    assert run(register, tmp_path / "moved", after="table=shanghai,on=2018-09-01") == 0
    shown = capsys.readouterr().out
    assert ("变化原因" if lang == "zh" else "what caused it") in shown
    assert ("月资金" if lang == "zh" else "budget a month") in shown


def test_a_proposed_standard_that_fails_a_test_stops(
    register: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "new.csv"
    head = "parameter,area_code,residence,effective_from,value,unit,status,source\n"
    lines = [
        ",".join((*row.key[:3], str(row.effective_from), str(row.value), row.unit, "illustrative", ""))
        for row in load_standards().rows
        if row.area_code == "" and (row.value * 100).denominator == 1
    ]
    rows.write_text(head + "\n".join(lines), encoding="utf-8")
    after = tmp_path / "after.csv"
    after.write_text(
        head + "\n".join([*lines, "dibao_standard,31,,2018-07-01,9000,money/month,illustrative,"]), encoding="utf-8"
    )
    before = f"table=county_model,on=2018-07-01,standards={rows}"
    out = tmp_path / "moved"
    assert run(register, out, before=before, after=f"standards={after}") == 1
    assert not out.exists()
    said = capsys.readouterr()
    assert "FAILED   Around 40 % of the minimum wage" in said.out
    assert "--accept-proposal" in said.err
    accept = ("--accept-proposal", "a trial of the office")
    assert run(register, out, *accept, before=before, after=f"standards={after}") == 0
    told = json.loads((out / "run.json").read_text(encoding="utf-8"))["proposal"]
    assert told["accepted"] == "a trial of the office"
    assert {one["test"] for one in told["failed"]} == {"shanghai_wage"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("tabel=x", "setting_part"),
        ("table=x,on=2018-07-01,on=2018-07-02", "setting_twice"),
        ("table=x", "setting_lacks"),
        ("on=2018-07-01", "setting_lacks"),
        ("table=x,on=1.7.2018", "setting_day"),
        ("", "setting_part"),
    ],
)
def test_a_setting_that_is_none(text: str, code: str) -> None:
    with pytest.raises(UsageError) as error:
        wanted(text, "--before")
    assert error.value.faults[0].code == f"rerank.{code}"
    assert error.value.faults[0].text("zh").startswith("--before：")


def test_a_setting_in_full() -> None:
    found = wanted("table=a, on=2018-07-01,standards=x,y.csv,standards=z.csv,register=r,mapping=m.toml", "--before")
    on = dt.date(2018, 7, 1)
    assert found == Wanted("a", on, (Path("x,y.csv"), Path("z.csv")), Path("r"), Path("m.toml"))
    assert wanted("on=2018-08-01", "--after", found).table == "a"
    assert wanted("table=b", "--after", found) == Wanted("b", *list(vars(found).values())[1:])


def test_nothing_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "nowhere", tmp_path / "out") == 2
    assert run(tmp_path, tmp_path / "out", before="table=nowhere,on=2018-07-01") == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert not (tmp_path / "out").exists()


def test_a_column_in_a_wrong_unit_stops_here_too() -> None:
    """As in a scoring: wages times 12 in the register after."""
    before = county("county_model", 900)
    member = before.register.frames["member"]
    wages = member.with_columns(pl.col("wage_month").cast(pl.Int64) * 12)
    register = replace(before.register, frames={**before.register.frames, "member": wages}, sha256="twelve")
    after = replace(before, register=register)
    with pytest.raises(RegisterError, match="as if multiplied by 12"):
        rerank(before, after)
    moved = rerank(before, after, accepted="a town of managers", quick=True)
    assert moved.run["before"]["columns"] == []
    assert [one["attribute"] for one in moved.run["after"]["columns"]] == ["wage_month"]
    assert "wage_month" in render(moved, moved.run, Path("moved"), "en")
