"""One household while its explanation is filled in: its results, its rows and what they are called.

What is remembered of one household is shown for others, so that it is made with marks where names of rows stand.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from hardship.explaining.view import Told
from hardship.reading.cells import MAX_ID
from hardship.single.household import Household
from hardship.single.record import Found
from hardship.single.show import dumps
from hardship.single.states import Cuts, Gathering, Memory, Room
from hardship.single.texts import Text, mark

OF_NAME = 16 * MAX_ID  # bytes of all forms of a row's name, generously


class Names(NamedTuple):
    """Of each level the rows' names as JSON: for machines, for people, and for people without the quotes.

    Attributes:
        flat: all of them.
    """

    ids: list[list[bytes]]
    who: list[list[bytes]]
    inner: list[list[bytes]]
    flat: list[bytes]


def _names(ids: list[list[bytes]], who: list[list[bytes]], inner: list[list[bytes]]) -> Names:
    return Names(ids, who, inner, [name for part in (ids, who, inner) for level in part for name in level])


@lru_cache(maxsize=64)
def marks(rows: tuple[int, ...]) -> Names:
    """Marks in the place of names for households of one shape; the household itself has no name."""
    starts = [sum(rows[:level]) for level in range(len(rows))]
    ids, who, inner = (
        [
            [mark(part * sum(rows) + start + row) for row in range(count)]
            for start, count in zip(starts, rows, strict=True)
        ]
        for part in (-3, -2, -1)
    )
    ids[0], who[0], inner[0] = [b'""'], [b'""'], [b""]
    return _names(ids, who, inner)


@lru_cache(maxsize=64)
def row_marks(rows: tuple[int, ...]) -> Names:
    """The same for parts by row: in every row the marks are alike."""
    every = [[[mark(place)] * count for count in rows] for place in (-2, -1, -1)]
    for part in every:
        part[0] = [b'""']
    every[2][0] = [b""]
    return _names(every[0], every[1], every[2])


class Scene:
    """What every part of a plan looks at.

    Attributes:
        cuts: where the state of each part lies in `keys`.
        ids, who, inner: as in `Names`.
        member_of: the member of each supporter and each transfer.
        left: whether each member, assessed alone, left the household.
        texts: of all numbers (`texts.Page`).
    """

    __slots__ = (
        "_flat", "_keys", "_marked", "_marked_rows", "_rows", "_texts", "cuts", "found", "household", "ids", "inner",
        "left", "member_of", "names", "who",
    )  # fmt: skip

    def __init__(
        self, names: Names, household: Household, found: Found, left: bytes, cuts: Cuts, keys: bytes = b"",
        texts: list[bytes] | None = None,
    ) -> None:  # fmt: skip
        self.household, self.found, self.left, self.cuts = household, found, left, cuts
        self.member_of = (range(1), range(found.rows[1]), household.supporters, household.transfers)
        self.names = names
        self.ids, self.who, self.inner = names.ids, names.who, names.inner
        self._keys = keys
        self._texts, self._flat = texts, list[bytes]()
        self._rows: list[list[list[bytes]] | None] = [None] * 4
        self._marked: Scene | None = None
        self._marked_rows: Scene | None = None

    @property
    def keys(self) -> bytes:
        """The states of all parts."""
        if not self._keys:
            self._keys = self.cuts.gathered(self.found)
        return self._keys

    @property
    def texts(self) -> list[bytes]:
        """Of all numbers (`texts.Page`)."""
        if self._texts is None:
            self._texts = self.cuts.numbers.written(self.found)
        return self._texts

    @property
    def flat(self) -> list[bytes]:
        """What is put in the place of marks: the texts of numbers, and from the end the names."""
        return self._flat or self._flattened()

    def _flattened(self) -> list[bytes]:
        self._flat = self.texts + self.names.flat
        return self._flat

    def three(self, text: Text, row: int = 0) -> tuple[bytes, bytes, bytes]:
        """The texts of a number at a row."""
        place = self.cuts.numbers.at(text, row)
        value, exact, told = self.texts[place : place + 3]
        return value, exact, told

    def text(self, text: Text, row: int = 0) -> bytes:
        """The one text of a number at a row."""
        return self.texts[self.cuts.numbers.at(text, row)]

    def row_flats(self, level: int) -> list[list[bytes]]:
        """The same for each row of a level alone: its numbers, its id, and what it is called."""
        found = self._rows[level]
        if found is None:
            texts, of_row = self.texts, self.cuts.numbers.row
            found = self._rows[level] = [
                [*texts[of_row(level, row)], own, who]
                for row, (own, who) in enumerate(zip(self.ids[level], self.who[level], strict=True))
            ]
        return found

    def marked(self) -> Scene:
        """The same with marks in the place of names and numbers."""
        if self._marked is None:
            self._marked = self._with(marks(self.found.rows), self.cuts.numbers.marks())
        return self._marked

    def marked_rows(self) -> Scene:
        """The same for parts by row."""
        if self._marked_rows is None:
            self._marked_rows = self._with(row_marks(self.found.rows), self.cuts.numbers.row_marks())
        return self._marked_rows

    def _with(self, names: Names, texts: list[bytes]) -> Scene:
        return Scene(names, self.household, self.found, self.left, self.cuts, self.keys, texts)


class Namer:
    """Names rows in one language; what rows are called is remembered."""

    def __init__(self, told: Told, room: Room) -> None:
        self._known: Memory[Names] = Memory(room)
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
        return _names(_quoted(ids), _quoted(inner), inner)


def _around(sentence: str) -> bytes:
    """A sentence as a form of JSON without its quotes, with places for the names in it."""
    form = dumps(sentence)[1:-1].replace(b"%", b"%%")
    return form.replace(rb"\u0000", b"%(0)b").replace(rb"\u0001", b"%(1)b")


def _quoted(levels: list[list[bytes]]) -> list[list[bytes]]:
    return [[b'"%b"' % name for name in level] for level in levels]
