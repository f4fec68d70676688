"""Ranking alone, all ranks of a province: the engine beside polars and numpy on the same keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from benchmarks.engines import Results
from hardship.rank import AREA_LEVELS, Grouping, Key, area_levels, ranks

RANKS = ("position", "rank", *AREA_LEVELS, "circle")


@dataclass(frozen=True)
class Ranked:
    """Rows to be ranked: a province of 20 counties. All arrays have a value for each row."""

    index: np.ndarray
    income: np.ndarray
    circle: np.ndarray
    area: np.ndarray
    codes: tuple[str, ...]

    @classmethod
    def made(cls, rows: int) -> Ranked:
        """Rows from a fixed seed; nearly a third without any income, as among those who apply."""
        rng = np.random.default_rng(5)
        villages = range(1, 13)
        codes = [
            f"37{c // 10 + 1:02}{c % 10 + 1:02}1{t:02}2{v:02}" for c in range(20) for t in range(14) for v in villages
        ]
        income = rng.integers(0, 300_000, rows) * (rng.random(rows) < 0.7)
        area = np.sort(rng.integers(0, len(codes), rows))
        return cls(rng.integers(0, 101, rows), income, rng.integers(0, 5, rows), area, tuple(codes))

    def frame(self) -> pl.DataFrame:
        """The rows as a user of polars has them."""
        area = pl.Series(self.codes).gather(pl.Series(self.area.astype(np.uint32)))
        row = np.arange(len(self.index), dtype=np.uint32)
        return pl.DataFrame(
            {"index": self.index, "income": self.income, "circle": self.circle, "area": area, "row": row}
        )


def _hardship(rows: Ranked) -> Callable[[], Results]:
    everybody = np.ones(len(rows.index), dtype=np.bool_)
    keys = [Key(rows.index, descending=True), Key(rows.income)]

    def call() -> Results:
        groupings = [Grouping(rows.area, area_levels(rows.codes)), Grouping(rows.circle, [np.arange(5)])]
        return dict(zip(RANKS, ranks(keys, everybody, groupings), strict=True))

    return call


def _polars_sort(rows: Ranked) -> Callable[[], Results]:
    frame = rows.frame().select("index", "income", "row")

    def call() -> Results:
        ordered = frame.sort("index", "income", "row", descending=[True, False, False])
        return {"row": ordered["row"].to_numpy()}

    return call


def _polars_packed(rows: Ranked) -> Callable[[], Results]:
    frame = rows.frame().select("index", "income")

    def call() -> Results:
        key = pl.col("income") - pl.col("index") * (1 << 40)
        return {"row": frame.select(key.arg_sort())["income"].to_numpy()}

    return call


def _polars(rows: Ranked) -> Callable[[], Results]:
    frame = rows.frame().lazy()

    def call() -> Results:
        key = (pl.col("income") - pl.col("index") * (1 << 40)).alias("key")
        prefixes = {name: pl.col("area").str.slice(0, n).cast(pl.Categorical).alias(f"_{name}")
                    for name, n in AREA_LEVELS.items()}  # fmt: skip
        wanted = frame.with_columns(key, *prefixes.values()).select(
            position=pl.col("key").rank("ordinal"),
            rank=pl.col("key").rank("min"),
            **{name: pl.col("key").rank("min").over(f"_{name}") for name in AREA_LEVELS},
            circle=pl.col("key").rank("min").over("circle"),
        )
        done = wanted.collect()
        return {name: done[name].to_numpy() for name in RANKS}

    return call


def _numpy(rows: Ranked) -> Callable[[], Results]:
    return lambda: {"row": np.lexsort((rows.income, -rows.index))}


RANK_ONLY: dict[str, Callable[[Ranked], Callable[[], Results]]] = {
    "hardship, all ranks": _hardship,
    "polars, sort alone": _polars_sort,
    "polars, sort of one packed key alone": _polars_packed,
    "polars, all ranks": _polars,
    "numpy lexsort alone": _numpy,
}


def unequal(rows: int) -> list[str]:
    """The engines whose ranks (or whose order) of so many rows are not those of `hardship`."""
    calls = {name: prepare(Ranked.made(rows)) for name, prepare in RANK_ONLY.items()}
    expected = calls["hardship, all ranks"]()
    order = np.argsort(expected["position"])
    wrong = []
    for name, call in calls.items():
        found = call()
        wanted = {"row": order} if "row" in found else expected
        if any(not np.array_equal(found[key], wanted[key]) for key in wanted):
            wrong.append(name)
    return wrong
