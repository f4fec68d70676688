"""The pieces of which an explanation consists, in order (`sheet` puts them together).

Fixed JSON stands as bytes. A part is shown by the state of some stores: what one of them makes, with marks in the place
of numbers and names, is made once and learned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hardship.single.states import States
from hardship.single.texts import Text

if TYPE_CHECKING:
    from hardship.single.plan_facts import Fact
    from hardship.single.scene import Scene


class Shown(NamedTuple):
    """A part shown by one state.

    Attributes:
        make: its JSON, given a scene of marks that are the same for every household of a shape.
        when: with which answer of the last `Either` it stands (`kernels_page.YES`, `NO`); 0: always.
        entry: it is one entry of the list that the last `Begin` began.
    """

    states: States
    make: Callable[[Scene], bytes]
    when: int = 0
    entry: bool = False


class RowsShown(NamedTuple):
    """An entry for each row of a part by row; `make` is given marks as they are within one row, and the row."""

    states: States
    make: Callable[[Scene, int], bytes]
    level: int


class FactShown(NamedTuple):
    """An entry for each row of a fact; `short`: known facts alone."""

    fact: Fact
    short: bool


class Number(NamedTuple):
    """A number of the household; `part`: which of its texts."""

    text: Text
    part: int = 0


class Given(NamedTuple):
    """What is made anew for each household."""

    name: str


class Begin(NamedTuple):
    """A list of entries begins here; its brackets and the commas between `Shown` parts are fixed JSON."""


class Either(NamedTuple):
    """Whether some truth of a state holds."""

    states: States


Piece = bytes | Shown | RowsShown | FactShown | Number | Given | Begin | Either


def entries(parts: Sequence[Piece]) -> list[Piece]:
    """A list of as many entries as there are rows and facts."""
    return [b"[", Begin(), *parts, b"]"]


def in_list(groups: Sequence[Sequence[Piece]]) -> list[Piece]:
    """A list of what is always there."""
    found: list[Piece] = [b"["]
    for place, group in enumerate(groups):
        found += [b",", *group] if place else group
    return [*found, b"]"]
