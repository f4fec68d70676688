"""Formats: whatever the file is like, every row comes out once, as text, with its line, or is named as bad."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
import random
import resource
import time
import zipfile
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from hardship.attributes import dictionary
from hardship.errors import RegisterError
from hardship.reading import read_csv as read_csv_module
from hardship.reading.read_csv import read_csv
from hardship.reading.read_json import loads, read_json
from hardship.reading.read_xlsx import read_sheets
from hardship.reading.readers import RawTable, raw_tables, read_file, refuse_bomb
from hardship.register import read_register

HEADER = "household_id,area_code,head_name"


def rows(table: RawTable) -> list[tuple[int, ...]]:
    """(line, cells) in the order of lines, empty cells as ''."""
    texts = table.frame.select(pl.all().cast(pl.String).fill_null("")).rows()
    return sorted((line, *cells) for line, cells in zip(table.lines.to_list(), texts, strict=True))


def table_of(tmp_path: Path, content: str | bytes, encoding: str = "utf-8") -> RawTable:
    file = tmp_path / "households.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return read_csv(file, "households")


def bad(table: RawTable) -> list[tuple[int, str]]:
    return [(line.line, line.problem) for line in table.bad]


def test_plain_rows(tmp_path: Path) -> None:
    table = table_of(tmp_path, f"{HEADER}\nH1,370828,张三\n\nH2,370828,\n")
    assert rows(table) == [(2, "H1", "370828", "张三"), (4, "H2", "370828", "")]
    assert bad(table) == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le-bom", "utf-16-be-bom"])
def test_encodings_give_the_same_rows(tmp_path: Path, encoding: str) -> None:
    text = f"{HEADER}\r\nH1,370828,㐱𠮷\r\nH2,370828,张三\r\n"
    marks = {"utf-16-le-bom": b"\xff\xfe", "utf-16-be-bom": b"\xfe\xff"}
    if encoding in marks:
        content = marks[encoding] + text.encode(encoding.removesuffix("-bom"))
    else:
        content = text.encode(encoding)
    table = table_of(tmp_path, content)
    assert rows(table) == [(2, "H1", "370828", "㐱𠮷"), (3, "H2", "370828", "张三")]
    assert "\ufffd" not in str(table.frame.rows())


@pytest.mark.parametrize(
    "content", [b"\xff\x80\x80,a\n", b"a,b\n\xe5\xbc,\xa0\n\xff\n", "a,b\n\ud800".encode("utf-8", "surrogatepass")]
)
def test_other_bytes_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(RegisterError) as caught:
        table_of(tmp_path, content)
    assert caught.value.faults[0].code == "register.not_text"


def test_ragged_rows_and_quotes_are_bad_alone(tmp_path: Path) -> None:
    lines = [
        HEADER,
        "H1,370828,a",
        "H2,370828",  # short
        "H3,370828,a,b",  # long
        'H4,370828,"open',  # never closed
        "H5,370828,e",
        'H6,"370828"x,f',  # text behind a quote
        'H7,370828,"a, b"',
        'H8,370828,"two',
        'lines"',
        'H9,3708"28,g',  # a quote inside a bare cell is a character
        ",,",
    ]
    table = table_of(tmp_path, "\n".join(lines))
    assert bad(table) == [(3, "ragged_row"), (4, "ragged_row"), (5, "bad_quotes"), (7, "bad_quotes")]
    assert [row[:2] for row in rows(table)] == [(2, "H1"), (6, "H5"), (8, "H7"), (9, "H8"), (11, "H9"), (12, "")]
    assert rows(table)[3][3] == "two\nlines"
    assert table.bad[0].cells[0] == "H2"
    assert table.bad[2].cells[0] == "H4"


def test_an_open_quote_swallows_nothing(tmp_path: Path) -> None:
    """Two stray quotes far apart: the lines between them stay rows of their own."""
    lines = [HEADER] + [f"H{n},370828,x" for n in range(2, 60)]
    lines[10] = 'H11,370828,"x'
    lines[40] = 'H41,370828,x"'
    table = table_of(tmp_path, "\n".join(lines))
    assert bad(table) == [(11, "bad_quotes")]
    assert len(rows(table)) == 57


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.text(st.sampled_from('ab,"\n 中'), max_size=4), min_size=3, max_size=3), min_size=1, max_size=8
    ),
    st.booleans(),
)
def test_what_csv_writes_is_read(
    tmp_path_factory: pytest.TempPathFactory, cells: list[list[str]], all_quoted: bool
) -> None:
    out = io.StringIO()
    quoting = csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL
    writer = csv.writer(out, lineterminator="\n", quoting=quoting)
    writer.writerow(HEADER.split(","))
    writer.writerows(cells)
    table = table_of(tmp_path_factory.mktemp("csv"), out.getvalue())
    assert bad(table) == []
    assert [list(row[1:]) for row in rows(table)] == cells


@pytest.mark.parametrize("chunk", [1, 7, 64, 1000])
def test_chunks_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    choice = random.Random(5)
    kinds = ["H{n},370828,a", 'H{n},370828,"b, c"', 'H{n},370828,"two\nlines"', "H{n},3", "", 'H{n},1,"open']
    text = "\n".join([HEADER, *(choice.choice(kinds).format(n=n) for n in range(200))]) + "\nH,1,end"
    whole = table_of(tmp_path, text)
    monkeypatch.setattr(read_csv_module, "CHUNK", chunk)
    again = table_of(tmp_path, text)
    assert rows(again) == rows(whole)
    assert bad(again) == bad(whole)
    assert whole.bad


@pytest.mark.parametrize("content", ["", "\n", ",,\n", 'a,"b\nc,d\n'])
def test_headers_that_are_none(tmp_path: Path, content: str) -> None:
    with pytest.raises(RegisterError):
        table_of(tmp_path, content)


def test_two_columns_with_one_title(tmp_path: Path) -> None:
    with pytest.raises(RegisterError) as caught:
        table_of(tmp_path, "a,b,a\n1,2,3\n")
    assert caught.value.faults[0].code == "register.two_columns"


def workbook(path: Path, cells: list[list[object]], sheet: str = "households") -> Path:
    with xlsxwriter.Workbook(str(path), {"nan_inf_to_errors": True}) as book:
        page = book.add_worksheet(sheet)
        dates = book.add_format({"num_format": "yyyy/m/d"})
        for row, values in enumerate(cells):
            for column, value in enumerate(values):
                if isinstance(value, str) and value.startswith("="):
                    page.write_formula(row, column, value, value="")
                elif hasattr(value, "year"):
                    page.write_datetime(row, column, value, dates)
                elif value is not None:
                    page.write(row, column, value)
    return path


def test_workbook_cells_keep_their_kind(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "r.xlsx",
        [
            ["household_id", "area_code", "financial_assets", "application_date", "registered_poor", "head_name"],
            ["H1", 370828, 12.3, dt.datetime(2018, 7, 1), True, "张三"],
            [17, "370828101201", 0.1 + 0.2, dt.datetime(2018, 7, 1, 12), False, float("inf")],
            ["H3", "370828", 3.0, None, None, None],
        ],
    )
    (table,) = read_sheets(path, {"households": ("households",)})
    assert rows(table) == [
        (2, "H1", "370828", "12.3", "2018-07-01", "true", "张三"),
        (3, "17", "370828101201", "0.3", "2018-07-01T", "false", "\x00error"),
        (4, "H3", "370828", "3", "", "", ""),
    ]
    assert table.not_text["household_id"].to_list() == [False, True, False]
    assert table.not_text["area_code"].to_list() == [True, False, False]


def edit(path: Path, part: str, old: str, new: str) -> Path:
    """A workbook with one part's text changed."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert old.encode() in parts[part]
    parts[part] = parts[part].replace(old.encode(), new.encode())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


SHEET = "xl/worksheets/sheet1.xml"


def small(tmp_path: Path) -> Path:
    return workbook(tmp_path / "r.xlsx", [["household_id", "area_code", "boats"], ["H1", "370828", 1]])


def first_row(path: Path) -> tuple[object, ...]:
    (table,) = read_sheets(path, {"households": ("households",)})
    return rows(table)[0]


def test_formulas_inline_texts_and_rich_texts(tmp_path: Path) -> None:
    formula = edit(small(tmp_path), SHEET, '"C2"><v>1</v>', '"C2"><f>1+1</f>')
    assert first_row(formula)[3] == "\x00formula"
    cached = edit(small(tmp_path), SHEET, '"C2"><v>1</v>', '"C2"><f>1+1</f><v>2</v>')
    assert first_row(cached)[3] == "2"
    inline = edit(
        small(tmp_path), SHEET, '<c r="C2"><v>1</v>', '<c r="C2" t="inlineStr"><is><r><t>4</t></r><r><t>2</t></r></is>'
    )
    assert first_row(inline)[3] == "42"
    word = edit(small(tmp_path), SHEET, '<c r="C2"><v>1</v>', '<c r="C2"><v>one</v>')
    assert first_row(word)[3] == "one"
    unplaced = edit(small(tmp_path), SHEET, '<c r="C2">', "<c>")
    assert first_row(unplaced)[3] == "1"


def test_dates_of_1904_and_hidden_rows(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "r.xlsx", [["household_id", "area_code", "record_date"], ["H1", "1", dt.datetime(2018, 7, 1)]]
    )
    moved = edit(path, "xl/workbook.xml", "<workbookPr", '<workbookPr date1904="1"')
    assert first_row(moved)[3] == "2022-07-02"
    (table,) = read_sheets(edit(small(tmp_path), SHEET, '<row r="2"', '<row r="2" hidden="1"'), {"households": ()})
    assert [note.code for note in table.notes] == ["register.hidden_rows"]
    assert len(rows(table)) == 1


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        (SHEET, "<?xml", "<!DOCTYPE a [<!ENTITY x 'y'>]><?xml"),
        (SHEET, "</sheetData>", ""),
        (SHEET, '<c r="C2"><v>1</v>', '<c r="C2" t="s"><v>999</v>'),
        ("xl/workbook.xml", 'r:id="rId1"', 'r:id="rId9"'),
    ],
)
def test_broken_workbooks_are_refused(tmp_path: Path, part: str, old: str, new: str) -> None:
    with pytest.raises(RegisterError) as caught:
        raw_tables(edit(small(tmp_path), part, old, new))
    assert "not_workbook" in caught.value.faults[0].code


@pytest.mark.parametrize("name", ["r.xls", "r.xlsm", "r.xlsx"])
def test_old_and_encrypted_workbooks_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"\xd0\xcf\x11\xe0" + b"\0" * 600)
    with pytest.raises(RegisterError) as caught:
        raw_tables(path)
    assert caught.value.faults[0].code == "register.old_workbook"


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


@pytest.mark.parametrize("where", ["xl/sharedStrings.xml", SHEET, "xl/media/image1.png", "[Content_Types].xml"])
def test_zip_bombs_are_refused_before_they_open(tmp_path: Path, where: str) -> None:
    path = tmp_path / "bomb.xlsx"
    with (
        zipfile.ZipFile(small(tmp_path)) as good,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        for name in good.namelist():
            if name != where:
                archive.writestr(name, good.read(name))
        with archive.open(where, "w", force_zip64=True) as out:
            for _ in range(120):
                out.write(b" " * 2**20)
    before, start = peak(), time.perf_counter()
    with pytest.raises(RegisterError) as caught:
        raw_tables(path)
    assert caught.value.faults[0].code == "register.bomb"
    assert time.perf_counter() - start < 1
    assert peak() - before < 100


def test_sizes_in_proportion_are_no_bombs() -> None:
    refuse_bomb("x", 10_000_000, [300_000_000])
    refuse_bomb("x", 1_000, [200_000])
    with pytest.raises(RegisterError):
        refuse_bomb("x", 2**31, [9 * 2**30])


def test_parquet_and_its_lines(tmp_path: Path) -> None:
    pl.DataFrame({"household_id": ["H1", None], "area_code": [370828, 1]}).write_parquet(
        tmp_path / "households.parquet"
    )
    pl.DataFrame({"household_id": ["H1"], "member_id": ["1"]}).write_parquet(tmp_path / "members.parquet")
    households, members = raw_tables(tmp_path)
    assert rows(households) == [(2, "H1", "370828"), (3, "", "1")]
    assert list(households.not_text) == ["area_code"]
    assert members.entity == "members"
    (tmp_path / "members.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(RegisterError):
        raw_tables(tmp_path)


def test_what_makes_no_register(tmp_path: Path) -> None:
    def code() -> str:
        with pytest.raises(RegisterError) as caught:
            raw_tables(tmp_path)
        return caught.value.faults[0].code

    assert code() == "register.no_table"
    (tmp_path / "households.csv").write_text("a\n")
    (tmp_path / "households.parquet").write_bytes(b"")
    assert code() == "register.two_files"
    with pytest.raises(RegisterError, match="mapping"):
        raw_tables(tmp_path / "households.csv")
    with pytest.raises(RegisterError):
        raw_tables(tmp_path / "nothing")


@pytest.mark.parametrize(
    "text",
    [
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": 1, "a": 2}',
        '[{"a": {"b": 1, "b": 1}}]',
        "[" * 11 + "]" * 11,
        "[" * 100_000,
        "{",
        "01",
    ],
)
def test_json_that_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        loads(text)


def test_json_keeps_numbers_as_written(tmp_path: Path) -> None:
    assert loads('[1.10, 1e400, 12345678901234567890, "[[[["]') == ["1.10", "1e400", "12345678901234567890", "[[[["]
    path = tmp_path / "one.json"
    path.write_text(json.dumps({"household": {"boats": 1, "needs": ["care", "legal"]}, "members": [{"sex": "female"}]}))
    tables = {table.entity: table for table in read_json(path)}
    assert rows(tables["households"]) == [(1, "1", "", "1", "care;legal")]
    assert rows(tables["members"]) == [(1, "1", "1", "female")]


def test_json_half_characters_reach_the_grammar_of_cells(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text('{"household": {"head_name": "\\ud800", "\\udfff": "x", "needs": ["\\ud800"]}, "members": [{}]}')
    households = read_json(path)[0]
    assert rows(households) == [(1, "1", "", "\ufffd", "x", "\ufffd")]
    assert households.frame.columns[-2] == "\ufffd"


@pytest.mark.parametrize(
    ("text", "code"),
    [("[]", "no_table"), ("null", "bad_json"), ('{"household": []}', "bad_json"), ("[1, 2]", "bad_json")],
)
def test_json_without_a_household_says_so(tmp_path: Path, text: str, code: str) -> None:
    path = tmp_path / "one.json"
    path.write_text(text)
    with pytest.raises(RegisterError) as stopped:
        read_json(path)
    assert {fault.code for fault in stopped.value.faults} == {f"register.{code}"}


def test_json_lines_lose_no_line(tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    good = '{"household": {"household_id": "H%d", "area_code": "1"}, "members": [{}]}'
    path.write_text("\n".join([good % 1, "{", "", good % 2, '{"household": []}', '"text"']) + "\n")
    households = read_json(path)[0]
    assert [row[:2] for row in rows(households)] == [(1, "H1"), (4, "H2")]
    assert sorted(bad(households)) == [(2, "bad_json"), (5, "bad_json"), (6, "bad_json")]
    path.write_text("not json\n")
    with pytest.raises(RegisterError):
        read_json(path)


def test_damaged_parquet_is_refused_and_never_panics(tmp_path: Path) -> None:
    """Bits flipped anywhere: either refused, or read with the right number of rows."""
    homes = pl.DataFrame(
        {"household_id": [f"户{n}" for n in range(300)], "area_code": ["370828"] * 300, "boats": [1] * 300}
    )
    homes.write_parquet(tmp_path / "good.parquet")
    good = (tmp_path / "good.parquet").read_bytes()
    choice = random.Random(8)
    refused = 0
    for _ in range(60):
        data = bytearray(good)
        for _ in range(choice.randrange(1, 4)):
            data[choice.randrange(4, len(data) - 4)] ^= 1 << choice.randrange(8)
        (tmp_path / "households.parquet").write_bytes(bytes(data))
        try:
            table = read_file(tmp_path / "households.parquet", "households")
        except RegisterError:
            refused += 1
        else:
            assert table.frame.height == table.lines.len() > 0
            assert all(text is None or text.encode() for text in table.frame.to_series(0).cast(pl.String).to_list())
    assert refused > 5


@pytest.mark.parametrize(
    "column",
    [
        pa.array([None], pa.decimal256(50, 2)),
        pa.array([b"5"]),
        pa.array([dt.time(5)]),
        pa.array([dt.timedelta(5)]),
        pa.array([{"a": 1}]),
        pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
        pa.array([[5]]),
    ],
    ids=lambda column: str(column.type)[:12],
)
def test_odd_parquet_types_are_refused_only_where_they_are_used(tmp_path: Path, column: pa.Array) -> None:
    (tmp_path / "members.csv").write_text("household_id,member_id\nH1,1\n")
    for name in ("remarks", "financial_assets"):
        table = pa.table({"household_id": ["H1"], "area_code": ["1"], name: column})
        pq.write_table(table, tmp_path / "households.parquet")
        if name == "remarks":
            register = read_register(tmp_path, attributes=dictionary(), on=dt.date(2018, 7, 1))
            assert register.frames["household"].height == 1
        else:
            with pytest.raises(RegisterError) as caught:
                read_register(tmp_path, attributes=dictionary(), on=dt.date(2018, 7, 1))
            assert caught.value.faults[0].code == "register.column_type"


def test_a_pipe_or_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "households.csv").mkdir()
    with pytest.raises(RegisterError) as stopped:
        raw_tables(tmp_path)
    assert stopped.value.faults[0].code == "register.unreadable"
    (tmp_path / "households.csv").rmdir()
    os.mkfifo(tmp_path / "households.csv")
    with pytest.raises(RegisterError):
        raw_tables(tmp_path)


@pytest.mark.parametrize("kept", [b"9;urban\xff5;rural", b"5;rural5;urban"])
def test_labels_are_those_of_the_column_not_what_polars_kept_beside_it(tmp_path: Path, kept: bytes) -> None:
    """polars keeps the labels of an enum beside the column as well, believes them, and panics over broken ones."""
    labels = pa.array(["urban", "rural"]).dictionary_encode()
    field = pa.field("residence_type", labels.type, metadata={"_PL_ENUM_VALUES2": kept})
    table = pa.Table.from_arrays([pa.array(["a", "b"]), labels], schema=pa.schema([pa.field("id", pa.string()), field]))
    pq.write_table(table, tmp_path / "households.parquet")
    found = read_file(tmp_path / "households.parquet", "households").frame
    assert found["residence_type"].cast(pl.String).to_list() == ["urban", "rural"]
