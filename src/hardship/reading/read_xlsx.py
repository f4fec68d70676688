"""Excel workbooks as rows of texts, with the type of every cell kept.

A workbook is read cell by cell, because a number in an id column must be told from a text, a formula
without a cached value from an empty cell, and an error from a word. Only values are read: no formula
runs, no macro, no link. Dates become ISO texts, numbers their shortest decimals.
"""

from __future__ import annotations

import datetime as dt
import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar
from xml.parsers import expat

import polars as pl

from hardship.errors import Fault, RegisterError
from hardship.reading.cells import ERROR_CELL, FORMULA_CELL, normal
from hardship.reading.read_csv import column_names
from hardship.reading.readers import MAX_COLUMNS, BadLine, RawTable, refuse_bomb

T = TypeVar("T")
MAX_ENTRIES = 2_000
MAX_STRINGS = 400 * 2**20  # characters of all shared strings
_DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    expat.ExpatError,
    LookupError,
    ValueError,
    EOFError,
    OSError,
    RuntimeError,  # encrypted, or a compression that is not there
)
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})\Z")


def read_sheets(file: Path, wanted: Mapping[str, Sequence[str]]) -> list[RawTable]:
    """The sheets of a workbook that hold the wanted entities.

    Args:
        file: the workbook.
        wanted: sheet names for each entity (compared after normalising); no names: the first sheet.

    Raises:
        RegisterError: no workbook, refused as unsafe, or a sheet without a header.
    """
    return _opened(file, lambda book: book.tables(wanted))


def _opened(file: Path, use: Callable[[_Workbook], T]) -> T:
    """What `use` makes of a workbook that is safe to read."""
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_ENTRIES:
                raise RegisterError(Fault("register.bomb", file.name, params={"packed": 0, "unpacked": 0}))
            for entry in entries:
                refuse_bomb(file.name, entry.compress_size, [entry.file_size])
            refuse_bomb(file.name, file.stat().st_size, [entry.file_size for entry in entries])
            return use(_Workbook(archive, file.name))
    except _BROKEN as error:
        raise RegisterError(Fault("register.not_workbook", file.name)) from error


def read_cells(file: Path) -> dict[str, list[tuple[int, list[str]]]]:
    """Every sheet of a workbook: for each row that is not empty its Excel row and the texts of its cells.

    Raises:
        RegisterError: no workbook, or refused as unsafe.
    """
    return _opened(file, lambda book: {title: book.cells(part) for title, part in book.sheets})


class _Workbook:
    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self.archive, self.name = archive, name
        self.parts = set(archive.namelist())
        self.base, self.targets = "xl/workbook.xml", _relations(archive, "xl/_rels/workbook.xml.rels")
        self.sheets: list[tuple[str, str]] = []
        self.epoch_1904 = False
        _parse(archive.open(self.base), start=self._workbook_part)
        self.strings = _shared_strings(archive, self._part("sharedStrings.xml"), name)
        self.date_styles = _date_styles(archive, self._part("styles.xml"))

    def _part(self, ending: str) -> str:
        return next((part for part in sorted(self.parts) if part.lower() == f"xl/{ending}".lower()), "")

    def _workbook_part(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "sheet":
            link = next((v for k, v in attributes.items() if k == "id" or k.endswith(":id")), "")
            self.sheets.append((attributes["name"], self.targets[link]))
        elif tag == "workbookPr":
            self.epoch_1904 = attributes.get("date1904", "0") in ("1", "true")

    def tables(self, wanted: Mapping[str, Sequence[str]]) -> list[RawTable]:
        found = []
        for entity, names in wanted.items():
            keys = {normal(name).casefold() for name in names}
            matches = [sheet for sheet in self.sheets if normal(sheet[0]).casefold() in keys or not names]
            if names and len(matches) > 1:
                raise RegisterError(Fault("register.two_files", self.name, params={"entity": entity}))
            if matches:
                title, part = matches[0]
                found.append(self._table(entity, title, part))
        return found

    def cells(self, part: str) -> list[tuple[int, list[str]]]:
        sheet = _Sheet(self.strings, self.date_styles, self.epoch_1904)
        _parse(self.archive.open(part), sheet.start, sheet.end, sheet.text)
        return [(row, texts) for row, texts, _ in sheet.rows if any(texts)]

    def _table(self, entity: str, title: str, part: str) -> RawTable:
        sheet = _Sheet(self.strings, self.date_styles, self.epoch_1904)
        _parse(self.archive.open(part), sheet.start, sheet.end, sheet.text)
        rows = [row for row in sheet.rows if any(cell != "" for cell in row[1])]
        if not rows:
            raise RegisterError(Fault("register.no_header", f"{self.name}:{title}", 1))
        place, header, _ = rows[0]
        while header and header[-1] == "":
            header.pop()
        names = column_names(header, f"{self.name}:{title}")
        width = len(names)
        bad, kept = [], []
        for line, cells, typed in rows[1:]:
            if len(cells) > width and any(cells[width:]):
                filled = max(index for index, cell in enumerate(cells) if cell) + 1
                bad.append(BadLine(line, "ragged_row", f"cells({filled})", tuple(cells[:width])))
            else:
                kept.append((line, cells[:width] + [""] * (width - len(cells)), typed))
        columns = list(zip(*(cells for _, cells, _ in kept), strict=True)) or [()] * width
        frame = pl.DataFrame(
            {name: pl.Series(name, list(c), dtype=pl.String) for name, c in zip(names, columns, strict=True)}
        )
        not_text = {
            name: pl.Series([index in typed for _, _, typed in kept], dtype=pl.Boolean)
            for index, name in enumerate(names)
            if any(index in typed for _, _, typed in kept)
        }
        lines = pl.Series([line for line, _, _ in kept], dtype=pl.Int64)
        notes = [
            Fault(code, f"{self.name}:{title}", params={"count": count})
            for code, count in (
                ("register.hidden_rows", sheet.hidden),
                ("register.merged_cells", sheet.merged),
            )
            if count
        ]
        if place != 1:
            notes.append(Fault("register.header_row", f"{self.name}:{title}", place, params={"line": place}))
        return RawTable(entity, self.name, title, frame, lines, not_text, tuple(bad), tuple(notes))


class _Sheet:
    """Collects the rows of one sheet: (Excel row, cell texts, columns whose cell is no text)."""

    def __init__(self, strings: list[str], date_styles: frozenset[int], epoch_1904: bool) -> None:
        self.strings, self.date_styles, self.epoch_1904 = strings, date_styles, epoch_1904
        self.rows: list[tuple[int, list[str], set[int]]] = []
        self.hidden = self.merged = 0
        self.row = self.column = 0
        self.kind, self.style = "", 0
        self.value: list[str] = []
        self.formula = self.has_value = self.inside = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "c":
            self.column = self._place(attributes.get("r", ""))
            self.kind, self.style = attributes.get("t", "n"), int(attributes.get("s", "0"))
            self.value, self.formula, self.has_value = [], False, False
        elif tag in ("v", "t"):
            self.inside = self.has_value = True
        elif tag == "f":
            self.formula = True
        elif tag == "row":
            self.row = int(attributes.get("r", self.row + 1))
            self.column = -1
            self.rows.append((self.row, [], set()))
            self.hidden += attributes.get("hidden", "0") in ("1", "true")
        elif tag == "mergeCell":
            self.merged += 1
        elif tag == "rPh":  # pronunciation, no part of the text
            self.kind = "skip"

    def text(self, data: str) -> None:
        if self.inside and self.kind != "skip":
            self.value.append(data)

    def end(self, tag: str) -> None:
        if tag in ("v", "t"):
            self.inside = False
        elif tag == "rPh":
            self.kind = "inlineStr"
        elif tag == "c":
            self._cell()

    def _place(self, reference: str) -> int:
        if not reference:
            return self.column + 1
        found = _REFERENCE.match(reference)
        if found is None:
            raise ValueError(reference)
        place = 0
        for letter in found[1]:
            place = place * 26 + ord(letter) - 64
        if place > MAX_COLUMNS * 9:
            raise ValueError(reference)
        return place - 1

    def _cell(self) -> None:
        text, is_text = self._read("".join(self.value))
        if text == "":
            return
        _, cells, typed = self.rows[-1]
        cells.extend([""] * (self.column + 1 - len(cells)))
        cells[self.column] = text
        if not is_text:
            typed.add(self.column)

    def _read(self, raw: str) -> tuple[str, bool]:
        if self.formula and not self.has_value:
            return FORMULA_CELL, False
        match self.kind:
            case "s":
                return self.strings[int(raw)] if raw else "", True
            case "inlineStr" | "str" | "skip":
                return raw, True
            case "b":
                return ("" if raw == "" else "true" if raw == "1" else "false"), False
            case "e":
                return ERROR_CELL, False
            case "d":
                return raw.removesuffix("T00:00:00").removesuffix("T00:00:00Z"), False
            case _:
                return self._number(raw), False

    def _number(self, raw: str) -> str:
        if raw == "":
            return ""
        value = float(raw) if len(raw) <= 40 else float("inf")
        if self.style in self.date_styles and 0 <= value < 2_958_466:
            days = int(value) + (1462 if self.epoch_1904 else 0)
            day = dt.date(1899, 12, 30) + dt.timedelta(days=days + (days < 60))
            return day.isoformat() + ("" if value == int(value) else "T")
        return repr(value).removesuffix(".0")


def _relations(archive: zipfile.ZipFile, part: str) -> dict[str, str]:
    targets: dict[str, str] = {}

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "Relationship" and attributes.get("TargetMode") != "External":
            target = attributes["Target"]
            targets[attributes["Id"]] = (
                target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
            )

    _parse(archive.open(part), start)
    return targets


def _shared_strings(archive: zipfile.ZipFile, part: str, name: str) -> list[str]:
    strings: list[str] = []
    if not part:
        return strings
    state = {"inside": False, "skip": False, "size": 0}
    pieces: list[str] = []

    def start(tag: str, _: dict[str, str]) -> None:
        if tag == "si":
            pieces.clear()
        elif tag == "t":
            state["inside"] = not state["skip"]
        elif tag == "rPh":
            state["skip"] = True

    def end(tag: str) -> None:
        if tag == "t":
            state["inside"] = False
        elif tag == "rPh":
            state["skip"] = False
        elif tag == "si":
            strings.append("".join(pieces))
            state["size"] += len(strings[-1])
            if state["size"] > MAX_STRINGS:
                raise RegisterError(Fault("register.bomb", name, params={"packed": 0, "unpacked": state["size"]}))

    def text(data: str) -> None:
        if state["inside"]:
            pieces.append(data)

    _parse(archive.open(part), start, end, text)
    return strings


def _date_styles(archive: zipfile.ZipFile, part: str) -> frozenset[int]:
    """Numbers of the cell styles that show a number as a date."""
    custom: dict[int, str] = {}
    formats: list[int] = []
    inside = {"cellXfs": False}

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "numFmt":
            custom[int(attributes["numFmtId"])] = attributes.get("formatCode", "")
        elif tag == "cellXfs":
            inside["cellXfs"] = True
        elif tag == "xf" and inside["cellXfs"]:
            formats.append(int(attributes.get("numFmtId", "0")))

    def end(tag: str) -> None:
        if tag == "cellXfs":
            inside["cellXfs"] = False

    if part:
        _parse(archive.open(part), start, end)

    def is_date(number: int) -> bool:
        code = _LITERAL.sub("", custom.get(number, "")).lower()
        return number in _DATE_FORMATS or any(letter in code for letter in "ymdh年月日")

    return frozenset(index for index, number in enumerate(formats) if is_date(number))


def _parse(source: IO[bytes], start: Any, end: Any = None, text: Any = None) -> None:
    """Run an XML part through expat; names lose their prefix, and a document type is refused."""
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise ValueError("document type")

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = lambda tag, attributes: start(tag.rpartition(":")[2], attributes)
    if end is not None:
        parser.EndElementHandler = lambda tag: end(tag.rpartition(":")[2])
    if text is not None:
        parser.CharacterDataHandler = text
    with source:
        parser.ParseFile(source)
