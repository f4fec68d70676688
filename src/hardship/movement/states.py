"""Where a household can stand, under either of two tables, as small numbers.

A state is a circle; without a circle ladder the outcome. After the circles come `incomplete`, `rejected`, `absent`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hardship.columns import Array
from hardship.language.table import Ladder, Table
from hardship.results import outcome_places

if TYPE_CHECKING:
    from hardship.engine.machine import Raw

INCOMPLETE, REJECTED, ABSENT = "incomplete", "rejected", "absent"
OUTCOMES = ("meets", "does_not_meet", "needs_review")


def circle_of(table: Table) -> Ladder | None:
    """The ladder of circles, of which a household stands on one rung."""
    return next((ladder for ladder in table.ladder if ladder.id == "circle" and ladder.pick == "first"), None)


def circles_of(table: Table) -> tuple[str, ...]:
    """The circles of a table, hardest first, or the outcomes of a table without them."""
    circle = circle_of(table)
    return OUTCOMES if circle is None else (*(rung.id for rung in circle.rung), circle.otherwise.id)


@dataclass(frozen=True)
class States:
    """All states of two tables.

    Attributes:
        names: the circles of the table before, then those that only the table after has, then the three others.
    """

    names: tuple[str, ...]

    @classmethod
    def of(cls, before: Table, after: Table) -> States:
        """The states of two tables."""
        return cls((*dict.fromkeys((*circles_of(before), *circles_of(after))), INCOMPLETE, REJECTED, ABSENT))

    @property
    def incomplete(self) -> int:
        """The number of `incomplete`."""
        return len(self.names) - 3

    @property
    def rejected(self) -> int:
        """The number of `rejected`."""
        return len(self.names) - 2

    @property
    def absent(self) -> int:
        """The number of `absent`."""
        return len(self.names) - 1

    @property
    def unscored(self) -> tuple[int, int]:
        """The numbers of `incomplete` and `rejected`."""
        return self.incomplete, self.rejected

    def of_raw(self, table: Table, raw: Raw, complete: Array, kept: Array) -> Array:
        """int16 [rows]: the state of each household of a run."""
        circle = circle_of(table)
        if circle is None:
            texts, places = outcome_places(None, raw, ~complete)
        else:
            texts, places = [*circles_of(table)], raw["ladder:circle"].values
        numbers = np.array([*map(self.names.index, texts), 0], np.int16)
        found: Array = numbers[np.minimum(places, len(texts))]  # a missing circle is 255
        found[~complete] = self.incomplete
        found[~kept] = self.rejected
        return found
