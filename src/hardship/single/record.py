"""The result columns of one household as texts, straight from the machine's stores.

The same texts as `results.build` and `columns.csv_texts` make of a register with this one household.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import lru_cache
from math import gcd
from typing import Any

from hardship import rank
from hardship.checking.check import Checked
from hardship.days import after_months, as_date, as_number
from hardship.flags import run_flags
from hardship.lists import assumed_attributes
from hardship.lowering.ops import LEVEL, Program
from hardship.results import (
    CENT,
    LADDER_MISSING,
    MONEY_STORES,
    PERSON_COLUMNS,
    PERSON_STATES,
    RANKS,
    TRUE,
    column_types,
    decimals_of,
    ladder_outcomes,
)
from hardship.results_json import Record
from hardship.single.household import Household
from hardship.single.lanes import Lanes, Layout, Slot

FALSE = 2


class Found:
    """What one household's run found, copied out of its lanes.

    Attributes:
        memory: every output, words first, then bytes, then the shape (`lanes.SHAPE_BYTES`).
        words, small: the two parts; `at`: where each output begins in its part.
        rows: how many there are of each level.
    """

    __slots__ = ("at", "memory", "rows", "small", "words")

    def __init__(self, lanes: Lanes) -> None:
        self.at, self.rows = lanes.at, lanes.rows
        self.memory = lanes.found.tobytes()
        end = lanes.found_words.nbytes
        self.words, self.small = memoryview(self.memory)[:end].cast("q"), self.memory[end:]

    def value(self, slot: Slot, row: int = 0) -> int:
        """The stored integer; it means nothing where it is missing."""
        place = self.at[slot.value] + row
        return self.words[place] if slot.word else self.small[place]

    def known(self, slot: Slot, row: int = 0) -> bool:
        """Whether the store says that it is not missing there (a truth says so by itself)."""
        return slot.valid < 0 or self.small[self.at[slot.valid] + row] == 1


class Records:
    """Makes the results of one prepared table."""

    def __init__(
        self, checked: Checked, program: Program, layout: Layout, on: dt.date, *, forced: bool, items: bool = False
    ) -> None:
        table = checked.table
        self.table, self.program, self.layout = table, program, layout
        self.on = as_number(on)
        kinds = {output.name: checked.kind_of_name[output.name] for output in table.output}
        self._blank: Record = dict.fromkeys(sorted(column_types(table, "results", kinds)))
        self.circle = next((ladder for ladder in table.ladder if ladder.id == "circle"), None)
        self.outcomes = ladder_outcomes(self.circle) if self.circle is not None else []
        attributes = checked.names.attributes
        self.assumed = [(name, LEVEL[attributes[name].level]) for name in assumed_attributes(table)]
        self.run_flags = run_flags(table, on, forced)
        self.rejecting = {require.id for require in table.require if require.outside == "reject"}
        self.absent = {name: LEVEL[attribute.level] for name, attribute in attributes.items()}
        self.may_lack = {column.attribute for column in program.columns if column.may_be_missing}
        self.parameters = {name: number for number, (name, _) in enumerate(program.parameters)}
        slots = layout.slots
        self._ladders = [
            (
                "circle" if ladder is self.circle else f"ladder_{ladder.id}",
                slots[f"ladder:{ladder.id}"],
                [*(rung.id for rung in ladder.rung), ladder.otherwise.id],
                ladder.pick == "all",
            )
            for ladder in table.ladder
        ]
        self._scaled = [(name, slots[store], 2) for name, store in MONEY_STORES.items() if store in slots]
        if "exit:months" in slots:
            self._scaled.append(("exit_months", slots["exit:months"], 0))
        self._points = [
            (f"index_{index.id}" if place else "index", slots[f"index:{index.id}"], index.decimals)
            for place, index in enumerate(table.index)
        ]
        if table.index:
            main = table.index[0]
            self._points += [
                (f"points_{group.id}", slots[f"group:{group.id}:{main.id}"], main.decimals) for group in table.group
            ]
        names = {f"item_{item.id}": f"item:{item.id}" for item in table.item} if items else {}
        if table.index:
            main = table.index[0]
            self._points += [(name, slots[f"{store}:{main.id}"], main.decimals) for name, store in names.items()]
        self._blank |= dict.fromkeys(names)
        self._outputs = [
            (output.name, slots[f"output:{output.name}"], decimals_of(output.show.to if output.show else CENT))
            for output in table.output
        ]

    def bits(self, found: Found, name: str, labels: Sequence[Any]) -> list[Any]:
        """The labels of a bit plane that are set."""
        hit = []
        for plane, output in enumerate(self.layout.planes[name]):
            byte = found.small[found.at[output]]
            if byte:
                hit += [label for bit, label in enumerate(labels[8 * plane : 8 * plane + 8]) if byte >> bit & 1]
        return hit

    def rejected(self, found: Found) -> bool:
        """Whether a `[[require]]` sets the household aside."""
        return bool(self.rejecting) and not self.rejecting.isdisjoint(self.required(found))

    def required(self, found: Found) -> list[str]:
        """The requires that are hit for certain."""
        return self.bits(found, "require", self.program.requires)

    def missing(self, found: Found, household: Household, unknown: Sequence[bool]) -> tuple[str, ...] | None:
        """The attributes that make the household incomplete, sorted; None if it is complete.

        Args:
            unknown: of each parameter, whether it is missing for want of a residence.
        """
        sinks = self.bits(found, "missing", self.program.sinks)
        if not sinks:
            return None
        names: set[str] = set()
        looked: set[str] = set()
        for sink in sinks:
            for name in sink.attributes:
                if name not in looked and name in self.may_lack:
                    looked.add(name)
                    if self.lacking(found, household, name):
                        names.add(name)
            if any(unknown[self.parameters[name]] for name in sink.parameters):
                names.add("residence_type")
        return tuple(sorted(names))

    def lacking(self, found: Found, household: Household, name: str) -> bool:
        """Whether a fact is missing in a row that is not excluded."""
        level = self.absent[name]
        if not household.lacks(level, name):
            return False
        counted = None if self.program.everyone else self.layout.slots.get("counted")
        if level == 0 or counted is None:
            return True
        rows = household.facts[level]
        members = (range(len(rows)), household.supporters, household.transfers)[level - 1]
        begin = found.at[counted.value]
        return any(
            name not in row and found.small[begin + member] != FALSE for row, member in zip(rows, members, strict=True)
        )

    def flags(self, found: Found, household: Household) -> list[str]:
        """The flags of the result, sorted."""
        hit = self.required(found)
        if not hit and not self.run_flags:
            return sorted(household.flags)
        return sorted({*household.flags, *(f"require:{name}" for name in hit), *self.run_flags})

    def assumptions(self, household: Household) -> list[str]:
        """Attributes that the table assumes and some row lacks, sorted."""
        return [name for name, level in self.assumed if household.lacks(level, name)]

    def outcome(self, found: Found, incomplete: bool) -> str:
        """incomplete, then refused, then deferred, then what the circle declares."""
        slots = self.layout.slots
        if incomplete:
            return "incomplete"
        if found.value(slots["refused"]) == TRUE:
            return "does_not_meet"
        if found.value(slots["deferred"]) == TRUE:
            return "needs_review"
        if self.circle is not None and self.circle.pick == "first":
            return self.outcomes[found.value(slots["ladder:circle"])]
        return "meets"

    def record(self, found: Found, household: Household, missing: tuple[str, ...] | None) -> Record:
        """The result as `results_json` gives it."""
        made = self._blank.copy()
        made["household_id"], made["area_code"] = household.household_id, household.area_code or None
        made["outcome"] = self.outcome(found, missing is not None)
        made["vetoes"] = ";".join(sorted(self.bits(found, "veto", self.program.vetoes)))
        made["flags"] = ";".join(self.flags(found, household))
        made["assumed"] = ";".join(self.assumptions(household))
        made["missing"] = ";".join(missing or ())
        if missing is not None:
            return made
        for name, slot, rungs, every in self._ladders:
            stored = found.value(slot)
            if every:
                made[name] = ";".join(rung for bit, rung in enumerate(rungs) if stored >> bit & 1)
            else:
                made[name] = None if stored == LADDER_MISSING else rungs[stored]
        if found.value(self.layout.slots["among"]) == TRUE:
            self._ranks(made, household)
        for name, slot, decimals in self._points:
            made[name] = scaled(found.value(slot), slot.den, decimals)
        if self._points:
            _, slot, _ = self._points[0]
            made["index_exact"] = ratio(found.value(slot), slot.den)
        for name, slot, decimals in self._scaled:
            if found.known(slot):
                made[name] = scaled(found.value(slot), slot.den, decimals)
        if self.table.review is not None:
            self._review(made, found)
        for name, slot, decimals in self._outputs:
            made[name] = _output(found, slot, decimals)
        return made

    def _ranks(self, made: Record, household: Household) -> None:
        """One household alone is first wherever it is ranked."""
        made |= {"position": "1", "rank": "1", "percentile": "0.00"}
        for level, length in rank.AREA_LEVELS.items():
            if len(household.area_code) >= length:
                made[f"rank_{level}"] = "1"
        if self.circle is not None and self.circle.pick == "first":
            made[RANKS[-1]] = "1"

    def _review(self, made: Record, found: Found) -> None:
        """When the household is looked at again, and whether its amount stands (`reviews.review_columns`)."""
        slots = self.layout.slots
        months = slots["review:months"]
        if found.known(months):
            since = found.value(slots["review:since"]) if "review:since" in slots else self.on
            made["review_on"] = _day_after(since, found.value(months))
        if "review:holds" in slots and found.value(slots["review:due"]) == TRUE:
            made["held"] = {TRUE: "true", FALSE: "false"}.get(found.value(slots["review:holds"]))

    def persons(self, found: Found, household: Household) -> list[Record]:
        """The person rows as `results_json` gives them."""
        made: list[Record] = []
        for person in self.table.person:
            state, benefit = (self.layout.slots[f"person:{person.id}:{part}"] for part in ("state", "benefit"))
            for row, member in enumerate(household.member_ids):
                outcome = PERSON_STATES[found.value(state, row)]
                if outcome is not None:
                    known = outcome != "incomplete" and found.known(benefit, row)
                    amount = scaled(found.value(benefit, row), benefit.den, 2) if known else None
                    cells = (household.household_id, member, person.id, outcome, amount)
                    made.append(dict(zip(PERSON_COLUMNS, cells, strict=True)))
        made.sort(key=lambda one: (one["member_id"] or "", one["rule"] or ""))
        return made


@lru_cache(maxsize=4096)
def _day_after(since: int, months: int) -> str:
    return after_months(as_date(since), months).isoformat()


def ratio(value: int, den: int) -> str:
    """`value / den` as a reduced fraction, or a whole number."""
    common = gcd(value, den)
    return str(value // common) if den == common else f"{value // common}/{den // common}"


def scaled(value: int, den: int, decimals: int) -> str:
    """`value / den` rounded half up (ties away from zero), all decimals written."""
    whole = (2 * abs(value) * 10**decimals + den) // (2 * den)
    sign = "-" if value < 0 and whole else ""
    if not decimals:
        return f"{sign}{whole}"
    digits = str(whole).rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"


def _output(found: Found, slot: Slot, decimals: int) -> str | None:
    value = found.value(slot)
    if slot.type == "bool":
        return None if value == 0 else "true" if value == TRUE else "false"
    if not found.known(slot):
        return None
    match slot.type:
        case "number":
            return scaled(value, slot.den, decimals)
        case "date":
            return f"{value // 10_000:04}-{value // 100 % 100:02}-{value % 100:02}"
        case "enum":
            return slot.domain[value]
        case _:
            return ";".join(sorted(name for bit, name in enumerate(slot.domain) if value >> bit & 1))
