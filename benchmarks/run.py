"""`python3 dev.py bench`: `county_model` beside polars, DuckDB and numpy, in one run, engines alternating.

    python3 dev.py bench [--households N] [--rounds N] [--rank N] [--growth 1000,10000,…] [--json FILE]

Setup is outside the timing. Medians and ratios are printed and, with `--json FILE`, written; `benchmarks/report.py`
makes the tables and the chart of the documentation from that file. Each figure of `--growth` comes from a process of
its own, and so does the peak memory of Parquet to ranked Parquet; an engine is not asked for more households once it
took more than 60 s or 8 GB. The bandwidth of memory is measured in the same run.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.engines import *
from benchmarks.files import PARQUET
from benchmarks.ranking import *
from benchmarks.population import county  # noqa: E402
from hardship.engine import machine  # noqa: E402
from hardship.synthesis import write  # noqa: E402

MOST_SECONDS, MOST_MIB = 60, 8 * 1024


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


def once(name: str, folder: Path, households: int) -> tuple[float, float]:
    """Seconds of the second of two Parquet-to-Parquet jobs in a fresh process, and its peak memory in MiB."""
    arguments = [sys.executable, __file__, "--peak-of", name, "--folder", str(folder), "--households", str(households)]
    said = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout.split()
    return float(said[-2]), float(said[-1])


def peak_of(name: str, folder: Path) -> None:
    """The child of `once`: run the job twice and print the seconds of the second and the process's peak."""
    small = county(1)
    call = PARQUET[name](Work(small[0], small[1], small[2], folder))
    call()
    begin = time.perf_counter()
    call()
    seconds = time.perf_counter() - begin
    # Of this program's own pages: `ru_maxrss` would count the parent's, from before the fork became this program.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    kibibytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    print(seconds, int(kibibytes) / 1024)


def bandwidth() -> float:
    """Bytes a second that all threads together read from memory: the best of five sums over 1 GiB."""
    rows = [np.ones(1 << 26, dtype=np.int64) for _ in range(THREADS)]
    best = 0.0
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(5):
            begin = time.perf_counter()
            list(pool.map(np.sum, rows))
            best = max(best, sum(one.nbytes for one in rows) / (time.perf_counter() - begin))
    return best


def grow(sizes: list[int], folder: Path) -> list[dict[str, Any]]:
    """Parquet to ranked Parquet of each size and engine: seconds of the second of two jobs, peak MiB."""
    found: list[dict[str, Any]] = []
    beyond: set[str] = set()
    for households in sizes:
        place = folder / str(households)
        place.mkdir()
        store(Work(*county(households), place))
        write(households, 7, place / "register", format="parquet")
        for engine in PARQUET:
            if engine in beyond:
                continue
            seconds, mebibytes = once(engine, place, households)
            found.append({"engine": engine, "households": households, "seconds": seconds, "peak_mib": mebibytes})
            print(f"  {engine:22} {households:>12,} {seconds:9.3f} s {mebibytes:9,.0f} MiB", flush=True)
            if seconds > MOST_SECONDS or mebibytes > MOST_MIB:
                beyond.add(engine)
        shutil.rmtree(place)
    return found


def prepared(engines: dict[str, Prepare], work: Work) -> dict[str, Callable[[], Any]]:
    """The timed call of each engine."""
    return {name: prepare(work) for name, prepare in engines.items()}


def main() -> int:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parser.add_argument("--households", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rank", type=int, default=5_000_000, help="rows of ranking alone; 0: none")
    parser.add_argument("--growth", default="", help="sizes, such as 1000,10000,100000")
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
        peaks = {engine: once(engine, folder, options.households)[1] for engine in PARQUET}
        for engine, mebibytes in peaks.items():
            print(f"  {engine:22} {mebibytes:9,.0f} MiB")
        growth = grow([int(size) for size in options.growth.split(",") if size], folder)
    ranked = {}
    if options.rank:
        rows_ranked = Ranked.made(options.rank)
        calls = {name: prepare(rows_ranked) for name, prepare in RANK_ONLY.items()}
        ranked = table("Rank only", measure(calls, max(2, options.rounds - 2)), options.rank)
    read = bandwidth()
    print(f"\nmemory is read at {read / 1e9:.1f} GB/s by {THREADS} threads")
    better = min(scored[name]["times_slower"] for name in scored if name.startswith("polars"))
    print(f"\nscore only: {better:.1f} times the better polars, {scored['numpy']['times_slower']:.1f} times numpy")
    if options.json:
        report = {
            "machine": {"processor": platform.machine(), "threads": THREADS, "python": platform.python_version()},
            "day": dt.date.today().isoformat(), "read_bytes_a_second": read, "rows": rows, "score_only": scored,
            "parquet": filed, "peak_mib": peaks, "rank_only": ranked, "rank_rows": options.rank, "growth": growth,
        }  # fmt: skip
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
