"""One household while its explanation is filled in: its results, its rows and what they are called.

What is learned of one household is shown for others, so that it is made with marks where names of rows stand.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from hardship.explaining.view import Told
from hardship.single.household import Household
from hardship.single.record import Found
from hardship.single.show import dumps
from hardship.single.texts import Array, Numbers, Text, Written, mark

NO_CELLS, NO_CODES = np.empty(0, np.int64), np.empty(0, np.uint8)


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
        ids, who, inner: as in `Names`.
        member_of: the member of each supporter and each transfer.
        left: whether each member, assessed alone, left the household.
        numbers: where the texts of numbers lie. `texts`: all of them; marks where a part is made to be learned.
        cells, codes: facts, as the sheet asks for them.
        outcome: its number, where a part is made to be learned.
    """

    __slots__ = (
        "cells", "codes", "found", "household", "ids", "inner", "left", "member_of", "names", "numbers", "outcome",
        "texts", "who",
    )  # fmt: skip

    def __init__(
        self, names: Names, household: Household, found: Found, left: bytes, numbers: Numbers,
        texts: Written | list[bytes], cells: Array = NO_CELLS, codes: Array = NO_CODES,
    ) -> None:  # fmt: skip
        self.household, self.found, self.left = household, found, left
        self.member_of = (range(1), range(found.rows[1]), household.supporters, household.transfers)
        self.names = names
        self.ids, self.who, self.inner = names.ids, names.who, names.inner
        self.numbers, self.texts, self.cells, self.codes = numbers, texts, cells, codes
        self.outcome = 0

    def three(self, text: Text, row: int = 0) -> tuple[bytes, bytes, bytes]:
        """The texts of a number at a row."""
        place, texts = self.numbers.at(text, row), self.texts
        return texts[place], texts[place + 1], texts[place + 2]

    def text(self, text: Text, row: int = 0) -> bytes:
        """The one text of a number at a row."""
        return self.texts[self.numbers.at(text, row)]

    def marked(self, names: Names, texts: list[bytes]) -> Scene:
        """The same with marks in the place of names and numbers."""
        return Scene(names, self.household, self.found, self.left, self.numbers, texts)


class Namer:
    """Names rows in one language."""

    def __init__(self, told: Told) -> None:
        self._member = _around(told.say("explain.who_member", member="\0"))
        self._supporter = _around(told.say("explain.who_supporter", member="\0", own="\1"))
        self._transfer = _around(told.say("explain.who_transfer", member="\0", own="\1"))

    def names(self, household: Household) -> Names:
        """The names of all rows of a household."""
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
