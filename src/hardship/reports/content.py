"""What the report of a movement says, section by section: plain values that the page and the PDF both lay out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from hardship import messages
from hardship.reports.incomes import incomes
from hardship.reports.movement_book import cause_words
from hardship.reports.run_book import groups_shown
from hardship.reports.settings import hash_rows, setting_rows
from hardship.reports.shown import Entry, Say, number, percent, section, signed

if TYPE_CHECKING:
    from hardship.reports.story import Story

MOST_AREAS = 24  # as many as a chart can show on one page
LEVELS = ("village", "township", "county", "city", "province")
ENDS = ("before", "after")
SIXTHS_A_YUAN = 600


def content(story: Story, lang: str) -> Entry:
    """The whole report.

    Returns:
        `lang`, `title`, `subtitle`, `area`, `settings` (label, before, after), `cards` (label, after, before, change,
        unit), `summary`, `sections` (see `section`), `hashes` (label, value), `notes`, and their heads.
    """

    def say(code: str, **params: Any) -> str:
        return messages.text(code, lang, **params)

    run = story.run
    parts = (_movement, _matrix, _budget, _comings, incomes, _causes, _courses, _groups)
    return {
        "lang": lang,
        "title": say("report.movement_title"),
        "subtitle": say("report.between", before=run["before"]["on"], after=run["after"]["on"]),
        "area": story.area_title(story.area),
        "head": [say("report.what"), say("report.before"), say("report.after")],
        "settings": setting_rows(story, lang, say),
        "cards": list(_cards(story, lang, say)),
        "summary": _summary(story, say),
        "sections": [one for part in parts for one in part(story, lang, say)],
        "hashes_title": say("report.sheet_settings"),
        "hashes": hash_rows(story, lang, say),
        "hashes_note": say("report.settings_note"),
        "notes": [say("report.not_a_decision")],
        "made_by": say("report.made_by", engine=run["engine"], sha256=run["movement_sha256"][:16]),
    }


def _cards(story: Story, lang: str, say: Say) -> Iterator[Entry]:
    whole = story.whole()
    for name in ("households", "persons", "month", "year"):
        before, after, change = (whole[f"{name}_{end}"] for end in (*ENDS, "difference"))
        money = name in ("month", "year")
        yield {
            "label": say(f"report.total_{name}"),
            "after": number(after),
            "before": say("report.was", value=number(before)),
            "change": signed(change),
            "unit": story.money(lang) if money else "",
        }


def _summary(story: Story, say: Say) -> str:
    counts = story.counts()
    return say(
        "report.summary",
        all=number(story.frame.height),
        **{kind: number(counts[kind]) for kind in ("entered", "left", "raised", "lowered", "moved", "unscored")},
        exits=number(story.exits.height),
    )


def _used(story: Story, lang: str) -> dict[str, str]:
    """The states that somebody stood or stands in."""
    there = story.matrix.filter(pl.col("households") > 0)
    used = {*there["state_before"], *there["state_after"]}
    return {name: story.state(name, lang) for name in story.states if name in used}


def _short(titles: Mapping[str, str]) -> dict[str, str]:
    from hardship.summary import short_titles

    return short_titles(titles)


def _movement(story: Story, lang: str, say: Say) -> Iterator[Entry]:
    from hardship.reports import pictures

    titles = _short(_used(story, lang))
    found = [(one, other, n) for one, other, n in _counts(story) if n]
    if not found:
        return
    ends = (say("report.before"), say("report.after"))
    chart = pictures.svg(pictures.flows(found, titles, ends, story.outside), "flows")
    moved = sorted((flow for flow in found if flow[0] != flow[1]), key=lambda flow: -flow[2])
    rows = [[titles[one], titles[other], number(n)] for one, other, n in moved]
    told = say("report.alt_flows", moved=number(sum(n for _, _, n in moved)), all=number(story.frame.height))
    head = [*ends, say("report.households")]
    yield section(say("report.h_movement"), [told], chart, told, head, rows, 2)


def _counts(story: Story) -> list[tuple[str, str, int]]:
    return story.matrix.select("state_before", "state_after", "households").rows()


def _matrix(story: Story, lang: str, say: Say) -> Iterator[Entry]:
    from hardship.reports import pictures

    titles = _short(_used(story, lang))
    cells = {(one, other): n for one, other, n in _counts(story)}
    ends = (say("report.before"), say("report.after"))
    found = [(one, other, cells[one, other]) for one in titles for other in titles]
    chart = pictures.svg(pictures.matrix(found, titles, ends, say("report.households")), "matrix")
    persons = {
        (one, other): n for one, other, n in story.matrix.select("state_before", "state_after", "persons").rows()
    }

    def row(name: str, ones: list[str]) -> list[str]:
        sums = [(sum(cells[one, other] for one in ones), sum(persons[one, other] for one in ones)) for other in titles]
        sums.append((sum(n for n, _ in sums), sum(n for _, n in sums)))
        return [name, *(f"{households:,} / {people:,}" for households, people in sums)]

    rows = [row(title, [name]) for name, title in titles.items()] + [row(say("report.sum"), list(titles))]
    head = [say("report.before_down"), *titles.values(), say("report.sum")]
    texts = [say("report.matrix_cells")]
    yield section(say("report.matrix_title"), texts, chart, say("report.alt_matrix"), head, rows)


def _areas(story: Story) -> pl.DataFrame:
    """The rows of `totals` of the finest level that a chart can show, below the area of the story."""
    every = story.totals.filter(pl.col("residence") == "")
    for level in LEVELS:
        rows = every.filter(pl.col("level") == level)
        if 1 < rows.height <= MOST_AREAS and (level != "village" or story.area):
            return rows
    rows = every.filter(pl.col("level") == "township")
    if rows.height > MOST_AREAS:
        change = pl.col("month_difference").abs()
        return rows.sort(change, "area_code", descending=[True, False]).head(MOST_AREAS).sort("area_code")
    return every.head(1)


def _named(story: Story, rows: pl.DataFrame, say: Say) -> list[str]:
    return [story.area_title(code) if code else say("report.level_all") for code in rows["area_code"]]


def _budget(story: Story, lang: str, say: Say) -> Iterator[Entry]:
    from hardship.reports import pictures

    rows = _areas(story)
    names, ends = _named(story, rows, say), (say("report.before"), say("report.after"))
    values = list(zip(names, *(rows[f"month_{end}"].cast(pl.Float64) for end in ENDS), strict=True))
    title = say("report.total_month_unit", currency=story.money(lang))
    chart = pictures.svg(pictures.pairs(values, ends, title), "budget")
    head = [say("report.level_area"), *ends, say("report.difference"), say("report.percent")]
    told = [
        [name, number(before), number(after), signed(change), percent(change, before)]
        for name, before, after, change in zip(
            names, *(rows[f"month_{end}"] for end in (*ENDS, "difference")), strict=True
        )
    ]
    whole = story.whole()
    sums = [whole[f"month_{end}"] for end in (*ENDS, "difference")]
    if rows.height > 1:
        told.append([say("report.level_all"), *map(number, sums[:2]), signed(sums[2]), percent(sums[2], sums[0])])
    cut = story.totals.filter((pl.col("level") == "township") & (pl.col("residence") == "")).height > rows.height
    texts = [say("report.areas_cut", most=MOST_AREAS)] if cut and rows.height == MOST_AREAS else []
    yield section(say("report.h_budget"), texts, chart, say("report.alt_budget"), head, told)


def _comings(story: Story, lang: str, say: Say) -> Iterator[Entry]:
    from hardship.reports import pictures

    rows = _areas(story)
    counted = ("entered", "left", "raised", "lowered")
    if not rows.select(counted[:2]).sum().sum_horizontal().item():
        return
    names, words = _named(story, rows, say), (say("report.kind_entered"), say("report.kind_left"))
    values = list(zip(names, rows["entered"], rows["left"], strict=True))
    chart = pictures.svg(pictures.comings(values, words, say("report.households")), "comings")
    head = [say("report.level_area"), *(say(f"report.kind_{name}") for name in counted)]
    told = [[name, *map(number, cells)] for name, cells in zip(names, rows.select(counted).iter_rows(), strict=True)]
    yield section(say("report.h_comings"), [], chart, say("report.alt_comings"), head, told)


def _causes(story: Story, lang: str, say: Say) -> Iterator[Entry]:
    from hardship.reports import pictures

    known = story.causes.filter(pl.col("households").is_not_null())
    if not known.height:
        return
    differing = known.filter(pl.col("differs").fill_null(False))
    parts = [
        (cause_words(factor, lang), sixths / SIXTHS_A_YUAN)
        for factor, sixths in differing.select("factor", "amount_sixths").rows()
    ]
    chart = pictures.svg(pictures.shares(parts, say("report.cause_amount")), "causes") if len(parts) > 1 else ""
    head = [say("report.cause"), say("report.cause_households"), say("report.cause_amount")]
    rows = [
        [cause_words(factor, lang), number(households), "—" if money is None else signed(money)]
        for factor, households, money in known.select("factor", "households", "amount_month").rows()
    ]
    yield section(say("report.h_causes"), [say("report.causes_note")], chart, say("report.alt_causes"), head, rows)


def _courses(story: Story, lang: str, say: Say) -> Iterator[Entry]:
    """Gradual exits, kept amounts, households that could not be compared."""
    rows = []
    if story.exits.height:
        months = story.exits["months"].unique().sort().to_list()
        span = f"{months[0]}–{months[-1]}" if len(months) > 1 else str(months[0])
        rows.append([say("report.list_exit"), number(story.exits.height),
                     say("report.exit_told", months=span, month=number(story.whole()["exit_month"] or Decimal(0)),
                         total=number(story.exits["total"].sum()))])  # fmt: skip
    for held, count in story.frame.filter(pl.col("held") != "").group_by("held").len().sort("held").rows():
        rows.append([say("report.list_held"), number(count), say(f"report.held_{held}")])
    counts = story.counts()
    for kind in ("unscored", "arrived", "departed"):
        if counts[kind]:
            rows.append([say(f"report.kind_{kind}"), number(counts[kind]), say(f"report.told_{kind}")])
    if rows:
        head = [say("report.what"), say("report.households"), say("report.told")]
        yield section(say("report.h_courses"), [], "", "", head, rows)


def _groups(story: Story, lang: str, say: Say) -> Iterator[Entry]:
    """The group report of the side after."""
    if story.groups.height:
        short = _short({name: both[0 if lang == "zh" else 1] for name, both in story.circles.items()})
        columns, rows = groups_shown(story.groups, short, lang, say)
        head = [column.title for column in columns]
        told = [list(row) for row in rows.iter_rows()]
        yield section(say("report.h_groups"), [say("report.groups_note")], "", "", head, told, 2)
