"""The plan of the facts as they were given: inputs, and when they were recorded."""

from __future__ import annotations

from hardship.explaining.facts import DATES_OF_FACTS, used_attributes
from hardship.explaining.view import Told
from hardship.single.parts import FactShown, Piece, entries
from hardship.single.plan_facts import Fact, Part
from hardship.single.scan_told import LONGEST_SET
from hardship.single.scene import Scene
from hardship.single.show import dumps, listed


class InputsPlan:
    """What was given, of every attribute that the table uses.

    Attributes:
        able: whether a kernel can hold every fact in 64 bits.
        dated: when facts were recorded and verified.
    """

    def __init__(self, told: Told) -> None:
        self._facts = [Fact(told, attribute) for attribute in used_attributes(told).values()]
        self.able = all(
            fact.attribute.type != "set" or len(fact.attribute.values) <= LONGEST_SET for fact in self._facts
        )
        self.dated = _ages_of_facts(told)

    def pieces(self, *, short: bool) -> list[Piece]:
        """All facts at all rows; `short`: the known ones by name and value."""
        return entries([FactShown(fact, short) for fact in self._facts])


def _ages_of_facts(told: Told) -> Part:
    """When the facts were recorded and verified."""
    on = told.on.year * 10_000 + told.on.month * 100 + told.on.day
    titles = {name: told.names.attributes[name].title.text(told.lang) for name in DATES_OF_FACTS}

    def part(scene: Scene) -> bytes:
        entries = []
        for name, title in titles.items():
            day = scene.household.fact(0, name)
            if day is not None:
                months = (on // 10_000 - day // 10_000) * 12 + on // 100 % 100 - day // 100 % 100
                date = f"{day // 10_000:04}-{day // 100 % 100:02}-{day % 100:02}"
                entry = {"name": name, "title": title, "date": date, "months": months - (on % 100 < day % 100)}
                entries.append(dumps(entry))
        return listed(entries)

    return part
