"""Dated local numbers: formats, exactness, what overrides what, conversion, every wrong cell."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from hardship.errors import TableError, UsageError
from hardship.language.fields import Title
from hardship.language.table import Parameter
from hardship.standards import COLUMNS, StandardRow, converted, load_standards, packaged, parsed, standards

HEADER = ",".join(COLUMNS) + "\n"
ROWS = """dibao_standard,,,2018-01-01,500,money/month,illustrative,示例
dibao_standard,1504,rural,2018-07-01,4140.50,money/year,published,某文件第三条
housing_size,31,,2017-04-01,15,m2,law,
"""


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def faults(path: Path) -> list[tuple[str, int]]:
    with pytest.raises(TableError) as caught:
        load_standards([path])
    assert caught.value.text("zh") != caught.value.text("en")
    assert all(fault.file == path.name for fault in caught.value.faults)
    return [(fault.code.removeprefix("table.standard_"), fault.line) for fault in caught.value.faults]


def good() -> str:
    return HEADER + ROWS.replace("law,\n", "law,第5条\n")


def test_rows_are_read_exactly(tmp_path: Path) -> None:
    found = load_standards([write(tmp_path / "s.csv", good())])
    assert found.rows == (
        StandardRow(
            "dibao_standard", "", "", dt.date(2018, 1, 1), Fraction(500), "money/month", "illustrative",
            "示例", "s.csv", 2,
        ),
        StandardRow(
            "dibao_standard", "1504", "rural", dt.date(2018, 7, 1), Fraction(8281, 2), "money/year",
            "published", "某文件第三条", "s.csv", 3,
        ),
        StandardRow(
            "housing_size", "31", "", dt.date(2017, 4, 1), Fraction(15), "m2", "law", "第5条", "s.csv", 4
        ),
    )  # fmt: skip


def workbook(path: Path, text: str, sheets: int = 1, number: bool = False) -> Path:
    with xlsxwriter.Workbook(str(path)) as book:
        for n in range(sheets):
            sheet = book.add_worksheet(f"s{n}")
            for row, line in enumerate(text.splitlines()):
                for column, cell in enumerate(line.split(",")):
                    if number and row and column == 3:
                        day = book.add_format({"num_format": "yyyy-mm-dd"})
                        sheet.write_datetime(row, column, dt.datetime.fromisoformat(cell), day)
                    elif number and row and column == 4:
                        sheet.write_number(row, column, float(cell))
                    elif cell:
                        sheet.write_string(row, column, cell)
    return path


def test_every_format_gives_the_same_numbers_and_hash(tmp_path: Path) -> None:
    text = good()
    lines = text.splitlines(keepends=True)
    turned = "".join([lines[0], *reversed(lines[1:])])
    columns = [line.rstrip("\n").split(",") for line in lines]
    swapped = "".join(",".join(reversed(cells)) + "\n" for cells in columns)
    paths = [
        write(tmp_path / "utf8.csv", text),
        write(tmp_path / "bom.csv", text, "utf-8-sig"),
        write(tmp_path / "gb.csv", text, "gb18030"),
        write(tmp_path / "crlf.csv", text.replace("\n", "\r\n")),
        write(tmp_path / "quoted.csv", text.replace("示例", '"示例"')),
        write(tmp_path / "blank.csv", text.replace("\n", "\n\n")),
        write(tmp_path / "zeros.csv", text.replace("4140.50", "4140.5")),
        write(tmp_path / "turned.csv", turned),
        write(tmp_path / "swapped.csv", swapped),
        workbook(tmp_path / "book.xlsx", text),
        workbook(tmp_path / "cells.xlsx", text, number=True),
    ]
    hashes = {load_standards([path]).sha256 for path in paths}
    assert len(hashes) == 1
    other = write(tmp_path / "other.csv", text.replace("4140.50", "4140.51"))
    assert load_standards([other]).sha256 not in hashes


def test_later_files_override_and_faults_of_all_files_are_told(tmp_path: Path) -> None:
    first = write(tmp_path / "1.csv", good())
    second = write(tmp_path / "2.csv", HEADER + "dibao_standard,,,2018-01-01,600,money/month,law,令\n")
    found = load_standards([first, second])
    assert len(found.rows) == 3
    assert (found.rows[0].value, found.rows[0].file, found.rows[0].line) == (600, "2.csv", 2)
    assert load_standards([second, first]).rows[0].value == 500
    bad = [write(tmp_path / f"bad{n}.csv", HEADER + "A,,,x,1,m2,law,\n") for n in range(2)]
    with pytest.raises(TableError) as caught:
        load_standards([first, *bad])
    assert [fault.file for fault in caught.value.faults] == ["bad0.csv"] * 3 + ["bad1.csv"] * 3


def test_the_packaged_rows_are_the_default() -> None:
    found = load_standards()
    assert found.rows
    assert {row.file for row in found.rows} <= {path.name for path in packaged()}
    assert all(row.source for row in found.rows)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("Dibao,,,2018-01-01,1,m2,law,x", ["parameter"]),
        (",,,2018-01-01,1,m2,law,x", ["parameter"]),
        ("p,15-04,,2018-01-01,1,m2,law,x", ["area_code"]),
        ("p,,city,2018-01-01,1,m2,law,x", ["residence"]),
        ("p,,,2018-02-30,1,m2,law,x", ["effective_from"]),
        ("p,,,2018/01/01,1,m2,law,x", ["effective_from"]),
        ("p,,,,1,m2,law,x", ["effective_from"]),
        ("p,,,2018-01-01,,m2,law,x", ["value"]),
        ("p,,,2018-01-01,+1,m2,law,x", ["value"]),
        ("p,,,2018-01-01,1e3,m2,law,x", ["value"]),
        ("p,,,2018-01-01,1_000,m2,law,x", ["value"]),
        ("p,,,2018-01-01,１２,m2,law,x", ["value"]),
        ("p,,,2018-01-01,nan,m2,law,x", ["value"]),
        ("p,,,2018-01-01,1/3,m2,law,x", ["value"]),
        ("p,,,2018-01-01,.5,m2,law,x", ["value"]),
        ("p,,,2018-01-01,0.1234567,m2,law,x", ["value"]),
        ("p,,,2018-01-01," + "9" * 16 + ",m2,law,x", ["value"]),
        ('p,,,2018-01-01,"1,000",m2,law,x', ["value"]),
        ("p,,,2018-01-01,1,yuan,law,x", ["unit"]),
        ("p,,,2018-01-01,1,m2,guess,x", ["status"]),
        ("p,,,2018-01-01,1,m2,law,", ["source"]),
        ("p,,,2018-01-01,1,m2,published,", ["source"]),
        ('p,,,2018-01-01,1,m2,law,"a\nb"', ["source"]),
        ("P,x y,town,soon,much,pounds,maybe,\x07",
         ["parameter", "area_code", "residence", "effective_from", "value", "unit", "status", "source"]),
        ("p,,,2018-01-01,1,m2,law", ["cells"]),
        ("p,,,2018-01-01,1,m2,law,x,y", ["cells"]),
        ("dibao_standard,,,2018-01-01,1,m2,law,x", ["twice"]),
        ('p,,,2018-01-01,1,m2,law,"x', ["csv"]),
        ('p,,,2018-01-01,1,m2,law,"x"y', ["csv"]),
    ],
)  # fmt: skip
def test_every_wrong_cell_is_named_with_its_line(tmp_path: Path, row: str, expected: list[str]) -> None:
    assert faults(write(tmp_path / "s.csv", good() + row + "\n")) == [(code, 5) for code in expected]


def test_a_line_number_counts_physical_lines(tmp_path: Path) -> None:
    text = good() + "\n\np,,,2018-01-01,1,m2,law,x\np,,,2019-01-01,x,m2,law,x\n"
    assert faults(write(tmp_path / "s.csv", text)) == [("value", 8)]


@pytest.mark.parametrize(
    "header",
    ["", "parameter,value", HEADER.strip() + ",note", HEADER.strip().replace("unit", "Unit"),
     HEADER.strip().replace("unit", "value")],
)  # fmt: skip
def test_columns_are_exactly_the_contracts(tmp_path: Path, header: str) -> None:
    assert faults(write(tmp_path / "s.csv", header + "\n" + ROWS)) == [("columns", 1)]


def test_files_that_are_none(tmp_path: Path) -> None:
    broken = tmp_path / "s.csv"
    broken.write_bytes(HEADER.encode() + b"p,\xff\xff\n")
    assert faults(broken) == [("encoding", 2)]
    broken.write_bytes(b"PK\x03\x04nothing")
    assert faults(broken) == [("workbook", 0)]
    assert faults(workbook(tmp_path / "two.xlsx", good(), sheets=2)) == [("sheets", 0)]
    with pytest.raises(UsageError):
        load_standards([tmp_path / "none.csv"])
    with pytest.raises(UsageError):
        load_standards([tmp_path])


def parameter(unit: str, low: int, high: int, decimals: int = 2) -> Parameter:
    both = Title(zh="标准", en="Standard")
    return Parameter(name="p", title=both, unit=unit, bounds=(Fraction(low), Fraction(high)), decimals=decimals)


def row(value: str, unit: str) -> StandardRow:
    cells = {"parameter": "p", "effective_from": "2018-01-01", "value": value, "unit": unit}
    return parsed({**cells, "status": "illustrative"}, "s.csv", 7)


@pytest.mark.parametrize(
    ("value", "unit", "declared", "decimals", "expected"),
    [
        ("500", "money/month", "money/month", 2, "500"),
        ("500", "money/month", "money/year", 2, "6000"),
        ("345.01", "money/month", "money/year", 2, "4140.12"),
        ("6000", "money/year", "money/month", 2, "500"),
        ("4140.12", "money/year", "money/month", 2, "345.01"),
        ("0.5", "", "", 1, "0.5"),
        ("100", "money/year", "money/month", 6, "decimals"),
        ("4140.11", "money/year", "money/month", 2, "decimals"),
        ("0.5", "", "", 0, "decimals"),
        ("500.001", "money/month", "money/month", 2, "decimals"),
        ("0", "money/month", "money/month", 2, "bounds"),
        ("10001", "money/month", "money/month", 2, "bounds"),
        ("900", "money/month", "money/year", 2, "bounds"),
        ("500", "money", "money/month", 2, "other_unit"),
        ("500", "", "money", 2, "other_unit"),
        ("500", "m2", "", 2, "other_unit"),
        ("500", "1/month", "1/year", 2, "other_unit"),
    ],
)
def test_conversion_is_exact_or_a_fault(value: str, unit: str, declared: str, decimals: int, expected: str) -> None:
    given_row = row(value, unit)
    wanted = parameter(declared, 1 if unit else 0, 10_000, decimals)
    if expected[0].isdigit():
        assert converted(given_row, wanted) == Fraction(expected)
        return
    with pytest.raises(TableError) as caught:
        converted(given_row, wanted)
    (fault,) = caught.value.faults
    assert (fault.code, fault.file, fault.line) == (f"table.standard_{expected}", "s.csv", 7)
    assert "`p`" in fault.text("zh")


@given(st.permutations(range(6)), st.integers(0, 10**9), st.integers(0, 2))
def test_the_hash_belongs_to_the_set_of_rows(order: list[int], fen: int, places: int) -> None:
    texts = [f"{fen + n}.{'0' * places}" if places else str(fen + n) for n in range(6)]
    rows = [
        parsed(
            {"parameter": f"p{n}", "effective_from": "2018-01-01", "value": texts[n], "status": "unverified"},
            f"{order[n]}.csv",
            order[n] + 2,
        )
        for n in range(6)
    ]
    assert standards([rows[n] for n in order]).sha256 == standards(rows).sha256
    assert standards(rows[1:]).sha256 != standards(rows).sha256


@pytest.mark.parametrize(
    ("source", "zh", "en"),
    [
        ("某文件第三条 | Some document, article 3", "某文件第三条", "Some document, article 3"),
        ("某文件第三条", "某文件第三条", "某文件第三条"),
        ("甲|乙", "甲|乙", "甲|乙"),
        ("a | b | c", "a | b | c", "a | b | c"),
        ("", "", ""),
    ],
)
def test_a_source_may_be_said_in_both_languages(source: str, zh: str, en: str) -> None:
    row = StandardRow("p", "", "", dt.date(2018, 1, 1), Fraction(1), "", "law", source, "f.csv", 2)
    assert (row.source_text("zh"), row.source_text("en")) == (zh, en)
