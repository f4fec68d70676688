"""The mutation run in small: no row lost, every operator used, and a lost row would be found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import mutate
import polars as pl
import pytest

from hardship.reading import read_csv


def test_no_row_is_lost() -> None:
    tally = mutate.run(24, seed=3)
    assert tally.faults == []
    assert tally.lost == 0
    assert tally.rows == tally.scored + tally.rejected
    assert tally.scored > 0
    assert tally.rejected > 0


def test_there_are_enough_operators() -> None:
    names = mutate.operators()
    assert len(names) == len(set(names)) >= 40


def test_the_counter_counts(tmp_path: Path) -> None:
    book = mutate.base(1)
    sizes = {entity: len(rows) for entity, (_, rows) in book.tables.items()}
    for form in mutate.FORMS:
        folder = tmp_path / form
        folder.mkdir()
        path = mutate.write(book, form, folder, [], mutate.random.Random(1))
        assert mutate.count(path) == sizes, form


def test_a_reader_that_loses_a_row_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The run is no empty promise: a reader that drops short rows without a word, as many do, is caught."""
    path = mutate.write(mutate.base(1), "utf-8", tmp_path, ["short_row"], mutate.random.Random(1))
    tally = mutate.Tally()
    mutate.judge(path, tally, "short")
    assert tally.lost == 0
    careful = read_csv.read_csv
    monkeypatch.setattr(read_csv, "read_csv", lambda file, entity: replace(careful(file, entity), bad=()))
    mutate.judge(path, tally, "short")
    assert tally.lost > 0
    assert "counted" in tally.faults[0]


def test_rejects_name_a_line_of_the_file(tmp_path: Path) -> None:
    book = mutate.base(2)
    book.tables["households"][1][4][2] = "city"
    path = mutate.write(book, "utf-8", tmp_path, [], mutate.random.Random(1))
    register = mutate.read_register(path, attributes=mutate.dictionary(), on=mutate.ON)
    found = register.rejects.filter(pl.col("field") == "residence_type")
    assert found["line"].to_list() == [6]
