"""Result files: stable bytes, guarded texts, and the whole old or the whole new result after a crash."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
import signal
import subprocess
import sys
import time
from decimal import Decimal

import fastexcel
import polars as pl
import pytest

from hardship import export
from hardship.columns import csv_parts, csv_texts, sha256_of
from hardship.errors import UsageError
from hardship.reading.rejects import COLUMNS as REJECT_COLUMNS
from hardship.results import Results
from hardship.sheet import Sheet

PAYLOADS = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+1",
    "-1+1",
    "@SUM(A1)",
    "\tx",
    "\rx",
    "\0x",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    "-12.50",
    '=HYPERLINK("http://x")',
    "=1,2",
    '="a""b"',
]


def some_results(ids=("a", "b"), persons=None) -> Results:
    rows = len(ids)
    frame = pl.DataFrame(
        {
            "household_id": list(ids),
            "index": pl.Series([Decimal("-12.50")] * rows, dtype=pl.Decimal(18, 2)),
            "index_exact": ["-25/2"] * rows,
            "position": pl.Series([None] * rows, dtype=pl.UInt32),
            "flags": [""] * rows,
        }
    )
    rejects = pl.DataFrame({name: list(ids) for name in REJECT_COLUMNS})
    digest = sha256_of(frame)
    return Results(Sheet.of(frame), persons, rejects, {"schema": 1, "results_sha256": digest}, digest)


def tree(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_canonical_csv_is_what_the_csv_module_writes():
    frame = pl.DataFrame(
        {
            "a": ['x"y', "a,b", "line\nbreak", "", None, "#", " sp "],
            "b": pl.Series(["1.50", None, "-0.05", "0.00", *[None] * 3]).cast(pl.Decimal(18, 2)),
            "c": [True, False, None, True, None, None, None],
            "d": [dt.date(2018, 7, 1)] + [None] * 6,
        }
    )
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(frame.columns)
    writer.writerows(row.values() for row in csv_texts(frame))
    assert b"".join(csv_parts(frame)).decode() == buffer.getvalue()
    assert "-0.05" in buffer.getvalue()
    assert "true" in buffer.getvalue()


def test_csv_form_does_not_depend_on_its_batches(monkeypatch):
    frame = pl.DataFrame({"a": list(range(1000))})
    whole = sha256_of(frame)
    monkeypatch.setattr("hardship.columns.CSV_BATCH", 7)
    assert sha256_of(frame) == whole
    assert sha256_of(frame.clear()) == sha256_of(pl.DataFrame({"a": []}))


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
def test_no_text_becomes_a_formula_and_numbers_stay_numbers(payload, tmp_path):
    out = tmp_path / "out"
    export.write(out, some_results(ids=(payload,)), formats=("csv", "xlsx"))
    for name in ("results.csv", "rejects.csv"):
        with (out / name).open(encoding="utf-8", newline="") as handle:
            row = next(csv.DictReader(handle))
        assert row["household_id"] == "'" + payload
    with (out / "results.csv").open(encoding="utf-8", newline="") as handle:
        row = next(csv.DictReader(handle))
    assert (row["index"], row["index_exact"]) == ("-12.50", "-25/2")
    assert pl.read_parquet(out / "results.parquet")["household_id"].to_list() == [payload]
    sheet = fastexcel.read_excel(out / "results.xlsx").load_sheet("results").to_polars()
    assert float(sheet["index"][0]) == -12.5
    assert str(sheet["household_id"][0]).startswith("'")


def test_same_results_give_the_same_bytes_however_they_are_chunked(tmp_path):
    ids = [f"h{i:05}" for i in range(3000)]
    whole = some_results(ids)
    chunked = pl.concat([whole.frame[:7], whole.frame[7:2000], whole.frame[2000:]], rechunk=False)
    parts = Results(Sheet.of(chunked), None, whole.rejects, whole.run, whole.sha256)
    for name, results in (("one", whole), ("other", parts)):
        export.write(tmp_path / name, results, formats=("csv", "xlsx"))
    one, other = tree(tmp_path / "one"), tree(tmp_path / "other")
    forms = {"results.parquet", "results.csv", "results.xlsx"}
    assert one.keys() == other.keys() == forms | {"rejects.csv", "run.json"}
    for name in one.keys() - {"run.json"}:
        assert one[name] == other[name], name


def test_persons_are_written_where_there_are_rules(tmp_path):
    persons = pl.DataFrame({"household_id": ["a"], "member_id": ["m"]})
    export.write(tmp_path / "out", some_results(persons=persons))
    assert pl.read_parquet(tmp_path / "out" / "persons.parquet").equals(persons)
    export.write(tmp_path / "out", some_results())
    assert not (tmp_path / "out" / "persons.parquet").exists()


def test_an_older_result_is_replaced_and_other_files_are_kept(tmp_path):
    out = tmp_path / "out"
    export.write(out, some_results(), formats=("csv",))
    (out / "notes.txt").write_text("mine")
    (out / "letters").mkdir()
    (out / "letters" / "a.html").write_text("x")
    files = {"register": [tmp_path / "reg"]}
    run = export.write(out, some_results(ids=("c",)), timings={"read": 1.23456}, files=files)
    ours = {"results.parquet", "rejects.csv", "run.json"}
    assert {p.name for p in out.iterdir()} == ours | {"notes.txt", "letters"}
    assert (out / "letters" / "a.html").read_text() == "x"
    assert json.loads((out / "run.json").read_text(encoding="utf-8")) == run
    assert run["sources"] == {"register": ["../reg"]}
    assert run["timings"]["read"] == 1.235
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_folder_of_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError) as found:
        export.prepare(tmp_path)
    assert found.value.faults[0].code == "cli.out_is_foreign"
    with pytest.raises(UsageError):
        export.prepare(tmp_path / "thesis.txt")
    (tmp_path / "empty").mkdir()
    export.prepare(tmp_path / "empty")
    export.prepare(tmp_path / "new")


@pytest.mark.parametrize("step", ["sheet_parquet.write", "write_csv", "settle", "publish"])
def test_a_failure_at_any_step_leaves_the_old_result(step, tmp_path, monkeypatch):
    out = tmp_path / "out"
    export.write(out, some_results())
    before = tree(out)

    def fail(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"hardship.export.{step}", fail)
    with pytest.raises(OSError, match="No space"):
        export.write(out, some_results(ids=("c",)))
    assert tree(out) == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_without_an_exchange_of_folders_the_result_is_still_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "exchange", lambda one, other: False)
    for ids in (("a",), ("b",)):
        export.write(tmp_path / "out", some_results(ids=ids))
    assert pl.read_parquet(tmp_path / "out" / "results.parquet")["household_id"].to_list() == ["b"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


KILLED = """
import sys, itertools
sys.path.insert(0, {tests!r})
from pathlib import Path
from hardship import export
from test_export import some_results
old, new = some_results(ids=("a",) * 500), some_results(ids=("b",) * 500)
print("ready", flush=True)
for n in itertools.count():
    export.write(Path({out!r}), new if n % 2 else old)
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_run_leaves_one_whole_result(tmp_path):
    out = tmp_path / "out"
    export.write(out, some_results(ids=("a",) * 500))
    for delay in (0.003, 0.011, 0.027, 0.052):
        code = KILLED.format(tests=os.path.dirname(__file__), out=str(out))
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        run = json.loads((out / "run.json").read_text(encoding="utf-8"))
        assert sha256_of(pl.read_parquet(out / "results.parquet")) == run["results_sha256"]
        assert {p.name for p in out.iterdir()} == {"results.parquet", "rejects.csv", "run.json"}
