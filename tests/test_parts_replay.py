"""Replay part by part: what holds of one piece holds of parts, and every kind of change is found."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from hardship.parts import replay as replaying
from hardship.parts import run, synthesis
from hardship.parts.joined import SHARED
from hardship.parts.replay import replay
from hardship.verify import verify

ON = dt.date(2018, 7, 1)
HOUSEHOLDS, PARTS = 60, 3


def change(file: Path, made) -> None:
    made(pl.read_parquet(file)).write_parquet(file)


@pytest.fixture(scope="module")
def scored(tmp_path_factory) -> Path:
    """A register with rejected rows and a person in two parts, and its results."""
    home = tmp_path_factory.mktemp("replay")
    register = home / "register"
    synthesis.write(HOUSEHOLDS, 7, register, PARTS)

    def spoil(frame: pl.DataFrame) -> pl.DataFrame:
        area = pl.when(pl.int_range(pl.len()) == 4).then(pl.lit("?")).otherwise("area_code")
        return frame.with_columns(area_code=area)

    change(register / "households" / "part-00002.parquet", spoil)

    def move(frame: pl.DataFrame) -> pl.DataFrame:
        names = {"H000000005-01": "310101-X", "H000000050-01": "310101-X"}
        return frame.with_columns(pl.col("member_id").replace(names))

    for name in ("members", "supporters", "transfers"):
        for number in (1, 2, 3):
            change(register / name / f"part-{number:05}.parquet", move)
    run.run(register, "county_model", ON, home / "out")
    return home


@pytest.fixture
def out(scored, tmp_path) -> Path:
    return Path(shutil.copytree(scored, tmp_path / "copy")) / "out"


@pytest.mark.parametrize("size", [None, 7])
@pytest.mark.parametrize("sample", [None, 20])
def test_what_was_written_holds(out, monkeypatch, sample, size):
    if size is not None:
        monkeypatch.setattr(replaying, "SLICE", size)
        monkeypatch.setattr(replaying, "BUCKET", size)
    found = replay(out, sample=sample)
    assert found.differences == []
    whole = verify(out, sample=sample)
    assert (found.households, found.sha256) == (whole.households, whole.sha256)


@pytest.mark.parametrize("column", ["position", "rank_township", "benefit_month", "circle", "flags"])
def test_one_changed_cell_is_found(out, monkeypatch, column):
    monkeypatch.setattr(replaying, "BUCKET", 25)
    file = out / "results" / "part-00002.parquet"
    frame = pl.read_parquet(file)
    row = (
        frame.with_row_index("at")
        .filter(pl.col(column).is_not_null() & pl.col("position").is_not_null())
        .row(3, named=True)
    )
    values = frame[column].to_list()
    values[row["at"]] = "other" if isinstance(row[column], str) else row[column] + 1
    frame.with_columns(pl.Series(column, values, frame.schema[column])).write_parquet(file)
    found = replay(out)
    assert (row["household_id"], column) in {(one.household, one.column) for one in found.differences}
    assert "results_sha256" in {one.column for one in found.differences}


def test_two_households_that_changed_places_are_found(out):
    file = out / "results" / "part-00002.parquet"
    frame = pl.read_parquet(file).sort("position", nulls_last=True)
    taken = [name for name in frame.columns if name == "position" or name.startswith("rank") or name == "percentile"]
    swapped = frame.with_columns(
        pl.col(name).gather(pl.Series([10, *range(1, 10), 0, *range(11, frame.height)])) for name in taken
    )
    swapped.sort("household_id").write_parquet(file)
    assert {one.household for one in replay(out).differences if one.column == "position"}


def test_the_flag_of_a_person_in_two_parts_is_checked(out):
    flagged = [
        (file, household)
        for file in sorted((out / "results").iterdir())
        for household in pl.read_parquet(file).filter(pl.col("flags").str.contains(SHARED))["household_id"]
    ]
    assert len({file for file, _ in flagged}) == 2
    change(flagged[0][0], lambda frame: frame.with_columns(pl.col("flags").str.replace(SHARED, "")))
    assert (flagged[0][1], "flags", "", SHARED) in {
        (one.household, one.column, one.stored, one.found) for one in replay(out).differences
    }


def test_hashes_counts_and_rejects_are_of_all_parts(out):
    content = json.loads((out / "run.json").read_text(encoding="utf-8"))
    content["counts"]["members"]["in"] += 1
    content["register"]["sha256"] = "0" * 64
    (out / "run.json").write_text(json.dumps(content), encoding="utf-8")
    lines = (out / "rejects.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (out / "rejects.csv").write_text("".join(lines[:1]), encoding="utf-8")
    names = [one.column for one in replay(out, sample=5).differences]
    assert names[:3] == ["register.sha256", "counts.members.in", "rejects.csv:2"]


def test_a_part_of_the_results_that_is_gone_is_found(out):
    (out / "results" / "part-00003.parquet").unlink()
    found = replay(out)
    assert ("results", "", "part-00003") in {(one.column, one.stored, one.found) for one in found.differences}
