"""Numbers as an explanation shows them, in whole numbers throughout: what `explaining.values` makes of fractions."""

from __future__ import annotations

from functools import lru_cache
from math import gcd

from hardship.engine import kernels_texts
from hardship.explaining.values import MOST_PLACES

Shown = tuple[str, str, str]
"""A number as a finite decimal, exactly, and as people read it, without its unit."""


places = lru_cache(maxsize=4096)(kernels_texts.places)


def exact(value: int, den: int) -> str:
    """`value / den` exactly: a finite decimal (`0.65`), or a fraction (`5/18`)."""
    common = gcd(value, den)
    value, den = value // common, den // common
    decimals = places(den)
    return f"{value}/{den}" if decimals < 0 else _pointed(value, abs(value) * 10**decimals // den, decimals)


def shown(value: int, den: int, money: int) -> Shown:
    """`value / den` in its three forms; `money` is the power of money in its unit."""
    if value % den == 0:
        return _shown_whole(value // den, money)
    common = gcd(value, den)
    value, den = value // common, den // common
    decimals = places(den)
    size = abs(value)
    if decimals < 0:
        whole, wanted = f"{value}/{den}", 2 if money == 1 else MOST_PLACES
    else:
        whole = _pointed(value, size * 10**decimals // den, decimals)
        wanted = 2 if money == 1 else min(decimals, MOST_PLACES)
    rounded = (2 * size * 10**wanted + den) // (2 * den)
    decimal = _pointed(value if rounded else 0, rounded, wanted)
    digits = decimal[1:] if decimal[0] == "-" else decimal
    if money and rounded >= 1000 * 10**wanted:
        before, point, after = digits.partition(".")
        digits = f"{int(before):,}{point}{after}"
    if value < 0:
        digits = "−" + digits
    return decimal, whole, digits if 0 <= decimals <= wanted else "≈" + digits


def decimal(value: int, den: int, money: int) -> str:
    """The first form alone."""
    if value % den:
        return shown(value, den, money)[0]
    return f"{value // den}.00" if money == 1 else str(value // den)


def _shown_whole(value: int, money: int) -> Shown:
    """`shown` of a whole number."""
    text = str(value)
    digits = f"{abs(value):,}" if money else str(abs(value))
    if value < 0:
        digits = "−" + digits
    return (f"{text}.00", text, f"{digits}.00") if money == 1 else (text, text, digits)


def _pointed(sign: int, digits: int, decimals: int) -> str:
    """Digits with their point: `-0.05`."""
    text = str(digits)
    if decimals:
        text = text.rjust(decimals + 1, "0")
        text = f"{text[:-decimals]}.{text[-decimals:]}"
    return "-" + text if sign < 0 else text
