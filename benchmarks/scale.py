"""How time and memory grow with a register in parts: the same table over 1,000,000 and 10,000,000 households.

    python -m benchmarks.scale FOLDER [--households 1000000,10000000] [--part 250000] [--engine local|spark] [--write]

`--write` puts what was measured, and what follows from it for a province and a country, into docs/scale.md.
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
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

HARDSHIP = [sys.executable, "-m", "hardship"]
TABLE = ["--table", "county_model", "--on", "2018-07-01"]


PLACE = Path(__file__).resolve().parents[1] / "docs" / "scale.md"
BEGIN, END = "<!-- scale: written by benchmarks/scale.py -->\n", "<!-- end of scale -->"
SIZES = {"a province": 30_000_000, "a large province": 40_000_000, "a country": 494_000_000}


@dataclass(frozen=True)
class Run:
    """What one size took: seconds, seconds of processor time, MiB at most, the results' hash, bytes on disk."""

    households: int
    seconds: float
    processor: float
    memory: float
    sha256: str
    register: int
    scratch: int
    results: int


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder; files that vanish meanwhile do not count."""
    found = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                found += os.stat(os.path.join(place, name)).st_size
            except FileNotFoundError:
                continue
    return found


class Most(threading.Thread):
    """The most bytes that the scratch files of a run in `folder` held, looked at again and again."""

    def __init__(self, folder: Path, out: str) -> None:
        super().__init__(daemon=True)
        self.folder, self.out, self.most, self._over = folder, out, 0, threading.Event()

    def run(self) -> None:
        """Look until `stop`."""
        while not self._over.wait(0.2):
            here = sum(size_of(one) for one in self.folder.glob(f".{self.out}.*.part/.work"))
            self.most = max(self.most, here)

    def stop(self) -> int:
        """Stop looking; what was found."""
        self._over.set()
        self.join()
        return self.most


def rounded(seconds: float) -> str:
    """Seconds as a person says them."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def section(runs: Sequence[Run], part: int, cores: int) -> str:
    """What docs/scale.md says of the runs, the smallest first."""
    first, last = runs[0], runs[-1]
    lines = [
        f"`python -m benchmarks.scale FOLDER --write`: whole processes on {cores} cores, parts of {part:,}.",
        "",
        "| households | time | processor time | most memory | sha256 |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.households:,} | {one.seconds:.1f} s | {one.processor:.1f} s | {one.memory:,.0f} MiB | `{one.sha256}` |"
        for one in runs
    ]
    ratios = [last.seconds / first.seconds, last.processor / first.processor, last.memory / first.memory]
    aim = "target: at most 1.1 times as many times the time as the households, at most 2 GB"
    lines += [f"| ratio | {' | '.join(f'{ratio:.2f}' for ratio in ratios)} | {aim} |", ""]
    lines += [
        f"**Only {last.households:,} households are measured; all other rows are extrapolated in proportion.**",
        "The memory of a machine stays: the order is made in ranges, the rest is of a few parts; a country",
        "adds some 0.6 GB (counted, not measured): each range is told how many of each area stand before it.",
        "One core makes the hash.",
        "",
        f"| | households | parts | processor time | on {cores} cores | on 100 cores, without the hash "
        "| register | scratch | results |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, households in {"measured": last.households, **SIZES}.items():
        times = households / last.households
        spread = "–" if name == "measured" else rounded(last.processor * times / 100)
        disk = " | ".join(f"{bytes_ * times / 1e9:.1f} GB" for bytes_ in (last.register, last.scratch, last.results))
        lines.append(
            f"| {name} | {households:,} | {-(-households // part):,} | {rounded(last.processor * times)} "
            f"| {rounded(last.seconds * times)} | {spread} | {disk} |"
        )
    return "\n".join(lines) + "\n"


def written(text: str, made: str) -> str:
    """A text with what stands between the marks replaced."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + made + END + rest.split(END)[1]


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
    parser.add_argument("--write", action="store_true")
    wanted = parser.parse_args()
    subprocess.run([*HARDSHIP, "warm"], check=True, stdout=subprocess.DEVNULL)
    seen: list[Run] = []
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
        scratch = Most(wanted.folder, out.name)
        scratch.start()
        taken, worked, memory, said = measured(["score", str(register), *TABLE, "--out", str(out), "--json", *engine])
        run = json.loads(said)
        stages = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in run["timings"].items())
        print(
            f"scored   {households:>12,} households {taken:8.1f} s {memory:8,.0f} MiB, processor {worked:.1f} s "
            f"({stages}), {households / taken:,.0f} households/s, sha256 {run['results_sha256'][:12]}",
            flush=True,
        )
        disk = size_of(register), scratch.stop(), size_of(out)
        seen.append(Run(households, taken, worked, memory, run["results_sha256"][:12], *disk))
    for one, more in pairwise(seen):
        print(
            f"{more.households / one.households:g} times the households: "
            f"{more.seconds / one.seconds:.2f} times the time, "
            f"{more.processor / one.processor:.2f} times the processor time, at most {more.memory:,.0f} MiB"
        )
    if wanted.write:
        made = section(seen, wanted.part, os.cpu_count() or 1)
        PLACE.write_text(written(PLACE.read_text(encoding="utf-8"), made), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
