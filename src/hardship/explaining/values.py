"""Exact values for machines (`8107/6`), and the same values for people (`≈1,351.17 元/月`)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from hardship import messages
from hardship.explaining.wording import Wording, number_text
from hardship.language.table import Band
from hardship.language.units import NONE, Unit

Value = Fraction | bool | str | dt.date | frozenset[str] | None
MOST_PLACES = 4  # other numbers are shown rounded to so many; the exact one stands beside it


def half_up(value: Fraction, places: int) -> str:
    """A number rounded half up (ties away from zero) to so many decimals, all of them written."""
    scaled = abs(value) * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    digits = str(whole).rjust(places + 1, "0")
    sign = "-" if value < 0 and whole else ""
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


def exact(value: Value) -> Any:
    """The value for JSON: numbers and dates as exact text, sets as sorted lists, missing as None."""
    match value:
        case bool() | None | str():
            return value
        case Fraction():
            return number_text(value)
        case dt.date():
            return value.isoformat()
        case _:
            return sorted(value)


def decimal(value: Value, unit: Unit) -> Any:
    """As `exact`, but a number as a finite decimal: money with two places, others with at most four."""
    if not isinstance(value, Fraction):
        return exact(value)
    if unit.power("money") == 1:
        return half_up(value, 2)
    text = number_text(value)
    long = "/" in text or len(text.partition(".")[2]) > MOST_PLACES
    return half_up(value, MOST_PLACES) if long else text


def text(value: Value, words: Wording, name: str = "", unit: Unit = NONE) -> str:
    """The value as people read it: `1,351.17 元/月`, `是`, `务农`, `缺失`; `≈` before a rounded number.

    Args:
        name: the name whose legal values have titles, for enums and sets.
        unit: the unit of a number.
    """
    match value:
        case None:
            return messages.text("explain.missing_value", words.lang)
        case bool():
            return words.truth(value)
        case Fraction():
            return _number(value, words, unit)
        case dt.date():
            return value.isoformat()
        case str():
            return words.option(name, value)
        case _:
            if not value:
                return messages.text("explain.nothing", words.lang)
            return messages.text("explain.w_or_list", words.lang).join(words.options(name, value))


def plain(value: Value, words: Wording, name: str = "", unit: Unit = NONE) -> str:
    """As `text`, but a number without its unit, for use inside a calculation."""
    return _digits(value, unit) if isinstance(value, Fraction) else text(value, words, name, unit)


def band_text(bands: Sequence[Band], number: int, words: Wording, unit: Unit = NONE) -> str:
    """A band in words: its title, or its edges (`≥ 0.2 且 < 0.4`)."""
    band = bands[number]
    if band.title is not None:
        return band.title.text(words.lang)
    parts = []
    if number:
        before = bands[number - 1]
        edge, sign = (before.below, "≥") if before.below is not None else (before.at_most, ">")
        parts.append(f"{sign} {text(edge, words, unit=unit)}")
    if band.otherwise is None:
        edge, sign = (band.below, "<") if band.below is not None else (band.at_most, "≤")
        parts.append(f"{sign} {text(edge, words, unit=unit)}")
    return messages.text("explain.w_and", words.lang).join(parts) or messages.text("explain.any_value", words.lang)


def _number(value: Fraction, words: Wording, unit: Unit) -> str:
    unit_words = words.unit(unit)
    return _digits(value, unit) + (f" {unit_words}" if unit_words else "")


def _digits(value: Fraction, unit: Unit) -> str:
    shown = decimal(value, unit)
    whole, point, rest = str(shown).lstrip("-").partition(".")
    grouped = f"{int(whole):,}" if unit.power("money") else whole
    sign = "−" if value < 0 else ""
    about = "" if Fraction(shown) == value else "≈"
    return f"{about}{sign}{grouped}{point}{rest}"
