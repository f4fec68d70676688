"""A tuned program makes the same stores as the one it was made of; memory for results is never lent twice."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine_bench import Bench, frames

from hardship.engine import machine, room
from hardship.lowering import ops, tune
from hardship.lowering.nodes import Facts, rounded
from hardship.lowering.ops import INTO, OP

EDGES = sorted(
    {sign * (1 << bits) + d for bits in (0, 7, 14, 15, 16, 30, 31, 32) for sign in (-1, 1) for d in (-1, 0, 1)}
)
NUMBER = st.sampled_from(EDGES)
QUICK = settings(max_examples=60, deadline=None)


def both(bench: Bench, register: SimpleNamespace) -> tuple[dict[str, list[int]], dict[str, list[int]], ops.Arrays]:
    """The stores of a program, those of its tuned form, and that form."""
    columns = bench.bound(register)
    plain = machine.run(columns.program, columns)
    arrays = tune.tuned(columns.program, tune.facts_of(columns))
    before, tune.FROM = tune.FROM, 0
    try:
        again = machine.run(columns.program, columns, block=64)
    finally:
        tune.FROM = before
    return (
        {name: plain[name].values.tolist() for name, _, _ in bench.out},
        {name: again[name].values.tolist() for name, _, _ in bench.out},
        arrays,
    )


@QUICK
@given(st.lists(st.tuples(NUMBER, NUMBER, st.sampled_from((1, 2))), min_size=1, max_size=70), NUMBER, NUMBER)
def test_words_at_the_edges_of_every_width(rows: list[tuple[int, int, int]], c: int, e: int) -> None:
    bench = Bench()
    x, y, t = bench.load("x"), bench.load("y"), bench.load("b")
    emit = bench.build.emit
    for op in (ops.ADD, ops.SUB, ops.MIN, ops.MAX, ops.LT, ops.LE, ops.EQ, ops.NE):
        bench.keep(f"{op}", emit(op, "household", x, y))
    for op in (ops.ADD_C, ops.MIN_C, ops.MAX_C, ops.SUB_FROM_C, ops.LT_C, ops.GE_C, ops.EQ_C, ops.NE_C):
        bench.keep(f"{op}", emit(op, "household", x, imm=c))
    bench.keep("times", emit(ops.MUL_C, "household", emit(ops.MIN_C, "household", x, imm=100), imm=c))
    bench.keep("product", emit(ops.MUL, "household", x, y))
    holds = emit(ops.RANGE, "household", t, imm=1, imm2=1)
    bench.keep("select", emit(ops.SELECT, "household", holds, x, y))
    bench.keep("cx", emit(ops.SELECT_CX, "household", holds, x, imm=c))
    bench.keep("xc", emit(ops.SELECT_XC, "household", holds, x, imm=c))
    bench.keep("cc", emit(ops.SELECT_CC, "household", holds, imm=c, imm2=e))
    edges = sorted((c, e))
    bench.keep("step", emit(ops.STEP, "household", x, imm=bench.build.pooled([*edges, 2**63 - 1, 2**63 - 1]), imm2=4))
    flat = [7, edges[0], 3, edges[1], -5]
    bench.keep("worth", emit(ops.STEP_WORD, "household", x, imm=bench.build.pooled(flat), imm2=2))
    bench.keep("look", emit(ops.LOOK_BYTE, "household", t, imm=bench.build.pooled([0, c, e]), imm2=3))
    plain, again, _ = both(
        bench, frames({"x": [r[0] for r in rows], "y": [r[1] for r in rows], "b": [r[2] for r in rows]})
    )
    assert again == plain


@QUICK
@given(st.lists(st.lists(st.tuples(*[st.booleans()] * 3), max_size=5), min_size=1, max_size=40), st.booleans())
def test_counts_and_any_of_many_conditions_over_members(homes: list[list[tuple[bool, ...]]], missing: bool) -> None:
    rows = [row for home in homes for row in home]
    bench = Bench()
    truths = [bench.load(f"b{k}", "member", truth=True) for k in range(3)]
    if missing:
        valid = bench.build.emit(ops.LOAD_VALID, "member", imm=0)
        truths[0] = bench.build.emit(ops.MASK, "member", truths[0], valid)
    emit = bench.build.emit
    made = [*truths]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        for op in (ops.AND, ops.OR):
            made.append(emit(op, "member", *sorted((truths[a], truths[b]))))
    made.append(emit(ops.AND, "member", made[3], truths[2]))
    made.append(emit(ops.OR, "member", made[4], truths[2]))
    for place, truth in enumerate(made):
        bench.keep(f"count{place}", emit(ops.FOLD_COUNT, "household", truth, c=0, child=1))
        bench.keep(f"any{place}", emit(ops.FOLD_ANY, "household", truth, c=0, child=1))
    cells = {
        f"b{k}": [None if missing and k == 0 and row[1] and row[2] else int(row[k]) for row in rows] for k in range(3)
    }
    register = frames({"x": [0] * len(homes)}, [len(home) for home in homes], cells)
    plain, again, arrays = both(bench, register)
    assert again == plain
    assert ops.FOLD_BITS in arrays.code[:, OP].tolist() or not rows


@QUICK
@given(st.lists(st.lists(st.tuples(*[st.sampled_from((None, 0, 1))] * 3), max_size=5), min_size=1, max_size=40))
def test_folds_over_members_with_missing_facts_made_together(homes: list[list[tuple[int | None, ...]]]) -> None:
    rows = [row for home in homes for row in home]
    bench = Bench()
    emit = bench.build.emit
    valid = [emit(ops.LOAD_VALID, "member", imm=k) for k in range(3)]
    truths = [emit(ops.MASK, "member", bench.load(f"b{k}", "member", truth=True), valid[k]) for k in range(3)]
    counted = emit(ops.AND, "member", truths[0], truths[1])
    truths += [counted, *(emit(ops.AND, "member", counted, emit(ops.NOT, "member", truth)) for truth in truths)]
    for place, one in enumerate(truths):
        bench.keep(f"count{place}", emit(ops.FOLD_COUNT, "household", one, c=0, child=1))
        bench.keep(f"any{place}", emit(ops.FOLD_ANY, "household", one, c=0, child=1))
    for place, one in enumerate(valid):
        bench.keep(f"valid{place}", emit(ops.FOLD_VALID, "household", one, c=0, child=1))
    cells = {f"b{k}": [row[k] for row in rows] for k in range(3)}
    plain, again, arrays = both(bench, frames({"x": [0] * len(homes)}, [len(home) for home in homes], cells))
    assert again == plain
    if any(row[k] is None for row in rows for k in range(3)):
        assert ops.LANE_NONE in arrays.code[:, OP].tolist()
    assert plain["count2"] == [sum(row[2] == 1 for row in home) for home in homes]
    assert plain["valid2"] == [int(all(row[2] is not None for row in home)) for home in homes]
    assert plain["any2"] == [
        1 if 1 in (found := [row[2] for row in home]) else 0 if None in found else 2 for home in homes
    ]


@pytest.mark.parametrize(
    "cells",
    [[-300, -46, -45, -300], [7, 262], [7, 263], [0] * 7 + [255], [0] * 8 + [255], [-(2**62) - 1, 2**62 + 2**61]],
)
def test_cells_of_a_byte_more_than_the_least_are_found_like_all_others(cells: list[int]) -> None:
    bench = Bench()
    row = bench.load("b")
    at = bench.build.pooled(cells)
    bench.keep("found", bench.build.emit(ops.LOOK_BYTE, "household", row, imm=at, imm2=len(cells)))
    rows = list(range(len(cells))) * 9
    plain, again, _ = both(bench, frames({"b": rows}))
    assert plain["found"] == again["found"] == [cells[place] for place in rows]


def test_two_hundred_members_do_not_spill_into_the_next_count() -> None:
    bench = Bench()
    emit = bench.build.emit
    for k in range(9):
        truth = bench.load(f"b{k}", "member", truth=True)
        bench.keep(f"count{k}", emit(ops.FOLD_COUNT, "household", truth, c=0, child=1))
    sizes = [200, 0, 200, 1, 199]
    cells = {f"b{k}": [int(k != 4 or row % 3 == 0) for row in range(sum(sizes))] for k in range(9)}
    plain, again, _ = both(bench, frames({"x": [0] * 5}, sizes, cells))
    assert again == plain
    assert again["count0"] == sizes


def test_what_is_small_is_computed_narrow_and_what_is_never_missing_unasked() -> None:
    bench = Bench()
    x = bench.load("x")
    valid = bench.build.emit(ops.LOAD_VALID, "household", imm=0)
    judged = bench.build.emit(ops.MASK, "household", bench.build.emit(ops.GE_C, "household", x, imm=3), valid)
    bench.keep("points", bench.build.emit(ops.SELECT_CC, "household", judged, imm=5, imm2=0))
    _, _, arrays = both(bench, frames({"x": [1, 2, 3, 4]}))
    listed = arrays.code[:, OP].tolist()
    assert ops.LOAD_VALID not in listed
    assert ops.MASK not in listed
    assert arrays.code[listed.index(ops.SELECT_CC), INTO] == 2
    _, _, arrays = both(bench, frames({"x": [1, None, 3, 4]}))
    assert ops.MASK in arrays.code[:, OP].tolist()


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**40))
def test_a_rounded_range_holds_the_range_and_stays_the_same_for_like_ones(lo: int, more: int) -> None:
    hi = min(lo + more, 2**63 - 1)
    low, high = rounded(lo, hi)
    assert low <= lo
    assert hi <= high
    assert (low > 0) == (lo > 0)
    assert rounded(low, high)[1] == high


def test_a_program_is_tuned_from_many_households_on_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    bench.keep("y", bench.build.emit(ops.ADD_C, "household", bench.load("x"), imm=1))
    columns = bench.bound(frames({"x": [1, 2, 3]}))
    program = columns.program
    monkeypatch.setattr(tune, "FROM", 5)
    assert tune.arrays_for(program, columns, 3) is program.arrays
    found = tune.arrays_for(program, columns, 3)
    assert found is not program.arrays
    assert tune.arrays_for(program, columns, 3) is found
    assert isinstance(tune.facts_of(columns), Facts)


def test_memory_is_lent_again_only_when_nobody_holds_it() -> None:
    shape = [((room.LEAST,), np.uint8), ((10,), np.int64)]
    first, small = room.empty(list(shape))
    first[:], small[:] = 1, 2
    second = room.empty(list(shape))[0]
    second[:] = 3
    assert first.min() == first.max() == 1
    at = first.ctypes.data
    tail = first[-5:]
    del first, small
    gc.collect()
    third = room.empty(list(shape))[0]
    assert third.ctypes.data != at
    assert tail.tolist() == [1] * 5
    del tail
    gc.collect()
    assert room.empty(list(shape))[0].ctypes.data == at


def test_memory_that_has_waited_longest_is_given_up_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST", 5 * room.LEAST)
    monkeypatch.setattr(room, "_spare", [])
    held = [room.empty([((size * room.LEAST,), np.uint8)]) for size in (3, 2, 1)]
    while held:
        del held[0]
        gc.collect()
    assert [one.nbytes // room.LEAST for one in room._spare] == [2, 1]


def test_no_memory_behind_a_column_is_read() -> None:
    """Columns are read where they lie: a process in which nothing may be read behind them lives on."""
    for words in (["folds", "5", "4101"], ["county_model", "5", "1001"]):
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("guarded.py")), *words], capture_output=True, text=True
        )
        assert (done.returncode, done.stdout) == (0, "equal\n" * 2), done.stderr
