"""Columns of few texts as numbers, between a setting's results and the sheet of a movement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from hardship.columns import Array, nulled
from hardship.sheet import Column, Sheet, Texts, own_texts, plain_column


def coded(texts: Sequence[str], place: Array, valid: Array | None = None) -> pl.Series:
    """`texts[place]` as an enumeration of the distinct texts in their order, null where `valid` is false."""
    names = dict.fromkeys(texts)
    number = {name: at for at, name in enumerate(names)}
    own = np.array([number[text] for text in texts], dtype=np.uint32)
    return nulled(pl.Series(own[place]).cat.to(pl.Enum(list(names))), valid)


def column(series: pl.Series, kind: pl.DataType) -> Column:
    """A column of a sheet: an enumeration as its texts, anything else that is no text as whole numbers of `kind`."""
    if isinstance(series.dtype, pl.Enum):
        numbers = plain_column(series.to_physical().cast(pl.UInt32))
        return replace(numbers, kind=kind, texts=Texts.of(series.dtype.categories.to_list()))
    if series.dtype == pl.String:
        return own_texts(series)
    return replace(plain_column(series if isinstance(kind, pl.Decimal) else series.cast(kind)), kind=kind)


def counted(sheet: Sheet, names: Iterable[str]) -> pl.DataFrame:
    """Some columns as a frame for sums: few texts as enumerations, so that no text is touched."""
    found = []
    for name in names:
        one = sheet.columns[name]
        series = one.series() if one.texts is None else coded(one.texts.list(), one.coded()[1], one.valid)
        found.append(series.alias(name))
    return pl.DataFrame(found)
