"""How time and memory grow: Parquet to ranked Parquet in a process of its own for each size, and scoring alone.

An engine is not asked for a size that it would need more than 60 s or 8 GB for, as it grew until then, nor for any
after it took more. Spark, which takes seconds to plan any query, is measured from 100,000 on. Scoring alone ends at
1,000,000 households: the columns of more do not fit beside those of all engines; 10,000,000 are for files.

    python -m benchmarks.growth ENGINE FOLDER     one job, twice: seconds of the second, peak MiB
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.engines import SCORE_ONLY, Work
from benchmarks.files import PARQUET
from benchmarks.measure import held_mib, peak_mib
from benchmarks.population import county

MOST_SECONDS, MOST_MIB = 60.0, 8 * 1024
MOST_SCORED = 1_000_000
Seen = list[tuple[int, float]]
"""Households, and what they took."""
ROOT = Path(__file__).resolve().parents[1]


def once(engine: str, folder: Path) -> tuple[float, float]:
    """Seconds of the second of two Parquet-to-Parquet jobs in a fresh process, and its peak memory in MiB."""
    command = [sys.executable, "-m", "benchmarks.growth", engine, str(folder)]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    return float(said[-2]), float(said[-1])


def job(engine: str, folder: Path) -> None:
    """The child of `once`."""
    call = PARQUET[engine].prepare(Work(*county(1), folder))
    call()
    begin = time.perf_counter()
    call()
    print(time.perf_counter() - begin, peak_mib())


def expected(seen: Seen, households: int) -> float:
    """What so many will take: on the straight line through the last two sizes; of one alone, as much as that one."""
    if len(seen) < 2:
        return seen[-1][1] if seen else 0.0
    (fewer, less), (more, most) = seen[-2:]
    return most + (most - less) / (more - fewer) * (households - more)


class Pace:
    """What each engine took so far.

    Args:
        origin: what no households take, where that is known.
    """

    def __init__(self, *origin: tuple[int, float]) -> None:
        self.seconds: defaultdict[str, Seen] = defaultdict(lambda: [*origin])
        self.mebibytes: defaultdict[str, Seen] = defaultdict(lambda: [*origin])

    def fits(self, engine: str, households: int) -> bool:
        """Whether an engine may be asked for so many; says so where not."""
        seconds, mebibytes = (expected(seen[engine], households) for seen in (self.seconds, self.mebibytes))
        fits = seconds <= MOST_SECONDS and mebibytes <= MOST_MIB
        if not fits:
            print(f"  {engine:24} {households:>12,} left out: about {seconds:,.0f} s, {mebibytes:,.0f} MiB", flush=True)
        return fits

    def took(self, engine: str, households: int, seconds: float, mebibytes: float) -> None:
        """What an engine took."""
        self.seconds[engine].append((households, seconds))
        self.mebibytes[engine].append((households, mebibytes))


def files(sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Parquet to ranked Parquet: seconds and peak MiB of each size and engine."""
    found: list[dict[str, Any]] = []
    pace = Pace()
    engines = {name: one for name, one in PARQUET.items() if not one.absent() and "two ranks" not in name}
    for households in sizes:
        asked = [name for name, one in engines.items() if households >= one.least and pace.fits(name, households)]
        with tempfile.TemporaryDirectory() as name:
            if asked:
                Work.written(households, Path(name))
            for engine in asked:
                seconds, mebibytes = once(engine, Path(name))
                pace.took(engine, households, seconds, mebibytes)
                found.append({"engine": engine, "households": households, "seconds": seconds, "peak_mib": mebibytes})
                print(f"  {engine:24} {households:>12,} {seconds:9.3f} s {mebibytes:9,.0f} MiB", flush=True)
    return found


def scoring(sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Columns in memory to result columns: seconds of the second call of each size and engine."""
    found: list[dict[str, Any]] = []
    pace = Pace((0, 0.0))
    for households in [size for size in sizes if size <= MOST_SCORED]:
        with tempfile.TemporaryDirectory() as name:
            work = Work.made(households, Path(name))
            for engine, one in SCORE_ONLY.items():
                if one.absent() or not pace.fits(engine, households):
                    continue
                before = held_mib()
                call = one.prepare(work)
                call()
                begin = time.perf_counter()
                call()
                seconds = time.perf_counter() - begin
                pace.took(engine, households, seconds, held_mib() - before)
                found.append({"engine": engine, "households": households, "seconds": seconds})
                print(f"  {engine:24} {households:>12,} {seconds:9.4f} s", flush=True)
    return found


if __name__ == "__main__":
    job(sys.argv[1], Path(sys.argv[2]))
