"""Arrays as typed columns: exact decimals, texts of codes and masks, dates, flags; the canonical CSV form.

Only integers and texts. The one rounding is the display rounding of points, half up.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Array = npt.NDArray[Any]

WIDE = 38  # digits of a decimal that any 64-bit integer over any scale fits


def decimal_series(values: Array, valid: Array | None, den: int, decimals: int, precision: int = 18) -> pl.Series:
    """Exact numbers `values / den` as a decimal column, rounded half up to `decimals` for display.

    Args:
        values: (n,) int64 numerators.
        valid: (n,) truth; False becomes null. None: all valid.
        den: the common denominator.
        decimals: scale of the column.
        precision: digits of the column.
    """
    # What the machine leaves in a null cell may be too wide for any column.
    safe = values if valid is None else np.where(valid, values, 0)
    return nulled(fixed_point(scaled_integers(safe, den, decimals), precision, decimals), valid)


def fixed_point(integers: pl.Series, precision: int, scale: int) -> pl.Series:
    """Integers read as hundredths, thousandths, …: a decimal column without any arithmetic."""
    return integers.cast(pl.Int128).reinterpret(dtype=pl.Decimal(precision, scale))


def scaled_integers(values: Array, den: int, decimals: int) -> pl.Series:
    """`values / den · 10^decimals`, rounded half up (ties away from zero)."""
    scale: int = 10**decimals
    widest = max((abs(int(values.min())), abs(int(values.max())))) if len(values) else 0
    if scale % den == 0 and widest * (scale // den) < 2**63:
        return pl.Series(values.astype(np.int64, copy=False) * (scale // den))
    # Rare denominators and widths: few distinct values, so plain fractions are fast enough.
    distinct, place = np.unique(values, return_inverse=True)
    rounded = [round_half_up(Fraction(int(v), den) * scale) for v in distinct]
    return pl.Series(rounded, dtype=pl.Int128).gather(place)


def round_half_up(value: Fraction) -> int:
    """The nearest whole number, ties away from zero."""
    doubled = abs(value) * 2 + 1
    whole = doubled.numerator // (doubled.denominator * 2)
    return -whole if value < 0 else whole


def nulled(series: pl.Series, valid: Array | None) -> pl.Series:
    """The series with null where `valid` is false."""
    if valid is None:
        return series
    kept = pl.when(pl.Series(np.asarray(valid, dtype=np.bool_))).then(pl.col("x"))
    return series.to_frame("x").select(kept).to_series()


def chosen_texts(texts: Sequence[str | None], place: Array) -> pl.Series:
    """`texts[place]` as a text column."""
    return pl.Series(list(texts), dtype=pl.String).gather(place.astype(np.uint32))


def date_series(values: Array) -> pl.Series:
    """yyyymmdd integers as dates."""
    day = pl.col("d")
    frame = pl.DataFrame({"d": values.astype(np.int64, copy=False)})
    return frame.select(pl.date(day // 10_000, day // 100 % 100, day % 100)).to_series()


CSV_BATCH = 200_000


def csv_parts(frame: pl.DataFrame) -> Iterator[bytes]:
    """The canonical CSV form, header first: UTF-8, LF, null = empty, full scale, quotes where needed."""
    empty_is_null = frame.with_columns(pl.col(pl.String).replace("", None))
    for start in range(0, max(frame.height, 1), CSV_BATCH):
        buffer = io.BytesIO()
        empty_is_null.slice(start, CSV_BATCH).write_csv(
            buffer, include_header=start == 0, line_terminator="\n", null_value="", quote_style="necessary"
        )
        yield buffer.getvalue()


def sha256_of(frame: pl.DataFrame) -> str:
    """`results_sha256`: SHA-256 of the canonical CSV form."""
    digest = hashlib.sha256()
    for part in csv_parts(frame):
        digest.update(part)
    return digest.hexdigest()


def csv_texts(frame: pl.DataFrame) -> Iterator[dict[str, str]]:
    """Rows as the texts of the canonical CSV form."""
    texts = frame.with_columns(pl.all().cast(pl.String).fill_null(""))
    return texts.iter_rows(named=True)
