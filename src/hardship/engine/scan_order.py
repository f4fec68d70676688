"""What can be said once all rows of a body are read: whose they are, a register's order, flags, what is missing."""

from __future__ import annotations

from typing import Any

import numpy as np

from hardship.engine import scan_layout as lay
from hardship.engine.jit import kernel


@kernel
def size_of(span: int) -> int:
    """How many bytes a packed text has."""
    if span < 0:
        return 1 if span > -10 else 2
    return span & 0xFFFF


@kernel
def byte_of(body: Any, span: int, k: int) -> Any:
    """One byte of a packed text."""
    if span < 0:
        digits = -span
        if digits > 9 and k == 0:
            return lay.NOUGHT + digits // 10
        return lay.NOUGHT + digits % 10
    return np.int64(body[(span >> 16) + k])


@kernel
def compare(body: Any, a: int, b: int) -> Any:
    """Below 0 where text `a` stands before `b`, 0 where they are equal. UTF-8 keeps the order of characters."""
    left, right = size_of(a), size_of(b)
    for k in range(min(left, right)):
        differs = byte_of(body, a, k) - byte_of(body, b, k)
        if differs != 0:
            return differs
    return left - right


@kernel
def own(about: Any, work: Any, level: Any, row: Any) -> Any:
    """A row's own number, its place from 1 where none was given."""
    found = work[about[lay.DENSE + level] + row * about[lay.COUNT + level] + about[lay.ITSELF + level]]
    return -1 - row if found == lay.ABSENT else found


@kernel
def before(body: Any, about: Any, work: Any, level: Any, a: Any, b: Any) -> Any:
    """Whether row `a` of a member stands before its row `b`: by all columns in the order of names, missing last."""
    count, at = about[lay.COUNT + level], about[lay.ORDERED + level]
    base = about[lay.DENSE + level]
    while about[at] >= 0:
        slot = about[at]
        at += 1
        kind = about[about[lay.SLOTS] + (about[lay.FIRST + level] + slot) * lay.SLOT + lay.KIND]
        left, right = work[base + a * count + slot], work[base + b * count + slot]
        if kind == lay.OWN:
            left, right = own(about, work, level, a), own(about, work, level, b)
        elif left <= lay.NULL or right <= lay.NULL:
            if left <= lay.NULL and right <= lay.NULL:
                continue
            return right <= lay.NULL
        differs = left - right if kind < lay.CODE else compare(body, left, right)
        if differs != 0:
            return differs < 0
    return False


@kernel
def belongs(body: Any, about: Any, work: Any, level: Any, row: Any) -> Any:
    """Whether a row names no other household."""
    home = work[about[lay.DENSE + level] + row * about[lay.COUNT + level] + about[lay.HOME + level]]
    return home == lay.ABSENT or compare(body, home, work[lay.HOUSE]) == 0


@kernel
def settle_members(body: Any, about: Any, work: Any) -> Any:
    """Sort the members; whether their numbers differ and nobody is unborn or too old."""
    base, count, born = about[lay.DENSE + 1], about[lay.COUNT + 1], about[lay.BORN]
    for row in range(work[lay.ROWS + 1]):
        if not belongs(body, about, work, 1, row):
            return False
        if born >= 0:
            since = work[base + row * count + born]
            if since > lay.NULL and (
                since > about[lay.TODAY] or (about[lay.TODAY] - since) // 10_000 > about[lay.OLDEST]
            ):
                return False
        mine, k = own(about, work, 1, row), row
        while k > 0:
            differs = compare(body, mine, work[lay.IDS + k - 1])
            if differs == 0:
                return False
            if differs > 0:
                break
            work[lay.IDS + k], work[lay.ORDER + lay.MOST_ROWS + k] = (
                work[lay.IDS + k - 1],
                work[lay.ORDER + lay.MOST_ROWS + k - 1],
            )
            k -= 1
        work[lay.IDS + k], work[lay.ORDER + lay.MOST_ROWS + k] = mine, row
    return True


@kernel
def settle_below(body: Any, about: Any, work: Any, level: int) -> Any:
    """Find the members of supporters or transfers and sort them; whether each has one and none too many."""
    members, base, count = work[lay.ROWS + 1], about[lay.DENSE + level], about[lay.COUNT + level]
    order, parent = lay.ORDER + level * lay.MOST_ROWS, lay.PARENT + (level - 2) * lay.MOST_ROWS
    for row in range(work[lay.ROWS + level]):
        if not belongs(body, about, work, level, row):
            return False
        named_one = work[base + row * count + about[lay.MEMBER + level]]
        mine = 0
        if named_one == lay.ABSENT:
            if members > 1:
                return False
        else:
            while mine < members and compare(body, named_one, work[lay.IDS + mine]) != 0:
                mine += 1
            if mine == members:
                return False
        siblings = 0
        for k in range(row):
            if work[parent + k] == mine:
                siblings += 1
                other = work[order + k]
                if level == 2 and compare(body, own(about, work, 2, row), own(about, work, 2, other)) == 0:
                    return False
        if siblings >= about[lay.LIMIT + level]:
            return False
        k = row
        while k > 0 and work[parent + k - 1] >= mine:
            if work[parent + k - 1] == mine and not before(body, about, work, level, row, work[order + k - 1]):
                break
            work[parent + k], work[order + k] = work[parent + k - 1], work[order + k - 1]
            k -= 1
        work[parent + k], work[order + k] = mine, row
    return True


@kernel
def mark(about: Any, work: Any) -> Any:
    """The flags of a household: its heads, its declared size (`reading.structure.flags`)."""
    base, count, members = about[lay.DENSE + 1], about[lay.COUNT + 1], work[lay.ROWS + 1]
    flags, heads, told, size = 0, 0, False, 0
    for row in range(members):
        at = base + row * count
        if about[lay.RELATION] >= 0:
            told = told or work[at + about[lay.RELATION]] != lay.ABSENT
            heads += work[at + about[lay.RELATION]] == about[lay.HEAD]
        if (
            about[lay.COUNTED] < 0
            or work[at + about[lay.COUNTED]] <= lay.NULL
            or work[at + about[lay.COUNTED]] == about[lay.COUNTS]
        ):
            size += 1
    if told and heads != 1:
        flags |= lay.TWO_HEADS if heads > 0 else lay.NO_HEAD
    if about[lay.SIZE] >= 0:
        declared = work[about[lay.DENSE] + about[lay.SIZE]]
        if declared > lay.NULL and declared != size:
            flags |= lay.DIFFERS
    return flags


@kernel
def settle(body: Any, about: Any, work: Any) -> int:
    """What can be said once all rows are read: `PLAIN` or `ODD`."""
    if work[lay.ROWS + 1] == 0:
        return lay.ODD
    work[lay.ROWS], work[lay.ORDER] = 1, 0
    nought = np.int64(0)
    work[lay.HOUSE] = own(about, work, nought, nought)
    area = work[about[lay.DENSE] + about[lay.PLACED]]
    work[lay.PLACE] = 0 if area == lay.ABSENT else area
    if not settle_members(body, about, work):
        return lay.ODD
    for level in range(nought + 2, nought + 4):
        if not settle_below(body, about, work, level):
            return lay.ODD
    for k in range(work[lay.ROWS + 2]):
        work[lay.BELOW + k] = own(about, work, nought + 2, work[lay.ORDER + 2 * lay.MOST_ROWS + k])
    work[lay.FLAGS] = mark(about, work)
    work[lay.LIVES] = lay.ABSENT if about[lay.RESIDENCE] < 0 else work[about[lay.DENSE] + about[lay.RESIDENCE]]
    for level in range(4):
        count, first = about[lay.COUNT + level], lay.LACKS + about[lay.FIRST + level]
        for slot in range(count):
            work[first + slot] = 0
        for row in range(work[lay.ROWS + level]):
            at = about[lay.DENSE + level] + row * count
            for slot in range(count):
                if work[at + slot] <= lay.NULL:
                    work[first + slot] = 1
    return lay.PLAIN
