"""Names of households for lists and letters, and whether a name may be shown: never a minor's, never with digits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from hardship.attributes import dictionary, value_names
from hardship.errors import Fault, UsageError
from hardship.reading.readers import read_file

if TYPE_CHECKING:
    import datetime as dt

    from hardship.register import Register

ADULT = 18
ID_TITLES, NAME_TITLES = ("household_id", "家庭编号"), ("name", "head_name", "姓名", "户主姓名")
DIGIT = r"\p{N}"


def read_names(path: Path) -> dict[str, str]:
    """Names by household from a CSV or a workbook with the columns `household_id`, `name` (家庭编号, 姓名).

    Raises:
        UsageError: a column is absent, a line cannot be split, a household has two names.
        RegisterError: the file cannot be read.
    """
    table = read_file(path, "names")
    titles = table.frame.columns
    ids = next((title for title in titles if title.strip() in ID_TITLES), None)
    names = next((title for title in titles if title.strip() in NAME_TITLES), None)
    if ids is None or names is None or table.bad:
        found = ", ".join(titles[:8])
        line = table.bad[0].line if table.bad else 1
        raise UsageError(Fault("report.bad_names", str(path), line, params={"found": found}))
    rows = table.frame.select(id=pl.col(ids).str.strip_chars(), name=pl.col(names).str.strip_chars()).drop_nulls()
    rows = rows.filter(pl.col("name") != "").unique()
    twice = rows.filter(pl.col("id").is_duplicated())
    if twice.height:
        raise UsageError(Fault("report.two_names", str(path), params={"count": twice["id"].n_unique()}))
    return dict(rows.iter_rows())


def heads(register: Register, on: dt.date, names: dict[str, str] | None = None) -> pl.DataFrame:
    """The name of every household of a register.

    Args:
        on: the day on which ages count.
        names: take the place of the register's own (`head_name`, else the head's `member_name`).

    Returns:
        one row a household, in the register's order: `household_id`, `name` (null: none), `shown` (bool: whether
        it may be put up: the head, or without a head every member, is of age for certain; no digit in it; no minor
        of the household has that name), `size` (members).
    """
    household = register.frames["household"].select("household_id", row=pl.int_range(pl.len(), dtype=pl.UInt32))
    members = _members(register, on)
    counted = members.group_by("household").agg(
        pl.len().alias("size"),
        pl.col("name").filter(pl.col("head")).first().alias("head_member"),
        pl.col("age").filter(pl.col("head")).min().alias("head_age"),
        pl.col("head").fill_null(False).any().alias("has_head"),
        (pl.col("age") >= ADULT).fill_null(False).all().alias("all_adult"),
        pl.col("name").filter((pl.col("age") < ADULT) | pl.col("age").is_null()).alias("young"),
    )
    found = household.join(counted, left_on="row", right_on="household", how="left", maintain_order="left")
    own = register.frames["household"]
    given = own["head_name"] if "head_name" in own.columns else pl.lit(None, pl.String)
    found = found.with_columns(given.alias("given"))
    name = pl.coalesce("given", "head_member")
    if names is not None:
        name = pl.col("household_id").replace_strict(names, default=None, return_dtype=pl.String)
    adult = pl.when(pl.col("has_head")).then(pl.col("head_age") >= ADULT).otherwise(pl.col("all_adult"))
    found = found.with_columns(name=name, adult=adult.fill_null(False))
    clean = ~pl.col("name").str.contains(DIGIT)
    other = ~pl.col("name").is_in(pl.col("young")).fill_null(False)
    shown = (pl.col("adult") & clean & other).fill_null(False)
    return found.select("household_id", "name", shown.alias("shown"), pl.col("size").fill_null(0).cast(pl.Int64))


def _members(register: Register, on: dt.date) -> pl.DataFrame:
    """`household`, `name`, `age`, `head` of every member; null where the register does not say."""
    frame = register.frames["member"]
    today = on.year * 10_000 + on.month * 100 + on.day
    head = value_names(dictionary()["relation_to_head"]).index("head")

    def column(name: str, kind: type[pl.DataType]) -> pl.Expr:
        return pl.col(name) if name in frame.columns else pl.lit(None, kind)

    return frame.select(
        "household",
        column("member_name", pl.String).alias("name"),
        ((today - column("birth_date", pl.Int32)) // 10_000).alias("age"),
        (column("relation_to_head", pl.UInt8) == head).alias("head"),
    )
