"""Units: products of whole powers of money, month, year, m2 and mu."""

from __future__ import annotations

import re
from dataclasses import dataclass

BASES = ("money", "month", "year", "m2", "mu")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as one exponent for each of `BASES`; all zero for counts and rates."""

    powers: tuple[int, ...] = (0,) * len(BASES)

    def __mul__(self, other: Unit) -> Unit:
        return Unit(tuple(a + b for a, b in zip(self.powers, other.powers, strict=True)))

    def __truediv__(self, other: Unit) -> Unit:
        return Unit(tuple(a - b for a, b in zip(self.powers, other.powers, strict=True)))

    def power(self, base: str) -> int:
        """The exponent of one base."""
        return self.powers[BASES.index(base)]

    def __str__(self) -> str:
        above = [_spell(b, p) for b, p in zip(BASES, self.powers, strict=True) if p > 0]
        below = [_spell(b, -p) for b, p in zip(BASES, self.powers, strict=True) if p < 0]
        if not above and not below:
            return ""
        return "*".join(above or ["1"]) + "".join(f"/{b}" for b in below)


NONE = Unit()
_PART = re.compile(r"(money|month|year|m2|mu)(?:\^([1-9]))?\Z")


def _spell(base: str, power: int) -> str:
    return base if power == 1 else f"{base}^{power}"


def parse(text: str) -> Unit:
    """Read `money/month`, `month/year`, `1/year`, `m2`, `` (none).

    Raises:
        ValueError: the text is no product or quotient of the known bases.
    """
    if text == "":
        return NONE
    unit = NONE
    for position, factor in enumerate(text.split("/")):
        for part in factor.split("*"):
            if part == "1" and position == 0:
                continue
            found = _PART.match(part)
            if found is None:
                raise ValueError(text)
            powers = [0] * len(BASES)
            powers[BASES.index(found[1])] = int(found[2] or 1)
            step = Unit(tuple(powers))
            unit = unit / step if position else unit * step
    return unit
