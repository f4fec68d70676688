"""Memory for results that is used again once nobody holds the results.

The first touch of fresh pages costs more than most of the arithmetic (a fifth of a run over a million households on a
virtual machine); a county that is scored again under other standards finds them warm.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

LEAST = 1 << 20
"""Smaller arrays are left to numpy."""
PAGE = 1 << 21
"""Bytes of a large page."""
MOST = 3 << 27
"""Bytes that are kept for later at most."""

_spare: list[Array] = []
_lock = threading.Lock()


class _Held:
    """What the arrays of one slab lean on; when the last of them goes, the slab can be used again."""

    def __init__(self, memory: Array) -> None:
        self.memory = memory
        self.__array_interface__ = memory.__array_interface__

    def __del__(self) -> None:
        # Never waits: it may run anywhere, also while this very thread holds the lock.
        if _lock is not None and _lock.acquire(blocking=False):
            try:
                if self.memory.nbytes <= MOST:
                    _spare.append(self.memory)
                while sum(one.nbytes for one in _spare) > MOST:
                    _spare.pop(0)  # the one that has waited longest
            finally:
                _lock.release()


def empty(shapes: list[tuple[tuple[int, ...], Any]]) -> list[Array]:
    """Arrays of these shapes and types with anything in them, side by side in one piece of memory."""
    sizes = [(int(np.prod(shape)) * np.dtype(kind).itemsize + 63) // 64 * 64 for shape, kind in shapes]
    total = sum(sizes)
    if total < LEAST:
        return [np.empty(shape, kind) for shape, kind in shapes]
    slab = np.asarray(_Held(_taken(total)))
    found, at = [], 0
    for (shape, kind), size in zip(shapes, sizes, strict=True):
        count = int(np.prod(shape)) * np.dtype(kind).itemsize
        found.append(slab[at : at + count].view(kind).reshape(shape))
        at += size
    return found


def large(size: int) -> Array:
    """So many bytes or some more from an address that 64 divides; many begin with a page of the large kind.

    numpy asks the system for large pages from 4 MiB on. Registers in them are found without a walk through the tables
    of pages, 1.03 to 1.1 times as fast in all.
    """
    step = PAGE if size >= LEAST // 2 else 64
    whole = empty([((max(size + step, 2 * PAGE) if step == PAGE else size + step,), np.uint8)])[0]
    return whole[-whole.ctypes.data % step :]


def _taken(size: int) -> Array:
    """A spare slab that is large enough and not twice too large, else a new one."""
    with _lock:
        fitting = [place for place, one in enumerate(_spare) if size <= one.nbytes <= 2 * size]
        if fitting:
            return _spare.pop(min(fitting, key=lambda place: _spare[place].nbytes))
    return np.empty(size, np.uint8)
