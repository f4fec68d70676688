"""One household's JSON body to stored integers in a single pass.

`scan` walks a body of the contract's shape and keeps every fact it can judge; `fill` lays the facts into one
household's lanes. Both look only at integers that `single.scan` prepares: names, kinds and bounds of attributes, and a
table of tokens (texts, `true`, lists) with what each is stored as. What is not plain ends the pass with a code: then
the long way reads the body and tells what is wrong. So nothing here explains, and everything here may give up.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hardship.engine import scan_layout as lay
from hardship.engine.jit import kernel
from hardship.engine.scan_order import settle
from hardship.engine.scan_text import day, entry, hashed, listed, literal, named, number, salted, skip, text, tight


@kernel
def clear(about: Any, work: Any, level: Any, row: Any) -> Any:
    """Where a row's facts lie in `work`; none of them is there yet."""
    count = about[lay.COUNT + level]
    base = about[lay.DENSE + level] + row * count
    for slot in range(count):
        work[base + slot] = lay.ABSENT
    return base


@kernel
def read_row(body: Any, i: int, n: int, about: Any, heap: Any, work: Any, level: Any, row: Any) -> Any:
    """Keep the facts of the object that begins at `i`; where it ends, or -`ODD`, -`UNKNOWN`."""
    if i >= n or body[i] != lay.OPEN:
        return -lay.ODD
    base = clear(about, work, level, row)
    i = skip(body, i + 1, n)
    if i < n and body[i] == lay.CLOSE:
        return i + 1
    while True:
        if i >= n or body[i] != lay.QUOTE:
            return -lay.ODD
        end, found, look = text(body, i + 1, n)
        if end < 0:
            return -lay.ODD
        slot = named(about, heap, body, i + 1, end - i - 1, found, level)
        i = skip(body, end + 1, n)
        if slot < 0 or work[base + slot] != lay.ABSENT or i >= n or body[i] != lay.COLON:
            return -lay.ODD
        i = skip(body, i + 1, n)
        if i >= n:
            return -lay.ODD
        this = about[lay.SLOTS] + (about[lay.FIRST + level] + slot) * lay.SLOT
        kind, c, form, at, look = about[this + lay.KIND], body[i], lay.AS_IS, i, 0
        if c == lay.QUOTE:
            end, found, look = text(body, i + 1, n)
            if end < 0:
                return -lay.ODD
            form, at, length, i = lay.IN_QUOTES, i + 1, end - i - 1, end + 1
        elif c == lay.FIRST_OF_LIST:
            i = listed(body, i, n)
            if i < 0:
                return -lay.ODD
            length = i - at
        elif c == lay.LETTER_T or c == lay.LETTER_F or c == lay.LETTER_N:
            length = literal(body, i, n)
            i += length
        else:
            while i < n and (lay.NOUGHT <= body[i] <= lay.NINE or body[i] == lay.MINUS or body[i] == lay.POINT):
                i += 1
            length = i - at
        if length > lay.MOST_TOKEN or (form == lay.AS_IS and length == 0):
            return -lay.ODD
        if kind < lay.OWN:
            if c == lay.LETTER_N or length == 0:
                value = lay.NULL
            else:
                value = lay.ABSENT
                if kind == lay.WHOLE:
                    stop, value = number(body, at, at + length, about[this + lay.DECIMALS], form == lay.AS_IS)
                    if stop != at + length or value < about[this + lay.LOW] or value > about[this + lay.HIGH]:
                        return -lay.ODD
                elif kind == lay.CODE:
                    if form == lay.AS_IS:
                        stop, value = number(body, at, at + length, about[this + lay.DECIMALS], form == lay.AS_IS)
                        if stop != at + length or c == lay.MINUS:
                            return -lay.ODD
                    elif look > 1 or not tight(body, at, length):
                        return -lay.ODD
                    value = at << 16 | length
                elif kind == lay.DAY and form == lay.IN_QUOTES and length == 10:
                    value = day(body, at)
                    if value < 0:
                        value = lay.ABSENT
                    elif value < about[this + lay.LOW] or value > about[this + lay.HIGH]:
                        return -lay.ODD
                if value == lay.ABSENT:
                    if form == lay.AS_IS:
                        found = hashed(body, at, length)
                    key = salted(found, (about[lay.FIRST + level] + slot) * 2 + form)
                    there = entry(about, heap, about[lay.TOKENS], about[lay.TOKENS_MASK], body, at, length, key)
                    if there < 0:
                        work[lay.OF_SLOT], work[lay.FORM] = about[lay.FIRST + level] + slot, form
                        work[lay.TOKEN] = at << 16 | length
                        return -lay.UNKNOWN
                    value = about[there + lay.MEANS]
        elif form == lay.AS_IS:
            return -lay.ODD
        else:
            if kind == lay.OWN and (look > 1 or length == 0 or length > lay.MOST_ID or not tight(body, at, length)):
                return -lay.ODD
            if kind == lay.AREA:
                if length > lay.MOST_AREA:
                    return -lay.ODD
                for k in range(at, at + length):
                    c = body[k]
                    if not (lay.NOUGHT <= c <= lay.NINE or 65 <= c <= 90 or 97 <= c <= 122):
                        return -lay.ODD
            value = at << 16 | length
        work[base + slot] = value
        i = skip(body, i, n)
        if i >= n:
            return -lay.ODD
        if body[i] == lay.CLOSE:
            return i + 1
        if body[i] != lay.COMMA:
            return -lay.ODD
        i = skip(body, i + 1, n)


@kernel
def read_rows(body: Any, i: int, n: int, about: Any, heap: Any, work: Any, level: int) -> int:
    """Keep the facts of a list of objects, of the household of one; where it ends, or -`ODD`, -`UNKNOWN`."""
    if level > 0:
        if i >= n or body[i] != lay.FIRST_OF_LIST:
            return -lay.ODD
        i = skip(body, i + 1, n)
        if i < n and body[i] == lay.LAST_OF_LIST:
            return i + 1
    row = np.int64(0)
    while row < lay.MOST_ROWS:
        i = read_row(body, i, n, about, heap, work, level, row)
        if i < 0 or level == 0:
            return i
        row += 1
        i = skip(body, i, n)
        if i >= n:
            return -lay.ODD
        if body[i] == lay.LAST_OF_LIST:
            work[lay.ROWS + level] = row
            return i + 1
        if body[i] != lay.COMMA:
            return -lay.ODD
        i = skip(body, i + 1, n)
    return -lay.ODD


@kernel
def scan(body: Any, about: Any, heap: Any, work: Any) -> Any:
    """Read a body into `work`; `PLAIN`, `ODD` or `UNKNOWN` (`OF_SLOT`, `FORM`, `TOKEN` then say which token).

    Args:
        body: bytes.
        about, heap: int64 and uint8: the attributes, and the bytes of names and tokens.
        work: int64.
    """
    n = len(body)
    if n > lay.MOST_BYTES:
        return lay.ODD
    for k in range(lay.IDS):
        work[k] = 0
    work[lay.EXPLAINED] = -1
    nought = np.int64(0)  # numba compiles a function once more for a literal
    clear(about, work, nought, nought)
    i = skip(body, nought, n)
    if i >= n or body[i] != lay.OPEN:
        return lay.ODD
    seen = 0
    i = skip(body, i + 1, n)
    while True:
        if i >= n or body[i] != lay.QUOTE:
            return lay.ODD
        end, found, _ = text(body, i + 1, n)
        if end < 0:
            return lay.ODD
        which = named(about, heap, body, i + 1, end - i - 1, found, nought + lay.TOP)
        i = skip(body, end + 1, n)
        if which < 0 or seen >> which & 1 or i >= n or body[i] != lay.COLON:
            return lay.ODD
        seen |= 1 << which
        i = skip(body, i + 1, n)
        if which <= lay.ON:
            if i >= n or body[i] != lay.QUOTE:
                return lay.ODD
            end, _, _ = text(body, i + 1, n)
            if end < 0 or end - i > lay.MOST_TOKEN:
                return lay.ODD
            work[lay.OF_TABLE + which] = (i + 1) << 16 | (end - i - 1)
            i = end + 1
        elif which == lay.EXPLAIN:
            length = literal(body, i, n)
            if length == 0 or body[i] == lay.LETTER_N:
                return lay.ODD
            work[lay.EXPLAINED] = 1 if length == 4 else 0
            i += length
        else:
            i = read_rows(body, i, n, about, heap, work, which - lay.HOUSEHOLD)
        if i < 0:
            return -i
        i = skip(body, i, n)
        if i >= n:
            return lay.ODD
        if body[i] == lay.CLOSE:
            break
        if body[i] != lay.COMMA:
            return lay.ODD
        i = skip(body, i + 1, n)
    if skip(body, i + 1, n) != n:
        return lay.ODD
    return settle(body, about, work)


@kernel
def fill(
    body: Any, about: Any, plan: Any, heap: Any, work: Any, words: Any, small: Any, lot: int
) -> None:  # fmt: skip
    """Lay the facts of the body that was read last into lanes of one household with as many rows.

    Args:
        plan, heap: int64 and uint8: the program's columns, and the texts of codes that it mentions.
        words, small: the cells of `single.lanes.Lanes`.
        lot: for the column of lots.
    """
    first_word, first_small = 0, 0
    for level in range(4):
        height, base, count = work[lay.ROWS + level], about[lay.DENSE + level], about[lay.COUNT + level]
        order = lay.ORDER + level * lay.MOST_ROWS
        for column in range(plan[lay.OF_LEVEL + level], plan[lay.OF_LEVEL + level + 1]):
            at = lay.PLAN + column * lay.COLUMN
            slot, empty, coded = plan[at + lay.OF], plan[at + lay.EMPTY], plan[at + lay.CODED]
            to, known = plan[at + lay.NUMBER] * height, first_small + plan[at + lay.KNOWN] * height
            to += first_word if plan[at + lay.IS_WORD] else first_small
            for k in range(height):
                value, is_known = lot if coded == lay.LOT_COLUMN else empty, 1
                if slot >= 0:
                    value = work[base + work[order + k] * count + slot]
                    if value <= lay.NULL:
                        value, is_known = empty, 0
                    elif coded == lay.CODE_COLUMN:
                        begin, length = value >> 16, value & 0xFFFF
                        key = salted(hashed(body, begin, length), column)
                        there = entry(plan, heap, plan[lay.CODES], plan[lay.CODES_MASK], body, begin, length, key)
                        value = plan[there + lay.MEANS] if there >= 0 else 0
                if plan[at + lay.IS_WORD]:
                    words[to + k] = value
                else:
                    small[to + k] = value
                small[known + k] = is_known
        first_word += plan[lay.WORDS + level] * height
        first_small += plan[lay.SMALL + level] * height
