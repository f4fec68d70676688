"""A comparison of two settings beside one scoring of the same register, in one process, in turn.

    python benchmarks/rerank.py [--households 1000000] [--rounds 3] [--table county_model] [--json FILE]

The register is made and laid out before anything is timed; nothing is read or written. Lines:

    score            one whole scoring, `score.score`: bind, run, result columns, ranks, hash
    rerank, 1        a whole comparison, another standard: two runs, both sides, causes, sums, hash
    rerank, 3        another standard, another version of the table, other data: eight runs
    rerank, 3 quick  the same without causes: two runs
    score only       from the register in memory to the result columns with ranks: no checks, no hash, no record
    bound            the same without binding: one run of the machine over bound columns, and the result columns
    machine          one run of the machine over bound columns
    causes, 3        the eight runs over bound columns and the shares taken from them

Ratios are to `score`, of the last four to `machine`; of whole comparisons of three factors also to `score only`.
Wall seconds and the processor's own (all threads) are given: on a busy machine the second is the steadier one. The
shares of every household are checked to add up before the times are printed.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from hardship.engine import machine  # noqa: E402
from hardship.inputs import Inputs  # noqa: E402
from hardship.load import find_table, load_table, load_text  # noqa: E402
from hardship.lowering.bind import bind  # noqa: E402
from hardship.movement.align import align  # noqa: E402
from hardship.movement.causes import amount_shares, index_shares, state_causes  # noqa: E402
from hardship.movement.rerank import Movement, rerank  # noqa: E402
from hardship.movement.runs import Runs  # noqa: E402
from hardship.register import Register  # noqa: E402
from hardship.results import build  # noqa: E402
from hardship.score import score  # noqa: E402
from hardship.standards import Standards, load_standards, standards  # noqa: E402
from hardship.synthesis import synthesize  # noqa: E402

ON = dt.date(2018, 7, 1)
RICHER = 10_000  # fen


def raised(numbers: Standards) -> Standards:
    """All dibao standards 10 % higher."""
    return standards(
        dataclasses.replace(row, value=row.value * Fraction(11, 10)) if row.parameter == "dibao_standard" else row
        for row in numbers.rows
    )


def later(register: Register) -> Register:
    """The register with a higher wage for every seventh member."""
    members = register.frames["member"]
    seventh = pl.int_range(pl.len()) % 7 == 0
    wage = pl.when(seventh).then(pl.col("wage_month") + RICHER).otherwise(pl.col("wage_month"))
    changed = members.with_columns(wage.cast(members.schema["wage_month"]))
    return dataclasses.replace(register, frames={**register.frames, "member": changed}, sha256="later")


def settings(table: str, households: int) -> tuple[Inputs, Inputs, Inputs]:
    """Before; with another standard; with another standard, table and data."""
    path = find_table(table, ON)[0]
    checked = load_table(path)
    text = path.read_text(encoding="utf-8")
    newer = load_text(text.replace(f"version = {checked.table.table.version}", "version = 2018-06-30"))
    before = Inputs(
        synthesize(households, 7, attributes=checked.names.attributes), checked, load_standards(), ON, False, {}
    )
    one = dataclasses.replace(before, standards=raised(before.standards))
    return before, one, dataclasses.replace(one, checked=newer, register=later(before.register))


def measure(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Wall and processor seconds of each call, all calls in turn, after one round that is not counted."""
    found: dict[str, dict[str, list[float]]] = {name: {"wall": [], "processor": []} for name in calls}
    for number in range(rounds + 1):
        for name, call in calls.items():
            wall, processor = time.perf_counter(), time.process_time()
            call()
            if number:
                found[name]["wall"].append(time.perf_counter() - wall)
                found[name]["processor"].append(time.process_time() - processor)
    return found


def adds_up(moved: Movement) -> int:
    """Households whose shares do not add up to the change of their amount."""
    known = moved.frame.filter(pl.col("amount_by_standard").is_not_null())
    before, after = (pl.col(f"amount_{name}").fill_null(0) for name in ("before", "after"))
    sixths = ((after - before) * 600).cast(pl.Int64)
    return known.filter(pl.sum_horizontal(pl.col("^amount_by_.*$")) != sixths).height


def main() -> int:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--households", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--table", default="county_model")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    threads = os.cpu_count() or 1
    machine.warm()
    before, one, three = settings(options.table, options.households)
    order = align(before.register, three.register)
    bound = Runs(before, three)
    for mixture in bound.mixtures:
        bound.bound(mixture)

    def causes() -> None:
        bound.forget()
        amount_shares(bound, order)
        index_shares(bound, order)
        state_causes(bound, order)

    columns = bound.bound(bound.mixtures[0])

    def score_only() -> None:
        own = bind(columns.program, before.register, before.standards, ON)
        build(before.register, before.checked, own, machine.run(own.program, own, threads=threads), ())

    found = measure(
        {
            "score": lambda: score(before.register, before.checked, before.standards, ON),
            "rerank, 1": lambda: rerank(before, one),
            "rerank, 3": lambda: rerank(before, three),
            "rerank, 3 quick": lambda: rerank(before, three, quick=True),
            "score only": score_only,
            "bound": lambda: build(
                before.register, before.checked, columns, machine.run(columns.program, columns, threads=threads), ()
            ),
            "machine": lambda: machine.run(columns.program, columns, threads=threads),
            "causes, 3": causes,
        },
        options.rounds,
    )
    wrong = adds_up(rerank(before, three))
    middle = {name: {kind: statistics.median(times) for kind, times in both.items()} for name, both in found.items()}
    print(f"{options.households:,} households, {threads} threads, medians of {options.rounds}; shares wrong: {wrong}")
    for name, both in middle.items():
        base = middle["machine" if name in ("score only", "bound", "machine", "causes, 3") else "score"]
        ratios = {kind: both[kind] / base[kind] for kind in both}
        print(
            f"  {name:16} {both['wall']:8.2f} s {ratios['wall']:6.2f} times   "
            f"processor {both['processor']:8.2f} s {ratios['processor']:6.2f} times"
        )
    most = {kind: middle["rerank, 3"][kind] / middle["score only"][kind] for kind in ("wall", "processor")}
    print(f"  rerank, 3 beside score only: {most['wall']:.2f} times, processor {most['processor']:.2f} times")
    if options.json:
        report = {"households": options.households, "wrong": wrong, "seconds": found}
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
