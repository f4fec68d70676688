"""The plan of points added up: groups and indices over their items."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import gcd
from typing import NamedTuple

from hardship.explaining import values as explain_values
from hardship.explaining.view import Entry, Told
from hardship.language.table import Group, Index
from hardship.single import numbers
from hardship.single.plan_items import NULL, ItemPlan, Points
from hardship.single.scene import Scene
from hardship.single.show import CUT, Ref, Template, Wants, dumps, holes, listed
from hardship.single.states import Memory

Ratio = tuple[int, int]


def points_at(ref: Ref, scene: Scene) -> Ratio | None:
    """Points as dividend and divisor."""
    key = ref.key(scene.found)
    return None if key is None else ref.fraction(key)


def plus(first: Ratio | None, second: Ratio | None) -> Ratio | None:
    """The sum, None where a part is missing."""
    if first is None or second is None:
        return None
    (up, down), (more, of) = first, second
    if down == of:
        return up + more, down
    common = gcd(down, of)
    return up * (of // common) + more * (down // common), down // common * of


def total(parts: Iterable[Ratio | None]) -> Ratio | None:
    """The sum, None where a part is missing."""
    summed: Ratio | None = (0, 1)
    for part in parts:
        summed = plus(summed, part)
    return summed


def difference(points: Ratio | None, of: Ratio | None) -> Ratio | None:
    """What a cap or floor changes."""
    return None if of is None else plus(points, (-of[0], of[1]))


def text_of(points: Ratio | None) -> Points:
    """Points as a text."""
    return None if points is None else numbers.exact(*points)


Wrap = tuple[bool, bytes, bytes, bytes]
"""Whether a cap lowers a group's points, and its JSON around its groups and its items."""


class GroupPlan:
    """One group in one index; `group` None: the items without a group."""

    def __init__(self, told: Told, wants: Wants, group: Group | None, index: Index) -> None:
        table = told.table
        own = None if group is None else group.id
        self.items = [ItemPlan(told, wants, item, index.id) for item in table.item if item.group == own]
        self.below: list[GroupPlan] = []
        order = ("adjustment", "groups", "items", "points", "sum")
        self.ref: Ref | None = None
        if group is not None:
            self.below = [GroupPlan(told, wants, child, index) for child in table.group if child.parent == group.id]
            self.ref = wants.name(f"group:{group.id}:{index.id}", "household")
            entry: Entry = {"id": group.id, "title": group.title.text(told.lang)}
            entry |= {"cap": told.points(group.cap), "floor": told.points(group.floor)}
        else:
            entry = {"id": "", "title": told.say("explain.no_group"), "cap": None, "floor": None}
        self.template = Template(entry | holes(*order), order)
        self.parts = [plan.ref for plan in self.items] + [plan.ref for plan in self.below if plan.ref is not None]
        self._wraps: Memory[Wrap] = Memory(wants.room)
        self.found = [
            [[plan.found[short][capped] for plan in self.items] for capped in (False, True)] for short in (False, True)
        ]

    def _wrap(self, scene: Scene) -> Wrap:
        summed = total([points_at(ref, scene) for ref in self.parts])
        points = summed if self.ref is None else points_at(self.ref, scene)
        return self._wraps.get((points, summed)) or self._wraps.keep((points, summed), self._wrapped(points, summed))

    def _wrapped(self, points: Ratio | None, summed: Ratio | None) -> Wrap:
        adjustment = None if self.ref is None else difference(points, summed)
        shown = dumps("0" if self.ref is None else text_of(adjustment))
        given = (shown, CUT, CUT, dumps(text_of(points)), dumps(text_of(summed)))
        before, between, after = self.template.fill(given).split(CUT)
        return adjustment is not None and adjustment[0] < 0, before, between, after

    def json(self, scene: Scene, *, short: bool) -> bytes:
        """Its entry."""
        capped, before, between, after = self._wrap(scene)
        entries = [found.json(scene) for found in self.found[short][capped]]
        groups = [plan.json(scene, short=short) for plan in self.below]
        return b"%b%b%b%b%b" % (before, listed(groups), between, listed(entries), after)


class IndexPlan:
    """One index with its groups."""

    def __init__(self, told: Told, wants: Wants, index: Index) -> None:
        table = told.table
        self.index = index
        self.ref = wants.name(f"index:{index.id}", "household")
        self.groups = [GroupPlan(told, wants, group, index) for group in table.group if group.parent is None]
        if any(item.group is None for item in table.item):
            self.groups.append(GroupPlan(told, wants, None, index))
        order = ("adjustment", "exact", "groups", "sum", "value")
        entry: Entry = {"id": index.id, "title": index.title.text(told.lang)}
        entry |= {"cap": told.points(index.cap), "floor": told.points(index.floor)}
        self.template = Template(entry | holes(*order), order)
        self.parts = [ref for plan in self.groups for ref in ([plan.ref] if plan.ref is not None else plan.parts)]
        self._heads: Memory[tuple[bytes, bytes, bytes, bytes]] = Memory(wants.room)

    def json(self, scene: Scene, *, short: bool) -> IndexFound:
        """The index, its groups' entries and its own."""
        key = short, points_at(self.ref, scene), total([points_at(ref, scene) for ref in self.parts])
        value, exact_, before, after = self._heads.get(key) or self._heads.keep(key, self._head(*key))
        groups = listed([plan.json(scene, short=short) for plan in self.groups])
        return IndexFound(value, exact_, groups, before if short else b"%b%b%b" % (before, groups, after))

    def _head(self, short: bool, points: Ratio | None, summed: Ratio | None) -> tuple[bytes, bytes, bytes, bytes]:
        """Its rounded value, its exact one, and its entry around the groups."""
        value = NULL
        if points is not None:
            value = dumps(explain_values.half_up(Fraction(*points), self.index.decimals))
        adjustment, exact_ = dumps(text_of(difference(points, summed))), dumps(text_of(points))
        sum_ = dumps(text_of(summed))
        if short:
            entry = b'{"adjustment":%b,"exact":%b,"id":%b,"sum":%b,"value":%b}' % (
                adjustment, exact_, dumps(self.index.id), sum_, value,
            )  # fmt: skip
            return value, exact_, entry, b""
        before, after = self.template.fill((adjustment, exact_, CUT, sum_, value)).split(CUT)
        return value, exact_, before, after


class IndexFound(NamedTuple):
    """An index of one household, all as JSON: its rounded value, its exact one, its groups, its whole entry."""

    value: bytes
    exact: bytes
    groups: bytes
    entry: bytes
