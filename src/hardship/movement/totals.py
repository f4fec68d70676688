"""Sums of a movement: the matrix of states, households, persons and budget by area and residence, exits, causes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from hardship.movement.causes import JOINT, SIXTHS, UNATTRIBUTED
from hardship.movement.frame import UNKNOWN
from hardship.movement.runs import FACTORS
from hardship.rank import AREA_LEVELS
from hardship.results import MONEY

if TYPE_CHECKING:
    from hardship.movement.states import States

WIDE_MONEY = pl.Decimal(38, 2)
MONTHS = 12
COUNTED = {
    "entered": pl.col("kind") == "entered",
    "left": pl.col("kind") == "left",
    "raised": pl.col("kind") == "raised",
    "lowered": pl.col("kind") == "lowered",
    "held": pl.col("held") != "",
    "incomplete_before": pl.col("state_before") == "incomplete",
    "incomplete_after": pl.col("state_after") == "incomplete",
    "rejected_before": pl.col("state_before") == "rejected",
    "rejected_after": pl.col("state_after") == "rejected",
    "arrived": pl.col("kind") == "arrived",
    "departed": pl.col("kind") == "departed",
}


def matrix(frame: pl.DataFrame, states: States) -> pl.DataFrame:
    """State before × state after: `households`, `persons`, `amount_before`, `amount_after`; every pair, zeros too.

    Args:
        frame: the movement.
    """
    names = pl.DataFrame({"state_before": states.names}).with_row_index("one")
    pairs = names.join(names.select(state_after="state_before", other="one"), how="cross").sort("one", "other")
    sums = frame.group_by("state_before", "state_after").agg(
        pl.len().alias("households"),
        pl.coalesce("persons_after", "persons_before").fill_null(0).cast(pl.Int64).sum().alias("persons"),
        *(pl.col(f"amount_{one}").cast(WIDE_MONEY).sum() for one in ("before", "after")),
    )
    sums = sums.with_columns(pl.col("state_before", "state_after").cast(pl.String))
    found = pairs.join(sums, on=["state_before", "state_after"], how="left", maintain_order="left")
    return found.select(
        "state_before",
        "state_after",
        *(pl.col(name).fill_null(0).cast(pl.Int64) for name in ("households", "persons")),
        *(pl.col(f"amount_{one}").fill_null(0).cast(MONEY) for one in ("before", "after")),
    )


def totals(frame: pl.DataFrame, covered: tuple[pl.Series, pl.Series], met: tuple[pl.Series, pl.Series]) -> pl.DataFrame:
    """Households, persons and budget before and after, by area level and residence.

    Args:
        frame: the movement.
        covered: before and after, persons who get something in each household.
        met: before and after, whether the household meets.
    """
    wide = frame.with_columns(
        *(covered[k].cast(pl.Int64).alias(f"persons_{one}") for k, one in enumerate(("before", "after"))),
        *(met[k].cast(pl.Int64).alias(f"households_{one}") for k, one in enumerate(("before", "after"))),
    )
    finest = wide.group_by("area_code", "residence").agg(
        *(pl.col(f"{name}_{one}").sum() for name in ("households", "persons") for one in ("before", "after")),
        *(pl.col(f"amount_{one}").cast(WIDE_MONEY).sum().alias(f"month_{one}") for one in ("before", "after")),
        pl.when(pl.col("exit_months") > 0).then("exit_amount").cast(WIDE_MONEY).sum().alias("exit_month"),
        *(condition.cast(pl.Int64).sum().alias(name) for name, condition in COUNTED.items()),
    )
    finest = finest.with_columns(pl.col("area_code", "residence").cast(pl.String))
    finest = finest.with_columns(pl.col("residence").replace("", UNKNOWN))
    levels = {"all": 0, **AREA_LEVELS}
    sums = pl.concat(_level(finest, name, length) for name, length in levels.items())
    rank = {name: place for place, name in enumerate(levels)}
    shown: list[pl.Expr] = [pl.col("level"), pl.col("area_code"), pl.col("residence")]
    for name in ("households", "persons", "month", "year"):
        kind: Any = MONEY if name in ("month", "year") else pl.Int64
        source, times = ("month", MONTHS) if name == "year" else (name, 1)
        before, after = (pl.col(f"{source}_{one}") * times for one in ("before", "after"))
        shown += [before.cast(kind).alias(f"{name}_before"), after.cast(kind).alias(f"{name}_after")]
        shown.append((after - before).cast(kind).alias(f"{name}_difference"))
    shown += [pl.col("exit_month").cast(MONEY), *map(pl.col, COUNTED)]
    ordered = sums.sort(pl.col("level").replace_strict(rank), "area_code", "residence")
    return ordered.select(shown)


def _level(finest: pl.DataFrame, name: str, length: int) -> pl.DataFrame:
    """The sums of one level of areas, each by residence and in all; codes that are too short belong to no area."""
    there = finest.filter(pl.col("area_code").str.len_chars() >= length)
    there = there.with_columns(pl.col("area_code").str.slice(0, length), level=pl.lit(name))
    every = there.with_columns(residence=pl.lit(""))
    return pl.concat([every, there]).group_by("level", "area_code", "residence").agg(pl.all().sum())


def exits(frame: pl.DataFrame, on: Any) -> pl.DataFrame:
    """Every household in gradual exit after, with its schedule.

    Args:
        frame: the movement.
        on: the first day, the assessment date after.
    """
    leaving = frame.filter(pl.col("exit_months") > 0)
    return leaving.select(
        "household_id",
        pl.col("area_code", "residence", "state_before", "state_after").cast(pl.String),
        "amount_before",
        pl.col("exit_months").alias("months"),
        pl.col("exit_amount").alias("amount"),
        pl.lit(on, pl.Date).alias("first"),
        pl.col("exit_until").alias("until"),
        (pl.col("exit_amount") * pl.col("exit_months")).cast(MONEY).alias("total"),
    )


def causes(frame: pl.DataFrame, differs: Sequence[bool]) -> pl.DataFrame:
    """What each factor did: changed states of which it is the cause, and its share of the change of the budget."""
    counts = dict(frame.filter(pl.col("cause") != "").group_by("cause").len().rows())
    rows = list(_causes(frame, counts, differs))
    kinds = {"factor": pl.String, "differs": pl.Boolean, "households": pl.Int64, "amount_sixths": pl.Int64}
    return pl.DataFrame(rows, schema={**kinds, "amount_month": MONEY}, orient="row")


def _causes(frame: pl.DataFrame, counts: dict[str, int], differs: Sequence[bool]) -> Iterator[tuple[Any, ...]]:
    change = pl.col("amount_after").fill_null(0).cast(WIDE_MONEY) - pl.col("amount_before").fill_null(0)
    whole = frame.select(change.sum()).item() or Decimal(0)
    left = int(whole.scaleb(2)) * SIXTHS
    for factor, differ in zip(FACTORS, differs, strict=True):
        sixths = int(frame[f"amount_by_{factor}"].sum())
        left -= sixths
        yield factor, differ, counts.get(factor, 0), sixths, _money(sixths)
    names = counts.keys() - {*FACTORS, UNATTRIBUTED}
    for name in sorted(names, key=lambda name: (name == JOINT, name)):
        yield name, None, counts[name], None, None
    if left or UNATTRIBUTED in counts:
        yield UNATTRIBUTED, None, counts.get(UNATTRIBUTED, 0), left, _money(left)


def _money(sixths: int) -> Decimal:
    """Sixths of a fen as yuan, rounded half up to the fen."""
    return (Decimal(sixths) / SIXTHS).quantize(Decimal(1), ROUND_HALF_UP).scaleb(-2)
