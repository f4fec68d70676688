"""Where a table's time goes: nanoseconds a household by stage and kind of instruction, bytes, the memory's limit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hardship.lowering import ops
from hardship.lowering.bind import Columns, bind
from hardship.lowering.ops import CHILD, DST, ENTITY, IMM, INTO, OP, SIZE, A, Arrays, B, C, D
from hardship.lowering.program import lowered
from hardship.lowering.tune import facts_of, tuned
from hardship.lowering.values import NONE
from hardship.standards import Standards

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.register import Register

STAGES = ("load", "below", "between", "words", "truths", "tables", "division", "store")
_ALL = list(vars(ops))
_NAMES: dict[int, str] = {
    getattr(ops, name): name
    for name in (
        *_ALL[_ALL.index("LOAD_WORD") : _ALL.index("FLOOR")],
        *_ALL[_ALL.index("UNIFORM") : _ALL.index("FOLD_BITS") + 1],
    )
    if name.isupper() and isinstance(getattr(ops, name), int)
}


@dataclass(frozen=True)
class Line:
    """Instructions of one kind on one level, and the nanoseconds a household they take together; `bits` of a word."""

    instruction: str
    level: str
    bits: int
    count: int
    nanoseconds: float


@dataclass(frozen=True)
class Profile:
    """What one thread does for one household.

    Attributes:
        lowered, instructions: how many the table was lowered to, and how many run.
        nanoseconds: in all.
        stages: by stage of `STAGES`.
        lines: by kind, the dearest first.
        read, written: bytes of the columns that are read and of the results.
        bandwidth: bytes a second that one core reads from memory, measured in the same run.
        share: of the speed at which one core could read the bytes alone.
    """

    households: int
    lowered: int
    instructions: int
    nanoseconds: float
    stages: dict[str, float]
    lines: tuple[Line, ...]
    read: float
    written: float
    bandwidth: float
    share: float

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def complete(register: Register) -> Register:
    """The register with every missing cell filled from a neighbouring row."""
    frames = {level: frame.select(_filled(frame)) for level, frame in register.frames.items()}
    return replace(register, frames=frames)


def _filled(frame: Any) -> Any:
    import polars as pl

    return pl.all().forward_fill().backward_fill()


def profile(
    checked: Checked, register: Register, standards: Standards, on: dt.date, *, as_lowered: bool = False,
    block: int = 2048,
) -> Profile:  # fmt: skip
    """Run a table over a register on one thread, and say where the time went.

    Args:
        as_lowered: run the instructions as few households meet them, not tuned.

    Raises:
        TableError: a standard does not fit its parameter.
    """
    from hardship.engine import machine, ticks

    machine.warm()
    program = lowered(checked)
    columns = bind(program, register, standards, on)
    arrays = program.arrays if as_lowered else tuned(program, facts_of(columns))
    found = ticks.spent(columns, arrays, block=block)
    households = columns.rows[0]
    each = found.by_instruction * 1e9 / households
    read, written = traffic(columns, arrays)
    bandwidth = ticks.bandwidth()
    kinds: dict[tuple[str, str, int], list[float]] = {}
    stages = dict.fromkeys(STAGES, 0.0)
    for row, cost in zip(arrays.code.tolist(), each.tolist(), strict=True):
        stages[_stage(row)] += cost
        byte = row[OP] in ops.BYTE_RESULTS or row[OP] == ops.STORE_BYTE
        width = 8 if byte else 8 * (row[SIZE] if row[OP] == ops.STORE_WORD else row[INTO])
        kinds.setdefault((_NAMES[row[OP]], ops.LEVELS[row[ENTITY]], width), []).append(cost)
    lines = (Line(name, level, width, len(costs), sum(costs)) for (name, level, width), costs in kinds.items())
    nanoseconds = found.seconds * 1e9 / households
    return Profile(
        households, len(program.arrays.code), len(arrays.code), nanoseconds, stages,
        tuple(sorted(lines, key=lambda line: -line.nanoseconds)), read, written, bandwidth,
        read / bandwidth * 1e9 / nanoseconds,
    )  # fmt: skip


def _stage(row: Sequence[int]) -> str:
    op, level = row[OP], row[ENTITY]
    if op <= ops.UNIFORM:
        return "load"
    if op >= ops.STORE_WORD:
        return "store"
    if op >= ops.EXPAND_WORD or op in (ops.LANE, ops.LANE_ANY, ops.LANE_NONE):
        return "between"
    if level > 0:
        return "below"
    if ops.STEP <= op <= ops.LOOK_WORD or op == ops.STEP_RATIO:
        return "tables"
    if op >= ops.ROUND:
        return "division"
    return "truths" if ops.LT <= op <= ops.BITS else "words"


def traffic(columns: Columns, arrays: Arrays) -> tuple[float, float]:
    """Bytes a household that a run reads from columns, offsets and parents, and writes as results; each once."""
    households = max(columns.rows[0], 1)
    read: dict[tuple[str, int], int] = {}
    written: dict[int, int] = {}
    for row in arrays.code.tolist():
        op, rows, number = row[OP], columns.rows[row[ENTITY]], row[IMM]
        below = columns.rows[row[CHILD]] if ops.EXPAND_WORD <= op <= ops.FOLD_BITS else rows
        for place, of in ((DST, rows), (A, below), (B, below), (C, rows), (D, rows)):
            if row[place] >= NONE:
                continue
            one, kind = divmod(-2 - row[place], ops.PLACED)
            if kind == ops.IN_COLUMN:
                read["column", one] = of * int(columns.sizes[one])
            elif kind == ops.IN_VALIDITY:
                read["valid", one] = of
            elif place == DST:
                written[one] = of * (1 if op in ops.BYTE_RESULTS else row[INTO])
        if op in (ops.LOAD_WORD, ops.LOAD_BYTE, ops.LOAD_TRUTH) and columns.addresses[number]:
            read["column", number] = rows * int(columns.sizes[number])
        elif op == ops.LOAD_VALID and columns.known[number]:
            read["valid", number] = rows
        elif op in (ops.PARAMETER, ops.PARAMETER_VALID):
            read["places", 0] = 4 * columns.rows[0]
        elif ops.EXPAND_WORD <= op <= ops.FOLD_BITS:
            read["link", row[C]] = 4 * (rows if op <= ops.EXPAND_BYTE else max(rows, columns.rows[row[CHILD]]))
        elif op in ops.STORES:
            written[number] = rows * (8 if op == ops.STORE_WORD else 1)
    return float(np.sum(list(read.values()))) / households, float(np.sum(list(written.values()))) / households
