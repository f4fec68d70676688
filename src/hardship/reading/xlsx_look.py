"""What a sheet holds beside the values of its cells, and how far it reaches.

calamine reads the values. It passes over errors and over formulas that nobody has worked out, knows nothing of hidden
rows, and lays a sheet out as far as its farthest cell. So the sheet's XML is first walked through by expat, which takes
no value out of it; it also refuses what is no sound XML, or declares a document type.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO
from xml.parsers import expat

from hardship.reading.cells import ERROR_CELL, FORMULA_CELL

LAST_ROW, LAST_COLUMN = 1_048_576, 16_384  # of any sheet
Start = Callable[[str, dict[str, str]], None]


@dataclass
class Look:
    """What was seen of a sheet.

    Attributes:
        rows, columns: of the farthest cell, from 1.
        marks: by Excel row and column (from 0), what stands for a cell with an error or a formula without a value.
        hidden: how many rows are.
        shared: how many cells point at a text of the workbook.
    """

    rows: int = 0
    columns: int = 0
    marks: dict[int, dict[int, str]] = field(default_factory=dict)
    hidden: int = 0
    shared: int = 0

    def mark(self, row: int, column: int, what: str) -> None:
        """Say what stands for a cell."""
        self.marks.setdefault(row, {})[column] = what

    def reach(self, row: int) -> int:
        """A row of the sheet.

        Raises:
            ValueError: no sheet has it.
        """
        if not 1 <= row <= LAST_ROW:
            raise ValueError(row)
        self.rows = max(self.rows, row)
        return row


def look(part: IO[bytes]) -> Look:
    """Walk through a sheet.

    Raises:
        ExpatError: no sound XML. ValueError: a document type, or a cell that no sheet has.
    """
    seen = Look()
    kinds: dict[str, str] = {}
    places: dict[str, int] = {}  # of the letters of columns
    row, column, last = 0, -1, -1
    digits, cut = "", 0  # the row's number as its cells write it
    formula = False  # of the cell at hand, and no value since

    def start(tag: str, attributes: dict[str, str]) -> None:  # called for every element: it has to be quick
        nonlocal row, column, last, digits, cut, formula
        kind = kinds.get(tag)
        if kind == "c":
            if formula:
                seen.mark(row, column, FORMULA_CELL)
                formula = False
            reference = attributes.get("r")
            if reference is None:
                column += 1
            elif reference[cut:] == digits and (place := places.get(reference[:cut])) is not None:
                column = place
            else:
                letters = reference.rstrip("0123456789")
                digits = reference[len(letters) :]
                cut = -len(digits)
                row = seen.reach(int(digits))
                column = places[letters] = _place(letters)
            if column > last:
                last = column
            kind = attributes.get("t")
            if kind == "s":
                seen.shared += 1
            elif kind == "e":
                seen.mark(row, column, ERROR_CELL)
        elif kind == "v":
            formula = False
        elif kind == "row":
            if formula:
                seen.mark(row, column, FORMULA_CELL)
                formula = False
            row = seen.reach(int(attributes.get("r", row + 1)))
            column, digits = -1, str(row)
            cut = -len(digits)
            seen.hidden += attributes.get("hidden", "0") in ("1", "true")
        elif kind == "f":
            formula = True
        elif kind is None:
            name = tag.rpartition(":")[2]
            kinds[tag] = {"c": "c", "row": "row", "f": "f", "v": "v", "t": "v"}.get(name, "")
            start(tag, attributes)

    parse(part, start)
    if formula:
        seen.mark(row, column, FORMULA_CELL)
    if last >= LAST_COLUMN:
        raise ValueError(last)
    seen.columns = last + 1
    return seen


def _place(letters: str) -> int:
    """The number of a column, from 0."""
    place = 0
    for letter in letters.upper():
        if not "A" <= letter <= "Z" or place > LAST_COLUMN:
            raise ValueError(letters)
        place = place * 26 + ord(letter) - 64
    if place == 0:
        raise ValueError(letters)
    return place - 1


def parse(part: IO[bytes], start: Start, text: Callable[[str], None] | None = None) -> None:
    """Run an XML part through expat; names keep their prefix.

    Raises:
        ExpatError: no sound XML. ValueError: it declares a document type.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise ValueError("document type")

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    if text is not None:
        parser.CharacterDataHandler = text
    with part:
        parser.ParseFile(part)
