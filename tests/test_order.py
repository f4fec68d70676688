"""What the order of rows tells, against plain Python over random rows; no order of a file changes a register."""

from __future__ import annotations

import datetime as dt
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from hardship.attributes import dictionary
from hardship.engine import jit
from hardship.errors import EngineError
from hardship.reading import order, sorted_link
from hardship.reading.write_register import file_frames
from hardship.register import Register, read_register
from hardship.synthesis import synthesize

ON = dt.date(2018, 7, 1)


def texts(choice: random.Random, rows: int, nulls: bool = True) -> list[str | None]:
    return [choice.choice(["a", "b", "ab", "é", *([None] if nulls else [])]) for _ in range(rows)]


@pytest.mark.parametrize("seed", range(40))
def test_neighbours(seed: int) -> None:
    choice = random.Random(seed)
    rows = choice.randrange(0, 9)
    one, two = texts(choice, rows), texts(choice, rows)
    if seed % 3 == 0:
        one = sorted(set(texts(choice, rows, nulls=False)))
        two = texts(choice, len(one))
    left, right = pl.Series("one", one, dtype=pl.String), pl.Series("two", two, dtype=pl.String)
    rising = all(a is not None for a in one) and all(a.encode() < b.encode() for a, b in pairwise(one) if a and b)
    assert order.ascending(left) == rising
    starts = order.run_starts([left, right])
    keys = list(zip(one, two, strict=True))
    assert starts.tolist() == [place == 0 or keys[place] != keys[place - 1] for place in range(len(keys))]
    frame = pl.DataFrame([left, right])

    def last(key: tuple[str | None, str | None]) -> list[tuple[bool, bytes]]:
        return [(cell is None, (cell or "").encode()) for cell in key]

    assert order.in_order(frame, ["one", "two"]) == all(last(a) <= last(b) for a, b in pairwise(keys))
    groups = order.run_starts([left])
    run = np.cumsum(groups).tolist()
    pairs = list(zip(run, two, strict=True))
    assert order.alone_in_runs(groups, right) == (len(set(pairs)) == len(pairs))


def test_a_long_run_is_left_to_others() -> None:
    starts = np.zeros(order.LONGEST + 1, dtype=np.bool_)
    starts[0] = True
    assert not order.alone_in_runs(starts, pl.Series([str(place) for place in range(starts.size)]))


def test_places_in_runs() -> None:
    names = pl.Series(["1", "2", "1", "2", "3"])
    first, size = np.array([0, 2, 2, 2, 0]), np.array([2, 3, 3, 0, 2])
    wanted = pl.Series(["2", "3", "4", "1", None])
    assert order.places_in_runs(first, size, names, wanted).tolist() == [1, 4, -1, -1, -1]


@pytest.fixture(scope="module")
def county() -> Register:
    return synthesize(700, 11)


@pytest.mark.parametrize("arrange", ["as_it_is", "backwards", "shuffled", "local_ids", "households_last"])
@pytest.mark.parametrize("faulty", [False, True])
def test_no_order_changes_a_register(county: Register, tmp_path: Path, arrange: str, faulty: bool) -> None:
    """700 households are past `SMALL`, so the ways for whole columns are taken; the sorted file is the measure."""
    tables = file_frames(county.frames, dictionary())
    if faulty:  # a member twice, households without members, members and supporters of nobody
        tables["members"] = pl.concat([tables["members"].slice(9), tables["members"].slice(30, 1)])
        tables["households"] = tables["households"].filter(pl.int_range(pl.len()) % 97 != 50)
    if arrange == "local_ids":
        tables = {name: _local(frame) for name, frame in tables.items()}
    expected = _read(tables, tmp_path / "expected")
    match arrange:
        case "backwards":
            tables = {name: frame.reverse() for name, frame in tables.items()}
        case "shuffled":
            tables = {name: frame.sample(fraction=1, shuffle=True, seed=5) for name, frame in tables.items()}
        case "households_last":
            tables["households"] = tables["households"].sort("area_code", "household_id", descending=True)
    found = _read(tables, tmp_path / "found")
    assert found.sha256 == expected.sha256
    assert found.counts == expected.counts
    assert found.flags.equals(expected.flags)
    told = ["household_id", "member_id", "field", "value_class", "code"]
    assert found.rejects.select(told).sort(told).equals(expected.rejects.select(told).sort(told))
    wrong = {"duplicate_member", "no_member", "no_household", "no_members"} if faulty else set[str]()
    assert wrong <= set(found.rejects["code"])
    assert bool(found.rejects.height) == faulty


def _local(frame: pl.DataFrame) -> pl.DataFrame:
    """Members numbered within their household."""
    return frame.with_columns(pl.col("member_id").str.slice(-2)) if "member_id" in frame.columns else frame


def _read(tables: dict[str, pl.DataFrame], folder: Path) -> Register:
    folder.mkdir()
    for name, frame in tables.items():
        frame.write_parquet(folder / f"{name}.parquet")
    return read_register(folder, attributes=dictionary(), on=ON)


@pytest.mark.skipif(not jit.COMPILED, reason="rows are put in order one by one by compiled kernels alone")
def test_rows_of_few_parents_are_sorted_as_by_all_columns() -> None:
    rng = random.Random(3)
    rows = 4_000

    def some(values: list[Any]) -> list[Any]:
        return [rng.choice(values) for _ in range(rows)]

    frame = pl.DataFrame(
        {
            "member": pl.Series(sorted(rng.randrange(900) for _ in range(rows)), dtype=pl.UInt32),
            "amount": pl.Series(some([None, -5, 0, 7, 2**40]), dtype=pl.Int64),
            "id": some(["S1", "S10", "S2", "s", "S" * 8, "S" * 9, "S" * 9 + "T", "~" * 64]),
            "kind": pl.Series(some([None, 0, 3, 255]), dtype=pl.UInt8),
        }
    )
    names = ["member", "kind", "id", "amount"]
    expected = frame.sort(names, nulls_last=True)
    for one in (frame, expected):
        found = sorted_link.ordered(one, names)
        assert found is not None
        assert found.equals(expected)
        assert (found is one) == (one is expected)
    few = pl.concat([expected.slice(0, 9).sort(names, descending=[False, True, True, True]), expected.slice(9)])
    found = sorted_link.ordered(few, names)
    assert found is not None
    assert found.equals(expected)
    assert sorted_link.ordered(frame.reverse(), names) is None
    assert sorted_link.ordered(frame.with_columns(id=pl.lit("家")), names) is None
    assert sorted_link.ordered(frame.with_columns(kind=pl.lit(2**63, pl.UInt64)), names) is None
    assert sorted_link.ordered(frame.clear(), names) is not None


def test_the_self_test_of_links_finds_a_wrong_one(monkeypatch: pytest.MonkeyPatch) -> None:
    sorted_link.check()
    if jit.COMPILED:
        monkeypatch.setattr("hardship.engine.packed.once", lambda *_: False)
        with pytest.raises(EngineError, match="links"):
            sorted_link.check()
