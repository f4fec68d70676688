"""The workbooks of a run: every township gets its households, what is missing, and its rejected rows, none lost."""

from __future__ import annotations

from pathlib import Path

import fastexcel
import polars as pl
import pytest

from hardship import cli, synthesis
from hardship.verify import read_stored

RESULTS, MISSING, REJECTS = "结果", "待补资料", "退回"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A county of 300 households, some of them spoilt, scored with workbooks."""
    place = tmp_path_factory.mktemp("run")
    synthesis.write(300, 7, place / "register")
    path = place / "register" / "households.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    head = lines[0].split(",")
    for number, (name, value) in {
        5: ("financial_assets", "abc"),
        40: ("area_code", "37"),
        60: ("area_code", "x"),
        77: ("boats", "many"),
    }.items():
        cells = lines[number].split(",")
        cells[head.index(name)] = value
        lines[number] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    arguments = ["score", str(place / "register"), "--table", "county_model", "--on", "2018-07-01"]
    assert cli.run([*arguments, "--out", str(place / "out"), "--by", "township", "--lang", "zh"]) == 3
    return place / "out"


def rows(path: Path, name: str) -> pl.DataFrame:
    found = fastexcel.read_excel(path).load_sheet(name, header_row=None, dtypes="string").to_polars()
    start = next(k for k, row in enumerate(found.iter_rows()) if len(row) > 1 and row[1] is not None)
    return found.slice(start + 1).rename(dict(zip(found.columns, found.row(start), strict=True)))


def test_the_county_has_everybody(folder):
    frame = read_stored(folder, "results")
    found = rows(folder / "office.xlsx", RESULTS)
    assert sorted(found["家庭编号"]) == sorted(frame["household_id"])
    amounts = dict(zip(found["家庭编号"], found["月补助"], strict=True))
    for identity, benefit in frame.select("household_id", "benefit_month").iter_rows():
        assert (amounts[identity] is None) == (benefit is None)
        assert benefit is None or float(amounts[identity]) == float(benefit)


def test_each_township_has_its_own_and_nobody_is_lost(folder):
    books = sorted((folder / "townships").iterdir())
    frame = read_stored(folder, "results")
    seen = []
    for path in books:
        part = rows(path, RESULTS)
        assert all(code.startswith(path.stem) or path.stem == "unplaced" for code in part["区划代码"])
        seen += part["家庭编号"].to_list()
    assert sorted(seen) == sorted(frame["household_id"])


def test_what_is_missing_and_what_was_rejected_goes_back(folder):
    frame = read_stored(folder, "results")
    rejects = pl.read_csv(folder / "rejects.csv", infer_schema_length=0)
    missing, lines = [], []
    for path in (folder / "townships").iterdir():
        missing += rows(path, MISSING)["家庭编号"].to_list()
        lines += rows(path, REJECTS).select("家庭编号", "行号", "说明").rows()
    assert sorted(missing) == sorted(frame.filter(pl.col("outcome") == "incomplete")["household_id"])
    expected = rejects.select("household_id", "line", "message_zh").rows()
    assert sorted(lines, key=repr) == sorted(expected, key=repr)
    assert (folder / "townships" / "unplaced.xlsx").exists()  # one area code is too short, one cannot be read


def test_the_groups_stand_in_the_countys_book(folder):
    stored = pl.read_csv(folder / "groups.csv", infer_schema_length=0)
    found = rows(folder / "office.xlsx", "分组报告")
    assert found["户数"].to_list() == stored["households"].to_list()


def test_the_same_from_the_stored_folder(folder, tmp_path):
    assert cli.run(["report", str(folder), "--by", "township", "--out", str(tmp_path / "r"), "--lang", "zh"]) == 0
    for path in (folder / "townships").iterdir():
        assert (tmp_path / "r" / "townships" / path.name).read_bytes() == path.read_bytes()
    assert (tmp_path / "r" / "office.xlsx").read_bytes() == (folder / "office.xlsx").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["report", "nowhere", "--out", "x"], "nowhere"),
        (["report", "{out}", "--format", "pdf", "--out", "x"], "xlsx"),
        (
            [
                "publish",
                "{out}",
                "{register}",
                "--scope",
                "web",
                "--until",
                "2018-07-01",
                "--from",
                "2018-07-02",
                "--out",
                "x",
            ],
            "2018",
        ),
        (
            [
                "publish",
                "{out}",
                "{register}",
                "--scope",
                "web",
                "--until",
                "2018-07-08",
                "--circle",
                "z",
                "--out",
                "x",
            ],
            "dibao",
        ),
        (
            ["notices", "{register}", "--table", "county_model", "--on", "2018-07-01", "--area", "99", "--out", "x"],
            "--area",
        ),
    ],
)
def test_a_wrong_wish_is_told_in_one_line(folder, tmp_path, capsys, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    names = {"out": folder, "register": folder.parent / "register"}
    assert cli.run([one.format(**names) for one in arguments]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert "Traceback" not in error
    assert not (tmp_path / "x").exists()
