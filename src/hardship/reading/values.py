"""The columns of an entity into ids and stored values; whatever is wrong with a cell is said to its part."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
import polars as pl

from hardship.errors import Fault, RegisterError
from hardship.language.fields import DeclaredAttribute, Level
from hardship.reading.cells import read_area, read_id
from hardship.reading.content import Hashed, columns_of, hashed, tree_hash
from hardship.reading.convert import SMALL, Converted, as_text, convert, printable, read_column
from hardship.reading.rejects import Part
from hardship.reading.sorted_link import Walked
from hardship.reading.structure import Flags

ID_COLUMNS: dict[Level, tuple[str, ...]] = {
    "household": ("household_id", "area_code"),
    "member": ("household_id", "member_id"),
    "supporter": ("household_id", "member_id", "supporter_id"),
    "transfer": ("household_id", "member_id"),
}

FRAME_IDS: dict[Level, tuple[str, ...]] = {
    "household": ("household_id", "area_code"),
    "member": ("member_id",),
    "supporter": ("supporter_id",),
    "transfer": (),
}
"""The ids that are kept: what a row belongs to is kept as the number of a row."""
HASHED_AHEAD: tuple[Level, ...] = ("household", "member")


class Reading:
    """Reads the columns of all entities; those of large ones by several threads ahead of need.

    Use as a context manager.
    """

    def __init__(
        self,
        parts: Mapping[Level, Part],
        attributes: Mapping[str, DeclaredAttribute],
        used: Collection[str] | None = None,
        also: Collection[str] = (),
        *,
        settled: bool = True,
    ) -> None:
        """Begin.

        Args:
            used: the attributes that are kept and hashed, None: all; cells of the others are judged and let go.
            also: attributes that are kept, and not hashed unless they are used.
            settled: no cell will change before it is read.
        """
        self.parts, self.attributes = parts, attributes
        self.used, self.also = used, set(also)
        self.pool = ThreadPoolExecutor(os.cpu_count() or 1)
        self.ahead: dict[tuple[Level, str], Future[Any]] = {}
        self.hashes: dict[Level, list[Future[Hashed]]] = {}
        large = {
            level: part
            for level, part in parts.items()
            if part.raw.late is not None or (settled and part.height > SMALL)
        }
        for level, part in large.items():
            if part.raw.late is not None:
                for column in ID_COLUMNS[level]:
                    self.ahead[level, column] = self.pool.submit(_late_ids, part, column)
        columns = [(level, name) for level, part in large.items() for name in part.columns if name in attributes]
        for level, name in sorted(columns, key=lambda one: not self.keeps(one[1])):  # the others can wait
            read = _values if self.keeps(name) else _judged
            self.ahead[level, name] = self.pool.submit(read, parts[level], name, attributes[name])

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, *_error: object) -> None:
        self.pool.shutdown(cancel_futures=True)

    def keeps(self, name: str) -> bool:
        """Whether the values of an attribute are kept."""
        return self.used is None or name in self.used or name in self.also

    def ids(self, level: Level, marks: Flags) -> None:
        """Read the id columns of an entity; `marks` gets the flags of households whose ids had to be normalised."""
        part = self.parts[level]
        for column in ID_COLUMNS[level]:
            ahead = self.ahead.pop((level, column), None)
            found = ahead.result() if ahead is not None else None
            if isinstance(found, pl.Series):
                part.ids[column] = found
            elif found is not None:
                part.ids.packed[column] = found
            else:
                _read_ids(part, column, marks if level == "household" else None)

    def hash_ahead(self, straight: Walked | None) -> None:
        """Begin to hash households and members, as if every row were to stay: where they stand in order already."""
        if straight is None or not straight.ordered:
            return
        for level in HASHED_AHEAD:
            part, left_out = self.parts[level], self._unhashed()
            names = [one for one in part.columns if one in self.attributes and self.keeps(one) and one not in left_out]
            if any((level, name) not in self.ahead for name in names):
                continue
            ids = part.ids
            told: list[tuple[Any, ...]] = [
                (hashed, name, ids.packed[name] if name in ids.packed else ids[name]) for name in FRAME_IDS[level]
            ]
            if level == "member":
                told.append((hashed, "household", pl.Series(straight.households[level].astype(np.uint32))))
            told += [(_hashed_values, name, self.ahead[level, name]) for name in names]
            self.hashes[level] = [self.pool.submit(make, level, name, column) for make, name, column in told]

    def _unhashed(self) -> set[str]:
        return set() if self.used is None else self.also.difference(self.used)

    def sha256(self, frames: Mapping[Level, pl.DataFrame]) -> str:
        """The hash of the register that came of it."""
        if any(self.parts[level].dead.any() for level in HASHED_AHEAD):
            for one in chain(*self.hashes.values()):
                one.cancel()
            self.hashes.clear()
        rest = {level: frame for level, frame in frames.items() if level not in self.hashes}
        later = [self.pool.submit(hashed, *one) for one in columns_of(rest, self._unhashed())]
        return tree_hash(one.result() for one in (*chain(*self.hashes.values()), *later))

    def values(self, level: Level) -> list[tuple[str, list[int]]]:
        """Read all attribute columns of an entity; the rows whose text had to be normalised, by attribute."""
        part, normalised = self.parts[level], []
        for name in part.columns:
            attribute = self.attributes.get(name)
            if attribute is None:
                continue
            ahead = self.ahead.pop((level, name), None)
            read = ahead.result() if ahead is not None else _values(part, name, attribute)
            part.forget(part.columns[name])
            if read is None:
                continue
            if self.keeps(name):
                part.values[name] = read.values
            part.reject_each(
                [one.row for one in read.wrong],
                name,
                [one.problem for one in read.wrong],
                [one.value_class for one in read.wrong],
            )
            if read.flagged:
                normalised.append((name, read.flagged))
        return normalised


def _late_ids(part: Part, column: str) -> Any:
    """An id column that is right as it is: packed, or the area codes as they stand; None if it is to be judged."""
    assert part.raw.late is not None
    source = part.columns[column]
    if source in part.raw.not_text:
        return None
    if column != "area_code":
        return part.raw.late.ids(source)
    areas = part.raw.late.texts(source, read_area)
    return None if areas is None or areas.null_count() else areas


def _values(part: Part, name: str, attribute: DeclaredAttribute) -> Converted:
    """A column's stored values and what is wrong with its cells.

    Raises:
        RegisterError: its type cannot be a cell, or it cannot be decoded.
    """
    source = part.columns[name]
    plain = part.raw.late.stored(source, attribute) if part.raw.late is not None else None
    if plain is not None:
        return Converted(plain, [], [], blank=True)
    try:
        return convert(part.raw.column(source), attribute)
    except ValueError as error:
        fault = Fault("register.column_type", part.raw.file, params={"column": source, "type": str(error)})
        raise RegisterError(fault) from None


def _judged(part: Part, name: str, attribute: DeclaredAttribute) -> Converted | None:
    """What is wrong with the cells of a column that nobody uses; None: nothing is.

    Raises:
        RegisterError: see `_values`.
    """
    if part.raw.late is not None and part.raw.late.proved(part.columns[name], attribute):
        return None
    read = _values(part, name, attribute)
    return read if read.wrong or read.flagged else None


def _hashed_values(level: Level, name: str, read: Future[Converted]) -> Hashed:
    found = read.result()
    return hashed(level, name, found.values, found.blank)


def _read_ids(part: Part, column: str, marks: Flags | None) -> None:
    source = part.columns.get(column, "")
    if not source:  # an entity without any row
        part.ids[column] = pl.Series(column, [], dtype=pl.String)
        return
    series = part.raw.column(source)
    typed = part.raw.not_text.get(source)
    if column == "area_code":
        read = read_column(_texts(series), read_area, pl.String(), plain=r"^[0-9A-Za-z]{1,32}$")
        if typed is not None:  # a whole number of 6, 9 or 12 digits is an area code, another number is not
            whole = read.values.str.contains(r"^([0-9]{6}|[0-9]{9}|[0-9]{12})$")
            part.reject((typed & ~whole & read.values.is_not_null()).arg_true(), column, "bad_area", "number")
        if part.raw.area_optional:
            read = replace(read, wrong=[one for one in read.wrong if one.problem != "missing_id"])
    else:
        texts = _texts(series).rechunk()
        if texts.len() > SMALL and printable(texts):
            read = Converted(texts, [], [])
        else:
            read = read_column(texts, read_id, pl.String(), plain=r"^[!-~]{1,64}$")
        if typed is not None:
            part.reject((typed & read.values.is_not_null()).arg_true(), column, "numeric_id", "number")
    part.ids[column] = read.values.fill_null("") if column == "area_code" else read.values
    wrong = [one.row for one in read.wrong]
    part.reject_each(wrong, column, [one.problem for one in read.wrong], [one.value_class for one in read.wrong])
    if marks is not None and read.flagged:
        marks.append((pl.Series(read.flagged), f"normalised:{column}"))


def _texts(series: pl.Series) -> pl.Series:
    try:
        return as_text(series)
    except ValueError as error:
        fault = Fault("register.column_type", params={"column": series.name, "type": str(error)})
        raise RegisterError(fault) from None
