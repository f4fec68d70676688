"""`python3 dev.py gate`: has anything become much slower? Ratios to numpy in the same run, against limits in gate.json.

    python3 dev.py gate [--limits FILE]

Processor time, least of several turns, the engine and numpy alternating: a busy or another machine moves both. A ratio
is time of `hardship` divided by time of numpy; limits are generous, about twice what was measured when they were set.

    score only     the machine on one thread; numpy in blocks
    rank           all ranks on one thread; numpy's lexsort alone
    read Parquet   a register read, checked and hashed; numpy's columns from the same files, unchecked
    one answer     one household to its result as JSON; numpy on the same household's columns

Exit code 1: a ratio is above its limit. At most a minute.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "api")]

from benchmarks import single  # noqa: E402
from benchmarks.engines import SCORE_ONLY, Work  # noqa: E402
from benchmarks.peers import county_numpy  # noqa: E402
from benchmarks.population import ON, county, local_numbers  # noqa: E402
from benchmarks.ranking import RANK_ONLY, Ranked  # noqa: E402
from hardship.engine import machine  # noqa: E402
from hardship.needed import needed  # noqa: E402
from hardship.rank import Grouping, Key, area_levels, ranks  # noqa: E402
from hardship.register import read_register  # noqa: E402
from hardship.single.prepared import Prepared  # noqa: E402
from hardship.standards import load_standards  # noqa: E402

LIMITS = Path(__file__).with_name("gate.json")
Pair = tuple[Callable[[], Any], Callable[[], Any]]


def least(pair: Pair, turns: int) -> float:
    """Least processor time of the first call divided by that of the second, in turn, after one of each."""
    best = [float("inf"), float("inf")]
    for turn in range(turns + 1):
        for place, call in enumerate(pair):
            begin = time.process_time()
            call()
            if turn:
                best[place] = min(best[place], time.process_time() - begin)
    return best[0] / best[1]


def ratios(households: int = 20_000, rows: int = 200_000) -> dict[str, float]:
    """Each ratio by name."""
    machine.warm()
    found = {}
    with tempfile.TemporaryDirectory() as name:
        work = Work.made(households, Path(name))
        names = dict(work.checked.names.attributes)
        scored = SCORE_ONLY["hardship, 1 thread"].prepare(work), SCORE_ONLY["numpy in blocks"].prepare(work)
        found["score only"] = least(scored, 9)
        found["rank"] = least(_ranking(Ranked.made(rows)), 5)
        used = needed(work.checked)
        reading = (
            lambda: read_register(work.files, attributes=names, on=ON, used=used),
            lambda: county_numpy.read(work.files),
        )
        found["read Parquet"] = least(reading, 3)
    found["one answer"] = least(_answering(), 5)
    return found


def _ranking(rows: Ranked) -> Pair:
    keys, everybody = [Key(rows.index, descending=True), Key(rows.income)], np.ones(len(rows.index), dtype=np.bool_)
    groupings = [Grouping(rows.area, area_levels(rows.codes)), Grouping(rows.circle, [np.arange(5)])]
    return lambda: ranks(keys, everybody, groupings, threads=1), RANK_ONLY["numpy lexsort alone"](rows)


def _answering(count: int = 50) -> Pair:
    """So many different households answered one by one; numpy as often on one household's columns."""
    checked, standards, register = county(1)
    columns, local = county_numpy.columns(register.frames), local_numbers(checked, standards)
    prepared = Prepared(checked, load_standards([]), ON)
    households = single.documents(prepared, count)

    def answers() -> None:
        for one in households:
            prepared.answer(one, single.LANG, "summary")

    def arrays() -> None:
        for _ in households:
            county_numpy.score(columns, local)

    return answers, arrays


def broken(found: Mapping[str, float], limits: Mapping[str, float]) -> list[str]:
    """What is wrong, a sentence each: ratios above their limits, or without one, and limits of nothing measured."""
    odd = [f"{name}: measured or limited, not both" for name in sorted(found.keys() ^ limits.keys())]
    return odd + [
        f"{name}: {found[name]:.2f} of numpy's time, at most {limits[name]:.2f} is allowed"
        for name in sorted(found.keys() & limits.keys())
        if found[name] > limits[name]
    ]


def main(arguments: list[str]) -> int:
    """Measure, print, compare."""
    parser = argparse.ArgumentParser(
        prog="dev.py gate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--limits", type=Path, default=LIMITS, help="JSON: the highest ratio of each work")
    options = parser.parse_args(arguments)
    limits = json.loads(options.limits.read_text(encoding="utf-8"))
    found = ratios()
    for name, ratio in found.items():
        print(f"{name:14} {ratio:6.2f} of numpy's time (limit {limits.get(name, float('nan')):.2f})")
    wrong = broken(found, limits)
    for line in wrong:
        print(f"too slow: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
