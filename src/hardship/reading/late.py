"""A Parquet file whose columns are decoded when they are asked for, each by whichever way is right for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hardship.errors import Fault, RegisterError
from hardship.language.fields import DeclaredAttribute
from hardship.reading import parquet_columns, parquet_proof
from hardship.reading.cells import Cell
from hardship.reading.packed import Packed
from hardship.reading.parquet_columns import LEFT, Source
from hardship.reading.readers import can_be_a_cell, frame_of

T = TypeVar("T")


class LateColumns:
    """The columns of one flat Parquet file.

    Attributes:
        names: of the columns.
        typed: of those whose cells are no texts.
        rows: in each.
    """

    def __init__(self, source: Source) -> None:
        self.source, self.rows = source, source.rows
        self.names: list[str] = source.kinds.names
        self.typed = {one.name for one in source.kinds if not _reads_as_text(one.type)}

    def stored(self, name: str, attribute: DeclaredAttribute) -> pl.Series | None:
        """The stored values of a column of which every cell is right as it is; None: its cells are to be judged."""
        found = _plain(lambda: parquet_columns.stored(self.source, name, attribute))
        return None if found is None else found.alias(name)

    def proved(self, name: str, attribute: DeclaredAttribute) -> bool:
        """Whether every cell of a column is right as it is: its statistics prove it, or else the cells."""
        if _plain(lambda: parquet_proof.proved(self.source, name, attribute)):
            return True

        def look() -> bool:
            parquet_columns.judged(self.source, name, attribute)
            return True

        return bool(_plain(look))

    def texts(self, name: str, read: Callable[[str], Cell]) -> pl.Series | None:
        """A column of texts of which `read` leaves every one as it is, else None."""
        found = _plain(lambda: parquet_columns.texts(self.source, name, read))
        return None if found is None else found.alias(name)

    def ids(self, name: str) -> Packed | None:
        """A column of ids of which every one is right as it is, else None."""
        return _plain(lambda: parquet_columns.ids(self.source, name))

    def cells(self, name: str) -> pl.Series:
        """A column as pyarrow decodes it.

        Raises:
            RegisterError: it cannot be decoded, or has not as many rows as the file.
        """
        try:
            table = self.source.table(name)
            table.validate(full=True)
            if table.num_rows != self.rows:
                raise pa.ArrowInvalid(name)
            if not can_be_a_cell(table.schema.field(0).type):  # kept by name only, and refused when it is judged
                return pl.Series(name, [None], dtype=pl.Binary).new_from_index(0, self.rows)
            return frame_of(table).to_series()
        except (pa.ArrowException, OSError, UnicodeDecodeError, pl.exceptions.PolarsError) as error:
            raise RegisterError(Fault("register.unreadable", self.source.path.name)) from error


def late_columns(path: Path, about: pq.FileMetaData) -> LateColumns | None:
    """The columns of a file, None if it is not flat or its footer is damaged."""
    kinds = about.schema.to_arrow_schema()
    if len(kinds) != about.num_columns or len(set(kinds.names)) < len(kinds):
        return None
    source = Source(path, about)
    return LateColumns(source) if parquet_proof.footer_holds(source) else None


def _plain(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except LEFT:
        return None


def _reads_as_text(kind: Any) -> bool:
    return pa.types.is_null(kind) or parquet_columns.is_label(kind)
