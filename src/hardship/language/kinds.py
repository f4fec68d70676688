"""What the checker knows of a value before any household is seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from hardship.language.units import NONE, Unit

Type = Literal["number", "bool", "enum", "set", "code", "date"]


@dataclass(frozen=True, slots=True)
class Kind:
    """Static knowledge of one expression or name.

    A number is `numerator / den`, the numerator an integer in `[lo, hi]`; a bool, date, enum or code uses `lo` and `hi`
    for its stored integers (bool 0–1; date yyyymmdd; enum index into `domain`).

    Attributes:
        type: the type.
        unit: the unit of a number.
        den: static positive denominator of a number (money 100).
        lo, hi: bounds of the stored integer, both included, for **every** lane: also missing, discarded, clamped ones.
        domain: the legal values of an enum or set, in stored order.
        missing: the attributes because of which the value can be missing; empty: never missing.
        divisor: for a ratio, the kind of its divisor (its `lo` is at least 1); the ratio's value is
            (numerator / den) / (divisor numerator / divisor den).
        divisor_key: for a ratio, a text equal for equal divisors; "" for plain numbers.
        constant: True if the value is the same in every household (constants and arithmetic on them).
        parameters: names of the parameters it depends on through `residence_type` (their missing state).
    """

    type: Type
    unit: Unit = NONE
    den: int = 1
    lo: int = 0
    hi: int = 0
    domain: tuple[str, ...] = ()
    missing: frozenset[str] = field(default_factory=frozenset)
    divisor: Kind | None = None
    divisor_key: str = ""
    constant: bool = False
