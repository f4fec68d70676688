"""Corrections on record: they stand until a person lifts them, and every run says what they change."""

from __future__ import annotations

import csv
import datetime as dt
import json
import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from hardship import cli
from hardship.attributes import dictionary
from hardship.columns import csv_parts
from hardship.corrections import lanes
from hardship.inputs import open_table
from hardship.load import load_text
from hardship.reading.write_register import write_frames
from hardship.register import read_register
from hardship.score import score
from hardship.standards import load_standards, standards
from hardship.synthesis import synthesize

ON = dt.date(2018, 7, 1)
D = dictionary()
TABLE = """[table]
id = "t"
version = 2018-01-01
title = { zh = "表", en = "Table" }
place = { zh = "某地", en = "Somewhere" }
currency = "CNY"
[[constant]]
name = "limit"
title = { zh = "限额", en = "limit" }
unit = "money"
value = 1000
[[constant]]
name = "aid"
title = { zh = "补助", en = "aid" }
unit = "money/month"
value = 300
[[ladder]]
id = "circle"
title = { zh = "档", en = "circle" }
otherwise = { id = "out", title = { zh = "外", en = "out" } }
rung = [{ id = "in", title = { zh = "内", en = "in" }, tests = [{ value = "financial_assets", below = "limit" }] }]
[[benefit]]
name = "paid"
unit = "money/month"
cases = [{ when = "circle == 'in'", value = "aid" }, { otherwise = "0" }]
[rank]
keys = [{ value = "financial_assets", order = "ascending" }]
"""
HOUSEHOLDS = "household_id,area_code,residence_type,financial_assets\n"
SEVEN = HOUSEHOLDS + "".join(
    f"H{n},1,urban,{value}\n" for n, value in enumerate(("5000", "", "wrong", "500.00", "900", "5000", "2000"), 1)
)
OVERRIDES = "household_id,field,value,reason,by,on\n" + "".join(
    f"H{n},{field},{value},核查,李某,2018-06-{n:02}\n"
    for n, field, value in (
        (1, "financial_assets", "500"), (2, "金融资产", "500"), (3, "financial_assets", "500"),
        (4, "financial_assets", "500"), (5, "financial_assets", "500"), (6, "financial_assets", "999.99"),
        (6, "residence_type", "农村"),
    )
)  # fmt: skip


def lay(folder: Path, households: str = SEVEN, overrides: str = OVERRIDES) -> Path:
    folder.mkdir(exist_ok=True)
    members = "household_id,member_id,relation_to_head,birth_date\n" + "".join(
        f"H{n},P{n},head,\n" for n in range(1, 8)
    )
    for name, text in {"households": households, "members": members, "overrides": overrides}.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def scored(folder: Path):
    register = read_register(folder, attributes=D, on=ON)
    return score(register, load_text(TABLE), standards([]), ON)


def title() -> str:
    return D["financial_assets"].title.zh


def test_what_corrections_do_by_hand(tmp_path):
    done = scored(lay(tmp_path / "r", overrides=OVERRIDES.replace("金融资产", title())))
    shown = done.overrides.select(
        "household_id", "field", "on", "register", "outcome_with", "outcome_without", "circle_with", "circle_without",
        "benefit_month_with", "benefit_month_without", "differs",
    ).rows()  # fmt: skip
    money = "financial_assets"
    assert shown == [
        ("H1", money, "2018-06-01", "differs", "meets", "does_not_meet", "in", "out", "300.00", "0.00", "true"),
        ("H2", money, "2018-06-02", "missing", "meets", "incomplete", "in", "", "300.00", "", "true"),
        ("H3", money, "2018-06-03", "unreadable", "meets", "rejected", "in", "", "300.00", "", "true"),
        ("H4", money, "2018-06-04", "same", "meets", "meets", "in", "in", "300.00", "300.00", "false"),
        ("H5", money, "2018-06-05", "differs", "meets", "meets", "in", "in", "300.00", "300.00", "false"),
        ("H6", money, "2018-06-06", "differs", "meets", "does_not_meet", "in", "out", "300.00", "0.00", "true"),
        ("H6", "residence_type", "2018-06-06", "differs", "meets", "meets", "in", "in", "300.00", "300.00", "false"),
    ]
    assert done.run["overrides"] == {"in": 7, "applied": 7, "register_differs": 6, "result_differs": 4}
    flags = dict(done.frame.select("household_id", "flags").iter_rows())
    assert flags["H6"] == "override:financial_assets;override:residence_type"
    assert flags["H7"] == ""
    assert not {"5000", "wrong", "900"} & set("".join(done.overrides.write_csv()).replace("\n", ",").split(","))


def test_a_rejected_household_keeps_its_correction_on_record(tmp_path):
    folder = lay(tmp_path / "r", households=SEVEN.replace("H1,1,urban", "H1,1,nowhere"))
    done = scored(folder)
    row = done.overrides.row(0, named=True)
    assert (row["household_id"], row["outcome_with"], row["outcome_without"]) == ("H1", "rejected", "rejected")
    assert row["differs"] == "false"
    none = scored(lay(tmp_path / "n", overrides="household_id,field,value,reason,by,on\n"))
    assert none.overrides.height == 0
    assert none.run["overrides"]["in"] == 0


def test_corrections_survive_a_hundred_runs_and_a_new_register(tmp_path, monkeypatch):
    monkeypatch.setenv("HARDSHIP_LANG", "en")
    folder, out, table = lay(tmp_path / "r"), tmp_path / "out", tmp_path / "t.toml"
    table.write_text(TABLE, encoding="utf-8")
    call = ["score", str(folder), "--table", str(table), "--on", "2018-07-01", "--out", str(out)]
    given = (folder / "overrides.csv").read_bytes()
    seen = set()
    for _ in range(100):
        done = scored(folder)
        seen.add((done.sha256, b"".join(csv_parts(done.overrides)).decode()))
    for _ in range(3):
        assert cli.run(call) in (0, 3)
        written = (out / "overrides.csv").read_text(encoding="utf-8")
        seen.add((json.loads((out / "run.json").read_text(encoding="utf-8"))["results_sha256"], written))
    assert len(seen) == 1
    assert (folder / "overrides.csv").read_bytes() == given
    lay(folder, households=SEVEN.replace("5000", "7000"))  # newer facts do not undo what a person put right
    assert cli.run(call) in (0, 3)
    assert pl.read_parquet(out / "results.parquet").row(0, named=True)["circle"] == "in"
    assert (out / "overrides.csv").read_text(encoding="utf-8") == next(iter(seen))[1]
    # Lifted by a person: the register's own value holds again.
    lay(folder, overrides="\n".join(line for line in OVERRIDES.split("\n") if not line.startswith("H1,")))
    assert cli.run(call) in (0, 3)
    assert pl.read_parquet(out / "results.parquet").row(0, named=True)["circle"] == "out"
    shutil.rmtree(out)


@pytest.fixture(scope="module")
def corrected(tmp_path_factory):
    """A made-up register with corrections of five facts, ten households each, as a folder."""
    folder = tmp_path_factory.mktemp("corrected") / "register"
    register = synthesize(120, 8)
    write_frames([register.frames], folder, D, "csv")
    ids = register.frames["household"]["household_id"].to_list()
    facts = (("financial_assets", "1500000"), ("residence_type", "urban"), ("boats", "2"), ("financial_assets", "0"),
             ("rigid_medical_year", "30000"))  # fmt: skip
    rows = [
        (ids[k], *facts[k % 5], "核查", "李某", "2018-06-30") for k in range(50) if facts[k % 5][0] in D
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema=["household_id", "field", "value", "reason", "by", "on"], orient="row")
    frame.write_csv(folder / "overrides.csv")
    return folder


def test_each_lane_is_the_household_without_that_correction(corrected, tmp_path):
    checked, numbers = open_table("county_model", ON)[0], load_standards()
    register = read_register(corrected, attributes=checked.names.attributes, on=ON)
    done = score(register, checked, numbers, ON)
    bare = tmp_path / "bare"
    shutil.copytree(corrected, bare)
    (bare / "overrides.csv").unlink()
    plain = score(read_register(bare, attributes=checked.names.attributes, on=ON), checked, numbers, ON)
    shown = ("outcome", "circle", "index", "benefit_month")
    without = {row["household_id"]: row for row in plain.frame.iter_rows(named=True)}
    differing = 0
    for row in done.overrides.iter_rows(named=True):
        own = without[row["household_id"]]
        assert [row[f"{name}_without"] for name in shown] == ["" if own[n] is None else str(own[n]) for n in shown]
        differing += row["differs"] == "true"
    assert differing > 5
    alone, chosen = lanes(register)
    assert len(chosen) == alone.frames["household"].height == done.overrides.height
    assert lanes(replace(register, corrections=()))[1] == []


def test_verify_replays_corrections(corrected, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HARDSHIP_LANG", "en")
    out = tmp_path / "out"
    call = ["score", str(corrected), "--table", "county_model", "--on", "2018-07-01", "--out", str(out)]
    assert cli.run(call) == 0
    assert cli.run(["verify", str(out)]) == 0
    with (out / "overrides.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.reader(handle))
    rows[3][-1] = "true" if rows[3][-1] == "false" else "false"
    with (out / "overrides.csv").open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows(rows)
    capsys.readouterr()
    assert cli.run(["verify", str(out)]) == 1
    assert "overrides.csv:4: differs: " in capsys.readouterr().err
