"""Replay: every value, hash and count of a result folder, and every line of its rejects, against the register."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from hardship import cli
from hardship.errors import UsageError
from hardship.verify import verify

TABLE = """[table]
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
[[derive]]
name = "persons"
expr = "count(member)"
[[derive]]
name = "wages"
unit = "money/month"
expr = "sum(or_else(member.wage_month, 0))"
[[require]]
id = "size"
value = "persons"
at_least = 1
at_most = 3
outside = "reject"
[[require]]
id = "pay"
value = "wages"
at_least = 0
at_most = 9000
outside = "reject"
[[ladder]]
id = "circle"
title = { zh = "档", en = "circle" }
otherwise = { id = "out", title = { zh = "外", en = "out" } }
rung = [{ id = "in", title = { zh = "内", en = "in" }, tests = [{ value = "wages / persons", below = "line" }] }]
[rank]
keys = [{ value = "wages / persons", order = "ascending" }]
"""
STANDARDS = (
    "parameter,area_code,residence,effective_from,value,unit,status,source\n"
    "line,370828101,,2018-01-01,600,money/month,illustrative,x\n"
    "line,370828102,,2018-01-01,600,money/month,illustrative,x\n"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Results of a register of which some cannot be read, some have no standard, some lie outside a requirement."""
    home = tmp_path_factory.mktemp("verify")
    assert cli.run(["synth", "--households", "150", "--seed", "4", "--out", str(home / "register")]) == 0
    path = home / "register" / "households.csv"
    lines = path.read_text(encoding="utf-8-sig").splitlines(keepends=True)
    lines[3] = lines[3].replace(",", ",?", 1)
    lines.append(lines[5])
    path.write_text("".join(lines), encoding="utf-8")
    (home / "table.toml").write_text(TABLE, encoding="utf-8")
    (home / "standards.csv").write_text(STANDARDS, encoding="utf-8")
    call = ["score", str(home / "register"), "--table", str(home / "table.toml"), "--on", "2018-07-01"]
    assert cli.run([*call, "--standards", str(home / "standards.csv"), "--out", str(home / "out")]) == 3
    return home


@pytest.fixture
def copy(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "moved")
    return tmp_path / "moved" / "out"


def rejects(folder: Path) -> list[list[str]]:
    with (folder / "rejects.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.reader(handle))


def put(folder: Path, rows: list[list[str]]) -> None:
    with (folder / "rejects.csv").open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows(rows)


def columns(found) -> list[str]:
    return [one.column for one in found.differences]


def test_what_was_written_holds(copy):
    assert {row[7] for row in rejects(copy)} >= {"no_standard", "out_of_range", "duplicate_household"}
    fields = [row[5] for row in rejects(copy) if row[7] == "out_of_range"]
    assert {"size", "pay"} == set(fields)
    assert verify(copy).differences == []
    assert verify(copy, sample=5).differences == []


@pytest.mark.parametrize(
    "name",
    ["households.in", "households.scored", "households.rejected", "members.scored", "supporters.in", "incomplete"],
)
@pytest.mark.parametrize("sample", [None, 5])
def test_every_count_is_checked(name, sample, copy):
    run = json.loads((copy / "run.json").read_text(encoding="utf-8"))
    part = run["counts"]
    *above, last = name.split(".")
    for key in above:
        part = part[key]
    part[last] += 1
    (copy / "run.json").write_text(json.dumps(run), encoding="utf-8")
    assert columns(verify(copy, sample=sample)) == [f"counts.{name}"]


@pytest.mark.parametrize("counts", [None, 5, [], {"households": 3}])
def test_counts_of_another_form_are_differences(counts, copy):
    run = json.loads((copy / "run.json").read_text(encoding="utf-8"))
    (copy / "run.json").write_text(json.dumps({**run, "counts": counts}), encoding="utf-8")
    found = columns(verify(copy, sample=5))
    assert found
    assert all(name.startswith("counts") for name in found)


def test_a_changed_line_of_the_rejects_is_found(copy):
    rows = rejects(copy)
    place = next(k for k, row in enumerate(rows) if row[7] == "out_of_range")
    put(copy, [*rows[:place], [*rows[place][:5], "nothing", *rows[place][6:]], *rows[place + 1 :]])
    assert columns(verify(copy)) == [f"rejects.csv:{place + 1}: field"]
    assert verify(copy, sample=5).differences == []
    put(copy, [rows[0], ["other.csv", *rows[1][1:]], *rows[2:]])
    assert columns(verify(copy, sample=5)) == columns(verify(copy)) == ["rejects.csv:2: file"]


def test_a_line_too_few_or_too_many_is_found(copy):
    rows = rejects(copy)
    put(copy, rows[:-1])
    assert columns(verify(copy)) == [f"rejects.csv:{len(rows)}"]
    put(copy, [*rows, rows[-1]])
    assert columns(verify(copy)) == [f"rejects.csv:{len(rows) + 1}"]
    put(copy, rows[:1])
    assert len(columns(verify(copy))) == len(rows) - 1


def test_sentences_may_be_worded_otherwise(copy):
    rows = rejects(copy)
    put(copy, [rows[0], *([*row[:8], "旧的说法", "older words"] for row in rows[1:])])
    assert verify(copy).differences == []


@pytest.mark.parametrize("damage", ["none", "other bytes"])
def test_rejects_that_cannot_be_read_are_told(damage, copy):
    if damage == "none":
        (copy / "rejects.csv").unlink()
    else:
        (copy / "rejects.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"rejects\.csv"):
        verify(copy, sample=5)


def test_a_household_taken_out_of_the_results_is_found(copy):
    frame = pl.read_parquet(copy / "results.parquet")
    frame[1:].write_parquet(copy / "results.parquet")
    found = columns(verify(copy))
    assert "household_id" in found
    assert "counts.households.scored" in found
