"""What the group report costs beside the run it belongs to.

    python benchmarks/groups.py [--households N] [--rounds N]

Reads a synthetic register from Parquet, scores it and writes the results as `hardship score` does, and makes the
group report of the same results, in turns. Prints the medians and the share, of the clock and of the processors.
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
from hardship.reports.groups import group_report
from hardship.score import score


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--households", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    machine.warm()
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        synthesis.write(given.households, 1, place / "register", format="parquet")
        for _ in range(given.rounds + 1):
            began = time.perf_counter(), time.process_time()
            inputs = open_inputs(place / "register", "county_model", dt.date(2018, 7, 1))
            results = score(inputs.register, inputs.checked, inputs.standards, inputs.on)
            export.write(place / "out", results)
            done = time.perf_counter(), time.process_time()
            group_report(results.frame, inputs)
            ended = time.perf_counter(), time.process_time()
            rounds.append([(done[k] - began[k], ended[k] - done[k]) for k in (0, 1)])
    for name, kind in (("clock", 0), ("processors", 1)):
        run, group = (median(one[kind][part] for one in rounds[1:]) for part in (0, 1))  # the first warms caches
        print(f"{name}: households={given.households} run={run:.3f}s groups={group:.3f}s share={group / run:.1%}")


if __name__ == "__main__":
    main()
