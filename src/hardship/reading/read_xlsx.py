"""Excel workbooks as rows of texts, with the type of every cell kept.

A workbook is read cell by cell, because a number in an id column must be told from a text, a formula
without a cached value from an empty cell, and an error from a word. Only values are read: no formula
runs, no macro, no link. Dates become ISO texts, numbers their shortest decimals.
"""

from __future__ import annotations

import datetime as dt
import io
import os
import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, TypeVar
from xml.parsers import expat

import numpy as np
import polars as pl

from hardship.errors import Fault, RegisterError
from hardship.reading.cells import ERROR_CELL, FORMULA_CELL, normal
from hardship.reading.read_csv import column_names
from hardship.reading.readers import MAX_COLUMNS, BadLine, RawTable, refuse_bomb
from hardship.reading.xlsx_rows import Sheet, walk

T = TypeVar("T")
MAX_ENTRIES = 2_000
MAX_STRINGS = 400 * 2**20  # characters of all shared strings
_DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
_SHORT_NUMBER = r"^-?(0|[1-9][0-9]{0,9})(\.[0-9]{0,3}[1-9])?$"  # shown as it is written
_SHORT_DAY = r"^(0|[1-9][0-9]{0,5})$"
_DAYS_1970 = 25_569
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
        found: list[tuple[str, str, str]] = []
        for entity, names in wanted.items():
            keys = {normal(name).casefold() for name in names}
            matches = [sheet for sheet in self.sheets if normal(sheet[0]).casefold() in keys or not names]
            if names and len(matches) > 1:
                raise RegisterError(Fault("register.two_files", self.name, params={"entity": entity}))
            if matches:
                found.append((entity, *matches[0]))
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            return list(pool.map(lambda one: self._table(*one), found))

    def cells(self, part: str) -> list[tuple[int, list[str]]]:
        sheet = self._sheet(part)
        found: list[tuple[int, list[str]]] = [(line, []) for line in sheet.lines]
        for row, place, text in sheet.filled().select("row", "place", "text").iter_rows():
            cells = found[row][1]
            cells.extend([""] * (place + 1 - len(cells)))
            cells[place] = text
        return [row for row in found if row[1]]

    def _sheet(self, part: str) -> _Sheet:
        sheet = _Sheet(self.strings, self.date_styles, self.epoch_1904)
        if not walk(self.archive.open(part), sheet, _parse_text) or sheet.mixed:
            sheet = _Sheet(self.strings, self.date_styles, self.epoch_1904)
            _parse(self.archive.open(part), sheet.start, sheet.end, sheet.text)
        return sheet

    def _table(self, entity: str, title: str, part: str) -> RawTable:
        sheet = self._sheet(part)
        cells, lines = sheet.filled(), pl.Series(sheet.lines, dtype=pl.Int64)
        if cells.height == 0:
            raise RegisterError(Fault("register.no_header", f"{self.name}:{title}", 1))
        first: int = cells["row"][0]
        header = cells.filter(pl.col("row") == first)
        titles = dict(header.select("place", "text").iter_rows())
        names = column_names(
            [titles.get(place, "") for place in range(header["place"][-1] + 1)], f"{self.name}:{title}"
        )
        cells = cells.filter(pl.col("row") > first)
        ragged = cells.filter(pl.col("place") >= len(names))["row"].unique()
        bad = [self._bad(cells.filter(pl.col("row") == row), lines[row], len(names)) for row in ragged.sort()]
        if bad:
            cells = cells.filter(~pl.col("row").is_in(ragged.implode()))
        kept = cells["row"].unique().sort()
        cells = (
            cells.with_columns(at=kept.search_sorted(cells["row"])) if cells.height else cells.with_columns(at="row")
        )
        frame, not_text = _columns(cells, names, kept.len())
        notes = [
            Fault(code, f"{self.name}:{title}", params={"count": count})
            for code, count in (
                ("register.hidden_rows", sheet.hidden),
                ("register.merged_cells", sheet.merged),
            )
            if count
        ]
        if lines[first] != 1:
            notes.append(
                Fault("register.header_row", f"{self.name}:{title}", lines[first], params={"line": lines[first]})
            )
        return RawTable(entity, self.name, title, frame, lines.gather(kept), not_text, tuple(bad), tuple(notes))

    def _bad(self, row: pl.DataFrame, line: int, width: int) -> BadLine:
        """A row with cells beyond the header."""
        texts = dict(row.select("place", "text").iter_rows())
        return BadLine(
            line, "ragged_row", f"cells({row['place'][-1] + 1})", tuple(texts.get(place, "") for place in range(width))
        )


def _columns(cells: pl.DataFrame, names: list[str], rows: int) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
    """Cells (`at`: their row) as columns of texts, and for those with cells that are no text, where that is so."""
    columns, not_text = {}, {}
    place = cells["place"].to_numpy().astype(np.uint16)  # small integers are sorted by counting them
    by_place = cells.select(pl.all().gather(np.argsort(place, kind="stable")))
    ends = np.cumsum(np.bincount(place, minlength=len(names)))
    for name, start, end in zip(names, [0, *ends], ends, strict=False):
        mine = by_place.slice(start, end - start)
        columns[name] = pl.Series([""], dtype=pl.String).new_from_index(0, rows).scatter(mine["at"], mine["text"])
        typed = mine["at"].filter(~mine["is_text"])
        if typed.len():
            not_text[name] = pl.repeat(False, rows, dtype=pl.Boolean, eager=True).scatter(typed, True)
    return pl.DataFrame(columns), not_text


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
        self.split: list[pl.DataFrame] = []
        self.mixed = False  # cells of a row are not in their order, or one is given twice

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

    def plain(self, cells: pl.DataFrame, kinds: pl.DataFrame) -> None:
        """The cells of many rows at once (see `xlsx_rows`); those alike but for their place are read once."""
        number = kinds["kind"] == ""
        dated = kinds["style"].is_in([str(one) for one in self.date_styles])
        day = number & dated & kinds["value"].str.contains(_SHORT_DAY)
        number &= ~dated & kinds["value"].str.contains(_SHORT_NUMBER)
        days = kinds["value"].filter(day).cast(pl.Int32) + (1462 if self.epoch_1904 else 0)
        iso = (days + (days < 60).cast(pl.Int32) - _DAYS_1970).cast(pl.Date).cast(pl.String)
        texts, are_texts = kinds["value"].scatter(day.arg_true(), iso), ~(number | day)
        others = are_texts.arg_true()
        if others.len():
            read = [self._like(*kind) for kind in kinds.select(pl.all().gather(others)).iter_rows()]
            texts = texts.scatter(others, [text for text, _ in read])
            are_texts = are_texts.scatter(others, [is_text for _, is_text in read])
        letters = cells["letters"].unique().to_list()
        places = pl.Series([self._place(f"{one}1") for one in letters], dtype=pl.UInt32)
        found = cells.select(
            "row",
            place=pl.col("letters").replace_strict(letters, places, return_dtype=pl.UInt32),
            text=pl.coalesce("text", texts.gather(cells["kind"])),
            is_text=pl.coalesce(are_texts.gather(cells["kind"]), True),
        ).filter(pl.col("text") != "")
        row, place = found["row"].to_numpy().astype(np.int64), found["place"].to_numpy()
        self.mixed |= bool((np.diff(row * 2**32 + place) <= 0).any())
        self.split.append(found)

    def _like(self, style: str, kind: str, value: str) -> tuple[str, bool]:
        self.kind, self.style, self.formula = kind or "n", int(style or "0"), False
        return self._read(value)

    @property
    def lines(self) -> list[int]:
        """The Excel row of each row."""
        return [row for row, _, _ in self.rows]

    def filled(self) -> pl.DataFrame:
        """All cells that are not empty, by `row` and `place`: their `text`, and whether it `is_text`."""
        found = [
            (number, place, text, place not in typed)
            for number, (_, cells, typed) in enumerate(self.rows)
            for place, text in enumerate(cells)
            if text != ""
        ]
        schema = {"row": pl.UInt32, "place": pl.UInt32, "text": pl.String, "is_text": pl.Boolean}
        whole = pl.concat([pl.DataFrame(found, schema=schema, orient="row"), *self.split])
        return whole.sort("row", "place") if found and self.split else whole

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


def _parse_text(text: str, sheet: Sheet) -> None:
    _parse(io.BytesIO(text.encode()), sheet.start, sheet.end, sheet.text)


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
