"""Registers in parts: the same results as in one piece, faults across parts told with file and line, nothing lost."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from hardship import cli, rank, synthesis
from hardship.errors import RegisterError, UsageError
from hardship.export import write as write_results
from hardship.export import write_csv
from hardship.inputs import open_inputs
from hardship.movement.setting import Wanted, open_settings
from hardship.parts import find, order, run, spill
from hardship.parts import synthesis as in_parts
from hardship.parts.score_part import Bounds
from hardship.reports.groups import group_report
from hardship.score import score
from hardship.sheet import Column, Sheet, Texts
from hardship.verify import verify

ON = dt.date(2018, 7, 1)
HOUSEHOLDS, PARTS = 900, 3


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("whole")
    synthesis.write(HOUSEHOLDS, 7, place, format="parquet")
    return place


@pytest.fixture(scope="module")
def parted(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("parts") / "register"
    in_parts.write(HOUSEHOLDS, 7, place, PARTS)
    return place


@pytest.fixture
def own(parted, tmp_path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(parted, tmp_path / "own"))


def in_one_piece(register: Path, table: str = "county_model"):
    inputs = open_inputs(register, table, ON)
    results = score(inputs.register, inputs.checked, inputs.standards, ON)
    return inputs, results


def stored(out: Path, name: str = "results") -> pl.DataFrame:
    return pl.concat([pl.read_parquet(file) for file in sorted((out / name).iterdir())])


def change(file: Path, made) -> None:
    made(pl.read_parquet(file)).write_parquet(file)


@pytest.mark.parametrize("table", ["county_model", "shanghai", "shanxi"])
@pytest.mark.parametrize("memory", [run.MEMORY, 40_000])
def test_the_same_results_as_in_one_piece(whole, parted, tmp_path, table, memory):
    inputs, results = in_one_piece(whole, table)
    done = run.run(parted, table, ON, tmp_path / "out", memory=memory)
    assert done.run["results_sha256"] == results.sha256
    same = ("schema", "engine", "on", "table", "standards_sha256", "counts", "detail", "flags", "incomes", "columns")
    assert {name: done.run[name] for name in same} == {name: results.run[name] for name in same}
    assert stored(tmp_path / "out").equals(results.frame)
    write_csv(group_report(results.frame, inputs), tmp_path / "expected.csv")
    assert (tmp_path / "out" / "groups.csv").read_bytes() == (tmp_path / "expected.csv").read_bytes()
    if results.persons is not None:
        assert stored(tmp_path / "out", "persons").equals(results.persons)


def test_faulty_rows_are_set_aside_as_in_one_piece(whole, own, tmp_path):
    def spoil(frame: pl.DataFrame) -> pl.DataFrame:
        one = frame["household_id"] == "H000000400"
        other = frame["household_id"] == "H000000599"
        area = pl.when(one).then(pl.lit("?")).when(other).then(pl.lit("nowhere here")).otherwise("area_code")
        return frame.with_columns(area_code=area)

    change(own / "households" / "part-00002.parquet", spoil)
    spoiled = Path(shutil.copytree(whole, tmp_path / "spoiled"))
    change(spoiled / "households.parquet", spoil)
    _, results = in_one_piece(spoiled)
    done = run.run(own, "county_model", ON, tmp_path / "out")
    assert done.run["results_sha256"] == results.sha256
    assert done.run["counts"] == results.run["counts"]
    assert done.rejected == results.rejects.height > 2
    lines = pl.read_csv(tmp_path / "out" / "rejects.csv", infer_schema=False)
    assert lines["file"].unique().sort().to_list()[0] == "households/part-00002.parquet"


def test_a_person_in_two_parts_is_flagged_as_in_one_piece(whole, own, tmp_path):
    def move(frame: pl.DataFrame) -> pl.DataFrame:
        names = {"H000000005-01": "310101-X", "H000000700-01": "310101-X", "H000000400-01": "17"}
        return frame.with_columns(pl.col("member_id").replace(names))

    both = Path(shutil.copytree(whole, tmp_path / "both"))
    for name in ("members", "supporters", "transfers"):
        change(both / f"{name}.parquet", move)
        for number in (1, 2, 3):
            change(own / name / f"part-{number:05}.parquet", move)
    _, results = in_one_piece(both)
    flagged = results.frame.filter(pl.col("flags").str.contains("person_in_two_households"))["household_id"]
    assert flagged.to_list() == ["H000000005", "H000000700"]
    assert run.run(own, "county_model", ON, tmp_path / "out").run["results_sha256"] == results.sha256
    tight = run.run(own, "county_model", ON, tmp_path / "out", memory=20_000)
    assert tight.run["results_sha256"] == results.sha256


def faults(register: Path, tmp_path: Path) -> list:
    with pytest.raises(RegisterError) as caught:
        run.run(register, "county_model", ON, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    return [(fault.code, Path(fault.file).name, fault.line) for fault in caught.value.faults]


def test_a_part_without_members(own, tmp_path):
    (own / "members" / "part-00002.parquet").unlink()
    assert faults(own, tmp_path) == [("parts.no_members", "part-00002.parquet", 0)]


def test_files_that_belong_to_no_part(own, tmp_path):
    (own / "households" / "part-00003.parquet").unlink()
    (own / "members" / "notes.csv").write_text("a\n")
    (own / "members.parquet").write_bytes(b"")
    assert faults(own, tmp_path) == [
        ("parts.beside", "members.parquet", 0),
        ("parts.no_parquet", "notes.csv", 0),
        ("parts.no_households", "part-00003.parquet", 0),
    ]


def test_no_part_at_all(tmp_path):
    (tmp_path / "empty" / "households").mkdir(parents=True)
    assert faults(tmp_path / "empty", tmp_path) == [("parts.none", "empty", 0)]


def test_a_file_that_is_no_parquet(own, tmp_path):
    (own / "members" / "part-00001.parquet").write_bytes(b"PAR1 no PAR1")
    assert faults(own, tmp_path) == [("register.unreadable", "part-00001.parquet", 0)]


def test_a_household_in_two_parts(own, tmp_path):
    twin = pl.read_parquet(own / "households" / "part-00001.parquet").filter(pl.col("household_id") == "H000000007")
    change(own / "households" / "part-00003.parquet", lambda frame: pl.concat([frame, twin]))
    assert ("parts.twice", "part-00003.parquet", 302) in faults(own, tmp_path)


def test_parts_that_overlap(own, tmp_path):
    files = [own / "households" / f"part-{number:05}.parquet" for number in (1, 2)]
    taken = pl.read_parquet(files[1]).filter(pl.col("household_id") == "H000000450")
    change(files[1], lambda frame: frame.filter(pl.col("household_id") != "H000000010"))
    moved = pl.read_parquet(files[0]).filter(pl.col("household_id") == "H000000010")
    assert taken.height
    change(files[0], lambda frame: frame.filter(pl.col("household_id") != "H000000010"))
    change(files[1], lambda frame: pl.concat([frame, moved]))
    assert faults(own, tmp_path) == [("parts.overlap", "part-00002.parquet", 302)]


def test_a_member_in_another_part(own, tmp_path):
    files = [own / "members" / f"part-{number:05}.parquet" for number in (1, 2)]
    stray = pl.read_parquet(files[0]).filter(pl.col("member_id") == "H000000010-01")
    change(files[0], lambda frame: frame.filter(pl.col("member_id") != "H000000010-01"))
    lines = pl.read_parquet(files[1]).height + 2
    change(files[1], lambda frame: pl.concat([frame, stray]))
    assert faults(own, tmp_path)[0] == ("parts.stray", "part-00002.parquet", lines)


def test_an_older_result_stays_whole_when_a_run_fails(parted, own, tmp_path):
    out = tmp_path / "out"
    before = run.run(parted, "county_model", ON, out).run
    (own / "members" / "part-00003.parquet").write_bytes(b"")
    with pytest.raises(RegisterError):
        run.run(own, "county_model", ON, out)
    assert json.loads((out / "run.json").read_text()) == before
    assert stored(out).height == HOUSEHOLDS
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_results_of_one_kind_replace_those_of_the_other(whole, parted, tmp_path):
    out = tmp_path / "out"
    run.run(parted, "county_model", ON, out)
    _, results = in_one_piece(whole)
    write_results(out, results)
    assert not (out / "results").exists()
    run.run(parted, "county_model", ON, out)
    assert not (out / "results.parquet").exists()


def test_results_in_parts_are_replayed(parted, tmp_path):
    done = run.run(parted, "county_model", ON, tmp_path / "out")
    for sample in (None, 20):
        found = verify(tmp_path / "out", sample=sample)
        assert (found.differences, found.sha256) == ([], done.run["results_sha256"])
        assert found.households == (sample or HOUSEHOLDS)
    file = tmp_path / "out" / "results" / "part-00002.parquet"
    change(file, lambda frame: frame.with_columns(position=frame["position"] + 1))
    assert verify(tmp_path / "out").differences


def test_a_register_in_parts_is_compared_like_a_whole_one(whole, parted):
    before = Wanted("county_model", ON)
    after = Wanted("county_model", ON.replace(month=8))
    one, other = (open_settings(register, before, after) for register in (whole, parted))
    for there, here in zip(one, other, strict=True):
        assert {level: frame.height for level, frame in here.register.frames.items()} == {
            level: frame.height for level, frame in there.register.frames.items()
        }
    assert other[0].register is other[1].register


# --- the order ---


def keys_of(rng, rows: int, wide: bool) -> list[rank.Key]:
    limit = 2**62 if wide else 50
    return [
        rank.Key(rng.integers(-limit, limit, rows), rng.random(rows) > 0.1, True, True),
        rank.Key(rng.integers(0, 4, rows), None, False, False),
        rank.Key(rng.integers(-limit, limit, rows), rng.random(rows) > 0.2, False, False),
    ]


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("memory", [1 << 30, 20_000])
def test_ranks_by_ranges_are_those_of_the_whole(tmp_path, wide, memory):
    rng = np.random.default_rng(5)
    sizes = [400, 0, 300, 111]
    rows = sum(sizes)
    keys = keys_of(rng, rows, wide)
    codes = ["370828101201", "370828101202", "370829", "1", ""]
    area, circle = rng.integers(0, len(codes), rows), rng.integers(-1, 3, rows)
    chosen = rng.random(rows) > 0.15
    groupings = [rank.Grouping(area, rank.area_levels(codes)), rank.Grouping(circle, [np.arange(3)])]
    expected = rank.ranks(keys, chosen, groupings)
    begin, scored = 0, []
    for number, size in enumerate(sizes):
        mine = np.flatnonzero(chosen[begin : begin + size])
        stem = tmp_path / f"p{number}"
        bounds = []
        for place, key in enumerate(keys):
            values = key.values[begin : begin + size][mine]
            valid = None if key.valid is None else key.valid[begin : begin + size][mine]
            spill.save(stem, f"key{place}", values)
            if valid is not None:
                spill.save(stem, f"valid{place}", valid)
            known = values if valid is None else values[valid]
            reach = (int(known.min()), int(known.max())) if len(known) else (None, None)
            bounds.append(Bounds(*reach, valid is not None and not valid.all(), key.descending, key.nulls_first))
        spill.save(stem, "rows", mine.astype(np.uint32))
        spill.save(stem, "area", area[begin : begin + size][mine].astype(np.int32))
        spill.save(stem, "circle", circle[begin : begin + size][mine].astype(np.int16))
        scored.append(SimpleNamespace(name=stem.name, ranked=len(mine), bounds=tuple(bounds), codes=codes))
        begin += size
    made = order.planned(tmp_path, scored, 3, memory)
    assert (made.ranges > 3) == (memory < 1 << 20)
    for place in range(len(sizes)):
        order.split(made, place)
    for number, before in enumerate(order.standing_before(made)):
        order.rank_range(made, number, before)
    found = [order.ranks_of(made, place, size) for place, size in enumerate(sizes)]
    for column, values in enumerate(expected):
        assert np.concatenate([one[column] for one in found]).tolist() == values.tolist(), column


def test_the_middle_of_several_ordered_lists():
    rng = np.random.default_rng(2)
    several = [np.sort(rng.integers(0, 30, size)) for size in (5, 0, 17)]
    several += [np.array([10**15])]
    every = np.sort(np.concatenate(several)).tolist()
    loads = [partial(np.asarray, one) for one in several]
    assert [run.nth(loads, place) for place in range(len(every))] == every


def test_columns_come_back_as_they_were_set_down(tmp_path):
    wide = pl.Series([1, None, 3]).cast(pl.Decimal(38, 2))
    known = wide.is_not_null().to_numpy()
    sheet = Sheet(
        {
            "id": Column(pl.String(), None, None, Texts.of(["a", "bb", ""])),
            "few": Column(pl.String(), np.array([1, 0, 1], np.uint32), known, Texts.of(["", "x"])),
            "none": Column(pl.String(), np.zeros(3, np.uint32), None, Texts.of([])),
            "n": Column(pl.UInt32(), np.arange(3, dtype=np.uint32)),
            "wide": Column(pl.Decimal(38, 2), None, known, None, wide),
            "money": Column(pl.Decimal(18, 2), np.array([300, -(2**63), -7]), known),
            "large": Column(pl.Int64(), np.array([-(2**63), 0, 2**63 - 1])),
        },
        3,
    )  # fmt: skip
    spill.write(sheet, tmp_path / "s")
    back = spill.read(tmp_path / "s", {name: column.kind for name, column in sheet.columns.items()})
    names = ["id", "few", "n", "wide", "money", "large"]
    assert back.select(names).equals(sheet.select(names))
    assert back.columns["money"].values.dtype == np.int16  # what a null holds does not count
    assert back.columns["money"].valid is back.columns["few"].valid
    assert len(back.columns["none"].texts) == 0


# --- synthetic registers and the command ---


def test_synthetic_parts_hold_the_households_of_the_whole(whole, parted):
    for entity in ("households", "members", "supporters", "transfers"):
        assert stored(parted, entity).equals(pl.read_parquet(whole / f"{entity}.parquet"))
    assert [part.name for part in find.find(parted)] == ["part-00001", "part-00002", "part-00003"]


def test_parts_are_not_written_among_others(parted):
    with pytest.raises(UsageError):
        in_parts.write(10, 1, parted, 2)


def test_the_command(parted, tmp_path, capsys):
    options = ["score", str(parted), "--table", "county_model", "--on", "2018-07-01", "--out", str(tmp_path / "out")]
    assert cli.run([*options, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["register"]["parts"] == PARTS
    assert cli.run([*options, "--lang", "en"]) == 0
    assert "900 households" in capsys.readouterr().out
    assert cli.run([*options, "--format", "xlsx", "--by", "township"]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 2
    assert cli.run(["synth", "--households", "20", "--seed", "1", "--parts", "2", "--out", str(tmp_path / "s")]) == 0
    assert len(find.find(tmp_path / "s")) == 2
