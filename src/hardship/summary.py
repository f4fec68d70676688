"""What a run found, on one screen: outcomes, circles by area, budget, the ten hardest, rejects, time."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from hardship import messages
from hardship.columns import WIDE, Array
from hardship.rank import AREA_LEVELS

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.register import Register
    from hardship.results import Results
    from hardship.sheet import Column, Sheet

AREAS_SHOWN = 16
HARDEST = 10
COMPILED = 1.0  # seconds; less is no compilation but the self-test


@dataclass(frozen=True)
class Seen:
    """What the screen shows of the results of a run, or of a part of it.

    Attributes:
        outcomes: households by outcome.
        codes: rejected rows by code.
        cells: see `area_cells`.
        hardest: the first households of the order.
    """

    outcomes: dict[str, int]
    codes: dict[str, int]
    cells: pl.DataFrame
    hardest: pl.DataFrame


def seen(results: Results, register: Register) -> Seen:
    """What the screen shows of results."""
    return Seen(
        outcomes_of(results.sheet), codes_of(results.rejects), area_cells(results.sheet, register),
        hardest_of(results.sheet),
    )  # fmt: skip


def doubtful(columns: Iterable[Mapping[str, Any]], checked: Checked, lang: str) -> Iterator[str]:
    """A line for each column whose amounts may be in a wrong unit (`columns` of `run.json`)."""
    for column in columns:
        name = f"{checked.names.attributes[column['attribute']].title.text(lang)} ({column['attribute']})"
        fits = ", ".join(column["fits"]) or "-"
        yield messages.text("common.sum_column", lang, **{**column, "name": name, "fits": fits})


def render(shown: Seen, run: Mapping[str, Any], checked: Checked, out: Path, lang: str) -> str:
    """The summary as text in one language.

    Args:
        shown: of the results.
        run: the content of `run.json`.
        out: where the files lie.
    """

    def say(code: str, **params: Any) -> str:
        return messages.text(code, lang, **params)

    table, counts = checked.table, run["counts"]
    titles = circle_titles(checked, lang)
    lines = [
        say(
            "common.sum_head",
            title=table.table.title.text(lang),
            id=table.table.id,
            version=table.table.version.isoformat(),
            on=run["on"],
        ),
        say(
            "common.sum_read",
            register=run["register"]["name"],
            **{name: f"{counts[name]['in']:,}" for name in ("households", "members", "supporters")},
        ),
        say(
            "common.sum_scored",
            scored=f"{counts['households']['scored']:,}",
            rejected=f"{counts['households']['rejected']:,}",
            incomplete=f"{counts['incomplete']:,}",
        ),
    ]
    if shown.codes:
        codes = sorted(shown.codes.items(), key=lambda one: (-one[1], one[0]))
        listed = ", ".join(f"{code} {n:,}" for code, n in codes)
        lines.append(say("common.sum_rejects", counts=listed))
    lines += doubtful(run["columns"], checked, lang)
    if "overrides" in run:
        lines.append(say("common.sum_overrides", **run["overrides"]))
    outcomes, cells, hardest = shown.outcomes, shown.cells, shown.hardest
    lines.append(
        say(
            "common.sum_outcomes",
            counts=", ".join(f"{say(OUTCOMES[name])} {outcomes[name]:,}" for name in OUTCOMES if name in outcomes),
        )
    )
    if cells.height:
        short = short_titles(titles)
        lines += ["", say("common.sum_by_area"), *area_table(cells, short, say)]
        lines += [f"  {short[name]} = {title}" for name, title in titles.items() if short[name] != title]
        if hardest.height:
            lines += ["", say("common.sum_hardest"), *hardest_table(hardest, short, say)]
        lines += [
            "",
            say("common.sum_budget", money=f"{cells['benefit_month'].sum() or 0:,.2f}", currency=table.table.currency),
        ]
    lines.append(
        say(
            "common.sum_time",
            stages=", ".join(
                f"{say(STAGES[name])} {seconds:.2f} s"
                for name, seconds in run["timings"].items()
                if name != "compile" or seconds >= COMPILED
            ),
        )
    )
    lines.append(say("common.sum_files", out=out))
    return "\n".join(lines) + "\n"


OUTCOMES = {
    "meets": "common.meets",
    "needs_review": "common.needs_review",
    "does_not_meet": "common.does_not_meet",
    "incomplete": "common.incomplete",
}
STAGES = {
    "read": "common.stage_read",
    "compile": "common.stage_compile",
    "score": "common.stage_score",
    "rank": "parts.rank",
    "write": "common.stage_write",
}


def short_titles(titles: Mapping[str, str]) -> dict[str, str]:
    """Titles cut at their first colon, comma or bracket, for the heads of columns; ids where that is ambiguous."""
    cut = {name: re.split("[：:，,（(]", title)[0].strip() for name, title in titles.items()}
    return cut if len(set(cut.values())) == len(cut) else {name: name for name in titles}


def circle_titles(checked: Checked, lang: str) -> dict[str, str]:
    """Circle id → title, in ladder order, `otherwise` last."""
    circle = next((ladder for ladder in checked.table.ladder if ladder.id == "circle"), None)
    if circle is None:
        return {}
    titles = {rung.id: rung.title.text(lang) for rung in circle.rung}
    return titles | {circle.otherwise.id: circle.otherwise.title.text(lang)}


def outcomes_of(sheet: Sheet) -> dict[str, int]:
    """Households by outcome, of those that occur."""
    names, places, _ = sheet.columns["outcome"].coded()
    return {name: n for name, n in zip(names, np.bincount(places, minlength=len(names)).tolist(), strict=True) if n}


def codes_of(rejects: pl.DataFrame) -> dict[str, int]:
    """Rejected rows by code."""
    return dict(rejects.group_by("code").len().iter_rows())


def area_cells(sheet: Sheet, register: Register) -> pl.DataFrame:
    """Each area code and circle that occur together: `households`, `persons` (members), `benefit_month`."""
    household = register.frames["household"]
    sizes = np.bincount(register.frames["member"]["household"].to_numpy(), minlength=household.height)
    if sheet.height < household.height:
        ids = sheet.columns["household_id"].series()
        sizes = sizes[household["household_id"].is_in(ids.implode()).to_numpy()]
    (areas, area), (circles, circle) = (_with_null(sheet.columns[name]) for name in ("area_code", "circle"))
    cell = area * len(circles) + circle
    households = np.bincount(cell, minlength=len(areas) * len(circles))
    persons = np.zeros(len(households), dtype=np.int64)
    np.add.at(persons, cell, sizes)
    money = sheet.columns["benefit_month"].filled()
    sums = np.zeros(len(households), dtype=money.dtype)
    np.add.at(sums, cell, money)
    occur = np.flatnonzero(households)
    return pl.DataFrame(
        {
            "area_code": pl.Series([areas[place // len(circles)] for place in occur], dtype=pl.String),
            "circle": pl.Series([circles[place % len(circles)] for place in occur], dtype=pl.String),
            "households": households[occur],
            "persons": persons[occur],
            "benefit_month": pl.Series(
                [Decimal(int(fen)).scaleb(-2) for fen in sums[occur]], dtype=pl.Decimal(WIDE, 2)
            ),
        }
    )


def _with_null(column: Column) -> tuple[list[str | None], Array]:
    """The texts of a column and None, and each row's place among them."""
    texts, places, known = column.coded()
    places = places.astype(np.int64)
    return [*texts, None], places if known is None else np.where(known, places, len(texts))


def hardest_of(sheet: Sheet) -> pl.DataFrame:
    """The first households of the order, hardest first."""
    position = sheet.columns["position"]
    first = position.filled() <= HARDEST
    chosen = first if position.valid is None else first & position.valid
    return sheet.taken(chosen).frame.sort("position")


def area_table(cells: pl.DataFrame, titles: Mapping[str, str], say: Any) -> list[str]:
    """Households / persons by area (rows) and circle (columns), and the budget of each area."""
    length = next(
        (
            n
            for n in sorted(AREA_LEVELS.values(), reverse=True)
            if cells["area_code"].str.slice(0, n).n_unique() <= AREAS_SHOWN
        ),
        2,
    )
    areas = cells.with_columns(area=pl.col("area_code").str.slice(0, length).fill_null("-"))
    circles = [*titles, None] if areas["circle"].null_count() else list(titles)
    found = areas.group_by("area", "circle").agg(pl.col("households", "persons", "benefit_month").sum())
    sums_of = {
        (area, circle): (households, persons, money or 0)
        for area, circle, households, persons, money in found.iter_rows()
    }
    names = sorted(areas["area"].unique())
    head = [
        say("common.area"),
        *(titles[c] if c else say("common.no_circle") for c in circles),
        say("common.all"),
        say("common.budget"),
    ]

    def row(title: str, chosen: Sequence[str]) -> list[str]:
        sums = {
            c: [sum(parts) for parts in zip(*(sums_of.get((a, c), (0, 0, 0)) for a in chosen), strict=True)]
            for c in circles
        }
        total = [sum(parts) for parts in zip(*sums.values(), strict=True)] if sums else [0, 0, 0]
        counts = [f"{sums[c][0]:,} / {sums[c][1]:,}" for c in circles]
        return [title, *counts, f"{total[0]:,} / {total[1]:,}", f"{total[2]:,.2f}"]

    rows = [row(name, [name]) for name in names]
    return grid([head, *rows, row(say("common.all"), names)])


def hardest_table(hardest: pl.DataFrame, titles: Mapping[str, str], say: Any) -> list[str]:
    """The first households of the order."""
    shown = {
        "position": say("common.position"),
        "household_id": say("common.household"),
        "area_code": say("common.area"),
        "circle": say("common.circle"),
        "index": say("common.index"),
        "income_per_head": say("common.income_per_head"),
        "benefit_month": say("common.benefit_month"),
    }
    named = hardest.select(list(shown)).with_columns(pl.col("circle").replace(dict(titles)))
    rows = [["" if value is None else str(value) for value in row] for row in named.iter_rows()]
    return grid([list(shown.values()), *rows])


def grid(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows aligned in columns, the first to the left; a Chinese character is two wide."""
    widths = [max(wide(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  " + "  ".join(_padded(cells, widths)).rstrip() for cells in rows]


def _padded(cells: Sequence[str], widths: Sequence[int]) -> Iterable[str]:
    for place, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        space = " " * (width - wide(cell))
        yield cell + space if place == 0 else space + cell


def wide(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
