"""What circles, areas and columns are called in reports."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import polars as pl

from hardship.rank import AREA_LEVELS

if TYPE_CHECKING:
    from hardship.language.table import Table
    from hardship.register import Register

Both = tuple[str, str]  # Chinese, English
NAME_COLUMNS = {"township_name": "township", "village_name": "village"}


def circle_titles(table: Table) -> dict[str, Both]:
    """Circle id → its title in Chinese and English, in ladder order, `otherwise` last; empty without a circle."""
    circle = next((ladder for ladder in table.ladder if ladder.id == "circle"), None)
    if circle is None:
        return {}
    last = circle.otherwise
    return {rung.id: (rung.title.zh, rung.title.en) for rung in circle.rung} | {last.id: (last.title.zh, last.title.en)}


def area_names(register: Register, levels: Collection[str] = ("township", "village")) -> dict[str, str]:
    """Names of townships and villages by area code, as the register writes them.

    A code whose households write several names has the one that more than half of them write, or none.
    """
    return settled_names(written_names(register, levels))


def written_names(register: Register, levels: Collection[str]) -> pl.DataFrame:
    """How many households write which name for which area: `code`, `name`, `len`."""
    household = register.frames["household"]
    counts = [pl.DataFrame(schema={"code": pl.String, "name": pl.String, "len": pl.UInt32})]
    for column, level in NAME_COLUMNS.items():
        if column not in household.columns or level not in levels:
            continue
        length = AREA_LEVELS[level]
        rows = household.select(code=pl.col("area_code").str.slice(0, length), name=pl.col(column)).drop_nulls()
        counted = rows.filter(pl.col("code").str.len_chars() == length).group_by("code", "name").len()
        counts.append(counted.cast({"len": pl.UInt32}))
    return pl.concat(counts)


def settled_names(counted: pl.DataFrame) -> dict[str, str]:
    """The name of each area, from how many households write it; rows of one area and name add up."""
    counted = counted.group_by("code", "name").agg(pl.col("len").sum())
    best = counted.filter(pl.col("len") * 2 > pl.col("len").sum().over("code"))
    return dict(best.select("code", "name").iter_rows())
