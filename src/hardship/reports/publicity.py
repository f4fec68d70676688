"""Publicity lists: who gets assistance, for the village board or for the web, and no more than each may say.

Neither shows a number of a person, an illness, a disability, a household's place in the ranking, or the name of a
minor. The board shows village, name, size and amount; the web, which never forgets, the surname, the township and
the size. Both say when they come down. Since no digit of an ID number is ever shown, at least 10,000 numbers fit
every row, whatever else somebody knows.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from hardship import __version__, export, messages, pages
from hardship.explaining.wording import unit_text
from hardship.rank import AREA_LEVELS
from hardship.reports.book import Book, Column
from hardship.reports.heads import heads
from hardship.reports.shown import Entry
from hardship.reports.words import area_names, circle_titles

if TYPE_CHECKING:
    from hardship.inputs import Inputs

Scope = Literal["web", "board"]
KIND, LISTS = "publicity", "lists"
OURS = frozenset({export.RUN, LISTS})
# A circle whose title speaks of health is put up without its title.
HEALTH = re.compile(r"病|残|障碍|失能|精神|智力|艾滋|\b(ill|illness|sick|disease|disab\w*|mental\w*|impair\w*)\b", re.I)
LONG_NUMBER = re.compile(r"\d{4,}")
CODE = re.compile(r"[0-9]{1,12}\Z")


@dataclass(frozen=True)
class Notice:
    """What stands over and under a list.

    Attributes:
        first: the first day, None if it is not said; last: the day after whose end it comes down.
        contact: where somebody may object, "" for the general words.
    """

    last: dt.date
    first: dt.date | None = None
    contact: str = ""


def publicity(
    results: pl.DataFrame, inputs: Inputs, *, names: dict[str, str] | None = None, circles: Sequence[str] = ()
) -> pl.DataFrame:
    """The households to be put up: those that meet.

    Args:
        results: the results of a run over the register of `inputs`.
        names: see `heads`.
        circles: only these; all if empty.

    Returns:
        `township`, `village` (codes), `name` (null: not to be shown), `size`, `circle` (id), `amount`; in the order
        of places, circles in ladder order, and names, so that it says nothing about the ranking.
    """
    order = {name: place for place, name in enumerate(circle_titles(inputs.checked.table))}
    wanted = pl.col("outcome") == "meets"
    if circles:
        wanted &= pl.col("circle").is_in(list(circles))
    known = heads(inputs.register, inputs.on, names)
    joined = results.filter(wanted).join(known, on="household_id", how="left", maintain_order="left")
    code = pl.col("area_code").fill_null("")
    return joined.select(
        code.str.slice(0, AREA_LEVELS["township"]).alias("township"),
        code.alias("village"),
        pl.when("shown").then("name").alias("name"),
        "size",
        "circle",
        pl.col("benefit_month").alias("amount"),
        pl.col("circle").replace_strict(order, default=len(order), return_dtype=pl.Int64).alias("place"),
        "household_id",
    ).sort("township", "village", "place", "name", "size", "amount", "household_id", nulls_last=True).drop(
        "place", "household_id"
    )  # fmt: skip


def masked(name: str) -> str:
    """A name's first character and a mark for the rest: 张＊＊."""
    return name[0] + "＊＊"


def write(
    out: Path, chosen: pl.DataFrame, inputs: Inputs, scope: Scope, notice: Notice, run: dict[str, Any], lang: str
) -> dict[str, Any]:
    """Write a workbook and a page for each township into `out/lists`.

    Args:
        chosen: of `publicity`.
        run: the `run.json` of the results.

    Returns:
        the record: counts of lists, households and names withheld.

    Raises:
        UsageError: `out` holds something else. OSError: it cannot be written.
    """
    export.prepare(out, KIND)
    words = _Words(inputs, scope, notice, lang)
    with export.staged(out, OURS) as staging:
        folder = staging / LISTS
        folder.mkdir()
        townships = []
        for (code,), rows in chosen.group_by("township", maintain_order=True):
            name = str(code) if CODE.match(str(code)) else "other"
            townships.append(name)
            parts = list(words.parts(rows))
            told = words.page(str(code), parts)
            (folder / f"{name}.html").write_text(pages.render("publicity", c=told), encoding="utf-8")
            words.book(told, parts, folder / f"{name}.xlsx")
        record = {
            "schema": 1,
            "kind": KIND,
            "engine": __version__,
            "scope": scope,
            "first": notice.first.isoformat() if notice.first else None,
            "last": notice.last.isoformat(),
            "results_sha256": run["results_sha256"],
            "counts": {
                "lists": len(townships),
                "households": chosen.height,
                "names_withheld": int(chosen["name"].null_count()),
            },
        }
        (staging / export.RUN).write_text(json.dumps(record, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return record


class _Words:
    """The lists of one scope in one language."""

    def __init__(self, inputs: Inputs, scope: Scope, notice: Notice, lang: str) -> None:
        self.scope, self.notice, self.lang = scope, notice, lang
        self.areas = {code: name for code, name in area_names(inputs.register).items() if not LONG_NUMBER.search(name)}
        titles = circle_titles(inputs.checked.table)
        place = 0 if lang == "zh" else 1
        general = self.say("report.assistance")
        self.circles = {name: general if HEALTH.search("".join(both)) else both[place] for name, both in titles.items()}
        self.currency = unit_text("money", lang, inputs.checked.table.table.currency)

    def say(self, code: str, **params: Any) -> str:
        return messages.text(code, self.lang, **params)

    def parts(self, rows: pl.DataFrame) -> Iterator[tuple[str, list[list[Any]]]]:
        """The lists of one township: a title and rows for each village on the board, one list on the web."""
        groups: Iterable[tuple[tuple[object, ...], pl.DataFrame]] = rows.group_by("village", maintain_order=True)
        if self.scope == "web":  # in an order that does not tell villages apart
            groups = [(("",), rows.sort("name", "size", "circle", nulls_last=True))]
        for (village,), part in groups:
            title = self.areas.get(str(village), str(village))
            yield title, [self.row(number, one) for number, one in enumerate(part.iter_rows(named=True), 1)]

    def row(self, number: int, one: Entry) -> list[Any]:
        """What one row shows."""
        name = one["name"] or ""
        circle = self.circles.get(one["circle"], self.say("report.assistance"))
        if self.scope == "web":
            return [number, masked(name) if name else self.say("report.no_name"), one["size"], circle]
        return [number, name or self.say("report.no_name"), one["size"], circle, one["amount"]]

    def columns(self) -> list[Column]:
        """The heads of the list."""
        found = [
            Column("number", self.say("report.p_number"), "count", 8),
            Column("name", self.say("report.p_name"), "text", 18),
            Column("size", self.say("report.p_size"), "count", 12),
            Column("circle", self.say("report.p_circle"), "text", 34),
        ]
        if self.scope == "board":
            found.append(Column("amount", self.say("report.p_amount", currency=self.currency), "money", 20))
        return found

    def page(self, code: str, parts: list[tuple[str, list[list[Any]]]]) -> Entry:
        """One township's page."""
        place = self.areas.get(code, code if self.scope == "board" else "")
        notice = self.notice
        first = notice.first.isoformat() if notice.first else ""
        until = {"first": first, "last": notice.last.isoformat()}
        object_at = self.say("report.p_object_at", contact=notice.contact)
        return {
            "lang": self.lang,
            "title": self.say(f"report.p_title_{self.scope}", place=place).strip(),
            "period": self.say("report.p_period", **until) if first else self.say("report.p_until", **until),
            "down": self.say("report.p_down", day=(notice.last + dt.timedelta(days=1)).isoformat()),
            "object": object_at if notice.contact else self.say("report.p_object"),
            "head": [column.title for column in self.columns()],
            "parts": [
                {"title": title, "rows": [[self.cell(value) for value in row] for row in rows]} for title, rows in parts
            ],
            "left_aligned": (1, 3),
        }  # fmt: skip

    def cell(self, value: Any) -> str:
        """A value on a page."""
        return "—" if value is None else value if isinstance(value, str) else f"{value:,}"

    def book(self, told: Entry, parts: list[tuple[str, list[list[Any]]]], path: Path) -> None:
        """One township's workbook, a sheet for each village."""
        made = Book(told["down"], self.say("report.page"))
        used: set[str] = set()
        for number, (title, rows) in enumerate(parts, 1):
            name = (title or self.say("report.p_sheet"))[:24]
            name = f"{name} {number}" if name.lower() in used else name
            used.add(name.lower())
            notes = [told["period"], told["down"], told["object"]]
            sheet = made.sheet(name, f"{told['title']} {title}".strip(), notes)
            sheet.table(self.columns(), rows, height=len(rows), main=True)
        made.save(path)
