"""Numbers as texts: every number that one explanation shows is written by one call."""

from __future__ import annotations

from typing import Any

from hardship.engine.jit import kernel

# What stands in a row of `specs`: cells by their place among the words, or the bytes, of a run; -1: there is none.
CELL, IS_WORD, VALID, DIVISOR, DEN, DIVISOR_DEN = 0, 1, 2, 3, 4, 5
LESS = 6
"""The same six of a number that is taken off."""
MONEY, FORM, BEFORE, BEFORE_SIZE, AFTER, AFTER_SIZE = 12, 13, 14, 15, 16, 17
WIDTH = 18
AS_JSON, PLAIN, WORDS = 0, 1, 2
MOST, MOST_DEN, MOST_PLACES = 4 * 10**18, 10**14, 4
END, FAILED = 0, 1
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
    for place in range(size):
        out[at + place] = pool[start + place]
    return at + size


@kernel
def fraction(words: Any, small: Any, spec: Any, first: int) -> tuple[int, int]:
    """A number as dividend and divisor; divisor 0: it is missing; -1: too large to be written here."""
    if spec[first + VALID] >= 0 and small[spec[first + VALID]] == 0:
        return 0, 0
    value = int(words[spec[first + CELL]] if spec[first + IS_WORD] != 0 else small[spec[first + CELL]])
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


@kernel
def decimals(den: int) -> int:
    """Decimals of fractions over a reduced denominator; -1 where they do not end."""
    rest, twos, fives = den, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    return max(twos, fives) if rest == 1 else -1


@kernel
def write(words: Any, small: Any, specs: Any, pool: Any, out: Any) -> tuple[int, int]:
    """Write what `numbers.shown` makes of each row's number, each text with `END` after it.

    `AS_JSON`: the finite decimal, the exact number, and what people read with `BEFORE` after it, in quotes; `PLAIN`:
    what people read, between `BEFORE` and `AFTER` where it begins with a minus; `WORDS`: what people read with `BEFORE`
    after it. A missing number's texts are empty.

    Returns:
        How many bytes are written, and how many texts are `FAILED` instead: too large for 64 bits.
    """
    at, failed = 0, 0
    for row in range(specs.shape[0]):
        spec = specs[row]
        form, money = int(spec[FORM]), int(spec[MONEY])
        value, den = shown(words, small, spec)
        if den <= 0:
            for _ in range(3 if form == AS_JSON else 1):
                if den < 0:
                    out[at], at, failed = FAILED, at + 1, failed + 1
                out[at], at = END, at + 1
            continue
        size = abs(value)
        before, rest = size // den, size % den
        places, common = 0, den
        if rest > 0:
            other = rest
            while other > 0:
                common, other = other, common % other
            places = decimals(den // common)
        of = den // common
        rest = rest // common
        wanted = 2 if money == 1 else MOST_PLACES if places < 0 else min(places, MOST_PLACES)
        power = 10**wanted
        after = (2 * rest * power + of) // (2 * of)
        rounded = before
        if after == power:
            rounded, after = before + 1, 0
        about = places < 0 or places > wanted
        if form == AS_JSON:
            out[at], at = QUOTE, at + 1
            if value < 0 and (rounded > 0 or after > 0):
                out[at], at = MINUS, at + 1
            at = pointed(out, whole(out, at, rounded, False), after, wanted)
            out[at], out[at + 1], out[at + 2], at = QUOTE, END, QUOTE, at + 3
            if value < 0:
                out[at], at = MINUS, at + 1
            if places < 0:
                at = whole(out, at, size // common, False)
                out[at] = SLASH
                at = whole(out, at + 1, of, False)
            else:
                at = whole(out, at, before, False)
                if places > 0:
                    out[at], at = POINT, at + 1
                for _ in range(places):
                    rest = rest * 10
                    out[at], at = ZERO + rest // of, at + 1
                    rest = rest % of
            out[at], out[at + 1], out[at + 2], at = QUOTE, END, QUOTE, at + 3
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
        out[at], at = END, at + 1
    return at, failed
