"""Counting one run: households, persons and money by circle and outcome, whole numbers throughout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from hardship.columns import Array
from hardship.lowering.program import incomplete
from hardship.rank import AREA_LEVELS
from hardship.results import TRUE, ladder_outcomes, outcome_places, rejected_rows

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

    def counted(self, checked: Checked, columns: Columns, raw: Raw) -> pl.DataFrame:
        """One run in the columns of `SCHEMA`.

        Of the whole register every circle has a row, also an empty one; of an area those that occur.
        Persons are the members that count. Members assessed alone stand in rows of their own, under their rule.
        """
        rows = len(self.persons)
        texts, places = stands(checked, columns, raw)
        rejected = len(texts) - 1
        money = np.zeros(rows, np.int64)
        paid = "benefit" in raw
        if paid:
            benefit = raw["benefit"]
            known = benefit.valid == 1 if benefit.valid is not None else np.True_
            money = np.where((places < rejected - 1) & known, benefit.values, 0)
        persons = self.persons
        if "counted" in raw:
            counted = self.member_household[raw["counted"].values == TRUE]
            persons = np.bincount(counted, minlength=rows).astype(np.int64)
        parts = [self._sums(texts, places, persons, money, paid, every=declared(checked))]
        for person in checked.table.person:
            meets = raw[f"person:{person.id}:state"].values == 1
            at = self.member_household[meets]
            kept = places[at] != rejected
            fen = raw[f"person:{person.id}:benefit"].values[meets][kept]
            parts.append(self._rule(person.id, at[kept], fen))
        return pl.concat(parts)

    def _sums(
        self, texts: list[tuple[str | None, str]], places: Array, persons: Array, money: Array, paid: bool, every: int
    ) -> pl.DataFrame:
        width = len(texts)
        parts: list[tuple[str, tuple[str, ...], Array, int]] = [(WHOLE, ("",), places, 1)]
        if self.area_of is not None:
            parts.append((self.level, self.areas, self.area_of * width + places, len(self.areas)))
        frames = []
        for level, codes, key, areas in parts:
            sums = _summed(key, areas * width, persons, money)
            shown = sums[0] > 0
            if level == WHOLE:
                shown[:every] = True
            at = np.flatnonzero(shown)
            frames.append(
                pl.DataFrame(
                    {
                        "level": [level] * len(at),
                        "area_code": [codes[k // width] for k in at],
                        "rule": [None] * len(at),
                        "circle": [texts[k % width][0] for k in at],
                        "outcome": [texts[k % width][1] for k in at],
                        "households": sums[0][at],
                        "persons": sums[1][at],
                        "fen": sums[2][at] if paid else [None] * len(at),
                    },
                    schema=SCHEMA,
                )
            )
        return pl.concat(frames)

    def _rule(self, rule: str, at: Array, fen: Array) -> pl.DataFrame:
        parts: list[tuple[str, tuple[str, ...], Array]] = [(WHOLE, ("",), np.zeros(len(at), np.int64))]
        if self.area_of is not None:
            parts.append((self.level, self.areas, self.area_of[at]))
        frames = []
        for level, codes, key in parts:
            _, persons, money = _summed(key, len(codes), np.ones(len(at), np.int64), fen)
            # Several of one household count it once.
            first = np.unique(at, return_index=True)[1]
            households = np.bincount(key[first], minlength=len(codes))
            shown = np.flatnonzero(persons) if level != WHOLE else np.arange(1)
            data: dict[str, Any] = {
                "level": [level] * len(shown),
                "area_code": [codes[k] for k in shown],
                "rule": [rule] * len(shown),
                "circle": [None] * len(shown),
                "outcome": ["meets"] * len(shown),
                "households": households[shown],
                "persons": persons[shown],
                "fen": money[shown],
            }
            frames.append(pl.DataFrame(data, schema=SCHEMA))
        return pl.concat(frames)


def _summed(key: Array, size: int, persons: Array, money: Array) -> tuple[Array, Array, Array]:
    """Rows, persons and money of each key; integers all the way."""
    totals = np.zeros((2, size), np.int64)
    np.add.at(totals[0], key, persons)
    np.add.at(totals[1], key, money)
    return np.bincount(key, minlength=size).astype(np.int64), totals[0], totals[1]


def declared(checked: Checked) -> int:
    """How many of the pairs of `stands` every table of this circle ladder lists."""
    circle = next((ladder for ladder in checked.table.ladder if ladder.id == "circle"), None)
    return 0 if circle is None else len(circle.rung) + 1


def stands(checked: Checked, columns: Columns, raw: Raw) -> tuple[list[tuple[str | None, str]], Array]:
    """Pairs of circle and outcome, `incomplete` and `rejected` last, and the place of each household among them.

    The first `declared` pairs are the circles with the outcome that the table declares for them.
    """
    table, rows = checked.table, columns.rows[0]
    missing = incomplete(raw)
    circle = next((ladder for ladder in table.ladder if ladder.id == "circle"), None)
    names, outcome = outcome_places(circle, raw, missing)
    of_name = np.array([OUTCOMES.index(name) for name in names])
    circles: list[str | None] = [None]
    place = np.zeros(rows, np.int64)
    if circle is not None:
        rungs = [*(rung.id for rung in circle.rung), circle.otherwise.id]
        stored = raw["ladder:circle"].values
        circles, place = list(rungs), np.where(missing, 0, stored).astype(np.int64)
    pairs: list[tuple[str | None, str]] = []
    if circle is not None:
        pairs += zip(circles, ladder_outcomes(circle), strict=True)
    pairs += [(name, text) for text in OUTCOMES[:3] for name in circles if (name, text) not in pairs]
    pairs += [(None, text) for text in OUTCOMES[3:]]
    number = {pair: k for k, pair in enumerate(pairs)}
    cells = np.array([[number.get((name, text), len(pairs) - 2) for text in OUTCOMES[:4]] for name in circles])
    found = cells[place, of_name[outcome]]
    out = ~columns.served | rejected_rows(table, columns.program, raw, rows)
    return pairs, np.where(out, len(pairs) - 1, found)
