"""One household while its explanation is filled in: its results, its rows and what they are called."""

from __future__ import annotations

from hardship.explaining.view import Told
from hardship.single.household import Household
from hardship.single.record import Found
from hardship.single.show import dumps


class Scene:
    """What every part of a plan looks at.

    Attributes:
        ids, who: of each level the rows' names as JSON, for machines and for people; `told` is `who` as text.
        member_of: the member of each supporter and each transfer.
        left: whether each member, assessed alone, left the household.
    """

    __slots__ = ("found", "household", "ids", "left", "member_of", "told", "who")

    def __init__(self, told: Told, household: Household, found: Found, left: bytes) -> None:
        self.household, self.found, self.left = household, found, left
        members = household.member_ids
        self.member_of = (range(1), range(len(members)), household.supporters, household.transfers)
        supporters = list(zip(household.supporters, household.supporter_ids, strict=True))
        below = [f"{members[m]}/{own}" for m, own in supporters]
        names = [[""], members, below, _numbered(members, household.transfers)]
        people = [
            [""],
            [told.say("explain.who_member", member=member) for member in members],
            [told.say("explain.who_supporter", member=members[m], own=own) for m, own in supporters],
            [
                told.say("explain.who_transfer", member=members[m], own=int(name.rpartition("#")[2]))
                for m, name in zip(household.transfers, names[3], strict=True)
            ],
        ]
        self.ids = [[dumps(name) for name in level] for level in names]
        self.who = [[dumps(name) for name in level] for level in people]
        self.told = people


def _numbered(members: list[str], of: list[int]) -> list[str]:
    """`2#1`: a member's first transfer."""
    counts: dict[int, int] = {}
    found = []
    for member in of:
        counts[member] = counts.get(member, 0) + 1
        found.append(f"{members[member]}#{counts[member]}")
    return found
