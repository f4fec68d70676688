"""The works of the table in `docs/performance.md`, each measured with everything that does the same."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import files, ranking, single
from benchmarks.engines import SCORE_ONLY, THREADS, Engine, Work, unequal
from benchmarks.files import PARQUET, PARTS
from benchmarks.measure import Figures, figures, measure
from benchmarks.population import ON, county
from benchmarks.ranking import RANK_ONLY, Ranked
from benchmarks.scale import measured
from benchmarks.variants import equal
from hardship.engine import machine
from hardship.load import find_table, load_table
from hardship.lowering.bind import bind
from hardship.lowering.lower import lower
from hardship.profiling import complete, traffic
from hardship.register import Register
from hardship.single.prepared import Prepared
from hardship.standards import load_standards
from hardship.synthesis import synthesize

CHECKED = 10_000  # households that all engines must agree on before any is timed
COUNTY, BAIRIN = "county_model", "bairin_left"


def present(engines: Mapping[str, Engine]) -> dict[str, Engine]:
    """The engines that are installed here; what is skipped is said."""
    for name, engine in engines.items():
        if absent := engine.absent():
            print(f"  skipped: {name} ({absent} is not installed)")
    return {name: engine for name, engine in engines.items() if not engine.absent()}


def agree(households: int = CHECKED) -> None:
    """All engines on the same households.

    Raises:
        SystemExit: an engine does not find what `hardship` finds; a wrong one must not be timed.
    """
    with tempfile.TemporaryDirectory() as name:
        work = Work.made(households, Path(name))
        wrong = unequal(work) + files.unequal(work) + ranking.unequal(households)
        if not equal(work, 3):
            wrong.append("variants")
    if wrong:
        raise SystemExit(f"not the same results: {', '.join(wrong)}")
    print(f"all engines agree on every result of {households:,} households", flush=True)


def score_only(households: int, rounds: int) -> dict[str, Figures]:
    """Columns in memory to result columns. Slow engines get fewer households, `hardship` the same beside them."""
    engines, found = present(SCORE_ONLY), {}
    for size in sorted({min(households, engine.most) for engine in engines.values()}, reverse=True):
        group = {name: one for name, one in engines.items() if min(households, one.most) == size}
        with tempfile.TemporaryDirectory() as name:
            work = Work.made(size, Path(name))
            calls = {name: one.prepare(work) for name, one in ({"hardship": SCORE_ONLY["hardship"]} | group).items()}
        here = figures(measure(calls, rounds), size)
        found |= {name: here[name] for name in group}
    return found


def parquet(households: int, rounds: int, *, parted: bool = False) -> dict[str, Figures]:
    """Parquet in to ranked Parquet out.

    Args:
        parted: a register in parts, as one would have it of so many households; the peers read the same files.
    """
    with tempfile.TemporaryDirectory() as name:
        work = (Work.in_parts if parted else Work.written)(households, Path(name))  # no register is held beside them
        known = present(PARTS if parted else PARQUET)
        engines = {name: one for name, one in known.items() if one.most >= households}
        for left in known.keys() - engines.keys():
            print(f"  left out: {left} (8 GB or 60 s are not enough for it)")
        return figures(measure({name: one.prepare(work) for name, one in engines.items()}, rounds), households)


def rank_only(rows: int, rounds: int) -> dict[str, Figures]:
    """All ranks of a province; the peers' sorts alone beside them."""
    ranked = Ranked.made(rows)
    calls = {name: prepare(ranked) for name, prepare in RANK_ONLY.items()}
    return figures(measure(calls, rounds), rows, "hardship, all ranks")


def bound(table: str, register: Register | None, households: int) -> tuple[Callable[[], Any], float]:
    """The machine's call over a table's columns, and the bytes a household it must touch."""
    checked = load_table(find_table(table, ON)[0])
    if register is None:
        area = checked.table.table.place.area or "370828"
        register = complete(synthesize(households, 7, area=area, attributes=checked.names.attributes))
    program = lower(checked, "results")
    columns = bind(program, register, load_standards([]), ON)
    arrays = machine.arrays_for(program, columns, households)
    return partial(machine.run, program, columns, threads=THREADS), sum(traffic(columns, arrays))


def tables(households: int, rounds: int) -> tuple[dict[str, Figures], dict[str, float]]:
    """The machine over two whole tables, and the bytes a household that each must touch."""
    with_bytes = {
        COUNTY: bound(COUNTY, county(households)[2], households),
        BAIRIN: bound(BAIRIN, None, households),
    }
    found = figures(measure({name: call for name, (call, _) in with_bytes.items()}, rounds), households, COUNTY)
    return found, {name: touched for name, (_, touched) in with_bytes.items()}


def one_household(rounds: int) -> dict[str, Figures]:
    """One household in process: the result, with its explanation, every time of another; one change and a new score."""
    prepared = Prepared(load_table(find_table(COUNTY, ON)[0]), load_standards([]), ON)
    households = single.documents(prepared, 2 * rounds)  # the second half to warm up with
    ways = single.short_ways(prepared, households)
    names = {"summary": "result", "items": "result and explanation"}
    taken = single.measure({names[way]: ways[way] for way in names}, rounds, time.perf_counter)
    asked = {"one change and a new score": single.changes(prepared, households)}
    taken |= single.measure(asked, rounds, time.perf_counter)
    return {
        name: {"median_s": microseconds / 1e6, "rounds": rounds, "rows": 1, "times": microseconds / taken["result"]}
        for name, microseconds in taken.items()
    }


def starts(rounds: int) -> dict[str, Figures]:
    """Whole processes with a warm cache: help, the tables, a first score of 100 households."""
    with tempfile.TemporaryDirectory() as name:
        register, out = Path(name) / "register", Path(name) / "out"
        hardship = [sys.executable, "-m", "hardship"]
        # As installed: Python keeps what it has compiled of our own sources, whatever this environment says.
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

        def run(*words: str) -> None:
            subprocess.run([*hardship, *words], check=True, stdout=subprocess.DEVNULL, env=kept)

        run("synth", "--households", "100", "--seed", "1", "--out", str(register))
        on = ON.isoformat()
        calls = {
            "hardship --help": partial(run, "--help"),
            "hardship tables": partial(run, "tables"),
            "hardship score, 100 households": partial(
                run, "score", str(register), "--table", COUNTY, "--on", on, "--out", str(out)
            ),
        }
        return figures(measure(calls, rounds), 1, "hardship --help")


def streamed(sizes: list[int], engine: str = "local") -> dict[str, Figures]:
    """A register in parts from Parquet to ranked Parquet: seconds and peak memory of a whole process for each size."""
    found: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory() as name:
        for households in sizes:
            register, out = Path(name) / f"register-{households}", Path(name) / f"out-{households}"
            count = str(-(-households // 250_000))
            measured(
                ["synth", "--households", str(households), "--seed", "1", "--parts", count, "--out", str(register)]
            )
            on = ["--table", COUNTY, "--on", ON.isoformat(), "--json"]
            here = [] if engine == "local" else ["--engine", engine, "--master", f"local[{THREADS}]"]
            taken, _, memory, _ = measured(["score", str(register), *on, "--out", str(out), *here])
            first = next(iter(found.values()))["median_s"] if found else taken
            found[f"{engine}, {households:,} households"] = {
                "median_s": taken, "rounds": 1, "rows": households, "times": taken / first, "peak_mib": memory,
            }  # fmt: skip
    return found
