"""What stores hold, gathered into one run of bytes: a part of an explanation is known by its slice of them.

Every part says once which stores it shows. For a shape (how many members, supporters, transfers) one index array takes
the bytes of all parts out of a run's memory, part after part, so that the key of a part is a slice. Equal slices are
shown alike, up to the names of rows and the texts of numbers that decide nothing: these are put in afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hardship.single.lanes import SHAPE_BYTES
from hardship.single.record import Found

if TYPE_CHECKING:
    from hardship.single.show import Ref
    from hardship.single.texts import Text

WORD = 8
Cut = tuple[int, int]
"""Where a key begins and ends."""


class States:
    """Some stores whose contents together make a key: with all rows, or row by row where all are of one level."""

    __slots__ = ("by_row", "number", "refs")

    def __init__(self, number: int, refs: Sequence[Ref], *, by_row: bool) -> None:
        self.number, self.refs, self.by_row = number, refs, by_row


class Gathering:
    """All parts of one form of an explanation.

    Attributes:
        texts: of all numbers that are shown.
    """

    def __init__(self) -> None:
        self.parts: list[States] = []
        self._texts: list[Text] = []

    def states(self, refs: Sequence[Ref | None], *, by_row: bool = False) -> States:
        """One more part."""
        self.parts.append(States(len(self.parts), [ref for ref in refs if ref is not None], by_row=by_row))
        return self.parts[-1]

    def number(self, text: Text) -> None:
        """One more number that is shown wherever it is."""
        self._texts.append(text)

    @property
    def texts(self) -> list[Text]:
        """See above; complete once the program is bound."""
        return [*self._texts, *(text for part in self.parts for ref in part.refs for text in ref.texts)]

    def cuts(self, found: Found) -> tuple[list[int], list[list[Cut]]]:
        """Which bytes of a run's memory are gathered, and each part's slice of them: of a part by row one a row."""
        index: list[int] = []
        cuts = []
        shape = range(len(found.memory) - SHAPE_BYTES, len(found.memory))
        for part in self.parts:
            cells = list(dict.fromkeys((ref.level, *cell) for ref in part.refs for cell in ref.parts()))
            levels = {ref.level for ref in part.refs}
            own = []
            for row in range(found.rows[next(iter(levels))]) if part.by_row else [-1]:
                begin = len(index)
                if row < 0 and any(levels):
                    index += shape
                for level, output, word in cells:
                    first, count = (row, 1) if part.by_row else (0, found.rows[level])
                    index += _bytes(found, output, first, count, word=word)
                own.append((begin, len(index)))
            cuts.append(own)
        return index, cuts


def _bytes(found: Found, output: int, row: int, count: int, *, word: bool) -> range:
    """The bytes of an output's rows in a run's memory."""
    first = found.at[output] + row
    if word:
        return range(WORD * first, WORD * (first + count))
    return range(found.words.nbytes + first, found.words.nbytes + first + count)
