"""The facts that nobody knows yet: which they are, what may be answered, and which answers are tried first.

An answer is a whole number: a stored integer, of a date its day (so that neighbours are a day apart), of a set its
bits.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from hardship.attributes import scale, stored_bounds, value_names
from hardship.language.fields import DeclaredAttribute, Level
from hardship.reading.structure import OLDEST

if TYPE_CHECKING:
    from hardship.possible.interval import Array

NUMBERS = ("money", "int", "decimal")
FEW = 40
"""Whole numbers with so many values are tried one by one, as options are."""
EPOCH = dt.date(1970, 1, 1).toordinal()
OTHER_TEXT = "-"


@dataclass(frozen=True, slots=True)
class Fact:
    """One empty cell that a result waits for.

    Attributes:
        row: in the frame of its level. id, who: that row, for machines and for people ("" the household).
        low, high: the least and greatest answer; of a set no bit and every bit.
        texts: of a code the texts that the table mentions: the answer 0 is any other one.
    """

    attribute: DeclaredAttribute
    row: int
    id: str
    who: str
    low: int
    high: int
    texts: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The attribute's name."""
        return self.attribute.name

    @property
    def level(self) -> Level:
        """The attribute's level."""
        return self.attribute.level

    @property
    def bits(self) -> bool:
        """Whether it is a set: its ranges are pairs of bits that are there and bits that may be."""
        return self.attribute.type == "set"

    @property
    def choice(self) -> bool:
        """Whether the answers are tried one by one."""
        return not self.bits and self.high - self.low < FEW

    def stored(self, answers: Array) -> Array:
        """Answers as stored integers."""
        if self.attribute.type != "date":
            return answers
        days = (answers - EPOCH).astype("datetime64[D]")
        months = days.astype("datetime64[M]")
        year_month = months.astype(np.int64)
        day = (days - months.astype("datetime64[D]")).astype(np.int64) + 1
        found: Array = (1970 + year_month // 12) * 10_000 + (year_month % 12 + 1) * 100 + day
        return found

    def cell(self, answer: int) -> Any:
        """An answer as a register's cell: the stored integer, of a code a text."""
        if self.attribute.type == "code":
            return self.texts[answer - 1] if answer else _other(self.texts)
        return int(self.stored(np.array([answer], np.int64))[0])

    def value(self, answer: int) -> Any:
        """An answer as a plain value: a number exactly, a date, an option, a truth, a set."""
        match self.attribute.type:
            case "bool":
                return bool(answer)
            case "enum":
                return value_names(self.attribute)[answer]
            case "set":
                return frozenset(one for k, one in enumerate(value_names(self.attribute)) if answer >> k & 1)
            case "date":
                return dt.date.fromordinal(answer)
            case "code":
                return self.cell(answer)
            case _:
                return Fraction(answer, scale(self.attribute))

    def tried(self, on: dt.date) -> list[int]:
        """The answers that are tried first, ascending: every option; of a number its bounds and 0, 1, 2, 5, 10, …; of a
        date its bounds and whole years around the assessment date."""
        if self.choice:
            return list(range(self.low, self.high + 1))
        if self.bits:
            return [0, *(1 << k for k in range(len(self.attribute.values))), self.high]
        steps = [factor * 10**power for power in range(18) for factor in (1, 2, 5)]
        if self.attribute.type == "date":
            some = [on.toordinal() - sign * int(365.2425 * step) for step in steps[:9] for sign in (1, -1)]
            some.append(on.toordinal())
        else:
            unit = scale(self.attribute)
            some = [sign * step * unit for step in steps for sign in (1, -1)]
            some.append(0)
        inside = {answer for answer in some if self.low < answer < self.high}
        return sorted({self.low, self.high, *inside})


def fact(
    attribute: DeclaredAttribute, row: int, place: tuple[str, str], on: dt.date, texts: Iterable[str] = ()
) -> Fact:
    """The fact of one empty cell; `place` is its row's `id` and `who`."""
    named = tuple(texts) if attribute.type == "code" else ()
    low, high = stored_bounds(attribute)
    if attribute.type == "date":
        low, high = _day(low), _day(high)
    if attribute.type == "code":
        low, high = 0, len(named)
    if attribute.name == "birth_date":  # the readers take nobody younger than 0 or older than this
        low, high = max(low, _years_before(on, OLDEST + 1) + 1), min(high, on.toordinal())
    return Fact(attribute, row, *place, low, high, named)


def _day(stored: int) -> int:
    return dt.date(stored // 10_000, stored // 100 % 100, stored % 100).toordinal()


def _years_before(on: dt.date, years: int) -> int:
    """The last day on which somebody was born who is so many years old."""
    day = on.replace(year=on.year - years) if (on.month, on.day) != (2, 29) else dt.date(on.year - years, 2, 28)
    return day.toordinal()


def _other(texts: tuple[str, ...]) -> str:
    """A text that is none of these."""
    found = OTHER_TEXT
    while found in texts:
        found += OTHER_TEXT
    return found
