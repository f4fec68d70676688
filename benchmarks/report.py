"""`python benchmarks/report.py FILE [--chart docs/img/growth.png]`: tables and chart of the docs from a saved run.

FILE is what `python3 dev.py bench --json FILE` has written. The parts of docs/performance.md and README.md between
`<!-- bench: … -->` and `<!-- end of bench -->` are replaced; nothing else is touched. Ratios stand first.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

BEGIN, END = "<!-- bench: written by benchmarks/report.py -->", "<!-- end of bench -->"
TITLES = {
    "score_only": "Score only, columns in memory",
    "parquet": "Parquet to ranked Parquet",
    "rank_only": "Ranking alone",
}


def lines(run: dict[str, Any]) -> Iterator[str]:
    """Everything measured, as Markdown."""
    machine, households = run["machine"], run["rows"]["household"]
    others = ", ".join(f"{run['rows'][level]:,} {level}s" for level in ("member", "supporter", "transfer"))
    speed = f"{run['read_bytes_a_second'] / 1e9:.1f} GB/s"
    yield f"{machine['threads']} threads ({machine['processor']}), Python {machine['python']}, {run['day']}."
    yield f"Memory is read at {speed} in the same run. {households:,} households, {others}."
    yield "Medians, engines alternating."
    for key, title in TITLES.items():
        if not run[key]:
            continue
        rows = run["rank_rows"] if key == "rank_only" else households
        peaks = run["peak_mib"] if key == "parquet" else {}
        yield ""
        yield f"| {title}, {rows:,} rows | times the first | ms | million rows/s |" + (" peak MiB |" if peaks else "")
        yield "|---|---:|---:|---:|" + ("---:|" if peaks else "")
        for name, one in run[key].items():
            cells = [
                f"{one['times_slower']:.2f}",
                f"{one['median_s'] * 1000:,.0f}",
                f"{rows / one['median_s'] / 1e6:.2f}",
            ]
            yield f"| {name} | {' | '.join(cells)} |" + (f" {peaks[name]:,.0f} |" if peaks else "")


def short(run: dict[str, Any]) -> Iterator[str]:
    """Ratios for the README."""
    yield "| beside hardship | " + " | ".join(TITLES.values()) + " |"
    yield "|---|" + "---:|" * len(TITLES)
    names = list(dict.fromkeys(name for key in TITLES for name in run[key] if not name.startswith("hardship")))
    for name in names:
        cells = [f"{run[key][name]['times_slower']:.2f} times" if name in run[key] else "" for key in TITLES]
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


def chart(growth: list[dict[str, Any]], path: Path) -> None:
    """Seconds and peak memory against households, both axes logarithmic."""
    import altair as alt
    import polars as pl

    from hardship.charts import COLOURS, to_png

    rows = pl.DataFrame(growth)
    names = rows["engine"].unique(maintain_order=True).to_list()
    base = alt.Chart(rows).mark_line(point=True).properties(width=380, height=300)
    colour = alt.Color("engine:N", title=None).scale(domain=names, range=list(COLOURS[: len(names)]))
    across = alt.X("households:Q", title="households").scale(type="log").axis(format="~s", tickCount=5)

    def panel(name: str, title: str) -> alt.Chart:
        return base.encode(x=across, y=alt.Y(f"{name}:Q", title=title).scale(type="log"), color=colour)

    both = alt.hconcat(panel("seconds", "seconds"), panel("peak_mib", "peak memory, MiB"))
    path.write_bytes(to_png(both.properties(title="Parquet to ranked Parquet")))


def main() -> int:
    """Parse the arguments and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--chart", type=Path, default=ROOT / "docs" / "img" / "growth.png")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs" / "performance.md")
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md")
    options = parser.parse_args()
    run = json.loads(options.file.read_text(encoding="utf-8"))
    put(options.docs, list(lines(run)))
    put(options.readme, list(short(run)))
    if run["growth"]:
        chart(run["growth"], options.chart)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
