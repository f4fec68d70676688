"""A run on Spark gives the same bytes as one here."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hardship import cli
from hardship.parts import run
from hardship.parts import synthesis as in_parts

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
