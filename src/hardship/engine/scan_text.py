"""Tokens of a body: texts, numbers, days, lists; and where a text stands in a hash table."""

from __future__ import annotations

from typing import Any

from hardship.engine import scan_layout as lay
from hardship.engine.jit import kernel


@kernel
def skip(body: Any, i: Any, n: int) -> Any:
    """The first place from `i` that holds no blank."""
    while i < n and (body[i] == 32 or body[i] == 10 or body[i] == 13 or body[i] == 9):
        i += 1
    return i


@kernel
def text(body: Any, i: int, n: int) -> tuple[int, int, int]:
    """Where the text that begins at `i` ends (-1: none that is plain), its hash, and what it is made of.

    0: visible ASCII; 1: also blanks and common Chinese characters; 2: anything else, of any encoding.
    """
    found, look = 0, 0
    while i < n:
        c = body[i]
        if c == lay.QUOTE:
            return i, found, look
        if c < 32 or c == lay.BACKSLASH or c == 127:
            return -1, 0, 0
        found = (found * 31 + c) & lay.LOW_32
        i += 1
        if c == 32:
            look = look | 1
        elif c > 127:
            # U+4E00 to U+9FFF: none of them has another form.
            if c < 0xE4 or c > 0xE9 or i + 1 >= n:
                look = 2
                continue
            second, third = body[i], body[i + 1]
            if second & 0xC0 != 0x80 or third & 0xC0 != 0x80 or (c == 0xE4 and second < 0xB8):
                look = 2
                continue
            found = (found * 31 + second) & lay.LOW_32
            found = (found * 31 + third) & lay.LOW_32
            i += 2
            look = look | 1
    return -1, 0, 0


@kernel
def hashed(body: Any, at: int, length: int) -> int:
    """The hash of any bytes, as `text` makes it."""
    found = 0
    for i in range(at, at + length):
        found = (found * 31 + body[i]) & lay.LOW_32
    return found


@kernel
def entry(table: Any, heap: Any, start: int, mask: int, body: Any, at: int, length: int, key: int) -> int:
    """Where the entry of a text lies in a hash table, -1 if it has none; `key`: its hash with what belongs to it."""
    place = (key ^ (key >> 16)) & mask
    while True:
        found = start + place * lay.ENTRY
        size = table[found + lay.LENGTH]
        if size == 0:
            return -1
        if table[found + lay.HASH] == key and size == length:
            begin, same = table[found + lay.AT], True
            for i in range(length):
                if heap[begin + i] != body[at + i]:
                    same = False
                    break
            if same:
                return found
        place = (place + 1) & mask


@kernel
def salted(found: int, salt: int) -> int:
    """A hash together with a small number."""
    return (found ^ (salt * lay.SALT)) & lay.LOW_32


@kernel
def named(about: Any, heap: Any, body: Any, at: int, length: int, found: int, level: Any) -> Any:
    """The slot of a name on a level, -1 for any other text."""
    there = entry(about, heap, about[lay.NAMES], about[lay.NAMES_MASK], body, at, length, salted(found, level))
    return about[there + lay.MEANS] if there >= 0 else -1


@kernel
def number(body: Any, i: int, n: int, decimals: int, json: bool) -> tuple[int, int]:
    """Where the number at `i` ends (-1: none that is plain), and how it is stored."""
    sign, value = 1, 0
    if i < n and body[i] == lay.MINUS:
        sign, i = -1, i + 1
    begin = i
    while i < n and i - begin < 20 and lay.NOUGHT <= body[i] <= lay.NINE:
        value, i = value * 10 + (body[i] - lay.NOUGHT), i + 1
    whole = i - begin
    if whole == 0 or whole + decimals > 18 or (json and whole > 1 and body[begin] == lay.NOUGHT):
        return -1, 0
    fraction = 0
    if i < n and body[i] == lay.POINT:
        i += 1
        begin = i
        while i < n and i - begin <= decimals and lay.NOUGHT <= body[i] <= lay.NINE:
            value, i = value * 10 + (body[i] - lay.NOUGHT), i + 1
        fraction = i - begin
        if fraction == 0 or fraction > decimals or fraction > 9:
            return -1, 0
    for _ in range(decimals - fraction):
        value *= 10
    return i, sign * value


@kernel
def day(body: Any, at: int) -> int:
    """The ten bytes at `at` as yyyymmdd if they are a day such as `2018-07-01`; else -1."""
    for k in range(10):
        c = body[at + k]
        if k == 4 or k == 7:
            if c != lay.MINUS:
                return -1
        elif c < lay.NOUGHT or c > lay.NINE:
            return -1
    year = ((body[at] - 48) * 10 + (body[at + 1] - 48)) * 100 + (body[at + 2] - 48) * 10 + (body[at + 3] - 48)
    month = (body[at + 5] - 48) * 10 + (body[at + 6] - 48)
    date = (body[at + 8] - 48) * 10 + (body[at + 9] - 48)
    if year < 1 or month < 1 or month > 12 or date < 1:
        return -1
    last = 31
    if month == 4 or month == 6 or month == 9 or month == 11:
        last = 30
    elif month == 2:
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        last = 29 if leap else 28
    return year * 10_000 + month * 100 + date if date <= last else -1


@kernel
def literal(body: Any, i: int, n: int) -> int:
    """How long the `true`, `false` or `null` at `i` is; 0 for anything else."""
    if i + 4 <= n and body[i] == 116 and body[i + 1] == 114 and body[i + 2] == 117 and body[i + 3] == 101:
        return 4
    if i + 4 <= n and body[i] == 110 and body[i + 1] == 117 and body[i + 2] == 108 and body[i + 3] == 108:
        return 4
    if i + 5 <= n and body[i] == 102 and body[i + 1] == 97 and body[i + 2] == 108 and body[i + 3] == 115:
        return 5 if body[i + 4] == 101 else 0
    return 0


@kernel
def listed(body: Any, i: int, n: int) -> int:
    """Where the list at `i` ends, which holds no list and no object; -1 if it does not."""
    i += 1
    while i < n:
        c = body[i]
        if c == lay.LAST_OF_LIST:
            return i + 1
        if c == lay.FIRST_OF_LIST or c == lay.OPEN:
            return -1
        i += 1
        if c == lay.QUOTE:
            end, _, _ = text(body, i, n)
            if end < 0:
                return -1
            i = end + 1
    return -1


@kernel
def tight(body: Any, at: int, length: int) -> Any:
    """Whether a text has no blank at its ends."""
    return body[at] != 32 and body[at + length - 1] != 32
