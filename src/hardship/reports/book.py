"""Workbooks for offices: titled sheets with number formats, filters, frozen heads and print settings.

Texts are written as texts, those that a spreadsheet would run with an apostrophe before them; money as numbers
of two places, which a cell holds exactly up to ten billions. A sheet is written row by row and then let go, so
that a large one needs little memory.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import Any, Literal

import polars as pl
import xlsxwriter

from hardship.export import DANGEROUS, SHEET_ROWS

Kind = Literal["text", "long", "count", "signed", "money", "change", "points", "date"]
FORMATS: dict[Kind, dict[str, Any]] = {
    "text": {"num_format": "@"},
    "long": {"num_format": "@", "text_wrap": True},
    "count": {"num_format": "#,##0", "align": "right"},
    "signed": {"num_format": "+#,##0;[Red]-#,##0;0"},
    "money": {"num_format": "#,##0.00"},
    "change": {"num_format": "+#,##0.00;[Red]-#,##0.00;0.00"},
    "points": {"num_format": "0.######", "align": "right"},
    "date": {"num_format": "yyyy-mm-dd", "align": "center"},
}
CREATED = dt.datetime(2000, 1, 1)  # the same content, the same bytes
FONT = {"font_name": "宋体", "font_size": 10}
HEAD = {"bold": True, "bg_color": "#DCE6F1", "border": 1, "text_wrap": True, "valign": "vcenter", "align": "center"}
MOST_ROWS = SHEET_ROWS
LINE = 14  # points
READABLE = 225  # characters across a landscape page of A4 that can still be read, at about 65 %
_RUN = re.compile(DANGEROUS)
_FORBIDDEN = re.compile(r"[\[\]:*?/\\']")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a sheet: the frame's column, its title, how it is shown, how wide it is in characters."""

    name: str
    title: str
    kind: Kind = "text"
    width: float = 12


class Book:
    """A workbook in the making.

    Args:
        footer: printed at the foot of every page, beside the page number.
    """

    def __init__(self, footer: str, page: str) -> None:
        self._made = io.BytesIO()  # a full disk must leave neither half a file nor an open one
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        self._book = xlsxwriter.Workbook(self._made, options)
        self._book.set_properties({"created": CREATED})
        self._looks: dict[str, Any] = {
            kind: self._book.add_format({**FONT, "border": 1, "border_color": "#BFBFBF", "valign": "top", **look})
            for kind, look in FORMATS.items()
        }
        self._looks["head"] = self._book.add_format({**FONT, **HEAD})
        self._looks["title"] = self._book.add_format({**FONT, "font_size": 14, "bold": True})
        self._looks["note"] = self._book.add_format({**FONT, "font_color": "#595959"})
        self._footer = f"&L&8{footer.replace('&', '&&')}&R&8{page}"

    def sheet(self, name: str, title: str, notes: Sequence[str] = (), *, one_page: bool = False) -> Sheet:
        """A new sheet with its title and notes; sheets are filled one after the other.

        Args:
            one_page: printed on one page, however small; else as many pages down as it takes.
        """
        made = self._book.add_worksheet(_FORBIDDEN.sub(" ", name)[:31])
        made.set_landscape()
        made.set_paper(9)
        made.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        made.fit_to_pages(1, int(one_page))  # a wide table asks for more
        made.set_footer(self._footer)
        sheet = Sheet(made, self._looks)
        sheet.line(title, "title")
        for note in notes:
            sheet.line(note, "note")
        return sheet

    def save(self, path: Path) -> None:
        """Write the workbook.

        Raises:
            OSError: the file cannot be written.
        """
        self._book.close()
        path.write_bytes(self._made.getbuffer())


class Sheet:
    """One sheet, filled from above; `row` is the next free row."""

    def __init__(self, sheet: Any, looks: dict[str, Any]) -> None:
        self._sheet, self._looks = sheet, looks
        self.row = 0
        self._widths: dict[int, float] = {}

    def line(self, text: str, look: str = "note") -> None:
        """One text over the whole width."""
        self._sheet.write_string(self.row, 0, guarded(text), self._looks[look])
        self.row += 1

    def table(
        self,
        columns: Sequence[Column],
        rows: Iterable[Sequence[Any]],
        *,
        height: int,
        main: bool = False,
        keys: int = 1,
    ) -> None:
        """A head and its rows.

        Args:
            rows: values in the order of the columns; None is an empty cell.
            height: how many rows there are.
            main: the sheet's one long table: with a filter, its head frozen and printed on every page.
            keys: how many first columns say what a row is about: frozen, and printed on every page of a wide table.
        """
        for place, column in enumerate(columns):
            self._widths[place] = max(self._widths.get(place, 0), column.width)
            self._sheet.set_column(place, place, self._widths[place])
        lines = max(_lines(column.title, self._widths[place]) for place, column in enumerate(columns))
        self._sheet.set_row(self.row, LINE * lines + 4)
        for place, column in enumerate(columns):
            self._sheet.write_string(self.row, place, column.title, self._looks["head"])
        if main:
            self._sheet.freeze_panes(self.row + 1, keys)
            self._sheet.repeat_rows(self.row)
            self._sheet.autofilter(self.row, 0, self.row + height, len(columns) - 1)
            self._sheet.print_area(0, 0, self.row + height, len(columns) - 1)
            if height:
                self._spread([column.width for column in columns], keys)
        self.row += 1
        looks = [self._looks[column.kind] for column in columns]
        for values in rows:
            for place, (value, look) in enumerate(zip(values, looks, strict=True)):
                self._cell(self.row, place, value, look)
            self.row += 1

    def frame(self, columns: Sequence[Column], frame: pl.DataFrame, keys: int = 1) -> None:
        """The sheet's one long table from a frame."""
        shown = frame.select(column.name for column in columns)
        self.table(columns, shown.iter_rows(), height=frame.height, main=True, keys=keys)

    def _spread(self, widths: Sequence[float], keys: int) -> None:
        """More than one page beside each other where one would be too small to read."""
        repeated = sum(widths[:keys])
        across = ceil((sum(widths) - repeated) / (READABLE - repeated))
        if across > 1:
            self._sheet.fit_to_pages(across, 0)
            self._sheet.repeat_columns(0, keys - 1)
            self._sheet.print_across()

    def gap(self) -> None:
        """An empty row."""
        self.row += 1

    def _cell(self, row: int, column: int, value: Any, look: Any) -> None:
        match value:
            case None:
                self._sheet.write_blank(row, column, None, look)
            case str():
                self._sheet.write_string(row, column, guarded(value), look)
            case bool():
                self._sheet.write_boolean(row, column, value, look)
            case int() | Decimal():
                self._sheet.write_number(row, column, value, look)
            case dt.date():
                self._sheet.write_datetime(row, column, value, look)
            case _:
                raise TypeError(type(value).__name__)


def _lines(title: str, width: float) -> int:
    """How many lines a head takes: a Chinese character is as wide as two digits, bold ones a little more."""
    wide = sum(2.2 if unicodedata.east_asian_width(sign) in "WF" else 1.1 for sign in title)
    return max(1, ceil(wide / width))


def guarded(text: str) -> str:
    """The text with an apostrophe before it if a spreadsheet would run it."""
    return f"'{text}" if _RUN.match(text) else text


def pages(height: int) -> int:
    """How many sheets, in as many workbooks, so many rows need."""
    return max(1, -(-height // MOST_ROWS))
