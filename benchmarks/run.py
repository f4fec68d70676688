"""`python3 dev.py bench`: everything `docs/performance.md` says, in one run, engines alternating.

    python3 dev.py bench [--households N] [--rounds N] [--only WORK,…] [--json FILE]
    python3 dev.py bench --households 50000 --rank 500000 --growth "" --json small.json
    python3 dev.py bench --only parquet_large --large 5000000 --json FILE
    python3 dev.py bench --only streamed --streamed 1000000,10000000

First all engines must agree on every result of 10,000 households. Setup is outside the timing; medians and ratios are
printed and, with `--json FILE`, written; `benchmarks/report.py FILE` makes the tables and the chart of the
documentation. A file that is there keeps the works that this run leaves out, so that long works can be added to it.
Peers that are not installed are skipped, and named. The bandwidth of memory is measured in the same run.

works: score_only tables parquet rank_only variants one_household starts growth, and, where their sizes are given,
parquet_large streamed spark
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "api")]

from benchmarks import growth, works  # noqa: E402
from benchmarks.engines import THREADS, Work  # noqa: E402
from benchmarks.measure import bandwidth, show  # noqa: E402
from benchmarks.population import county  # noqa: E402
from benchmarks.variants import variants  # noqa: E402
from hardship.engine import machine  # noqa: E402

DEFAULT = ("score_only", "tables", "parquet", "rank_only", "variants", "one_household", "starts", "growth")


def sizes(text: str) -> list[int]:
    """Numbers of households, as `1000,10000`."""
    return [int(one) for one in text.split(",") if one]


def parsed(arguments: list[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        prog="dev.py bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--households", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rank", type=int, default=5_000_000, help="rows of ranking alone")
    parser.add_argument("--variants", type=int, default=200, help="settings, over a tenth of the households")
    parser.add_argument("--large", type=int, default=0, help="households of another Parquet to ranked Parquet")
    parser.add_argument("--growth", default="1000,10000,100000,1000000,10000000", help="sizes; empty: none")
    parser.add_argument("--streamed", default="", help="sizes of registers in parts, such as 1000000,10000000")
    parser.add_argument("--spark", default="", help="sizes of registers in parts, scored by Spark's local mode")
    parser.add_argument("--only", default="", help="works, with commas between")
    parser.add_argument("--json", type=Path)
    return parser.parse_args(arguments)


def measured(options: argparse.Namespace, keep: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Measure what is wanted and print it; by work. What there is so far is kept after each work."""
    found: dict[str, Any] = {"read_bytes_a_second": bandwidth()}
    few = max(2, options.rounds - 2)

    def tables() -> dict[str, Any]:
        found["touched_bytes"] = {}
        speeds, found["touched_bytes"] = works.tables(options.households, options.rounds)
        return speeds

    def over_variants() -> dict[str, Any]:
        return variants(Work(*county(max(1, options.households // 10))), options.variants, few)

    calls: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
        "score_only": ("Score only, columns in memory", lambda: works.score_only(options.households, options.rounds)),
        "tables": ("Whole tables", tables),
        "parquet": ("Parquet to ranked Parquet", lambda: works.parquet(options.households, few)),
        "parquet_large": ("Parquet to ranked Parquet", lambda: works.parquet(options.large, 2, parted=True)),
        "rank_only": ("Ranking alone", lambda: works.rank_only(options.rank, few)),
        "variants": (f"{options.variants} variants of a standard", over_variants),
        "one_household": ("One household in process", lambda: works.one_household(200)),
        "starts": ("Whole processes", lambda: works.starts(options.rounds)),
        "streamed": ("Registers in parts", lambda: works.streamed(sizes(options.streamed))),
        "spark": ("Registers in parts on Spark", lambda: works.streamed(sizes(options.spark), "spark")),
    }
    asked = {"parquet_large": options.large, "streamed": options.streamed, "spark": options.spark}
    wanted = options.only.split(",") if options.only else (*DEFAULT, *asked)
    for name, (title, work) in calls.items():
        if name in wanted and asked.get(name, True):
            found[name] = work()
            show(title, found[name])
            keep(found)
    if "growth" in wanted and options.growth:
        print("\nGrowth: Parquet to ranked Parquet")
        found["growth"] = growth.files(sizes(options.growth))
        keep(found)
        print("\nGrowth: score only")
        found["growth_scoring"] = growth.scoring(sizes(options.growth))
        keep(found)
    return found


def main(arguments: list[str]) -> int:
    """Measure, print and, with `--json`, write."""
    options = parsed(arguments)
    began = time.monotonic()
    print(f"{platform.machine()}, {THREADS} threads, Python {platform.python_version()}", flush=True)
    machine.warm()
    works.agree(min(works.CHECKED, options.households))

    def keep(found: dict[str, Any]) -> None:
        if options.json:
            kept = json.loads(options.json.read_text(encoding="utf-8")) if options.json.exists() else {}
            if "tables" in kept and "tables" not in found:  # the bandwidth belongs to the run that says its share
                found = found | {"read_bytes_a_second": kept["read_bytes_a_second"]}
            machine_here = {"processor": platform.machine(), "threads": THREADS, "python": platform.python_version()}
            kept |= found | {"machine": machine_here, "day": dt.date.today().isoformat()}
            written = options.json.with_name(options.json.name + ".part")
            written.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
            written.replace(options.json)  # whole or not at all

    found = measured(options, keep)
    read = found["read_bytes_a_second"]
    print(f"\nmemory is read at {read / 1e9:.1f} GB/s by {THREADS} threads")
    for name, touched in found.get("touched_bytes", {}).items():
        one = found["tables"][name]
        share = touched * one["rows"] / one["median_s"] / read
        print(f"  {name}: {touched:.0f} bytes a household, {share:.0%} of that")
    print(f"the whole took {(time.monotonic() - began) / 60:.1f} minutes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
