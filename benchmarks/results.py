"""What comes after the machine: result columns, their hash and their Parquet file, each by itself.

    .venv/bin/python benchmarks/results.py [--households N] [--rounds N]

Prints the least processor time and wall time of each, the households in memory.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from benchmarks.population import ON, county  # noqa: E402
from hardship import results, sheet_csv, sheet_parquet  # noqa: E402
from hardship.engine import machine  # noqa: E402
from hardship.lowering.bind import bind  # noqa: E402
from hardship.lowering.program import lowered  # noqa: E402
from hardship.plausible import check_columns, check_incomes  # noqa: E402


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--households", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    checked, standards, register = county(options.households)
    program = lowered(checked)
    columns = bind(program, register, standards, ON)
    raw = machine.run(program, columns, threads=os.cpu_count() or 1)
    sheet = results.build(register, checked, columns, raw, ()).sheet
    used = [column.attribute for column in program.columns]
    works: dict[str, Callable[[], object]] = {
        "columns and ranks": lambda: results.build(register, checked, columns, raw, ()),
        "checks of units": lambda: (
            check_incomes(sheet, checked, standards, ON),
            check_columns(register, used, checked, standards, ON, areas=columns.codes[0]),
        ),
        "hash": lambda: sheet_csv.sha256(sheet),
        "Parquet": lambda: sheet_parquet.write(sheet, io.BytesIO()),
    }
    least = dict.fromkeys(works, (float("inf"), float("inf")))
    for _ in range(options.rounds):
        for name, work in works.items():
            began, spent = time.perf_counter(), time.process_time()
            work()
            took = time.process_time() - spent, time.perf_counter() - began
            least[name] = min(least[name][0], took[0]), min(least[name][1], took[1])
    for name, (processor, wall) in least.items():
        print(f"{name:20} processor {processor:.3f} s  wall {wall:.3f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
