"""A movement as reports see it: its frames, what states and areas are called, the lines before and after."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from hardship import messages
from hardship.explaining.wording import unit_text
from hardship.movement.states import ABSENT, INCOMPLETE, OUTCOMES, REJECTED
from hardship.rank import AREA_LEVELS
from hardship.reports.groups import group_report
from hardship.reports.lines import Line, circle_lines
from hardship.reports.words import Both, area_names, circle_titles

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.movement.rerank import Movement
    from hardship.standards import Standards

KINDS = ("entered", "left", "moved", "raised", "lowered", "unscored", "arrived", "departed", "same")
STATE_WORDS = {
    INCOMPLETE: "report.state_incomplete",
    REJECTED: "report.state_rejected",
    ABSENT: "report.state_absent",
    **{name: f"common.{name}" for name in OUTCOMES},
}


@dataclass(frozen=True)
class Story:
    """What is told of a movement.

    Attributes:
        frame, matrix, totals, exits, causes: see `docs/interfaces.md`, movement.
        run: the content of `run.json`.
        tables: titles of the scoring tables before and after.
        lines: the lines for incomes per head before and after.
        states: state → title, in the order of the matrix.
        outside: the states of households outside all circles, and of those without a result.
        areas: names of townships and villages that have one.
        groups: the group report of the side after.
        circles: titles of the circles after.
        currency: of all money.
        area: the code of the one area it is about, "" for the whole register.
    """

    frame: pl.DataFrame
    matrix: pl.DataFrame
    totals: pl.DataFrame
    exits: pl.DataFrame
    causes: pl.DataFrame
    run: dict[str, Any]
    tables: tuple[Both, Both]
    lines: tuple[list[Line], list[Line]]
    states: dict[str, Both]
    outside: tuple[str, ...]
    areas: dict[str, str]
    groups: pl.DataFrame
    circles: dict[str, Both]
    currency: str
    area: str = ""

    def state(self, name: str, lang: str) -> str:
        """What a state is called."""
        return self.states[name][0 if lang == "zh" else 1]

    def money(self, lang: str) -> str:
        """What its money is counted in."""
        return unit_text("money", lang, self.currency)

    def area_title(self, code: str) -> str:
        """An area's code and name."""
        return f"{code} {self.areas.get(code, '')}".strip()

    def of(self, area: str) -> Story:
        """The part of the story that is about one area.

        Args:
            area: the beginning of its codes.
        """
        inside = pl.col("area_code").str.starts_with(area)
        frame = self.frame.filter(inside)
        sums = frame.group_by("state_before", "state_after").agg(
            pl.len().cast(pl.Int64).alias("households"),
            pl.coalesce("persons_after", "persons_before").fill_null(0).cast(pl.Int64).sum().alias("persons"),
            pl.col("amount_before", "amount_after").sum(),
        )
        pairs = self.matrix.select("state_before", "state_after")
        matrix = pairs.join(sums, on=["state_before", "state_after"], how="left", maintain_order="left")
        matrix = matrix.with_columns(pl.exclude("state_before", "state_after").fill_null(0)).cast(self.matrix.schema)
        return replace(
            self,
            frame=frame,
            matrix=matrix,
            totals=self.totals.filter(inside),
            exits=self.exits.filter(inside),
            causes=self.causes.clear(),
            groups=self.groups.clear(),
            area=area,
        )

    def whole(self) -> dict[str, Any]:
        """The row of `totals` for everything the story is about."""
        own = self.totals.filter((pl.col("area_code") == self.area) & (pl.col("residence") == ""))
        return own.row(0, named=True) if own.height else dict.fromkeys(self.totals.columns, 0)

    def counts(self) -> dict[str, int]:
        """How many households of each kind."""
        found = dict(self.frame.group_by("kind").len().iter_rows())
        return {kind: found.get(kind, 0) for kind in KINDS}


class Rules(Protocol):
    """What a report needs of a setting: its table, its standards, its day; not its register."""

    @property
    def checked(self) -> Checked:
        """The checked table."""

    @property
    def standards(self) -> Standards:
        """The local numbers."""

    @property
    def on(self) -> dt.date:
        """The assessment date."""


@dataclass(frozen=True)
class Sums:
    """The frames of a movement but the long one, and its `run.json`; see `docs/interfaces.md`, movement."""

    matrix: pl.DataFrame
    totals: pl.DataFrame
    exits: pl.DataFrame
    causes: pl.DataFrame
    run: dict[str, Any]


def story_of(movement: Movement) -> Story:
    """A movement in memory as a story."""
    before, after = movement.before, movement.after
    sums = Sums(movement.matrix, movement.totals, movement.exits, movement.causes, movement.run)
    areas = area_names(before.register) | area_names(after.register)
    scored = movement.frame.filter(~pl.col("state_after").is_in([REJECTED, ABSENT]))
    scored = scored.select(
        "household_id", outcome="outcome_after", circle="state_after", income_per_head="income_after"
    )
    return told(movement.frame, sums, (before, after), areas, group_report(scored, after))


def told(
    frame: pl.DataFrame, sums: Sums, sides: tuple[Rules, Rules], areas: dict[str, str], groups: pl.DataFrame
) -> Story:
    """The story of a movement whose registers need not be there any more.

    Args:
        areas: names of townships and villages by their codes.
        groups: the group report of the side after.
    """
    before, after = sides
    return Story(
        frame,
        sums.matrix,
        sums.totals,
        sums.exits,
        sums.causes,
        sums.run,
        (_title(before), _title(after)),
        _lines(before, after, frame),
        _states(sums.matrix, before, after),
        _outside(before, after),
        areas,
        groups,
        circle_titles(after.checked.table),
        after.checked.table.table.currency,
    )


def _title(side: Rules) -> Both:
    title = side.checked.table.table.title
    return title.zh, title.en


def _lines(before: Rules, after: Rules, frame: pl.DataFrame) -> tuple[list[Line], list[Line]]:
    """The lines of both sides in the same places, as far as the standards of either tell places apart."""
    length = max((len(row.area_code) for side in (before, after) for row in side.standards.rows), default=0)
    residence = pl.when(pl.col("residence").is_in(["urban", "rural"])).then("residence")
    places = frame.select(pl.col("area_code").str.slice(0, length).alias("area"), residence.alias("residence"))
    first, second = (circle_lines(one.checked, one.standards, one.on, places) for one in (before, after))
    residences = {line.residence for line in (*first, *second)}
    same = {residence for residence in residences if _alike(first, second, residence)}

    def merged(lines: list[Line]) -> list[Line]:
        """Lines that are the same everywhere, once and without an area."""
        wide = [replace(line, area="") if line.residence in same else line for line in lines]
        return list(dict.fromkeys(wide))

    return merged(first), merged(second)


def _alike(first: list[Line], second: list[Line], residence: str | None) -> bool:
    """Whether every area has the same lines before, and the same after."""
    areas = {line.area for line in (*first, *second) if line.residence == residence}

    def told(lines: list[Line], area: str) -> tuple[Line, ...]:
        return tuple(replace(line, area="") for line in lines if (line.area, line.residence) == (area, residence))

    return len({(told(first, area), told(second, area)) for area in areas}) == 1


def _states(matrix: pl.DataFrame, before: Rules, after: Rules) -> dict[str, Both]:
    """Titles of all states; the newer table's where both have one."""
    circles = circle_titles(before.checked.table) | circle_titles(after.checked.table)
    found = {}
    for name in matrix["state_before"].unique(maintain_order=True):
        if name in STATE_WORDS and name not in circles:
            found[name] = (messages.text(STATE_WORDS[name], "zh"), messages.text(STATE_WORDS[name], "en"))
        else:
            found[name] = circles[name]
    return found


def _outside(before: Rules, after: Rules) -> tuple[str, ...]:
    last = [
        ladder.otherwise.id for one in (before, after) for ladder in one.checked.table.ladder if ladder.id == "circle"
    ]
    return (*dict.fromkeys(last), INCOMPLETE, REJECTED, ABSENT)


def township_codes(frame: pl.DataFrame) -> list[str]:
    """The codes of the townships that a frame's `area_code` names, sorted; a shorter code names none."""
    code = frame["area_code"].fill_null("").str.slice(0, AREA_LEVELS["township"])
    return code.filter(code.str.len_chars() == AREA_LEVELS["township"]).unique().sort().to_list()
