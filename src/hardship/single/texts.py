"""The numbers that an explanation shows, written all at once by a kernel (`engine.kernels_texts`).

A part of an explanation is made once for all households whose numbers alone differ, with marks in the place of numbers
and names; the texts of a household are then put into the holes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hardship.engine import kernels_texts as kernels
from hardship.engine.kernels_page import NO_HOLE
from hardship.engine.kernels_texts import AS_JSON, EXACT, PLAIN, ROUNDED, WORDS
from hardship.explaining.values import half_up
from hardship.single import numbers

if TYPE_CHECKING:
    from hardship.single.record import Found
    from hardship.single.show import Ref

Array = npt.NDArray[Any]
_MARK = re.compile(rb"\x01(-?[0-9]+)\x02")  # neither stands in JSON


def mark(place: int) -> bytes:
    """What stands for a text until it is put in; places from the end are negative."""
    return b"\x01%d\x02" % place


@lru_cache(maxsize=256)
def marks(count: int) -> list[bytes]:
    """A mark for each of so many texts."""
    return [mark(place) for place in range(count)]


def cut(entry: bytes) -> list[tuple[bytes, int]]:
    """An entry made with marks: what stands before each hole, and the hole (`NO_HOLE`: none after the last)."""
    parts = _MARK.split(entry)
    holes = [*map(int, parts[1::2]), NO_HOLE]
    return [(part, hole) for part, hole in zip(parts[::2], holes, strict=True) if part or hole != NO_HOLE]


class Text:
    """One number that is shown at every row of a level.

    Args:
        ref: where it is stored; times `1 / over`.
        less: taken off, if any; both of the household.
        money: the power of money in its unit.
        form: `AS_JSON`: as a finite decimal, exactly, and as people read it with the first of `around` after it, each
            in quotes; `PLAIN`: as people read it, between the two where it begins with a minus; `WORDS`: the third of
            `AS_JSON` without quotes; `EXACT`, `ROUNDED + n`: exactly, or with n decimals, in quotes, or `null`.
    """

    __slots__ = ("around", "form", "less", "money", "over", "ref")

    def __init__(
        self, ref: Ref, money: int, around: tuple[bytes, bytes], *, form: int = AS_JSON, less: Ref | None = None,
        over: int = 1,
    ) -> None:  # fmt: skip
        self.ref, self.money, self.around, self.form, self.less, self.over = ref, money, around, form, less, over

    @property
    def count(self) -> int:
        """How many texts it has at a row."""
        return 3 if self.form == AS_JSON else 1

    def alike(self) -> tuple[Any, ...]:
        """The same for those that are always shown alike."""
        less = "" if self.less is None else self.less.name
        return self.ref.level, self.ref.name, less, self.money, self.around, self.form, self.over

    def spec(self) -> list[int]:
        """What the kernel needs, with outputs in the place of cells, and but for where `around` stands."""
        less = [-1, 0, -1, -1, 1, 1] if self.less is None else self.less.spec(1)
        return [*self.ref.spec(self.over), *less, self.money, self.form]

    def anew(self, found: Found, row: int) -> list[bytes]:
        """The same texts in numbers of any size."""
        value, den = self.ref.fraction(self.ref.key(found, row))
        den *= self.over
        if self.less is not None:
            off, of = self.less.fraction(self.less.key(found))
            value, den = value * of - off * den, den * of
        if self.form >= ROUNDED:
            return [b'"%b"' % half_up(Fraction(value, den), self.form - ROUNDED).encode()]
        decimal, exact, text = (part.encode() for part in numbers.shown(value, den, self.money))
        if self.form == EXACT:
            return [b'"%b"' % exact]
        if self.form == WORDS:
            return [text + self.around[0]]
        if self.form == PLAIN:
            return [text.join(self.around) if text.startswith("−".encode()) else text]
        return [b'"%b"' % decimal, b'"%b"' % exact, b'"%b%b"' % (text, self.around[0])]


class Page:
    """All texts of one form of an explanation, in order: the household's, then of each level row by row.

    Attributes:
        widths: texts in a row of each level.
        place: of each text, or its first, within its row.
    """

    def __init__(self, texts: Sequence[Text]) -> None:
        self.place: dict[Text, int] = {}
        self.widths = [0] * 4
        known: dict[tuple[Any, ...], int] = {}
        self.levels: list[list[Text]] = [[], [], [], []]
        specs: list[list[list[int]]] = [[], [], [], []]
        pool = bytearray(b" ")
        for text in texts:
            key, level = text.alike(), text.ref.level
            if key not in known:
                known[key] = self.widths[level]
                self.widths[level] += text.count
                spec = text.spec()
                for part in text.around:
                    spec += [len(pool), len(part)]
                    pool += part
                self.levels[level].append(text)
                specs[level].append(spec)
            self.place[text] = known[key]
        self.specs = [np.array(spec, np.int64).reshape(-1, kernels.WIDTH) for spec in specs]
        self.pool = np.frombuffer(bytes(pool), np.uint8)
        longest = max((len(part) for text in texts for part in text.around), default=0)
        self.room = kernels.OF_NUMBER + 2 * longest


class Written:
    """The texts of one household.

    Attributes:
        out: one after the other; `starts`: where each begins, and where the last ends.
    """

    __slots__ = ("_bytes", "_places", "out", "starts")

    def __init__(self, out: Array, starts: Array) -> None:
        self.out, self.starts = out, starts
        self._bytes, self._places = out.data, starts.data

    def __getitem__(self, place: int) -> bytes:
        return bytes(self._bytes[self._places[place] : self._places[place + 1]])


class Numbers:
    """Where the texts of a page lie for one shape.

    Attributes:
        starts: of each level, its first text.
        count: of all texts.
        nbytes: about how much memory this takes.
    """

    __slots__ = ("_page", "_rows", "_specs", "count", "nbytes", "starts")

    def __init__(self, page: Page, found: Found) -> None:
        self._page, self._rows = page, found.rows
        at = np.array(found.at, np.int64)
        self.starts, self.count = [0] * 4, 0
        blocks = []
        for level, spec in enumerate(page.specs):
            self.starts[level] = self.count
            self.count += found.rows[level] * page.widths[level]
            block = np.repeat(spec[None], found.rows[level], axis=0)
            rows = np.arange(found.rows[level])[:, None]
            for first in (0, kernels.LESS):
                for column in (first + kernels.CELL, first + kernels.VALID, first + kernels.DIVISOR):
                    outputs = block[:, :, column]
                    block[:, :, column] = np.where(outputs >= 0, at[outputs] + rows, -1)
            blocks.append(block.reshape(-1, kernels.WIDTH))
        self._specs = np.concatenate(blocks)
        self.nbytes = self._specs.nbytes

    def at(self, text: Text, row: int) -> int:
        """The place of a text, or of its first, at a row."""
        level = text.ref.level
        return self.starts[level] + row * self._page.widths[level] + self._page.place[text]

    def row(self, level: int, row: int) -> int:
        """Where the texts of a row begin."""
        return self.starts[level] + row * self._page.widths[level]

    def marks(self) -> list[bytes]:
        """A mark for each text."""
        return marks(self.count)

    def row_marks(self) -> list[bytes]:
        """For each text the mark of its place within its row."""
        widths = self._page.widths
        return [
            one for width, rows in zip(widths, self._rows, strict=True) for _ in range(rows) for one in marks(width)
        ]

    @property
    def room(self) -> int:
        """Bytes that all texts take at most."""
        return len(self._specs) * self._page.room

    def write(self, found: Found, codes: Array, out: Array, starts: Array) -> tuple[Array, int]:
        """Write every text of one household; where they are (`out`, if it held them), and where the last ends."""
        memory = np.frombuffer(found.memory, np.uint8)
        end = found.words.nbytes
        words, small = memory[:end].view(np.int64), memory[end:]
        size, failed = kernels.write(words, small, self._specs, self._page.pool, codes, out, 0, starts, 0)
        return self._mended(found, out, starts) if failed else (out, size)

    def _mended(self, found: Found, out: Array, starts: Array) -> tuple[Array, int]:
        """The same with the texts of numbers that are too large for the kernel."""
        raw, ends = out.tobytes(), starts[: self.count + 1].tolist()
        texts = [raw[begin:end] for begin, end in pairwise(ends)]
        place = 0
        for own, rows in zip(self._page.levels, self._rows, strict=True):
            for row in range(rows):
                for text in own:
                    if texts[place] == b"\1":
                        texts[place : place + text.count] = text.anew(found, row)
                    place += text.count
        starts[1 : self.count + 1] = np.cumsum([len(text) for text in texts])
        mended = b"".join(texts)
        return np.frombuffer(mended + bytes(out.size), np.uint8).copy(), len(mended)
