"""The households of two registers in one order: which row of each holds which household."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hardship.columns import Array

if TYPE_CHECKING:
    from hardship.register import Register


@dataclass(frozen=True)
class Aligned:
    """Every household of two registers, also those of which only a rejection is left.

    Attributes:
        ids: text, sorted by the bytes of UTF-8.
        rows: for each register, int64 [households]: its row in the household frame, −1 for none.
        refused: for each register, text [households]: the codes of its rejection, joined by `;`; empty for none.
    """

    ids: pl.Series
    rows: tuple[Array, Array]
    refused: tuple[pl.Series, pl.Series]

    def present(self, side: int) -> Array:
        """bool [households]: read, or rejected by name."""
        found: Array = (self.rows[side] >= 0) | (self.refused[side] != "").to_numpy()
        return found


def align(before: Register, after: Register) -> Aligned:
    """Match the households of two registers by `household_id`."""
    registers = (before,) if before is after else (before, after)
    read = [register.frames["household"]["household_id"] for register in registers]
    codes = [_rejected(register) for register in registers]
    if all(found.height == 0 for found in codes) and read[0].equals(read[-1]):
        ids = read[0].cast(pl.String)
    else:
        parts = [*read, *(found["household_id"] for found in codes)]
        ids = pl.concat([part.cast(pl.String) for part in parts]).unique().sort()
    rows = [_rows(ids, one) for one in read]
    texts = [_texts(ids, found) for found in codes]
    return Aligned(ids.alias("household_id"), (rows[0], rows[-1]), (texts[0], texts[-1]))


def _rejected(register: Register) -> pl.DataFrame:
    """`household_id` and the codes of its rejection; rows whose id could not be read are in nobody's movement."""
    named = register.rejects.select("household_id", "code").filter(pl.col("household_id") != "")
    if named.height == 0:
        return named
    read = register.frames["household"].select("household_id")
    gone = named.join(read, on="household_id", how="anti").unique().sort("household_id", "code")
    return gone.group_by("household_id", maintain_order=True).agg(pl.col("code").str.join(";"))


def _rows(ids: pl.Series, read: pl.Series) -> Array:
    if len(ids) == len(read):
        return np.arange(len(read))
    places = read.cast(pl.String).to_frame("id").with_row_index("row")
    found = ids.to_frame("id").join(places, on="id", how="left", maintain_order="left")["row"]
    return found.cast(pl.Int64).fill_null(-1).to_numpy()


def _texts(ids: pl.Series, found: pl.DataFrame) -> pl.Series:
    if found.height == 0:
        return pl.Series([""], dtype=pl.String).new_from_index(0, len(ids))
    every = ids.to_frame("household_id")
    return every.join(found, on="household_id", how="left", maintain_order="left")["code"].fill_null("")
