"""A movement's workbook beside its Parquet, cell by cell: `python tests/workbook_cells.py DIR [--lang zh]`.

Prints `sheets=… rows=… cells=… differences=…`. Money and counts are compared as exact decimals; words by the titles
that the movement's tables give.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import fastexcel
import polars as pl

from hardship import messages
from hardship.reports import movement_book
from hardship.reports.story import Story

LISTS = {
    "entered": ["entered"],
    "left": ["left"],
    "changed": ["raised", "lowered", "moved"],
    "moved_house": ["arrived", "departed"],
    "unscored": ["unscored"],
}
WORDS = ("residence", "kind", "held", "cause", "area_name", "part_standard", "part_table", "part_data")


def sheet(path: Path, name: str) -> tuple[list[str], list[list[str | None]]]:
    """Head and rows of a sheet, whose table begins where a row has a value in its second column."""
    frame = fastexcel.read_excel(path).load_sheet(name, header_row=None, dtypes="string").to_polars()
    rows = [list(row) for row in frame.iter_rows()]
    start = next(place for place, row in enumerate(rows) if len(row) > 1 and row[1] is not None)
    return rows[start], rows[start + 1 :]


def same(cell: str | None, value: object) -> bool:
    """Whether a cell shows a value of the frame exactly."""
    match value:
        case None:
            return cell is None
        case Decimal() | int():
            return cell is not None and Decimal(cell) == value
        case dt.date():
            return cell is not None and cell[:10] == value.isoformat()
        case _:
            return (cell or "") == value


def differences(path: Path, story: Story, lang: str) -> Iterator[tuple[str, str, str, object, bool]]:
    """Sheet, household, column, cell and whether it is right, for every cell of the lists of households."""

    def say(code: str, **params: object) -> str:
        return messages.text(code, lang, **params)

    titles = {column.title: column.name for column in movement_book._columns(story, say)}
    for name, kinds in LISTS.items():
        head, rows = sheet(path, say(f"report.list_{name}"))
        expected = story.frame.filter(pl.col("kind").is_in(kinds))
        yield name, "", "rows", len(rows), len(rows) == expected.height
        for row, value in zip(rows, expected.iter_rows(named=True), strict=False):
            for title, cell in zip(head, row, strict=True):
                column = titles[title]
                if column in WORDS:
                    continue
                if column == "change":
                    right = same(cell, (value["amount_after"] or Decimal(0)) - (value["amount_before"] or Decimal(0)))
                elif column.startswith("state_"):
                    right = cell == story.state(value[column], lang)
                else:
                    right = same(cell, value[column])
                yield name, value["household_id"], column, cell, right


def main() -> int:
    """The command."""
    from hardship.reports.stored import stored_story

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lang", choices=messages.LANGUAGES, default="zh")
    given = parser.parse_args()
    story = stored_story(given.folder)
    cells = rows = wrong = 0
    for name, household, column, cell, right in differences(given.folder / "movement.xlsx", story, given.lang):
        if column == "rows":
            assert isinstance(cell, int)
            rows += cell
        cells += 1
        if not right:
            wrong += 1
            print(name, household, column, cell, file=sys.stderr)
    print(f"sheets={len(LISTS)} rows={rows} cells={cells} differences={wrong}")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
