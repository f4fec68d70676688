"""Wrong cells of columns that nobody uses are rejected in every format; statistics prove what is true, and no more."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from hardship.attributes import dictionary
from hardship.engine import jit
from hardship.reading import parquet_columns, readers, sorted_link
from hardship.reading.late import LateColumns, late_columns
from hardship.reading.parquet_proof import proved
from hardship.reading.write_register import file_frames
from hardship.register import read_register
from hardship.synthesis import synthesize

ON = dt.date(2018, 7, 1)
D = dictionary()
USED = frozenset({"birth_date", "wage_month"})
TOLD = ["household_id", "member_id", "field", "value_class", "code", "line"]


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    return file_frames(synthesize(60, 4).frames, D)


WRONG: dict[str, tuple[str, Any, str]] = {
    "a grade that nobody has": ("members", 999, "disability_grade"),
    "less than nothing": ("households", Decimal("-1.00"), "vehicle_value"),
    "a day before all days": ("households", dt.date(1066, 10, 14), "last_review_date"),
    "no such word": ("members", "elsewhere", "labour_exempt_reason"),
    "no such set": ("households", "roof;moon", "needs"),
    "a control character": ("members", "a\x07b", "member_name"),
}


def wrong(tables: dict[str, pl.DataFrame], name: str) -> dict[str, pl.DataFrame]:
    entity, value, column = WRONG[name]
    frame = tables[entity]
    kind = pl.Int64 if isinstance(value, int) else pl.String if isinstance(value, str) else frame[column].dtype
    cells = frame[column].cast(kind).to_list()
    cells[5] = value
    return tables | {entity: frame.with_columns(pl.Series(column, cells, dtype=kind))}


def parquet(tables: dict[str, pl.DataFrame], folder: Path, **options: Any) -> Path:
    folder.mkdir()
    for name, frame in tables.items():
        pq.write_table(frame.to_arrow(), folder / f"{name}.parquet", **options)
    return folder


def workbook(tables: dict[str, pl.DataFrame], folder: Path) -> Path:
    folder.mkdir()
    with xlsxwriter.Workbook(str(folder / "register.xlsx")) as book:
        for name, frame in tables.items():
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, frame.columns)
            for row, cells in enumerate(frame.select(pl.all().cast(pl.String)).iter_rows(), 1):
                for column, cell in enumerate(cells):
                    if cell is not None:
                        sheet.write_string(row, column, cell)
    return folder / "register.xlsx"


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_cell_that_nobody_uses_is_rejected_in_every_format(
    tables: dict[str, pl.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    frames = wrong(tables, name)
    csv = tmp_path / "csv"
    csv.mkdir()
    for entity, frame in frames.items():
        frame.write_csv(csv / f"{entity}.csv")
    monkeypatch.setattr(sorted_link, "MANY", 1)
    ways = {
        "csv": csv,
        "statistics": parquet(frames, tmp_path / "statistics"),
        "none": parquet(frames, tmp_path / "none", write_statistics=False),
        "groups": parquet(frames, tmp_path / "groups", row_group_size=4),
    }
    if name != "a control character":  # which no sheet can hold
        ways["xlsx"] = workbook(frames, tmp_path / "xlsx")
    found = {}
    for late in (1, 10**12):
        monkeypatch.setattr(readers, "LATE_ROWS", late)
        for way, path in ways.items():
            read = read_register(path, attributes=D, on=ON, used=USED)
            assert set(read.frames["member"].columns) <= {"household", "member_id"} | USED
            found[late, way] = read.rejects.select(TOLD).rows(), read.sha256, read.counts
    rows, _, _ = found[1, "csv"]
    assert [row for row in rows if row[2] == WRONG[name][2]]
    assert all(one == found[1, "csv"] for one in found.values())


@pytest.mark.skipif(not jit.COMPILED, reason="columns are not left in the file without compiled kernels")
def test_what_is_proved_is_not_decoded(
    tables: dict[str, pl.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = parquet(tables, tmp_path / "out")
    opened: list[str] = []
    plain = parquet_columns.Source.pieces

    def pieces(source: parquet_columns.Source, name: str, *, dictionary: bool = False) -> Any:
        opened.append(name)
        return plain(source, name, dictionary=dictionary)

    monkeypatch.setattr(readers, "LATE_ROWS", 1)
    monkeypatch.setattr(parquet_columns.Source, "pieces", pieces)
    assert not read_register(folder, attributes=D, on=ON, used=USED).rejects.height
    texts = {name for name, one in D.items() if one.type in ("enum", "set", "code")}
    assert set(opened) - texts - {"household_id", "member_id", "supporter_id", "area_code"} == USED


def columns(tmp_path: Path, values: pa.Array, **options: Any) -> LateColumns:
    path = tmp_path / "one.parquet"
    pq.write_table(pa.table({"x": values}), path, **options)
    found = late_columns(path, pq.read_metadata(path))
    assert found is not None
    return found


def money(*texts: str | None, digits: int = 18, places: int = 2) -> pa.Array:
    return pa.array([None if one is None else Decimal(one) for one in texts], pa.decimal128(digits, places))


GRADE, WAGE, BORN, SEX, VETERAN = "disability_grade", "wage_month", "birth_date", "sex", "veteran"
CASES: list[tuple[str, pa.Array, bool]] = [
    (GRADE, pa.array([0, None, 4], pa.int64()), True),
    (GRADE, pa.array([0, 5], pa.int64()), False),
    (GRADE, pa.array([-1, 4], pa.int8()), False),
    (GRADE, pa.array([1, 4], pa.uint8()), True),
    (GRADE, pa.array([1, 4], pa.uint16()), True),
    (GRADE, pa.array([1, 4], pa.uint32()), False),  # right, but their statistics may be of signed numbers
    (GRADE, pa.array([1.0, 4.0]), False),  # NaN is in no statistics
    (GRADE, money("1.00"), False),
    (GRADE, pa.array([None, None], pa.string()), True),
    (GRADE, pa.array([None, None], pa.float64()), True),
    (GRADE, pa.array([], pa.int64()), True),
    (GRADE, pa.array(["3", "3"]), True),
    (GRADE, pa.array(["3", "4"]), False),  # right, but not proved
    (GRADE, pa.array(["9", "9"]), False),
    (WAGE, money("0.00", None, "12.34"), True),
    (WAGE, money("12", places=0), True),
    (WAGE, money("-0.01"), False),
    (WAGE, money("1.234", places=3), False),
    (WAGE, money("1.00", digits=38), False),
    (WAGE, pa.array([0, 100], pa.int32()), True),
    (WAGE, pa.array([2**60], pa.int64()), False),
    (BORN, pa.array([dt.date(1950, 1, 1), None], pa.date32()), True),
    (BORN, pa.array([dt.date(1, 1, 1)], pa.date32()), False),
    (BORN, pa.array([dt.datetime(1950, 1, 1)], pa.timestamp("us")), False),
    (SEX, pa.array(["female", None, "female"]), True),
    (SEX, pa.array(["female", None, "female"]).dictionary_encode(), True),
    (SEX, pa.array(["female", "male"]), False),
    (SEX, pa.array(["neither"]), False),
    (SEX, pa.array([" female"]), False),  # would be normalised
    (VETERAN, pa.array([True, False, None]), True),
    (VETERAN, pa.array(["true"]), True),
    (VETERAN, pa.array([2]), False),
]


@pytest.mark.parametrize(("name", "values", "right"), CASES, ids=lambda one: str(getattr(one, "type", one)))
def test_what_statistics_prove(tmp_path: Path, name: str, values: pa.Array, right: bool) -> None:
    assert proved(columns(tmp_path, values).source, "x", D[name]) is right
    unproved = columns(tmp_path, values, write_statistics=False).source
    assert proved(unproved, "x", D[name]) is (len(values) == 0 or pa.types.is_boolean(values.type))


def test_every_row_group_has_to_prove_it(tmp_path: Path) -> None:
    sexes = columns(tmp_path, pa.array(["female", "female", "male", None, None, None]), row_group_size=2)
    assert proved(sexes.source, "x", D[SEX])
    grades = columns(tmp_path, pa.array([1, 2, 3, 4, 5, 6]), row_group_size=2)
    assert not proved(grades.source, "x", D[GRADE])


FLIP = """
import sys
from pathlib import Path
import pyarrow as pa
import pyarrow.parquet as pq
from hardship.attributes import dictionary
from hardship.reading.late import late_columns

path, attribute = Path(sys.argv[1]), dictionary()["disability_grade"]
whole = path.read_bytes()
length = int.from_bytes(whole[-8:-4], "little")
seen = {True: 0, False: 0, None: 0}
for bit in range(8 * (len(whole) - 8 - length), 8 * (len(whole) - 8)):
    damaged = bytearray(whole)
    damaged[bit // 8] ^= 1 << bit % 8
    path.write_bytes(damaged)
    try:
        late = late_columns(path, pq.read_metadata(path))
        name = "disability_grade"
        told = None if late is None or name not in late.names else late.proved(name, attribute)
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        told = None
    seen[told] += 1
print(*seen.values())
"""


def test_no_flipped_bit_of_a_footer_ends_the_process(tmp_path: Path) -> None:
    """pyarrow itself would: of unknown types of a column, and of sizes told of columns that have none."""
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"disability_grade": pa.array([1, 2, 4], pa.int32())}), path, store_schema=False)
    done = subprocess.run([sys.executable, "-c", FLIP, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    proven, _, refused = map(int, done.stdout.split())
    assert proven > 100
    assert refused > 100
