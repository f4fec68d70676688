"""What a newer version of a table says of results by an older one, applied to the comparison of both.

Without a `[transition]` everyone is judged anew, and the record says that the table is silent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from hardship.columns import Array
from hardship.errors import Fault, TableError
from hardship.movement.states import States, circle_of, circles_of

if TYPE_CHECKING:
    from hardship.inputs import Inputs
    from hardship.language.course import Transition

KEPT = ("outcome", "meets", "covered", "benefit", "alone", "amount")
NOTHING = ("exit_months", "exit_amount")
"""Columns of a setting: those that stand as before for a kept household, and those that it does not have."""


@dataclass(frozen=True)
class Kept:
    """Who keeps what was decided before.

    Attributes:
        rule: for the record: `recompute`, `keep_until_review`, `map`, or `absent`; None: not two versions of one table.
        rows: bool [households].
    """

    rule: str | None
    rows: Array


def kept(before: Inputs, after: Inputs, two: pl.DataFrame, states: States) -> Kept:
    """Find the households whose result stands.

    Args:
        two: both settings side by side, of `frame.both`.
    """
    nobody = np.zeros(two.height, np.bool_)
    older, newer = before.checked.table.table, after.checked.table.table
    if older.id != newer.id or older.version >= newer.version:
        return Kept(None, nobody)
    rule = after.checked.table.transition
    if rule is None:
        return Kept("absent", nobody)
    scored = [~np.isin(two[f"state_{name}"].to_numpy(), (*states.unscored, states.absent)) for name in _NAMES]
    open_to = scored[0] & scored[1] & ~two["unless_after"].fill_null(False).to_numpy()
    if rule.rule == "keep_until_review":
        later = (two["review_on_after"] > max(before.on, after.on)).fill_null(False).to_numpy()
        return Kept(rule.rule, open_to & two["meets_before"].to_numpy() & later)
    if rule.rule == "map":
        named = [number for number, name in enumerate(states.names) if name in rule.circles]
        return Kept(rule.rule, open_to & np.isin(two["state_before"].to_numpy(), named))
    return Kept(rule.rule, nobody)


_NAMES = ("before", "after")


def stand(two: pl.DataFrame, rows: Array, after: Inputs, states: States) -> pl.DataFrame:
    """Put what stands from before in the place of what the newer version computes.

    Raises:
        TableError: a kept circle has no counterpart in the newer version.
    """
    rule = after.checked.table.transition
    if rule is None or not rows.any():
        return two
    own = np.array(_counterparts(rule, after, states), np.int16)
    circle = own[two["state_before"].to_numpy()]
    _all_there(two, rows & (circle < 0), states)
    where = pl.Series("kept", rows)
    state = pl.Series(np.where(rows, circle, two["state_after"].to_numpy()).astype(np.int16))
    return two.with_columns(
        state.alias("state_after"),
        *(
            pl.when(where).then(pl.col(f"{name}_before")).otherwise(pl.col(f"{name}_after")).alias(f"{name}_after")
            for name in KEPT
        ),
        pl.when(where)
        .then(pl.lit("", two.schema["reason_after"]))
        .otherwise(pl.col("reason_after"))
        .alias("reason_after"),
        *(pl.when(~where).then(pl.col(f"{name}_after")).alias(f"{name}_after") for name in NOTHING),
    )


def _counterparts(rule: Transition, after: Inputs, states: States) -> list[int]:
    """For each state the number of the circle that stands for it in the newer version; −1 for none."""
    table = after.checked.table
    own = set(circles_of(table)) if circle_of(table) is not None else set(states.names)
    found = [rule.circles.get(name, name) for name in states.names]
    return [states.names.index(name) if name in own else -1 for name in found]


def _all_there(two: pl.DataFrame, lost: Array, states: States) -> None:
    counts = np.bincount(two["state_before"].to_numpy()[lost], minlength=len(states.names))
    faults = [
        Fault("rerank.transition_circle", params={"found": states.names[number], "count": int(counts[number])})
        for number in np.flatnonzero(counts)
    ]
    if faults:
        raise TableError(faults)


def record(after: Inputs, found: Kept) -> dict[str, Any] | None:
    """What `run.json` says of the transition: the rule, how many it kept, and the source; None: no newer version."""
    rule = after.checked.table.transition
    if found.rule is None:
        return None
    told: dict[str, Any] = {"rule": found.rule, "kept": int(found.rows.sum())}
    if rule is not None:
        told |= {"source": rule.source, "status": rule.status or after.checked.table.table.default_status}
    return told
