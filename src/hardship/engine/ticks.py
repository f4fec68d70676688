"""Where the machine's time goes: ticks of the processor by instruction, and what the memory could give at most."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hardship.engine import machine
from hardship.engine.jit import I64, at, kernel
from hardship.lowering.bind import Columns
from hardship.lowering.ops import Arrays

Array = npt.NDArray[Any]

PART = 16_384  # households between two readings of the clock of the system
LARGE = 1 << 27  # bytes that no cache holds


@dataclass(frozen=True)
class Spent:
    """Seconds of one core by instruction, and in all.

    Attributes:
        by_instruction: float64 [instruction].
        seconds: in all. Both of the fastest quarter of the parts, times the parts: in the others something else may
            have had the processor.
    """

    by_instruction: Array
    seconds: float


def spent(columns: Columns, arrays: Arrays, *, block: int = 2048, rounds: int = 3) -> Spent:
    """Run arrays over bound columns on one thread and count ticks.

    Args:
        arrays: of the columns' program, tuned or not.
        rounds: how often the whole register is run; the first time is not counted.
    """
    program, households = columns.program, columns.rows[0]
    _, outputs = machine.outputs_for(program, columns)
    data = machine.inputs(columns, outputs)
    files, memory = machine.registers(program, columns.rows, columns.widest, block, arrays)
    count = len(arrays.code)
    parts: list[Array] = []
    seconds: list[float] = []
    for turn in range(rounds + 1):
        for begin in range(0, households, PART):
            end = min(begin + PART, households)
            ticks = np.zeros(count, np.int64)
            start = time.perf_counter()
            machine.run_range(
                arrays.code, arrays.pool, data, files._replace(ticks=np.uint64(ticks.ctypes.data)), columns.on,
                households, columns.rows[1], begin, end, block, np.uint64(0),
            )  # fmt: skip
            if turn and (end - begin == PART or households < PART):
                seconds.append(time.perf_counter() - start)
                parts.append(ticks)
    del memory
    fastest = np.argsort(seconds)[: max(1, len(seconds) // 4)]
    usual = np.array(parts)[fastest].mean(axis=0)
    whole = float(np.array(seconds)[fastest].mean()) * households / min(PART, households)
    return Spent(usual / max(usual.sum(), 1.0) * whole, whole)


@kernel
def total(address: np.uint64, count: int) -> int:
    """The sum of 64-bit integers at an address."""
    numbers = at(address, count, I64)
    found = 0
    for i in range(count):
        found += numbers[i]
    return found


def bandwidth(rounds: int = 5) -> float:
    """Bytes a second that one core reads from memory, the best of some rounds."""
    memory = np.ones(LARGE // 8, np.int64)
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        total(np.uint64(memory.ctypes.data), memory.size)
        best = min(best, time.perf_counter() - start)
    return LARGE / best
