"""The converter of poverty look-ups and scorecards: what it makes, what it refuses, and its page."""

from __future__ import annotations

import datetime as dt
import importlib.util
import sys
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest

from hardship.load import load_text

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "ppi"
DATA = ROOT.parent / "shared" / "data" / "ppi_tables"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="the data sets of ppitables are not on this machine")


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[name] = found
    spec.loader.exec_module(found)
    return found


convert = module("convert")
report = module("report")


def lookup(rows: list[tuple[int | None, str, float | None]], table: str = "ppiXYZ2020") -> list[Any]:
    frame = pl.DataFrame(rows, ["score", "poverty_line", "likelihood"], orient="row")
    frame = frame.cast({"score": pl.Int16, "likelihood": pl.Float64})
    return list(convert.lookups(frame.select(pl.lit(table).alias("table"), pl.all())))


def card(rows: list[tuple[str, float]]) -> list[Any]:
    columns = {
        "table": "scoreXYZ2020",
        "code": [code for code, _ in rows],
        "response": [None for _ in rows],
        "poverty_line": "nl",
        "points": [points for _, points in rows],
    }
    return list(convert.cards(pl.DataFrame(columns, schema_overrides={"response": pl.String}), EMPTY))


EMPTY = pl.DataFrame(
    schema={"table": pl.String, "score": pl.Int16, "poverty_line": pl.String, "likelihood": pl.Float64}
)
FULL = [(points, "nl", 100.0 - points) for points in range(101)]
TEN = [(f"{question}{letter}", 10.0 * place) for question in range(1, 11) for place, letter in enumerate("AB")]


def test_a_whole_look_up_becomes_one_table() -> None:
    (one,) = lookup(FULL)
    checked = load_text(one.text)
    assert (checked.table.table.id, checked.table.table.version) == ("ppi_xyz2020", dt.date(2020, 1, 1))
    assert checked.warnings == ()
    (cells,) = checked.table.lookup
    assert [row[0] for row in cells.grid] == [100 - points for points in range(101)]
    assert one.notes == ()


def test_a_missing_row_is_an_empty_cell() -> None:
    (one,) = lookup(FULL[1:])
    assert load_text(one.text).table.lookup[0].grid[0] == (None,)
    assert one.notes == ("unknown: no likelihood at score 0 for nl",)


def test_lines_that_lack_other_scores_become_a_table_of_their_own() -> None:
    made = lookup([*FULL, *((points, "nlFood", 1.0 if points > 4 else None) for points in range(101))])
    assert [(one.id, one.lines) for one in made] == [
        ("ppi_xyz2020", {"nl": "nl"}),
        ("ppi_xyz2020_partial", {"nlFood": "nl_food"}),
    ]
    assert made[1].notes == ("unknown: no likelihood at score 0 to 4 for nlFood",)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([(None, "nl", 1.0)], "its rows have no scores"),
        (
            [(points + 1, line, value) for points, line, value in FULL],
            "its scores run from 1 to 101, not within 0 to 100",
        ),
        ([*FULL, (7, "nl", 1.0)], "a score stands twice for one line"),
        ([*FULL[1:], (0, "nl", 100.5)], "a likelihood is outside 0 to 100"),
    ],
)
def test_what_cannot_be_read_for_certain_is_refused(rows: list[Any], why: str) -> None:
    assert lookup(rows) == [convert.Refused("ppiXYZ2020", why)]


def test_a_card_without_a_look_up_has_points_and_no_likelihoods() -> None:
    (one,) = card(TEN)
    checked = load_text(one.text)
    assert len(checked.table.item) == 10
    assert checked.bounds["index:nl"] == (0, 100)
    assert checked.table.output == ()
    assert one.notes == ("unknown: no likelihoods for line nl",)


def test_cards_whose_answers_cannot_be_told_apart_are_refused() -> None:
    assert card([*TEN, ("1B", 3.0)]) == [convert.Refused("scoreXYZ2020", "code 1B stands for two answers")]
    assert card(TEN[2:]) == [convert.Refused("scoreXYZ2020", "its codes tell 9 questions apart, not 10")]


@pytest.mark.parametrize(
    ("stored", "meant"),
    [(82.39999999999999, "82.4"), (100.0, "100"), (4.9e-05, "0.000049"), (0.0, "0"), (88.3926469480588, "88.392647")],
)
def test_noise_of_binary_numbers_goes(stored: float, meant: str) -> None:
    assert str(convert.exact(stored)) == meant


# --- on the data ---


@pytest.fixture(scope="module")
def converted() -> list[Any]:
    return list(convert.read(DATA))


@needs_data
def test_each_defect_of_the_source_is_refused_or_said(converted: list[Any]) -> None:
    refused = {one.source: one.why for one in converted if isinstance(one, convert.Refused)}
    assert refused == {
        "ppiHND2010": "its rows have no scores",
        "ppiRWA2019": "its scores run from 1 to 101, not within 0 to 100",
        "scoreKEN2018": "code 1M stands for two answers",
        "scoreRWA2019": "its codes tell 9 questions apart, not 10",
    }
    made = [one for one in converted if isinstance(one, convert.Converted)]
    assert len({one.source for one in made if one.source.startswith("ppi")}) == 115
    assert len({one.source for one in made if one.source.startswith("score")}) == 10
    lacking = {one.source: one.notes[0] for one in made if any("at score" in note for note in one.notes)}
    assert {source: note.split(" for ")[0] for source, note in lacking.items()} == {
        "ppiIDN2020": "unknown: no likelihood at score 0",
        "ppiMWI2020": "unknown: no likelihood at score 0",
        "ppiTZA2022": "unknown: no likelihood at score 0",
        "ppiUGA2022": "unknown: no likelihood at score 0",
        "ppiIND2016_r68": "unknown: no likelihood at score 0 to 4",
    }


@needs_data
def test_every_score_of_every_look_up_gives_the_printed_likelihood(converted: list[Any], tmp_path: Path) -> None:
    """And every card the points of its answers in every line; the page shows these figures."""
    assert len(convert.write(converted, tmp_path)) == 126
    found = report.compare(DATA, tmp_path, converted)
    # All rows but those of the two refused look-ups, less the fifteen empty ones.
    assert found.printed == 125_477 - 606 - 1_919 - 15
    assert (found.lookups, found.cards, found.differences) == (115, 10, 0)
    page = (ROOT / "docs" / "world.md").read_text(encoding="utf-8")
    shown = page.split(report.BEGIN)[1].split(report.END)[0].strip()
    assert shown == report.figures(DATA, converted, found).strip()


@needs_data
def test_a_likelihood_that_differs_is_found(converted: list[Any], tmp_path: Path) -> None:
    one = next(one for one in converted if one.id == "ppi_bgd2013")
    (path,) = convert.write([one], tmp_path)
    path.write_text(one.text.replace("[76.2,", "[76.3,", 1), encoding="utf-8")
    assert report.compare(DATA, tmp_path, [one]).differences == 1


@needs_data
def test_the_vignette_s_figures(converted: list[Any], tmp_path: Path) -> None:
    """Colombia 2012, the line of 2.50 dollars: 42.6 percent at 30 points; the mean over ten scores is 60.7."""
    one = next(one for one in converted if one.id == "ppi_col2012")
    checked = load_text(one.text)
    scores = [30, 25, 26, 25, 27, 26, 29, 28, 29, 25, 28]
    rows = report.scored(checked, [{"score": points} for points in scores])
    first, *further = [row["likelihood_ppp250"] for row in rows]
    assert first == Decimal("42.6")
    assert round(sum(further) / len(further), 1) == Decimal("60.7")
