"""What one run says of each household, as whole numbers that can be subtracted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hardship.columns import Array
from hardship.movement.states import States
from hardship.results import TRUE, rejected_rows

if TYPE_CHECKING:
    from hardship.engine.machine import Raw
    from hardship.language.table import Table
    from hardship.lowering.bind import Columns

MEETS = 1  # a person's state


@dataclass(frozen=True)
class Answer:
    """What one run gives for the households of its register, row by row.

    Attributes:
        state: int16; a number of `States`.
        complete, kept: bool; not incomplete, not rejected. `scored` is both.
        benefit: int64; fen a month for the household.
        amount: int64; fen a month for the household and for members assessed alone.
        pays: whether the table has benefits at all.
        index: int64 over `index_den`; the main index. None without one.
    """

    state: Array
    complete: Array
    kept: Array
    benefit: Array
    amount: Array
    pays: bool
    index: Array | None
    index_den: int

    @property
    def scored(self) -> Array:
        """bool: neither rejected nor incomplete."""
        found: Array = self.complete & self.kept
        return found


def answer(table: Table, columns: Columns, raw: Raw, states: States) -> Answer:
    """The answer of one run."""
    rows = columns.rows[0]
    complete: Array = np.ones(rows, np.bool_)
    if "missing" in raw:
        complete = np.bitwise_or.reduce(raw["missing"].values, axis=0) == 0
    kept = columns.served & ~rejected_rows(table, columns.program, raw, rows)
    benefit = raw["benefit"].values if "benefit" in raw else np.zeros(rows, np.int64)
    amount = benefit
    for person in table.person:
        meets = raw[f"person:{person.id}:state"].values == MEETS
        amount = amount + summed(columns, np.where(meets, raw[f"person:{person.id}:benefit"].values, 0))
    index = raw[f"index:{table.index[0].id}"] if table.index else None
    return Answer(
        states.of_raw(table, raw, complete, kept),
        complete,
        kept,
        benefit,
        amount,
        bool(table.benefit or table.person),
        None if index is None else index.values,
        1 if index is None else index.den,
    )


def alone(table: Table, columns: Columns, raw: Raw) -> Array:
    """int64 [households]: members assessed alone who meet."""
    found = np.zeros(columns.rows[0], np.int64)
    for person in table.person:
        found += summed(columns, (raw[f"person:{person.id}:state"].values == MEETS).astype(np.int64))
    return found


def counted(columns: Columns, raw: Raw) -> Array:
    """int64 [households]: members that count in a household, whatever is decided about it."""
    if "counted" in raw:
        return summed(columns, (raw["counted"].values == TRUE).astype(np.int64))
    found: Array = np.diff(columns.offsets[0].astype(np.int64))
    return found


def summed(columns: Columns, values: Array) -> Array:
    """int64 [households]: the sum of a whole number of each member."""
    running = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=running[1:])
    found: Array = np.diff(running[columns.offsets[0]])
    return found
