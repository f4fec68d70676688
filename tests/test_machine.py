"""Every instruction against plain Python, and that blocks and threads decide nothing."""

from __future__ import annotations

import datetime as dt
import itertools
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine_bench import Bench, frames, one

from hardship.engine import jit, machine, selftest
from hardship.errors import EngineError
from hardship.lowering import ops

WORD = st.integers(-(2**63) + 1, 2**63 - 1)
SMALL = st.integers(-(2**31), 2**31)
KLEENE = {1: True, 2: False, 0: None}
BYTE = {True: 1, False: 2, None: 0}
QUICK = settings(max_examples=40, deadline=None)


def binary(op: int, left: list[int], right: list[int], **options: int) -> list[int]:
    return one(lambda b: b.build.emit(op, "household", b.load("x"), b.load("y"), **options), {"x": left, "y": right})


def signed(value: int) -> int:
    return (value + 2**63) % 2**64 - 2**63


@QUICK
@given(st.lists(st.tuples(WORD, WORD), min_size=1, max_size=70), WORD)
def test_words(pairs: list[tuple[int, int]], c: int) -> None:
    left, right = [x for x, _ in pairs], [y for _, y in pairs]
    bench = Bench()
    x, y = bench.load("x"), bench.load("y")
    expected = {}
    for name, op, plain in (
        ("add", ops.ADD, lambda p, q: signed(p + q)), ("sub", ops.SUB, lambda p, q: signed(p - q)),
        ("mul", ops.MUL, lambda p, q: signed(p * q)), ("min", ops.MIN, min), ("max", ops.MAX, max),
        ("lt", ops.LT, lambda p, q: 1 if p < q else 2), ("le", ops.LE, lambda p, q: 1 if p <= q else 2),
        ("eq", ops.EQ, lambda p, q: 1 if p == q else 2), ("ne", ops.NE, lambda p, q: 1 if p != q else 2),
    ):  # fmt: skip
        bench.keep(name, bench.build.emit(op, "household", x, y))
        expected[name] = [plain(p, q) for p, q in pairs]
    for name, op, plain in (
        ("add_c", ops.ADD_C, lambda p, q: signed(p + q)), ("mul_c", ops.MUL_C, lambda p, q: signed(p * q)),
        ("min_c", ops.MIN_C, min), ("max_c", ops.MAX_C, max), ("from", ops.SUB_FROM_C, lambda p, q: signed(q - p)),
        ("lt_c", ops.LT_C, lambda p, q: 1 if p < q else 2), ("ge_c", ops.GE_C, lambda p, q: 1 if p >= q else 2),
        ("eq_c", ops.EQ_C, lambda p, q: 1 if p == q else 2), ("ne_c", ops.NE_C, lambda p, q: 1 if p != q else 2),
    ):  # fmt: skip
        bench.keep(name, bench.build.emit(op, "household", x, imm=c))
        expected[name] = [plain(p, c) for p in left]
    bench.keep("bit", bench.build.emit(ops.HAS_BIT, "household", x, imm=5))
    expected["bit"] = [1 if p >> 5 & 1 else 2 for p in left]
    assert bench.run(frames({"x": left, "y": right})) == expected


@QUICK
@given(st.lists(st.tuples(WORD, WORD, WORD, WORD), min_size=1, max_size=40), st.booleans())
def test_wide_comparisons(rows: list[tuple[int, int, int, int]], equal: bool) -> None:
    if equal:  # products that differ in the last place, and not at all
        rows = [(a, b, a, b) for a, b, _, _ in rows] + [(a, b, a, b + 1) for a, b, _, _ in rows if b < 2**63 - 1]
    columns = {name: [row[k] for row in rows] for k, name in enumerate("pqrs")}
    bench = Bench()
    registers = [bench.load(name) for name in "pqrs"]
    for name, op in (("lt", ops.LT_WIDE), ("le", ops.LE_WIDE), ("eq", ops.EQ_WIDE)):
        bench.keep(name, bench.build.emit(op, "household", *registers))
    assert bench.run(frames(columns)) == {
        "lt": [1 if a * b < c * d else 2 for a, b, c, d in rows],
        "le": [1 if a * b <= c * d else 2 for a, b, c, d in rows],
        "eq": [1 if a * b == c * d else 2 for a, b, c, d in rows],
    }


def test_truths_exhaustively() -> None:
    triples = list(itertools.product((0, 1, 2), repeat=3))
    bench = Bench()
    a, b, c = bench.load("b1"), bench.load("b2"), bench.load("b3")
    for name, op in (("and", ops.AND), ("or", ops.OR), ("add", ops.ADD_BYTE)):
        bench.keep(name, bench.build.emit(op, "household", a, b))
    bench.keep("not", bench.build.emit(ops.NOT, "household", a))
    bench.keep("known", bench.build.emit(ops.KNOWN, "household", a))
    bench.keep("passed", bench.build.emit(ops.PASSED, "household", a))
    bench.keep("pick", bench.build.emit(ops.PICK, "household", a, b, c))
    bench.keep("bit", bench.build.emit(ops.BIT, "household", b, a, imm=7))
    found = bench.run(frames({name: [row[k] for row in triples] for k, name in enumerate(("b1", "b2", "b3"))}))

    def both(x: bool | None, y: bool | None) -> bool | None:
        return False if x is False or y is False else None if x is None or y is None else True

    kleene = [tuple(KLEENE[v] for v in row) for row in triples]
    assert found["and"] == [BYTE[both(x, y)] for x, y, _ in kleene]
    assert found["or"] == [BYTE[None if (z := both(no(x), no(y))) is None else not z] for x, y, _ in kleene]
    assert found["not"] == [BYTE[no(x)] for x, _, _ in kleene]
    assert found["known"] == [int(x is not None) for x, _, _ in kleene]
    assert found["passed"] == [int(x is True) for x, _, _ in kleene]
    assert found["pick"] == [y if x == 1 else z if x == 2 else 0 for x, y, z in triples]
    assert found["add"] == [x + y for x, y, _ in triples]
    assert found["bit"] == [y | (128 if x == 1 else 0) for x, y, _ in triples]


def no(value: bool | None) -> bool | None:
    return None if value is None else not value


def test_validities() -> None:
    pairs = list(itertools.product((0, 1, 2), (0, 1)))
    bench = Bench()
    a, v = bench.load("b1"), bench.load("b2")
    bench.keep("mask", bench.build.emit(ops.MASK, "household", a, v))
    bench.keep("mark", bench.build.emit(ops.MARK, "household", a, v))
    bench.keep("truth", bench.build.emit(ops.TRUTH, "household", v))
    bench.keep("absent", bench.build.emit(ops.BIT_MISSING, "household", a, v, imm=6))
    bench.keep("both", bench.build.emit(ops.AND, "household", v, bench.build.emit(ops.PASSED, "household", a)))
    found = bench.run(frames({"b1": [a for a, _ in pairs], "b2": [v for _, v in pairs]}))
    assert found["mask"] == [a if v else 0 for a, v in pairs]
    assert found["mark"] == [a if v else 255 for a, v in pairs]
    assert found["truth"] == [1 if v else 2 for _, v in pairs]
    assert found["absent"] == [a | (0 if v else 64) for a, v in pairs]
    assert found["both"] == [int(v == 1 and a == 1) for a, v in pairs]


@QUICK
@given(st.lists(st.tuples(st.sampled_from((0, 1, 2)), WORD, WORD), min_size=1, max_size=70))
def test_choices(rows: list[tuple[int, int, int]]) -> None:
    bench = Bench()
    t, x, y = bench.load("b"), bench.load("x"), bench.load("y")
    emit = bench.build.emit
    bench.keep("rr", emit(ops.SELECT, "household", t, x, y))
    bench.keep("cx", emit(ops.SELECT_CX, "household", t, x, imm=-7))
    bench.keep("xc", emit(ops.SELECT_XC, "household", t, x, imm=-7))
    bench.keep("cc", emit(ops.SELECT_CC, "household", t, imm=2**62, imm2=-(2**62)))
    bench.keep("wide", emit(ops.WIDEN, "household", t))
    bench.keep("bit", emit(ops.BIT_WORD, "household", x, t, imm=63))
    found = bench.run(frames({name: [row[k] for row in rows] for k, name in enumerate(("b", "x", "y"))}))
    assert found["rr"] == [x if t == 1 else y for t, x, y in rows]
    assert found["cx"] == [-7 if t == 1 else x for t, x, _ in rows]
    assert found["xc"] == [x if t == 1 else -7 for t, x, _ in rows]
    assert found["cc"] == [2**62 if t == 1 else -(2**62) for t, _, _ in rows]
    assert found["wide"] == [t for t, _, _ in rows]
    assert found["bit"] == [signed(x % 2**64 | (1 << 63 if t == 1 else 0)) for t, x, _ in rows]


@QUICK
@given(st.lists(WORD, min_size=1, max_size=11, unique=True), st.lists(WORD, min_size=1, max_size=50))
def test_steps(edges: list[int], values: list[int]) -> None:
    edges = sorted(edges)
    values += [edge + by for edge in edges for by in (-1, 0, 1) if abs(edge + by) < 2**63]
    bench = Bench()
    x = bench.load("x")
    padded = edges + [2**63 - 1] * (-len(edges) % 4)
    padded = [edge for edge in padded if edge < 2**63 - 1] + [2**63 - 1] * sum(edge == 2**63 - 1 for edge in padded)
    bench.keep("band", bench.build.emit(ops.STEP, "household", x, imm=bench.build.pooled(padded), imm2=len(padded)))
    pairs = [(edge, 3 * k - 4) for k, edge in enumerate(edges)]
    pairs += [(2**63 - 1, 0)] * (len(pairs) % 2)
    flat = [11, *(part for pair in pairs for part in pair)]
    bench.keep("sum", bench.build.emit(ops.STEP_WORD, "household", x, imm=bench.build.pooled(flat), imm2=len(pairs)))
    found = bench.run(frames({"x": values}))
    top = [value < 2**63 - 1 for value in values]
    assert [b for b, use in zip(found["band"], top, strict=True) if use] == [
        sum(value >= edge for edge in edges) for value in values if value < 2**63 - 1
    ]
    assert found["sum"] == [11 + sum(delta for edge, delta in pairs if value >= edge) for value in values]


@QUICK
@given(
    st.lists(st.tuples(st.integers(-1000, 1000), st.integers(1, 50)), min_size=1, max_size=40),
    st.lists(st.tuples(st.integers(-30, 30), st.booleans()), min_size=1, max_size=7),
)
def test_steps_of_ratios(rows: list[tuple[int, int]], edges: list[tuple[int, bool]]) -> None:
    pairs = [part for factor, strict in edges for part in (factor, int(strict))]
    if len(edges) % 2:
        pairs += [0, 2**63 - 1]
    bench = Bench()
    n, d = bench.load("n"), bench.load("d")
    at = bench.build.pooled(pairs)
    bench.keep("band", bench.build.emit(ops.STEP_RATIO, "household", n, d, imm=at, imm2=len(pairs) // 2))
    found = bench.run(frames({"n": [n for n, _ in rows], "d": [d for _, d in rows]}))
    assert found["band"] == [
        sum(Fraction(n, d) > edge if strict else Fraction(n, d) >= edge for edge, strict in edges) for n, d in rows
    ]


def test_look_ups() -> None:
    bench = Bench()
    row, column, place = bench.load("b1"), bench.load("b2"), bench.load("x")
    cells = [10, -20, 30, 40, -50, 2**62]
    at = bench.build.pooled(cells)
    bench.keep("one", bench.build.emit(ops.LOOK_BYTE, "household", row, imm=at, imm2=6))
    bench.keep("two", bench.build.emit(ops.LOOK_TWO, "household", row, column, 3, imm=at, imm2=6))
    bench.keep("word", bench.build.emit(ops.LOOK_WORD, "household", place, imm=at, imm2=6))
    found = bench.run(frames({"b1": [0, 1, 1], "b2": [2, 0, 2], "x": [5, 0, 3]}))
    assert found == {"one": [10, -20, -20], "two": [30, 40, 2**62], "word": [2**62, 10, 40]}


def rounded(value: Fraction, mode: str) -> int:
    """By the definition: the whole number nearest by the mode, from Python's own floor."""
    low = value.__floor__()
    if mode == "floor" or value == low:
        return low
    if mode == "ceil":
        return low + 1
    if value - low == Fraction(1, 2):
        return low + (value > 0) if mode == "half_up" else low + low % 2
    return round(value)


@QUICK
@given(
    st.lists(
        st.tuples(st.integers(-(2**62), 2**62), st.integers(1, 2**61), st.integers(0, 2), st.integers(-2, 2)),
        min_size=1, max_size=60,
    ),
    st.sampled_from(("floor", "ceil", "half_up", "half_even")),
)  # fmt: skip
def test_division(rows: list[tuple[int, int, int, int]], mode: str) -> None:
    cases = []
    for n, m, halves, by in rows:
        m = max(1, m >> (abs(n) % 60))  # divisors of all sizes
        near = n // m * m + halves * (m // 2) + by  # on quotients, on ties, and next to them
        cases += [(value, m) for value in (n, near) if abs(value) <= 2**62]
    bench = Bench()
    n, m = bench.load("n"), bench.load("m")
    bench.keep("wide", bench.build.emit(ops.ROUND_WIDE, "household", n, m, imm=ops.MODES[mode]))
    bench.keep("fast", bench.build.emit(ops.ROUND, "household", n, m, imm=ops.MODES[mode]))
    found = bench.run(frames({"n": [n for n, _ in cases], "m": [m for _, m in cases]}))
    expected = [rounded(Fraction(n, m), mode) for n, m in cases]
    assert found["wide"] == expected
    small = [k for k, (n, m) in enumerate(cases) if abs(n) < 2**53 and m < 2**53]
    assert [found["fast"][k] for k in small] == [expected[k] for k in small]


@QUICK
@given(st.lists(st.tuples(st.integers(-(2**53) + 1, 2**53 - 1), st.integers(1, 2**53 - 1)), min_size=1, max_size=60))
def test_fast_division_next_to_whole_quotients(rows: list[tuple[int, int]]) -> None:
    rows = [(k, m) for n, m in rows for by in (-1, 0, 1) if abs(k := n // m * m + by) < 2**53]
    found = binary(ops.ROUND, [n for n, _ in rows], [m for _, m in rows], imm=ops.FLOOR)
    assert found == [n // m for n, m in rows]


DAYS = st.dates(dt.date(1880, 1, 1), dt.date(2299, 12, 31))


def ymd(day: dt.date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


@QUICK
@given(st.lists(st.tuples(DAYS, DAYS), min_size=1, max_size=50))
def test_months_and_ages(pairs: list[tuple[dt.date, dt.date]]) -> None:
    pairs += [(dt.date(2000, 2, 29), dt.date(2001, 2, 28)), (dt.date(2000, 1, 31), dt.date(2000, 2, 29))]
    pairs += [(b, a) for a, b in pairs]
    months = binary(ops.MONTHS, [ymd(a) for a, _ in pairs], [ymd(b) for _, b in pairs])
    assert months == [(b.year - a.year) * 12 + b.month - a.month - (b.day < a.day) for a, b in pairs]
    ages = one(
        lambda b: b.build.emit(ops.AGE, "household", b.build.emit(ops.SUB, "household", b.load("y"), b.load("x"))),
        {"x": [ymd(a) for a, _ in pairs], "y": [ymd(b) for _, b in pairs]},
    )
    assert ages == [b.year - a.year - ((b.month, b.day) < (a.month, a.day)) for a, b in pairs]


HOUSES = st.lists(
    st.lists(st.tuples(st.integers(-(2**40), 2**40), st.sampled_from((0, 1, 1, 2))), max_size=12),
    min_size=1,
    max_size=40,
)


@QUICK
@given(HOUSES, st.sampled_from((1, 3, 2048)))
def test_folds(houses: list[list[tuple[int, int]]], block: int) -> None:
    bench = Bench()
    x, t = bench.load("x", "member"), bench.load("b", "member")
    fold = {"c": ops.FOLDS["household", "member"], "child": ops.LEVEL["member"]}
    emit = bench.build.emit
    bench.keep("sum", emit(ops.FOLD_SUM, "household", x, **fold))
    bench.keep("where", emit(ops.FOLD_SUM, "household", x, t, **fold))
    bench.keep("count", emit(ops.FOLD_COUNT, "household", t, **fold))
    bench.keep("any", emit(ops.FOLD_ANY, "household", t, **fold))
    bench.keep("valid", emit(ops.FOLD_VALID, "household", emit(ops.KNOWN, "member", t), **fold))
    bench.keep("min", emit(ops.FOLD_MIN, "household", x, t, imm=-9, **fold))
    bench.keep("max", emit(ops.FOLD_MAX, "household", x, t, imm=-9, **fold))
    head = emit(ops.FOLD_COUNT, "household", t, **fold)
    up = {"c": ops.PARENTS["member"], "child": ops.LEVEL["household"]}
    bench.keep("down", emit(ops.EXPAND_WORD, "member", head, **up), "member")
    some = emit(ops.FOLD_ANY, "household", t, **fold)
    bench.keep("down8", emit(ops.EXPAND_BYTE, "member", some, **up), "member")
    flat = [row for house in houses for row in house]
    register = frames(
        {"h": [0] * len(houses)}, [len(house) for house in houses],
        {"x": [v for v, _ in flat], "b": [t for _, t in flat]},
    )  # fmt: skip
    found = bench.run(register, block=block)
    assert found["sum"] == [sum(v for v, _ in house) for house in houses]
    assert found["where"] == [sum(v for v, t in house if t == 1) for house in houses]
    counts = [sum(t == 1 for _, t in house) for house in houses]
    assert found["count"] == counts
    anys = [1 if any(t == 1 for _, t in h) else 0 if any(t == 0 for _, t in h) else 2 for h in houses]
    assert found["any"] == anys
    assert found["valid"] == [int(all(t != 0 for _, t in house)) for house in houses]
    assert found["min"] == [min((v for v, t in house if t == 1), default=-9) for house in houses]
    assert found["max"] == [max((v for v, t in house if t == 1), default=-9) for house in houses]
    assert found["down"] == [count for count, house in zip(counts, houses, strict=True) for _ in house]
    assert found["down8"] == [flag for flag, house in zip(anys, houses, strict=True) for _ in house]


def test_sums_over_more_parents_than_are_taken_at_a_time() -> None:
    rng = np.random.default_rng(5)
    members = rng.integers(0, 5, 1_000)
    members[250:262], members[-1] = 0, 0  # nobody around the first edge and at the end
    rows = int(members.sum())
    value, byte = rng.integers(-(2**40), 2**40, rows), rng.integers(0, 3, rows)
    bench = Bench()
    x, t = bench.load("x", "member"), bench.load("b", "member")
    fold = {"c": ops.FOLDS["household", "member"], "child": ops.LEVEL["member"]}
    for name, op, of in (("sum", ops.FOLD_SUM, (x,)), ("where", ops.FOLD_SUM, (x, t)), ("bits", ops.FOLD_BITS, (t,))):
        bench.keep(name, bench.build.emit(op, "household", *of, **fold))
    found = bench.run(frames({"h": [0] * 1_000}, members.tolist(), {"x": value.tolist(), "b": byte.tolist()}))
    ends = members.cumsum().tolist()
    parts = [slice(end - count, end) for end, count in zip(ends, members.tolist(), strict=True)]
    assert found["sum"] == [int(value[part].sum()) for part in parts]
    assert found["where"] == [int(value[part][byte[part] == 1].sum()) for part in parts]
    assert found["bits"] == [int((byte[part] == 1).sum()) + 256 * int((byte[part] == 2).sum()) for part in parts]


def test_the_largest_household_fits() -> None:
    """200 members with 40 supporters each between small ones: more rows than a block may have."""
    members, supporters = [1, 200, 1, 1], [1] + [40] * 200 + [3, 0]
    rng = np.random.default_rng(4)
    truth = rng.integers(0, 3, sum(supporters)).tolist()
    value = rng.integers(-(2**40), 2**40, sum(supporters)).tolist()
    bench = Bench()
    x, t = bench.load("x", "supporter"), bench.load("b", "supporter")
    for level in ("household", "member"):
        fold = {"c": ops.FOLDS[level, "supporter"], "child": ops.LEVEL["supporter"]}  # type: ignore[index]
        for name, op, reg in (("sum", ops.FOLD_SUM, x), ("count", ops.FOLD_COUNT, t), ("any", ops.FOLD_ANY, t)):
            bench.keep(f"{name} {level}", bench.build.emit(op, level, reg, **fold), level)  # type: ignore[arg-type]
        known = bench.build.emit(ops.KNOWN, "supporter", t)
        bench.keep(f"valid {level}", bench.build.emit(ops.FOLD_VALID, level, known, **fold), level)  # type: ignore[arg-type]
    register = frames({"h": [0] * 4}, members, {"y": [0] * sum(members)}, supporters, {"x": value, "b": truth})
    found = bench.run(register, block=3)
    owner = np.repeat(np.arange(203), supporters)
    homes = np.repeat(np.arange(4), members)[owner]
    for level, group, rows in (("member", owner, 203), ("household", homes, 4)):
        parts = [[(v, t) for v, t, g in zip(value, truth, group, strict=True) if g == k] for k in range(rows)]
        assert found[f"sum {level}"] == [sum(v for v, _ in part) for part in parts]
        assert found[f"count {level}"] == [sum(t == 1 for _, t in part) for part in parts]
        assert found[f"any {level}"] == [
            1 if any(t == 1 for _, t in p) else 0 if any(t == 0 for _, t in p) else 2 for p in parts
        ]
        assert found[f"valid {level}"] == [int(all(t != 0 for _, t in part)) for part in parts]


@pytest.mark.parametrize("size", [4, 8])
def test_columns_of_every_width_and_missing_cells(size: int) -> None:
    bench = Bench()
    bench.keep("x", bench.load("x"))
    bench.keep("valid", bench.build.emit(ops.LOAD_VALID, "household", imm=0))
    bench.keep("b", bench.load("b", truth=True))
    wide = [5, None, -(2**31), 2**31 - 1] if size == 4 else [5, None, -(2**62), 2**62]
    found = bench.run(frames({"x": wide, "b": [0, 1, 1, 0]}, size=size), block=3)
    assert found == {"x": [wide[0], 0, *wide[2:]], "valid": [1, 0, 1, 1], "b": [2, 1, 1, 2]}


def test_blocks_and_threads_decide_nothing() -> None:
    rng = np.random.default_rng(3)
    members = rng.integers(1, 6, 50_000)
    bench = Bench()
    x, t = bench.load("x", "member"), bench.load("b", "member")
    fold = {"c": ops.FOLDS["household", "member"], "child": ops.LEVEL["member"]}
    bench.keep("sum", bench.build.emit(ops.FOLD_SUM, "household", x, t, **fold))
    bench.keep("any", bench.build.emit(ops.FOLD_ANY, "household", t, **fold))
    rows = int(members.sum())
    register = frames(
        {"h": [0] * 50_000}, members.tolist(),
        {"x": rng.integers(-(2**40), 2**40, rows).tolist(), "b": rng.integers(0, 3, rows).tolist()},
    )  # fmt: skip
    columns = bench.bound(register)
    first = machine.run(columns.program, columns, threads=1, block=2048)
    for threads, block in ((2, 2048), (4, 1000), (1, 7), (3, 100_000)):
        again = machine.run(columns.program, columns, threads=threads, block=block)
        for name in ("sum", "any"):
            assert np.array_equal(first[name].values, again[name].values)


def test_registers_are_reused_only_when_free() -> None:
    """The same program with and without reuse gives the same."""
    bench = Bench()
    last = bench.load("x")
    for k in range(40):
        last = bench.build.emit(ops.ADD, "household", last, bench.build.emit(ops.ADD_C, "household", last, imm=k))
    bench.keep("x", last)
    register = frames({"x": [1, 2, 3]})
    found = [bench.bound(register, reuse) for reuse in (True, False)]
    results = [machine.run(columns.program, columns)["x"].values.tolist() for columns in found]
    assert results[0] == results[1]
    assert found[0].program.arrays.registers[0, 0] <= 4
    assert found[1].program.arrays.registers[0, 0] == 81
    code = found[0].program.arrays.code
    for row in code[:-1]:
        assert row[ops.DST] not in row[[ops.A, ops.B]][row[[ops.A, ops.B]] >= 0]


def test_no_households() -> None:
    bench = Bench()
    bench.keep("x", bench.load("x"))
    assert bench.run(frames({"x": []})) == {"x": []}


def test_columns_of_another_program_are_refused() -> None:
    bench = Bench()
    bench.keep("x", bench.load("x"))
    columns = bench.bound(frames({"x": [1]}))
    with pytest.raises(EngineError):
        machine.run(bench.program(), columns)


def test_a_machine_that_computes_otherwise_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = selftest.EXPECTED | {"share": [15_000, 0, 7_001]}
    monkeypatch.setattr(selftest, "EXPECTED", wrong)
    selftest.check.cache_clear()
    with pytest.raises(EngineError, match="share"):
        machine.warm()
    monkeypatch.undo()
    machine.warm()


def test_the_cache_is_keyed_by_the_sources_and_private(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    script = "from hardship.engine import jit; print(jit.cache_directory())"
    environment = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}

    def where(**more: str) -> Path:
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment | more, capture_output=True, text=True, check=True
        )
        return Path(done.stdout.strip())

    kept = where(HOME=str(home))
    assert kept.parent == home / ".cache" / "hardship"
    assert kept.name == f"kernels-{jit.source_hash()}"
    assert kept.stat().st_mode & 0o077 == 0
    # Where the home cannot be written (here: it is a file), a private temporary directory serves.
    blocked = tmp_path / "file"
    blocked.write_text("")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    other = where(HOME=str(blocked), TMPDIR=str(temporary))
    assert temporary in other.parents
    # A directory that others may write to is not trusted.
    open_home = tmp_path / "open"
    (open_home / ".cache" / "hardship").mkdir(parents=True)
    (open_home / ".cache" / "hardship").chmod(0o777)
    assert open_home not in where(HOME=str(open_home), TMPDIR=str(temporary)).parents


def test_kernels_depend_on_no_source_outside_the_hash() -> None:
    """The kernels import from the package only what the hash covers: their own folder and the operations."""
    folder = Path(jit.__file__).parent
    for name in ("kernels", "kernels_rows"):
        for line in (folder / f"{name}.py").read_text("utf-8").splitlines():
            if line.startswith("from hardship"):
                assert line.startswith(("from hardship.lowering import ops", "from hardship.engine."))
