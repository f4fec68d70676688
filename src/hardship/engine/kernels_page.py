"""One household's explanation put together: fixed bytes, texts of numbers, names, and parts that were learned.

`single.sheet` prepares the integers: a row of `ops` for each piece in order. A part is looked up by the state that it
shows, a run of `keys`, among templates: runs of a heap with holes between them.
"""

from __future__ import annotations

from typing import Any

from hardship.engine import scan_layout as lay
from hardship.engine.jit import kernel
from hardship.engine.moves import move

# A row of `ops`: `A`, `B` are a fixed run's place and size; the number of what is given, or of a text; a part's keys.
KIND, A, B, SALT, BASE, ID, WHO, ENTRY, WHEN, OP = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
FIXED, GIVEN, TEXT, OPEN, EITHER, PART = range(6)
"""`OPEN` begins a list; `EITHER` says whether some byte of the keys from `A` to `B` is 1: `YES`, `NO`, or `UNASKED`."""
YES, NO, UNASKED = 1, 2, 3
HASH, SALTED, KEY, KEY_SIZE, PIECES, COUNT, SLOT = 0, 1, 2, 3, 4, 5, 6
"""An entry of the table of templates; `COUNT` is one more than its pieces, 0: the entry is free."""
AT, SIZE, HOLE, PIECE = 0, 1, 2, 3
NO_HOLE = -(1 << 40)
OWN_ID, OWN_WHO = -2, -1  # holes of a part by row; other names are counted from the end of all names
TOLD = 1 << 32  # times the outcome: what is mixed into the salt of parts that only some outcomes have
PLAIN, LABEL, CODE = range(3)
OF_FACT = 8  # bytes of a fact's key
MISSING, UNTITLED = 0, 1
COMMA, LOW_32, MULTIPLIER, SPREAD = 44, 0xFFFFFFFF, 31, 0x9E3779B1


@kernel
def cells_of(work: Any, picks: Any, cells: Any) -> None:
    """The facts of a scanned body: `picks` says where a row's place stands, and where its level and slot begin."""
    for number in range(picks.shape[0]):
        pick = picks[number]
        cells[number] = work[pick[0] + work[pick[1]] * pick[2]]


@kernel
def titled(codes: Any, cell: int, titles: Any, heap: Any, begin: int, end: int) -> int:
    """Which of some codes stands at a place, from 0; -1, so that `UNTITLED` is made of it: none."""
    start, size = cell >> 16, cell & 0xFFFF
    for number in range(begin, end):
        if titles[number, SIZE] == size:
            same = 0
            while same < size and heap[titles[number, AT] + same] == codes[start + same]:
                same += 1
            if same == size:
                return number - begin
    return -1


@kernel
def gathered(memory: Any, index: Any, cells: Any, labels: Any, codes: Any, titles: Any, heap: Any, keys: Any) -> None:
    """The states of all parts, then that of each fact, `OF_FACT` bytes.

    A fact that is missing has the state 0; a label two more than twice its value; a code two more than its place among
    those with titles; everything else 1.

    Args:
        labels: of each fact `PLAIN`, `LABEL` or `CODE`, and where its codes with titles begin and end in `titles`.
    """
    for place in range(index.size):
        keys[place] = memory[index[place]]
    at = index.size
    for number in range(cells.size):
        value = int(cells[number])
        if value <= lay.NULL:
            value = MISSING
        elif labels[number, 0] == LABEL:
            value = 2 * value + 2
        elif labels[number, 0] == CODE:
            value = 2 + titled(codes, value, titles, heap, labels[number, 1], labels[number, 2])
        else:
            value = UNTITLED
        for place in range(OF_FACT):
            keys[at + place] = (value >> (8 * place)) & 255
        at += OF_FACT


@kernel
def hashed(keys: Any, begin: int, end: int, salt: int) -> int:
    """The hash of a key."""
    found = salt & LOW_32
    for place in range(begin, end):
        found = (found * MULTIPLIER + int(keys[place])) & LOW_32
    return (found * SPREAD) & LOW_32


@kernel
def first_place(key: int, mask: int) -> int:
    """Where the search for a hash begins."""
    return (key ^ (key >> 15)) & mask


@kernel
def learned(entries: Any, heap: Any, keys: Any, begin: int, end: int, salt: int) -> int:
    """The entry of a key; -1 - the free one where it would stand if it is not known."""
    mask, key = entries.shape[0] - 1, hashed(keys, begin, end, salt)
    place = first_place(key, mask)
    while True:
        entry = entries[place]
        if entry[COUNT] == 0:
            return -1 - place
        if entry[HASH] == key and entry[SALTED] == salt and entry[KEY_SIZE] == end - begin:
            start, same = int(entry[KEY]), 0
            while same < end - begin and heap[start + same] == keys[begin + same]:
                same += 1
            if same == end - begin:
                return place
        place = (place + 1) & mask


@kernel
def laid(out: Any, at: int, source: Any, start: int, size: int) -> int:
    """Copy a run; where it ends, -1 where `out` has no room (then it stays -1)."""
    if at < 0 or at + size > out.size:
        return -1
    move(out, at, source, start, size)
    return at + size


@kernel
def page(
    ops: Any, fixed: Any, keys: Any, texts: Any, starts: Any, more: Any, more_at: Any, names: int, outcome: int,
    entries: Any, pieces: Any, heap: Any, out: Any, missed: Any,
) -> tuple[int, int]:  # fmt: skip
    """Write an explanation.

    Args:
        texts, starts: of numbers: where each begins, and at the end where the last ends.
        more, more_at: the same of the names of rows, `names` of them, and then of what is given.
        outcome: 0: parts that only some outcomes have are left out.
        missed: gets the ops whose parts are not known.

    Returns:
        How many bytes are written, -1 where `out` is too small; and how many parts are missed: then they are not there.
    """
    at, lost, first, told = 0, 0, True, UNASKED
    for number in range(ops.shape[0]):
        op = ops[number]
        kind = op[KIND]
        if kind == FIXED:
            at = laid(out, at, fixed, op[A], op[B])
        elif kind == TEXT:
            start = int(starts[op[A]])
            at = laid(out, at, texts, start, starts[op[A] + 1] - start)
        elif kind == GIVEN:
            start = int(more_at[names + op[A]])
            at = laid(out, at, more, start, more_at[names + op[A] + 1] - start)
        elif kind == OPEN:
            first = True
        elif kind == EITHER:
            told = UNASKED if outcome == 0 else NO
            for place in range(op[A], op[B]):
                if outcome > 0 and keys[place] == 1:
                    told = YES
        elif op[WHEN] == 0 or op[WHEN] == told:
            salt = int(op[SALT]) if op[WHEN] == 0 else int(op[SALT]) + outcome * TOLD
            place = learned(entries, heap, keys, op[A], op[B], salt)
            if place < 0:
                missed[lost], lost = number, lost + 1
                continue
            entry = entries[place]
            begin, end = int(entry[PIECES]), int(entry[PIECES] + entry[COUNT]) - 1
            if op[ENTRY] != 0 and begin < end:
                if not first:
                    if at < 0 or at >= out.size:
                        return -1, lost
                    out[at], at = COMMA, at + 1
                first = False
            for piece in range(begin, end):
                at = laid(out, at, heap, pieces[piece, AT], pieces[piece, SIZE])
                hole = int(pieces[piece, HOLE])
                if hole >= 0:
                    start = int(starts[op[BASE] + hole])
                    at = laid(out, at, texts, start, starts[op[BASE] + hole + 1] - start)
                elif hole != NO_HOLE:
                    name = names + hole
                    if op[ID] >= 0:
                        name = int(op[ID]) if hole == OWN_ID else int(op[WHO])
                    start = int(more_at[name])
                    at = laid(out, at, more, start, more_at[name + 1] - start)
    return at, lost
