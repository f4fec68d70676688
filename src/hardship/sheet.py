"""Result columns as whole numbers and few distinct texts: the one form that frames, CSV and Parquet are made of.

A text column of a million rows mostly has a few hundred texts. Kept as the texts and each row's place among them it
is written, compared and counted without touching a text; a polars column is made of it only where one is asked for.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import polars as pl

from hardship.columns import Array, fixed_point, nulled, scaled_integers
from hardship.engine import kernels_results as kernels

SPECIAL = (b'"', b",", b"\n", b"\r")
"""What a text that holds it is quoted for in CSV."""
FEW = 1000
"""Texts that are handled one by one."""
_PADDING = 16  # bytes behind the last text: kernels copy so many at a time


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts as bytes.

    Attributes:
        starts: (n + 1,) int64; where each begins and the last ends.
        data: uint8, UTF-8, with a few bytes more than the texts have.
    """

    starts: Array
    data: Array

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def size(self) -> int:
        """Bytes of all texts."""
        return int(self.starts[-1] - self.starts[0])

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        """Few texts."""
        encoded = [text.encode() for text in texts]
        starts = np.zeros(len(encoded) + 1, dtype=np.int64)
        np.cumsum([len(text) for text in encoded], out=starts[1:])
        return cls(starts, np.frombuffer(bytearray(b"".join(encoded) + bytes(_PADDING)), dtype=np.uint8))

    @classmethod
    def of_series(cls, series: pl.Series) -> Texts:
        """A text column; nulls as empty texts."""
        array = (series.fill_null("") if series.null_count() else series).rechunk().to_arrow()
        rows = len(array)
        if not rows:
            return cls.of(())
        _, offsets, data = array.buffers()
        starts = np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + rows + 1].copy()
        held = np.zeros(int(starts[-1]) + _PADDING, dtype=np.uint8)
        if data is not None:
            held[: starts[-1]] = np.frombuffer(data, dtype=np.uint8, count=int(starts[-1]))
        return cls(starts, held)

    def list(self) -> list[str]:
        """The texts themselves."""
        held, bounds = self.data.tobytes(), self.starts.tolist()
        return [held[a:b].decode() for a, b in pairwise(bounds)]

    def some(self, places: Array) -> Texts:
        """Few of them."""
        bounds = ((int(self.starts[place]), int(self.starts[place + 1])) for place in places)
        return Texts.of(self.data[a:b].tobytes().decode() for a, b in bounds)

    def series(self) -> pl.Series:
        """As a column."""
        if len(self) < FEW:
            return pl.Series(self.list(), dtype=pl.String)
        import pyarrow as pa

        buffers = [None, pa.py_buffer(self.starts), pa.py_buffer(self.data)]
        found = pl.from_arrow(pa.LargeStringArray.from_buffers(len(self), *buffers[1:]))
        assert isinstance(found, pl.Series)
        return found

    def quoted(self) -> Texts:
        """As they stand in CSV."""
        held = self.data[self.starts[0] : self.starts[-1]]
        if not any((held == mark[0]).any() for mark in SPECIAL):
            return self
        marks = [mark.decode() for mark in SPECIAL]
        return Texts.of(
            '"' + text.replace('"', '""') + '"' if any(mark in text for mark in marks) else text for text in self.list()
        )


@dataclass(frozen=True, slots=True)
class Column:
    """One column of n rows.

    Attributes:
        kind: the type that it has as a polars column.
        values: (n,) integers: numbers at the scale of the type, days since 1970, truths, or places among `texts`;
            None where row k has text k.
        valid: (n,) bool, False where null; None: no nulls.
        texts: of a text column.
        wide: numbers beyond 64 bits as a polars column of `kind`; then `values` is None.
    """

    kind: pl.DataType
    values: Array | None
    valid: Array | None = None
    texts: Texts | None = None
    wide: pl.Series | None = None

    def taken(self, rows: Array) -> Column:
        """The rows at these places."""
        valid = None if self.valid is None else self.valid[rows]
        if self.wide is not None:
            return replace(self, valid=valid, wide=self.wide.gather(pl.Series(rows)))
        if self.values is None and self.texts is not None and len(rows) <= FEW:  # their texts alone
            return replace(self, valid=valid, texts=self.texts.some(rows))
        values = rows.astype(np.uint32) if self.values is None else self.values[rows]
        return replace(self, values=values, valid=valid)

    def series(self) -> pl.Series:
        """As a polars column of its type."""
        if self.wide is not None:
            return self.wide
        if self.texts is not None:
            texts = self.texts.series()
            if self.values is not None:
                texts = texts.gather(self.values.astype(np.uint32, copy=False))
            return nulled(texts, self.valid)
        assert self.values is not None
        if isinstance(self.kind, pl.Decimal):
            # What a null cell holds may be too wide for the column.
            safe = self.values if self.valid is None else np.where(self.valid, self.values, 0)
            scaled = fixed_point(pl.Series(safe), self.kind.precision or 38, self.kind.scale)
            return nulled(scaled, self.valid)
        if self.kind == pl.Date:
            return nulled(pl.Series(self.values.astype(np.int32)).cast(pl.Date), self.valid)
        return nulled(pl.Series(self.values).cast(self.kind), self.valid)

    def filled(self) -> Array:
        """Of a column of numbers: its whole numbers, 0 where null; those beyond 64 bits as objects."""
        if self.wide is not None:
            return np.array(self.wide.to_physical().fill_null(0).to_list(), dtype=object)
        assert self.values is not None
        return self.values if self.valid is None else np.where(self.valid, self.values, 0)

    def coded(self) -> tuple[list[str], Array, Array | None]:
        """Of a text column: distinct texts, some maybe of no row; each row's place among them; where it is not null."""
        assert self.texts is not None
        places = np.arange(len(self.texts)) if self.values is None else self.values
        return self.texts.list(), places, self.valid


@dataclass(frozen=True)
class Sheet:
    """Named columns of one length."""

    columns: dict[str, Column]
    height: int

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Sheet:
        """The columns of a frame, such as one that was stored: each text by itself."""
        return cls({name: _column(frame[name]) for name in frame.columns}, frame.height)

    @functools.cached_property
    def frame(self) -> pl.DataFrame:
        """All columns as a polars frame."""
        return self.select(list(self.columns))

    def select(self, names: Sequence[str]) -> pl.DataFrame:
        """Some columns as a polars frame."""
        return pl.DataFrame([self.columns[name].series().alias(name) for name in names])

    def taken(self, kept: Array) -> Sheet:
        """The rows that are kept. `kept`: (height,) bool."""
        if kept.all():
            return self
        rows = np.flatnonzero(kept)
        return Sheet({name: column.taken(rows) for name, column in self.columns.items()}, len(rows))


def _column(series: pl.Series) -> Column:
    if series.dtype == pl.String:
        return own_texts(series)
    if isinstance(series.dtype, pl.Decimal):
        if (series.dtype.precision or 38) > 18:
            return Column(series.dtype, None, series.is_not_null().to_numpy(), None, series)
        return replace(plain_column(series.to_physical().cast(pl.Int64)), kind=series.dtype)
    return plain_column(series)


def known_of(valid: Array) -> Array | None:
    """Which rows are not null, None for all."""
    return None if valid.all() else valid


def numbered(words: Array) -> tuple[Array, Array]:
    """Distinct words (n,) uint64: each row's number (n,) uint32 by first appearance, and a row of each number."""
    place, first = np.empty(len(words), dtype=np.uint32), np.empty(len(words), dtype=np.int64)
    with np.errstate(over="ignore"):  # of use without compilation only: words wrap
        count = kernels.numbered(np.ascontiguousarray(words), place, first)
    return place, first[:count]


def text_column(texts: Sequence[str | None], place: Array, valid: Array | None = None) -> Column:
    """`texts[place]`, null where a text is None or `valid` is false (there any place will do)."""
    names = list(dict.fromkeys(text or "" for text in texts))
    number = np.array([names.index(text or "") for text in texts], dtype=np.uint32)
    if valid is not None:
        place = np.where(valid, place, 0)
    if None in texts:
        known = np.array([text is not None for text in texts], dtype=np.bool_)[place]
        valid = known_of(known if valid is None else known & valid)
    return Column(pl.String(), number[place], valid, Texts.of(names))


def number_column(
    values: Array, valid: Array | None, den: int, decimals: int, kind: pl.DataType
) -> Column:  # fmt: skip
    """Exact numbers `values / den` at a scale of `decimals`, rounded half up for display.

    Args:
        values: (n,) int64 numerators; where `valid` is false they mean nothing.
        kind: decimal of that scale, or Int64 for none.
    """
    scale: int = 10**decimals
    if _widest(values) * 2 * scale + den >= 2**63 and valid is not None:
        values = np.where(valid, values, 0)
    widest = _widest(values)
    if scale % den == 0 and widest * (scale // den) < 2**63:
        factor = scale // den
        return Column(kind, values if factor == 1 else values * factor, valid)
    if widest * 2 * scale + den < 2**63:
        rounded = (np.abs(values) * (2 * scale) + den) // (2 * den)
        return Column(kind, np.where(values < 0, -rounded, rounded), valid)
    wide = scaled_integers(values, den, decimals)
    if wide.dtype == pl.Int128 and wide.is_between(-(2**63), 2**63 - 1).all():
        return Column(kind, wide.cast(pl.Int64).to_numpy(), valid)
    assert isinstance(kind, pl.Decimal)
    return Column(kind, None, valid, None, nulled(fixed_point(wide, kind.precision or 38, kind.scale), valid))


def _widest(values: Array) -> int:
    return max(abs(int(values.min())), abs(int(values.max()))) if len(values) else 0


def fraction_column(values: Array, den: int, valid: Array | None) -> Column:
    """`61`, `5/9`: exact fractions as text."""
    place, first = numbered(values.astype(np.int64, copy=False).view(np.uint64))
    return Column(pl.String(), place, valid, Texts.of(str(Fraction(int(value), den)) for value in values[first]))


def mask_column(masks: Array, names: Sequence[str], valid: Array | None, *, keep_order: bool = False) -> Column:
    """Bit masks (n,) int64 as the names of their bits, sorted (or in their order), joined by `;`."""
    planes = masks.astype("<i8").view(np.uint8).reshape(-1, 8).T[: (len(names) + 7) // 8]
    return replace(bit_texts(planes, names, keep_order=keep_order), valid=valid)


def plain_column(series: pl.Series) -> Column:
    """Integers, dates or truths as they are."""
    valid = series.is_not_null().to_numpy() if series.null_count() else None
    whole = series.fill_null(False) if series.dtype == pl.Boolean else series.to_physical().fill_null(0)
    return Column(series.dtype, whole.to_numpy(), valid)


def of_series(series: pl.Series) -> Column:
    """A text column of few texts, such as area codes; `own_texts` if each row has another."""
    valid = series.is_not_null().to_numpy() if series.null_count() else None
    texts = series.fill_null("") if valid is not None else series
    words = _short_words(texts)
    if words is None:
        distinct = texts.unique(maintain_order=True)
        numbers = pl.DataFrame({"x": distinct, "n": np.arange(len(distinct), dtype=np.uint32)})
        place = texts.to_frame("x").join(numbers, on="x", how="left", maintain_order="left")["n"].to_numpy()
        return Column(pl.String(), place, valid, Texts.of_series(distinct))
    place, first = numbered(words[:, 0])
    place, first = numbered(place.astype(np.uint64) << np.uint64(32) | numbered(words[:, 1])[0])
    return Column(pl.String(), place, valid, Texts.of(texts.gather(pl.Series(first)).to_list()))


def absent(kind: pl.DataType, rows: int) -> Column:
    """A column of nulls."""
    texts = Texts.of([""]) if kind == pl.String else None
    return Column(kind, np.zeros(rows, dtype=np.uint32), np.zeros(rows, dtype=np.bool_), texts)


def _short_words(texts: pl.Series) -> Array | None:
    """(n, 2) uint64: length and bytes of texts of at most twelve bytes, as polars holds them; None if one is longer."""
    import pyarrow as pa

    if not len(texts):
        return None
    array = texts.rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
    if array.type != pa.string_view():
        return None
    views = np.frombuffer(array.buffers()[1], dtype=np.uint64)[2 * array.offset :][: 2 * len(array)].reshape(-1, 2)
    return views if int((views[:, 0] & np.uint64(0xFFFFFFFF)).max()) <= 12 else None


def own_texts(series: pl.Series) -> Column:
    """A text column each row of which has its own text, such as ids."""
    valid = series.is_not_null().to_numpy() if series.null_count() else None
    return Column(pl.String(), None, valid, Texts.of_series(series))


def bit_texts(planes: Array, names: Sequence[str], *, keep_order: bool = False) -> Column:
    """Bit planes, uint8 [planes, rows] with eight of `names` a plane, as sorted names (or in order), joined by `;`."""
    rows = np.flatnonzero(planes.any(axis=0))  # mostly few: the others have the empty text
    place = np.zeros(planes.shape[1], dtype=np.uint32)
    number, first = patterns(planes, rows)
    place[rows] = number + np.uint32(1)
    return Column(pl.String(), place, None, spelled(planes, rows[first], names, keep_order=keep_order))


def patterns(planes: Array, rows: Array) -> tuple[Array, Array]:
    """Number the distinct columns of bit planes among `rows`; see `numbered`."""
    number = np.zeros(len(rows), dtype=np.uint32)
    first = np.zeros(min(len(rows), 1), dtype=np.int64)
    for begin in range(0, len(planes), 4):
        words = number.astype(np.uint64)
        for plane in planes[begin : begin + 4]:
            words = words << np.uint64(8) | plane[rows].astype(np.uint64)
        number, first = numbered(words)
    return number, first


def spelled(planes: Array, rows: Array, names: Sequence[str], *, keep_order: bool = False) -> Texts:
    """The empty text, then the names of the bits of `rows`, sorted (or in their order), joined by `;`."""
    order = sorted(range(len(names)), key=lambda label: names[label])
    if not keep_order and order != list(range(len(names))):
        bits = np.unpackbits(planes[:, rows], axis=0, bitorder="little")[order]
        planes, rows = np.packbits(bits, axis=0, bitorder="little"), np.arange(len(rows))
        names = [names[label] for label in order]
    labels = Texts.of(names)
    starts = np.zeros(len(rows) + 2, dtype=np.int64)
    held = np.ascontiguousarray(planes)
    kernels.spelled_sizes(held, rows, np.diff(labels.starts), starts[1:])
    data = np.zeros(int(starts[-1]) + _PADDING, dtype=np.uint8)
    kernels.spelled(
        held, rows, labels.starts, np.uint64(labels.data.ctypes.data), starts[1:], np.uint64(data.ctypes.data)
    )
    return Texts(starts, data)


def marked(rows: int, pairs: Iterable[tuple[Array, str]]) -> Column:
    """Texts `flag;flag`, sorted, from pairs of the rows that carry a flag and the flag."""
    held = [(at, flag) for at, flag in pairs if len(at)]
    names = sorted({flag for _, flag in held})
    planes = np.zeros(((len(names) + 7) // 8, rows), dtype=np.uint8)
    for at, flag in held:
        label = names.index(flag)
        planes[label // 8, at] |= np.uint8(1 << label % 8)
    return bit_texts(planes, names)
