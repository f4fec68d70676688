"""Tables of other countries load, claim what their sources print, and give what was worked out by hand."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hardship.cases import find_cases, read_case, run_case
from hardship.checking.check import Checked
from hardship.load import load_table, load_text
from hardship.reading.plain import plain_household, register_of
from hardship.score import score
from hardship.standards import standards

ROOT = Path(__file__).parents[1]
CASES = ROOT / "tests" / "cases"
WORLD = {
    "global_mpi": "2018-01-01",
    "india_secc_2011": "2011-01-01",
    "bgd_ppi_2013": "2013-01-01",
    "pak_scorecard_2009": "2009-01-01",
    "ind_ppi_2016": "2016-01-01",
    "mex_ppi_2017": "2017-01-01",
    "phl_ppi_2014": "2014-01-01",
    "col_ppi_2018": "2018-01-01",
    "us_snap_2025": "2024-10-01",
}
CARDS = [table for table in WORLD if "_ppi_" in table or "_scorecard_" in table]
ON = dt.date(2018, 7, 1)
LOOKUPS = ROOT.parent / "shared" / "data" / "ppi_tables" / "lookup_long.parquet"
COLOMBIA = LOOKUPS.with_name("scorecards_long.csv")
needs_data = pytest.mark.skipif(not LOOKUPS.exists(), reason="the data sets of ppitables are not on this machine")


@cache
def load(table: str) -> Checked:
    return load_table(ROOT / "scoring_tables" / table / f"{WORLD[table]}.toml")


def results(checked: Checked, households: list[dict[str, Any]]) -> pl.DataFrame:
    """Result rows of households in the form of a worked case."""
    plain = [
        plain_household(
            {
                "household": {**one["household"], "household_id": f"H{number}"},
                "members": [{"member_id": f"m{k}", **row} for k, row in enumerate(one["members"])],
            },
            checked.names.attributes,
        )
        for number, one in enumerate(households)
    ]
    return score(register_of(plain, checked.names.attributes), checked, standards([]), ON).frame


# --- all of them ---


@pytest.mark.parametrize("table", WORLD)
def test_a_table_loads_without_a_warning_and_needs_no_local_number(table: str) -> None:
    assert load(table).warnings == ()
    assert load(table).table.parameter == ()


def test_the_first_day_of_a_table_is_in_its_name_or_its_note() -> None:
    for table, version in WORLD.items():
        named = re.search("[0-9]{4}", table)
        note = load(table).table.table.note
        assert note is not None
        assert version[:4] in (note.en + (named[0] if named else ""))


def test_what_no_document_at_hand_prints_is_not_published() -> None:
    snap, mpi = load("us_snap_2025").table, load("global_mpi").table
    assert {one.status for one in snap.constant} == {None, "law"}
    assert snap.table.default_status == "unverified"
    assert all(one.note is not None for one in snap.constant if one.status == "law")
    unverified = {one.name for one in mpi.constant if one.status == "unverified"}
    assert unverified == {"poor_from", "severe_from", "vulnerable_from", "school_age"}
    (ladder,) = load("india_secc_2011").table.ladder
    assert [rung.status for rung in ladder.rung] == ["unverified", None]


WORKED = [path for path, table, _ in find_cases(CASES) if table in WORLD]


@pytest.mark.parametrize("table", WORLD)
def test_every_table_has_at_least_twelve_worked_cases(table: str) -> None:
    assert sum(path.parts[-3] == table for path in WORKED) >= 12


@pytest.mark.parametrize("path", WORKED, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_a_case_worked_by_hand(path: Path) -> None:
    case, checked = read_case(path), load(path.parts[-3])
    assert path.parts[-2] == WORLD[path.parts[-3]]
    assert run_case(case, checked, "reference") == []
    assert run_case(case, checked, "machine") == []


# --- multidimensional poverty ---


def test_head_count_intensity_and_m0_come_from_the_results() -> None:
    """Three households of 4, 5 and 3 persons with 5/9, 1/3 and 5/18: H = 9/12, A = 35/81, M0 = 35/108."""
    files = sorted((CASES / "global_mpi" / WORLD["global_mpi"]).glob("0[123]_*.toml"))
    frame = results(load("global_mpi"), [one for path in files for one in read_case(path).households])
    persons = [int(value) for value in frame["number_of_persons"]]
    poor = [int(value) for value in frame["deprived_persons"]]
    scores = [Fraction(text) for text in frame["index_exact"]]
    share = Fraction(sum(poor), sum(persons))
    mean = sum((count * one for count, one in zip(poor, scores, strict=True)), Fraction(0)) / sum(poor)
    assert (share, mean, share * mean) == (Fraction(3, 4), Fraction(35, 81), Fraction(35, 108))


def test_rounded_weights_would_lose_the_household_at_exactly_one_third() -> None:
    path = ROOT / "scoring_tables" / "global_mpi" / f"{WORLD['global_mpi']}.toml"
    text = path.read_text(encoding="utf-8").replace('"1/18"', "0.055").replace('"1/6"', "0.166")
    (case,) = sorted((CASES / "global_mpi" / WORLD["global_mpi"]).glob("02_*.toml"))
    household = list(read_case(case).households)
    assert results(load_text(text), household)["circle"].to_list() == ["vulnerable"]
    assert results(load("global_mpi"), household)["circle"].to_list() == ["poor"]


# --- scorecards ---


@pytest.mark.parametrize("table", CARDS)
def test_totals_run_from_0_to_100(table: str) -> None:
    bounds = {name: ends for name, ends in load(table).bounds.items() if name.startswith("index:")}
    highest = 99 if table == "col_ppi_2018" else 100
    assert set(bounds.values()) == {(Fraction(0), Fraction(highest))}
    assert len(load(table).table.item) == (11 if table == "mex_ppi_2017" else 10)


def test_the_rate_of_a_group_is_the_mean_of_its_likelihoods() -> None:
    """0 and 100 points: 76.2 and 0.0 percent, 38.1 together. The mean total, 50 points, would say 3.9."""
    files = sorted((CASES / "bgd_ppi_2013" / WORLD["bgd_ppi_2013"]).glob("0[23]_*.toml"))
    frame = results(load("bgd_ppi_2013"), [one for path in files for one in read_case(path).households])
    likelihoods = frame["likelihood_national_lower"].to_list()
    assert likelihoods == [Decimal("76.2"), Decimal("0.0")]
    assert sum(likelihoods) / len(likelihoods) == Decimal("38.1")
    (lookup,) = load("bgd_ppi_2013").table.lookup
    assert lookup.grid[50 // 5][0] == Fraction("3.9")


@pytest.mark.parametrize("table", CARDS)
def test_the_poorest_stand_first(table: str) -> None:
    (key,) = load(table).table.rank.keys
    assert key.order == "ascending"
    assert load(table).table.table.direction == "higher_is_better"


NATIONAL = {"national_50": "nl50", "national_75": "nl75", "national_125": "nl125", "national_150": "nl150"}
SAME = {
    "bgd_ppi_2013": ("ppiBGD2013", {"national_lower": "nl", "national_upper_100": "nu100"}),
    "pak_scorecard_2009": ("ppiPAK2009", {"national_100": "nl100", "national_200": "nl200"}),
    "ind_ppi_2016": ("ppiIND2016_r68", {f"rangarajan_{k}": f"rangarajan{k}" for k in (100, 150, 200)}),
    "mex_ppi_2017": ("ppiMEX2017_a", {"minimum": "nl100", "national_100": "nu100"}),
    "phl_ppi_2014": ("ppiPHL2014_a", {"national_100": "nl100"}),
    "col_ppi_2018": ("ppiCOL2018", {"national": "nl100", "extreme": "extreme"}),
}
"""The data set of each card, and the names of lines that differ there from ours."""


@needs_data
@pytest.mark.parametrize("table", CARDS)
def test_the_likelihoods_are_those_of_the_data_sets(table: str) -> None:
    """At every score from 0 to 100, in every line."""
    source, names = SAME[table]
    frame = pl.read_parquet(LOOKUPS).filter(pl.col("table") == source)
    known = {(line, points): value for _, points, line, value in frame.iter_rows()}
    (lookup,) = load(table).table.lookup
    assert lookup.columns is not None
    lines = lookup.columns.values or ()
    for column, line in enumerate(lines):
        there = names.get(line) or NATIONAL.get(line) or line.replace("national_upper_", "nu")
        for points in range(101):
            row = points if table == "col_ppi_2018" else min(points // 5, 19)
            assert lookup.grid[row][column] == Fraction(repr(known[there, points])), (line, points)


@needs_data
def test_colombia_s_points_are_those_of_the_data_set() -> None:
    rows = pl.read_csv(COLOMBIA, infer_schema_length=None).filter(pl.col("table") == "scoreCOL2018")
    known: dict[str, dict[str, int]] = {}
    for code, line, points in rows.select("code", "poverty_line", "points").iter_rows():
        known.setdefault(code, {})[line] = int(points)
    for number, item in enumerate(load("col_ppi_2018").table.item, 1):
        given = [item.points, 0] if item.points is not None else [case.points for case in item.cases or ()]
        ours = sorted((one["national"], one["extreme"]) if isinstance(one, dict) else (0, 0) for one in given)
        theirs = [one for code, one in known.items() if int(code[:-1]) == number]
        assert ours == sorted((one["nl100"], one["extreme"]) for one in theirs), item.id
