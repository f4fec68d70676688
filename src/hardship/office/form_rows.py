"""A table file as the rows of the office form: for each sheet its lines, each a cell for a key.

A row also says where it stood in the file (`order`) and what remark stood above it (`remark`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hardship.language.positions import Path
from hardship.language.toml_layout import Layout
from hardship.language.toml_write import canonical
from hardship.office import form
from hardship.office.form_cells import REST, read, written
from hardship.office.form_layout import GRID, HEAD, LABEL, Column, Line, Sheet

ORDER, REMARK, LINE = "@position", "@remark", "@line"
POLICY, ASSUME, ATTRIBUTE = "policy", "assume", "attribute"
Row = dict[str, str]


def rows(sheet: Sheet, values: Mapping[str, Any], found: Layout) -> Iterator[Row]:
    """The rows of a list's sheet."""
    entries: Any = values
    for key in sheet.lines[0].keys:
        entries = entries.get(key, {})
    for number, entry in enumerate(entries or ()):
        yield from _rows(sheet, sheet.lines[0], entry, (*sheet.lines[0].keys, number), found)


def _rows(sheet: Sheet, line: Line, entry: Any, path: Path, found: Layout) -> Iterator[Row]:
    if isinstance(entry, str):  # a value of a list may be given without anything else
        yield {LINE: line.name, "value": written(entry, str)}
        return
    row = {LINE: line.name, **cells(line.columns, entry)}
    if path in found.order:
        row[ORDER] = str(found.order.index(path) + 1)
    if path in found.remarks:
        row[REMARK] = found.remarks[path]
    below = [one for one in sheet.lines if one.parent == line.name]
    carried = [one for one in below if _carried(one, line, entry)]
    whole = [one.keys[0] for one in below if one not in carried and one.keys[0] in entry]
    row |= {key: written(entry[key], Any) for key in whole}
    yield row
    for one in carried:
        if one.name == GRID:
            yield from _grid(entry)
            continue
        for number, child in enumerate(entry.get(one.keys[0], ())):
            yield from _rows(sheet, one, child, (*path, one.keys[0], number), found)


def _carried(below: Line, line: Line, entry: Mapping[str, Any]) -> bool:
    """Whether lines below an entry say all of a list; else it is written as in the file."""
    inner = entry.get(below.keys[0], [])
    if not isinstance(inner, list) or not inner:
        return below.keys[0] not in entry
    if below.name == GRID:
        return canonical(grid(list(_grid(entry)), "columns" in entry)) == canonical(inner)
    texts = [one for one in inner if isinstance(one, str)]
    lone = [one for one in inner if isinstance(one, dict) and set(one) == {"value"}]
    return not lone if line.name == "list" else not texts


def cells(columns: Sequence[Column], entry: Mapping[str, Any]) -> Row:
    """The cells of an entry's own keys; a model that its columns cannot carry is written as in the file."""
    row: Row = {}
    for column in columns:
        value: Any = entry
        for key in column.key.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None:
            row[column.key] = written(value, column.annotation)
    outer = {column.key.partition(".")[0] for column in columns if "." in column.key}
    for key in outer & entry.keys():
        again = entry_of(columns, row).get(key)
        if canonical(again if again is not None else []) != canonical(entry[key]):
            row = {name: text for name, text in row.items() if name.partition(".")[0] != key}
            row[key] = written(entry[key], Any)
    return row


def entry_of(columns: Sequence[Column], row: Row) -> dict[str, Any]:
    """What the cells of a row say; raises ValueError as `form_cells.read` does."""
    entry: dict[str, Any] = {}
    for column in columns:
        if column.key in row:
            put(entry, column.key, read(row[column.key], column.annotation))
    return entry


def put(entry: dict[str, Any], key: str, value: Any) -> None:
    """Set a dotted key; raises ValueError where it, or what it is in, is given already."""
    *outer, last = key.split(".")
    for part in outer:
        entry = entry.setdefault(part, {})
        if not isinstance(entry, dict):
            raise ValueError("form.want_once")
    if last in entry:
        raise ValueError("form.want_once")
    entry[last] = value


def _grid(entry: Mapping[str, Any]) -> Iterator[Row]:
    """The rows of a look-up, each with what it is for; before them the columns."""
    inner = entry[GRID]
    rows_, columns = (axis_labels(entry.get(axis, {})) for axis in ("rows", "columns"))
    if columns:
        yield {LINE: HEAD, **{str(number): label for number, label in enumerate(columns, 1)}}
    for number, one in enumerate(inner):
        row = {LINE: GRID, LABEL: rows_[number] if number < len(rows_) else ""}
        listed = one if isinstance(one, list) else [one]
        row |= {str(place): written(cell, Any) for place, cell in enumerate(listed, 1) if cell != ""}
        yield row


def axis_labels(axis: Mapping[str, Any]) -> list[str]:
    """What the rows or columns of a look-up are for, as the file says it."""
    if "values" in axis:
        return [str(value) for value in axis["values"]]
    if "bands" in axis:
        texts = [written([band], Any) if len(band) > 1 else "" for band in axis["bands"]]
        return [text or _edge(band) for text, band in zip(texts, axis["bands"], strict=True)]
    if "first" in axis and "last" in axis:
        return [str(number) for number in range(axis["first"], axis["last"] + 1)]
    return []


def _edge(band: Mapping[str, Any]) -> str:
    for key, sign in (("below", "<"), ("at_most", "≤")):
        if key in band:
            return f"{sign} {written(band[key], Any)}"
    return REST


def grid(lines: Sequence[Row], two_way: bool) -> list[Any]:
    """The cells of a look-up from its lines; an empty cell between others is an empty text."""
    lines = [line for line in lines if line.get(LINE) == GRID]
    width = max((int(key) for line in lines for key in line if is_number(key)), default=1)
    found = [[read(line[str(n)], Any) if str(n) in line else "" for n in range(1, width + 1)] for line in lines]
    return found if two_way else [row[0] if width == 1 else row for row in found]


def is_number(title: str) -> bool:
    """Whether a column is one of those of the numbers of a look-up."""
    return title.isascii() and title.isdecimal() and len(title) <= 4 and not title.startswith("0")


def missing_rows(values: Mapping[str, Any]) -> Iterator[Row]:
    """The sheet of what a missing fact means."""
    for name, policy in values.get("missing", {}).items():
        if isinstance(policy, str):
            yield {ATTRIBUTE: name, POLICY: form.option("", policy, "zh")}
        else:
            yield {ATTRIBUTE: name, POLICY: form.option("", "assume", "zh"), ASSUME: written(policy["assume"], Any)}
