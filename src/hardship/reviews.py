"""When households are looked at again, and whose amount stands until then, as result columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hardship.columns import Array, date_series, nulled
from hardship.days import after_months, as_date, as_number

if TYPE_CHECKING:
    from hardship.engine.machine import Raw

TRUE, MISSING = 1, 0  # the machine's Kleene byte


def review_columns(raw: Raw, complete: Array, on: int) -> dict[str, pl.Series]:
    """`review_on`, and `held` where the table says what holds; null where the table knows no review.

    Args:
        complete: bool; households that are not incomplete.
        on: the assessment date, yyyymmdd; reviews are counted from it where the table names no other date.
    """
    months = raw["review:months"]
    known = complete if months.valid is None else complete & (months.valid == 1)
    since = raw["review:since"].values if "review:since" in raw else np.full(len(known), on)
    due = months_later(np.where(known, since, on), np.where(known, months.values, 0))
    found = {"review_on": nulled(date_series(due), known)}
    if "review:holds" in raw:
        holds = raw["review:holds"].values
        told = complete & (raw["review:due"].values == TRUE) & (holds != MISSING)
        found["held"] = nulled(pl.Series(holds == TRUE), told)
    return found


def months_later(days: Array, months: Array) -> Array:
    """`after_months` of many days.

    Args:
        days: (n,) yyyymmdd; of a date that exists.
        months: (n,) at least 0, less than 1,000.

    Returns:
        (n,) yyyymmdd.
    """
    pairs, place = np.unique(days * 1_000 + months, return_inverse=True)
    found = [after_months(as_date(pair // 1_000), pair % 1_000) for pair in pairs.tolist()]
    later: Array = np.array([as_number(day) for day in found], dtype=np.int64)[place.reshape(-1)]
    return later
