"""One household while its explanation is filled in: its results, its rows and what they are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hardship.explaining.view import Told
from hardship.single.household import Household
from hardship.single.record import Found
from hardship.single.show import dumps

MOST_NAMES = 1_024


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """Of each level the rows' names: as JSON for machines and for people, and for people as text."""

    ids: list[list[bytes]]
    who: list[list[bytes]]
    told: list[list[str]]


class Scene:
    """What every part of a plan looks at.

    Attributes:
        names: what its rows are called; the same object for the same names.
        ids, who, told: as in `Names`.
        member_of: the member of each supporter and each transfer.
        left: whether each member, assessed alone, left the household.
    """

    __slots__ = ("found", "household", "ids", "left", "member_of", "names", "told", "who")

    def __init__(self, names: Names, household: Household, found: Found, left: bytes) -> None:
        self.household, self.found, self.left = household, found, left
        self.member_of = (range(1), range(len(household.member_ids)), household.supporters, household.transfers)
        self.names = names
        self.ids, self.who, self.told = names.ids, names.who, names.told


class Namer:
    """Names rows in one language; what rows are called is remembered."""

    def __init__(self, told: Told) -> None:
        self.told = told
        self._known: dict[Any, Names] = {}

    def names(self, household: Household) -> Names:
        """The names of all rows of a household."""
        key = (
            tuple(household.member_ids), tuple(household.supporters), tuple(household.supporter_ids),
            tuple(household.transfers),
        )  # fmt: skip
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= MOST_NAMES:
                self._known.clear()
            found = self._known[key] = self._named(household)
        return found

    def _named(self, household: Household) -> Names:
        say, members = self.told.say, household.member_ids
        supporters = list(zip(household.supporters, household.supporter_ids, strict=True))
        below = [f"{members[m]}/{own}" for m, own in supporters]
        names = [[""], members, below, _numbered(members, household.transfers)]
        people = [
            [""],
            [say("explain.who_member", member=member) for member in members],
            [say("explain.who_supporter", member=members[m], own=own) for m, own in supporters],
            [
                say("explain.who_transfer", member=members[m], own=int(name.rpartition("#")[2]))
                for m, name in zip(household.transfers, names[3], strict=True)
            ],
        ]
        return Names(
            [[dumps(name) for name in level] for level in names],
            [[dumps(name) for name in level] for level in people],
            people,
        )


def _numbered(members: list[str], of: list[int]) -> list[str]:
    """`2#1`: a member's first transfer."""
    counts: dict[int, int] = {}
    found = []
    for member in of:
        counts[member] = counts.get(member, 0) + 1
        found.append(f"{members[member]}#{counts[member]}")
    return found
