"""Where the machine's time goes: nanoseconds a household for each kind of instruction.

Each kind's instructions are run `TIMES` more times in place (they give the same again), so that they work on real data;
what the run takes longer is their cost. One thread, CPU time, the least of several runs.

    python benchmarks/profile_ops.py [--table county_model] [--households 100000] [--detail results]
"""

from __future__ import annotations

import argparse
import datetime as dt
import time
from collections import Counter
from dataclasses import replace

import numpy as np

from hardship.engine import machine
from hardship.load import find_table, load_table
from hardship.lowering import ops
from hardship.lowering.bind import Columns, bind
from hardship.lowering.program import Program, lower
from hardship.standards import load_standards
from hardship.synthesis import synthesize

TIMES = 10
_START = list(vars(ops)).index("LOAD_WORD")
_END = list(vars(ops)).index("FLOOR")
NAMES = {value: name for name, value in list(vars(ops).items())[_START:_END] if isinstance(value, int)}


def timed(program: Program, columns: Columns, code: np.ndarray, repeats: int) -> float:
    """Least CPU seconds of a run of other instructions over the same columns."""
    other = replace(program, arrays=program.arrays._replace(code=np.ascontiguousarray(code)))
    bound = replace(columns, program=other)
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        machine.run(other, bound)
        best = min(best, time.process_time() - start)
    return best


def main() -> None:
    """Print one line for each kind of instruction and level, the dearest first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", default="county_model")
    parser.add_argument("--households", type=int, default=100_000)
    parser.add_argument("--detail", default="results", choices=("results", "items", "all"))
    parser.add_argument("--on", type=dt.date.fromisoformat, default=dt.date(2018, 7, 1))
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    checked = load_table(find_table(given.table, given.on)[0])
    register = synthesize(given.households, 7, attributes=checked.names.attributes)
    program = lower(checked, given.detail)
    columns = bind(program, register, load_standards(), given.on)
    code = program.arrays.code
    whole = timed(program, columns, code, given.repeats + 2)
    each = 1e9 / given.households
    rate = given.households / whole / 1e6
    print(f"{len(code)} instructions, {whole * each:.1f} ns a household, {rate:.2f} million a second and core")
    counts = Counter((int(row[ops.OP]), int(row[ops.ENTITY])) for row in code)
    found = []
    for (op, entity), count in counts.items():
        twice = np.where((code[:, ops.OP] == op) & (code[:, ops.ENTITY] == entity), 1 + TIMES, 1)
        cost = (timed(program, columns, np.repeat(code, twice, axis=0), given.repeats) - whole) * each / TIMES
        rows = columns.rows[entity] / columns.rows[0]
        found.append((cost, NAMES[op], ops.LEVELS[entity], count, cost / count / max(rows, 1e-9)))
    print(f"{sum(row[0] for row in found):7.1f} ns a household in all of these")
    for cost, name, level, count, row in sorted(found, reverse=True):
        print(f"{cost:7.2f} ns  {name:<16} {level:<10} x{count:<4} {row:7.3f} ns a row")


if __name__ == "__main__":
    main()
