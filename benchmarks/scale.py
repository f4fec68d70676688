"""How time and memory grow with a register in parts: the same table over 1,000,000 and 10,000,000 households.

    python -m benchmarks.scale FOLDER [--households 1000000,10000000] [--part 250000] [--engine local|spark]

Makes the registers in FOLDER if they are not there. Each run is a process of its own; memory is the most it held
(`ru_maxrss`), of itself and, on Spark, of the driver only. Times are of whole processes, start and imports included.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

HARDSHIP = [sys.executable, "-m", "hardship"]
TABLE = ["--table", "county_model", "--on", "2018-07-01"]


def measured(arguments: list[str]) -> tuple[float, float, float, str]:
    """Seconds, seconds of processor time, MiB held at most, and standard output of a command."""
    began = time.perf_counter()
    process = subprocess.Popen([*HARDSHIP, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{' '.join(arguments)}: exit code {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, said


def main() -> int:
    """Measure and print a line for each size, then how they compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--households", default="1000000,10000000")
    parser.add_argument("--part", type=int, default=250_000)
    parser.add_argument("--engine", default="local")
    parser.add_argument("--master", default="local[2]")
    wanted = parser.parse_args()
    subprocess.run([*HARDSHIP, "warm"], check=True, stdout=subprocess.DEVNULL)
    seen: list[tuple[int, float, float, float]] = []
    for households in map(int, wanted.households.split(",")):
        register = wanted.folder / f"register-{households}"
        if not register.exists():
            count = str(-(-households // wanted.part))
            making = ["synth", "--households", str(households), "--seed", "1", "--parts", count]
            taken, _, memory, _ = measured([*making, "--out", str(register)])
            print(f"made     {households:>12,} households {taken:8.1f} s {memory:8,.0f} MiB", flush=True)
        out = wanted.folder / f"results-{households}"
        shutil.rmtree(out, ignore_errors=True)
        engine = [] if wanted.engine == "local" else ["--engine", wanted.engine, "--master", wanted.master]
        taken, worked, memory, said = measured(["score", str(register), *TABLE, "--out", str(out), "--json", *engine])
        run = json.loads(said)
        stages = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in run["timings"].items())
        print(
            f"scored   {households:>12,} households {taken:8.1f} s {memory:8,.0f} MiB, processor {worked:.1f} s "
            f"({stages}), {households / taken:,.0f} households/s, sha256 {run['results_sha256'][:12]}",
            flush=True,
        )
        seen.append((households, taken, worked, memory))
    for (fewer, less, worked, _), (more, longer, harder, memory) in pairwise(seen):
        print(
            f"{more / fewer:g} times the households: {longer / less:.2f} times the time, "
            f"{harder / worked:.2f} times the processor time, at most {memory:,.0f} MiB"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
