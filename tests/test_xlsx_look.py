"""What sheets may hold: the cells that are read of them, and what is said of those without a value."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from hardship.errors import RegisterError
from hardship.reading import read_xlsx, xlsx_look
from hardship.reading.cells import ERROR_CELL, FORMULA_CELL

KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PARTS = {
    "_rels/.rels": f'<Relationships><Relationship Id="r" Type="{KIND}/officeDocument" Target="xl/workbook.xml"/>'
    "</Relationships>",
    "xl/_rels/workbook.xml.rels": "<Relationships>"
    f'<Relationship Id="r1" Type="{KIND}/worksheet" Target="worksheets/s.xml"/>'
    f'<Relationship Id="r2" Type="{KIND}/sharedStrings" Target="sharedStrings.xml"/>'
    f'<Relationship Id="r3" Type="{KIND}/styles" Target="styles.xml"/></Relationships>',
    "xl/workbook.xml": '<workbook xmlns:r="r"><sheets><sheet name="households" r:id="r1"/></sheets></workbook>',
    "xl/sharedStrings.xml": "<sst><si><t>shared</t></si><si><t>two &amp; <r/>parts</t></si><si><t>0</t></si></sst>",
    "xl/styles.xml": '<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>',
}
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet><dimension ref="A1"/><sheetData>'
TAIL = "</sheetData></worksheet>"
TITLES = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="s"><v>0</v></c><c r="C1"><v>3</v></c></row>'
)
ROWS = {
    "texts": '<row r="2"><c r="A2" t="inlineStr"><is><t>张三</t></is></c><c r="C2" t="str"><v>x y</v></c></row>',
    "kept blanks": '<row r="2"><c r="A2" t="inlineStr"><is><t xml:space="preserve"> x </t></is></c></row>',
    "styled text": '<row r="2"><c r="A2" s="1" t="inlineStr"><is><t>x</t></is></c></row>',
    "shared": '<row r="2"><c r="A2" t="s"><v>1</v></c><c r="B2" t="s"><v>2</v></c></row>',
    "no such shared": '<row r="2"><c r="A2" t="s"><v>9</v></c></row>',
    "shared without a number": '<row r="2"><c r="A2" t="s"><v></v></c></row>',
    "numbers": '<row r="2"><c r="A2"><v>12</v></c><c r="B2"><v>1.50</v></c><c r="C2"><v>0.00001</v></c></row>',
    "more numbers": '<row r="2"><c r="A2"><v>-0</v></c><c r="B2"><v>007</v></c><c r="C2"><v>1E3</v></c></row>',
    "long numbers": '<row r="2"><c r="A2"><v>12345678901234567</v></c><c r="B2"><v>0.1234567890123456789</v></c></row>',
    "no number": '<row r="2"><c r="A2"><v>x</v></c></row>',
    "days": '<row r="2"><c r="A2" s="1"><v>43282</v></c><c r="B2" s="1"><v>1</v></c><c r="C2" s="1"><v>6</v></c></row>',
    "times": '<row r="2"><c r="A2" s="1"><v>43282.5</v></c><c r="B2" s="1"><v>-1</v></c></row>',
    "far dates": '<row r="2"><c r="A2" s="1"><v>9999999</v></c><c r="B2" s="1"><v>60</v></c></row>',
    "unknown style": '<row r="2"><c r="A2" s="7"><v>43282</v></c></row>',
    "truths": '<row r="2"><c r="A2" t="b"><v>1</v></c><c r="B2" t="b"><v>0</v></c><c r="C2" t="n"><v>5</v></c></row>',
    "errors": '<row r="2"><c r="A2" t="e"><v>#N/A</v></c><c r="B2"><v>1</v></c></row>',
    "formulas": '<row r="2"><c r="A2"><f>1+1</f><v>2</v></c><c r="B2"><f>X</f></c></row>',
    "entities": '<row r="2"><c r="A2" t="inlineStr"><is><t>a &amp; b</t></is></c></row>',
    "character data": '<row r="2"><c r="A2" t="inlineStr"><is><t><![CDATA[</row>]]></t></is></c></row>',
    "remark": '<row r="2"><!-- </row> --><c r="A2"><v>1</v></c></row>',
    "rich text": '<row r="2"><c r="A2" t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r></is></c></row>',
    "pronunciation": '<row r="2"><c r="A2" t="inlineStr"><is><t>a</t><rPh><t>b</t></rPh></is></c></row>',
    "cells in no order": '<row r="2"><c r="B2"><v>1</v></c><c r="A2"><v>2</v></c></row>',
    "cell twice": '<row r="2"><c r="A2"><v>1</v></c><c r="A2" t="inlineStr"><is><t>x</t></is></c></row>',
    "no references": "<row><c><v>1</v></c><c><v>2</v></c></row>",
    "odd reference": '<row r="2"><c r="AAAA2"><v>1</v></c></row>',
    "far reference": '<row r="2"><c r="ZZZ2"><v>1</v></c></row>',
    "too wide": '<row r="2"><c r="A2"><v>1</v></c><c r="E2"><v>9</v></c></row>',
    "hidden": '<row r="2" hidden="1"><c r="A2"><v>1</v></c></row><row r="3" spans="1:3"><c r="A3"><v>2</v></c></row>',
    "empty rows": '<row r="2"/><row r="3" ht="5" /><row r="4"></row><row r="5"><c r="A5" s="1"/><c r="B5"/></row>',
    "no cells": '<row r="2"><c r="A2"></c><c r="B2"/></row>',
    "attribute twice": '<row r="2" r="3"><c r="A2"><v>1</v></c></row>',
    "row without a number": '<row r="x"><c r="A2"><v>1</v></c></row>',
    "not closed": '<row r="2"><c r="A2"><v>1</v></row>',
    "forbidden character": '<row r="2"><c r="A2" t="inlineStr"><is><t>a\x01</t></is></c></row>',
    "no character": '<row r="2"><c r="A2" t="inlineStr"><is><t>a\uffff</t></is></c></row>',
    "end mark in a text": '<row r="2"><c r="A2" t="inlineStr"><is><t>a]]>b</t></is></c></row>',
    "line feeds": '<row r="2">\n <c r="A2" t="inlineStr"><is><t>a\r\nb</t></is></c>\n</row>\n',
    "something between": '<row r="2"><c r="A2"><v>1</v></c></row><x/><row r="3"><c r="A3"><v>1</v></c></row>',
    "nothing": "",
    "formula below": '<row r="91"><c r="E91"><f>X</f></c></row>',
    "far down": '<row r="1048577"><c r="A1048577"><v>1</v></c></row>',
    "cell of another row": '<row r="2"><c r="A2"><v>1</v></c><c r="B3" t="e"><v>#REF!</v></c></row>',
}  # fmt: skip
MERGED = '</sheetData><mergeCells><mergeCell ref="A1:B1"/></mergeCells></worksheet>'
SHEETS = {
    "merged": HEAD + TITLES + ROWS["numbers"] + MERGED,
    "prefix": (HEAD + TITLES + TAIL).replace("<", "<x:").replace("<x:/", "</x:").replace("<x:?", "<?")
    .replace("<x:worksheet", '<x:worksheet xmlns:x="x"'),
    "no rows": HEAD.replace("<sheetData>", "<sheetData/></worksheet>"),
    "document type": HEAD.replace("\n", '<!DOCTYPE x [<!ENTITY e "1">]>') + TITLES + TAIL,
    "remark before": HEAD.replace("\n", "<!-- <sheetData> -->") + TITLES + TAIL,
    "other encoding": HEAD.replace("UTF-8", "ISO-8859-1") + TITLES + TAIL,
    "broken end": HEAD + TITLES + "</sheetData></worksheet",
    "cut off": HEAD + TITLES + '<row r="2"><c r="A2"><v>1</v>',
    "header below": HEAD + TITLES.replace("1", "4") + '<row r="5"><c r="A5"><v>1</v></c></row>' + TAIL,
}  # fmt: skip


def workbook(folder: Path, sheet: str) -> Path:
    file = folder / "r.xlsx"
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in {**PARTS, "xl/worksheets/s.xml": sheet}.items():
            archive.writestr(name, text)
    return file


MORE = '<row r="90"><c r="A90" t="inlineStr"><is><t>last</t></is></c><c r="C90"><v>7</v></c></row>'
BELOW = {  # rows of cells between the header and row 90; None: no workbook
    "texts": [(2, ["张三", "", "x y"])],
    "kept blanks": [(2, [" x "])],
    "styled text": [(2, ["x"])],
    "shared": [(2, ["two & parts", "0"])],
    "no such shared": None,
    "shared without a number": [],
    "numbers": [(2, ["12", "1.5", "1e-05"])],
    "more numbers": [(2, ["-0", "7", "1000"])],
    "long numbers": [(2, ["1.2345678901234568e+16", "0.12345678901234568"])],
    "no number": [(2, ["x"])],
    "days": [(2, ["2018-07-01", "1900-01-01", "1900-01-06"])],
    "times": [(2, ["2018-07-01T", "00:00:00"])],
    "far dates": [(2, ["9999999", "1900-02-28"])],
    "unknown style": [(2, ["43282"])],
    "truths": [(2, ["true", "false", "5"])],
    "errors": [(2, [ERROR_CELL, "1"])],
    "formulas": [(2, ["2", FORMULA_CELL])],
    "entities": [(2, ["a & b"])],
    "character data": [(2, ["</row>"])],
    "remark": [(2, ["1"])],
    "rich text": [(2, ["ab"])],
    "pronunciation": [(2, ["a"])],
    "cells in no order": [(2, ["2", "1"])],
    "cell twice": [(2, ["x"])],
    "no references": [(2, ["1", "2"])],
    "odd reference": None,
    "far reference": None,
    "too wide": [(2, ["1", "", "", "", "9"])],
    "hidden": [(2, ["1"]), (3, ["2"])],
    "empty rows": [],
    "no cells": [],
    "attribute twice": None,
    "row without a number": None,
    "not closed": None,
    "forbidden character": None,
    "no character": None,
    "end mark in a text": None,
    "line feeds": [(2, ["a\nb"])],
    "something between": [(2, ["1"]), (3, ["1"])],
    "nothing": [],
    "formula below": [(91, ["", "", "", "", FORMULA_CELL])],
    "far down": None,
    "cell of another row": [(2, ["1"]), (3, ["", ERROR_CELL])],
}
HEADER = ["a", "shared", "3"]
WHOLE = {
    "merged": [(1, HEADER), (2, ["12", "1.5", "1e-05"])],
    "prefix": [(1, HEADER)],
    "no rows": [],
    "document type": None,
    "remark before": [(1, HEADER)],
    "other encoding": [(1, HEADER)],
    "broken end": None,
    "cut off": None,
    "header below": [(4, HEADER), (5, ["1"])],
}


def cells(file: Path) -> list[tuple[int, list[str]]] | None:
    try:
        return read_xlsx.read_cells(file)["households"]
    except RegisterError as error:
        return None if error.faults[0].code == "register.not_workbook" else []


@pytest.mark.parametrize("name", ROWS)
def test_cells_of_rows(tmp_path: Path, name: str) -> None:
    found = cells(workbook(tmp_path, HEAD + TITLES + ROWS[name] + MORE + TAIL))
    expected = BELOW[name]
    around = [(1, HEADER), (90, ["last", "", "7"])]
    assert found == (None if expected is None else sorted([*around, *expected]))


@pytest.mark.parametrize("name", SHEETS)
def test_cells_of_sheets(tmp_path: Path, name: str) -> None:
    assert cells(workbook(tmp_path, SHEETS[name])) == WHOLE[name]


def table(tmp_path: Path, sheet: str):
    return read_xlsx.read_sheets(workbook(tmp_path, sheet), {"households": ("households",)})[0]


def test_what_is_told_beside_the_cells(tmp_path: Path) -> None:
    found = table(tmp_path, HEAD + TITLES + ROWS["hidden"] + MERGED)
    assert [(note.code, note.params) for note in found.notes] == [
        ("register.hidden_rows", {"count": 1}),
        ("register.merged_cells", {"count": 1}),
    ]
    found = table(tmp_path, HEAD + TITLES + ROWS["too wide"] + MORE + TAIL)
    assert [(row.line, row.value_class, row.cells) for row in found.bad] == [(2, "cells(5)", ("1", "", ""))]
    assert found.lines.to_list() == [90]
    found = table(tmp_path, HEAD + TITLES + ROWS["errors"] + MORE + TAIL)
    assert {name: marks.to_list() for name, marks in found.not_text.items()} == {
        "a": [True, False],
        "shared": [True, False],
        "3": [False, True],
    }
    assert table(tmp_path, SHEETS["header below"]).notes[0].code == "register.header_row"
    with pytest.raises(RegisterError) as caught:
        table(tmp_path, SHEETS["no rows"])
    assert caught.value.faults[0].code == "register.no_header"


@pytest.mark.parametrize("size", [1, 2, 3])
def test_batches_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    sheet = (
        HEAD + TITLES + "".join(ROWS[name].replace('"2"', f'"{k}"').replace('2"', f'{k}"') for k, name in NAMED) + TAIL
    )
    whole = table(tmp_path, sheet)
    monkeypatch.setattr(read_xlsx, "BATCH", size)
    parts = table(tmp_path, sheet)
    assert parts.frame.equals(whole.frame)
    assert parts.lines.to_list() == whole.lines.to_list() == [k for k, _ in NAMED if k != 7]
    assert parts.bad == whole.bad
    assert {k: v.to_list() for k, v in parts.not_text.items()} == {k: v.to_list() for k, v in whole.not_text.items()}


NAMED = list(enumerate(("texts", "numbers", "truths", "errors", "formulas", "too wide", "shared"), 2))


def test_a_sheet_that_reaches_too_far_is_refused_before_it_is_laid_out(tmp_path: Path) -> None:
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    with pytest.raises(RegisterError) as caught:
        table(tmp_path, HEAD + TITLES + far + TAIL)
    (fault,) = caught.value.faults
    assert (fault.code, fault.params) == ("register.far_cells", {"rows": 1_048_576, "columns": 16_384})


def test_a_long_text_that_very_many_cells_share_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_xlsx, "MAX_UNPACKED", 2 * len("two & parts") - 1)
    twice = '<row r="2"><c r="A2" t="s"><v>1</v></c></row>'
    with pytest.raises(RegisterError) as caught:
        table(tmp_path, HEAD + TITLES + twice + TAIL)
    assert caught.value.faults[0].code == "register.bomb"


def test_a_look_by_itself(tmp_path: Path) -> None:
    file = workbook(tmp_path, HEAD + TITLES + ROWS["formulas"] + ROWS["too wide"] + TAIL)
    with zipfile.ZipFile(file) as archive:
        seen = xlsx_look.look(archive.open("xl/worksheets/s.xml"))
    assert (seen.rows, seen.columns, seen.hidden, seen.shared) == (2, 5, 0, 1)
    assert seen.marks == {2: {1: FORMULA_CELL}}
