"""`python3 dev.py bench single`: one household in process, the short way beside the long way.

Every call is another household, so that nothing is remembered of it; decoded JSON in, the body of the answer out. The
two ways take turns; medians are printed and, with `--json FILE`, written. `decode` is the service's strict decoder.
`change and score` is a caseworker at one household (`Prepared.held`): one fact changed, the result whole.

    python3 dev.py bench single [--table ID] [--households N] [--rounds N] [--cpu] [--json FILE]
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "api")]

from hardship_api.strict_json import decode  # noqa: E402
from single_documents import of_register  # noqa: E402

from hardship.load import load_table, versions  # noqa: E402
from hardship.single.prepared import FORMS, Form, Prepared  # noqa: E402
from hardship.standards import load_standards  # noqa: E402
from hardship.synthesis import synthesize  # noqa: E402

ON = dt.date(2018, 7, 1)
LARGE = 200
LANG = "zh"
CHANGE = "change and score"
ASKED = 30  # changes of one household
Document = dict[str, Any]


def documents(prepared: Prepared, count: int) -> list[Document]:
    """Synthetic households of three members that are complete, all different."""
    found: list[Document] = []
    for seed in range(1, 200):
        register = synthesize(500, seed, area="370828", attributes=prepared.checked.names.attributes)
        for document in of_register(register, prepared.checked):
            if len(document["members"]) == 3 and outcome(prepared, document) != "incomplete":
                document["household"]["household_id"] = f"H{len(found):06}"
                found.append(document)
        if len(found) >= count:
            return found[:count]
    return found


def outcome(prepared: Prepared, document: Document) -> str:
    """The outcome of a household."""
    return str(json.loads(prepared.answer(document, LANG, "summary"))["result"]["outcome"])


def grown(document: Document) -> Document:
    """The household with 200 members, each under an id of its own."""
    own = [{"member_id": f"m{place:03}", "relation_to_head": "child" if place else "head"} for place in range(LARGE)]
    members = [document["members"][place % 3] | ids for place, ids in enumerate(own)]
    return {"household": document["household"], "members": members, "supporters": [], "transfers": []}


def changes(prepared: Prepared, households: list[Document]) -> Callable[[int], Any]:
    """A caseworker's questions: one fact of a household changed and the household scored again, `ASKED` times each.

    Facts in turn, money never twice the same.
    """
    held = [prepared.held(one) for one in households]

    def way(place: int) -> Any:
        value: tuple[str, int, str, Any] = (
            ("member", 0, "wage_month", f"{1000 + place}.50"), ("household", 0, "financial_assets", 20_000 + place),
            ("member", 1, "chronic_illness", place % 2 == 0),
        )[place % 3]  # fmt: skip
        return held[place // ASKED % len(held)].change(*value)

    return way


def measure(ways: dict[str, Callable[[int], Any]], rounds: int, clock: Callable[[], float]) -> dict[str, float]:
    """Median microseconds of each way, in turn, each round with the next household."""
    for place in range(-rounds, 0):  # as in a process that has answered others before
        for way in ways.values():
            way(place)
    times: dict[str, list[float]] = {name: [] for name in ways}
    for place in range(rounds):
        for name, way in ways.items():
            begin = clock()
            way(place)
            times[name].append(clock() - begin)
    return {name: statistics.median(taken) * 1e6 for name, taken in times.items()}


def short_ways(prepared: Prepared, households: list[Document]) -> dict[str, Callable[[int], Any]]:
    """The short way in each form, and the decoder."""
    bodies = [json.dumps(one, ensure_ascii=False, default=str).encode() for one in households]
    size = len(households)
    ways: dict[str, Callable[[int], Any]] = {
        "decode": lambda place: decode(bodies[place % size]),
    }
    for form in FORMS:
        ways[form] = partial(_answer, prepared.answer, households, form)
    return ways


def long_ways(prepared: Prepared, households: list[Document]) -> dict[str, Callable[[int], Any]]:
    """The long way in each form."""
    return {form: partial(_answer, prepared.slow_answer, households, form) for form in FORMS}


def _answer(way: Callable[[Document, str, Form], bytes], households: list[Document], form: Form, place: int) -> bytes:
    return way(households[place % len(households)], LANG, form)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", default="county_model")
    parser.add_argument("--households", type=int, default=400, help="different households of three members")
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--cpu", action="store_true", help="processor time of the thread instead of time on the wall")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    clock = time.thread_time if chosen.cpu else time.perf_counter
    checked = load_table(next(iter(versions()[chosen.table].values())))
    prepared = Prepared(checked, load_standards([]), ON)
    three = documents(prepared, 2 * chosen.households)  # the second half to warm up with
    found: dict[str, Any] = {"table": chosen.table, "machine": platform.platform(), "households": len(three) // 2}
    found["clock"] = "cpu" if chosen.cpu else "wall"
    for name, households, rounds in (
        ("3 members", three, chosen.rounds),
        (f"{LARGE} members", [grown(one) for one in three[:20]], max(3, chosen.rounds // 20)),
    ):
        quick = measure(short_ways(prepared, households), rounds, clock)
        quick |= measure({CHANGE: changes(prepared, households)}, rounds, clock)
        slow = measure(long_ways(prepared, households), max(3, rounds // 40), clock)
        sizes = {form: len(prepared.answer(households[0], LANG, form)) for form in FORMS}
        found[name] = {"us": quick, "long_way_us": slow, "bytes": sizes}
        print(f"{chosen.table}, {name}: median of {rounds}, microseconds ({found['clock']})")
        for way, taken in quick.items():
            beside = f"{slow[way]:12,.0f} the long way, {slow[way] / taken:7.1f} times" if way in slow else ""
            size = f"{sizes[way]:9,} bytes" if way in sizes else ""
            print(f"  {way:18} {taken:10,.0f} {size:16} {beside}")
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
