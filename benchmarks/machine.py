"""Households a second of the machine alone: programs as lowered beside tuned ones, on one thread and on all.

Columns in memory; everything but the run is outside the timing. The forms are run in turn; medians and the best of the
rounds are printed. `hardship profile` says where the time of one form goes.

    python benchmarks/machine.py [--households 1000000] [--rounds 9] [--table county_model --table bairin_left]
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import os
import statistics
import time

from hardship.engine import machine
from hardship.engine.ticks import bandwidth
from hardship.load import find_table, load_table
from hardship.lowering.bind import bind
from hardship.lowering.lower import lower
from hardship.lowering.tune import facts_of, tuned
from hardship.profiling import complete, traffic
from hardship.standards import load_standards
from hardship.synthesis import synthesize

TABLES = ("county_model", "bairin_left", "jinxiang")


def main() -> None:
    """Print one line for each table, register, form and number of threads."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--households", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--table", action="append")
    parser.add_argument("--on", type=dt.date.fromisoformat, default=dt.date(2018, 7, 1))
    given = parser.parse_args()
    machine.warm()
    speed = bandwidth()
    print(f"one core reads {speed / 1e9:.1f} GB/s")
    for name in given.table or TABLES:
        checked = load_table(find_table(name, given.on)[0])
        area = checked.table.table.place.area or "370828"
        register = synthesize(given.households, 7, area=area, attributes=checked.names.attributes)
        program = lower(checked, "results")
        for kind, rows in (("complete", complete(register)), ("with gaps", register)):
            columns = bind(program, rows, load_standards(), given.on)
            forms = {"lowered": program.arrays, "tuned": tuned(program, facts_of(columns))}
            calls = list(itertools.product(forms, sorted({1, os.cpu_count() or 1})))
            seconds: dict[tuple[str, int], list[float]] = {call: [] for call in calls}
            for _ in range(given.rounds + 1):
                for form, threads in calls:
                    begin = time.perf_counter()
                    machine.compute(program, columns, threads=threads, arrays=forms[form])
                    seconds[form, threads].append(time.perf_counter() - begin)
            for (form, threads), times in seconds.items():
                median, best = statistics.median(times[1:]), min(times[1:])
                ratio = statistics.median(seconds["lowered", threads][1:]) / median
                share = traffic(columns, forms[form])[0] * given.households / median / speed
                print(
                    f"{name:13} {kind:9} {form:7} {threads} threads {given.households / median / 1e6:6.1f} million/s"
                    f" (best {given.households / best / 1e6:5.1f})  {ratio:4.2f} times lowered"
                    f"  {100 * share:3.0f} % of one core's reading"
                )


if __name__ == "__main__":
    main()
