"""Numbers as texts: every number that one explanation shows is written by one call; days and codes too."""

from __future__ import annotations

from typing import Any

from hardship.engine import scan_layout as lay
from hardship.engine.jit import kernel
from hardship.engine.moves import move

# What stands in a row of `specs`: cells by their place among the words, or the bytes, of a run; -1: there is none.
CELL, IS_WORD, VALID, DIVISOR, DEN, DIVISOR_DEN = 0, 1, 2, 3, 4, 5
LESS = 6
"""The same six of a number that is taken off."""
MONEY, FORM, BEFORE, BEFORE_SIZE, AFTER, AFTER_SIZE = 12, 13, 14, 15, 16, 17
WIDTH = 18
AS_JSON, PLAIN, WORDS, EXACT, DECIMAL, DAY, CODE, ROUNDED = range(8)
"""Forms of a text; `ROUNDED + n`: to `n` decimals."""
MOST, MOST_DEN, MOST_PLACES = 4 * 10**18, 10**14, 4
FAILED = 1
QUOTE, COMMA, MINUS, POINT, SLASH, ZERO = 34, 44, 45, 46, 47, 48
OF_NUMBER = 160
"""Bytes that the texts of one number may take, besides what stands around it."""


@kernel
def whole(out: Any, at: int, value: int, commas: bool) -> int:
    """Write a whole number that is not negative; where it ends."""
    digits, rest = 1, value // 10
    while rest > 0:
        digits, rest = digits + 1, rest // 10
    end = at + digits + ((digits - 1) // 3 if commas else 0)
    place, rest = end - 1, value
    for written in range(digits):
        if commas and written > 0 and written % 3 == 0:
            out[place] = COMMA
            place -= 1
        out[place] = ZERO + rest % 10
        rest, place = rest // 10, place - 1
    return end


@kernel
def pointed(out: Any, at: int, value: int, places: int) -> int:
    """Write a point and so many decimals; where they end."""
    if places == 0:
        return at
    out[at], rest = POINT, value
    for place in range(at + places, at, -1):
        out[place] = ZERO + rest % 10
        rest = rest // 10
    return at + 1 + places


@kernel
def copied(out: Any, at: int, pool: Any, start: int, size: int) -> int:
    """Copy some bytes; where they end."""
    move(out, at, pool, start, size)
    return at + size


@kernel
def fraction(words: Any, small: Any, spec: Any, first: int) -> tuple[int, int]:
    """A number as dividend and divisor; divisor 0: it is missing; -1: too large to be written here."""
    if spec[first + VALID] >= 0 and small[spec[first + VALID]] == 0:
        return 0, 0
    value = int(words[spec[first + CELL]] if spec[first + IS_WORD] != 0 else small[spec[first + CELL]])
    if value <= lay.NULL:
        return 0, 0
    den = int(spec[first + DEN])
    if spec[first + DIVISOR] >= 0:
        over, times = int(words[spec[first + DIVISOR]]), int(spec[first + DIVISOR_DEN])
        if over <= 0 or float(over) * den > MOST_DEN or abs(float(value)) * times > MOST:
            return 0, -1
        value, den = value * times, over * den
    if den <= 0 or den > MOST_DEN or value > MOST or value < -MOST:
        return 0, -1
    return value, den


@kernel
def shown(words: Any, small: Any, spec: Any) -> tuple[int, int]:
    """The number that a row of `specs` asks for."""
    value, den = fraction(words, small, spec, 0)
    if spec[LESS] < 0 or den <= 0:
        return value, den
    less, of = fraction(words, small, spec, LESS)
    if of <= 0:
        return 0, of
    if float(den) * of > MOST_DEN or abs(float(value)) * of > MOST // 2 or abs(float(less)) * den > MOST // 2:
        return 0, -1
    return value * of - less * den, den * of


def places(den: int) -> int:
    """Decimals of fractions over a reduced denominator; -1 where they do not end."""
    rest, twos, fives = den, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    return max(twos, fives) if rest == 1 else -1


decimals = kernel(places)


@kernel
def dated(out: Any, at: int, day: int) -> int:
    """Write a day as JSON."""
    rest = day
    for place in (10, 9, 7, 6, 4, 3, 2, 1):
        out[at + place] = ZERO + rest % 10
        rest = rest // 10
    out[at], out[at + 5], out[at + 8], out[at + 11] = QUOTE, MINUS, MINUS, QUOTE
    return at + 12


@kernel
def exactly(out: Any, at: int, negative: bool, parts: tuple[int, int, int], finite: int) -> int:
    """Write a reduced fraction, `parts` being its whole part, what is left and the divisor, as JSON."""
    before, rest, of = parts
    out[at], at = QUOTE, at + 1
    if negative:
        out[at], at = MINUS, at + 1
    if finite < 0:
        at = whole(out, at, before * of + rest, False)
        out[at] = SLASH
        at = whole(out, at + 1, of, False)
    else:
        at = whole(out, at, before, False)
        if finite > 0:
            out[at], at = POINT, at + 1
        for _ in range(finite):
            rest = rest * 10
            out[at], at = ZERO + rest // of, at + 1
            rest = rest % of
    out[at] = QUOTE
    return at + 1


@kernel
def write(
    words: Any, small: Any, specs: Any, pool: Any, codes: Any, out: Any, at: int, starts: Any, number: int
) -> tuple[int, int]:
    """Write what `numbers.shown` makes of each row's number, one text after the other.

    `AS_JSON`: the finite decimal, the exact number, and what people read with `BEFORE` after it, in quotes; `PLAIN`:
    what people read, between `BEFORE` and `AFTER` where it begins with a minus; `WORDS`: what people read with `BEFORE`
    after it; `EXACT`, `DECIMAL`: the exact number, or the finite decimal, in quotes; `ROUNDED`: half up, in quotes;
    `DAY`: a date, in quotes; `CODE`: what stands at a place (`offset << 16 | length`) of `codes`, in quotes. A missing
    number's texts are empty; `null` where it is `EXACT` or `ROUNDED`.

    Args:
        at, number: where in `out` the first text begins, and its place in `starts`, which gets where each begins and,
            after the last, where that ends.

    Returns:
        Where the last text ends, and how many are `FAILED` instead: too large for 64 bits.
    """
    failed = 0
    for row in range(specs.shape[0]):
        spec = specs[row]
        form, money = int(spec[FORM]), int(spec[MONEY])
        starts[number], number = at, number + 1
        if form in (DAY, CODE):
            cell = int(words[spec[CELL]])
            if cell <= lay.NULL:
                continue
            if form == DAY:
                at = dated(out, at, cell)
            else:
                at = copied(out, at + 1, codes, cell >> 16, cell & 0xFFFF)
                out[int(starts[number - 1])], out[at], at = QUOTE, QUOTE, at + 1
            continue
        value, den = shown(words, small, spec)
        if den <= 0:
            for part in range(3 if form == AS_JSON else 1):
                if part > 0:
                    starts[number], number = at, number + 1
                if den < 0:
                    out[at], at, failed = FAILED, at + 1, failed + 1
                elif form == EXACT or form >= ROUNDED:
                    out[at], out[at + 1], out[at + 2], out[at + 3], at = 110, 117, 108, 108, at + 4
            continue
        size = abs(value)
        before, rest = size // den, size % den
        finite, common = 0, den
        if rest > 0:
            other = rest
            while other > 0:
                common, other = other, common % other
            finite = decimals(den // common)
        of = den // common
        rest = rest // common
        if form == EXACT:
            at = exactly(out, at, value < 0, (before, rest, of), finite)
            continue
        wanted = 2 if money == 1 else MOST_PLACES if finite < 0 else min(finite, MOST_PLACES)
        if form >= ROUNDED:
            wanted = form - ROUNDED
        power = 10**wanted
        after = (2 * rest * power + of) // (2 * of)
        rounded = before
        if after == power:
            rounded, after = before + 1, 0
        about = finite < 0 or finite > wanted
        if form in (AS_JSON, DECIMAL) or form >= ROUNDED:
            out[at], at = QUOTE, at + 1
            if value < 0 and (rounded > 0 or after > 0):
                out[at], at = MINUS, at + 1
            at = pointed(out, whole(out, at, rounded, False), after, wanted)
            out[at], at = QUOTE, at + 1
            if form != AS_JSON:
                continue
            starts[number], number = at, number + 1
            at = exactly(out, at, value < 0, (before, rest, of), finite)
            starts[number], number = at, number + 1
            out[at], at = QUOTE, at + 1
        brackets = form == PLAIN and value < 0 and not about
        if brackets:
            at = copied(out, at, pool, spec[BEFORE], spec[BEFORE_SIZE])
        if about:  # ≈
            out[at], out[at + 1], out[at + 2], at = 0xE2, 0x89, 0x88, at + 3
        if value < 0:  # −
            out[at], out[at + 1], out[at + 2], at = 0xE2, 0x88, 0x92, at + 3
        at = pointed(out, whole(out, at, rounded, money != 0), after, wanted)
        if brackets:
            at = copied(out, at, pool, spec[AFTER], spec[AFTER_SIZE])
        if form != PLAIN:
            at = copied(out, at, pool, spec[BEFORE], spec[BEFORE_SIZE])
        if form == AS_JSON:
            out[at], at = QUOTE, at + 1
    starts[number] = at
    return at, failed
