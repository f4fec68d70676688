"""One form of an explanation as a kernel writes it (`engine.kernels_page`): laid out once for each shape.

A part whose state was not seen yet is made in Python and learned; then the kernel runs again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np

from hardship.engine import kernels_page as kernels
from hardship.engine import kernels_texts
from hardship.single import parts
from hardship.single.book import MOST_BYTES, Book
from hardship.single.household import Asked, Household
from hardship.single.record import Found
from hardship.single.scan_told import Slots
from hardship.single.scene import Names, Scene, marks, row_marks
from hardship.single.show import inside
from hardship.single.states import Cut, Gathering
from hardship.single.texts import Array, Numbers, Page, Written, cut

MOST_SHAPE_BYTES = 16 << 20
NO_BYTES = np.frombuffer(b"\0", np.uint8)
START = 1 << 15  # bytes of the first answer; later ones begin with what the largest took
Source = tuple[parts.Shown | parts.RowsShown | parts.FactShown, int]
"""What makes a part, and for which row."""


class Shape:
    """Where everything lies for households with so many members, supporters and transfers.

    Attributes:
        index: which bytes of a run's memory are gathered, in the order of `cuts`.
        asked: the cells of facts. `labels`: what they are; `specs`: of the texts of those that are no labels.
        numbers: of what was found. `count`: of all texts, of facts too.
        ops: of the kernel. `sources`: of those that are parts, by their number.
    """

    __slots__ = ("asked", "count", "index", "labels", "numbers", "ops", "room", "sources", "specs")

    def __init__(self, sheet: Sheet, found: Found, page: Page) -> None:
        index, cuts = sheet.gathering.cuts(found)
        self.index, self.numbers = np.array(index, np.intp), Numbers(page, found)
        self.sources: dict[int, Source] = {}
        ops: list[list[int]] = []
        places: list[tuple[int, int, str]] = []
        labels: list[tuple[int, int, int]] = []
        specs: list[list[int]] = []
        self.count = self.numbers.count
        starts = [sum(found.rows[:level]) for level in range(len(found.rows))]

        def names(level: int, row: int) -> tuple[int, int]:
            own = starts[level] + row
            return own, own + sum(found.rows)

        def part(source: Source, key: Cut, *op: int) -> None:
            self.sources[len(ops)] = source
            ops.append([kernels.PART, *key, *op])

        for salt, piece in enumerate(sheet.pieces):
            match piece:
                case parts.Shown():
                    (key,) = cuts[piece.states.number]
                    part((piece, 0), key, salt, 0, -1, -1, piece.entry, piece.when)
                case parts.RowsShown():
                    for row, key in enumerate(cuts[piece.states.number]):
                        base = self.numbers.row(piece.level, row)
                        part((piece, row), key, salt, base, *names(piece.level, row), 1, 0)
                case parts.FactShown():
                    spec = piece.fact.spec(short=piece.short)
                    for row in range(found.rows[piece.fact.level]):
                        at = len(index) + kernels.OF_FACT * len(places)
                        own = names(piece.fact.level, row)
                        part((piece, len(places)), (at, at + kernels.OF_FACT), salt, self.count, *own, 1, 0)
                        if spec is not None:
                            specs.append([len(places), *spec, *sheet.around[piece.fact.suffix]])
                            self.count += 3 if specs[-1][kernels_texts.FORM] == kernels_texts.AS_JSON else 1
                        places.append((piece.fact.level, row, piece.fact.attribute.name))
                        labels.append(sheet.label(piece))
                case _:
                    ops.append(sheet.fixed(piece, cuts, self.numbers))
        self.ops = np.array(ops, np.int64).reshape(-1, kernels.OP)
        self.asked = Asked(places, sheet.slots)
        self.labels = np.array(labels, np.int64).reshape(-1, 3)
        self.specs = np.array(specs, np.int64).reshape(-1, kernels_texts.WIDTH)
        self.room = self.numbers.room + len(specs) * (kernels_texts.OF_NUMBER + sheet.longest)

    @property
    def nbytes(self) -> int:
        """About how much memory this takes."""
        return 4 * self.ops.nbytes + self.index.nbytes + self.numbers.nbytes + 2 * self.specs.nbytes


class Sheet:
    """One form of an explanation.

    Attributes:
        pieces: in order.
        book: what was learned of its parts.
        slots: of the attributes whose facts are shown.
        around: where the words after a fact's number stand in `pool`: place and size, twice; `longest`: of them.
    """

    def __init__(self, gathering: Gathering, pieces: Sequence[parts.Piece], slots: Slots) -> None:
        self.gathering, self.slots = gathering, slots
        self.pieces = _together(pieces)
        self.book = Book()
        self.given = list(dict.fromkeys(piece.name for piece in pieces if isinstance(piece, parts.Given)))
        for piece in pieces:
            if isinstance(piece, parts.Number):
                gathering.number(piece.text)
        fixed = list(dict.fromkeys(piece for piece in self.pieces if isinstance(piece, bytes)))
        self._at = dict(zip(fixed, accumulate(map(len, fixed), initial=0), strict=False))
        self._fixed = np.frombuffer(b"".join(fixed), np.uint8)
        words = {piece.fact.suffix: piece.fact.suffix_json for piece in pieces if isinstance(piece, parts.FactShown)}
        self._codes: dict[str, tuple[int, int]] = {}
        titles: list[tuple[int, int]] = []
        pool = b" " + b"".join(words.values())
        for piece in pieces:
            if isinstance(piece, parts.FactShown):
                begin = len(titles)
                for code in piece.fact.codes(short=piece.short):
                    titles.append((len(pool), len(inside(code))))
                    pool += inside(code)
                self._codes[piece.fact.attribute.name] = begin, len(titles)
        self._titles = np.array(titles, np.int64).reshape(-1, 2)
        self._pool = np.frombuffer(pool, np.uint8)
        begins = accumulate(map(len, words.values()), initial=1)
        self.around = {
            suffix: (begin, len(text), begin, 0) for (suffix, text), begin in zip(words.items(), begins, strict=False)
        }
        self.longest = max(map(len, words.values()), default=0)
        self._page: Page | None = None
        self._shapes: dict[tuple[int, ...], Shape] = {}
        self._used = 0
        self._room = START

    def fixed(self, piece: parts.Piece, cuts: list[list[Cut]], numbers: Numbers) -> list[int]:
        """The op of a piece that is no part."""
        match piece:
            case bytes():
                op = [kernels.FIXED, self._at[piece], len(piece)]
            case parts.Given():
                op = [kernels.GIVEN, self.given.index(piece.name), 0]
            case parts.Number():
                op = [kernels.TEXT, numbers.at(piece.text, 0) + piece.part, 0]
            case parts.Either():
                op = [kernels.EITHER, *cuts[piece.states.number][0]]
            case _:
                op = [kernels.OPEN, 0, 0]
        return [*op, *[0] * (kernels.OP - len(op))]

    def label(self, piece: parts.FactShown) -> tuple[int, int, int]:
        """What a fact is for `kernels.gathered`."""
        begin, end = self._codes[piece.fact.attribute.name]
        kind = kernels.LABEL if piece.fact.spec(short=piece.short) is None else kernels.PLAIN
        return kernels.CODE if begin < end else kind, begin, end

    def shape(self, found: Found) -> Shape:
        """Where everything lies for such households."""
        shape = self._shapes.get(found.rows)
        if shape is None:
            if self._page is None:
                self._page = Page(self.gathering.texts)
            shape = Shape(self, found, self._page)
            self._used += shape.nbytes
            if self._used > MOST_SHAPE_BYTES:
                self._shapes.clear()
                self._used = shape.nbytes
            self._shapes[found.rows] = shape
        return shape

    def scene(self, names: Names, household: Household, found: Found, left: bytes) -> Scene:
        """A household with all its texts."""
        shape = self.shape(found)
        cells, codes = household.cells(shape.asked)
        cells.setflags(write=False)  # as the words of a run: the kernel is then compiled once
        starts = np.empty(shape.count + 1, np.int64)
        out = np.empty(shape.room + codes.size, np.uint8)
        out, end = shape.numbers.write(found, codes, out, starts)
        kernels_texts.write(cells, NO_BYTES, shape.specs, self._pool, codes, out, end, starts, shape.numbers.count)
        return Scene(names, household, found, left, shape.numbers, Written(out, starts), cells, codes)

    def filled(self, scene: Scene, given: Mapping[str, bytes], outcome: int) -> bytes:
        """The JSON.

        Args:
            given: of every `Given` piece.
            outcome: its number; 0: incomplete.
        """
        shape, written, cells, names = self.shape(scene.found), scene.texts, scene.cells, scene.names.flat
        assert isinstance(written, Written)
        keys = np.empty(shape.index.size + kernels.OF_FACT * cells.size, np.uint8)
        kernels.gathered(
            np.frombuffer(scene.found.memory, np.uint8), shape.index, cells, shape.labels, scene.codes, self._titles,
            self._pool, keys,
        )  # fmt: skip
        more = [*names, *(given[name] for name in self.given)]
        more_at = np.fromiter(accumulate(map(len, more), initial=0), np.int64, len(more) + 1)
        together = np.frombuffer(b"".join(more), np.uint8)
        missed = np.empty(len(shape.ops), np.int64)
        book = self.book
        while True:
            out = np.empty(self._room, np.uint8)
            with book.lock:
                size, lost = kernels.page(
                    shape.ops, self._fixed, keys, written.out, written.starts, together, more_at, len(names), outcome,
                    book.entries, book.pieces, book.heap, out, missed,
                )  # fmt: skip
            if lost:
                self._learn(book, scene, shape, keys, missed[:lost].tolist(), outcome)
            elif size < 0:
                self._room *= 2
            else:
                break
        if book.used > MOST_BYTES:
            self.book = Book()
        return out[:size].tobytes()

    def _learn(self, book: Book, scene: Scene, shape: Shape, keys: Array, missed: list[int], outcome: int) -> None:
        """Make parts that are not known yet."""
        whole = scene.marked(marks(scene.found.rows), shape.numbers.marks())
        whole.outcome = outcome
        by_row = scene.marked(row_marks(scene.found.rows), shape.numbers.row_marks())
        for number in missed:
            piece, row = shape.sources[number]
            op = shape.ops[number].tolist()
            salt = op[kernels.SALT]
            match piece:
                case parts.Shown():
                    made = piece.make(whole)
                    salt += outcome * kernels.TOLD if piece.when else 0
                case parts.RowsShown():
                    made = piece.make(by_row, row)
                case parts.FactShown():
                    state = int.from_bytes(keys[op[kernels.A] : op[kernels.B]].tobytes(), "little")
                    made = piece.fact.entry(state, short=piece.short)
            book.learn(keys, op[kernels.A], op[kernels.B], salt, cut(made))


def _together(pieces: Sequence[parts.Piece]) -> list[parts.Piece]:
    """The same with runs of fixed JSON as one."""
    found: list[parts.Piece] = []
    for piece in pieces:
        if isinstance(piece, bytes) and found and isinstance(found[-1], bytes):
            found[-1] += piece
        elif piece != b"":
            found.append(piece)
    return found
