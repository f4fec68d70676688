"""What corrections on record do: each household scored once more without each of its corrections.

A correction stays until a person takes it out of the register's `overrides`; no run changes it. The run says where the
register still holds something else, and where the machine would find something else without the correction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hardship.columns import Array

if TYPE_CHECKING:
    from hardship.language.fields import Level
    from hardship.reading.overrides import Correction
    from hardship.register import Register

COMPARED = ("outcome", "circle", "index", "benefit_month")
COLUMNS = (
    "household_id", "field", "by", "on", "reason", "register",
    *(f"{name}_{which}" for name in COMPARED for which in ("with", "without")), "differs",
)  # fmt: skip
REJECTED = {"outcome": "rejected"}
"""The result columns of a household that is not scored, where they are compared."""


def lanes(register: Register) -> tuple[Register, list[int]]:
    """A household for each correction, with the register's own value in its place; and the corrections' numbers.

    Corrections of rejected households, and those whose own value cannot be read, have none: without them there is
    no result.
    """
    household = register.frames["household"]
    place_of = dict(zip(household["household_id"].to_list(), range(household.height), strict=True))
    chosen = [k for k, one in enumerate(register.corrections) if one.household_id in place_of and not one.problem]
    rows = np.array([place_of[register.corrections[k].household_id] for k in chosen], np.int64)
    taken = household[rows]
    for name in {register.corrections[k].field for k in chosen}:
        mine = [at for at, k in enumerate(chosen) if register.corrections[k].field == name]
        before = pl.Series([register.corrections[chosen[at]].before for at in mine], dtype=taken.schema[name])
        taken = taken.with_columns(taken[name].scatter(mine, before))
    frames: dict[Level, pl.DataFrame] = {"household": taken}
    members, lane = _children(register.frames["member"]["household"].to_numpy(), rows, household.height)
    frames["member"] = register.frames["member"][members].with_columns(pl.Series("household", lane, pl.UInt32))
    below: tuple[Level, ...] = ("supporter", "transfer")
    for level in below:
        frame = register.frames[level]
        found, member = _children(frame["member"].to_numpy(), members, register.frames["member"].height)
        frames[level] = frame[found].with_columns(pl.Series("member", member, pl.UInt32))
    return replace(register, frames=frames, flags=register.flags.clear()), chosen


def _children(parents: Array, wanted: Array, count: int) -> tuple[Array, Array]:
    """The child rows of each wanted parent row, one after the other, and which of the wanted each belongs to."""
    ends = np.cumsum(np.bincount(parents, minlength=count))
    sizes = np.bincount(parents, minlength=count)[wanted]
    owner = np.repeat(np.arange(len(wanted)), sizes)
    first = np.repeat((ends - np.bincount(parents, minlength=count))[wanted], sizes)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return first + within, owner


def effects(
    corrections: Sequence[Correction],
    applied: Mapping[str, Mapping[str, str]],
    without: Mapping[int, Mapping[str, str]],
) -> pl.DataFrame:
    """The content of `overrides.csv`: one row for each correction.

    Args:
        applied: the result rows as CSV texts, by household; those not scored are absent.
        without: the result of each correction's lane, by its number; those not scored are absent.

    Returns:
        `COLUMNS`, all texts. `register`: what it holds by itself is `missing`, `same`, `differs` or `unreadable`.
        `differs`: whether any of `COMPARED` would be another.
    """
    rows = [_row(one, applied.get(one.household_id, REJECTED), without.get(k, REJECTED))
            for k, one in enumerate(corrections)]  # fmt: skip
    return pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, pl.String), orient="row")


def _row(one: Correction, applied: Mapping[str, str], without: Mapping[str, str]) -> tuple[str, ...]:
    pairs = [(applied.get(name, ""), without.get(name, "")) for name in COMPARED]
    states = (
        (bool(one.problem), "unreadable"), (one.before is None, "missing"), (one.before == one.after, "same"),
        (True, "differs"),
    )  # fmt: skip
    state = next(name for holds, name in states if holds)
    differs = "true" if any(a != b for a, b in pairs) else "false"
    shown = (text for pair in pairs for text in pair)
    return (one.household_id, one.field, one.by, one.on, one.reason, state, *shown, differs)


def counted(frame: pl.DataFrame, came: Mapping[str, int]) -> dict[str, int]:
    """What `run.json` says of the corrections: rows in and applied, and how many change a result."""
    return {
        "in": came["in"],
        "applied": came["read"],
        "register_differs": int((frame["register"] != "same").sum()),
        "result_differs": int((frame["differs"] == "true").sum()),
    }
