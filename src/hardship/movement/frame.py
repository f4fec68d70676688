"""The movement itself: both settings side by side, a row for each household, and what moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hardship.attributes import dictionary
from hardship.columns import Array
from hardship.movement.coded import column
from hardship.movement.runs import FACTORS
from hardship.results import MONEY
from hardship.sheet import Column, Sheet, absent, known_of, number_column, of_series, plain_column, text_column

if TYPE_CHECKING:
    from hardship.movement.align import Aligned
    from hardship.movement.causes import Shares
    from hardship.movement.states import States
    from hardship.register import Register

KINDS = ("same", "arrived", "departed", "unscored", "entered", "left", "moved", "raised", "lowered")
CHANGES = ("state", "outcome", "index", "income", "amount", "rank")
UNKNOWN = "unknown"


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
                pl.col("reason").fill_null(refused.cast(made.schema["reason"])),
            )
        parts.append(made.select(pl.all().name.suffix(f"_{name}")))
    return pl.concat(parts, how="horizontal")


def places(order: Aligned, registers: tuple[Register, Register]) -> tuple[Column, Column]:
    """`area_code` and `residence` of each household, of the register after, else of the one before."""
    names = [entry.value for entry in dictionary()["residence_type"].values]
    found = []
    for rows, register in zip(order.rows, registers, strict=True):
        frame = register.frames["household"]
        residence = pl.Series([None], dtype=pl.UInt32).new_from_index(0, frame.height)
        if "residence_type" in frame.columns:
            residence = frame["residence_type"].cast(pl.UInt32)
        one = pl.DataFrame({"area_code": frame["area_code"].cast(pl.String), "residence": residence})
        if len(rows) != one.height or (rows < 0).any():
            one = one.select(pl.all().gather(pl.Series(rows).replace(-1, None)))
        found.append(one)
        if registers[0] is registers[1]:
            break
    last, first = found[-1], found[0]
    area, residence = (
        last[name].fill_null(first[name]) if last[name].null_count() else last[name] for name in last.columns
    )
    place = residence.fill_null(len(names)).to_numpy()
    return of_series(area.fill_null("")), text_column([*names, ""], place)


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


def changes(two: pl.DataFrame) -> Column:
    """Which of `CHANGES` differ, joined by `;`."""
    masks = np.zeros(two.height, np.int64)
    for bit, name in enumerate(CHANGES):
        differs = two[f"{name}_before"].ne_missing(two[f"{name}_after"])
        masks |= differs.to_numpy().astype(np.int64) << bit
    texts = [";".join(name for bit, name in enumerate(CHANGES) if mask >> bit & 1) for mask in range(1 << len(CHANGES))]
    return text_column(texts, masks)


def sheet(two: pl.DataFrame, others: dict[str, Column], parts: dict[str, Shares], index: Shown) -> Sheet:
    """The columns of `movement.parquet`, as `docs/interfaces.md` lists them.

    Args:
        two: of `both`, after what a transition keeps was put in.
        others: the columns that are not of one setting: ids, places, `kind`, `changed`, states, `cause`, `held`, dates.
        parts: shares of `index` and `amount`; empty where none were wanted.
        index: how the index is shown.
    """
    types = columns(index.decimals)
    found = dict(others)
    for suffix in ("before", "after"):
        points = plain_column(two[f"index_{suffix}"])
        assert points.values is not None
        name = f"index_{suffix}"
        found[name] = number_column(points.values, points.valid, index.scale, index.decimals, types[name])
    found["income_percent"] = percent(two["income_before"], two["income_after"])
    found["exit_months"] = column(two["exit_months_after"], types["exit_months"])
    found["exit_amount"] = column(two["exit_amount_after"], types["exit_amount"])
    found["rank_change"] = column(two["rank_before"] - two["rank_after"], types["rank_change"])
    for name, number in ((name, number) for name in ("index", "amount") for number in range(len(FACTORS))):
        share = absent(pl.Int64(), two.height)
        if name in parts:
            share = Column(pl.Int64(), parts[name].parts[number], known_of(parts[name].known))
        found[f"{name}_by_{FACTORS[number]}"] = share
    made = {name: found[name] if name in found else column(two[name], kind) for name, kind in types.items()}
    return Sheet(made, two.height)


def percent(before: pl.Series, after: pl.Series) -> Column:
    """By how many per cent of the amount before, rounded half up to two decimals; null where nothing was there."""
    known = ((before > 0) & after.is_not_null()).fill_null(False).to_numpy()
    base = np.where(known, before.fill_null(1).to_numpy(), 1)
    change = np.where(known, after.fill_null(0).to_numpy() - base, 0)
    hundredths, moved = np.zeros(len(base), np.int64), np.flatnonzero(change)
    change, base = change[moved], base[moved]
    hundredths[moved] = np.sign(change) * ((np.abs(change) * 20_000 + base) // (2 * base))
    return Column(pl.Decimal(18, 2), hundredths, known_of(known))


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
