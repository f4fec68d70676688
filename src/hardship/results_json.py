"""Result rows as JSON objects: the texts of the canonical CSV form, so that every door gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from hardship.columns import csv_texts
from hardship.results import LISTS

if TYPE_CHECKING:
    import polars as pl

Record = dict[str, str | None]


def result_record(row: Mapping[str, str]) -> Record:
    """One row of CSV texts as a JSON object: null is None; the four lists, which are never null, stay texts."""
    return {name: text if text or name in LISTS else None for name, text in row.items()}


def result_records(frame: pl.DataFrame) -> Iterator[Record]:
    """All rows of a results or persons frame, in order."""
    return map(result_record, csv_texts(frame))
