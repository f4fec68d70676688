"""One household while its explanation is filled in: its results, its rows and what they are called.

What is remembered of one household is shown for others, so that it is made with marks where names of rows stand.
"""

from __future__ import annotations

import itertools
import re
from functools import lru_cache
from typing import NamedTuple

from hardship.explaining.view import Told
from hardship.reading.cells import MAX_ID
from hardship.single.household import Household
from hardship.single.record import Found
from hardship.single.show import dumps
from hardship.single.states import Cuts, Gathering, Memory, Room

OF_NAME = 16 * MAX_ID  # bytes of all forms of a row's name, generously
_MARK = re.compile(rb"\x01([0-9]+)\x02")  # neither stands in JSON
Named = bytes | tuple[list[bytes], tuple[int, ...]]
"""JSON; with names to be put in: what stands between them, with gaps, and their places in `Names.flat`."""


class Names(NamedTuple):
    """Of each level the rows' names as JSON: for machines, for people, and for people without the quotes.

    Attributes:
        flat: all of them.
        token: of these names alone; the same for households whose rows are called, and belong together, alike.
    """

    ids: list[list[bytes]]
    who: list[list[bytes]]
    inner: list[list[bytes]]
    flat: list[bytes]
    token: bytes


def _names(ids: list[list[bytes]], who: list[list[bytes]], inner: list[list[bytes]], token: bytes) -> Names:
    return Names(ids, who, inner, [name for part in (ids, who, inner) for level in part for name in level], token)


@lru_cache(maxsize=64)
def marks(rows: tuple[int, ...]) -> Names:
    """Marks in the place of names for households of one shape; the household itself has no name."""
    starts = [sum(rows[:level]) for level in range(len(rows))]
    ids, who, inner = (
        [
            [b"\x01%d\x02" % (part * sum(rows) + start + row) for row in range(count)]
            for start, count in zip(starts, rows, strict=True)
        ]
        for part in range(3)
    )
    ids[0], who[0], inner[0] = [b'""'], [b'""'], [b""]
    return _names(ids, who, inner, b"")


def named(entry: bytes) -> Named:
    """An entry made with marks, cut there."""
    parts = _MARK.split(entry)
    return entry if len(parts) == 1 else (parts, tuple(map(int, parts[1::2])))


def put(entry: Named, flat: list[bytes]) -> bytes:
    """An entry with the names of a household."""
    if isinstance(entry, bytes):
        return entry
    parts, places = entry
    parts = parts.copy()
    parts[1::2] = [flat[place] for place in places]
    return b"".join(parts)


class Scene:
    """What every part of a plan looks at.

    Attributes:
        keys, cuts: the states of all parts, and where each lies in them.
        ids, who, inner: as in `Names`.
        member_of: the member of each supporter and each transfer.
        left: whether each member, assessed alone, left the household.
    """

    __slots__ = (
        "_marked", "cuts", "found", "household", "ids", "inner", "keys", "left", "member_of", "names", "who",
    )  # fmt: skip

    def __init__(
        self, names: Names, household: Household, found: Found, left: bytes, cuts: Cuts, keys: bytes = b""
    ) -> None:
        self.household, self.found, self.left, self.cuts = household, found, left, cuts
        self.member_of = (range(1), range(found.rows[1]), household.supporters, household.transfers)
        self.names = names
        self.ids, self.who, self.inner = names.ids, names.who, names.inner
        self.keys = keys or cuts.gathered(found)
        self._marked: Scene | None = None

    def marked(self) -> Scene:
        """The same with marks in the place of names."""
        if self._marked is None:
            names = marks(self.found.rows)
            self._marked = Scene(names, self.household, self.found, self.left, self.cuts, self.keys)
        return self._marked


class Namer:
    """Names rows in one language; what rows are called is remembered."""

    def __init__(self, told: Told, room: Room) -> None:
        self._known: Memory[Names] = Memory(room)
        self._tokens = itertools.count()
        self._member = _around(told.say("explain.who_member", member="\0"))
        self._supporter = _around(told.say("explain.who_supporter", member="\0", own="\1"))
        self._transfer = _around(told.say("explain.who_transfer", member="\0", own="\1"))

    def scene(self, household: Household, found: Found, left: bytes, gathering: Gathering) -> Scene:
        """A household with the names of all its rows."""
        return Scene(self.names(household), household, found, left, gathering.cuts(found))

    def names(self, household: Household) -> Names:
        """The names of all rows of a household."""
        key = (
            tuple(household.member_ids), tuple(household.supporters), tuple(household.supporter_ids),
            tuple(household.transfers),
        )  # fmt: skip
        found = self._known.get(key)
        if found is not None:
            return found
        rows = sum(map(len, key))
        return self._known.keep(key, self._named(household), OF_NAME * (1 + rows))

    def _named(self, household: Household) -> Names:
        members = [dumps(member)[1:-1] for member in household.member_ids]
        supporters = [
            (members[member], dumps(own)[1:-1])
            for member, own in zip(household.supporters, household.supporter_ids, strict=True)
        ]
        counts = [0] * len(members)
        transfers = []
        for member in household.transfers:
            counts[member] += 1
            transfers.append((members[member], b"%d" % counts[member]))
        inner = [
            [b""],
            [self._member % {b"0": member} for member in members],
            [self._supporter % {b"0": member, b"1": own} for member, own in supporters],
            [self._transfer % {b"0": member, b"1": number} for member, number in transfers],
        ]
        ids = [[b""], members, [b"%b/%b" % names for names in supporters], [b"%b#%b" % names for names in transfers]]
        return _names(_quoted(ids), _quoted(inner), inner, b"%d:" % next(self._tokens))


def _around(sentence: str) -> bytes:
    """A sentence as a form of JSON without its quotes, with places for the names in it."""
    form = dumps(sentence)[1:-1].replace(b"%", b"%%")
    return form.replace(rb"\u0000", b"%(0)b").replace(rb"\u0001", b"%(1)b")


def _quoted(levels: list[list[bytes]]) -> list[list[bytes]]:
    return [[b'"%b"' % name for name in level] for level in levels]
