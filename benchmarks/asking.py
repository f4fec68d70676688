"""`python3 benchmarks/asking.py`: what missing facts leave possible, and what-if, for one household in process.

Synthetic households of three members, complete but for N facts that the table needs. Medians, 95th hundredths and
the share of exact answers are printed by N; a plain result, a changed household's result, the full explanation, what-if
with one fact changed, with and without the nearest changes, and with a standard changed, and a comparison of two
tables take turns. Every call is another household, and each way has answered them before.

    python3 benchmarks/asking.py [--table ID] [--beside ID] [--households N] [--cpu] [--json FILE]
"""

from __future__ import annotations

import argparse
import copy
import datetime as dt
import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "api")]

from benchmarks.single import changed, documents  # noqa: E402
from hardship.asking.compare import compare  # noqa: E402
from hardship.asking.whatif import what_if  # noqa: E402
from hardship.load import load_table, versions  # noqa: E402
from hardship.possible.answer import possible  # noqa: E402
from hardship.register import from_dicts  # noqa: E402
from hardship.single.prepared import prepare  # noqa: E402
from hardship.standards import load_standards  # noqa: E402

ON = dt.date(2018, 7, 1)
COUNTS = (1, 2, 4, 8, 16)
WARM = 3


def main(arguments: list[str]) -> int:
    """Measure and print; with `--json` also write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", default="county_model")
    parser.add_argument("--beside", default="jinxiang", help="the other table of a comparison")
    parser.add_argument("--households", type=int, default=30)
    parser.add_argument("--cpu", action="store_true", help="processor time instead of the clock's")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    clock = time.process_time if given.cpu else time.perf_counter
    checked = load_table(max(versions()[given.table].items())[1])
    numbers = load_standards([])
    prepared = prepare(checked, numbers, ON)
    households = documents(prepared, given.households)
    found: dict[str, Any] = {
        "table": given.table,
        "households": len(households),
        "clock": "cpu" if given.cpu else "wall",
    }
    found["possible"] = [_possible(households, checked, numbers, count, clock) for count in COUNTS]
    other = load_table(max(versions()[given.beside].items())[1])
    found["whatif"] = _what_if(households, checked, other, numbers, prepared, clock)
    for row in found["possible"]:
        print(
            "possible  facts={facts:<3} median={median_ms:7.1f} ms  p95={p95_ms:7.1f} ms  exact={exact:.0%}".format(
                **row
            )
        )
    for name, value in found["whatif"].items():
        print(f"{name:<24} median={value:8.3f} ms")
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


def _possible(
    households: list[Any], checked: Any, numbers: Any, count: int, clock: Callable[[], float]
) -> dict[str, Any]:
    """Households without `count` of the facts that the table reads."""
    rng, taken, exact = random.Random(count), [], 0
    names = sorted({name for one in checked.names.sites for name in checked.names.attributes_of(one.node, one.level)})
    for number, document in enumerate(households):
        one = copy.deepcopy(document)
        rows = [one["household"], *one["members"]]
        cells = [(row, name) for row in rows for name in names if name in row]
        for row, name in rng.sample(cells, min(count, len(cells))):
            del row[name]
        register = from_dicts(one, checked.names.attributes, ON)
        began = clock()
        told = possible(register, checked, numbers, ON, "zh")
        if told is not None and number >= WARM:
            taken.append(1e3 * (clock() - began))
            exact += told["exact"]
    taken.sort()
    return {
        "facts": count,
        "asked": len(taken),
        "median_ms": statistics.median(taken),
        "p95_ms": taken[int(0.95 * (len(taken) - 1))],
        "exact": exact / len(taken),
    }


def _what_if(
    households: list[Any], checked: Any, other: Any, numbers: Any, prepared: Any, clock: Callable[[], float]
) -> dict[str, float]:
    """One household asked about in several ways, in turn: medians in milliseconds of the second time round."""
    change = [{"pointer": "/members/0/wage_month", "value": "321.50"}]
    line = {checked.table.parameter[0].name: "+1%"} if checked.table.parameter else {}
    variants = [changed(one, place) for place, one in enumerate(households)]

    def asked(facts: Any, lines: Any, nearest: bool) -> Callable[[int], Any]:
        return lambda place: what_if(households[place], facts, lines, checked, numbers, ON, "zh", nearest=nearest)

    ways: dict[str, Callable[[int], Any]] = {
        "result": lambda place: prepared.answer(households[place], "zh", "summary"),
        "change_and_score": lambda place: prepared.answer(variants[place], "zh", "summary"),
        "explained_in_full": lambda place: prepared.answer(households[place], "zh", "full"),
        "whatif_fact": asked(change, {}, False),
        "whatif_line": asked([], line, False),
        "whatif_fact_and_nearest": asked(change, {}, True),
        "compare_two_tables": lambda place: compare(
            households[place], [(checked, False), (other, False)], numbers, ON, "zh"
        ),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(2):
        for place in range(len(households)):
            for name, way in ways.items():
                began = clock()
                way(place)
                if turn:
                    taken[name].append(1e3 * (clock() - began))
    return {name: statistics.median(times) for name, times in taken.items()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
