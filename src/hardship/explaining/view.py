"""One household seen through one table: its values, their words, and where each number comes from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from hardship import messages
from hardship.checking.check import Checked
from hardship.explaining import values as explain_values
from hardship.explaining.values import Value
from hardship.explaining.wording import ATOM, SUM, Wording
from hardship.language.fields import Provided
from hardship.language.nodes import Aggregate, Call, Cases, In, Name, Node, Number
from hardship.language.table import Band, Case
from hardship.language.units import NONE, Unit
from hardship.reference.evaluate import Outcome
from hardship.reference.stages import Stages
from hardship.reference.values import Row

Entry = dict[str, Any]
Key = tuple[int, ...]


class Told:
    """What a table says of itself in one language, whatever the household."""

    def __init__(self, checked: Checked, on: dt.date, lang: str) -> None:
        self.checked = checked
        self.table = checked.table
        self.names = checked.names
        self.on = on
        self.lang = lang
        self.words = Wording(checked.names, lang)
        self.sources = {source.id: source for source in checked.table.source}

    def say(self, code: str, **params: Any) -> str:
        """A sentence of the catalogue."""
        return messages.text(code, self.lang, **params)

    # --- values ---

    def unit_of(self, name: str) -> Unit:
        """The unit of a named value."""
        kind = self.checked.kind_of_name.get(name)
        return kind.unit if kind is not None else NONE

    def unit_at(self, node: Node) -> Unit:
        """The unit of an expression."""
        return self.checked.kind(node).unit

    def shown(self, value: Value, unit: Unit = NONE, name: str = "") -> Entry:
        """`value` (finite decimal, text, bool or null), `exact`, `unit` and `text` for people."""
        return {
            "value": explain_values.decimal(value, unit),
            "exact": explain_values.exact(value),
            "unit": str(unit),
            "text": explain_values.text(value, self.words, name, unit),
        }

    def text(self, value: Value, unit: Unit = NONE, name: str = "") -> str:
        """The value for people."""
        return explain_values.text(value, self.words, name, unit)

    def points(self, value: Fraction | None) -> str | None:
        """Points exactly: `3`, `0.5`, `1/18`."""
        found = explain_values.exact(value)
        assert found is None or isinstance(found, str)
        return found

    # --- sources ---

    def provided(self, provided: Provided) -> Entry:
        """`source`, `date`, `status` of a number or rule; by default the table's own status."""
        source = self.sources.get(provided.source)
        status = provided.status or self.table.table.default_status
        note, until = provided.note, provided.verified_until
        return {
            "source": source.title.text(self.lang) if source is not None else "",
            "date": source.date.isoformat() if source is not None and source.date is not None else "",
            "status": status,
            "status_text": self.say(STATUSES[status]),
            "note": note.text(self.lang) if note is not None else "",
            "verified_until": until.isoformat() if until is not None else "",
        }

    def band_text(self, bands: tuple[Band, ...], number: int, unit: Unit) -> str:
        """A band in words: its title, or its edges (`≥ 0.2 且 < 0.4`)."""
        return explain_values.band_text(bands, number, self.words, unit)


class View(Told):
    """One household seen through a table: what every part of an explanation looks at.

    Args:
        stages: the reference's last pass over the household; it can evaluate any node of the table.
    """

    def __init__(self, checked: Checked, on: dt.date, lang: str, outcome: Outcome, stages: Stages) -> None:
        super().__init__(checked, on, lang)
        self.outcome = outcome
        self.stages = stages
        self.root = stages.root

    # --- rows ---

    def rows(self, level: str) -> Iterator[Row]:
        """All rows of a level, in the register's order."""
        return self.root.down(level)

    def id_of(self, row: Row) -> str:
        """What tells a row apart: "", the member's id, `<member>/<supporter id>`, `<member>#2`."""
        if row.level == "household":
            return ""
        if row.level == "member":
            return str(row.facts.get("member_id") or row.key[0] + 1)
        member = self.id_of(row.up("member"))
        own = row.facts.get("supporter_id")
        return f"{member}/{own}" if own else f"{member}#{row.key[1] + 1}"

    def who(self, row: Row) -> str:
        """The row for people: `成员2`, `成员2的赡养人S1`, `成员2的第1笔转移性收入`; "" for the household."""
        if row.level == "household":
            return ""
        member = self.id_of(row.up("member"))
        if row.level == "member":
            return self.say("explain.who_member", member=member)
        if row.level == "supporter":
            own = row.facts.get("supporter_id") or row.key[1] + 1
            return self.say("explain.who_supporter", member=member, own=own)
        return self.say("explain.who_transfer", member=member, own=row.key[1] + 1)

    def place(self, row: Row) -> Entry:
        """Which row an entry is about: `id` for machines, `who` for people."""
        return {"id": self.id_of(row), "who": self.who(row)}

    # --- expressions ---

    def filled(self, node: Node, row: Row) -> str:
        """The expression with this row's values in the place of its names; "" where that says nothing new.

        Of a choice only the value taken is shown.
        """
        node = self.taken(node, row)[1]
        number = isinstance(self.stages.value(node, row), Fraction)
        atom = isinstance(node, Call) and node.function in ATOMS
        if atom or not number or isinstance(node, Name | Aggregate | Number):
            return ""
        return _Filled(self, row).expression(node)

    def taken(self, node: Node, row: Row) -> tuple[int | None, Node]:
        """The number of the case taken (from 0; the number of cases for `otherwise`) and its value.

        A node that is no choice, or a choice whose condition is missing, is returned as it is, with None.
        """
        if not isinstance(node, Cases):
            return None, node
        for number, (condition, value) in enumerate(node.cases):
            holds = self.stages.truth(condition, row)
            if holds is None:
                return None, node
            if holds:
                return number, value
        return len(node.cases), node.otherwise

    def case_text(self, node: Node, row: Row, cases: tuple[Case, ...] | None) -> str:
        """The title or condition of the case taken, "" if there is no choice to explain."""
        number, _ = self.taken(node, row)
        if number is None or not isinstance(node, Cases):
            return ""
        title = cases[number].title if cases is not None else None
        if title is not None:
            return title.text(self.lang)
        if number == len(node.cases):
            return self.say("explain.otherwise")
        return self.words.expression(node.cases[number][0])


STATUSES = {
    "published": "explain.s_published",
    "law": "explain.s_law",
    "unverified": "explain.s_unverified",
    "illustrative": "explain.s_illustrative",
}
ATOMS = ("lookup", "age", "months_between", "known")


class _Filled(Wording):
    """Wording with values for names."""

    def __init__(self, view: View, row: Row) -> None:
        super().__init__(view.names, view.lang)
        self.view = view
        self.row = row

    def _part(self, node: Node) -> tuple[str, int]:
        if isinstance(node, Name | Aggregate | In) or (isinstance(node, Call) and node.function in ATOMS):
            value = self.view.stages.value(node, self.row)
            name = node.name if isinstance(node, Name) else ""
            # The step of a rounding is a name without a kind of its own in this place.
            of_number = self.view.unit_of(name) if name else self.view.unit_at(node)
            unit = of_number if isinstance(value, Fraction) else NONE
            text = explain_values.plain(value, self, name, unit)
            return text, SUM if text.startswith("−") else ATOM
        if isinstance(node, Cases):
            number, value_node = self.view.taken(node, self.row)
            if number is not None:
                return self._at(value_node, ATOM), ATOM
        return super()._part(node)
