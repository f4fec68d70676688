"""How time and memory grow: Parquet to ranked Parquet in a process of its own for each size, and scoring alone.

An engine is not asked for more households once it took more than 60 s or 8 GB. Spark, which takes seconds to plan any
query, is measured from 100,000 on.

    python -m benchmarks.growth ENGINE FOLDER     one job, twice: seconds of the second, peak MiB
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.engines import SCORE_ONLY, Work
from benchmarks.files import PARQUET
from benchmarks.measure import held_mib, peak_mib
from benchmarks.population import county

MOST_SECONDS, MOST_MIB = 60.0, 8 * 1024
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


def files(sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Parquet to ranked Parquet: seconds and peak MiB of each size and engine."""
    found: list[dict[str, Any]] = []
    going = [name for name, engine in PARQUET.items() if not engine.absent() and "two ranks" not in name]
    for households in sizes:
        with tempfile.TemporaryDirectory() as name:
            Work.made(households, Path(name))
            for engine in [one for one in going if households >= PARQUET[one].least]:
                seconds, mebibytes = once(engine, Path(name))
                found.append({"engine": engine, "households": households, "seconds": seconds, "peak_mib": mebibytes})
                print(f"  {engine:24} {households:>12,} {seconds:9.3f} s {mebibytes:9,.0f} MiB", flush=True)
                if seconds > MOST_SECONDS or mebibytes > MOST_MIB:
                    going.remove(engine)
    return found


def scoring(sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Columns in memory to result columns: seconds of the second call of each size and engine.

    A size that an engine would need more than 60 s or 8 GB for, as it grew until then, is not asked of it.
    """
    found: list[dict[str, Any]] = []
    pace: dict[str, float] = {}
    room: dict[str, float] = {}
    for households in sizes:
        with tempfile.TemporaryDirectory() as name:
            work = Work.made(households, Path(name))
            for engine, one in SCORE_ONLY.items():
                if one.absent() or pace.get(engine, 0.0) * households > MOST_SECONDS:
                    continue
                if room.get(engine, 0.0) * households > MOST_MIB:
                    continue
                before = held_mib()
                call = one.prepare(work)
                call()
                begin = time.perf_counter()
                call()
                seconds = time.perf_counter() - begin
                pace[engine], room[engine] = seconds / households, (held_mib() - before) / households
                found.append({"engine": engine, "households": households, "seconds": seconds})
                print(f"  {engine:24} {households:>12,} {seconds:9.4f} s", flush=True)
    return found


if __name__ == "__main__":
    job(sys.argv[1], Path(sys.argv[2]))
