"""`python benchmarks/reading.py [--households N] [--format parquet,csv,xlsx] [--rounds N] [--against SRC] [--json F]`.

How long a synthetic register takes to read, by stage, in each format: what `--table` (`county_model`) needs of it, or
all of it with an empty name. Every reading is a process of its own, so that its peak memory is its own; formats take
turns; the fastest round of each is printed with the stages of that round.
With `--against` the same files are read by another version of the package too (the `src` folder of another checkout),
and the two must find as many rows and rejects.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib import util
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parents[1] / "src"
FORMS = ("parquet", "csv", "xlsx")
ON = dt.date(2018, 7, 1)


def read_once(path: Path, table: str) -> dict[str, Any]:
    """The child: read one register; seconds of each stage and of all, peak MiB, rows, the register's hash."""
    from hardship.attributes import dictionary
    from hardship.register import read_register

    attributes, only = dictionary(), {}
    if table and util.find_spec("hardship.needed"):
        from hardship.inputs import open_table
        from hardship.needed import needed

        only = {"used": needed(open_table(table, ON)[0])}
    stages: dict[str, float] = {}
    stage, since = "open", time.perf_counter()

    def progress(what: str, _share: float) -> None:
        nonlocal stage, since
        now = time.perf_counter()
        stages[stage] = stages.get(stage, 0.0) + now - since
        stage, since = what.split(" ")[0], now

    began, busy = time.perf_counter(), time.process_time()
    register = read_register(path, attributes=attributes, on=ON, progress=progress, **only)
    seconds, processor = time.perf_counter() - began, time.process_time() - busy
    progress("end", 1.0)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    kibibytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return {
        "seconds": seconds,
        "processor": processor,
        "stages": stages,
        "peak_mib": int(kibibytes) / 1024,
        "rows": sum(frame.height for frame in register.frames.values()),
        "rejects": register.rejects.height,
        "sha256": register.sha256,
    }


def child(path: Path, source: Path, table: str) -> dict[str, Any]:
    """`read_once` in a fresh process, with the package of `source`."""
    environment = {**os.environ, "PYTHONPATH": str(source)}
    command = [sys.executable, __file__, "--child", str(path), "--table", table]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def show(name: str, households: int, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Print the fastest round; give it back."""
    best = min(rounds, key=lambda one: float(one["seconds"]))
    stages = "  ".join(f"{stage} {seconds:.2f}" for stage, seconds in best["stages"].items() if seconds >= 0.005)
    print(
        f"{name:16} {best['seconds']:7.2f} s  {best['processor']:7.2f} s of processor  {best['rows']:>11,} rows"
        f"  {best['rows'] / best['seconds'] / 1e6:6.2f} million rows/s  {best['peak_mib']:7,.0f} MiB"
        f"  {best['seconds'] / households * 1e6:7.2f} s a million households\n{'':16} {stages}"
    )
    return best


def main() -> int:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(prog="benchmarks/reading.py", description=__doc__)
    parser.add_argument("--households", type=int, default=200_000)
    parser.add_argument("--format", default=",".join(FORMS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--table", default="county_model")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(read_once(options.child, options.table)))
        return 0
    from hardship.synthesis import write

    sources = {"": SOURCE} | ({"before ": options.against} if options.against else {})
    report: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        for form in options.format.split(","):
            # A workbook is written whole, and read cell by cell: a tenth of the rows says the same.
            households = options.households // 10 if form == "xlsx" else options.households
            folder = Path(name) / form
            write(households, 7, folder, format=form)
            path = folder / "register.xlsx" if form == "xlsx" else folder
            rounds: dict[str, list[dict[str, Any]]] = {label: [] for label in sources}
            for _ in range(options.rounds):
                for label, source in sources.items():
                    rounds[label].append(child(path, source, options.table))
            found = [one for several in rounds.values() for one in several]
            hashes = [{one["sha256"] for one in several} for several in rounds.values()]
            if len({(one["rows"], one["rejects"]) for one in found}) != 1 or any(len(one) != 1 for one in hashes):
                raise SystemExit(f"{form}: not the same register")
            best = {label: show(f"{label}{form}", households, several) for label, several in rounds.items()}
            if options.against:
                wall, busy = (best["before "][key] / best[""][key] for key in ("seconds", "processor"))
                print(f"{'':16} {wall:.2f} times as fast as before ({busy:.2f} by processor time)")
            report |= {f"{label}{form}": one | {"households": households} for label, one in best.items()}
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
