"""Compare the machine with the reference on every shipped table: the large run.

    python tests/equal/run.py [--table ID] [--households N] [--edges N] [--no-jit] [--seed S] [--jobs N] [--keep FOLDER]

Prints `tables=… households=… edges=… differences=0 unreached=0 sha256=…`; exit code 1 if anything differs, or if a
band, veto, rung or cap is not reached often enough from both sides.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
TABLES = HERE.parents[1] / "scoring_tables"
ON = dt.date(2018, 7, 1)
PART = 2_000


@dataclass(frozen=True)
class Task:
    """One table's share of the run."""

    file: Path
    households: int
    edges: int
    seed: int
    keep: Path | None


@dataclass(frozen=True)
class Found:
    """What one table's share found."""

    households: int
    edges: int
    differences: int
    shown: list[str]
    unreached: list[str]
    sha256: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison; the exit code."""
    parser = argparse.ArgumentParser(description="Compare the machine with the reference.")
    parser.add_argument("--table", default="", help="only this table")
    parser.add_argument("--households", type=int, default=2_000, help="synthetic households for each table")
    parser.add_argument(
        "--edges",
        type=int,
        default=2_000,
        help="most households around thresholds for each table; 0: none, and nothing need be reached",
    )
    parser.add_argument("--no-jit", action="store_true", help="run the machine as plain Python (slow)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes; tables are shared out")
    parser.add_argument(
        "--keep", type=Path, help="keep digests of the reference's answers there, and believe them later"
    )
    chosen = parser.parse_args(arguments)
    if chosen.no_jit and os.environ.get("NUMBA_DISABLE_JIT") != "1":
        command = [sys.executable, str(Path(__file__).resolve()), *(arguments or sys.argv[1:])]
        os.execve(sys.executable, command, {**os.environ, "NUMBA_DISABLE_JIT": "1"})
    files = sorted(TABLES.glob(f"{chosen.table or '*'}/*.toml"))
    if not files:
        print(f"no table {chosen.table}", file=sys.stderr)
        return 2
    tasks = [Task(file, chosen.households, chosen.edges, chosen.seed, chosen.keep) for file in files]
    if chosen.jobs > 1 and len(tasks) > 1:
        # Started afresh: a forked process would share numba's and polars' locks.
        with multiprocessing.get_context("spawn").Pool(min(chosen.jobs, len(tasks))) as pool:
            return report(pool.imap(one_table, tasks), len(tasks))
    return report(map(one_table, tasks), len(tasks))


def report(found: Iterable[Found], tables: int) -> int:
    """Print each table's faults as they come, then the closing line; the exit code."""
    households = edges = differences = unreached = 0
    digest = hashlib.sha256()
    for one in found:
        for line in [*one.shown, *one.unreached]:
            print(line, file=sys.stderr, flush=True)
        households, edges = households + one.households, edges + one.edges
        differences, unreached = differences + one.differences, unreached + len(one.unreached)
        digest.update(one.sha256.encode())
    print(
        f"tables={tables} households={households} edges={edges} "
        f"differences={differences} unreached={unreached} sha256={digest.hexdigest()}"
    )
    return 1 if differences or unreached else 0


def one_table(task: Task) -> Found:
    """One table on synthetic households, on its edges, and at the corners of all bounds."""
    sys.path.insert(0, str(HERE.parent))
    from equal.compare import Comparison
    from equal.edges import Edges
    from equal.households import corners
    from equal.kept import Kept
    from hardship.load import load_table
    from hardship.reading.plain import register_of
    from hardship.reference.evaluate import rows
    from hardship.standards import load_standards
    from hardship.synthesis import synthesize

    checked, standards = load_table(task.file), load_standards()
    attributes = checked.names.attributes
    total = Comparison(task.keep and Kept(task.keep, (task.file.read_bytes(), standards, ON)))
    area = checked.table.table.place.area or "370828"
    search = Edges(checked, standards, ON, task.seed)
    counts: Counter[tuple[str, bool]] = Counter()
    bases = []
    for first in range(0, task.households, PART):
        register = synthesize(min(PART, task.households - first), task.seed + first, area=area, attributes=attributes)
        total.add(checked, standards, ON, register)
        plain = rows(register, attributes)
        bases += plain[: max(0, 500 - len(bases))]
        counts += search.count(plain[:1_000]) if first == 0 else Counter()
    around = search.edges(bases, task.edges)
    counts += search.count(around)
    further = search.reach(counts, bases) if task.edges else []
    counts += search.count(further)
    around += further
    for first in range(0, len(around), PART):
        total.add(checked, standards, ON, register_of(around[first : first + PART], attributes))
    extremes = corners(search.attributes, 20, 2, area) + [
        {**one, "household": {**one["household"], "household_id": f"W{k}"}}
        for k, one in enumerate(corners(search.attributes, 200, 1, area))
    ]
    total.add(checked, standards, ON, register_of(extremes, attributes))
    lacking = search.unreached(counts) if task.edges else []
    name = checked.table.table.id
    return Found(
        total.households - len(around),
        len(around),
        total.differences,
        total.shown,
        [f"{name}: {line}" for line in lacking],
        total.digest.hexdigest(),
    )


if __name__ == "__main__":
    sys.exit(main())
