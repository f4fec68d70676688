"""Compare the machine with the reference on every shipped table: the large run.

    python tests/equal/run.py [--table ID] [--households N] [--edges N] [--no-jit] [--seed S]

Prints `tables=… households=… edges=… differences=0 unreached=0 sha256=…`; exit code 1 if anything differs, or if a
band, veto, rung or cap is not reached often enough from both sides.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
TABLES = HERE.parents[1] / "scoring_tables"
ON = dt.date(2018, 7, 1)
PART = 2_000


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
    chosen = parser.parse_args(arguments)
    if chosen.no_jit and os.environ.get("NUMBA_DISABLE_JIT") != "1":
        command = [sys.executable, str(Path(__file__).resolve()), *(arguments or sys.argv[1:])]
        os.execve(sys.executable, command, {**os.environ, "NUMBA_DISABLE_JIT": "1"})
    sys.path.insert(0, str(HERE.parent))
    from equal.compare import Comparison
    from hardship.load import load_table

    files = sorted(TABLES.glob(f"{chosen.table or '*'}/*.toml"))
    if not files:
        print(f"no table {chosen.table}", file=sys.stderr)
        return 2
    total = Comparison()
    edges, unreached = 0, []
    for file in files:
        checked = load_table(file)
        around, lacking = one_table(checked, total, chosen.households, chosen.edges, chosen.seed)
        edges += around
        unreached += [f"{checked.table.table.id}: {line}" for line in lacking]
    for line in [*total.shown, *unreached]:
        print(line, file=sys.stderr)
    print(
        f"tables={len(files)} households={total.households - edges} edges={edges} "
        f"differences={total.differences} unreached={len(unreached)} sha256={total.digest.hexdigest()}"
    )
    return 1 if total.differences or unreached else 0


def one_table(checked, total, households: int, most: int, seed: int) -> tuple[int, list[str]]:  # type: ignore[no-untyped-def]
    """One table on synthetic households, on its edges, and at the corners of all bounds."""
    from equal.edges import Edges
    from equal.households import corners
    from hardship.plain import register_of
    from hardship.reference import rows
    from hardship.standards import load_standards
    from hardship.synthesis import synthesize

    attributes, standards = checked.names.attributes, load_standards()
    area = checked.table.table.place.area or "370828"
    search = Edges(checked, standards, ON, seed)
    counts: Counter[tuple[str, bool]] = Counter()
    bases = []
    for first in range(0, households, PART):
        register = synthesize(min(PART, households - first), seed + first, area=area, attributes=attributes)
        total.add(checked, standards, ON, register)
        plain = rows(register, attributes)
        bases += plain[: max(0, 500 - len(bases))]
        counts += search.count(plain[:1_000]) if first == 0 else Counter()
    around = search.edges(bases, most)
    counts += search.count(around)
    further = search.reach(counts, bases) if most else []
    counts += search.count(further)
    around += further
    for first in range(0, len(around), PART):
        total.add(checked, standards, ON, register_of(around[first : first + PART], attributes))
    extremes = corners(search.attributes, 20, 2, area) + [
        {**one, "household": {**one["household"], "household_id": f"W{k}"}}
        for k, one in enumerate(corners(search.attributes, 200, 1, area))
    ]
    total.add(checked, standards, ON, register_of(extremes, attributes))
    return len(around), search.unreached(counts) if most else []


if __name__ == "__main__":
    sys.exit(main())
