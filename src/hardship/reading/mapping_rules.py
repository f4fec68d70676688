"""How a foreign cell becomes one of ours: codes, units, ages, identity numbers.

A rule takes one text that is not empty and gives one text. What it cannot read becomes a text that the
cell grammar rejects, and that says nothing about the original.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from fractions import Fraction

Rule = Callable[[str], str]

UNMAPPED = "\x00unmapped"
INEXACT = "\x00inexact"
BAD_ID_NUMBER = "\x00id_number"

_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?\Z")
_ID_18 = re.compile(r"[0-9]{17}[0-9Xx]\Z")
_ID_15 = re.compile(r"[0-9]{15}\Z")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def coded(values: Mapping[str, str], otherwise: str | None, keep: bool = False) -> Rule:
    """Codes by a table; others become `otherwise`, stay as they are (`keep`), or are refused."""

    def read(text: str) -> str:
        return values.get(text, text if keep else otherwise if otherwise is not None else UNMAPPED)

    return read


def amount_rule(factor: Fraction) -> Rule:
    """Multiply a decimal number exactly; what has no finite decimal form is refused."""

    def read(text: str) -> str:
        if not _NUMBER.match(text):
            return text  # the cell grammar says what is wrong with it
        return decimal_text(Fraction(text) * factor)

    return read


def decimal_text(number: Fraction) -> str:
    """The shortest decimal text of a number, or the mark of one that has none with 18 decimals."""
    for places in range(19):
        shifted = number * 10**places
        if shifted.denominator == 1:
            digits = str(abs(shifted.numerator)).rjust(places + 1, "0")
            sign = "-" if number < 0 else ""
            return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)
    return INEXACT


def born_by_age(on: dt.date) -> Rule:
    """A birth date for an age in whole years: the birthday is the assessment date."""

    def read(text: str) -> str:
        if not re.fullmatch(r"[0-9]{1,3}", text, re.ASCII):
            return text
        year = on.year - int(text)
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        # Born 29 February is a year older on 1 March; 28 February keeps the age on that very day.
        day = 28 if (on.month, on.day) == (2, 29) and not leap else on.day
        return f"{year:04}-{on.month:02}-{day:02}"

    return read


def born_by_id_number(text: str) -> str:
    """The birth date in a resident identity number of 18 or 15 digits."""
    if _ID_18.match(text):
        return f"{text[6:10]}-{text[10:12]}-{text[12:14]}"
    return f"19{text[6:8]}-{text[8:10]}-{text[10:12]}" if _ID_15.match(text) else BAD_ID_NUMBER


def sex_by_id_number(text: str) -> str:
    """The sex in a resident identity number of 18 or 15 digits."""
    if _ID_18.match(text) or _ID_15.match(text):
        return "male" if int(text[-2 if len(text) == 18 else -1]) % 2 else "female"
    return BAD_ID_NUMBER


def check_digit_holds(text: str) -> bool:
    """Whether the last character of an 18-digit identity number is the right one; True for other numbers."""
    if not _ID_18.match(text):
        return True
    total = sum(int(digit) * weight for digit, weight in zip(text, _WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == text[-1].upper()
