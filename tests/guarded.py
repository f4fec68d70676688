"""Runs tables over columns that end where no memory may be read; a read behind a column ends the process.

`python tests/guarded.py TABLE HOUSEHOLDS…` prints `equal` for each count of households; the table `folds` is a
program of single counts over members.
"""

from __future__ import annotations

import ctypes
import datetime as dt
import mmap
import sys
from dataclasses import replace

import numpy as np
from machine_bench import Bench, frames

from hardship.engine import machine
from hardship.load import find_table, load_table
from hardship.lowering import ops, tune
from hardship.lowering.bind import Columns, bind
from hardship.lowering.lower import lower
from hardship.profiling import complete
from hardship.standards import load_standards
from hardship.synthesis import synthesize

ON = dt.date(2018, 7, 1)


def guarded(address: int, size: int, kept: list[mmap.mmap]) -> int:
    """A copy of so many bytes whose last one is followed by a page that nobody may read."""
    whole = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
    memory = mmap.mmap(-1, whole + mmap.PAGESIZE)
    kept.append(memory)
    begin = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    if ctypes.CDLL(None, use_errno=True).mprotect(ctypes.c_void_p(begin + whole), mmap.PAGESIZE, 0):
        raise OSError(ctypes.get_errno(), "mprotect")
    ctypes.memmove(begin + whole - size, address, size)
    return begin + whole - size


def fenced(columns: Columns, kept: list[mmap.mmap]) -> Columns:
    """The same columns, each with a fence behind it."""
    addresses, known = columns.addresses.copy(), columns.known.copy()
    for place, column in enumerate(columns.program.columns):
        rows = columns.rows[ops.LEVEL[column.level]]
        for found, width in ((addresses, int(columns.sizes[place])), (known, 1)):
            if found[place] and rows and width:
                found[place] = guarded(int(found[place]), rows * width, kept)
    return replace(columns, addresses=addresses, known=known)


def compare(columns: Columns) -> None:
    """A program over columns as they are, and over fenced ones.

    Raises:
        AssertionError: the results differ.
    """
    kept: list[mmap.mmap] = []
    one, other = machine.run(columns.program, columns), machine.run(columns.program, fenced(columns, kept))
    assert one.keys() == other.keys()
    for name in one:
        assert np.array_equal(one[name].values, other[name].values), name


def folds(members: int) -> None:
    """Each count over members alone, of a truth and of the validity of another, with a member in each household."""
    cells = {"b0": [k % 3 == 0 for k in range(members)], "b1": [None if k % 5 == 0 else 1 for k in range(members)]}
    register = frames({"x": [0] * members}, [1] * members, cells)
    for op in (ops.FOLD_COUNT, ops.FOLD_ANY, ops.FOLD_VALID):
        bench = Bench()
        truth = bench.load("b0", "member", truth=True)
        bench.load("b1", "member", truth=True)
        if op == ops.FOLD_VALID:
            truth = bench.build.emit(ops.LOAD_VALID, "member", imm=1)
        bench.keep("found", bench.build.emit(op, "household", truth, c=0, child=1))
        compare(bench.bound(register))


def main(table: str, counts: list[int]) -> None:
    """Tuned programs, of complete registers and of those with gaps, over fenced columns and over others."""
    tune.FROM = 0
    for count in counts:
        if table == "folds":
            folds(count)
        else:
            checked = load_table(find_table(table, ON)[0])
            made = synthesize(count, count, area="370828", attributes=checked.names.attributes)
            for register in (made, complete(made)):
                compare(bind(lower(checked, "items"), register, load_standards([]), ON))
        print("equal")


if __name__ == "__main__":
    main(sys.argv[1], [int(word) for word in sys.argv[2:]])
