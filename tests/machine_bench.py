"""A bench for single instructions: a small program over given columns, and its results as lists."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import polars as pl

from hardship.engine import machine
from hardship.lowering import ops
from hardship.lowering.allocate import arrays
from hardship.lowering.arithmetic import Builder
from hardship.lowering.bind import Columns, bind
from hardship.lowering.ops import Column, Program, Store
from hardship.lowering.values import NONE
from hardship.standards import Standards

ON = dt.date(2018, 7, 1)
WIDE = (-(2**63) + 1, 2**63 - 1)
TYPES: dict[int, Any] = {1: pl.UInt8, 4: pl.Int32, 8: pl.Int64}


def frames(
    household: dict[str, Sequence[int | None]], members: Sequence[int] | None = None,
    member: dict[str, Sequence[int | None]] | None = None, supporters: Sequence[int] = (),
    supporter: dict[str, Sequence[int | None]] | None = None, size: int = 8,
) -> SimpleNamespace:  # fmt: skip
    """A register: columns of integers (bytes if all fit 0–3), members a household, supporters a member."""
    rows = len(next(iter(household.values())))
    members = [0] * rows if members is None else members
    owner = [h for h, count in enumerate(members) for _ in range(count)]
    above = [m for m, count in enumerate(supporters) for _ in range(count)]

    def columns(given: dict[str, Sequence[int | None]] | None) -> dict[str, pl.Series]:
        return {
            name: pl.Series(list(values), dtype=pl.UInt8 if name.startswith("b") else TYPES[size])
            for name, values in (given or {}).items()
        }

    return SimpleNamespace(
        frames={
            "household": pl.DataFrame(
                {"area_code": [""] * rows, **columns(household)}, schema_overrides={"area_code": pl.String}
            ),
            "member": pl.DataFrame({"household": pl.Series(owner, dtype=pl.UInt32), **columns(member)}),
            "supporter": pl.DataFrame({"member": pl.Series(above, dtype=pl.UInt32), **columns(supporter)}),
            "transfer": pl.DataFrame({"member": pl.Series([], dtype=pl.UInt32)}),
        }
    )


class Bench:
    """Builds a program; columns whose name begins with `b` are bytes."""

    def __init__(self) -> None:
        self.build = Builder()
        self.columns: list[Column] = []
        self.out: list[tuple[str, int, Any]] = []

    def load(self, name: str, level: Any = "household", truth: bool = False) -> int:
        """A register with a column."""
        byte = name.startswith("b")
        self.columns.append(Column(name, level, 0, byte, *((0, 255) if byte else WIDE), True))
        op = ops.LOAD_WORD if not byte else ops.LOAD_TRUTH if truth else ops.LOAD_BYTE
        return self.build.emit(op, level, imm=len(self.columns) - 1)

    def keep(self, name: str, reg: int, level: Any = "household") -> None:
        """Store a register."""
        self.out.append((name, reg, level))

    def program(self, reuse: bool = True) -> Program:
        """The program of everything kept."""
        stores, code = [], []
        for place, (name, reg, level) in enumerate(self.out):
            word = self.build.code[reg][ops.OP] not in ops.BYTE_RESULTS
            op = ops.STORE_WORD if word else ops.STORE_BYTE
            code.append((op, ops.LEVEL[level], 0, reg, NONE, NONE, NONE, place, 0, 0))
            stores.append(Store(name, "value", level, "number", word, output=place))
        return Program(
            arrays(self.build.code, code, self.build.pool, reuse=reuse), tuple(self.columns), (), (), ((), -1),
            tuple(stores), (), (), (), {}, (), False, "results",
        )  # fmt: skip

    def bound(self, register: SimpleNamespace, reuse: bool = True) -> Columns:
        """The program bound to a register."""
        return bind(self.program(reuse), register, Standards((), ""), ON)

    def run(self, register: SimpleNamespace, **options: int) -> dict[str, list[int]]:
        """Every store as a list."""
        columns = self.bound(register)
        raw = machine.run(columns.program, columns, **options)
        return {name: raw[name].values.tolist() for name, _, _ in self.out}


def one(make: Callable[[Bench], int], household: dict[str, Sequence[int | None]]) -> list[int]:
    """The results of one instruction over household columns."""
    bench = Bench()
    bench.keep("x", make(bench))
    return bench.run(frames(household))["x"]
