"""Counting one run: households, persons and money by circle and outcome, whole numbers throughout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hardship.columns import Array
from hardship.engine.kernels_sums import summed
from hardship.rank import AREA_LEVELS
from hardship.results import TRUE, ladder_outcomes, rejected_rows

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.engine.machine import Raw
    from hardship.lowering.bind import Columns
    from hardship.register import Register

OUTCOMES = ("meets", "does_not_meet", "needs_review", "incomplete", "rejected")
WHOLE = "all"
SCHEMA = {
    "level": pl.String,
    "area_code": pl.String,
    "rule": pl.String,
    "circle": pl.String,
    "outcome": pl.String,
    "households": pl.Int64,
    "persons": pl.Int64,
    "fen": pl.Int64,
}


@dataclass(frozen=True)
class Tally:
    """What stays the same from setting to setting.

    Attributes:
        persons: int64 [households], members of each in the register.
        member_household: uint32 [members].
        areas: code of each area; `area_of` int64 [households] says which. None: only the whole register.
        level: name of the areas' level, or `all`.
    """

    persons: Array
    member_household: Array
    level: str
    areas: tuple[str, ...]
    area_of: Array | None

    @classmethod
    def of(cls, register: Register, level: str | None) -> Tally:
        """For a register; `level`: of `rank.AREA_LEVELS`. A code shorter than the level is an area of its own."""
        households = register.frames["household"]
        above = register.frames["member"]["household"].to_numpy()
        persons = np.bincount(above, minlength=households.height).astype(np.int64)
        if level is None:
            return cls(persons, above, WHOLE, ("",), None)
        codes = households["area_code"].fill_null("").str.slice(0, AREA_LEVELS[level])
        distinct = codes.unique().sort()
        of = codes.cast(pl.Enum(distinct)).to_physical().to_numpy().astype(np.int64)
        return cls(persons, above, level, tuple(distinct.to_list()), of)

    def under(self, checked: Checked, columns: Columns, raw: Raw) -> Alike:
        """What a table's first setting says about all of its settings."""
        return Alike(checked, columns, Stands.of(checked), raw, self._persons(raw), self._out(checked, columns, raw))

    def _persons(self, raw: Raw) -> Array:
        if "counted" not in raw:
            return self.persons
        counted = self.member_household[raw["counted"].values == TRUE]
        return np.bincount(counted, minlength=len(self.persons)).astype(np.int64)

    def _out(self, checked: Checked, columns: Columns, raw: Raw) -> Array:
        """(households,) bool: who is rejected."""
        return ~columns.served | rejected_rows(checked.table, columns.program, raw, len(self.persons))

    def counted(self, alike: Alike, raw: Raw) -> Counts:
        """One run; `alike`: of its table.

        Of the whole register every circle has a row, also an empty one; of an area those that occur.
        Persons are the members that count. Members assessed alone stand in rows of their own, under their rule.
        """
        rows, checked, stands = len(self.persons), alike.checked, alike.stands
        persons = alike.persons if alike.same("counted", raw) else self._persons(raw)
        out = alike.out if alike.same("require", raw) else self._out(checked, alike.columns, raw)
        sums = np.zeros((len(self.areas), len(stands.pairs), 3), np.int64)
        benefit = raw.get("benefit")
        rung = raw["ladder:circle"].values if "ladder:circle" in raw else np.zeros(rows, np.uint8)
        summed(
            stands.cells,
            rung.astype(np.uint8, copy=False),
            raw["deferred"].values,
            raw["refused"].values,
            raw["missing"].values,
            out,
            _NO_AREAS if self.area_of is None else self.area_of,
            persons,
            _NO_MONEY if benefit is None else benefit.values,
            _NO_BYTES if benefit is None or benefit.valid is None else benefit.valid,
            sums,
        )
        shown = sums[:, :, 0] > 0
        shown_of_all = np.asarray(shown.any(axis=0, keepdims=True))
        shown_of_all[:, : stands.declared] = True
        found = self._levels(sums, shown_of_all, shown, 0)
        for number, person in enumerate(checked.table.person, 1):
            meets = raw[f"person:{person.id}:state"].values == 1
            at = self.member_household[meets]
            kept = ~out[at]
            found += self._rule(number, at[kept], raw[f"person:{person.id}:benefit"].values[meets][kept])
        return Counts(*(np.concatenate(parts) for parts in zip(*found, strict=True)))

    def _levels(self, sums: Array, shown_of_all: Array, shown: Array, rule: int) -> list[tuple[Array, Array]]:
        """The rows of the whole register and, if asked for, of its areas."""
        found = []
        for level, own, which in ((0, sums.sum(axis=0, keepdims=True), shown_of_all), (1, sums, shown)):
            if level == 0 or self.area_of is not None:
                area, place = np.nonzero(which)
                where = np.stack([np.full_like(area, level), area, np.full_like(area, rule), place], axis=1)
                found.append((where, own[area, place]))
        return found

    def _rule(self, rule: int, at: Array, fen: Array) -> list[tuple[Array, Array]]:
        """The rows of a person rule: households, persons and money of those who meet it."""
        area = np.zeros(len(at), np.int64) if self.area_of is None else self.area_of[at]
        sums = np.zeros((len(self.areas), 1, 3), np.int64)
        # Several of one household count it once.
        sums[:, 0, 0] = np.bincount(area[np.unique(at, return_index=True)[1]], minlength=len(self.areas))
        np.add.at(sums[:, 0, 1], area, 1)
        np.add.at(sums[:, 0, 2], area, fen)
        return self._levels(sums, np.ones((1, 1), np.bool_), sums[:, :, 1] > 0, rule)

    def frame(self, checked: Checked, counts: Sequence[Counts]) -> pl.DataFrame:
        """All settings under each other, in the columns of `SCHEMA` after `setting`, their number."""
        stands = Stands.of(checked)
        where = np.concatenate([one.where for one in counts])
        level, area, rule, place = (pl.Series(column.astype(np.uint32)) for column in where.T)
        rules = pl.Series([None, *(person.id for person in checked.table.person)], dtype=pl.String)
        circles, outcomes = (pl.Series(texts, dtype=pl.String) for texts in zip(*stands.pairs, strict=True))
        areas = pl.Series(self.areas, dtype=pl.String).gather(area)
        numbers = np.concatenate([one.numbers for one in counts])
        own = rule == 0  # in the rows of a rule stand persons who meet it
        frame = pl.DataFrame(
            {
                "setting": np.repeat(np.arange(len(counts)), [len(one.where) for one in counts]),
                "level": pl.Series([WHOLE, self.level]).gather(level),
                "area_code": areas.zip_with(level == 1, pl.Series([""]).new_from_index(0, len(areas))),
                "rule": rules.gather(rule),
                "circle": circles.gather(place).zip_with(own, pl.Series([None], dtype=pl.String)),
                "outcome": outcomes.gather(place).zip_with(own, pl.Series(["meets"])),
                "households": numbers[:, 0],
                "persons": numbers[:, 1],
                "fen": numbers[:, 2],
            },
            schema={"setting": pl.Int64, **SCHEMA},
        )
        if not checked.table.benefit:
            return frame.with_columns(fen=pl.when(own).then(None).otherwise("fen"))
        return frame


@dataclass(frozen=True)
class Counts:
    """What was counted in one run, row by row.

    Attributes:
        where: int64 (rows, 4): 0 for the whole register or 1 for an area; which area; 0 or the number, from 1, of a
            person rule; which of `Stands.pairs`.
        numbers: int64 (rows, 3): households, persons, fen.
    """

    where: Array
    numbers: Array


@dataclass(frozen=True)
class Alike:
    """What settings of one table share.

    Attributes:
        columns: bound for it.
        first: the results of its first setting.
        persons: int64 [households], the members that count then; `out` bool, who is rejected then.
    """

    checked: Checked
    columns: Columns
    stands: Stands
    first: Raw
    persons: Array
    out: Array

    def same(self, name: str, raw: Raw) -> bool:
        """Whether a setting has the first one's very results under a name, because no setting changes them."""
        return name not in raw or raw[name].values is self.first[name].values


_NO_AREAS = _NO_MONEY = np.empty(0, np.int64)
_NO_BYTES = np.empty(0, np.uint8)


@dataclass(frozen=True)
class Stands:
    """Where households stand under a table.

    Attributes:
        pairs: of circle and outcome, `incomplete` and `rejected` last.
        declared: how many of them every table of this circle ladder lists: the circles with the outcome that the
            table declares for them. They stand first.
        cells: see `kernels_sums.summed`.
    """

    pairs: list[tuple[str | None, str]]
    declared: int
    cells: Array

    @classmethod
    def of(cls, checked: Checked) -> Stands:
        """Of a table."""
        circle = next((ladder for ladder in checked.table.ladder if ladder.id == "circle"), None)
        circles: list[str | None] = [None]
        own: Sequence[str] = ["meets"]
        pairs: list[tuple[str | None, str]] = []
        if circle is not None:
            circles = [*(rung.id for rung in circle.rung), circle.otherwise.id]
            own = ladder_outcomes(circle)
            pairs += zip(circles, own, strict=True)
            if circle.pick != "first":
                own = ["meets"] * len(circles)
        declared = len(pairs)
        pairs += [(name, text) for text in OUTCOMES[:3] for name in circles if (name, text) not in pairs]
        pairs += [(None, text) for text in OUTCOMES[3:]]
        number = {pair: k for k, pair in enumerate(pairs)}
        lost = len(pairs) - 2
        cells = [
            [number[name, text], number[name, "needs_review"], number[name, "does_not_meet"], lost]
            for name, text in zip(circles, own, strict=True)
        ]
        return cls(pairs, declared, np.array(cells, np.int64))
