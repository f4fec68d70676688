"""The movement itself: both settings side by side, a row for each household, and what moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hardship.columns import Array, chosen_texts, decimal_series, fixed_point, nulled
from hardship.movement.runs import FACTORS
from hardship.results import MONEY

if TYPE_CHECKING:
    from hardship.movement.align import Aligned
    from hardship.movement.causes import Shares
    from hardship.movement.states import States
    from hardship.register import Register

KINDS = ("same", "arrived", "departed", "unscored", "entered", "left", "moved", "raised", "lowered")
CHANGES = ("state", "outcome", "index", "income", "amount", "rank")
UNKNOWN = "unknown"
MONEY_COLUMNS = ("income", "gap", "benefit", "amount")


def both(order: Aligned, sides: tuple[pl.DataFrame, pl.DataFrame], states: States) -> pl.DataFrame:
    """The columns of two settings as `x_before` and `x_after`, a row for each household of either register."""
    parts = []
    for number, name in enumerate(("before", "after")):
        rows, refused = order.rows[number], order.refused[number]
        made = sides[number]
        if len(rows) != made.height or (rows < 0).any():
            made = made.select(pl.all().gather(pl.Series(rows).replace(-1, None)))
            gone = refused != ""
            state = pl.when(gone).then(states.rejected).otherwise(states.absent).cast(pl.Int16)
            made = made.with_columns(
                pl.col("state").fill_null(state),
                pl.col("meets").fill_null(False),
                pl.col("covered").fill_null(0),
                pl.col("reason").fill_null(refused),
            )
        parts.append(made.select(pl.all().name.suffix(f"_{name}")))
    return pl.concat(parts, how="horizontal")


def places(order: Aligned, registers: tuple[Register, Register]) -> pl.DataFrame:
    """`area_code` and `residence` of each household, of the register after, else of the one before."""
    found = []
    for rows, register in zip(order.rows, registers, strict=True):
        frame = register.frames["household"]
        names = pl.Series([*_residences(), None], dtype=pl.String)
        residence = pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
        if "residence_type" in frame.columns:
            residence = names.gather(frame["residence_type"].cast(pl.UInt32).fill_null(len(names) - 1))
        one = pl.DataFrame({"area_code": frame["area_code"].cast(pl.String), "residence": residence})
        if len(rows) != one.height or (rows < 0).any():
            one = one.select(pl.all().gather(pl.Series(rows).replace(-1, None)))
        found.append(one)
        if registers[0] is registers[1]:
            return one.fill_null("")
    return found[1].select(pl.col(name).fill_null(found[0][name]).fill_null("") for name in found[1].columns)


def _residences() -> list[str]:
    from hardship.attributes import dictionary

    return [entry.value for entry in dictionary()["residence_type"].values]


def kinds(two: pl.DataFrame, states: States) -> Array:
    """int [households]: the place in `KINDS`."""
    before, after = (two[f"state_{name}"].to_numpy() for name in ("before", "after"))
    met, meets = (two[f"meets_{name}"].to_numpy() for name in ("before", "after"))
    rise = (two["amount_after"] - two["amount_before"]).fill_null(0).to_numpy()
    unscored = np.isin(before, states.unscored) | np.isin(after, states.unscored)
    absent = states.absent
    conditions = [
        (before == absent) & (after != absent),
        (before != absent) & (after == absent),
        unscored & (before != after),
        ~met & meets,
        met & ~meets,
        before != after,
        rise > 0,
        rise < 0,
    ]
    found: Array = np.select(conditions, range(1, len(KINDS)), 0)
    return found


def changes(two: pl.DataFrame) -> pl.Series:
    """Which of `CHANGES` differ, joined by `;`."""
    masks = np.zeros(two.height, np.int64)
    for bit, name in enumerate(CHANGES):
        differs = two[f"{name}_before"].ne_missing(two[f"{name}_after"])
        masks |= differs.to_numpy().astype(np.int64) << bit
    texts = [";".join(name for bit, name in enumerate(CHANGES) if mask >> bit & 1) for mask in range(1 << len(CHANGES))]
    return chosen_texts(texts, masks)


def frame(two: pl.DataFrame, texts: dict[str, pl.Series], parts: dict[str, Shares], index: Shown) -> pl.DataFrame:
    """The columns of `movement.parquet`, as `docs/interfaces.md` lists them.

    Args:
        two: of `both`, after what a transition keeps was put in.
        texts: the columns that are not of one setting: ids, places, `kind`, `changed`, states, `cause`, `held`, dates.
        parts: shares of `index` and `amount`; empty where none were wanted.
        index: how the index is shown.
    """
    found = {name: two[name] for name in two.columns} | texts
    for suffix in ("before", "after"):
        for name in MONEY_COLUMNS:
            found[f"{name}_{suffix}"] = fixed_point(two[f"{name}_{suffix}"], 18, 2)
        points = two[f"index_{suffix}"]
        known = points.is_not_null().to_numpy()
        found[f"index_{suffix}"] = decimal_series(points.fill_null(0).to_numpy(), known, index.scale, index.decimals)
    found["income_percent"] = percent(two["income_before"], two["income_after"])
    found["exit_months"] = two["exit_months_after"]
    found["exit_amount"] = fixed_point(two["exit_amount_after"], 18, 2)
    found["rank_change"] = two["rank_before"].cast(pl.Int64) - two["rank_after"].cast(pl.Int64)
    for name, number in ((name, number) for name in ("index", "amount") for number in range(len(FACTORS))):
        column = pl.Series([None], dtype=pl.Int64).new_from_index(0, two.height)
        if name in parts:
            column = nulled(pl.Series(parts[name].parts[number]), parts[name].known)
        found[f"{name}_by_{FACTORS[number]}"] = column
    return pl.DataFrame([found[name].cast(kind).alias(name) for name, kind in columns(index.decimals).items()])


def percent(before: pl.Series, after: pl.Series) -> pl.Series:
    """By how many per cent of the amount before, rounded half up to two decimals; null where nothing was there."""
    known = ((before > 0) & after.is_not_null()).fill_null(False).to_numpy()
    base = np.where(known, before.fill_null(1).to_numpy(), 1)
    change = np.where(known, after.fill_null(0).to_numpy() - base, 0)
    hundredths = np.sign(change) * ((np.abs(change) * 20_000 + base) // (2 * base))
    return nulled(fixed_point(pl.Series(hundredths), 18, 2), known)


@dataclass(frozen=True)
class Shown:
    """How the main index is shown: its decimals, and how many of the units that it is counted in make a point."""

    decimals: int
    scale: int


def columns(decimals: int) -> dict[str, pl.DataType]:
    """Names, order and types of the movement's columns, for an index with so many decimals."""

    def pair(name: str, kind: pl.DataType) -> dict[str, pl.DataType]:
        return {f"{name}_before": kind, f"{name}_after": kind}

    def by(name: str) -> dict[str, pl.DataType]:
        return {f"{name}_by_{factor}": pl.Int64() for factor in FACTORS}

    text, count = pl.String(), pl.UInt32()
    return {
        **dict.fromkeys(("household_id", "area_code", "residence", "kind", "changed"), text),
        **pair("state", text),
        "cause": text,
        **pair("outcome", text),
        **pair("reason", text),
        **pair("persons", count),
        **pair("index", pl.Decimal(18, decimals)),
        **by("index"),
        **pair("income", MONEY),
        "income_percent": pl.Decimal(18, 2),
        **pair("gap", MONEY),
        **pair("benefit", MONEY),
        **pair("alone", count),
        **pair("amount", MONEY),
        **by("amount"),
        "held": text,
        "review_on": pl.Date(),
        "exit_months": pl.Int64(),
        "exit_amount": MONEY,
        "exit_until": pl.Date(),
        **pair("position", count),
        **pair("rank", count),
        "rank_change": pl.Int64(),
    }
