"""What was learned of an explanation's parts: templates with holes, by the state that they show, for a kernel.

Nothing of a family is in them: numbers, dates, codes and names are holes.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from hardship.engine import kernels_page as kernels
from hardship.single.texts import Array

MOST_BYTES = 8 << 20
START = 256  # entries, and pieces; bytes are 64 times as many


class Book:
    """A table that only grows; whoever finds it larger than `MOST_BYTES` begins another one.

    Attributes:
        lock: held while the arrays are read or changed.
        entries, pieces, heap: as `kernels.page` takes them.
        used: bytes of what was learned.
    """

    __slots__ = ("_bytes", "_entries", "_pieces", "entries", "heap", "lock", "pieces")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.entries = np.zeros((START, kernels.SLOT), np.int64)
        self.pieces = np.zeros((START, kernels.PIECE), np.int64)
        self.heap = np.zeros(64 * START, np.uint8)
        self._entries = self._pieces = self._bytes = 0

    @property
    def used(self) -> int:
        """Bytes of what was learned."""
        return self._bytes + 8 * (kernels.PIECE * self._pieces + 2 * kernels.SLOT * self._entries)

    def learn(self, keys: Array, begin: int, end: int, salt: int, template: Sequence[tuple[bytes, int]]) -> None:
        """Keep a template under the key from `begin` to `end`; the first one stays."""
        with self.lock:
            place = int(kernels.learned(self.entries, self.heap, keys, begin, end, salt))
            if place >= 0:
                return
            text = keys[begin:end].tobytes() + b"".join([piece for piece, _ in template])
            self.heap = _with_room(self.heap, self._bytes + len(text))
            self.pieces = _with_room(self.pieces, self._pieces + len(template))
            key_at, at = self._bytes, self._bytes + end - begin
            self.heap[key_at : key_at + len(text)] = np.frombuffer(text, np.uint8)
            for number, (piece, hole) in enumerate(template, self._pieces):
                self.pieces[number] = at, len(piece), hole
                at += len(piece)
            found = int(kernels.hashed(keys, begin, end, salt))
            entry = found, salt, key_at, end - begin, self._pieces, len(template) + 1
            self.entries[-1 - place] = entry
            self._bytes, self._pieces, self._entries = at, self._pieces + len(template), self._entries + 1
            if 2 * self._entries > len(self.entries):
                self._spread()

    def _spread(self) -> None:
        """Twice as many entries."""
        more = np.zeros((2 * len(self.entries), kernels.SLOT), np.int64)
        mask = len(more) - 1
        for entry in self.entries[self.entries[:, kernels.COUNT] > 0]:
            key = int(entry[kernels.HASH])
            place = kernels.first_place(key, mask)
            while more[place, kernels.COUNT]:
                place = (place + 1) & mask
            more[place] = entry
        self.entries = more


def _with_room(array: Array, size: int) -> Array:
    """The same with room for at least `size` rows."""
    if size <= len(array):
        return array
    more = np.zeros((max(2 * len(array), size), *array.shape[1:]), array.dtype)
    more[: len(array)] = array
    return more
