"""Arrays as typed columns: exact decimals, texts of codes and masks, dates, flags; the canonical CSV form.

Only integers and texts. The one rounding is the display rounding of points, half up.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import compress
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


def exact_texts(values: Array, den: int) -> pl.Series:
    """`61`, `5/9`: the exact fractions as text."""
    if den == 1:
        return pl.Series(values.astype(np.int64, copy=False)).cast(pl.String)
    distinct, place = np.unique(values, return_inverse=True)
    return pl.Series([str(Fraction(int(v), den)) for v in distinct], dtype=pl.String).gather(place)


def nulled(series: pl.Series, valid: Array | None) -> pl.Series:
    """The series with null where `valid` is false."""
    if valid is None:
        return series
    kept = pl.when(pl.Series(np.asarray(valid, dtype=np.bool_))).then(pl.col("x"))
    return series.to_frame("x").select(kept).to_series()


def chosen_texts(texts: Sequence[str | None], place: Array) -> pl.Series:
    """`texts[place]` as a text column."""
    return pl.Series(list(texts), dtype=pl.String).gather(place.astype(np.uint32))


def mask_texts(masks: Array, names: Sequence[str], *, keep_order: bool = False) -> pl.Series:
    """Bit masks as the names of their bits, sorted (or in declared order), joined by `;`."""
    distinct, place = np.unique(masks, return_inverse=True)
    texts = []
    for mask in distinct:
        found = [name for bit, name in enumerate(names) if int(mask) >> bit & 1]
        texts.append(";".join(found if keep_order else sorted(found)))
    return chosen_texts(texts, place)


def plane_texts(planes: Array, names: Sequence[str]) -> pl.Series:
    """Bit planes, uint8 [planes, rows] with eight of `names` a plane, as sorted names joined by `;`."""
    pattern = np.zeros(planes.shape[1], dtype=np.int64)
    for plane in planes:
        # Few patterns occur, so numbering them anew after each plane keeps the numbers small.
        pattern = _numbered(pattern * 256 + plane)
    first = np.zeros(int(pattern.max(initial=-1)) + 1, dtype=np.int64)
    first[pattern] = np.arange(len(pattern))  # some row of each pattern; they are all alike
    bits = np.unpackbits(planes[:, first].T, axis=1, bitorder="little")
    order = sorted(range(len(names)), key=lambda bit: names[bit])
    sorted_names = [names[bit] for bit in order]
    texts = [";".join(compress(sorted_names, row)) for row in bits[:, order].tolist()]
    return chosen_texts(texts, pattern)


def _numbered(values: Array) -> Array:
    """Small numbers in the place of values (not negative): equal for equal ones."""
    widest = int(values.max(initial=0))
    if widest >= 1 << 22:
        return np.unique(values, return_inverse=True)[1]
    present = np.zeros(widest + 1, dtype=np.int64)
    present[values] = 1
    number: Array = np.cumsum(present) - 1
    return number[values]


def flagged_texts(marks: Sequence[Array], names: Sequence[str]) -> pl.Series:
    """(rows,) 0 or 1 for each name: the names of the ones, sorted, joined by `;`."""
    if not marks:
        return pl.Series([], dtype=pl.String)
    bits = np.array(marks, dtype=np.uint8)
    planes = np.zeros(((len(names) + 7) // 8, bits.shape[1]), dtype=np.uint8)
    for number, mark in enumerate(bits):
        planes[number // 8] |= mark << (number % 8)
    return plane_texts(planes, names)


def date_series(values: Array) -> pl.Series:
    """yyyymmdd integers as dates."""
    day = pl.col("d")
    frame = pl.DataFrame({"d": values.astype(np.int64, copy=False)})
    return frame.select(pl.date(day // 10_000, day // 100 % 100, day % 100)).to_series()


def joined_flags(rows: int, pairs: Iterable[tuple[Array, str]]) -> pl.Series:
    """Texts `flag;flag`, sorted, from pairs of the rows that carry a flag and the flag."""
    schema = {"row": pl.UInt32, "flag": pl.String}
    parts = [pl.DataFrame({"row": at.astype(np.uint32)}).with_columns(flag=pl.lit(flag)) for at, flag in pairs]
    found = pl.concat([pl.DataFrame(schema=schema), *parts]).unique().sort("row", "flag")
    joined = found.group_by("row", maintain_order=True).agg(pl.col("flag").str.join(";"))
    every = pl.DataFrame({"row": np.arange(rows, dtype=np.uint32)})
    return every.join(joined, on="row", how="left", maintain_order="left")["flag"].fill_null("")


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
