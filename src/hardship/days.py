"""When whole months have passed: the one rule for due dates and ends of periods."""

from __future__ import annotations

import calendar
import datetime as dt


def after_months(day: dt.date, months: int) -> dt.date:
    """The first day on which `months` whole months have passed since `day`, as `months_between` counts them.

    Where the month has no such day it is the first of the next one: a month after 31 January is 1 March.

    Raises:
        OverflowError: the year is beyond 9999.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > dt.MAXYEAR:
        raise OverflowError(months)
    if day.day <= calendar.monthrange(year, month + 1)[1]:
        return dt.date(year, month + 1, day.day)
    return dt.date(year, month + 1, 1) + dt.timedelta(days=calendar.monthrange(year, month + 1)[1])


def as_number(day: dt.date) -> int:
    """A date as yyyymmdd."""
    return day.year * 10_000 + day.month * 100 + day.day


def as_date(number: int) -> dt.date:
    """yyyymmdd as a date."""
    return dt.date(number // 10_000, number // 100 % 100, number % 100)
