"""`python3 dev.py bench`: `county_model` beside polars and numpy, in one run, engines alternating.

Setup is outside the timing. Medians and ratios are printed and, with `--json FILE`, written. Peak memory of the
Parquet-to-Parquet job is taken from a process of its own for each engine.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.engines import PARQUET, SCORE_ONLY, THREADS, Prepare, Work  # noqa: E402
from benchmarks.population import county  # noqa: E402
from hardship.engine import machine  # noqa: E402
from hardship.synthesis import write  # noqa: E402


def measure(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each engine, all engines in turn, after one call each that is not counted."""
    for call in calls.values():
        call()
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            begin = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - begin)
    return seconds


def table(title: str, seconds: dict[str, list[float]], households: int) -> dict[str, dict[str, float]]:
    """Print medians, households a second and the ratio to the first engine; give them back."""
    print(f"\n{title}: {households:,} households, median of {len(next(iter(seconds.values())))}")
    first = statistics.median(next(iter(seconds.values())))
    found = {}
    for name, times in seconds.items():
        median = statistics.median(times)
        found[name] = {
            "median_s": median, "min_s": min(times), "max_s": max(times),
            "households_a_second": households / median, "times_slower": median / first,
        }  # fmt: skip
        print(
            f"  {name:22} {median * 1000:9.1f} ms   {households / median / 1e6:7.2f} million/s"
            f"   {median / first:6.2f} times the first"
        )
    return found


def store(work: Work) -> None:
    """The register as `hardship` reads it, and as stored integers, which is the best case for the peers."""
    (work.folder / "stored").mkdir()
    for level, frame in work.register.frames.items():
        frame.write_parquet(work.folder / "stored" / f"{level}.parquet")


def peak(name: str, folder: Path, households: int) -> float:
    """Peak memory in MiB of one Parquet-to-Parquet job in a fresh process."""
    arguments = [sys.executable, __file__, "--peak-of", name, "--folder", str(folder), "--households", str(households)]
    return float(subprocess.run(arguments, check=True, capture_output=True, text=True).stdout.split()[-1])


def peak_of(name: str, folder: Path) -> None:
    """The child of `peak`: run the job once and print the process's peak."""
    small = county(1)
    PARQUET[name](Work(small[0], small[1], small[2], folder))()
    # Of this program's own pages: `ru_maxrss` would count the parent's, from before the fork became this program.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    kibibytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    print(int(kibibytes) / 1024)


def prepared(engines: dict[str, Prepare], work: Work) -> dict[str, Callable[[], Any]]:
    """The timed call of each engine."""
    return {name: prepare(work) for name, prepare in engines.items()}


def main() -> int:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parser.add_argument("--households", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--peak-of", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak_of:
        peak_of(options.peak_of, options.folder)
        return 0
    print(f"{platform.machine()}, {THREADS} threads, Python {platform.python_version()}")
    machine.warm()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        work = Work(*county(options.households), folder)
        rows = {level: frame.height for level, frame in work.register.frames.items()}
        print("rows: " + ", ".join(f"{level} {height:,}" for level, height in rows.items()))
        scored = table("Score only", measure(prepared(SCORE_ONLY, work), options.rounds), options.households)
        store(work)
        write(options.households, 7, folder / "register", format="parquet")
        jobs = measure(prepared(PARQUET, work), max(2, options.rounds - 2))
        filed = table("Parquet to ranked Parquet", jobs, options.households)
        print("  (hardship reads names, decimals and dates and checks every cell; the peers read stored integers)")
        print("\nPeak memory of Parquet to ranked Parquet")
        peaks = {engine: peak(engine, folder, options.households) for engine in PARQUET}
        for engine, mebibytes in peaks.items():
            print(f"  {engine:22} {mebibytes:9,.0f} MiB")
    better = min(scored[name]["times_slower"] for name in scored if name.startswith("polars"))
    print(f"\nscore only: {better:.1f} times the better polars, {scored['numpy']['times_slower']:.1f} times numpy")
    if options.json:
        report = {"rows": rows, "score_only": scored, "parquet": filed, "peak_mib": peaks}
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
