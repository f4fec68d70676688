"""What the benchmark compares finds the same results: every engine that is installed, before anything is timed."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from benchmarks import engines, files, ranking, variants
from benchmarks.engines import SCORE_ONLY, Work, unequal
from benchmarks.files import PARQUET, PARTS
from benchmarks.measure import figures, measure, peak_mib
from benchmarks.peers import county

SPARK = "Spark SQL"  # starts a Java process: compared by `dev.py bench` itself, before it times anything


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Work:
    return Work.made(600, tmp_path_factory.mktemp("work"))


@pytest.mark.parametrize("name", [name for name in SCORE_ONLY if name != SPARK])
def test_all_find_the_same_results(work, name):
    engine = SCORE_ONLY[name]
    if absent := engine.absent():
        pytest.skip(f"{absent} is not installed")
    assert unequal(work, {name: engine}) == []


def test_a_wrong_result_is_seen(work):
    found = dict(SCORE_ONLY["numpy"].prepare(work)())
    found["benefit_month"] = found["benefit_month"] + (np.arange(600) == 17)
    wrong = type(SCORE_ONLY["numpy"])(lambda _: lambda: found)
    assert unequal(work, {"odd": wrong}) == ["odd"]


def test_all_write_the_same_results_and_ranks(work):
    assert files.unequal(work, {name: one for name, one in PARQUET.items() if name != SPARK}) == []
    assert set(files.ALL_RANKS) <= set(files.written("hardship", work).columns)


def test_all_read_a_register_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "PART", 50)
    parted = Work.in_parts(120, tmp_path)
    assert len(list((parted.files / "households").iterdir())) == 3
    assert files.unequal(parted, {name: one for name, one in PARTS.items() if name != SPARK}) == []


def test_peers_read_the_register_that_is_scored(work):
    register = pl.read_parquet(work.files / "households.parquet")
    assert register.schema["residence_type"] == pl.Enum(["urban", "rural"])
    assert register.schema["financial_assets"] == pl.Decimal(18, 2)
    assert register.schema["new_house_date"] == pl.Date


def test_all_rank_the_same_rows():
    assert ranking.unequal(3_000) == []


def test_variants_count_the_same_households(work):
    assert variants.equal(work, 4)


def test_an_absent_engine_says_what_it_needs(monkeypatch):
    engine = type(SCORE_ONLY["numpy"])
    assert engine(lambda work: dict, "no_such_module_here").absent() == "no_such_module_here"
    assert engine(lambda work: dict, "json no-such-program-here").absent() == "no-such-program-here"
    assert engine(lambda work: dict, "json").absent() == ""


def test_the_day_of_an_age():
    assert county.born_by(dt.date(2018, 7, 1), 16) == dt.date(2002, 7, 1)


def test_medians_and_ratios_are_of_engines_in_turn():
    order: list[str] = []
    seconds = measure({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 2)
    assert order == ["a", "b"] * 3
    assert [len(times) for times in seconds.values()] == [2, 2]
    found = figures({"a": [2.0, 4.0, 9.0], "b": [8.0]}, 100, "a")
    assert found["a"]["median_s"] == 4.0
    assert found["b"] == {"median_s": 8.0, "min_s": 8.0, "max_s": 8.0, "rounds": 1, "rows": 100, "times": 2.0}


def test_memory_of_this_process_is_seen():
    assert peak_mib() > 50
