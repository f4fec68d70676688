"""Speed and steadiness of the service, each beside something on the same machine.

    python3 dev.py load                      # single scores beside a bare FastAPI echo in turn; 500 bodies, and one
    python3 dev.py load --batch 100000       # one batch in each columnar form and as JSON lines, with Server-Timing
    python3 dev.py load --minutes 10         # 80 % of the maximum for so long, then twice the maximum
    python3 dev.py load --slow 200           # so many slow clients beside a usual load
    python3 dev.py load --json FILE          # the figures as JSON too

Each body has three members; both sides get the same ones, sent in turn. Medians of `--rounds` rounds; every server is
one process; `client` is the share of a core that the client took.
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import datetime as dt
import json
import random
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from hardship_api.documents import EXAMPLE  # noqa: E402
from service.live import ARROW, BATCH, JSON, LINES, ON, PARQUET, TABLE, Live  # noqa: E402
from service.registers import arrow, documents, json_lines, nested, parquet, tables  # noqa: E402

from benchmarks.wire import Seen, flood, paced, slow  # noqa: E402
from hardship.load import find_table, load_table  # noqa: E402
from hardship.roots import default_roots  # noqa: E402

FORMS = ("summary", "items", "full")
ASKED = {"summary": 0.8, "items": 0.6, "full": 0.6}
"""The share of the echo's requests a second that each form is asked to reach."""
MEASURED = ("a_second", "p50_ms", "p99_ms", "client")
FIXED = ("area_code", "residence_type", "relation_to_head", "member_counted", "dwelling_safety_grade")
"""Facts that are not drawn: what the place, and the shape of the household, are."""
LATER = 3.0
"""How many times the echo's p99 ours may take."""


def three_members() -> bytes:
    """The worked case of the OpenAPI page with a third person."""
    found = copy.deepcopy(EXAMPLE)
    found["members"].append({**found["members"][1], "member_id": "3", "birth_date": "2005-05-05"})
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()


def households(count: int) -> list[bytes]:
    """Different households of three members that both sides take: the worked case with every fact drawn anew."""
    kinds = load_table(find_table(TABLE, dt.date.fromisoformat(ON), default_roots())[0]).names.attributes
    draw = random.Random(1)

    def drawn(name: str, value: Any) -> Any:
        kind = kinds.get(name)
        if name in FIXED or kind is None or isinstance(value, list | dict):
            return value
        match kind.type:
            case "bool":
                return draw.random() < 0.3
            case "enum":
                return draw.choice([one.value for one in kind.values])
            case "date":
                return f"{draw.randint(1930, 2010)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"
            case "money":
                return draw.randrange(100_000)
        return value

    found = []
    for number in range(count):
        one = json.loads(three_members())
        for row in (one["household"], *one["members"], *one["transfers"]):
            row.update({name: drawn(name, value) for name, value in row.items()})
        one["household"]["household_id"] = f"JX-{number:04}"
        found.append(json.dumps(one, ensure_ascii=False, separators=(",", ":")).encode())
    return found


def beside_echo(rounds: int, seconds: float, bodies: Sequence[bytes]) -> dict[str, Any]:
    """Requests a second of the echo and of each form, in turn; medians and ratios."""
    seen: dict[str, list[dict[str, Any]]] = {name: [] for name in ("echo", *FORMS)}
    with Live() as ours, Live(program=[sys.executable, str(ROOT / "benchmarks" / "bare.py")]) as bare:
        where = {"echo": (bare.port, "/echo")}
        where |= {form: (ours.port, f"/v1/score?detail={form}") for form in FORMS}
        sizes = {}
        for name, (_, path) in where.items():
            answers = []
            for body in bodies:
                status, _, answer = (bare if name == "echo" else ours).send("POST", path, body, {"content-type": JSON})
                assert status == 200, (name, answer[:500])
                answers.append(len(answer))
            sizes[name] = sum(answers) // len(answers)
        for port, path in where.values():
            flood(port, path, bodies, 1)
        for _ in range(rounds):
            for name, (port, path) in where.items():
                seen[name].append(flood(port, path, bodies, seconds))
    found: dict[str, Any] = {}
    for name, several in seen.items():
        medians = {key: statistics.median(one[key] for one in several) for key in MEASURED}
        found[name] = {
            **medians,
            "bytes": sizes[name],
            "refused": sum(one["refused"] for one in several),
            "broken": sum(one["broken"] for one in several),
        }
    size = sum(map(len, bodies)) // len(bodies)
    print(f"\nbodies: {len(bodies)} of {size} bytes, 16 connections, median of {rounds} rounds of {seconds:g} s")
    print(
        "  form       requests/s    of echo   asked   p50 ms   p99 ms   of echo   answer bytes  client  refused  broken"
    )
    for name, one in found.items():
        one["of_echo"] = one["a_second"] / found["echo"]["a_second"]
        one["p99_of_echo"] = one["p99_ms"] / found["echo"]["p99_ms"]
        asked = f"{ASKED[name]:.0%}" if name in ASKED else ""
        print(
            f"  {name:10} {one['a_second']:10.0f} {one['of_echo']:10.1%} {asked:>7} {one['p50_ms']:8.2f} "
            f"{one['p99_ms']:8.2f} {one['p99_of_echo']:9.2f} {one['bytes']:14} "
            f"{one['client']:7.0%} {one['refused']:8} {one['broken']:7}"
        )
    return found


def batches(households: int, rounds: int) -> dict[str, Any]:
    """One batch in each form in and the same form out: the whole request, and what the server says of its parts."""
    frames = tables(households, 1, "county_model", dt.date.fromisoformat(ON))
    columns = nested(frames)
    bodies = {ARROW: arrow(columns), PARQUET: parquet(columns), LINES: json_lines(documents(frames))}
    path = BATCH.replace("jinxiang", "county_model")
    found: dict[str, Any] = {}
    print(f"\n{households:,} households of county_model, form in = form out, median of {rounds}")
    with Live() as live:
        for kind, body in bodies.items():
            several: list[dict[str, Any]] = []
            for number in range(rounds + 1):
                begin = time.perf_counter()
                status, headers, answer = live.send("POST", path, body, {"content-type": kind, "accept": kind}, 600)
                whole = time.perf_counter() - begin
                assert status == 200, answer[:500]
                if number:
                    several.append({"whole_s": whole, "parts_ms": timings(headers.get("server-timing", ""))})
            several.sort(key=lambda one: one["whole_s"])
            middle = several[len(several) // 2]
            found[kind] = {
                **middle, "megabytes_in": len(body) / 1e6, "megabytes_out": len(answer) / 1e6,
                "households_a_second": households / middle["whole_s"],
            }  # fmt: skip
            parts = ", ".join(f"{name} {ms:.0f} ms" for name, ms in middle["parts_ms"].items())
            print(
                f"  {kind:38} {middle['whole_s']:7.2f} s whole = {households / middle['whole_s']:9,.0f} households/s; "
                f"{parts}; {len(body) / 1e6:.0f} MB in, {len(answer) / 1e6:.0f} MB out"
            )
        # What the service has summed over all parts of all batches.
        said = live.send("GET", "/metrics")[2].decode().splitlines()
        sums = [line for line in said if "stage=" in line and "created" not in line]
        print("  /metrics: " + "; ".join(sums))
        found["metrics"] = sums
    return found


def timings(header: str) -> dict[str, float]:
    """`read;dur=12.5, score;dur=3` as milliseconds by name."""
    parts = (entry.strip().split(";dur=") for entry in header.split(",") if ";dur=" in entry)
    return {name: float(ms) for name, ms in parts}


def soak(minutes: float, detail: str) -> dict[str, Any]:
    """80 % of the maximum for so long with the memory watched; then twice the maximum."""
    bodies, path = households(500), f"/v1/score?detail={detail}"
    with Live() as live:
        flood(live.port, path, bodies, 2)
        most = statistics.median(
            asyncio.run(paced(live.port, path, bodies, None, 10)).figures()["a_second"] for _ in range(3)
        )
        memory: list[tuple[float, float]] = []
        stop = threading.Event()
        began = time.monotonic()

        def watch() -> None:
            while not stop.wait(min(10, minutes * 6)):
                memory.append((time.monotonic() - began, live.memory() / 1e6))

        watcher = threading.Thread(target=watch)
        watcher.start()
        steady = asyncio.run(paced(live.port, path, bodies, 0.8 * most, minutes * 60)).figures()
        stop.set()
        watcher.join()
        over = asyncio.run(paced(live.port, path, bodies, 2 * most, min(60, minutes * 60), 256)).figures()
        after = asyncio.run(paced(live.port, path, bodies, 0.5 * most, 5)).figures()
    settled = [megabytes for at, megabytes in memory if at > minutes * 6] or [0.0]
    drift = max(settled) / settled[0] - 1 if settled[0] else 0.0
    print(f"\n{detail}: maximum {most:.0f} requests/s (16 connections, asyncio clients)")
    print(
        f"  80 % for {minutes:g} min: {shown(steady)}; memory {settled[0]:.0f} -> {settled[-1]:.0f} MB ({drift:+.1%})"
    )
    print(f"  twice the maximum, 256 connections: {shown(over)}")
    print(f"  half of it afterwards: {shown(after)}")
    return {"maximum": most, "steady": steady, "memory_mb": memory, "drift": drift, "over": over, "after": after}


def shown(figures: dict[str, Any]) -> str:
    """The figures of one load in a line."""
    return (
        f"{figures['requests']} answered ({figures['a_second']:.0f}/s, p50 {figures['p50_ms']:.1f} ms, "
        f"p99 {figures['p99_ms']:.1f} ms), {figures['refused']} refused, {figures['broken']} broken"
    )


def beside_slow(count: int, seconds: float = 20) -> dict[str, Any]:
    """A usual load alone, and with so many clients that send a byte a second."""
    bodies, path = households(500), "/v1/score?detail=items"
    with Live() as live:
        flood(live.port, path, bodies, 2)
        most = asyncio.run(paced(live.port, path, bodies, None, 5)).figures()["a_second"]
        alone = asyncio.run(paced(live.port, path, bodies, 0.3 * most, seconds)).figures()

        async def both() -> tuple[Seen, Any]:
            crawling = asyncio.create_task(slow(live.port, path, count, seconds))
            await asyncio.sleep(1)
            return await paced(live.port, path, bodies, 0.3 * most, seconds - 2), await crawling

        seen, ended = asyncio.run(both())
    beside = seen.figures()
    print(f"\na usual load (30 % of the maximum) alone: {shown(alone)}")
    print(f"  beside {count} slow clients: {shown(beside)}; p99 {beside['p99_ms'] / alone['p99_ms']:.1f} times")
    print(f"  the slow ones: {dict(ended)}")
    return {"alone": alone, "beside": beside, "slow": dict(ended)}


def main(arguments: Sequence[str]) -> int:
    """Run what is asked for; exit code 1 if a load saw errors."""
    parser = argparse.ArgumentParser(
        prog="dev.py load", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10, help="of each round")
    parser.add_argument("--bodies", type=int, default=500, metavar="N", help="different households for single scores")
    parser.add_argument("--batch", type=int, metavar="N", help="households in one batch, instead of single scores")
    parser.add_argument("--minutes", type=float, metavar="M", help="the steady load, instead of single scores")
    parser.add_argument("--detail", choices=FORMS, default="full", help="of the steady load")
    parser.add_argument("--slow", type=int, metavar="N", help="slow clients, instead of single scores")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    found: dict[str, Any] = {}
    wrong = 0
    if given.batch:
        found["batch"] = batches(given.batch, given.rounds)
    if given.minutes:
        found["soak"] = soak(given.minutes, given.detail)
        wrong += found["soak"]["steady"]["refused"]
        wrong += sum(found["soak"][name]["broken"] for name in ("steady", "over", "after"))
    if given.slow:
        found["slow"] = beside_slow(given.slow)
        wrong += found["slow"]["beside"]["refused"] + found["slow"]["beside"]["broken"]
    if not found:
        found["single"] = beside_echo(given.rounds, given.seconds, households(given.bodies))
        found["one body"] = beside_echo(given.rounds, given.seconds, [three_members()])
        for name in ("single", "one body"):
            wrong += sum(one["refused"] + one["broken"] for one in found[name].values())
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
