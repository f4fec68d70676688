"""Many settings in one pass, and the same settings as separate runs: time, peak memory, ratio.

    python benchmarks/sweep.py [--households 100000] [--settings 200] [--separate 10] [--json FILE]

The one pass is the whole command `hardship whatif` with its files and charts; a separate run is the whole command
`hardship score` with the standards of one setting. Only `--separate` of them are run, spread over the settings; their
mean time is multiplied by the number of settings. The counts of each separate run are compared with its setting of the
curve. Peak memory is that of the program itself (`ru_maxrss` of the child).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import polars as pl

from hardship.standards import packaged
from hardship.sweep.settings import decimal_text

TABLE, ON, TARGET = "county_model", "2018-07-01", "dibao_standard"


def run(*arguments: str | Path) -> tuple[float, int]:
    """Seconds and peak kilobytes of one command."""
    began = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "hardship", *map(str, arguments)], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 3):
        raise SystemExit(f"hardship {arguments[0]} ended with {child.returncode}")
    return time.perf_counter() - began, used.ru_maxrss


def standards(path: Path, percent: Fraction) -> None:
    """All shipped standards, those of the target raised by a percentage."""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = None
        for source in packaged():
            with source.open(encoding="utf-8", newline="") as handle:
                for row in csv.DictReader(handle):
                    if row["parameter"] == TARGET:
                        value = Fraction(row["value"]) * (100 + percent) / 100
                        row["value"] = decimal_text(value)
                    if writer is None:
                        writer = csv.DictWriter(out, row.keys())
                        writer.writeheader()
                    writer.writerow(row)


def counts(frame: pl.DataFrame) -> dict[str, tuple[int, str]]:
    """Households and money by circle."""
    money = pl.col("benefit_month").sum().fill_null(0).cast(pl.String)
    found = frame.group_by("circle").agg(pl.len(), money)
    return {circle or "": (n, fen) for circle, n, fen in found.iter_rows()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--households", type=int, default=100_000)
    parser.add_argument("--settings", type=int, default=200)
    parser.add_argument("--separate", type=int, default=10)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        run("synth", "--households", str(chosen.households), "--seed", "1", "--out", home / "r", "--format", "parquet")
        run("warm")
        # Steps of a quarter of a percent: every changed standard fits fen.
        last = Fraction(chosen.settings - 1, 4)
        text = f"{TARGET}=+0%..+{decimal_text(last)}%:0.25%"
        base = ["--table", TABLE, "--on", ON]
        seconds, peak = run("whatif", home / "r", *base, "--set", text, "--out", home / "curve")
        curve = pl.read_parquet(home / "curve" / "curve.parquet").filter(pl.col("level") == "all")
        times, peaks, different = [], [], 0
        for k in range(chosen.separate):
            setting = 1 + k * (chosen.settings - 1) // max(1, chosen.separate - 1)
            standards(home / "s.csv", Fraction(setting - 1, 4))
            one, most = run("score", home / "r", *base, "--standards", home / "s.csv", "--out", home / "scored")
            times.append(one)
            peaks.append(most)
            part = curve.filter(pl.col("setting") == setting)
            part = part.group_by("circle").agg(pl.col("households").sum(), pl.col("budget_month").sum().cast(pl.String))
            swept = {circle or "": (n, money) for circle, n, money in part.iter_rows()}
            alone = counts(pl.read_parquet(home / "scored" / "results.parquet"))
            different += {c: (n, Fraction(m)) for c, (n, m) in swept.items() if n} != {
                c: (n, Fraction(m)) for c, (n, m) in alone.items()
            }
    mean = statistics.mean(times)
    found = {
        "households": chosen.households,
        "settings": chosen.settings,
        "one_pass_s": round(seconds, 2),
        "one_pass_peak_mb": peak // 1024,
        "separate_run_s": round(mean, 2),
        "separate_peak_mb": max(peaks) // 1024,
        "separate_all_s": round(mean * chosen.settings, 1),
        "ratio": round(mean * chosen.settings / seconds, 1),
        "compared": chosen.separate,
        "different": different,
    }
    print(" ".join(f"{name}={value}" for name, value in found.items()))
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 1 if different else 0


if __name__ == "__main__":
    raise SystemExit(main())
