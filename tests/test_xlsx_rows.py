"""Sheets split by pattern: whatever is written in them, the rows are those that a parser finds cell by cell."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from hardship.errors import RegisterError
from hardship.reading import read_xlsx
from hardship.reading.readers import RawTable

PARTS = {
    "xl/_rels/workbook.xml.rels": '<Relationships><Relationship Id="r1" Target="worksheets/s.xml"/></Relationships>',
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


def told(table: RawTable) -> Any:
    not_text = {name: marks.to_list() for name, marks in table.not_text.items()}
    return table.frame.columns, table.frame.rows(), table.lines.to_list(), not_text, table.bad, table.notes


def read(file: Path) -> Any:
    try:
        cells: Any = read_xlsx.read_cells(file)
        return cells, [told(one) for one in read_xlsx.read_sheets(file, {"households": ("households",)})]
    except RegisterError as error:
        return str(error)


@pytest.mark.parametrize("name", [*ROWS, *SHEETS])
def test_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    more = '<row r="90"><c r="A90" t="inlineStr"><is><t>last</t></is></c><c r="C90"><v>7</v></c></row>'
    file = workbook(tmp_path, SHEETS.get(name) or HEAD + TITLES + ROWS[name] + more + TAIL)
    split = read(file)
    with monkeypatch.context() as patch:
        patch.setattr("hardship.reading.xlsx_rows.PIECE", 7)
        assert read(file) == split
    monkeypatch.setattr(read_xlsx, "walk", lambda *_: False)
    assert read(file) == split


def test_plain_rows_are_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise all that is above would compare the parser with itself."""
    parsed: list[str] = []
    monkeypatch.setattr(read_xlsx, "_parse_text", lambda text, _sheet: parsed.append(text))
    plain = ("texts", "kept blanks", "styled text", "shared", "numbers", "days", "truths", "empty rows", "hidden")
    file = workbook(tmp_path, HEAD + TITLES + "".join(ROWS[name] for name in plain) + TAIL)
    assert isinstance(read(file), tuple)
    assert set(parsed) == {HEAD + TAIL}
