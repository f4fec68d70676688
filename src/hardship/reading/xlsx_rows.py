"""The rows of a sheet, most of them without an XML parser calling back for every cell.

A row of which every cell is written the way spreadsheets write it (a number, a shared or an inline text, a truth, with
nothing that XML would treat in a special way) is split by one pattern. Any other row is given to expat, and so is
everything around the rows; where the parts do not fit together `walk` says so, and the sheet is parsed as a whole.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from typing import IO, Any, Protocol
from xml.parsers import expat

import polars as pl

PIECE = 4 * 2**20
_OPEN, _CLOSE, _ROW_END = "<sheetData>", "</sheetData>", "</row>"
_TEXT = r"[^<>&\x00-\x1f\x{fffe}\x{ffff}]*"
_INLINE = rf'<is><t(?: xml:space="preserve")?>({_TEXT})</t></is>'
_BEFORE, _BEHIND = ' t="inlineStr"><is><t>', "</t></is></c>"
_WHAT = (
    r'(?: s="([0-9]{1,9})")?(?: t="(n|s|b|str|inlineStr)")?'
    rf"(?:/>|>(?:<v>({_TEXT})</v>|{_INLINE})?</c>)"
)
_CELL = rf'<c r="[A-Z]{{1,3}}[0-9]{{1,7}}"{_WHAT}'
_PLAIN_ROW = "^(?:" + re.sub(r"[(](?![?])", "(?:", _CELL) + ")*$"
_ROW = re.compile(r'<row((?: [A-Za-z0-9:]+="[^"<>&\x00-\x1f]*")*+) ?(/?)>')
_ATTRIBUTE = re.compile(r' ([A-Za-z0-9:]+)="([^"]*)"')
_NUMBERED = re.compile(r' r="([0-9]{1,7})"(?: spans="[0-9:]*")?')
_UTF8 = re.compile(r'\ufeff?<\?xml version="1\.0"(?: encoding="[Uu][Tt][Ff]-8")?[^>]*\?>[^?]*\Z')


class Sheet(Protocol):
    """What collects the rows: the handlers of a parser, and `plain` for the cells of many rows that have begun."""

    rows: list[Any]

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, tag: str) -> None:
        """An element ends."""

    def text(self, data: str) -> None:
        """Text within an element."""

    def plain(self, cells: pl.DataFrame, kinds: pl.DataFrame) -> None:
        """Cells in their order: `row`, a number among `rows`; column `letters`; `text` of an inline one, else `kind`.

        `kinds` has a row for each kind: `style`, `kind` (type) and `value`, "" for none.
        """


Parse = Callable[[str, Sheet], None]


def walk(source: IO[bytes], sheet: Sheet, parse: Parse) -> bool:
    """Give a sheet's XML to a collector; False: it has to be parsed as a whole, by a new one.

    Args:
        parse: runs an XML document through expat.
    """
    with source:
        pieces = _pieces(source)
        try:
            head, rest = _until(pieces, "", _OPEN)
            if not _UTF8.match(head) or "<!" in head:
                return False
            rest = _rows(pieces, rest, sheet, parse)
            tail = rest + "".join(pieces)
            parse(f"{head}{_OPEN}{tail}", sheet)
        except (_OddError, UnicodeDecodeError, expat.ExpatError):
            return False
        return True


class _OddError(Exception):
    """Something that only a whole parse can judge."""


def _pieces(source: IO[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    while content := source.read(PIECE):
        yield decoder.decode(content)
    yield decoder.decode(b"", final=True)


def _until(pieces: Iterator[str], begun: str, mark: str) -> tuple[str, str]:
    """The text before a mark and behind it."""
    for piece in pieces:
        begun += piece
        place = begun.find(mark)
        if place >= 0:
            return begun[:place], begun[place + len(mark) :]
    raise _OddError


def _rows(pieces: Iterator[str], content: str, sheet: Sheet, parse: Parse) -> str:
    """All rows; what follows them, beginning with the end of the data."""
    while True:
        *whole, rest = content.split(_ROW_END)
        end = next((place for place, row in enumerate(whole) if row.startswith(_CLOSE)), len(whole))
        _batch(whole[:end], sheet, parse)
        if end < len(whole):
            return _ROW_END.join([*whole[end:], rest])
        if rest.startswith(_CLOSE):
            return rest
        piece = next(pieces, None)
        if piece is None:
            raise _OddError
        content = rest + piece


def _batch(rows: list[str], sheet: Sheet, parse: Parse) -> None:
    """Rows without their end tags, in order."""
    found = []
    for row in rows:
        head = _ROW.match(row)
        while head is not None and head[2]:  # a row without cells stands before it
            sheet.start("row", _attributes(head[1]))
            row = row[head.end() :]
            head = _ROW.match(row)
        if head is None:
            raise _OddError
        found.append((head[1], row[head.end() :]))
    cells = pl.Series([cells for _, cells in found], dtype=pl.String)
    plain = cells.str.contains(_PLAIN_ROW)
    numbers = []
    for (attributes, text), is_plain in zip(found, plain.to_list(), strict=True):
        if is_plain:
            numbers.append(len(sheet.rows))
            sheet.start("row", _attributes(attributes))
        else:
            parse(f"<sheetData><row{attributes}>{text}</row></sheetData>", sheet)
    if numbers:
        _split(pl.Series(numbers, dtype=pl.UInt32), cells.filter(plain), sheet)


def _split(numbers: pl.Series, rows: pl.Series, sheet: Sheet) -> None:
    """The cells of plain rows."""
    cells = pl.DataFrame({"row": numbers, "cell": rows.str.split('<c r="')}).explode("cell")
    place, what = pl.col("cell").struct[0], pl.col("cell").struct[1]
    inline = what.str.starts_with(_BEFORE) & what.str.ends_with(_BEHIND)
    cells = cells.filter(pl.col("cell") != "").with_columns(pl.col("cell").str.splitn('"', 2))
    cells = cells.select(
        "row",
        letters=place.str.strip_chars_end("0123456789"),
        text=pl.when(inline).then(what.str.strip_prefix(_BEFORE).str.strip_suffix(_BEHIND)),
        what=pl.when(~inline).then(what),
    )
    if cells.height == 0:
        return
    others = cells["what"].drop_nulls().unique(maintain_order=True)
    kinds = others.str.extract_groups(f"^{_WHAT}$").struct.unnest().fill_null("")
    kinds.columns = ["style", "kind", "value", "inline"]
    numbered = pl.DataFrame({"what": others, "kind": pl.int_range(others.len(), dtype=pl.UInt32, eager=True)})
    cells = cells.join(numbered, on="what", how="left", maintain_order="left").drop("what")
    sheet.plain(cells, kinds.select("style", "kind", value=pl.col("value") + pl.col("inline")))


def _attributes(text: str) -> dict[str, str]:
    only = _NUMBERED.fullmatch(text)
    if only:
        return {"r": only[1]}
    pairs = _ATTRIBUTE.findall(text)
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _OddError
    return found
