"""How long commands take from nothing: fresh processes, medians; with kernels on disk, and once without.

    python benchmarks/startup.py [--rounds 9] [--cold] [--out startup.json]

`--cold` also measures the first score and the first readiness of a service on an empty cache. Seconds of the clock and
of the processor (all processes of the command); targets beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SCORED = ("--table", "county_model", "--on", "2018-07-01")
COMMANDS = {
    "help": (("--help",), 0.3),
    "tables": (("tables",), 0.5),
    "score 100 households": (("score", "{register}", *SCORED, "--out", "{out}", "--json"), 1.5),
    "explain one household": (("explain", "{register}", "--household", "H000000001", *SCORED), 1.0),
}
"""Name → arguments, most seconds with kernels on disk."""
COLD = {"score 100 households": 15.0, "warm, as a service does": 25.0}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    found: dict[str, Any] = {"cores": len(os.sched_getaffinity(0)), "load": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as place:
        paths = {"register": f"{place}/register", "out": f"{place}/out"}
        run(("synth", "--households", "100", "--seed", "1", "--out", paths["register"]), {})
        run(("warm",), {})
        found["warm"] = {}
        for name, (arguments, target) in COMMANDS.items():
            filled = tuple(one.format(**paths) for one in arguments)
            run(filled, {})
            taken = [run(filled, {}) for _ in range(given.rounds)]
            found["warm"][name] = told(taken, target)
        if given.cold:
            found["cold"] = {}
            for name, target in COLD.items():
                arguments = COMMANDS[name][0] if name in COMMANDS else ("warm",)
                empty = {"NUMBA_CACHE_DIR": f"{place}/cache-{len(found['cold'])}"}
                taken = [run(tuple(one.format(**paths) for one in arguments), empty)]
                found["cold"][name] = told(taken, target)
    for kind in ("warm", "cold"):
        for name, one in found.get(kind, {}).items():
            print(
                f"{kind:5} {name:26} {one['seconds']:7.2f} s  processor {one['processor']:7.2f} s  ≤ {one['target']} s"
            )
    if given.out:
        given.out.write_text(json.dumps(found, indent=2) + "\n")


def run(arguments: tuple[str, ...], environment: dict[str, str]) -> tuple[float, float]:
    """Seconds of the clock and of the processor that one command takes."""
    # As installed: Python keeps what it has compiled of our own sources, whatever this environment says.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run(
        [str(Path(sys.executable).with_name("hardship")), *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        env=kept | environment,
    )
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def told(taken: list[tuple[float, float]], target: float) -> dict[str, float]:
    """The medians of some runs."""
    seconds, processor = (statistics.median(column) for column in zip(*taken, strict=True))
    return {"seconds": round(seconds, 3), "processor": round(processor, 3), "target": target, "runs": len(taken)}


if __name__ == "__main__":
    main()
