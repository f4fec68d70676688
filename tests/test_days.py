"""When whole months have passed, by hand."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from hardship.days import after_months, as_date, as_number
from hardship.reviews import months_later

CASES = [
    ("2018-07-01", 6, "2019-01-01"),
    ("2018-01-31", 1, "2018-03-01"),  # February has no 31st: the first of the next month
    ("2016-02-29", 12, "2017-03-01"),
    ("2016-02-29", 48, "2020-02-29"),
    ("2018-08-31", 6, "2019-03-01"),
    ("2018-12-31", 2, "2019-03-01"),
    ("2018-12-31", 12, "2019-12-31"),
    ("2018-05-15", 0, "2018-05-15"),
]


@pytest.mark.parametrize(("day", "months", "wanted"), CASES)
def test_by_hand(day: str, months: int, wanted: str) -> None:
    assert after_months(dt.date.fromisoformat(day), months) == dt.date.fromisoformat(wanted)


def test_many_at_once() -> None:
    days = np.array([as_number(dt.date.fromisoformat(day)) for day, _, _ in CASES])
    found = months_later(days, np.array([months for _, months, _ in CASES]))
    assert [as_date(day).isoformat() for day in found.tolist()] == [wanted for _, _, wanted in CASES]


def test_it_is_the_first_day_on_which_the_months_have_passed() -> None:
    """As the plain evaluator counts them."""
    from hardship.reference.values import months_between

    for start in ("2018-01-30", "2018-01-31", "2016-02-29", "2018-11-30"):
        for months in range(30):
            day = after_months(dt.date.fromisoformat(start), months)
            assert months_between(dt.date.fromisoformat(start), day) == months
            if months:
                assert months_between(dt.date.fromisoformat(start), day - dt.timedelta(days=1)) == months - 1


def test_after_the_last_year_there_is_no_day() -> None:
    with pytest.raises(OverflowError):
        after_months(dt.date(9999, 12, 1), 1)
