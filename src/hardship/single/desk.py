"""One program ready to score households one at a time: results from cells."""

from __future__ import annotations

from typing import NamedTuple

from hardship.checking.check import Checked
from hardship.lowering.ops import Program
from hardship.results_json import Record
from hardship.single.household import Household
from hardship.single.record import Found, Records
from hardship.single.runner import Cells, Place, Places, Runner
from hardship.standards import Standards


class Scored(NamedTuple):
    """One household's result.

    Attributes:
        found: the machine's stores; left: a byte for each member, 1 for who left.
        missing: what makes the household incomplete; None if it is complete.
        result, persons: as the service answers them.
    """

    found: Found
    left: bytes
    missing: tuple[str, ...] | None
    result: Record
    persons: list[Record]


class Desk:
    """A program with everything that does not depend on the household.

    Args:
        items: results with the points of every item.
    """

    def __init__(
        self, checked: Checked, program: Program, standards: Standards, runner: Runner, *, forced: bool,
        items: bool = False,
    ) -> None:  # fmt: skip
        self.runner = runner
        self.records = Records(checked, program, runner.layout, runner.day, forced=forced, items=items)
        self.places = Places(program, standards, runner.day)

    def place(self, household: Household) -> Place:
        """The local numbers that hold for a household.

        Raises:
            TableError: one that is chosen does not fit the table.
        """
        return self.places.at(household.area_code, household.residence)

    def scored(self, household: Household, place: Place, cells: Cells | None = None) -> Scored | None:
        """The result of one household; None where it is set aside, and the long way says why.

        Args:
            place: of the household. cells: those of the household, where somebody keeps them.
        """
        if not place.served:
            return None
        records = self.records
        found, left = self.runner.computed(household, place, cells)
        if records.rejected(found):
            return None
        missing = records.missing(found, household, place.unknown)
        return Scored(
            found, left, missing, records.record(found, household, missing), records.persons(found, household)
        )
