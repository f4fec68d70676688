"""One grammar for the cells of every format: CSV, Excel, Parquet, JSON and the web read a text alike.

- number: `-?` ASCII digits, and for money and decimals a point with at most the declared decimals; at
  most 18 digits. No plus sign, blanks, exponents, thousands separators. Full-width digits are read, and
  flagged.
- date: `2018-07-01`, `2018/7/1`, `20180701`, `2018年7月1日`; where the attribute is a month also `2018-07`.
- bool, enum, set: the English name, the Chinese or the English title; a set's values are joined by `;`, and
  `none` or `无` is the empty set.
- Only the empty cell is missing.

A cell that Excel marks as an error, or a formula that was never computed, reaches this module as a text
that starts with NUL, which no other cell can hold.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from hardship.attributes import scale, stored_bounds
from hardship.language.fields import DeclaredAttribute

ERROR_CELL = "\x00error"
FORMULA_CELL = "\x00formula"
# Texts that only readers and mappings make, and the rejection each stands for.
MARKED = {
    ERROR_CELL: "error_cell",
    FORMULA_CELL: "formula_without_value",
    "\x00unmapped": "unmapped_value",
    "\x00inexact": "not_exact",
    "\x00id_number": "bad_id_number",
}
MAX_DIGITS = 18
MAX_TEXT = 1_000
MAX_ID = 64

_WIDE = str.maketrans("０１２３４５６７８９．－", "0123456789.-")
_NUMBER = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?\Z", re.ASCII)
_DATE = re.compile(
    r"([0-9]{4})(?:([-/.])([0-9]{1,2})\2([0-9]{1,2})|([0-9]{2})([0-9]{2})|年([0-9]{1,2})月([0-9]{1,2})日)\Z"
)
_MONTH = re.compile(r"([0-9]{4})(?:[-/.]([0-9]{1,2})|([0-9]{2})|年([0-9]{1,2})月)\Z")
_BAD_CHARACTER = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffd\u2028\u2029\ufeff]")
_SEPARATOR = re.compile(r"[;,|；，、]")
_AREA = re.compile(r"[0-9A-Za-z]{1,32}\Z")
_BOOLS = {"true": 1, "false": 0, "1": 1, "0": 0, "yes": 1, "no": 0, "是": 1, "否": 0}
_EMPTY_SET = ("none", "无")


@dataclass(frozen=True, slots=True)
class Cell:
    """What one cell's text means.

    Attributes:
        value: the stored integer, the text of a code, or None if the cell is missing or wrong.
        problem: short id of the rejection (`bad_number`, …), "" if the cell is legal.
        value_class: what the wrong cell looks like, without showing it.
        flagged: the text had to be normalised (full-width digits, odd characters, blanks).
    """

    value: int | str | None
    problem: str = ""
    value_class: str = ""
    flagged: bool = False


MISSING = Cell(None)
Parser = Callable[[str], Cell]


def value_class(text: str) -> str:
    """The kind and length of a text, never the text: `empty`, `digits(18)`, `number(7)`, `text(5)`."""
    if text == "":
        return "empty"
    if text.startswith("\x00"):
        return text[1:] if text in MARKED else f"text({len(text)})"
    if len(text) > MAX_ID:
        return f"text({len(text)})"
    if text.isascii() and text.isdigit():
        return f"digits({len(text)})"
    return f"number({len(text)})" if _NUMBER.match(text) else f"text({len(text)})"


def normal(text: str) -> str:
    """The key by which labels, titles and ids are compared: NFKC, without blanks at the ends."""
    return unicodedata.normalize("NFKC", text).strip()


def _wrong(problem: str, text: str) -> Cell:
    return Cell(None, MARKED.get(text, problem), value_class(text))


def parser(attribute: DeclaredAttribute) -> Parser:
    """The function that reads one cell of an attribute. It never raises."""
    match attribute.type:
        case "int" | "money" | "decimal":
            return _number_parser(attribute)
        case "date":
            return _date_parser(attribute)
        case "bool":
            return _label_parser(_BOOLS, "bad_bool", frozenset(_BOOLS))
        case "enum":
            return _label_parser(labels(attribute), "bad_label", _written(attribute))
        case "set":
            return _set_parser(labels(attribute))
        case _:
            return _text_parser(keep=not attribute.expressions)


@cache
def _cached_labels(entries: tuple[tuple[str, str, str], ...]) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for names in zip(*entries, strict=True):  # all values, then all titles of a language
        for index, name in enumerate(names):
            found.setdefault(normal(name).casefold(), index)
    return found


def labels(attribute: DeclaredAttribute) -> Mapping[str, int]:
    """Normalised label → stored index, of every value and title of an enum or set. A value beats a title."""
    entries = tuple(
        (entry.value, *((entry.title.zh, entry.title.en) if entry.title else (entry.value, entry.value)))
        for entry in attribute.values
    )
    return _cached_labels(entries) if entries else {}


def _number_parser(attribute: DeclaredAttribute) -> Parser:
    decimals = len(str(scale(attribute))) - 1
    low, high = stored_bounds(attribute)

    def read(text: str) -> Cell:
        if text == "":
            return MISSING
        if len(text) > MAX_DIGITS + 2:  # before any conversion: a long text never becomes a number
            return _wrong("too_long", text)
        plain = text.translate(_WIDE)
        found = _NUMBER.match(plain)
        if found is None:
            return _wrong("bad_number", text)
        sign, whole, fraction = found[1], found[2], found[3] or ""
        if len(whole) + len(fraction) > MAX_DIGITS:
            return _wrong("too_long", text)
        if len(fraction) > decimals:
            return Cell(None, "too_precise" if decimals else "not_whole", f"decimals({len(fraction)})")
        value = int(sign + whole + fraction.ljust(decimals, "0"))
        if not low <= value <= high:
            return Cell(None, "out_of_bounds", bound_class(value, low))
        return Cell(value, flagged=plain != text)

    return read


def bound_class(value: int, low: int) -> str:
    """The class of a number outside its bounds: which side, and whether it is negative."""
    if value < low:
        return "number<0" if value < 0 and low >= 0 else "number<low"
    return "number>high"


def _date_parser(attribute: DeclaredAttribute) -> Parser:
    low, high = stored_bounds(attribute)
    monthly = attribute.precision == "month"

    def read(text: str) -> Cell:
        if text == "":
            return MISSING
        plain = text.translate(_WIDE) if len(text) <= 32 else ""
        parts = _calendar_day(plain) or (_calendar_month(plain) if monthly else None)
        if parts is None:
            return _wrong("bad_date", text)
        value = parts[0] * 10_000 + parts[1] * 100 + parts[2]
        if not low <= value <= high:
            return Cell(None, "out_of_bounds", "date<low" if value < low else "date>high")
        return Cell(value, flagged=plain != text)

    return read


def _calendar_day(text: str) -> tuple[int, int, int] | None:
    found = _DATE.match(text)
    if found is None:
        return None
    year = int(found[1])
    month = int(found[3] or found[5] or found[7])
    day = int(found[4] or found[6] or found[8])
    try:
        dt.date(year, month, day)
    except ValueError:
        return None
    return year, month, day


def _calendar_month(text: str) -> tuple[int, int, int] | None:
    found = _MONTH.match(text)
    if found is None:
        return None
    year, month = int(found[1]), int(found[2] or found[3] or found[4])
    return (year, month, 1) if 1 <= month <= 12 and year else None


def read_date(text: str) -> dt.date | None:
    """A calendar day in one of the accepted forms, or None."""
    parts = _calendar_day(text.translate(_WIDE)) if len(text) <= 32 else None
    return dt.date(*parts) if parts is not None else None


def _written(attribute: DeclaredAttribute) -> frozenset[str]:
    """The labels as the dictionary writes them: full-width brackets of its own are no reason for a flag."""
    titles = [entry.title for entry in attribute.values if entry.title]
    return frozenset(label for title in titles for label in (title.zh, title.en))


def _label_parser(known: Mapping[str, int], problem: str, written: frozenset[str]) -> Parser:
    def read(text: str) -> Cell:
        if text == "":
            return MISSING
        key = normal(text) if len(text) <= MAX_TEXT else ""
        index = known.get(key.casefold())
        if index is None:
            return _wrong(problem, text)
        return Cell(index, flagged=key != text and text not in written)

    return read


def _set_parser(known: Mapping[str, int]) -> Parser:
    def read(text: str) -> Cell:
        if text == "":
            return MISSING
        key = normal(text) if len(text) <= MAX_TEXT else ""
        if key.casefold() in _EMPTY_SET and key.casefold() not in known:
            return Cell(0, flagged=key != text)
        mask = 0
        for part in _SEPARATOR.split(key):
            index = known.get(part.strip().casefold())
            if index is None:
                return _wrong("bad_label", text)
            mask |= 1 << index
        return Cell(mask)

    return read


def _text_parser(keep: bool) -> Parser:
    """Any text without control characters: names are kept as written, codes as their normalised key."""

    def read(text: str) -> Cell:
        if text == "":
            return MISSING
        if len(text) > MAX_TEXT:
            return _wrong("too_long", text)
        if _BAD_CHARACTER.search(text):
            return _wrong("bad_character", text)
        key = normal(text)
        if key == "":
            return _wrong("bad_text", text)
        return Cell(text.strip() if keep else key, flagged=key != text)

    return read


def read_id(text: str) -> Cell:
    """A household, member or supporter number: the normalised text is the key, at most 64 characters."""
    if text == "":
        return Cell(None, "missing_id", "empty")
    if _BAD_CHARACTER.search(text):
        return _wrong("bad_character", text)
    key = normal(text) if len(text) <= MAX_ID else ""
    if not key or len(key) > MAX_ID:
        return _wrong("bad_id", text)
    return Cell(key, flagged=key != text)


def read_area(text: str) -> Cell:
    """An area code: letters and digits, at most 32."""
    if text == "":
        return Cell(None, "missing_id", "empty")
    key = normal(text) if len(text) <= MAX_ID else ""
    return Cell(key, flagged=key != text) if _AREA.match(key) else _wrong("bad_area", text)
