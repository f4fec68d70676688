"""Excel workbooks as rows of texts, with the type of every cell kept.

calamine reads the cells: a number in an id column must be told from a text. What it does not tell, `xlsx_look` does: a
formula without a cached value from an empty cell, and an error from a word. Only values are read: no formula runs, no
macro, no link. Dates become ISO texts, numbers their shortest decimals.
"""

from __future__ import annotations

import datetime as dt
import posixpath
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from xml.parsers import expat

import polars as pl
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum

from hardship.errors import Fault, RegisterError
from hardship.reading.cells import normal
from hardship.reading.read_csv import column_names
from hardship.reading.readers import MAX_UNPACKED, BadLine, RawTable, refuse_bomb
from hardship.reading.xlsx_look import Look, look, parse

T = TypeVar("T")
MAX_ENTRIES = 2_000
MAX_STRINGS = 400 * 2**20  # characters of all shared strings
MAX_CELLS = 100_000_000  # of a sheet as far as it reaches, empty ones too: calamine takes 32 bytes for each
BATCH = 10_000  # rows that are Python's values at a time
_BROKEN = (
    CalamineError,
    zipfile.BadZipFile,
    zlib.error,
    expat.ExpatError,
    LookupError,
    ValueError,
    EOFError,
    OSError,
    RuntimeError,  # encrypted, or a compression that is not there
)


class _Mark(str):
    """What stands for a cell that has no value to read; no text of the workbook."""

    __slots__ = ()


Row = tuple[int, list[Any]]
"""The Excel row, and the values of its cells from column A."""


def read_sheets(file: Path, wanted: Mapping[str, Sequence[str]]) -> list[RawTable]:
    """The sheets of a workbook that hold the wanted entities.

    Args:
        file: the workbook.
        wanted: sheet names for each entity (compared after normalising); no names: the first sheet.

    Raises:
        RegisterError: no workbook, refused as unsafe, or a sheet without a header.
    """
    return _opened(file, lambda book: book.tables(wanted))


def read_cells(file: Path) -> dict[str, list[tuple[int, list[str]]]]:
    """Every sheet of a workbook: for each row that is not empty its Excel row and the texts of its cells.

    Raises:
        RegisterError: no workbook, or refused as unsafe.
    """
    return _opened(file, lambda book: {title: book.cells(title) for title in book.titles})


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
            with CalamineWorkbook.from_path(file) as book:
                return use(_Workbook(archive, book, file.name))
    except _BROKEN as error:
        raise RegisterError(Fault("register.not_workbook", file.name)) from error


class _Workbook:
    def __init__(self, archive: zipfile.ZipFile, book: CalamineWorkbook, name: str) -> None:
        self.archive, self.book, self.name = archive, book, name
        self.titles = [sheet.name for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
        self.parts = _parts(archive)
        self.longest = _longest_text(archive, name)

    def tables(self, wanted: Mapping[str, Sequence[str]]) -> list[RawTable]:
        found: list[tuple[str, str]] = []
        for entity, names in wanted.items():
            keys = {normal(name).casefold() for name in names}
            matches = [title for title in self.titles if normal(title).casefold() in keys or not names]
            if names and len(matches) > 1:
                raise RegisterError(Fault("register.two_files", self.name, params={"entity": entity}))
            if matches:
                found.append((entity, matches[0]))
        return [self._table(*one) for one in found]

    def cells(self, title: str) -> list[tuple[int, list[str]]]:
        rows = _rows(*self._sheet(title))
        return [(line, [_text(cell) for cell in cells[: _filled(cells)]]) for line, cells in rows]

    def _sheet(self, title: str) -> tuple[CalamineSheet, Look]:
        seen = look(self.archive.open(self.parts[title]))
        if seen.rows * seen.columns > MAX_CELLS:
            shown = {"rows": seen.rows, "columns": seen.columns}
            raise RegisterError(Fault("register.far_cells", f"{self.name}:{title}", params=shown))
        size = seen.shared * self.longest
        if size > MAX_UNPACKED:
            raise RegisterError(Fault("register.bomb", self.name, params={"packed": 0, "unpacked": size}))
        return self.book.get_sheet_by_name(title), seen

    def _table(self, entity: str, title: str) -> RawTable:
        sheet, seen = self._sheet(title)
        place, notes = f"{self.name}:{title}", []
        for code, count in (
            ("register.hidden_rows", seen.hidden),
            ("register.merged_cells", len(sheet.merged_cell_ranges or ())),
        ):
            if count:
                notes.append(Fault(code, place, params={"count": count}))
        rows = _rows(sheet, seen)
        first, titles = next(rows, (1, []))
        if not titles:
            raise RegisterError(Fault("register.no_header", place, first))
        names = column_names([_text(cell) for cell in titles[: _filled(titles)]], place)
        if first != 1:
            notes.append(Fault("register.header_row", place, first, params={"line": first}))
        batches = [_Batch(names, [])]
        while batch := list(islice(rows, BATCH)):
            batches.append(_Batch(names, batch))
        not_text = {name: pl.concat([batch.typed[name] for batch in batches]) for name in names}
        return RawTable(
            entity, self.name, title, pl.concat([batch.frame for batch in batches], rechunk=True),
            pl.Series([line for batch in batches for line in batch.lines], dtype=pl.Int64),
            {name: marks for name, marks in not_text.items() if marks.any()},
            tuple(row for batch in batches for row in batch.bad), tuple(notes),
        )  # fmt: skip


class _Batch:
    """Rows as columns of texts: `lines` and `frame` go together, and `typed` says which cells are no text.

    Rows with cells beyond the header are in `bad` instead.
    """

    def __init__(self, names: list[str], rows: list[Row]) -> None:
        width = len(names)
        self.lines: list[int] = []
        self.bad: list[BadLine] = []
        kept = []
        for line, cells in rows:
            if len(cells) > width and (filled := _filled(cells)) > width:
                texts = tuple(_text(cell) for cell in cells[:width])
                self.bad.append(BadLine(line, "ragged_row", f"cells({filled})", texts))
            else:
                self.lines.append(line)
                kept.append(cells[:width] + [""] * (width - len(cells)))
        columns = zip(*kept, strict=True) if kept else [()] * width
        pairs = {name: _column(cells) for name, cells in zip(names, columns, strict=True)}
        self.frame = pl.DataFrame({name: texts for name, (texts, _) in pairs.items()})
        self.typed = {name: typed for name, (_, typed) in pairs.items()}


def _column(cells: Sequence[Any]) -> tuple[pl.Series, pl.Series]:
    """Cells as texts, and where they are no text."""
    if set(map(type, cells)) <= {str}:
        return pl.Series(cells, dtype=pl.String), pl.repeat(False, len(cells), dtype=pl.Boolean, eager=True)
    texts = [cell if type(cell) is str else _text(cell) for cell in cells]
    return pl.Series(texts, dtype=pl.String), pl.Series([type(cell) is not str for cell in cells], dtype=pl.Boolean)


def _rows(sheet: CalamineSheet, seen: Look) -> Iterator[Row]:
    """The rows that are not empty, with the marks in their places."""
    marks = dict(seen.marks)
    left = [""] * (sheet.start[1] if sheet.start else 0)  # calamine begins at the first column with a value
    line = 0
    for line, values in enumerate(sheet.iter_rows(), 1):
        cells: list[Any] = left + values if left else values
        for place, mark in marks.pop(line, {}).items() if marks else ():
            _put(cells, place, mark)
        if cells.count("") < len(cells):
            yield line, cells
    for line in sorted(marks):  # below the last value
        cells = []
        for place, mark in marks[line].items():
            _put(cells, place, mark)
        yield line, cells


def _put(cells: list[Any], place: int, mark: str) -> None:
    cells.extend([""] * (place + 1 - len(cells)))
    cells[place] = _Mark(mark)


def _filled(cells: Sequence[Any]) -> int:
    """How many cells there are up to the last one that is not empty."""
    return next((place for place in range(len(cells), 0, -1) if cells[place - 1] != ""), 0)


def _text(cell: Any) -> str:
    if isinstance(cell, str):
        return str(cell)
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return repr(cell).removesuffix(".0")
    if isinstance(cell, dt.datetime):  # with a time of the day: no date
        return cell.date().isoformat() + "T"
    return str(cell)


def _parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """The part of each sheet, by its title."""
    links: dict[str, str] = {}
    parts: dict[str, str] = {}

    def relation(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "Relationship" and attributes.get("TargetMode") != "External":
            target = attributes["Target"]
            links[attributes["Id"]] = (
                target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
            )

    def sheet(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "sheet":
            link = next((v for k, v in attributes.items() if k == "id" or k.endswith(":id")), "")
            parts[attributes["name"]] = links[link]

    parse(archive.open("xl/_rels/workbook.xml.rels"), relation)
    parse(archive.open("xl/workbook.xml"), sheet)
    return parts


def _longest_text(archive: zipfile.ZipFile, name: str) -> int:
    """Characters of the longest of the texts that cells may share: each cell that points at it will hold it.

    Raises:
        RegisterError: more characters in all than a workbook may have.
    """
    part = next((part for part in sorted(archive.namelist()) if part.lower() == "xl/sharedstrings.xml"), "")
    if not part:
        return 0
    size = longest = begun = 0

    def start(tag: str, _: dict[str, str]) -> None:
        nonlocal longest, begun
        if tag.rpartition(":")[2] == "si":
            longest, begun = max(longest, size - begun), size

    def text(data: str) -> None:
        nonlocal size
        size += len(data)
        if size > MAX_STRINGS:
            raise RegisterError(Fault("register.bomb", name, params={"packed": 0, "unpacked": size}))

    parse(archive.open(part), start, text)
    return max(longest, size - begun)
