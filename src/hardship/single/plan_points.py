"""The plan of points added up: groups and indices over their items."""

from __future__ import annotations

from hardship.engine.kernels_texts import EXACT, ROUNDED
from hardship.explaining.view import Entry, Told
from hardship.language.table import Group, Index
from hardship.single.parts import Number, Piece, in_list
from hardship.single.plan_items import ItemPlan
from hardship.single.show import Ref, Template, Wants, dumps, holes
from hardship.single.texts import Text

NOTHING = (b"", b"")


class Added:
    """Points with the sum from which they were bounded, as pieces."""

    def __init__(self, points: Ref, summed: Ref) -> None:
        self._points, self._summed = points, summed
        self.points, self.sum = self._number(points), self._number(summed)

    def adjustment(self) -> list[Piece]:
        """What a cap or floor changes."""
        return [Number(Text(self._points, 0, NOTHING, form=EXACT, less=self._summed))]

    def rounded(self, decimals: int) -> list[Piece]:
        """The points rounded half up."""
        return [Number(Text(self._points, 0, NOTHING, form=ROUNDED + decimals))]

    def _number(self, ref: Ref) -> list[Piece]:
        return [Number(Text(ref, 0, NOTHING, form=EXACT))]


class GroupPlan:
    """One group in one index; `group` None: the items without a group."""

    def __init__(self, told: Told, wants: Wants, group: Group | None, index: Index) -> None:
        table = told.table
        own = None if group is None else group.id
        summed = wants.name(f"sum:{own or ''}:{index.id}", "household")
        capped, self.below = None, list[GroupPlan]()
        if group is None:
            entry: Entry = {"id": "", "title": told.say("explain.no_group"), "cap": None, "floor": None}
            self.added, self.adjustment = Added(summed, summed), list[Piece]([dumps("0")])
        else:
            self.below = [GroupPlan(told, wants, child, index) for child in table.group if child.parent == group.id]
            entry = {"id": group.id, "title": group.title.text(told.lang)}
            entry |= {"cap": told.points(group.cap), "floor": told.points(group.floor)}
            self.added = Added(wants.name(f"group:{group.id}:{index.id}", "household"), summed)
            self.adjustment = self.added.adjustment()
            capped = wants.name(f"capped:{group.id}:{index.id}", "household")
        self.items = [ItemPlan(told, wants, item, index.id, capped) for item in table.item if item.group == own]
        order = ("adjustment", "groups", "items", "points", "sum")
        self.template = Template(entry | holes(*order), order)

    def pieces(self, *, short: bool) -> list[Piece]:
        """Its entry."""
        return self.template.around(
            {
                "adjustment": self.adjustment,
                "groups": in_list([plan.pieces(short=short) for plan in self.below]),
                "items": in_list([[item.shown[short]] for item in self.items]),
                "points": self.added.points,
                "sum": self.added.sum,
            }
        )


class IndexPlan:
    """One index with its groups.

    Attributes:
        value, exact: its points, rounded and not.
    """

    def __init__(self, told: Told, wants: Wants, index: Index) -> None:
        table = told.table
        summed = wants.name(f"sum:{index.id}", "household")
        self.added = Added(wants.name(f"index:{index.id}", "household"), summed)
        self.value, self.exact = self.added.rounded(index.decimals), self.added.points
        self._groups = [GroupPlan(told, wants, group, index) for group in table.group if group.parent is None]
        if any(item.group is None for item in table.item):
            self._groups.append(GroupPlan(told, wants, None, index))
        entry: Entry = {"id": index.id, "title": index.title.text(told.lang)}
        entry |= {"cap": told.points(index.cap), "floor": told.points(index.floor)}
        order = ("adjustment", "exact", "groups", "sum", "value")
        self._template = Template(entry | holes(*order), order)
        brief = ("adjustment", "exact", "sum", "value")
        self._short = Template({"id": index.id} | holes(*brief), brief)

    def groups(self, *, short: bool) -> list[Piece]:
        """The entries of its groups."""
        return in_list([plan.pieces(short=short) for plan in self._groups])

    def pieces(self, *, short: bool) -> list[Piece]:
        """Its entry; the short one without groups."""
        given = {
            "adjustment": self.added.adjustment(),
            "exact": self.exact,
            "sum": self.added.sum,
            "value": self.value,
        }
        if short:
            return self._short.around(given)
        return self._template.around(given | {"groups": self.groups(short=False)})
