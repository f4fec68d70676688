"""CASEN 1990: the official class of every person, from the survey's own file, and its page."""

from __future__ import annotations

import importlib.util
import json
import sys
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest

from hardship.cli import run as hardship
from hardship.load import load_table
from hardship.reading.mapping import load_mapping

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "casen_1990"
PERSONS = ROOT.parent / "shared" / "data" / "casen_1990" / "persons.parquet"
needs_data = pytest.mark.skipif(not PERSONS.exists(), reason="the survey's file is not on this machine")


def test_the_table_loads_without_a_warning_and_the_index_reaches_100() -> None:
    checked = load_table(EXAMPLE / "table.toml")
    assert checked.warnings == ()
    assert checked.bounds["index:conditions"] == (Fraction(0), Fraction(100))


def test_the_mapping_fills_every_fact_that_the_table_names() -> None:
    checked = load_table(EXAMPLE / "table.toml")
    mapping = load_mapping(EXAMPLE / "mapping.toml", checked.names.attributes)
    filled = [column.to for part in (mapping.file.households, mapping.file.members) for column in part.column]
    named = {name for site in checked.names.sites for name in checked.names.attributes_of(site.node, site.level)}
    assert sorted(filled) == sorted(named)
    assert mapping.currency == checked.table.table.currency == "CLP"


@pytest.fixture(scope="module")
def report() -> ModuleType:
    spec = importlib.util.spec_from_file_location("casen_report", EXAMPLE / "report.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["casen_report"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def persons() -> pl.DataFrame:
    household = pl.format("{}-{}-{}-{}-{}", "r", "p", "c", "z", "f").alias("household_id")
    return pl.read_parquet(PERSONS).with_columns(household)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the command of the contract writes."""
    out = tmp_path_factory.mktemp("casen") / "out"
    table, mapping = EXAMPLE / "table.toml", EXAMPLE / "mapping.toml"
    command = ["score", PERSONS, "--mapping", mapping, "--table", table, "--on", "1990-11-30", "--out", out]
    assert hardship([str(word) for word in command]) == 0
    return out


@pytest.fixture(scope="module")
def results(out: Path) -> pl.DataFrame:
    return pl.read_parquet(out / "results.parquet")


@needs_data
def test_no_row_is_lost(out: Path) -> None:
    run: dict[str, Any] = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert run["counts"]["households"] == {"in": 25_793, "scored": 25_793, "rejected": 0}
    assert run["counts"]["members"] == {"in": 105_189, "scored": 105_189, "rejected": 0}
    assert run["counts"]["incomplete"] == 0
    assert len((out / "rejects.csv").read_text(encoding="utf-8").splitlines()) == 1


@needs_data
def test_every_classified_person_gets_the_official_class(
    report: ModuleType, persons: pl.DataFrame, results: pl.DataFrame
) -> None:
    found = report.compare(persons, results)
    assert (found.persons, found.unclassified) == (105_189, 536)
    assert (found.differences, found.lost) == (0, 0)
    counts = dict(results.group_by("circle").len().iter_rows())
    assert counts == {"indigente": 2_803, "pobre": 6_015, "no_pobre": 16_975}
    assert f"{report.poverty_rate(found.households):.1f}" == "38.6"


@needs_data
def test_a_changed_class_would_be_found(report: ModuleType, persons: pl.DataFrame, results: pl.DataFrame) -> None:
    first = results.head(1).with_columns(circle=pl.lit("none"))
    found = report.compare(persons, pl.concat([first, results[1:-1]]))
    assert found.differences == sum(
        persons.filter(pl.col("household_id") == household, pl.col("corte").is_not_null()).height
        for household in (results["household_id"][0], results["household_id"][-1])
    )
    assert found.lost > 0


@needs_data
def test_income_per_head_is_the_survey_s(persons: pl.DataFrame, results: pl.DataFrame) -> None:
    official = persons.group_by("household_id").agg(pl.first("ypchaj"))
    joined = results.join(official, on="household_id")
    assert joined.height == 25_793
    assert joined.filter(pl.col("income_per_head") != pl.col("ypchaj")).height == 0


@needs_data
def test_each_line_lies_in_the_gap_that_the_official_classes_leave(persons: pl.DataFrame) -> None:
    constants = {one.name: one for one in load_table(EXAMPLE / "table.toml").table.constant}
    page = (ROOT / "docs" / "casen.md").read_text(encoding="utf-8")
    for zone, place in ((1, "urban"), (2, "rural")):
        here = persons.filter(pl.col("z") == zone)
        for below, line in ((1, "indigence"), (2, "poverty")):
            constant = constants[f"{line}_{place}"]
            low = here.filter(pl.col("corte") == below)["ypchaj"].to_list()
            high = here.filter(pl.col("corte") == below + 1)["ypchaj"].to_list()
            assert max(low) < constant.value <= min(high)
            assert constant.status == "unverified"
            assert f"| {line}, {place} | {max(low):,} | {min(high):,} | {int(constant.value):,} |" in page


@needs_data
def test_those_who_keep_apart_are_members_who_do_not_count(persons: pl.DataFrame) -> None:
    apart = persons.filter(pl.col("nucleo") == 0)
    assert apart.height == 536
    assert apart["corte"].null_count() == 536
    assert persons.filter(pl.col("nucleo") > 0)["corte"].null_count() == 0


def _stairs(value: pl.Expr, *steps: tuple[int, int], last: int) -> pl.Expr:
    """Points below each edge, else `last`."""
    found = pl.lit(last)
    for edge, points in reversed(steps):
        found = pl.when(value < edge).then(points).otherwise(found)
    return found


def _of(column: str, points: dict[int, int]) -> pl.Expr:
    return pl.col(column).replace_strict(points, default=0)


@needs_data
def test_the_index_is_the_one_that_polars_makes_from_the_codes(persons: pl.DataFrame, results: pl.DataFrame) -> None:
    """The 22 items once more, written against the survey's own columns."""
    own = {f"p{n}": (pl.col(f"p{n}") == 1).any() for n in range(2, 10)}
    here = [f"v{n}" for n in (2, 3, 4, 6, 8, 10, 17, 28, 31, 11, 22)]
    child = pl.col("edad") < 15
    houses = (
        persons.filter(pl.col("nucleo") > 0)
        .group_by("household_id")
        .agg(
            n=pl.len(),
            children=child.sum(),
            old=(pl.col("edad") >= 65).sum(),
            alone=(child & (pl.col("pco1") == 3)).any() & ~(pl.col("pco1") == 2).any(),
            workers=(pl.col("o21") == 1).sum(),
            school=pl.col("esc").filter(pl.col("pco1") == 1).first().fill_null(0),
            ill=pl.col("s12").is_in([3, 4]).sum(),
            unable=(pl.col("o4") == 3).sum(),
            **own,
            **{name: pl.first(name) for name in here},
        )
    )
    n, workers, rooms = pl.col("n"), pl.col("workers"), pl.coalesce("v22", "v11")
    share = n * 60 // pl.max_horizontal(workers, 1)
    people = (
        (pl.col("children") * 3).clip(0, 9)
        + (pl.col("old") * 2).clip(0, 4)
        + pl.col("alone") * 4
        + pl.when(workers == 0).then(8).otherwise(_stairs(share, (120, 0), (180, 2), (240, 4), (360, 6), last=8))
        + _stairs(pl.col("school"), (4, 5), (8, 3), (12, 1), last=0)
    )
    toilet = pl.when((pl.col("v17") == 5) | (pl.col("v28") == 3)).then(5)
    dwelling = (
        _of("v3", {3: 3, 2: 1})
        + _of("v2", {5: 3, 6: 3, 7: 3, 0: 3})
        + _of("v4", {5: 4, 8: 4, 4: 2})
        + _of("v6", {4: 3, 5: 3, 6: 3, 9: 3})
        + _of("v8", {3: 5, 6: 5, 2: 3, 5: 3})
        + _of("v10", {4: 5, 3: 3, 2: 1})
        + toilet.when(pl.col("v17").is_in([3, 4])).then(4).when(pl.col("v28") == 2).then(2).otherwise(0)
        + pl.when(n < rooms).then(0).when(2 * n < 3 * rooms).then(1).when(n < 2 * rooms).then(3).otherwise(5)
        + _of("v31", {6: 2, 4: 1, 5: 1})
    )
    lacking = {"p2": 2, "p4": 1, "p5": 3, "p6": 6, "p7": 4, "p8": 2, "p9": 2}
    durables = sum((~pl.col(name) * points for name, points in lacking.items()), ~(pl.col("p3") | pl.col("p5")) * 5)
    again = houses.select(
        "household_id",
        people=people,
        health=(pl.col("ill") * 2).clip(0, 4) + (pl.col("unable") * 3).clip(0, 6),
        dwelling=dwelling,
        durables=durables,
    )
    joined = results.join(again, on="household_id")
    assert joined.height == 25_793
    for group in ("people", "health", "dwelling", "durables"):
        assert joined.filter(pl.col(f"points_{group}") != pl.col(group)).height == 0, group
    total = pl.sum_horizontal("people", "health", "dwelling", "durables")
    assert joined.filter(pl.col("index") != total).height == 0


@needs_data
def test_the_page_shows_these_figures(report: ModuleType, persons: pl.DataFrame, results: pl.DataFrame) -> None:
    page = (ROOT / "docs" / "casen.md").read_text(encoding="utf-8")
    assert (
        page.split(report.BEGIN)[1].split(report.END)[0].strip()
        == report.figures(report.compare(persons, results)).strip()
    )
    assert (ROOT / "docs" / "img" / "casen_deciles.png").stat().st_size > 0
