"""The office form read back: an Excel workbook as a scoring table, faults named by `sheet!cell`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from hardship import messages
from hardship.checking.check import Checked
from hardship.errors import EngineError, Fault, TableError
from hardship.language.fields import Provided
from hardship.language.positions import Path, Positions
from hardship.language.table import Table
from hardship.language.toml_layout import Layout
from hardship.language.toml_text import shown
from hardship.language.toml_write import document
from hardship.load import load_text, load_values
from hardship.office import form
from hardship.office.form_cells import read
from hardship.office.form_layout import GRID, HEAD, LABEL, Column, Line, Sheet, sheets, singles
from hardship.office.form_rows import LINE, ORDER, REMARK, Row, grid, is_number, put
from hardship.reading.cells import ERROR_CELL, FORMULA_CELL
from hardship.reading.read_xlsx import read_cells

_FIRST = ("attribute", "id", "name", "version", "title", "group", "level", "type", "unit", "of", "each", "when",
          "value", "otherwise", "below", "at_most", "points", "veto", "expr", "rows", "columns", "cases", "bands",
          "cap", "floor", "status", "source", "verified_until")  # fmt: skip
Cells = dict[str, str]
"""Excel reference of each cell of a row, by column key."""


@dataclass(frozen=True)
class FormPositions(Positions):
    """Places of a workbook: `F.xlsx:评分项!F12` for the value at a path."""

    cells: dict[Path, str] = field(default_factory=dict)

    def fault(self, path: Path, code: str, offset: int | None = None, hint: str = "", **params: Any) -> Fault:
        """A fault at the cell of `path`, or of what is around it; `offset` counts characters inside it."""
        column = offset + 1 if offset is not None and path in self.cells else 0
        return Fault(code, self._cell(path), 0, column, params, hint)

    def key_fault(self, path: Path, code: str, hint: str = "", **params: Any) -> Fault:
        """A fault at the cell of `path`."""
        return Fault(code, self._cell(path), 0, 0, params, hint)

    def _cell(self, path: Path) -> str:
        found = (self.cells[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.cells)
        cell = next(found, "")
        return f"{self.file}:{cell}" if cell else self.file


@dataclass(frozen=True)
class Form:
    """A table read from a workbook: checked, and as the text of a table file."""

    checked: Checked
    text: str


def read_form(file: FilePath) -> Form:
    """Read a workbook that `table_sheet.export_table` made and people may have filled.

    Raises:
        RegisterError: no workbook. TableError: everything that is wrong, each at its `sheet!cell`.
    """
    return form_of(read_cells(file), file.name)


def form_of(pages: Mapping[str, Sequence[tuple[int, list[str]]]], name: str) -> Form:
    """The form in the cells of a workbook: for each sheet its rows with their Excel numbers.

    Raises:
        TableError: everything that is wrong, each at its `sheet!cell`.
    """
    reader = _Reader(name)
    reader.singles(_page(pages, "table"))
    for sheet in sheets():
        page = _page(pages, sheet.name)
        if page:
            reader.entries(sheet, page)
    reader.missing(_page(pages, "missing"))
    if reader.faults:
        raise TableError(reader.faults)
    values = reader.values
    try:
        checked = load_values(values, reader.where)
    except TableError as error:
        raise TableError(list({fault.text(): fault for fault in error.faults}.values())) from None
    text = document(_usual(values), reader.layout().order, reader.remarks)
    if load_text(text, name).sha256 != checked.sha256:
        raise EngineError(Fault("form.differs", params={"path": name}))
    return Form(checked, text)


def _page(pages: Mapping[str, Any], name: str) -> list[tuple[int, list[str]]]:
    for lang in messages.LANGUAGES:
        found = pages.get(form.section(name, lang))
        if found is not None:
            return list(found)
    return []


class _Reader:
    """Gathers values, places, remarks and faults over all sheets."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.where = FormPositions(file)
        self.values: dict[str, Any] = {}
        self.remarks: dict[Path, str] = {}
        self.orders: dict[Path, int] = {}
        self.faults: list[Fault] = []

    def fault(self, cell: str, code: str, **params: Any) -> None:
        self.faults.append(Fault(code, f"{self.file}:{cell}", 0, 0, params))

    # --- sheets ---

    def singles(self, page: Sequence[tuple[int, list[str]]]) -> None:
        """The sheet of single sections: section, title, key, value."""
        known = {form.section(one.name, lang): one for one in singles() for lang in messages.LANGUAGES}
        title = form.section("table", "zh")
        for number, texts in page[1:]:
            section, _, key, value = (*texts, "", "", "", "")[:4]
            cell = f"{title}!D{number}"
            line = known.get(section.strip())
            if value == "":
                continue
            if line is None:
                self.fault(f"{title}!A{number}", "form.no_section", found=shown(section), expected=_listed(known))
                continue
            path = line.keys
            if key in (REMARK, ORDER):
                self._beside(path, key, value, cell)
                self.values.setdefault(path[0], {})
                continue
            self._set(self.values.setdefault(path[0], {}), path, line, key, value, cell)

    def entries(self, sheet: Sheet, page: Sequence[tuple[int, list[str]]]) -> None:
        """The sheet of a list: entries, and the lines below them."""
        title = form.section(sheet.name, "zh")
        keys = self._keys(sheet, title, page[0])
        words = {form.section(one.name, lang): one.name for one in sheet.lines for lang in messages.LANGUAGES}
        words |= {form.section(HEAD, lang): HEAD for lang in messages.LANGUAGES}
        open_entries: dict[str, tuple[Path, dict[str, Any]]] = {}
        lines: dict[Path, list[Row]] = {}
        for number, texts in page[1:]:
            row = {keys[place]: text for place, text in enumerate(texts) if text and place < len(keys) and keys[place]}
            places = {key: f"{title}!{_letters(place)}{number}" for place, key in enumerate(keys)}
            first = next(iter(places.values()))
            word = row.pop(LINE, "").strip() or (form.section(sheet.name, "zh") if len(sheet.lines) == 1 else "")
            if not row or words.get(word) == HEAD:
                continue
            if word not in words:
                self.fault(first, "form.no_line", found=shown(word), expected=_listed(words))
                continue
            line = sheet.line(words[word])
            if line.parent and line.parent not in open_entries:
                self.fault(first, "form.no_parent", line=word, parent=form.section(line.parent, "zh"))
                continue
            if line.name == GRID:
                path, _ = open_entries[line.parent]
                lines.setdefault(path, []).append({LINE: GRID, **self._numbers(row, places)})
                self.where.cells.setdefault((*path, GRID), first)
                continue
            self._entry(line, row, places, first, open_entries)
        for path, rows in lines.items():
            entry = next(entry for at, entry in self._all(path) if at == path)
            entry[GRID] = grid(rows, "columns" in entry)

    def missing(self, page: Sequence[tuple[int, list[str]]]) -> None:
        """The sheet of what a missing fact means."""
        title = form.section("missing", "zh")
        policies = {
            form.option("", word, lang): word
            for word in ("incomplete", "unknown", "assume")
            for lang in messages.LANGUAGES
        }
        policies |= {word: word for word in policies.values()}
        for number, texts in page[1:]:
            name, policy, assumed = (text.strip() for text in (*texts, "", "", "")[:3])
            word = policies.get(policy)
            self.where.cells["missing", name] = f"{title}!A{number}"
            if name == "":
                self.fault(f"{title}!A{number}", "form.want", expected=messages.Term("form.want_fact"), found="")
            elif word is None:
                self.fault(f"{title}!B{number}", "form.no_line", found=shown(policy), expected=_listed(policies))
            else:
                means: Any = {"assume": read(assumed, Any)} if word == "assume" else word
                self.values.setdefault("missing", {})[name] = means
                self.where.cells["missing", name, "assume"] = f"{title}!C{number}"

    # --- lines ---

    def _keys(self, sheet: Sheet, title: str, header: tuple[int, list[str]]) -> list[str]:
        """The key of each column by its title; "" for a column without one."""
        columns = [LINE, REMARK, ORDER, *(column.key for column in sheet.columns)]
        if any(line.name == GRID for line in sheet.lines):
            columns.append(LABEL)
        columns += [column.key.partition(".")[0] for column in sheet.columns if "." in column.key]
        columns += [key for line in sheet.lines if line.parent for key in line.keys]
        known = {key: key for key in columns}
        for key in reversed(columns):
            known |= {form.label(key.removeprefix("@"), lang): key for lang in messages.LANGUAGES}
        keys = []
        number, texts = header
        for place, text in enumerate(texts):
            key = text if is_number(text) else known.get(text.strip(), "")
            if text.strip() and not key:
                near = difflib.get_close_matches(text, known, 1, 0.5)
                cell = f"{title}!{_letters(place)}{number}"
                self.fault(cell, "form.no_column", found=shown(text), nearest=near[0] if near else _listed(known))
            keys.append(key)
        return keys

    def _entry(
        self, line: Line, row: Row, places: Cells, first: str, open_entries: dict[str, tuple[Path, dict[str, Any]]]
    ) -> None:
        entry: dict[str, Any] = {}
        if line.parent:
            above, inside = open_entries[line.parent]
            listed = inside.setdefault(line.keys[0], [])
            path: Path = (*above, line.keys[0], len(listed) if isinstance(listed, list) else 0)
        else:
            inside = self.values
            for key in line.keys[:-1]:
                inside = inside.setdefault(key, {})
            listed = inside.setdefault(line.keys[-1], [])
            path = (*line.keys, len(listed))
        if not isinstance(listed, list):
            self.fault(
                first, "form.want", expected=messages.Term("form.want_once"), found=form.section(line.name, "zh")
            )
            return
        for key in (REMARK, ORDER):
            if key in row:
                self._beside(path, key, row.pop(key), places[key])
        row.pop(LABEL, None)
        self.where.cells[path] = first
        for key, text in row.items():
            self._set(entry, path, line, key, text, places[key])
        lone = line.parent == "list" and set(entry) == {"value"}
        listed.append(entry["value"] if lone else entry)
        open_entries[line.name] = (path, entry)

    def _set(self, entry: dict[str, Any], path: Path, line: Line, key: str, text: str, cell: str) -> None:
        """Put one cell's value into its entry, and note where it stands."""
        inside = Column(key, Any) if any(column.key.startswith(f"{key}.") for column in line.columns) else None
        listed = Column(key, Any) if key in _lists_below(line) else None
        column = next((column for column in line.columns if column.key == key), inside or listed)
        if column is None:
            self._not_here(cell, key, line.name)
            return
        self.where.cells[(*path, *key.split("."))] = cell
        if "." in key:
            self.where.cells.setdefault((*path, key.partition(".")[0]), cell)
        try:
            if text in (ERROR_CELL, FORMULA_CELL):
                raise ValueError("form.want_value")
            put(entry, key, read(text, column.annotation))
        except ValueError as error:
            self.fault(cell, "form.want", expected=messages.Term(str(error)), found=shown(text))

    def _not_here(self, cell: str, key: str, line: str) -> None:
        """A key that a line does not have, or that nobody knows: the sheet of single sections lets people type it."""
        known = {column.key for sheet in sheets() for column in sheet.columns}
        known |= {column.key for single in singles() for column in single.columns}
        name = form.label(key, "zh") if key in known else shown(key)
        self.fault(cell, "form.not_here", column=name, line=form.section(line, "zh"))

    def _numbers(self, row: Row, places: Cells) -> Row:
        """The numbers of a line of a look-up."""
        found = {}
        for key, text in row.items():
            if key in (LABEL, REMARK, ORDER):
                continue
            if not is_number(key):
                self._not_here(places[key], key, GRID)
            elif text in (ERROR_CELL, FORMULA_CELL):
                self.fault(places[key], "form.want", expected=messages.Term("form.want_number"), found=shown(text))
            else:
                found[key] = text
        return found

    # --- order and remarks ---

    def _beside(self, path: Path, key: str, text: str, cell: str) -> None:
        if key == REMARK:
            self.remarks[path] = text
        elif is_order(text):
            self.orders[path] = int(text)
        else:
            self.fault(cell, "form.want", expected=messages.Term("form.want_whole"), found=shown(text))

    def _all(self, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
        """The entries of the list that `path` is in."""
        for number, entry in enumerate(self.values.get(str(path[0]), ())):
            yield (path[0], number), entry

    def layout(self) -> Layout:
        """The sections in their order: as numbered; a line without a number, or moved up, follows the one above it."""
        order: dict[Path, tuple[int, int, int]] = {}
        reached = 0
        for kind, name in enumerate(Table.model_fields):
            if name not in self.values:
                continue
            value = self.values[name]
            paths: list[Path] = [(name, n) for n in range(len(value))] if isinstance(value, list) else [(name,)]
            last = self.orders.get(paths[0], reached) if paths else reached
            for number, path in enumerate(paths):
                last = max(last, self.orders.get(path, last))
                order[path] = (last, kind, number)
                reached = max(reached, last)
        return Layout(tuple(sorted(order, key=lambda path: order[path])), self.remarks)


def _usual(value: Any, inner: bool = False) -> Any:
    """Keys in the order in which people write them: what it is, what it says, what it rests on."""
    if isinstance(value, list):
        return [_usual(one, True) for one in value]
    if not isinstance(value, dict):
        return value
    line = inner and "id" not in value and "name" not in value
    late = {*Provided.model_fields, *(("title",) if line else ())}
    places = {key: place for place, key in enumerate(_FIRST)}
    keys = sorted(value, key=lambda key: (key in late, places.get(key, len(places)), list(value).index(key)))
    return {key: _usual(value[key]) for key in keys}


def is_order(text: str) -> bool:
    """Whether a cell can be a place in the file."""
    return text.isascii() and text.isdecimal() and len(text) <= 9


def _lists_below(line: Line) -> set[str]:
    return {one.keys[0] for sheet in sheets() for one in sheet.lines if one.parent == line.name and line in sheet.lines}


def _listed(known: Mapping[str, Any]) -> str:
    """The Chinese names among what is known, without doubles."""
    titles = dict.fromkeys(name for name in known if not name.isascii())
    return "、".join(titles)


def _letters(place: int) -> str:
    """The letters of a column, from 0."""
    found = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        found = chr(65 + rest) + found
    return found
