"""Measuring: engines in turn, medians, what memory gives, what a process held at most."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.engines import THREADS

ENOUGH = 20.0  # seconds after which an engine is left out of further rounds

Figures = dict[str, Any]


def measure(calls: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each engine, all engines in turn, after one call each that is not counted.

    An engine that has taken `ENOUGH` seconds in all is left out of the rounds after its first.
    """
    spent = dict.fromkeys(calls, 0.0)
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(rounds + 1):
        for name, call in calls.items():
            if turn > 1 and spent[name] > ENOUGH:
                continue
            begin = time.perf_counter()
            call()
            taken = time.perf_counter() - begin
            spent[name] += taken
            if turn:
                seconds[name].append(taken)
    return seconds


def figures(seconds: Mapping[str, list[float]], rows: int, first: str = "hardship") -> dict[str, Figures]:
    """Of each engine: median, least and most seconds, how many rounds and rows, and times the median of `first`."""
    base = statistics.median(seconds[first])
    return {
        name: {
            "median_s": statistics.median(times), "min_s": min(times), "max_s": max(times), "rounds": len(times),
            "rows": rows, "times": statistics.median(times) / base,
        }
        for name, times in seconds.items()
    }  # fmt: skip


def show(title: str, found: Mapping[str, Figures]) -> None:
    """Print one work's figures, ratios first."""
    print(f"\n{title}", flush=True)
    for name, one in found.items():
        print(
            f"  {name:36} {one['times']:9.2f} times {one['median_s'] * 1000:10.1f} ms "
            f"{one['rows'] / one['median_s'] / 1e6:8.3f} million/s, {one['rows']:,} rows, {one['rounds']} rounds",
            flush=True,
        )


def bandwidth() -> float:
    """Bytes a second that all threads together read from memory: the best of five sums over 512 MiB each."""
    rows = [np.ones(1 << 26, dtype=np.int64) for _ in range(THREADS)]
    best = 0.0
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(5):
            begin = time.perf_counter()
            list(pool.map(np.sum, rows))
            best = max(best, sum(one.nbytes for one in rows) / (time.perf_counter() - begin))
    return best


def held_mib() -> float:
    """The memory that this process holds now, in MiB."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def peak_mib() -> float:
    """The most memory that this process and those it has started held, each at its time, in MiB.

    Read from the system's account of the running programs: `ru_maxrss` would count a parent's pages from before the
    fork, and not a Java process that still runs.
    """
    status = {}
    for path in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(
                line.split(":\t", 1) for line in path.read_text(encoding="utf-8").splitlines() if ":\t" in line
            )
        except OSError:
            continue  # has ended meanwhile
        status[int(lines["Pid"])] = int(lines["PPid"]), int(lines.get("VmHWM", "0 kB").split()[0]) / 1024
    own = {int(Path("/proc/self").resolve().name)}
    for _ in range(5):  # as deep as processes start processes here
        own |= {pid for pid, (parent, _) in status.items() if parent in own}
    return sum(status[pid][1] for pid in own)
