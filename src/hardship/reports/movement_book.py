"""The office's workbook of a movement: a summary, the matrix, areas, and one list for each thing that happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from hardship import messages
from hardship.reports import book
from hardship.reports.book import Book, Column, Sheet
from hardship.reports.run_book import groups_sheet
from hardship.reports.settings import hash_rows, setting_rows
from hardship.reports.story import Story

Say = Callable[..., str]
SIXTHS = 6
FACTORS = ("standard", "table", "data")
MONEY = pl.Decimal(18, 2)
LISTS = ("entered", "left", "changed", "exit", "held", "moved_house", "unscored")
"""The sheets that list households."""


def write(story: Story, path: Path, lang: str) -> list[Path]:
    """Write the workbook; the files written.

    A list longer than a sheet goes on in a second workbook beside the first (`movement_2.xlsx`), and so on.

    Raises:
        OSError: a file cannot be written; xlsxwriter's own errors of a full disk among them.
    """

    def say(code: str, **params: Any) -> str:
        return messages.text(code, lang, **params)

    lists = {name: _list(name, story, lang, say) for name in LISTS}
    count = max(book.pages(frame.height) for _, frame in lists.values())
    paths = [path if part == 0 else path.with_stem(f"{path.stem}_{part + 1}") for part in range(count)]
    for part, place in enumerate(paths):
        made = Book(_footer(story, say), say("report.page"))
        if part == 0:
            _summary(made, story, lang, say)
            _matrix(made, story, lang, say)
            _areas(made, story, lang, say)
        for name, (columns, frame) in lists.items():
            if part < book.pages(frame.height):
                notes = [say(f"report.list_{name}_note")]
                if not frame.height:
                    notes.append(say("report.list_none"))
                if frame.height > book.MOST_ROWS:
                    notes.append(say("report.list_part", part=part + 1, parts=book.pages(frame.height), name=path.stem))
                sheet = made.sheet(say(f"report.list_{name}"), _titled(say(f"report.list_{name}"), story), notes)
                sheet.frame(columns, frame.slice(part * book.MOST_ROWS, book.MOST_ROWS))
        if part == 0 and story.groups.height:
            titles = {name: both[0 if lang == "zh" else 1] for name, both in story.circles.items()}
            groups_sheet(made, say("report.h_groups"), story.groups, titles, lang, say)
        if part == 0:
            _settings(made, story, lang, say)
        made.save(place)
    return paths


def _footer(story: Story, say: Say) -> str:
    return say("report.footer", sha256=story.run["movement_sha256"][:16], engine=story.run["engine"])


def _titled(title: str, story: Story) -> str:
    return f"{title} {story.area_title(story.area)}".strip()


def _summary(made: Book, story: Story, lang: str, say: Say) -> None:
    run, whole, counts = story.run, story.whole(), story.counts()
    notes = [say("report.between", before=run["before"]["on"], after=run["after"]["on"]), say("report.not_a_decision")]
    sheet = made.sheet(say("report.sheet_summary"), _titled(say("report.movement_title"), story), notes, one_page=True)
    heads = [
        Column("what", say("report.what"), "text", 34),
        *(Column(name, say(f"report.{name}"), "text", 22) for name in ("before", "after")),
    ]
    sheet.table(heads, setting_rows(story, lang, say), height=0)
    sheet.gap()
    for kind, names in (("count", ("households", "persons")), ("money", ("month", "year"))):
        change: book.Kind = "signed" if kind == "count" else "change"
        columns = [
            Column(
                "what", say("report.figures") if kind == "count" else say("report.budget", currency=story.money(lang))
            ),
            Column("before", say("report.before"), "count" if kind == "count" else "money"),
            Column("after", say("report.after"), "count" if kind == "count" else "money"),
            Column("difference", say("report.difference"), change, 18),
        ]
        rows = [
            [say(f"report.total_{name}"), *(whole[f"{name}_{end}"] for end in ("before", "after", "difference"))]
            for name in names
        ]
        sheet.table(columns, rows, height=len(rows))
        sheet.gap()
    happened = [Column("what", say("report.happened")), Column("n", say("report.households"), "count")]
    rows = [[say(f"report.kind_{kind}"), number] for kind, number in counts.items()]
    rows += [
        [say("report.in_exit"), story.exits.height],
        [say("report.kept"), int((story.frame["held"] != "").sum())],
        [say("report.all_households"), story.frame.height],
    ]
    sheet.table(happened, rows, height=len(rows))
    if story.causes.height:
        sheet.gap()
        columns = [
            Column("factor", say("report.cause")),
            Column("n", say("report.cause_households"), "count"),
            Column("amount", say("report.cause_amount"), "change"),
        ]
        causes = story.causes.select("factor", "households", "amount_month").rows()
        told = [[cause_words(name, lang), households, amount] for name, households, amount in causes]
        sheet.table(columns, told, height=len(told))


def cause_words(name: str, lang: str) -> str:
    """A cause in words; `standard+table` as both."""
    joint = messages.text("report.and", lang)
    return joint.join(messages.text(f"report.cause_{part}", lang) for part in name.split("+")) if name else ""


def _matrix(made: Book, story: Story, lang: str, say: Say) -> None:
    title = _titled(say("report.matrix_title"), story)
    sheet = made.sheet(say("report.sheet_matrix"), title, [say("report.matrix_note")], one_page=True)
    names = list(story.states)
    cells = {(one, other): values for one, other, *values in story.matrix.iter_rows()}
    parts: tuple[tuple[str, int, book.Kind], ...] = (
        ("households", 0, "count"),
        ("persons", 1, "count"),
        ("amount_before", 2, "money"),
        ("amount_after", 3, "money"),
    )
    for part, place, kind in parts:
        sheet.gap()
        sheet.line(say(f"report.matrix_{part}"), "title")
        columns = [
            Column("state", say("report.before_down"), "text", 34),
            *(Column(name, story.state(name, lang), kind, 16) for name in names),
            Column("all", say("report.sum"), kind, 16),
        ]
        rows = [[story.state(one, lang), *_summed([cells[one, other][place] for other in names])] for one in names]
        rows.append([say("report.sum"), *_summed([sum(cells[one, other][place] for one in names) for other in names])])
        sheet.table(columns, rows, height=len(rows))


def _summed(values: list[Any]) -> list[Any]:
    return [*values, sum(values, Decimal(0) if values and isinstance(values[0], Decimal) else 0)]


def _areas(made: Book, story: Story, lang: str, say: Say) -> None:
    ends = ("before", "after", "difference")
    columns = [
        Column("level", say("report.level"), "text", 10),
        Column("area_code", say("report.area_code"), "text", 15),
        Column("area_name", say("report.area_name"), "text", 14),
        Column("residence", say("report.residence"), "text", 10),
    ]
    for name in ("households", "persons", "month", "year"):
        for end in ends:
            money = name in ("month", "year")
            kind: book.Kind = "money" if money else "count"
            if end == "difference":
                kind = "change" if money else "signed"
            title = say("report.pair", what=say(f"report.total_{name}"), end=say(f"report.{end}"))
            columns.append(Column(f"{name}_{end}", title, kind, 16 if money else 11))
    counted = story.totals.columns[story.totals.columns.index("exit_month") + 1 :]
    columns.append(Column("exit_month", say("report.exit_month"), "money", 14))
    columns += [Column(name, say(f"report.count_{name}"), "count", 10) for name in counted]
    frame = story.totals.with_columns(
        _replaced("level", {name: say(f"report.level_{name}") for name in story.totals["level"].unique()}),
        pl.col("area_code").replace_strict(story.areas, default="", return_dtype=pl.String).alias("area_name"),
        _residence(say, every=say("report.sum")),
    )
    title = say("report.sheet_areas")
    made.sheet(title, _titled(title, story), [say("report.areas_note", currency=story.money(lang))]).frame(
        columns, frame, keys=2
    )


def _replaced(name: str, words: dict[str, str]) -> pl.Expr:
    return pl.col(name).replace_strict(words, default="", return_dtype=pl.String)


def _residence(say: Say, every: str) -> pl.Expr:
    names = ("urban", "rural", "unknown")
    return _replaced("residence", {"": every, **{name: say(f"report.residence_{name}") for name in names}})


def _settings(made: Book, story: Story, lang: str, say: Say) -> None:
    sheet: Sheet = made.sheet(say("report.sheet_settings"), say("report.sheet_settings"), [say("report.settings_note")])
    columns = [Column("what", say("report.what"), "text", 34), Column("value", say("report.value"), "text", 90)]
    rows = hash_rows(story, lang, say)
    sheet.table(columns, rows, height=len(rows), main=True)


# --- the lists ---


def _list(name: str, story: Story, lang: str, say: Say) -> tuple[list[Column], pl.DataFrame]:
    """The columns and rows of one list of households."""
    chosen = {
        "entered": pl.col("kind") == "entered",
        "left": pl.col("kind") == "left",
        "changed": pl.col("kind").is_in(["raised", "lowered", "moved"]),
        "exit": pl.lit(True),
        "held": pl.col("held") != "",
        "moved_house": pl.col("kind").is_in(["arrived", "departed"]),
        "unscored": pl.col("kind") == "unscored",
    }[name]
    if name == "exit":
        return _exit_columns(say, story), _worded(story.exits, story, lang, say)
    frame = _worded(story.frame.filter(chosen), story, lang, say).with_columns(
        change=(pl.col("amount_after").fill_null(0) - pl.col("amount_before").fill_null(0)).cast(MONEY),
        kind=_replaced("kind", {kind: say(f"report.kind_{kind}") for kind in story.frame["kind"].unique()}),
        held=_replaced("held", {"": "", **{held: say(f"report.held_{held}") for held in ("review", "transition")}}),
        cause=_replaced("cause", {one: cause_words(one, lang) for one in story.frame["cause"].unique()}),
        **{f"part_{factor}": _yuan(f"amount_by_{factor}") for factor in FACTORS},
    )
    shown = {
        "entered": ("position_after", "review_on"),
        "left": ("vetoes", "exit_months", "exit_amount", "exit_until"),
        "changed": ("kind", "parts", "rank_change", "held", "review_on"),
        "held": ("held", "review_on"),
        "moved_house": ("kind",),
        "unscored": ("reasons",),
    }[name]
    columns = [column for column in _columns(story, say) if column.name in BASE or column.name in _names(shown)]
    return columns, frame


BASE = frozenset(
    {
        *("household_id", "area_code", "area_name", "residence", "state_before", "state_after", "cause"),
        *("persons_after", "income_before", "income_after", "index_before", "index_after"),
        *("amount_before", "amount_after", "change"),
    }
)
GROUPS = {
    "parts": tuple(f"part_{factor}" for factor in FACTORS),
    "reasons": ("reason_before", "reason_after"),
    "vetoes": ("reason_after",),
}


def _names(shown: Sequence[str]) -> set[str]:
    return {name for one in shown for name in GROUPS.get(one, (one,))}


def _columns(story: Story, say: Say) -> list[Column]:
    """Every column that a list of households may have, in their order."""

    def pair(name: str, kind: book.Kind, width: float) -> Iterator[Column]:
        for end in ("before", "after"):
            title = say("report.pair", what=say(f"report.c_{name}"), end=say(f"report.{end}"))
            yield Column(f"{name}_{end}", title, kind, width)

    return [
        Column("household_id", say("report.c_household_id"), "text", 16),
        Column("area_code", say("report.area_code"), "text", 15),
        Column("area_name", say("report.area_name"), "text", 14),
        Column("residence", say("report.residence"), "text", 8),
        Column("kind", say("report.c_kind"), "text", 12),
        *pair("state", "text", 20),
        Column("cause", say("report.cause"), "text", 16),
        *pair("reason", "long", 24),
        Column("persons_after", say("report.c_persons"), "count", 8),
        *pair("income", "money", 12),
        *pair("index", "points", 9),
        *pair("amount", "money", 13),
        Column("change", say("report.c_change"), "change", 13),
        *(Column(f"part_{factor}", say(f"report.part_{factor}"), "change", 13) for factor in FACTORS),
        Column("position_after", say("report.c_position"), "count", 9),
        Column("rank_change", say("report.c_rank_change"), "signed", 9),
        Column("held", say("report.c_held"), "text", 14),
        Column("review_on", say("report.c_review_on"), "date", 12),
        Column("exit_months", say("report.c_exit_months"), "count", 9),
        Column("exit_amount", say("report.c_exit_amount"), "money", 13),
        Column("exit_until", say("report.c_exit_until"), "date", 12),
    ]


def _exit_columns(say: Say, story: Story) -> list[Column]:
    kinds: dict[str, tuple[book.Kind, float]] = {
        "household_id": ("text", 16),
        "area_code": ("text", 15),
        "area_name": ("text", 14),
        "residence": ("text", 8),
        "state_before": ("text", 22),
        "state_after": ("text", 22),
        "amount_before": ("money", 14),
        "months": ("count", 9),
        "amount": ("money", 14),
        "first": ("date", 12),
        "until": ("date", 12),
        "total": ("money", 15),
    }
    return [Column(name, say(f"report.x_{name}"), *look) for name, look in kinds.items()]


def _worded(frame: pl.DataFrame, story: Story, lang: str, say: Say) -> pl.DataFrame:
    """Codes as words: states, residence, and the name of the village or else the township."""
    states = {name: story.state(name, lang) for name in story.states}
    code = pl.col("area_code")
    named = code.replace_strict(story.areas, default=None, return_dtype=pl.String)
    above = code.str.slice(0, 9).replace_strict(story.areas, default="", return_dtype=pl.String)
    return frame.with_columns(
        *(_replaced(f"state_{end}", states).alias(f"state_{end}") for end in ("before", "after")),
        _residence(say, every=""),
        area_name=pl.coalesce(named, above),
    )


def _yuan(name: str) -> pl.Expr:
    """Sixths of a fen as yuan, rounded half away from zero to the fen."""
    sixths = pl.col(name)
    fen = (sixths.abs() * 2 + SIXTHS) // (2 * SIXTHS) * sixths.sign()
    return (fen.cast(pl.Decimal(18, 0)) / pl.lit(100, pl.Decimal(18, 2))).cast(MONEY)
