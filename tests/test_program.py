"""The lowering: what becomes of a table, and that it means what the plain evaluator says."""

from __future__ import annotations

import datetime as dt
import random
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_bind import HEAD, TAIL, derive, output, program, register

from hardship.checking.check import Checked
from hardship.engine import machine
from hardship.errors import EngineError
from hardship.load import load_table, load_text
from hardship.lowering import comparisons, ops
from hardship.lowering.arithmetic import Builder
from hardship.lowering.bind import bind
from hardship.lowering.ops import BYTE_RESULTS, DST, ENTITY, OP, STORES, Program
from hardship.lowering.program import incomplete, lower, missing_attributes
from hardship.lowering.values import Value, number
from hardship.reference.evaluate import Reference, rows
from hardship.standards import Standards, load_standards
from hardship.synthesis import synthesize

HERE = Path(__file__).parent
ON = dt.date(2018, 7, 1)
TABLES = sorted(HERE.parent.joinpath("scoring_tables").glob("*/*.toml"))
GOOD = sorted(HERE.joinpath("tables", "good").glob("*.toml"))


def exact(stored: machine.Stored, at: int) -> Any:
    """A stored value as the reference would give it."""
    value = int(stored.values[at])
    if stored.type == "bool":
        return {1: True, 2: False, 0: None}[value]
    if stored.valid is not None and not stored.valid[at]:
        return None
    match stored.type:
        case "number":
            over = Fraction(1) if stored.divisor is None else Fraction(int(stored.divisor[at]), stored.divisor_den)
            return Fraction(value, stored.den) / over
        case "enum":
            return stored.domain[value]
        case "set":
            return frozenset(name for place, name in enumerate(stored.domain) if value >> place & 1)
        case "date":
            return dt.date(value // 10_000, value // 100 % 100, value % 100)
    return value


def differences(checked: Checked, standards: Standards, households: int, seed: int, block: int) -> list[str]:
    """Every named value at every row, and what makes households incomplete: machine against reference."""
    people = synthesize(households, seed, attributes=checked.names.attributes)
    made = lower(checked, "all")
    columns = bind(made, people, standards, ON)
    raw = machine.run(made, columns, block=block)
    short = iter(missing_attributes(made, raw, columns))
    gone = incomplete(raw)
    plain = Reference(checked.table, checked.names, standards, ON)
    found: list[str] = []
    for h, household in enumerate(rows(people, checked.names.attributes)):
        outcome = plain.evaluate(household)
        missing = next(short) if gone[h] else ()
        if outcome.rejected:
            continue
        if outcome.incomplete != gone[h] or outcome.missing != missing:
            found.append(f"{h} missing {outcome.missing} {missing}")
        for (name, key), value in outcome.values.items():
            stored = raw.get(f"name:{name}")
            if stored is None or stored.type == "code":
                continue
            at = h
            if key:
                at = int(columns.offsets[0][h]) + key[0]
            if key[1:]:
                at = int(columns.offsets[1 if stored.level == "supporter" else 2][at]) + key[1]
            if exact(stored, at) != value:
                found.append(f"{h} {key} {name}: {value}, machine {exact(stored, at)}")
    return found


@pytest.mark.parametrize("path", [*TABLES, *GOOD], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_named_value_is_the_reference_s(path: Path) -> None:
    checked = load_table(path) if path in TABLES else load_text(path.read_text("utf-8"), path.name)
    assert differences(checked, load_standards(), households=60, seed=11, block=16) == []


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.parent.name)
def test_details_agree(path: Path) -> None:
    """What `results` stores is what `all` stores, for every complete household."""
    checked = load_table(path)
    people = synthesize(400, 3, attributes=checked.names.attributes)
    found = {}
    for detail in ("results", "items", "all"):
        made = lower(checked, detail)
        found[detail] = machine.run(made, bind(made, people, load_standards(), ON), block=128)
    whole = ~incomplete(found["all"])
    assert found["results"].keys() <= found["items"].keys() < found["all"].keys()
    for detail in ("results", "items"):
        assert np.array_equal(incomplete(found[detail]), ~whole)
        for name, stored in found[detail].items():
            other = found["all"][name]
            assert (stored.den, stored.type, stored.level) == (other.den, other.type, other.level)
            if stored.level != "household":
                assert np.array_equal(stored.values, other.values)
                continue
            keep = whole if stored.valid is None else whole & (stored.valid == 1)
            assert np.array_equal(stored.values[..., keep], other.values[..., keep]), name


def structure(made: Program) -> None:
    """No result is made in vain, taken away before its last use, or put into an operand's register."""
    held: dict[tuple[int, bool, int], int] = {}
    used: set[int] = set()
    for at, row in enumerate(made.arrays.code.tolist()):
        op, entity = row[OP], row[ENTITY]
        level = {ops.LEVELS[entity]}
        reads = {key for key, writer in held.items() if writer >= 0 and _reads(row, key)}
        used |= {held[key] for key in reads}
        if op not in STORES:
            key = (entity, op in BYTE_RESULTS, row[DST])
            assert key not in reads, f"instruction {at} writes its own operand at {level}"
            assert row[DST] < made.arrays.registers[entity, int(op in BYTE_RESULTS)]
            held[key] = at
    count = sum(row[OP] not in STORES for row in made.arrays.code.tolist())
    assert len(used) == count


def _operand_classes(row: list[int]) -> list[tuple[int, bool, int]]:
    """(level, byte, register) of each operand, from the instruction's description."""
    op, entity, other = row[OP], row[ENTITY], row[ops.CHILD]
    a, b, c, d = row[ops.A], row[ops.B], row[ops.C], row[ops.D]
    words, bytes_ = False, True
    if op < ops.ADD:
        return []
    if op < ops.LT:
        return [(entity, words, a), (entity, words, b)]
    if op < ops.AND:
        return [(entity, words, register) for register in (a, b, c, d)]
    if op < ops.SELECT:
        return [(entity, bytes_, register) for register in (a, b, c)]
    if op == ops.BIT_WORD:
        return [(entity, words, a), (entity, bytes_, b)]
    if op < ops.STEP:
        return [(entity, bytes_, a), (entity, words, b), (entity, words, c)]
    if op in (ops.LOOK_BYTE, ops.LOOK_TWO):
        return [(entity, bytes_, a), (entity, bytes_, b)]
    if op < ops.EXPAND_WORD:
        return [(entity, words, a), (entity, words, b)]
    if op in (ops.EXPAND_WORD, ops.EXPAND_BYTE):
        return [(other, op == ops.EXPAND_BYTE, a)]
    if op < ops.STORE_WORD:
        return [(other, op in (ops.FOLD_COUNT, ops.FOLD_ANY, ops.FOLD_VALID), a), (other, bytes_, b)]
    return [(entity, op == ops.STORE_BYTE, a)]


def _reads(row: list[int], key: tuple[int, bool, int]) -> bool:
    return any(operand == key for operand in _operand_classes(row) if operand[2] >= 0)


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.parent.name)
def test_structure(path: Path) -> None:
    checked = load_table(path)
    for detail in ("results", "all"):
        structure(lower(checked, detail))
    few, many = lower(checked, "results"), lower(checked, "all")
    assert few.arrays.registers.sum() < many.arrays.registers.sum() / 2


def test_lowering_is_deterministic() -> None:
    script = (
        "import sys; from pathlib import Path; from hardship.load import load_table;"
        "from hardship.lowering.program import lower; import hashlib; p = lower(load_table(Path(sys.argv[1])), 'all');"
        "print(hashlib.sha256(p.arrays.code.tobytes() + p.arrays.pool.tobytes() + repr(p.stores).encode()).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", script, str(TABLES[0])], env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(found) == 1


def test_equal_instructions_are_made_once_and_constants_folded() -> None:
    one = program(derive("x", "(durable_goods_count + 1) * (durable_goods_count + 1)") + output("x"), "results")
    assert sum(row[OP] == ops.ADD_C for row in one.arrays.code) == 1
    folded = program(derive("x", "min(1 + 1, max(0, 1)) + durable_goods_count * (1 - 1)") + output("x"), "results")
    assert not {ops.MIN, ops.MAX, ops.SUB} & {int(row[OP]) for row in folded.arrays.code}


def test_a_long_chain_of_names() -> None:
    chain = "".join(derive(f"x{k}", f"x{k - 1} + 1" if k else "durable_goods_count") for k in range(600))
    made = program(chain + output("x599"), "results")
    raw = machine.run(made, bind(made, register([1], {}), Standards((), ""), ON))
    assert incomplete(raw).tolist() == [True]


def test_more_bands_than_a_byte_counts() -> None:
    title = 'title = { zh = "甲", en = "A" }'
    raising = dict.fromkeys(range(49, 300, 50), ', veto = "V"')
    bands = ", ".join(f"{{ below = {k + 1}, points = {k % 7}{raising.get(k, '')} }}" for k in range(300))
    edges = ", ".join(f"{{ at_most = {k} }}" for k in range(299))
    cells = ", ".join(str(k * k % 11) for k in range(300))
    text = (
        f'[[lookup]]\nname = "grid"\n{title}\nrows = {{ unit = "money", bands = [{edges}, {{ otherwise = true }}] }}\n'
        f"cells = [{cells}]\n" + derive("x", "lookup(grid, livestock_value)") + output("x")
        + f'[[index]]\nid = "main"\n{title}\n[[item]]\nid = "a01"\n{title}\nvalue = "livestock_value"\nunit = "money"\n'
        f"bands = [{bands}, {{ otherwise = true, points = 9 }}]\n"
        f'[[veto]]\nid = "V"\n{title}\neffect = "defer"\n'
    )  # fmt: skip
    made = program(text)
    fen = [0, 99, 100, 25_500, 25_600, 4_900, 4_999, 29_800, 29_900, 30_000, 1_000_000]
    people = register([1] * len(fen), {"livestock_value": pl.Series(fen, dtype=pl.Int64)})
    raw = machine.run(made, bind(made, people, Standards((), ""), ON))
    places = [min(value // 100, 300) for value in fen]
    assert [exact(raw["name:a01"], h) for h in range(len(fen))] == [9 if k == 300 else k % 7 for k in places]
    rows_of = [min(-(-value // 100), 299) for value in fen]
    assert [exact(raw["name:x"], h) for h in range(len(fen))] == [k * k % 11 for k in rows_of]
    assert [exact(raw["deferred"], h) for h in range(len(fen))] == [k < 300 and k % 50 == 49 for k in places]


def test_sinks_name_what_stands_behind_them() -> None:
    text = (
        "[household]\ncounted = \"member_counted == 'counted'\"\n"
        + derive("n", "count(member)")
        + derive("x", "n + durable_goods_count") + output("x")
    )  # fmt: skip
    made = program(text)
    sink = next(sink for sink in made.sinks if sink.name == "output:shown")
    assert sink.attributes == {"durable_goods_count", "member_counted"}
    never = program(derive("x", "or_else(durable_goods_count, 0)") + output("x"))
    assert never.sinks == ()


def test_equal_bit_planes_have_a_place_each() -> None:
    """Twenty sinks behind one fact: the first two planes are the same byte."""
    outputs = [output("durable_goods_count").replace('"shown"', f'"shown_{k}"') for k in range(20)]
    made = program("".join(outputs))
    planes = [store for store in made.stores if store.name == "missing"]
    assert [store.plane for store in planes] == [0, 1, 2]
    assert len({store.output for store in planes}) == 3


def test_an_interval_beyond_a_word_is_the_engine_s_fault() -> None:
    build = Builder()
    wide = Value("number", "household", build.emit(ops.ON, "household"), 0, 2**40)
    with pytest.raises(EngineError):
        build.product(wide, wide)
    with pytest.raises(EngineError):
        build.times(wide, 2**24)
    assert build.times(wide, 2**22).hi == 2**62


EDGES = st.fractions(min_value=-50, max_value=50, max_denominator=12)


@settings(max_examples=120, deadline=None)
@given(
    st.integers(1, 12), st.integers(0, 6), EDGES, st.sampled_from(("<", "<=", ">", ">=", "==", "!=")), st.booleans(),
    st.sampled_from((0, 2**52)),
)  # fmt: skip
def test_comparisons_of_ratios_and_numbers(
    den: int, dden: int, line: Fraction, op: str, ratio: bool, stretch: int
) -> None:
    """All pairs of small integers against a line, in 64 bits and (with stretched intervals) in 128."""
    from machine_bench import Bench, frames

    plain = {"<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__", "==": "__eq__", "!=": "__ne__"}[op]
    pairs = [(n, d) for n in range(-60, 61, 7) for d in range(1, 6)] + [
        (int(line * den * d // max(dden, 1)) + by, d) for d in range(1, 6) for by in (-1, 0, 1)
    ]
    bench = Bench()
    top = Value("number", "household", bench.load("n"), -(10**4) - stretch, 10**4 + stretch, den)
    bottom = Value("number", "household", bench.load("d"), 1, 5 + stretch, max(dden, 1))
    value = bench.build.quotient(top, bottom) if ratio else top
    for name, left, right in (("x", value, number(line)), ("y", number(line), value)):
        found = comparisons.compare(bench.build, op, left, right)
        bench.keep(name, bench.build.byte(found, "household"))
    results = bench.run(frames({"n": [n for n, _ in pairs], "d": [d for _, d in pairs]}))
    exact_values = [Fraction(n, den) / (Fraction(d, max(dden, 1)) if ratio else 1) for n, d in pairs]
    assert results["x"] == [1 if getattr(value, plain)(line) else 2 for value in exact_values]
    assert results["y"] == [1 if getattr(line, plain)(value) else 2 for value in exact_values]


def test_missing_attributes_looks_at_rows_that_are_not_excluded() -> None:
    text = (
        "[household]\ncounted = \"member_counted == 'counted'\"\n"
        + derive("x", "sum(member.refused_jobs)") + output("x")
    )  # fmt: skip
    made = program(text)
    values_of = lower(load_text(HEAD + text + TAIL)).columns
    counted = next(column for column in values_of if column.attribute == "member_counted")
    assert counted.byte
    away = 1
    people = register(
        [2, 2], member={
            "member_counted": pl.Series([0, away, 0, 0], dtype=pl.UInt8),
            "refused_jobs": pl.Series([1, None, None, 2], dtype=pl.UInt8),
        },
    )  # fmt: skip
    columns = bind(made, people, Standards((), ""), ON)
    raw = machine.run(made, columns)
    assert incomplete(raw).tolist() == [False, True]
    assert missing_attributes(made, raw, columns) == [("refused_jobs",)]
    assert raw["name:x"].values[0] == 1


def test_values_know_their_reach() -> None:
    """Random chains of operations: the register never leaves the interval that the value states."""
    from machine_bench import Bench, frames

    rng = random.Random(5)
    for _ in range(25):
        bench = Bench()
        build = bench.build
        pool = [
            Value("number", "household", bench.load("x"), -50, 50, 3),
            Value("number", "household", bench.load("y"), 0, 9, 2),
            number(Fraction(rng.randint(-5, 5), rng.randint(1, 4))),
        ]  # fmt: skip
        for step in range(12):
            a, b = rng.choice(pool), rng.choice(pool)
            match rng.randrange(7):
                case 0:
                    made = build.add(a, b)
                case 1:
                    made = build.subtract(a, b)
                case 2 | 3 as which:
                    made = build.extreme(a, b, which == 2)
                case 4:
                    made = build.negative(a)
                case 5:
                    made = build.rounded(a, Fraction(1, 2), "half_even")
                case _:
                    made = build.select(comparisons.compare(build, "<", a, b), a, b)
            if max(abs(made.lo), abs(made.hi)) < 2**50:
                pool.append(made)
                bench.keep(f"v{step}", build.word(made, "household"))
        found = bench.run(frames({"x": [-50, 0, 7, 50, -1], "y": [0, 9, 4, 1, 9]}))
        named = dict(zip((name for name, _, _ in bench.out), (v for v in pool[3:]), strict=False))
        for name, value in named.items():
            assert value.lo <= min(found[name]), (name, value)
            assert max(found[name]) <= value.hi, (name, value)
