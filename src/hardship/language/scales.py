"""The arithmetic of static denominators: which integers stand for an exact value, and what multiplies them.

A register of the machine holds an integer `n` for the value `n / den`, a ratio a pair `n, d` (d at least 1 in
every lane) for `(n / den) / (d / divisor.den)`. `den` is known before any household is seen. The rules:

| operation | denominator of the result | integer |
|---|---|---|
| `a + b`, `a - b`, `min max clip`, cases, `or_else`, `largest` … | lcm of the parts' | part × lcm / den |
| `a * b` | product, never reduced | product |
| `a / c`, c a constant p/q (p > 0) | a.den · p | a × q |
| `a / d`, d not constant | a.den; a ratio over d | a; and d, or max(d, 1) if d's interval reaches below 1 |
| ratio / d | ratio.den; the divisors' dens multiplied | n, and the divisors multiplied |
| plain p among ratios over d (`+ - min max`, cases) | p.den · d.den, then as above | p × d, then as above |
| `per_month(a)` / `per_year(a)` | a.den · 12 / a.den | a / 12·a |
| `round(a, to = p/q)`, `floor`, `ceil` (to = 1) | q | k · p with k from `rounding` |
| anything of constants only | the reduced fraction's | lo = hi = its numerator |

Comparisons use `cross`, whose two sides are 64-bit integers times a divisor, so below 2**126.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import gcd, lcm

from hardship.language.kinds import Kind


def common(kinds: Iterable[Kind]) -> int:
    """The least common multiple of the denominators."""
    return lcm(*(kind.den for kind in kinds))


def scaled(kind: Kind, den: int) -> tuple[int, int]:
    """The interval of the integer over `den`, a multiple of the kind's own denominator."""
    factor = den // kind.den
    return kind.lo * factor, kind.hi * factor


def product(a: Kind, b: Kind) -> tuple[int, int]:
    """The interval of the product of the two integers."""
    corners = (a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi)
    return min(corners), max(corners)


def value_range(kind: Kind) -> tuple[Fraction, Fraction]:
    """Smallest and largest value of a number, exact; of a ratio over all its pairs."""
    if kind.divisor is None:
        return Fraction(kind.lo, kind.den), Fraction(kind.hi, kind.den)
    low, high = max(kind.divisor.lo, 1), max(kind.divisor.hi, 1)
    factor = Fraction(kind.divisor.den, kind.den)
    bottom = Fraction(kind.lo, low if kind.lo < 0 else high)
    top = Fraction(kind.hi, high if kind.hi < 0 else low)
    return bottom * factor, top * factor


def cross(left: Kind, right: Kind) -> tuple[int, int]:
    """Factors `(a, b)` that make two numbers comparable.

    `left < right` exactly where `left.n · a · right.d < right.n · b · left.d` (d = 1 for a plain number).
    For two ratios
    over the same divisor leave both d out: this returns their factors to the common denominator.
    """
    if left.divisor is not None and right.divisor is not None and left.divisor_key == right.divisor_key:
        shared = gcd(left.den, right.den)
        return right.den // shared, left.den // shared
    a = right.den * (left.divisor.den if left.divisor else 1)
    b = left.den * (right.divisor.den if right.divisor else 1)
    shared = gcd(a, b)
    return a // shared, b // shared


def rounding(kind: Kind, to: Fraction) -> tuple[int, int]:
    """Factors `(a, b)` such that the rounded multiple is `k = round((n · a) / (d · b))`, with d = 1 for a
    plain number.

    The rounded value is `k · to`.
    """
    a = to.denominator * (kind.divisor.den if kind.divisor else 1)
    b = to.numerator * kind.den
    shared = gcd(a, b)
    return a // shared, b // shared


def rounded(value: Fraction, mode: str) -> int:
    """The whole number that `mode` (floor, ceil, half_up away from zero, half_even) makes of a value."""
    below = value.numerator // value.denominator
    rest = value - below
    if rest == 0 or mode == "floor":
        return below
    if mode == "ceil":
        return below + 1
    if rest != Fraction(1, 2):
        return below + (rest > Fraction(1, 2))
    if mode == "half_even":
        return below + below % 2
    return below + (value > 0)
