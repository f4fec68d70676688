"""CSV: one member a line, the lines of a household together, with any attributes of household and member."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from hardship.language.fields import DeclaredAttribute
from hardship.reading.readers import RawTable
from hardship_api.parts import Block, Part, after_last_record, error, line_blocks
from hardship_api.strict_json import Refused

MOST = 40_000
IDS = ("household_id", "member_id")
Line = tuple[int, list[str]]


class Sheet:
    """A body of CSV in UTF-8 or GB18030.

    The household's own attributes stand in each of its lines or only in some, and must agree. A household's row is
    that of its first line.
    """

    def __init__(self, attributes: Mapping[str, DeclaredAttribute], lang: str, whole: bool = False) -> None:
        self._levels = {name: one.level for name, one in attributes.items() if one.level in ("household", "member")}
        self._levels |= {"household_id": "household", "area_code": "household", "member_id": "member"}
        self._lang = lang
        self._whole = whole
        self._encoding = ""
        self._header: list[str] = []
        self._held: list[Line] = []

    def blocks(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[Block]:
        """The body in blocks of whole records."""
        return line_blocks(pieces, MOST, after_last_record, self._whole)

    def part(self, block: Block) -> Part:
        """The households that are whole by the end of a block; the last one waits for the next block.

        Raises:
            Refused: the text, its header or its quotes cannot be read at all.
        """
        lines = self._records(block)
        if not self._header:
            self._header = next(lines, (0, []))[1]
            header = self._header
            if len(set(header)) != len(header) or not set(IDS) <= set(header) <= set(self._levels):
                raise Refused("api.csv_form")
        found = [*self._held, *lines]
        own = self._header.index("household_id")
        ends = len(found)
        if not block.last and found:
            last = _key(found[-1], own)
            while ends and _key(found[ends - 1], own) == last:
                ends -= 1
        self._held = found[ends:]
        return self._tables(found[:ends], own)

    def _records(self, block: Block) -> Iterator[Line]:
        reader = csv.reader(io.StringIO(self._text(block.data), newline=""), strict=True)
        line = block.first
        try:
            for cells in reader:
                if cells:
                    yield line, cells
                line = block.first + reader.line_num
        except csv.Error:
            raise Refused("api.csv_form") from None

    def _text(self, data: bytes) -> str:
        """UTF-8 if it is; else GB18030. What the first line outside ASCII is in, all others are in."""
        for encoding in (self._encoding,) if self._encoding else ("utf-8", "gb18030"):
            try:
                text = data.decode(encoding)
            except UnicodeDecodeError:
                continue
            if not data.isascii():
                self._encoding = encoding
            return text.removeprefix("\ufeff") if not self._header else text
        raise Refused("api.not_utf8", 400)

    def _tables(self, lines: Sequence[Line], own: int) -> Part:
        part = Part()
        homes: list[int] = []
        starts: list[int] = []
        ragged: set[int] = set()
        good: list[list[str]] = []
        last = ""
        for line, cells in lines:
            key = _key((line, cells), own)
            if not key:
                part.wrong[line] = [error(line, "", "register.missing_id", self._lang, "api.row")]
                continue
            if key != last:
                starts.append(line)
                last = key
            if len(cells) != len(self._header):
                ragged.add(len(starts) - 1)
                continue
            good.append(cells)
            homes.append(len(starts) - 1)
        columns = list(zip(*good, strict=True)) if good else [()] * len(self._header)
        frame = pl.DataFrame(
            {name: pl.Series(cells, dtype=pl.String) for name, cells in zip(self._header, columns, strict=True)}
        )
        frame = frame.with_columns(pl.Series("home", homes, dtype=pl.Int64))
        households, disagree = self._households(frame)
        for home in sorted(ragged | disagree):
            code = "register.ragged_row" if home in ragged else "register.household_disagrees"
            part.wrong[starts[home]] = [error(starts[home], "", code, self._lang, "api.row")]
        gone = pl.col("home").is_in(list(ragged | disagree))
        households, frame = households.filter(~gone), frame.filter(~gone)
        kept = households["home"].to_numpy()
        part.rows = [starts[home] for home in kept]
        part.owner = {
            "households": np.arange(len(kept)),
            "members": np.searchsorted(kept, frame["home"].to_numpy()),
        }
        mine = ["household_id", *(name for name in self._header if self._levels[name] == "member")]
        part.tables = [_table("households", households.drop("home")), _table("members", frame.select(mine))]
        return part

    def _households(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, set[int]]:
        """A row for each household, and the households whose lines disagree."""
        names = [name for name in self._header if self._levels[name] == "household"]
        said = [pl.col(name).filter(pl.col(name) != "") for name in names]
        grouped = frame.group_by("home", maintain_order=True)
        found = grouped.agg(
            *(one.first() for one in said), pl.any_horizontal(one.n_unique() > 1 for one in said).alias("disagrees")
        )
        if "area_code" not in names:
            found = found.with_columns(area_code=pl.lit(""))
        return found.drop("disagrees"), set(found.filter("disagrees")["home"])


def _key(line: Line, own: int) -> str:
    """What a line says in the column of the household's id."""
    return line[1][own] if len(line[1]) > own else ""


def _table(entity: str, frame: pl.DataFrame) -> RawTable:
    lines = pl.int_range(frame.height, eager=True, dtype=pl.Int64)
    return RawTable(entity, entity, "", frame, lines, area_optional=entity == "households")
