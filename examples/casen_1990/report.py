"""CASEN 1990: compare a scored register with the official class, and draw the deciles.

    python examples/casen_1990/report.py DATA/casen_1990/persons.parquet OUT

`OUT` is the folder that `hardship score … --out OUT` wrote. The figures go into docs/casen.md between its two
markers, the chart to docs/img/casen_deciles.svg and .png.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "casen.md"
IMAGES = ROOT / "docs" / "img"
BEGIN, END = "<!-- figures: written by examples/casen_1990/report.py -->\n", "<!-- end of figures -->\n"
CLASSES = ("indigente", "pobre", "no_pobre")
TITLES = {"indigente": "Indigent 赤贫", "pobre": "Poor 贫困", "no_pobre": "Not poor 非贫困"}
COLOURS = ("#8c2d04", "#f0a35e", "#d9e2ec")


@dataclass(frozen=True)
class Comparison:
    """Scored households beside the survey's own class.

    Attributes:
        households: one row a household: `household_id, circle, index, position, official, persons, weight`.
        persons, unclassified: rows of the survey, and those without an official class.
        differences: persons with an official class that is not their household's circle.
        lost: persons whose household is not among the results.
    """

    households: pl.DataFrame
    persons: int
    unclassified: int
    differences: int
    lost: int


def compare(persons: pl.DataFrame, results: pl.DataFrame) -> Comparison:
    """Join the results with the survey's persons (its columns r p c z f corte expr) by household."""
    survey = persons.select(
        pl.format("{}-{}-{}-{}-{}", "r", "p", "c", "z", "f").alias("household_id"),
        pl.col("corte").replace_strict({1: "indigente", 2: "pobre", 3: "no_pobre"}).alias("official"),
        pl.col("expr").alias("weight"),
    )
    joined = survey.join(results.select("household_id", "circle", "index", "position"), on="household_id", how="left")
    known = joined.filter(pl.col("official").is_not_null())
    households = known.group_by("household_id").agg(
        pl.first("circle", "index", "position", "official"),
        persons=pl.len(),
        weight=pl.sum("weight"),
    )
    return Comparison(
        households.sort("position"),
        persons.height,
        persons.height - known.height,
        known.filter(pl.col("circle").ne_missing(pl.col("official"))).height,
        joined.filter(pl.col("circle").is_null()).height,
    )


def deciles(households: pl.DataFrame) -> pl.DataFrame:
    """Share of each class in each tenth of the ranking: `decile` (1 = hardest), `circle`, `share`."""
    tenths = households.with_columns(decile=(pl.col("position") - 1) * 10 // households.height + 1)
    counted = tenths.group_by("decile", "circle").agg(households=pl.len())
    every = tenths.select("decile").unique().join(pl.DataFrame({"circle": CLASSES}), how="cross")
    return (
        every.join(counted, on=["decile", "circle"], how="left")
        .with_columns(pl.col("households").fill_null(0))
        .with_columns(share=pl.col("households") / pl.col("households").sum().over("decile"))
        .sort("decile", "circle")
    )


def poverty_rate(households: pl.DataFrame) -> float:
    """Weighted share of persons in indigent or poor households, in percent."""
    poor = households.filter(pl.col("circle") != "no_pobre")
    return 100 * int(poor["weight"].sum()) / int(households["weight"].sum())


def figures(found: Comparison) -> str:
    """The figures as Markdown: agreement, counts, and the share of each class by decile."""
    households = found.households
    lines = [
        f"- rows of the survey: {found.persons:,}; in no household's count: {found.unclassified:,};"
        f" compared: {found.persons - found.unclassified:,}",
        f"- persons whose circle differs from the official class: {found.differences}; rows lost: {found.lost}",
        f"- persons in poverty, weighted: {poverty_rate(households):.2f} %",
        "",
        "| class | households | mean index |",
        "|---|---:|---:|",
    ]
    for name in CLASSES:
        part = households.filter(pl.col("circle") == name)
        mean = int(part["index"].sum()) / part.height
        lines.append(f"| `{name}` | {part.height:,} | {mean:.1f} |")
    lines += [
        "",
        "| tenth of the ranking | " + " | ".join(f"`{name}`" for name in CLASSES) + " |",
        "|---|---:|---:|---:|",
    ]
    shares = {(row["decile"], row["circle"]): row["share"] for row in deciles(households).to_dicts()}
    for decile in range(1, 11):
        note = " (hardest)" if decile == 1 else ""
        cells = " | ".join(f"{100 * shares[decile, name]:.1f} %" for name in CLASSES)
        lines.append(f"| {decile}{note} | {cells} |")
    return "\n".join(lines) + "\n"


def chart(shares: pl.DataFrame) -> Any:
    """Stacked bars: the share of each class by tenth of the ranking."""
    import altair as alt
    import pylopdf_fonts_zh_cn
    import vl_convert

    # Without a font of its own the converter leaves out all text, and says nothing.
    vl_convert.register_font_directory(str(Path(pylopdf_fonts_zh_cn.sans_path()).parent))
    rows = shares.with_columns(
        pl.col("circle").replace_strict(TITLES).alias("class"),
        pl.col("circle").replace_strict({name: i for i, name in enumerate(CLASSES)}).alias("order"),
    ).to_dicts()
    return (
        alt.Chart({"values": rows}, width=560, height=300)
        .mark_bar(stroke="white", strokeWidth=0.5)
        .encode(
            x=alt.X(
                "decile:O",
                title="Tenth of the ranking, 1 = hardest  按指数排序的十分位（1为最困难）",
                axis=alt.Axis(labelAngle=0),
            ),
            y=alt.Y(
                "share:Q",
                title="Share of households  家庭占比",
                axis=alt.Axis(format="%"),
                scale=alt.Scale(domain=[0, 1]),
            ),
            color=alt.Color(
                "class:N",
                title="Official class 官方分类",
                scale=alt.Scale(domain=list(TITLES.values()), range=list(COLOURS)),
            ),
            order=alt.Order("order:Q"),
        )
        .properties(
            title=alt.TitleParams(
                "CASEN 1990: official poverty class by tenth of the index",
                subtitle="官方贫困分类在生活条件指数各十分位中的占比",
                anchor="start",
            )
        )
        .configure(font="Noto Sans SC", background="white")
        .configure_axis(labelFontSize=12, titleFontSize=12, titleFontWeight="normal", titlePadding=10)
        .configure_title(fontSize=15, fontWeight="normal", subtitleFontSize=12, offset=12)
        .configure_legend(labelFontSize=12, titleFontSize=12, titleFontWeight="normal")
    )


def write_page(text: str) -> None:
    """Put the figures between the page's markers."""
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(before + BEGIN + "\n" + text + "\n" + END + after, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("persons", type=Path)
    parser.add_argument("out", type=Path, help="folder written by `hardship score`")
    given = parser.parse_args()
    results = pl.read_parquet(given.out / "results.parquet")
    found = compare(pl.read_parquet(given.persons, columns=["r", "p", "c", "z", "f", "corte", "expr"]), results)
    text = figures(found)
    print(text)
    write_page(text)
    IMAGES.mkdir(exist_ok=True)
    drawn = chart(deciles(found.households))
    drawn.save(IMAGES / "casen_deciles.svg")
    drawn.save(IMAGES / "casen_deciles.png", scale_factor=1.5)


if __name__ == "__main__":
    main()
