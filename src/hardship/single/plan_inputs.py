"""The plan of the facts as they were given: inputs, and when they were recorded."""

from __future__ import annotations

from hardship.explaining.facts import DATES_OF_FACTS, used_attributes
from hardship.explaining.view import Told
from hardship.single.plan_facts import Fact, Part
from hardship.single.scene import Scene
from hardship.single.show import dumps, listed
from hardship.single.states import Room


class InputsPlan:
    """What was given, of every attribute that the table uses."""

    def __init__(self, told: Told, room: Room) -> None:
        attributes = used_attributes(told)
        facts = [Fact(told, attribute, room) for attribute in attributes.values()]
        self._inputs, self._inputs_short, self._dated = _inputs(facts), _inputs_short(facts), _ages_of_facts(told)

    def short(self, scene: Scene) -> bytes:
        """The known facts by name and value."""
        return self._inputs_short(scene)

    def full(self, scene: Scene) -> tuple[bytes, bytes]:
        """All facts at all rows; when they were recorded and verified."""
        return self._inputs(scene), self._dated(scene)


def _inputs(facts: list[Fact]) -> Part:
    """Every attribute that the table uses, at every row."""
    parts = [(fact.attribute.name, fact.level, fact.pieces) for fact in facts]

    def part(scene: Scene) -> bytes:
        entries = []
        rows = [
            list(zip(*level, strict=True)) for level in zip(scene.household.facts, scene.ids, scene.who, strict=True)
        ]
        for name, level, pieces in parts:
            for given, own, who in rows[level]:
                before, after = pieces(given.get(name))
                entries.append(b"%b%b%b%b}" % (before, own, after, who))
        return listed(entries)

    return part


def _inputs_short(facts: list[Fact]) -> Part:
    """The known facts among them, by name and value."""
    parts = [(fact.attribute.name, fact.level, fact.shorts.get, fact.short) for fact in facts]

    def part(scene: Scene) -> bytes:
        entries: list[bytes] = []
        add = entries.append
        starts = [[b""], *([b'{"id":' + name for name in names] for names in scene.ids[1:])]
        rows = [list(zip(*level, strict=True)) for level in zip(starts, scene.household.facts, strict=True)]
        for name, level, known, short in parts:
            for start, given in rows[level]:
                if name in given:
                    stored = given[name]
                    add(start + (known(stored) or short(stored)))
        return listed(entries)

    return part


def _ages_of_facts(told: Told) -> Part:
    """When the facts were recorded and verified."""
    on = told.on.year * 10_000 + told.on.month * 100 + told.on.day
    titles = {name: told.names.attributes[name].title.text(told.lang) for name in DATES_OF_FACTS}

    def part(scene: Scene) -> bytes:
        entries = []
        for name, title in titles.items():
            day = scene.household.facts[0][0].get(name)
            if day is not None:
                months = (on // 10_000 - day // 10_000) * 12 + on // 100 % 100 - day // 100 % 100
                date = f"{day // 10_000:04}-{day // 100 % 100:02}-{day % 100:02}"
                entry = {"name": name, "title": title, "date": date, "months": months - (on % 100 < day % 100)}
                entries.append(dumps(entry))
        return listed(entries)

    return part
