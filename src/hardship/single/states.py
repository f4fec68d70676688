"""What stores hold, gathered into one run of bytes: a part of an explanation is remembered by its slice of them.

Every part says once which stores it shows. For a shape (how many members, supporters, transfers) one index array takes
the bytes of all parts out of a run's memory, part after part, so that the key of a part is a slice. Equal slices are
shown alike, up to the names of rows and the texts of numbers that decide nothing: these are put in afterwards.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from hardship.single.lanes import SHAPE_BYTES
from hardship.single.record import Found
from hardship.single.texts import Named, Numbers, Page, put

if TYPE_CHECKING:
    from hardship.single.scene import Scene
    from hardship.single.show import Ref

Made = TypeVar("Made")
MOST_BYTES = 16 << 20
MOST_INDEX_BYTES = 16 << 20
WORD = 8
OF_ENTRY, OF_OBJECT = 100, 50  # bytes


class Room:
    """What all memories of one plan hold together; where it is full, the largest of them is emptied.

    Attributes:
        used: bytes held, at most `most`.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self.most, self.used = most, 0
        self.memories: list[Memory[Any]] = []
        self._lock = threading.Lock()

    def take(self, memory: Memory[Any], size: int) -> bool:
        """Make room for one more entry; False if it is larger than the room."""
        with self._lock:
            while self.used + size > self.most and self.used:
                largest = max(self.memories, key=lambda one: one.used)
                self.used -= largest.used
                largest.used = 0
                largest.known.clear()
            if self.used + size > self.most:
                return False
            self.used += size
            memory.used += size
        return True


class Memory(Generic[Made]):
    """What was made before, by key.

    Attributes:
        get: what is known of a key, else None.
    """

    __slots__ = ("_room", "get", "known", "used")

    def __init__(self, room: Room) -> None:
        self._room, self.used = room, 0
        self.known: dict[Any, Made] = {}
        self.get = self.known.get
        room.memories.append(self)

    def keep(self, key: Any, made: Made, size: int = 0) -> Made:
        """Remember what was made, and give it back; `size`: at least its bytes, where that is known."""
        if self._room.take(self, size or OF_ENTRY + cost(key) + cost(made)):
            self.known[key] = made
        return made


def cost(made: Any) -> int:
    """Roughly the bytes that something takes."""
    kind = type(made)
    if kind is bytes:
        return OF_OBJECT + len(made)
    if kind is str:
        return OF_OBJECT + 2 * len(made)
    if isinstance(made, tuple | list):
        size = OF_OBJECT
        for part in made:
            size += 8 + cost(part)
        return size
    return OF_OBJECT


class States:
    """Some stores whose contents together make a key: with all rows, or row by row where all are of one level."""

    __slots__ = ("by_row", "number", "refs")

    def __init__(self, number: int, refs: Sequence[Ref], *, by_row: bool) -> None:
        self.number, self.refs, self.by_row = number, refs, by_row


class Cuts:
    """Where the parts lie for one shape.

    Attributes:
        index: which bytes of a run's memory are gathered.
        parts: each part's slice of what is gathered; `rows`: of a part by row, one slice for each.
        numbers: where the texts of numbers lie.
    """

    __slots__ = ("index", "numbers", "parts", "rows")

    def __init__(
        self, index: npt.NDArray[np.intp], parts: list[slice], rows: list[list[slice]], numbers: Numbers
    ) -> None:
        self.index, self.parts, self.rows, self.numbers = index, parts, rows, numbers

    def gathered(self, found: Found) -> bytes:
        """The bytes of all parts."""
        return np.frombuffer(found.memory, np.uint8).take(self.index).tobytes()


class Gathering:
    """All parts of one form of an explanation."""

    def __init__(self) -> None:
        self._parts: list[States] = []
        self._shapes: dict[tuple[int, ...], Cuts] = {}
        self._page: Page | None = None
        self._used = 0

    def states(self, refs: Sequence[Ref | None], *, by_row: bool = False) -> States:
        """One more part."""
        self._parts.append(States(len(self._parts), [ref for ref in refs if ref is not None], by_row=by_row))
        return self._parts[-1]

    def cuts(self, found: Found) -> Cuts:
        """Where the parts lie in what such a run found."""
        cuts = self._shapes.get(found.rows)
        if cuts is None:
            cuts = self._cut(found)
            size = cuts.index.nbytes + cuts.numbers.nbytes
            self._used += size
            if self._used > MOST_INDEX_BYTES:
                self._shapes.clear()
                self._used = size
            self._shapes[found.rows] = cuts
        return cuts

    def _cut(self, found: Found) -> Cuts:
        index: list[int] = []
        parts: list[slice] = []
        rows: list[list[slice]] = []
        shape = range(len(found.memory) - SHAPE_BYTES, len(found.memory))
        for part in self._parts:
            begin = len(index)
            cells = list(dict.fromkeys((ref.level, *cell) for ref in part.refs for cell in ref.parts()))
            levels = {ref.level for ref in part.refs}
            of_rows = []
            if part.by_row:
                (level,) = levels
                for row in range(found.rows[level]):
                    start = len(index)
                    for _, output, word in cells:
                        index += _bytes(found, output, row, 1, word=word)
                    of_rows.append(slice(start, len(index)))
            else:
                if any(levels):
                    index += shape
                for level, output, word in cells:
                    index += _bytes(found, output, 0, found.rows[level], word=word)
            parts.append(slice(begin, len(index)))
            rows.append(of_rows)
        if self._page is None:
            self._page = Page([text for part in self._parts for ref in part.refs for text in ref.texts])
        return Cuts(np.array(index, np.intp), parts, rows, Numbers(self._page, found))


def _bytes(found: Found, output: int, row: int, count: int, *, word: bool) -> range:
    """The bytes of an output's rows in a run's memory."""
    first = found.at[output] + row
    if word:
        return range(WORD * first, WORD * (first + count))
    return range(found.words.nbytes + first, found.words.nbytes + first + count)


class Remembered(Generic[Made]):
    """What was made of states that occurred before.

    Args:
        make: given a scene whose rows are called by marks (`scene.Marks`), the same for every household of a shape.
    """

    __slots__ = ("_make", "memory", "number")

    def __init__(self, room: Room, states: States, make: Callable[[Scene], Made]) -> None:
        self.number, self._make = states.number, make
        self.memory: Memory[Made] = Memory(room)

    def key(self, scene: Scene) -> Any:
        """By what it is remembered."""
        return scene.keys[scene.cuts.parts[self.number]]

    def of(self, scene: Scene) -> Made:
        """The same as making it anew."""
        key = self.key(scene)
        made = self.memory.get(key)
        return self.memory.keep(key, self._make(scene.marked())) if made is None else made


class Shown(Remembered[Named]):
    """What was made of states that occurred before, with the texts of the household put in."""

    __slots__ = ()

    def json(self, scene: Scene) -> bytes:
        """The same as making it anew."""
        made = self.of(scene)
        return made if isinstance(made, bytes) else put(made, scene.flat)


class RowsShown:
    """The same for each row of a part by row.

    Args:
        make: given a scene with marks as they are within one row, and the row.
    """

    __slots__ = ("_level", "_make", "memory", "number")

    def __init__(self, room: Room, states: States, make: Callable[[Scene, int], Named]) -> None:
        self.number, self._make = states.number, make
        self._level = states.refs[0].level
        self.memory: Memory[Named] = Memory(room)

    def json(self, scene: Scene) -> list[bytes]:
        """What each row's state makes."""
        keys, get = scene.keys, self.memory.get
        made = [
            get(keys[cut]) or self.memory.keep(keys[cut], self._make(scene.marked_rows(), row))
            for row, cut in enumerate(scene.cuts.rows[self.number])
        ]
        return list(map(put, made, scene.row_flats(self._level)))
