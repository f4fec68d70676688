"""A run on Spark gives the same bytes as one here."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from hardship import cli
from hardship.parts import run
from hardship.parts import synthesis as in_parts
from hardship.verify import verify

ON = "2018-07-01"
ROOT = Path(__file__).resolve().parents[1]

try:
    import pyspark
except ImportError:
    pyspark = None

needed = pytest.mark.skipif(
    pyspark is None or shutil.which("java") is None, reason="needs the extra `spark` (locks/spark.lock) and Java"
)


@pytest.fixture(scope="module")
def register(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("spark") / "register"
    in_parts.write(600, 7, place, 3)
    return place


@pytest.mark.spark
@needed
def test_the_same_bytes_as_here(register, tmp_path):
    run.run(register, "county_model", dt.date.fromisoformat(ON), tmp_path / "here")
    environment = os.environ | {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    arguments = [str(register), "county_model", ON, str(tmp_path / "there")]
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "spark_submit.py"), *arguments],
        env=environment | {"PYSPARK_SUBMIT_ARGS": "--master local[2] pyspark-shell"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    names = sorted(path.relative_to(tmp_path / "here") for path in (tmp_path / "here").rglob("*.*"))
    assert len(names) == 6
    for name in names:
        if name.name != "run.json":  # holds how long it took
            assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes(), name


def test_without_spark_it_is_said(register, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark.errors", None)
    out = ["--table", "county_model", "--on", ON, "--out", str(tmp_path / "out"), "--engine", "spark", "--lang", "en"]
    assert cli.run(["score", str(register), *out]) == 2
    assert "hardship[spark]" in capsys.readouterr().err


FRAMES = """
import os, sys
from pathlib import Path
from pyspark.sql import SparkSession, functions as F
from hardship.parts import run
import datetime as dt
import json

own = "127.0.0.1"
builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
spark = builder.config("spark.driver.host", own).config("spark.driver.bindAddress", own).getOrCreate()
names = ("households", "members", "supporters", "transfers")
for name in names:
    spark.read.parquet(f"{sys.argv[1]}/{name}").createOrReplaceTempView(name)
EXAMPLE
from hardship.spark_frames import score_frame

on = dt.date(2018, 7, 1)
rows = tables["households"]
for name in names[1:]:
    columns = [one for one in tables[name].columns if one != "household_id"]
    lists = tables[name].groupBy("household_id").agg(F.collect_list(F.struct(*columns)).alias(name))
    rows = rows.join(lists, "household_id", "left")
conflicts = F.col("verification_conflicts")
lists = F.when(conflicts == "none", F.array().cast("array<string>")).otherwise(F.split(conflicts, ";"))
rows = rows.withColumn("verification_conflicts", lists)
score_frame(rows, "county_model", on, Path("nested"), register=Path("several"), part=150)
"""


@pytest.mark.spark
@needed
def test_tables_of_spark_are_scored_as_files_are(register, tmp_path):
    mixed = tmp_path / "tables"
    shutil.copytree(register, mixed)
    file = next((mixed / "members").iterdir())
    stray = pl.read_parquet(file).with_columns(household_id=pl.lit("H9"))  # of no household
    stray.head(1).write_parquet(mixed / "members" / "stray.parquet")
    text = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    example = text.split("```python\n")[1].split("```")[0]
    done = subprocess.run(
        [sys.executable, "-c", FRAMES.replace("EXAMPLE", example), str(mixed)],
        env=os.environ | {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"},
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    expected = run.run(register, "county_model", dt.date.fromisoformat(ON), tmp_path / "here")
    lost = {"results": [("no_household", "H9")], "nested": []}  # who lists members by household has no stray ones
    for place in lost:
        found = json.loads((tmp_path / place / "run.json").read_text())
        assert found["results_sha256"] == expected.run["results_sha256"], place
        assert (tmp_path / place / "groups.csv").read_bytes() == (tmp_path / "here" / "groups.csv").read_bytes()
        assert [(row["code"], row["household_id"]) for row in rejects(tmp_path / place)] == lost[place]
    assert len(list((tmp_path / "several" / "members").iterdir())) > 2
    assert verify(tmp_path / "nested").differences == []


def rejects(out: Path) -> list[dict[str, str]]:
    return pl.read_csv(out / "rejects.csv", infer_schema=False).to_dicts()
