"""What the group report costs beside the run it belongs to.

    python benchmarks/groups.py [--households N] [--rounds N]

Reads a synthetic register from Parquet, scores it and writes the results as `hardship score` does, and makes the
group report of the same results, in turns. Prints medians, of the clock and of the processors: the whole run from
Parquet to written results, the scoring within it, the report, and the report's share of both.
"""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
import time
from pathlib import Path
from statistics import median

from hardship import export, synthesis
from hardship.engine import machine
from hardship.inputs import open_inputs
from hardship.reports.groups import NEEDED, group_report
from hardship.score import score


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--households", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    machine.warm()
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        synthesis.write(given.households, 1, place / "register", format="parquet")
        for _ in range(given.rounds + 1):
            marks = [(time.perf_counter(), time.process_time())]
            inputs = open_inputs(place / "register", "county_model", dt.date(2018, 7, 1))
            marks.append((time.perf_counter(), time.process_time()))
            results = score(inputs.register, inputs.checked, inputs.standards, inputs.on)
            marks.append((time.perf_counter(), time.process_time()))
            export.write(place / "out", results)
            marks.append((time.perf_counter(), time.process_time()))
            group_report(results.sheet.select(NEEDED), inputs)
            marks.append((time.perf_counter(), time.process_time()))
            rounds.append(marks)
    for name, kind in (("clock", 0), ("processors", 1)):
        run, scoring, groups = (
            median(marks[last][kind] - marks[first][kind] for marks in rounds[1:])  # the first round warms caches
            for first, last in ((0, 3), (1, 2), (3, 4))
        )
        print(
            f"{name}: households={given.households} run={run:.3f}s scoring={scoring:.3f}s groups={groups:.3f}s "
            f"of_run={groups / run:.1%} of_scoring={groups / scoring:.1%}"
        )


if __name__ == "__main__":
    main()
