"""A scoring table as the office form: an Excel workbook with drop-downs, comments and Chinese titles.

The workbook carries everything the file says, its order of sections and its remarks. `form_layout` lays it out,
`table_unsheet` reads it back; what is written is read back before it is handed out, and must have the same hash.
"""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hardship import messages
from hardship.checking.check import Checked
from hardship.errors import EngineError, Fault
from hardship.language.toml_layout import Layout, layout
from hardship.language.toml_text import read_toml
from hardship.load import load_table
from hardship.office import form, table_unsheet
from hardship.office.form_cells import kind_of
from hardship.office.form_layout import GRID, HEAD, LABEL, Column, Sheet, sheets, singles
from hardship.office.form_rows import ASSUME, ATTRIBUTE, LINE, ORDER, POLICY, REMARK, Row, cells, missing_rows, rows

ROWS = 400  # rows of a sheet that have drop-downs
FONT, A4, GUIDE = "宋体", 9, 110
USED, UNUSED = "#4472C4", "#BFBFBF"  # tabs of sheets with and without rows
CJK = 0x2E80  # from here on characters take two places
LINE_HEIGHT = 14.0  # points, of one line of a wrapped cell
ACROSS = 190  # characters across one printed page that can still be read
_WHEN = dt.datetime(2018, 7, 1)
_REFERENCES = {"group": ("group", "id"), "parent": ("group", "id"), "source": ("source", "id"), "veto": ("veto", "id")}
"""Keys that name an entry of another sheet."""
_WIDE = ("expression", "text")
_NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{0,5}[1-9])?\Z")


def export_table(path: Path, out: Path) -> Checked:
    """Write the table in `path` as a workbook `out`; gives back the checked table.

    Raises:
        UsageError: the file cannot be read. TableError: the table is wrong. EngineError: the workbook would
            not read back to the same content.
    """
    checked = load_table(path)
    text = path.read_bytes().decode("utf-8-sig")
    values, where = read_toml(text.encode(), path.name)
    made = io.BytesIO()
    workbook(values, layout(text, values, where), made)
    out.write_bytes(made.getvalue())
    again = table_unsheet.read_form(out)
    if again.checked.sha256 != checked.sha256:
        out.unlink()
        raise EngineError(Fault("form.differs", params={"path": str(out)}))
    return checked


def workbook(values: Mapping[str, Any], found: Layout, out: io.BytesIO) -> None:
    """Write the form of a table's values; the same content has the same bytes."""
    import xlsxwriter

    plain = {"font_name": FONT, "font_size": 10}
    options = {"in_memory": True, "strings_to_formulas": False, "default_format_properties": plain}
    with xlsxwriter.Workbook(out, options) as book:
        book.set_properties({"created": _WHEN})
        formats = {
            "title": book.add_format({"bold": True, "bg_color": "#E8EDF3", "border": 1, "text_wrap": True}),
            "entry": book.add_format({"num_format": "@", "text_wrap": True, "valign": "top", "top": 1}),
            "below": book.add_format({"num_format": "@", "text_wrap": True, "valign": "top", "font_color": "#333333"}),
            "seen": book.add_format({"italic": True, "font_color": "#777777", "valign": "top"}),
            "empty": book.add_format({"num_format": "@", "text_wrap": True, "valign": "top"}),
            "head": book.add_format({"bold": True, "font_size": 14}),
            "guide": book.add_format({"text_wrap": True, "valign": "top", "font_size": 11}),
        }
        _guide(book, formats, values["table"]["title"]["zh"])
        _singles(book, formats, values, found)
        width = _grid_width(values)
        for sheet in sheets():
            _list(book, formats, sheet, list(rows(sheet, values, found)), width)
        _missing(book, formats, values)
        for page in book.worksheets():
            page.set_footer(messages.text("form.footer", "zh", title=values["table"]["title"]["zh"].replace("&", "&&")))


def _guide(book: Any, formats: Mapping[str, Any], title: str) -> None:
    sheet = book.add_worksheet(form.section("guide", "zh"))
    sheet.set_column(0, 0, GUIDE)
    _printed(sheet, (GUIDE,), 1)
    head, *lines = messages.text("form.guide", "zh", title=title).split("\n")
    sheet.write_string(0, 0, head, formats["head"])
    for row, line in enumerate(lines, 1):
        sheet.write_string(row, 0, line, formats["guide"])
        _tall(sheet, row, [(line, GUIDE)])


def _printed(page: Any, widths: Sequence[int], frozen: int) -> None:
    """A4 across, no more pages side by side than can be read; titles and frozen columns on every page."""
    page.set_landscape()
    page.set_paper(A4)
    across = -(-sum(widths) // ACROSS)
    page.fit_to_pages(across, 0)
    page.repeat_rows(0)
    if across > 1:
        page.repeat_columns(0, frozen - 1)
    page.set_margins(0.4, 0.4, 0.5, 0.6)


def _tall(page: Any, line: int, texts: Sequence[tuple[str, int]]) -> None:
    """Make a row as high as its longest wrapped text: not every office program does it by itself.

    Args:
        texts: each cell's text and the width of its column, in characters; a Chinese one takes two.
    """
    lines = max(sum(-(-_breadth(part) // width) or 1 for part in text.split("\n")) for text, width in texts)
    if lines > 1:
        page.set_row(line, LINE_HEIGHT * lines)


def _breadth(text: str) -> int:
    """How many characters' width a text takes, with a little to spare for breaking between words."""
    wide = sum(1 if ord(c) < CJK else 2 for c in text)
    return wide + wide // 8


def _singles(book: Any, formats: Mapping[str, Any], values: Mapping[str, Any], found: Layout) -> None:
    """One line for each key of the single sections, also where it is empty."""
    sheet = book.add_worksheet(form.section("table", "zh"))
    sheet.freeze_panes(1, 3)
    widths = {"section": 12, "label": 24, "key": 18, "value": 90}
    _printed(sheet, tuple(widths.values()), 3)
    for place, (key, width) in enumerate(widths.items()):
        sheet.write_string(0, place, form.label(key, "zh"), formats["title"])
        sheet.set_column(place, place, width, formats["empty"])
    line = 1
    for single in singles():
        name = single.keys[0]
        row = cells(single.columns, values[name]) if name in values else {}
        if (name,) in found.order:
            row[ORDER] = str(found.order.index((name,)) + 1)
            row[REMARK] = found.remarks.get((name,), "")
        first = True
        for column in (*single.columns, *_extra(single.columns, [row]), Column(REMARK, str), Column(ORDER, str)):
            look = formats["entry" if first else "empty"]
            sheet.write_string(line, 0, form.section(name, "zh"), look)
            sheet.write_string(line, 1, title_of(column.key), look)
            sheet.write_string(line, 2, column.key, formats["seen"])
            sheet.write_string(line, 3, row.get(column.key, ""), look)
            _tall(sheet, line, [(row.get(column.key, ""), widths["value"])])
            sheet.write_comment(line, 1, _comment(column), {"x_scale": 2})
            choice = _choices(column)
            if choice is not None:
                sheet.data_validation(line, 3, line, 3, choice)
            line, first = line + 1, False


def _extra(columns: Sequence[Column], written: Sequence[Row]) -> list[Column]:
    """Columns for keys that are written as in the file, because their own columns cannot carry them."""
    known = {column.key for column in columns} | {ORDER, REMARK, LINE, LABEL}
    keys = dict.fromkeys(key for row in written for key in row if key not in known and not key.isdigit())
    return [Column(key, Any) for key in keys]


def _grid_width(values: Mapping[str, Any]) -> int:
    rows_ = [row for one in values.get("lookup", ()) for row in one[GRID]]
    return max((len(row) for row in rows_ if isinstance(row, list)), default=1) + 2


def _list(book: Any, formats: Mapping[str, Any], sheet: Sheet, written: list[Row], width: int) -> None:
    page = book.add_worksheet(form.section(sheet.name, "zh"))
    grid = [LABEL, *map(str, range(1, width + 1))] if any(line.name == GRID for line in sheet.lines) else []
    several = [Column(LINE, Any)] if len(sheet.lines) > 1 else []
    columns = [
        *several, *sheet.columns, *_extra(sheet.columns, written), *(Column(key, Any) for key in grid),
        Column(REMARK, str), Column(ORDER, Any),
    ]  # fmt: skip
    page.freeze_panes(1, len(several) + 2)
    page.set_tab_color(USED if written else UNUSED)
    closed = _unused(columns, written) if written else set[int]()
    widths = [_width(column) for column in columns]
    shown_widths = [width for place, width in enumerate(widths) if place not in closed]
    _printed(page, shown_widths if written else [ACROSS], len(several) + 2)
    for place, column in enumerate(columns):
        page.write_string(0, place, title_of(column.key), formats["title"])
        page.write_comment(0, place, _comment(column), {"x_scale": 2})
        # Columns that this table leaves empty are folded away, so that the rest can be read and printed.
        fold = {"level": 1, "hidden": True} if place in closed else {"collapsed": place - 1 in closed}
        page.set_column(place, place, widths[place], formats["empty"], fold)
        choice = _choices(column, sheet)
        if choice is not None:
            page.data_validation(1, place, ROWS, place, choice)
    for line, row in enumerate(written, 1):
        look = formats["entry" if row[LINE] == sheet.lines[0].name else "below"]
        shown = {**row, LINE: form.section(row[LINE], "zh")}
        for place, column in enumerate(columns):
            seen = column.key == LABEL or (row[LINE] == HEAD and column.key != LINE)
            _cell(page, line, place, shown.get(column.key, ""), column, formats["seen"] if seen else look)
        open_ = [
            (shown.get(columns[place].key, ""), widths[place]) for place in range(len(columns)) if place not in closed
        ]
        _tall(page, line, open_)
    page.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})


def _unused(columns: Sequence[Column], written: Sequence[Row]) -> set[int]:
    """The places of columns that no row fills, and of the order in the file."""
    filled = {key for row in written for key in row} - {ORDER}
    kept = {LINE, "id", "name", "title.zh", "title.en"}
    return {place for place, column in enumerate(columns) if column.key not in filled | kept}


def _cell(page: Any, line: int, place: int, text: str, column: Column, look: Any) -> None:
    """One cell; a plain number as a number, if Excel's own numbers say the same."""
    number = column.key.isdigit() or kind_of(column.annotation) in ("number", "whole", "points")
    if number and _NUMBER.match(text):
        page.write_number(line, place, float(text), look)
    elif text:
        page.write_string(line, place, text, look)
    else:
        page.write_blank(line, place, None, look)


def _missing(book: Any, formats: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    page = book.add_worksheet(form.section("missing", "zh"))
    page.freeze_panes(1, 1)
    _printed(page, (28, 28, 28), 1)
    for place, key in enumerate((ATTRIBUTE, POLICY, ASSUME)):
        page.write_string(0, place, form.label(key, "zh"), formats["title"])
        page.write_comment(0, place, messages.text(f"form.c_{key}", "zh"), {"x_scale": 2})
        page.set_column(place, place, 28, formats["empty"])
    policies = [form.option("", word, "zh") for word in ("incomplete", "unknown", "assume")]
    page.data_validation(1, 1, ROWS, 1, {"validate": "list", "source": policies})
    for line, row in enumerate(missing_rows(values), 1):
        for place, key in enumerate((ATTRIBUTE, POLICY, ASSUME)):
            page.write_string(line, place, row.get(key, ""), formats["entry"])


def title_of(key: str) -> str:
    """The title of a column, `名称（中文）`; columns of numbers are counted."""
    if key.isdigit():
        return key
    return form.label(key.removeprefix("@"), "zh")


def _comment(column: Column) -> str:
    """What a column is and how it is filled: English title, key, form."""
    key = column.key.removeprefix("@")
    if column.key.startswith("@") or key.isdigit():
        return messages.text(f"form.c_{'cells' if key.isdigit() else key}", "zh")
    how = messages.text(f"form.c_{kind_of(column.annotation)}", "zh")
    return f"{form.label(key, 'en')} ({column.key})\n{how}"


def _width(column: Column) -> int:
    kind = kind_of(column.annotation)
    if column.key.isdigit():
        return 9
    if column.key in (LINE, ORDER):
        return 8
    if column.key in ("id", "name"):
        return 20
    if kind in _WIDE:
        return 40 if kind == "expression" else 12 if column.key in ("unit", "source") else 28
    return 11 if kind in ("number", "whole", "points", "option", "truth", "date") else 16


def _choices(column: Column, sheet: Sheet | None = None) -> dict[str, Any] | None:
    """The drop-down of a column."""
    source: Any = None
    if column.key == LINE and sheet is not None:
        source = [form.section(name, "zh") for name in _line_names(sheet)]
    elif column.key in _REFERENCES:
        source = _reference(*_REFERENCES[column.key])
    elif kind_of(column.annotation) == "option":
        source = [form.option_of(column.annotation, word, "zh") for word in form.options(column.annotation)]
    elif kind_of(column.annotation) == "truth":
        source = [form.option("", word, "zh") for word in ("true", "false")]
    if source is None:
        return None
    return {
        "validate": "list",
        "source": source,
        "error_type": "warning",
        "error_title": title_of(column.key)[:32],
        "error_message": messages.text("form.not_listed", "zh"),
    }


def _line_names(sheet: Sheet) -> Iterator[str]:
    yield from (line.name for line in sheet.lines)
    if any(line.name == GRID for line in sheet.lines):
        yield HEAD


def _reference(name: str, key: str) -> str:
    from xlsxwriter.utility import xl_col_to_name

    sheet = next(sheet for sheet in sheets() if sheet.name == name)
    place = [column.key for column in sheet.columns].index(key) + (len(sheet.lines) > 1)
    column = xl_col_to_name(place)
    return f"={form.section(name, 'zh')}!${column}$2:${column}${ROWS}"
