"""How incomes a head are spread, against the lines before and after: one section for town and one for country."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import TYPE_CHECKING

import polars as pl

from hardship.reports.settings import amount
from hardship.reports.shown import Entry, Say, number, section

if TYPE_CHECKING:
    from hardship.reports.lines import Line
    from hardship.reports.story import Story

BINS = 40
ENDS = ("before", "after")
Lines = dict[str, dict[tuple[str, str], "Line"]]


def incomes(story: Story, lang: str, say: Say) -> Iterator[Entry]:
    """The sections; none where the table has no line for incomes, or the lines differ from place to place."""
    for residence in dict.fromkeys(line.residence for lines in story.lines for line in lines):
        lines = {
            end: {line.title: line for line in found if line.residence == residence}
            for end, found in zip(ENDS, story.lines, strict=True)
        }
        areas = {line.area for found in story.lines for line in found if line.residence == residence}
        wanted = pl.col("residence") == residence if residence else pl.lit(True)
        frame = story.frame.filter(wanted)
        if len(areas) == 1:
            yield from _section(frame, lines, residence, story.money(lang), lang, say)


def _section(
    frame: pl.DataFrame, lines: Lines, residence: str | None, currency: str, lang: str, say: Say
) -> Iterator[Entry]:
    from hardship.reports import pictures

    top = ceil(max(line.value for found in lines.values() for line in found.values()) * 3 / 2)
    step = _step(top)
    fen = {end: (frame[f"income_{end}"].drop_nulls() * 100).cast(pl.Int64) for end in ENDS}
    shown = fen["after"] if len(fen["after"]) else fen["before"]
    counts = (shown // (step * 100) * step).rename("low").to_frame().group_by("low").len("households").sort("low")
    drawn = counts.filter(pl.col("low") < top)
    if not drawn.height:
        return
    place = 0 if lang == "zh" else 1
    ends = (say("report.before"), say("report.after"))
    rules = [
        (float(line.value), title[place], say(f"report.{end}"))
        for end, found in lines.items()
        for title, line in found.items()
    ]
    axes = [say("report.income_axis", currency=currency), say("report.households")]
    chart = pictures.svg(pictures.incomes(drawn, step, rules, ends, axes), f"incomes-{residence or 'all'}")
    name = say(f"report.residence_{residence}") if residence else ""
    rows = [
        [
            title[place],
            *(amount(lines[end][title].value) if title in lines[end] else "—" for end in ENDS),
            *(_below(fen[end], lines[end][title]) if title in lines[end] else "—" for end in ENDS),
        ]
        for title in dict.fromkeys((*lines["before"], *lines["after"]))
    ]
    head = [say("report.line"), *ends, *(say("report.pair", what=say("report.below"), end=end) for end in ends)]
    beyond = int(counts.filter(pl.col("low") >= top)["households"].sum())
    low = number(int(drawn["low"].to_list()[-1]) + step)
    texts = [say("report.incomes_beyond", households=number(beyond), low=low)] if beyond else []
    yield section(
        say("report.h_incomes", residence=name).strip(),
        texts,
        chart,
        say("report.alt_incomes", residence=name),
        head,
        rows,
    )


def _below(fen: pl.Series, line: Line) -> str:
    """How many incomes lie below a line: whole fen, so below its next whole fen."""
    return number(int((fen < ceil(line.value * 100)).sum()))


def _step(top: int) -> int:
    """A round width so that at most `BINS` bins reach `top`."""
    power = 1
    while True:
        for digit in (1, 2, 5):
            if digit * power * BINS >= top:
                return digit * power
        power *= 10
