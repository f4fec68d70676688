"""Workbooks of a run: the county's, and for each township its results and what it has to complete or to mend."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from hardship import messages
from hardship.attributes import STRUCTURAL
from hardship.explaining.wording import unit_text
from hardship.export import OFFICE, TOWNSHIPS
from hardship.rank import AREA_LEVELS
from hardship.reports import book
from hardship.reports.book import Book, Column
from hardship.reports.shown import Say
from hardship.reports.story import township_codes
from hardship.reports.words import area_names, circle_titles

if TYPE_CHECKING:
    from hardship.inputs import Inputs
    from hardship.results import Results

OUTCOMES = ("meets", "needs_review", "does_not_meet", "incomplete")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?$")
UNPLACED = "unplaced"  # rows of which no township can be told


def write_books(
    results: Results, inputs: Inputs, groups: pl.DataFrame, out: Path, lang: str, *, townships: bool = True
) -> list[Path]:
    """Write `office.xlsx` for the county and `townships/<code>.xlsx` for each township into `out`.

    Args:
        groups: of `group_report`.
        townships: False: the county's alone.

    Returns:
        the files written. What has no township stands in the county's book and in `townships/unplaced.xlsx`.
    """
    made = _Maker(results, inputs, groups, lang)
    paths = made.write(out / OFFICE, "")
    if not townships:
        return paths
    folder = out / TOWNSHIPS
    folder.mkdir(exist_ok=True)
    for code in sorted({*township_codes(made.results), *township_codes(made.rejects)}):
        paths += made.write(folder / f"{code}.xlsx", code)
    if any(inside(frame, UNPLACED).height for frame in (made.results, made.rejects)):
        paths += made.write(folder / f"{UNPLACED}.xlsx", UNPLACED)
    return paths


def inside(frame: pl.DataFrame, area: str) -> pl.DataFrame:
    """The rows of a township, of `UNPLACED` or, for "", all."""
    length = AREA_LEVELS["township"]
    code = pl.col("area_code").fill_null("").str.slice(0, length)
    if area == UNPLACED:
        return frame.filter(code.str.len_chars() < length)
    return frame.filter(code == area) if area else frame


class _Maker:
    """All frames of a run, worded in one language, ready to be cut by township."""

    def __init__(self, results: Results, inputs: Inputs, groups: pl.DataFrame, lang: str) -> None:
        self.lang, self.groups, self.run, self.inputs = lang, groups, results.run, inputs
        self.areas = area_names(inputs.register)
        place = 0 if lang == "zh" else 1
        self.circles = {name: both[place] for name, both in circle_titles(inputs.checked.table).items()}
        attributes = inputs.checked.names.attributes
        self.titles = {name: one.title.text(lang) for name, one in attributes.items()}
        self.titles |= {name: title.text(lang) for name, (_, title) in STRUCTURAL.items()}
        self.results = self.worded(results.frame)
        self.rejects = self.placed(results.rejects)

    def say(self, code: str, **params: Any) -> str:
        return messages.text(code, self.lang, **params)

    def worded(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Results with codes as words."""
        outcomes = {name: self.say(f"common.{name}") for name in OUTCOMES}
        vetoes = {veto.id: veto.title.text(self.lang) for veto in self.inputs.checked.table.veto}
        code = pl.col("area_code").fill_null("")
        named = code.replace_strict(self.areas, default=None, return_dtype=pl.String)
        above = code.str.slice(0, 9).replace_strict(self.areas, default="", return_dtype=pl.String)
        return frame.with_columns(
            area_name=pl.coalesce(named, above),
            state=pl.col("outcome"),
            outcome=pl.col("outcome").replace_strict(outcomes, return_dtype=pl.String),
            circle_id=pl.col("circle"),
            circle=pl.col("circle").replace_strict(self.circles, default=pl.col("circle"), return_dtype=pl.String),
            missing=self.listed(frame["missing"], self.titles),
            assumed=self.listed(frame["assumed"], self.titles),
            vetoes=self.listed(frame["vetoes"], vetoes),
        )

    def listed(self, texts: pl.Series, titles: Mapping[str, str]) -> pl.Series:
        """`a;b` as the titles of a and b."""
        mark = self.say("report.listed")
        words = {one: mark.join(titles.get(part, part) for part in one.split(";")) for one in texts.unique()}
        return texts.replace_strict(words, return_dtype=pl.String)

    def placed(self, rejects: pl.DataFrame) -> pl.DataFrame:
        """Rejects with the area of their household, "" where it cannot be told, and worded."""
        household = self.inputs.register.frames["household"]
        known = dict(household.select("household_id", "area_code").drop_nulls().iter_rows())
        known |= self.inputs.register.rejected_areas
        return rejects.with_columns(
            area_code=pl.col("household_id").replace_strict(known, default="", return_dtype=pl.String),
            field=pl.col("field").replace_strict(self.titles, default=pl.col("field"), return_dtype=pl.String),
            message=pl.col(f"message_{self.lang}"),
        )

    def write(self, path: Path, area: str) -> list[Path]:
        """One book; further ones beside it where a list is longer than a sheet."""
        results, rejects = inside(self.results, area), inside(self.rejects, area)
        incomplete = results.filter(pl.col("state") == "incomplete")
        lists = {
            "results": (self.result_columns(), results.sort("position", "household_id", nulls_last=True)),
            "missing": (self.missing_columns(), incomplete),
            "rejects": (self.reject_columns(), rejects),
        }
        count = max(book.pages(frame.height) for _, frame in lists.values())
        paths = [path if part == 0 else path.with_stem(f"{path.stem}_{part + 1}") for part in range(count)]
        for part, place in enumerate(paths):
            footer = self.say("report.footer", sha256=self.run["results_sha256"][:16], engine=self.run["engine"])
            made = Book(footer, self.say("report.page"))
            if part == 0:
                self.summary(made, results, rejects, area)
            for name, (columns, frame) in lists.items():
                if part < book.pages(frame.height):
                    title = self.say(f"report.run_{name}")
                    notes = [self.say(f"report.run_{name}_note")]
                    if not frame.height:
                        notes.append(self.say("report.list_none"))
                    sheet = made.sheet(title, f"{title} {self.area(area)}".strip(), notes)
                    sheet.frame(columns, frame.slice(part * book.MOST_ROWS, book.MOST_ROWS))
            if part == 0 and not area:
                groups_sheet(made, self.say("report.groups_title"), self.groups, self.circles, self.lang, self.say)
            made.save(place)
        return paths

    def area(self, code: str) -> str:
        if code == UNPLACED:
            return self.say("report.unplaced")
        return f"{code} {self.areas.get(code, '')}".strip()

    def summary(self, made: Book, results: pl.DataFrame, rejects: pl.DataFrame, area: str) -> None:
        """Counts, money, and what the run was made with."""
        table = self.inputs.checked.table.table
        notes = [self.say("report.run_of", title=table.title.text(self.lang), on=self.run["on"])]
        title = f"{self.say('report.run_title')} {self.area(area)}".strip()
        sheet = made.sheet(self.say("report.sheet_summary"), title, [*notes, self.say("report.not_a_decision")])
        columns = [
            Column("what", self.say("report.what"), "text", 40),
            Column("n", self.say("report.households"), "count", 14),
            Column(
                "money",
                self.say("report.run_month", currency=unit_text("money", self.lang, table.currency)),
                "money",
                20,
            ),
        ]
        rows: list[list[Any]] = []
        for name in OUTCOMES:
            part = results.filter(pl.col("state") == name)
            rows.append([self.say(f"common.{name}"), part.height, part["benefit_month"].sum()])
        for name, words in self.circles.items():
            part = results.filter(pl.col("circle_id") == name)
            rows.append([self.say("report.of_circle", title=words), part.height, part["benefit_month"].sum()])
        rows.append([self.say("report.scored"), results.height, results["benefit_month"].sum()])
        rows.append([self.say("report.rejected_rows"), rejects.height, None])
        sheet.table(columns, rows, height=len(rows))
        sheet.gap()
        facts = [
            [self.say("report.s_engine"), self.run["engine"]],
            [self.say("report.s_version"), f"{self.run['table']['id']}@{self.run['table']['version']}"],
            [self.say("report.s_table_hash"), self.run["table"]["sha256"]],
            [self.say("report.s_standards_hash"), self.run["standards_sha256"]],
            [self.say("report.s_register_hash"), self.run["register"]["sha256"]],
            [self.say("report.s_results_hash"), self.run["results_sha256"]],
        ]
        sheet.table([Column("what", self.say("report.what")), Column("v", self.say("report.value"))], facts, height=6)

    def result_columns(self) -> list[Column]:
        kinds: dict[str, tuple[book.Kind, float]] = {
            "position": ("count", 8),
            "household_id": ("text", 16),
            "area_code": ("text", 14),
            "area_name": ("text", 12),
            "outcome": ("text", 10),
            "circle": ("long", 20),
            "index": ("points", 8),
            "income_per_head": ("money", 13),
            "gap_to_next_line": ("money", 13),
            "benefit_month": ("money", 13),
            "vetoes": ("long", 22),
            "missing": ("long", 26),
            "assumed": ("long", 18),
            "flags": ("long", 18),
        }
        return [Column(name, self.say(f"report.r_{name}"), *look) for name, look in kinds.items()]

    def missing_columns(self) -> list[Column]:
        widths = {"household_id": 16, "area_code": 15, "area_name": 16, "missing": 90}
        return [Column(name, self.say(f"report.r_{name}"), "long", width) for name, width in widths.items()]

    def reject_columns(self) -> list[Column]:
        kinds: dict[str, tuple[book.Kind, float]] = {
            "file": ("text", 18),
            "sheet": ("text", 12),
            "line": ("count", 8),
            "household_id": ("text", 16),
            "member_id": ("text", 18),
            "field": ("long", 18),
            "value_class": ("text", 14),
            "message": ("long", 70),
        }
        return [Column(name, self.say(f"report.j_{name}"), *look) for name, look in kinds.items()]


def groups_sheet(made: Book, title: str, groups: pl.DataFrame, circles: Mapping[str, str], lang: str, say: Say) -> None:
    """The group report as a sheet: its counts are numbers, what it hides is a text."""
    sheet = made.sheet(say("report.groups_title"), title, [say("report.groups_note")])
    columns, frame = groups_shown(groups, circles, lang, say)
    rows = (
        [*row[:2], *(Decimal(cell) if _NUMBER.match(cell) else cell for cell in row[2:])] for row in frame.iter_rows()
    )
    sheet.table(columns, rows, height=frame.height, main=True, keys=2)


def groups_shown(
    groups: pl.DataFrame, circles: Mapping[str, str], lang: str, say: Say
) -> tuple[list[Column], pl.DataFrame]:
    """The group report as columns and rows to print; its hidden cells are texts, so all its cells are."""
    words = {
        f"dimension_{lang}": say("report.g_dimension"),
        f"group_{lang}": say("report.g_group"),
        **{f"circle_{name}": title for name, title in circles.items()},
        **{name: say(f"common.{name}") for name in OUTCOMES},
    }
    rest = ("dimension", "group", "dimension_zh", "dimension_en", "group_zh", "group_en")
    names = [f"dimension_{lang}", f"group_{lang}", *(name for name in groups.columns if name not in rest)]
    titles = [words[name] if name in words else say(f"report.g_{name}") for name in names]
    kinds: list[book.Kind] = ["points" if name.endswith("percent") else "count" for name in names]
    columns = [
        Column(name, title, "text", 22) if place < 2 else Column(name, title, kind, 13)
        for place, (name, title, kind) in enumerate(zip(names, titles, kinds, strict=True))
    ]
    return columns, groups.select(names)
