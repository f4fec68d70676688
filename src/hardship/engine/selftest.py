"""A small program with known results: run before the machine's first word is believed.

A stale or damaged cache on disk, or a machine that computes differently, is found here and not in a household.
"""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from functools import cache
from types import SimpleNamespace

import numpy as np

from hardship.engine import machine
from hardship.errors import EngineError, Fault
from hardship.language.table import Band
from hardship.lowering import comparisons, ops
from hardship.lowering.allocate import arrays
from hardship.lowering.arithmetic import Builder
from hardship.lowering.bind import Columns, bind
from hardship.lowering.ops import Column, Program, Store
from hardship.lowering.tune import facts_of, tuned
from hardship.lowering.values import NONE, Value, number, truth
from hardship.standards import Standards

EXPECTED: dict[str, list[int]] = {
    "sum": [300, 0, 70],
    "count": [2, 0, 1],
    "any": [1, 2, 1],
    "known": [1, 1, 0],
    "largest": [200, -1, 70],
    "share": [15_000, 0, 7_000],
    "floor": [-34, -1, -8],
    "band": [2, 0, 1],
    "points": [5, 0, 3],
    "wide": [1, 2, 2],
    "age": [18, 17, -1],
    "months": [217, 215, -12],
    "sign": [1, 0, 1],
}
"""Store → one value for each of three households: of two members, of none, of two of which one lacks the truth."""


def _program() -> Program:
    build = Builder()
    rows = Value("number", "member", build.emit(ops.LOAD_WORD, "member"), -1000, 1000)
    valid = build.emit(ops.LOAD_VALID, "member", imm=1)
    holds = build.judged(build.emit(ops.LOAD_TRUTH, "member", imm=1, imm2=2), "member", valid)
    born = Value("date", "household", build.emit(ops.LOAD_WORD, "household", imm=2), 19000101, 22001231)
    on = Value("date", "household", build.emit(ops.ON, "household"), 19000101, 22991231)
    always = truth(True)
    total = build.fold_sum("household", "member", build.or_else(holds, truth(False)), rows)
    count = build.fold_count("household", "member", build.or_else(holds, truth(False)))
    ratio = build.quotient(build.product(total, number(100)), build.extreme(count, number(1), True))
    band = comparisons.band(build, total, [Band(below=Fraction(1)), Band(at_most=Fraction(70)), Band(otherwise=True)])
    below = build.quotient(build.add(build.negative(total), number(-1)), number(9))
    days = build.emit(ops.SUB, "household", on.reg, born.reg)
    months = build.emit(ops.MONTHS, "household", born.reg, on.reg)
    some = build.judged(build.emit(ops.GE_C, "household", total.reg, imm=1), "household")
    edges = number(2**40)
    wide = build.emit(
        ops.LT_WIDE, "household", build.word(edges, "household"), build.word(edges, "household"),
        build.word(number(2**60), "household"), build.emit(ops.ADD_C, "household", total.reg, imm=2**20 - 250),
    )  # fmt: skip
    found = {
        "sum": total.reg,
        "count": count.reg,
        "any": build.fold_any("household", "member", holds).reg,
        "known": build.fold_valid("household", "member", holds, None),
        "largest": build.fold_extreme("household", "member", always, rows, number(-1), True).reg,
        "share": build.rounded(ratio, Fraction(1), "half_up").reg,
        "floor": build.rounded(below, Fraction(1), "floor").reg,
        "band": band.reg,
        "points": comparisons.points(build, band, [Fraction(0), Fraction(3), Fraction(5)], 1).reg,
        "wide": wide,
        "age": build.emit(ops.AGE, "household", days),
        "months": months,
        "sign": build.select(some, number(1), number(0)).reg,
    }
    stores, code = [], []
    for place, (name, reg) in enumerate(found.items()):
        word = build.code[reg][ops.OP] not in ops.BYTE_RESULTS
        code.append((ops.STORE_WORD if word else ops.STORE_BYTE, 0, 0, reg, NONE, NONE, NONE, place, 0, 0))
        stores.append(Store(name, "value", "household", "number", word, output=place))
    columns = (
        Column("amount", "member", 0, False, -1000, 1000, False),
        Column("holds", "member", 0, True, 0, 1, True),
        Column("born", "household", 19000101, False, 19000101, 22001231, False),
    )
    return Program(
        arrays(build.code, code, build.pool, reuse=True), columns, (), (), ((), -1), tuple(stores), (), (), (), {}, (),
        False, "results",
    )  # fmt: skip


def small() -> Columns:
    """The small program's columns."""
    import polars as pl

    frames = {
        "household": pl.DataFrame(
            {"area_code": ["1", "2", "3"], "born": pl.Series([20000630, 20000801, 20190701], dtype=pl.Int32)}
        ),
        "member": pl.DataFrame(
            {
                "household": pl.Series([0, 0, 2, 2], dtype=pl.UInt32),
                "amount": pl.Series([100, 200, 70, -5], dtype=pl.Int64),
                "holds": pl.Series([1, 1, 1, None], dtype=pl.UInt8),
            }
        ),
        "supporter": pl.DataFrame({"member": pl.Series([], dtype=pl.UInt32)}),
        "transfer": pl.DataFrame({"member": pl.Series([], dtype=pl.UInt32)}),
    }
    return bind(_program(), SimpleNamespace(frames=frames), Standards((), ""), dt.date(2018, 7, 31))


def run_nothing() -> None:
    """Compile what runs the steps, without any of them and over no household."""
    columns = small()
    program = columns.program
    code, pool, _ = program.arrays
    data = machine.inputs(columns, machine.outputs_for(program, columns)[1])
    nothing = np.uint64(0)
    files = machine.Files(
        np.zeros(256, np.uint64), np.zeros((len(code), 5), np.uint64), np.zeros((0, 6), np.int64), nothing, nothing
    )
    machine.run_range(code, pool, data, files, columns.on, 0, 0, 0, 0, 1, nothing)


@cache
def check() -> None:
    """Run the small program once in this process.

    Raises:
        EngineError: a result is not the known one.
    """
    columns = small()
    program = columns.program
    for form in (program.arrays, tuned(program, facts_of(columns))):
        hold(machine.compute(program, columns, arrays=form))


def hold(raw: machine.Raw) -> None:
    """Hold results of the small program to what is known.

    Raises:
        EngineError: a result is not the known one.
    """
    wrong = ", ".join(name for name, known in EXPECTED.items() if raw[name].values.tolist() != known)
    if wrong:
        raise EngineError(Fault("common.engine", params={"what": f"the machine's self-test: {wrong}"}))
