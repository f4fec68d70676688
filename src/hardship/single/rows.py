"""Plain bodies of many households as typed columns, without decoding them: what `reading` reads like Parquet.

Every cell of a plain body is right as it stands (`single.scan`), so its columns need no judging text by text.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from hardship.attributes import dictionary, scale, storage, value_names
from hardship.columns import date_series, fixed_point, nulled
from hardship.engine import scan_layout as lay
from hardship.engine import scan_rows as kernels
from hardship.errors import EngineError, Fault
from hardship.language.fields import DeclaredAttribute
from hardship.reading.cells import MAX_DIGITS
from hardship.single.household import Reader
from hardship.single.scan import Scanner

Array = npt.NDArray[Any]
ENTITIES = ("households", "members", "supporters", "transfers")
SOME = 1 << 10
EPOCH = 1970_01_01


class PlainRows:
    """The plain ones among some bodies that lie in one text.

    Args:
        scanner: reads them, on one day by one dictionary.
        text: holds all bodies.
    """

    def __init__(self, scanner: Scanner, text: bytes) -> None:
        self._scanner, self._text = scanner, text
        self._cells = [np.empty((len(names), SOME), np.int64) for names in scanner.slots.of]
        self._ends = np.zeros((len(ENTITIES), SOME + 1), np.int64)
        self._count, self._safe = 0, SOME // lay.MOST_ROWS

    def take(self, body: bytes, begin: int) -> bool:
        """Keep one household if its body is plain, names it, and holds nothing else.

        Args:
            begin: where the body stands in the text.
        """
        found = self._scanner.found(body)
        if found is None:
            return False
        told, memory = found
        view = memory.view
        # A number that was left out depends on the other bodies.
        if view[lay.OF_TABLE] or view[lay.OF_DAY] or view[lay.EXPLAINED] >= 0 or view[lay.HOUSE] < 0:
            return False
        if self._count == self._safe:
            self._grow()
        kernels.keep(told.about, memory.work, begin, self._ends, self._count, *self._cells)
        self._count += 1
        return True

    def _grow(self) -> None:
        """Make room for some more households, whatever rows they have."""
        if self._count + SOME > self._ends.shape[1]:
            self._ends = np.concatenate([self._ends, np.empty_like(self._ends)], axis=1)
        for level, cells in enumerate(self._cells):
            if self._ends[level, self._count] + SOME > cells.shape[1]:
                self._cells[level] = np.concatenate([cells, np.empty_like(cells)], axis=1)
        self._safe += SOME // lay.MOST_ROWS

    def tables(self) -> dict[str, tuple[pl.DataFrame, Array]]:
        """Of each entity its columns, titled by names, and the household of each row, in the order they were taken."""
        found: dict[str, tuple[pl.DataFrame, Array]] = {}
        ends = self._ends[:, : self._count + 1]
        home: pl.Series | None = None
        for level, entity in enumerate(ENTITIES):
            owner = np.repeat(np.arange(self._count), np.diff(ends[level]))
            columns: list[pl.Series] = []
            first = self._scanner.slots.first[level]
            for name, slot in self._scanner.slots.of[level].items():
                cells = self._cells[level][slot - first, : ends[level, -1]]
                attribute = self._scanner.slots.attributes[slot]
                if name == "household_id" and home is not None:
                    columns.append(home.gather(owner))
                elif attribute is None:
                    columns.append(self._texts(cells).fill_null("").alias(name))
                elif cells.size and cells.max() > lay.ABSENT:
                    columns.append(self._column(cells, attribute).alias(name))
            found[entity] = pl.DataFrame(columns), owner
            home = columns[0] if level == 0 else home
        return found

    def _texts(self, places: Array) -> pl.Series:
        lengths = np.where(places < -9, 2, np.where(places < 0, 1, places & 0xFFFF))
        lengths[places <= lay.NULL] = 0
        ends, out = np.zeros(len(places) + 1, np.int64), np.empty(int(lengths.sum()), np.uint8)
        kernels.spell(self._text, places, ends[1:], out)
        known = np.packbits(places > lay.NULL, bitorder="little")
        buffers = [pa.py_buffer(known), pa.py_buffer(ends), pa.py_buffer(out)]
        found = pl.from_arrow(pa.LargeStringArray.from_buffers(len(places), buffers[1], buffers[2], buffers[0]))
        assert isinstance(found, pl.Series)
        return found

    def _column(self, cells: Array, attribute: DeclaredAttribute) -> pl.Series:
        """Facts in the type that says what they are."""
        known = cells > lay.NULL
        valid = None if known.all() else known
        match attribute.type:
            case "code":
                return self._texts(cells)
            case "date":
                return nulled(date_series(np.where(known, cells, EPOCH)), valid)
            case "set":
                return nulled(_sets(np.where(known, cells, 0), value_names(attribute)), valid)
        stored = pl.Series(np.where(known, cells, 0))
        match attribute.type:
            case "bool":
                return nulled(stored.cast(pl.Boolean), valid)
            case "enum":
                return nulled(stored.cast(storage(attribute)).cat.to(pl.Enum(value_names(attribute))), valid)
            case "int":
                return nulled(stored, valid)
        return nulled(fixed_point(stored, MAX_DIGITS, len(str(scale(attribute))) - 1), valid)


def _sets(masks: Array, names: tuple[str, ...]) -> pl.Series:
    """Sets as the texts they are written as."""
    distinct, place = np.unique(masks, return_inverse=True)
    texts = [
        ";".join(name for bit, name in enumerate(names) if mask >> bit & 1) or "none" for mask in distinct.tolist()
    ]
    return pl.Series(texts, dtype=pl.String).gather(place)


@cache
def check() -> None:
    """Compile the kernels, or load them from disk, and hold them to a known household.

    Raises:
        EngineError: they find something else.
    """
    scanner = Scanner(dictionary(), Reader(dictionary(), dt.date(2018, 7, 1)))
    body = b'{"household":{"household_id":"H1"},"members":[{"wage_month":12.5}],"transfers":[{"amount":1}]}'
    rows = PlainRows(scanner, b"\n" + body)
    taken = rows.take(body, 1)
    found = {entity: frame.rows(named=True) for entity, (frame, _) in rows.tables().items()}
    if not taken or found != {
        "households": [{"household_id": "H1", "area_code": ""}],
        "members": [{"household_id": "H1", "member_id": "1", "wage_month": Decimal("12.50")}],
        "supporters": [],
        "transfers": [{"household_id": "H1", "member_id": "1", "amount": Decimal("1.00")}],
    }:
        raise EngineError(Fault("common.engine", params={"what": "the self-test of plain rows"}))
