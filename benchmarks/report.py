"""`python benchmarks/report.py FILE [--chart docs/img/growth.png]`: tables and chart of the docs from a saved run.

FILE is what `python3 dev.py bench --json FILE` has written. The parts of docs/performance.md and README.md between
`<!-- bench: … -->` and `<!-- end of bench -->` are replaced; nothing else is touched. Ratios stand first.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

BEGIN, END = "<!-- bench: written by benchmarks/report.py -->", "<!-- end of bench -->"
TITLES = {
    "score_only": "Score only, columns in memory",
    "parquet": "Parquet to ranked Parquet",
    "parquet_large": "Parquet to ranked Parquet, larger",
    "rank_only": "Ranking alone",
    "variants": "Variants of a standard",
}
OTHERS = {
    "tables": "The machine over whole tables",
    "one_household": "One household in process",
    "starts": "Whole processes, warm cache",
    "streamed": "Registers in parts",
    "spark": "Registers in parts, Spark's local mode",
}
OURS = "hardship"
PARTS = f"{OURS}, in parts"
EARLIER = {"polars streaming": 2.5, "polars in-memory": 3.3, "DuckDB": 2.45}
"""Times numpy in blocks took the peers of an earlier measurement, 1,000,000 households; ours may take 1.5 of that."""
SLACK = 1.5
POLARS, DUCKDB, WHOLE, BLOCKS = ("polars streaming", "polars in-memory"), "DuckDB", "numpy", "numpy in blocks"

Run = Mapping[str, Any]
ROWS = {"engine": pl.String, "households": pl.Int64, "seconds": pl.Float64, "peak_mib": pl.Float64}


def times(run: Run, work: str, names: Sequence[str]) -> float | None:
    """The least of several engines' times of ours; None where none of them was measured."""
    found = [run[work][name]["times"] for name in names if name in run.get(work, {})]
    return min(found, default=None)


def speed(one: Mapping[str, Any]) -> float:
    """Million rows a second."""
    return float(one["rows"] / one["median_s"] / 1e6)


def targets(run: Run) -> Iterator[tuple[str, str, str, bool]]:
    """What was asked of the machine: the work, the target, what was measured, whether it was reached."""
    score = run.get("score_only", {}).get(OURS)
    if score:
        here = f"score only, {score['rows']:,} households"
        yield here, "20 million households/s", f"{speed(score):.1f}", speed(score) >= 20
        for names, least, said in (
            ((BLOCKS,), 10, "numpy in cache-sized blocks"),
            ((*POLARS, DUCKDB, WHOLE), 20, "the best of polars, DuckDB and numpy on whole columns"),
        ):
            if (ratio := times(run, "score_only", names)) is not None:
                yield here, f"{least} times {said}", f"{ratio:.1f} times", ratio >= least
    if "bairin_left" in run.get("tables", {}):
        rate = speed(run["tables"]["bairin_left"])
        yield "the whole Bairin Left table", "10 million/s", f"{rate:.1f}", rate >= 10
    for work, names, asked in (
        ("parquet", (*POLARS, DUCKDB), lambda rows: 5 if rows >= 5_000_000 else 3),
        ("parquet_large", (*POLARS, DUCKDB), lambda rows: 5 if rows >= 5_000_000 else 3),
        ("rank_only", ("polars, sort alone",), lambda rows: 5),
    ):
        if (ratio := times(run, work, names)) is not None:
            rows = next(iter(run[work].values()))["rows"]
            least = asked(rows)
            better = "the better of polars and DuckDB" if work.startswith("parquet") else "polars"
            yield f"{TITLES[work]}, {rows:,} rows", f"{least} times {better}", f"{ratio:.2f} times", ratio >= least
    for given in ("result columns", "counts"):
        peers = times(run, "variants", [f"{name}, {given}" for name in POLARS])
        ours = times(run, "variants", [f"{OURS}, {given}"])
        if peers is not None and ours is not None:
            rows, ratio = run["variants"][f"{OURS}, {given}"]["rows"], peers / ours
            yield f"{TITLES['variants']}, {given}, {rows:,} rows", "20 times polars", f"{ratio:.1f} times", ratio >= 20
    limits = (
        ("one_household", "result and explanation", 1e-3), ("one_household", "one change and a new score", 100e-6),
        ("starts", "hardship --help", 0.3), ("starts", "hardship tables", 0.5),
        ("starts", "hardship score, 100 households", 1.5),
    )  # fmt: skip
    for work, name, most in limits:
        if name in run.get(work, {}):
            seconds = run[work][name]["median_s"]
            yield f"{OTHERS[work]}: {name}", f"at most {clock(most)}", clock(seconds), seconds <= most
    streamed = list(run.get("streamed", {}).values())
    if len(streamed) > 1:
        ratio, peak = streamed[-1]["times"], streamed[-1]["peak_mib"]
        wanted = 1.1 * streamed[-1]["rows"] / streamed[0]["rows"]
        here = f"{streamed[-1]['rows']:,} households in parts"
        yield here, f"{wanted:.0f} times the time of {streamed[0]['rows']:,}", f"{ratio:.1f} times", ratio <= wanted
        yield here, "at most 2,048 MiB", f"{peak:,.0f} MiB", peak <= 2048


def clock(seconds: float) -> str:
    """Seconds in the unit that suits them."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:,.1f} ms" if seconds < 1 else f"{seconds:,.2f} s"


def machine(run: Run) -> str:
    """Where and when it was measured."""
    here, read = run["machine"], run["read_bytes_a_second"]
    return (
        f"{here['threads']} threads ({here['processor']}), Python {here['python']}, {run['day']}. "
        f"Memory is read at {read / 1e9:.1f} GB/s in the same run."
    )


def peers(run: Run) -> Iterator[str]:
    """Polars and DuckDB relative to numpy in blocks of the same run, beside an earlier measurement of such rules."""
    score = run.get("score_only", {})
    found = [name for name in EARLIER if name in score and BLOCKS in score]
    if not found:
        return
    said = []
    for name in found:
        ratio = score[name]["times"] / score[BLOCKS]["times"]
        within = "" if ratio <= SLACK * EARLIER[name] else ", **slower than it may be**"
        said.append(f"{name} {ratio:.2f} ({EARLIER[name]:.2f}{within})")
    yield f"Peers beside the earlier measurement (in brackets; {SLACK:g} times that is allowed), times numpy in blocks:"
    yield f"{', '.join(said)}."


def lines(run: Run) -> Iterator[str]:
    """Everything measured, as Markdown."""
    yield machine(run)
    yield "Medians, engines alternating."
    yield from peers(run)
    read = run["read_bytes_a_second"]
    for name, touched in run.get("touched_bytes", {}).items():
        share = touched * run["tables"][name]["rows"] / run["tables"][name]["median_s"] / read
        yield f"{name} must touch {touched:.0f} bytes a household: the machine uses {share:.0%} of that bandwidth."
    yield from ("", "| work | target | measured | reached |", "|---|---|---:|---|")
    for work, target, found, reached in targets(run):
        yield f"| {work} | {target} | {found} | {'yes' if reached else '**no**'} |"
    peaks = {(one["engine"], one["households"]): one["peak_mib"] for one in run.get("growth", [])}
    for work, title in (TITLES | OTHERS).items():
        if not run.get(work):
            continue
        yield ""
        known = peaks if work == "parquet" else {}
        held = {name: one.get("peak_mib", known.get((name, one["rows"]))) for name, one in run[work].items()}
        some = any(held.values())
        yield f"| {title} | times the first | median | million rows/s | rows |" + (" peak MiB |" if some else "")
        yield "|---|---:|---:|---:|---:|" + ("---:|" if some else "")
        for name, one in run[work].items():
            rate = f"{speed(one):,.3f}" if one["rows"] > 1 else ""
            peak = f"{held[name]:,.0f}" if held[name] else ""
            row = f"| {name} | {one['times']:,.2f} | {clock(one['median_s'])} | {rate} | {one['rows']:,} |"
            yield row + (f" {peak} |" if some else "")


def short(run: Run) -> Iterator[str]:
    """Ratios for the README."""
    works = {work: title for work, title in TITLES.items() if run.get(work)}
    yield from (f"Times `hardship` took, of the same work. {machine(run)}", "")
    yield "| beside hardship | " + " | ".join(works.values()) + " |"
    yield "|---|" + "---:|" * len(works)
    names = list(dict.fromkeys(name for work in works for name in run[work] if not name.startswith(OURS)))
    for name in names:
        cells = [f"{run[work][name]['times']:,.2f} times" if name in run[work] else "" for work in works]
        yield f"| {name} | {' | '.join(cells)} |"


def put(path: Path, text: Sequence[str]) -> None:
    """Replace the marked part of a file.

    Raises:
        SystemExit: the file has no marked part.
    """
    before = path.read_text(encoding="utf-8")
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    if not pattern.search(before):
        raise SystemExit(f"{path.name}: no {BEGIN}")
    body = "\n".join([BEGIN, *text, END])
    path.write_text(pattern.sub(lambda _: body, before), encoding="utf-8")


def chart(run: Run, path: Path) -> None:
    """Seconds and peak memory against households, all axes logarithmic; the same colour for an engine everywhere."""
    import altair as alt

    from hardship.charts import COLOURS, to_png

    whole, scoring = (
        pl.DataFrame(run.get(key, []), schema=ROWS).filter(pl.col("engine") != f"{OURS}, 1 thread")
        for key in ("growth", "growth_scoring")
    )
    streamed = [
        {"engine": PARTS, "households": one["rows"], "seconds": one["median_s"], "peak_mib": one["peak_mib"]}
        for one in run.get("streamed", {}).values()
    ]
    whole = pl.concat([whole, pl.DataFrame(streamed, schema=ROWS)])
    names = pl.concat([whole["engine"], scoring["engine"]]).unique(maintain_order=True).to_list()
    dashes = [[1, 0]] * len(COLOURS) + [[5, 3]] * len(names)
    colours = [COLOURS[place % len(COLOURS)] for place in range(len(names))]
    colour = alt.Color("engine:N", title=None).legend(symbolType="stroke").scale(domain=names, range=colours)
    dash = (
        alt.StrokeDash("engine:N", title=None)
        .legend(symbolType="stroke")
        .scale(domain=names, range=dashes[: len(names)])
    )
    across = alt.X("households:Q", title="households").scale(type="log").axis(format="~s", tickCount=5)

    def panel(rows: pl.DataFrame, name: str, unit: str, title: str) -> alt.Chart:
        up = alt.Y(f"{name}:Q", title=unit).scale(type="log").axis(format="~g")
        base = alt.Chart(rows, title=title).mark_line(point=True).properties(width=300, height=300)
        return base.encode(x=across, y=up, color=colour, strokeDash=dash)

    panels = alt.hconcat(
        panel(whole, "seconds", "seconds", "Parquet to ranked Parquet"),
        panel(whole, "peak_mib", "peak memory, MiB", "Parquet to ranked Parquet"),
        panel(scoring, "seconds", "seconds", "Score only, columns in memory"),
    )
    path.write_bytes(to_png(panels))


def main(arguments: list[str]) -> int:
    """Parse the arguments and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--chart", type=Path, default=ROOT / "docs" / "img" / "growth.png")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs" / "performance.md")
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md")
    options = parser.parse_args(arguments)
    run = json.loads(options.file.read_text(encoding="utf-8"))
    put(options.docs, list(lines(run)))
    put(options.readme, list(short(run)))
    if run.get("growth"):
        chart(run, options.chart)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
