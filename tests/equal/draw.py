"""Where random tables get their choices from, and the standards their parameters are chosen from."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from fractions import Fraction
from typing import TypeVar

from hardship.standards import StandardRow, Standards, standards

T = TypeVar("T")


class Seeded:
    """Choices by a seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def pick(self, options: Sequence[T]) -> T:
        """One of several."""
        return self.rng.choice(list(options))

    def whole(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return self.rng.randint(low, high)


_ROWS = (
    ("p_assessment", "", "", "2010-01-01", "500", "money/month"),
    ("p_assessment", "", "", "2018-07-01", "510", "money/month"),
    ("p_assessment", "", "", "2018-07-02", "520", "money/month"),
    ("p_assessment", "37", "rural", "2018-01-01", "333", "money/month"),
    ("p_assessment", "3708", "", "2018-01-01", "334.56", "money/month"),
    ("p_previous_year_end", "", "", "2016-01-01", "450", "money/month"),
    ("p_previous_year_end", "37", "", "2017-12-31", "6000", "money/year"),
    ("p_previous_year_end", "37", "", "2018-01-01", "6001", "money/year"),
    ("p_previous_year_end", "3713", "urban", "2017-05-01", "451", "money/month"),
    ("p_calendar_year_before", "37", "", "2017-03-01", "99", "money/month"),
    ("p_calendar_year_before", "3708", "", "2016-03-01", "98", "money/month"),
    ("p_calendar_year_before", "37", "urban", "2017-03-01", "97", "money/month"),
)
AREAS = ("370828", "371302", "370828101", "3708", "110101")
"""Areas of which each finds other rows; the last one lacks a standard of `p_calendar_year_before`."""


def random_standards() -> Standards:
    """Standards for the parameters of random tables."""
    return standards(
        StandardRow(
            name, area, residence, dt.date.fromisoformat(day), Fraction(value), unit, "illustrative", "", "r", 1
        )
        for name, area, residence, day, value, unit in _ROWS
    )
