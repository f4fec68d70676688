"""Plain columns of Parquet: however a file is written or damaged, the short way finds what the general reader finds."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hardship.attributes import dictionary
from hardship.engine import jit, kernels_columns, packed
from hardship.errors import RegisterError
from hardship.reading import readers, sorted_link
from hardship.reading.late import late_columns
from hardship.reading.packed import Packed
from hardship.register import read_register
from hardship.synthesis import write

ON = dt.date(2018, 7, 1)
D = dictionary()
FILES = ("households", "members", "supporters", "transfers")
pytestmark = pytest.mark.skipif(not jit.COMPILED, reason="the short way is not taken without compiled kernels")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    write(400, 5, folder, format="parquet")
    return folder


@pytest.fixture(autouse=True)
def _kernels_for_few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorted_link, "MANY", 1)


def found(folder: Path, late_rows: int, monkeypatch: pytest.MonkeyPatch) -> Any:
    """All that a reading tells, or the words of its error."""
    monkeypatch.setattr(readers, "LATE_ROWS", late_rows)
    try:
        read = read_register(folder, attributes=D, on=ON)
    except RegisterError as error:
        return str(error)
    frames = {level: (list(frame.schema.items()), frame.rows()) for level, frame in read.frames.items()}
    return read.sha256, frames, read.rejects.rows(), read.flags.rows(), read.counts, read.notes, read.rejected_areas


def both(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What both ways find, which is the same."""
    short, general = (found(folder, rows, monkeypatch) for rows in (1, 10**12))
    assert short == general
    return short


def rewritten(made: Path, out: Path, change: Callable[[str, pa.Table], pa.Table] | None = None, **options: Any) -> Path:
    out.mkdir()
    for name in FILES:
        table = pq.read_table(made / f"{name}.parquet")
        pq.write_table(change(name, table) if change else table, out / f"{name}.parquet", **options)
    return out


WRITERS: dict[str, dict[str, Any]] = {
    "plain": {"use_dictionary": False},
    "second version": {"data_page_version": "2.0"},
    "second version, plain": {"data_page_version": "2.0", "use_dictionary": False, "compression": "zstd"},
    "small pages": {"data_page_size": 64, "write_batch_size": 7, "row_group_size": 101},
    "dictionary full at once": {"dictionary_pagesize_limit": 64, "write_batch_size": 16},
    "checksums": {"write_page_checksum": True, "compression": "gzip"},
    "not compressed": {"compression": "none"},
    "snappy": {"compression": "snappy"},
    "brotli": {"compression": "brotli"},
    "delta": {"use_dictionary": False, "column_encoding": {"household_id": "DELTA_BYTE_ARRAY"}},
    "old": {"version": "1.0", "store_decimal_as_integer": False},
    "decimals as integers": {"store_decimal_as_integer": True, "use_dictionary": False},
}


@pytest.mark.parametrize("name", WRITERS)
def test_however_it_is_written(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    folder = rewritten(made, tmp_path / "out", **WRITERS[name])
    assert both(folder, monkeypatch)[0] == both(made, monkeypatch)[0]


def test_polars_writes_it_too(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FILES:
        pl.read_parquet(made / f"{name}.parquet").write_parquet(tmp_path / f"{name}.parquet", row_group_size=150)
    assert both(tmp_path, monkeypatch)[0] == both(made, monkeypatch)[0]


def column(name: str, make: Callable[[pa.ChunkedArray], Any]) -> Callable[[str, pa.Table], pa.Table]:
    def change(_file: str, table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index(name)
        return table if place < 0 else table.set_column(place, name, make(table[name]))

    return change


def cell(name: str, value: Any, kind: pa.DataType | None = None) -> Callable[[str, pa.Table], pa.Table]:
    """Put one value into the middle of a column."""

    def make(old: pa.ChunkedArray) -> Any:
        values = old.to_pylist()
        values[len(values) // 2] = value
        return pa.array(values, type=kind or (old.type.value_type if pa.types.is_dictionary(old.type) else old.type))

    return column(name, make)


CHANGES: dict[str, Callable[[str, pa.Table], pa.Table]] = {
    "wrong label": cell("residence_type", "moon"),
    "normalised label": cell("residence_type", "ｕｒｂａｎ"),
    "empty label": cell("residence_type", ""),
    "number too large": cell("household_size_counted", 250),
    "money below 0": cell("wage_month", -1),
    "date before all": cell("birth_date", dt.date(1700, 1, 1)),
    "date in no year": column("birth_date", lambda old: pa.array([2**31 - 1] * len(old), pa.int32()).cast(pa.date32())),
    "empty id": cell("member_id", ""),
    "missing id": cell("member_id", None),
    "blank in an id": cell("household_id", "H 1"),
    "id of another alphabet": cell("household_id", "户1"),
    "unknown household": cell("household_id", "ZZZ"),
    "member twice": cell("member_id", "H000000000-01"),
    "no area": cell("area_code", None),
    "numeric ids": column("household_id", lambda old: pa.array(range(len(old)))),
    "numbers as texts": column("wage_month", lambda old: old.cast(pa.string())),
    "floats": column("wage_month", lambda old: old.cast(pa.float64())),
    "truths as words": column("bedridden", lambda old: pa.array(["是" if one else "no" for one in old.to_pylist()])),
    "truths as numbers": column("bedridden", lambda old: old.cast(pa.int8())),
    "times": column("birth_date", lambda old: old.cast(pa.timestamp("us"))),
    "wide decimals": column("wage_month", lambda old: old.cast(pa.decimal128(38, 4))),
    "binary": column("wage_month", lambda old: pa.array([b"1"] * len(old))),
    "all missing": column("wage_month", lambda old: pa.nulls(len(old), old.type)),
    "no type": column("wage_month", lambda old: pa.nulls(len(old))),
    "lists": column(
        "needs",
        lambda old: pa.array([None if one is None else [] for one in old.to_pylist()], pa.list_(pa.string())),
    ),
    "whole numbers": column("wage_month", lambda old: pa.array([7] * len(old), pa.uint32())),
    "large whole numbers": column("wage_month", lambda old: pa.array([7] * len(old), pa.uint64())),
    "required": lambda _file, table: table.cast(
        pa.schema([one.with_nullable(one.name not in ("household_id", "member_id")) for one in table.schema])
    ),
    "rows turned round": lambda _file, table: table.take(list(range(table.num_rows - 1, -1, -1))),
    "members turned round": lambda file, table: (
        table.take(list(range(table.num_rows - 1, -1, -1))) if file == "members" else table
    ),
    "one household twice": lambda file, table: pa.concat_tables([table, table[:1]]) if file == "households" else table,
    "supporter twice": lambda file, table: (
        pa.concat_tables([table[:1], table]) if file == "supporters" else table
    ),
    "places for persons": column("member_id", lambda old: pa.array([one[-2:] for one in old.to_pylist()])),
    "unknown column": lambda _file, table: table.append_column("remark", pa.array(["x"] * table.num_rows)),
    "nested column": lambda _file, table: table.append_column("remark", pa.array([{"a": 1, "b": 2}] * table.num_rows)),
    "no supporters": lambda file, table: table[:0] if file == "supporters" else table,
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_it_says(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    folder = rewritten(made, tmp_path / "out", CHANGES[name], row_group_size=170)
    assert both(folder, monkeypatch)


def test_a_damaged_file_is_judged_by_the_general_reader(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choice = random.Random(7)
    folder = rewritten(made, tmp_path / "out", compression="none", row_group_size=200)
    seen = set()
    for _ in range(40):
        file = folder / f"{choice.choice(FILES)}.parquet"
        good = file.read_bytes()
        bad = bytearray(good)
        for _ in range(choice.choice((1, 1, 3))):
            bad[choice.randrange(4, len(bad))] = choice.randrange(256)
        file.write_bytes(bad)
        seen.add(type(both(folder, monkeypatch)))
        file.write_bytes(good)
    assert seen == {str, tuple}


def test_the_short_way_is_taken(made: Path) -> None:
    """Otherwise all that is above would compare the general reader with itself."""
    about = pq.read_metadata(made / "members.parquet")
    columns = late_columns(made / "members.parquet", about)
    assert columns is not None
    for name in columns.names:
        if name in D:
            assert columns.stored(name, D[name]) is not None, name
    assert columns.ids("household_id") is not None
    assert columns.ids("member_id") is not None


def test_a_column_with_fewer_rows_than_its_file_is_refused(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Damage can leave a column of no rows, which pyarrow hands out without a word."""
    columns = late_columns(made / "members.parquet", pq.read_metadata(made / "members.parquet"))
    assert columns is not None
    whole = columns.source.table("sex")
    monkeypatch.setattr(columns.source, "table", lambda _name: whole.slice(0, 0))
    with pytest.raises(RegisterError, match=r"members\.parquet"):
        columns.cells("sex")


# ── kernels ──


def test_texts_are_compared_as_bytes() -> None:
    choice = random.Random(5)
    texts = ["".join(choice.choices("ab~!", k=choice.randrange(1, 20))) for _ in range(400)]
    column = Packed.of(pl.Series(texts))
    assert column is not None
    assert column.series.to_list() == texts
    for one in range(399):
        sign = packed.rows_compared(column.offsets, column.address, one, column.offsets, column.address, one + 1)
        a, b = texts[one], texts[one + 1]
        assert (sign > 0) - (sign < 0) == (a > b) - (a < b)


@pytest.mark.parametrize("texts", [["a", None], ["a", ""], ["a", "b c"], ["a", "é"], ["a", "x" * 65]])
def test_odd_ids_are_not_packed(texts: list[str | None]) -> None:
    assert Packed.of(pl.Series(texts, dtype=pl.String)) is None


def test_what_a_piece_may_not_hold_is_told() -> None:
    known, found = np.array([1, 0, 1], dtype=np.uint8), np.empty(3, dtype=np.int32)
    words = np.array([5, 0, 99, 99, -3, -1], dtype=np.int64)  # what stands where a value is missing is not looked at
    assert kernels_columns.decimals(words, known, -3, 5, 2, found)
    assert found.tolist() == [10, 0, -6]
    assert not kernels_columns.decimals(words, known, -2, 5, 2, found)
    words[5] = 0  # a number of more than 64 bits
    assert not kernels_columns.decimals(words, known, -3, 5, 2, found)
    assert kernels_columns.numbers(words[::2].copy(), known, -3, 5, 1, found)
    assert not kernels_columns.numbers(words[::2].copy(), known, 1, 5, 1, found)
    table = np.array([70, 80], dtype=np.int32)
    assert kernels_columns.taken(np.array([11, -9, 10], dtype=np.int32), 10, known, table, found)
    assert found.tolist() == [80, 0, 70]
    for place in (9, 12, -(2**31)):
        assert not kernels_columns.taken(np.array([place, 10, 10], dtype=np.int32), 10, known, table, found)
