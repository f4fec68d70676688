"""A checked table to a program that also stores what an explanation shows: nodes, tests, clauses, rows taken."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Literal

from hardship.checking.check import Checked
from hardship.language.fields import Level
from hardship.language.nodes import Aggregate, Node
from hardship.language.table import Test
from hardship.lowering.comparisons import compare
from hardship.lowering.lower import Lowering
from hardship.lowering.ops import Program
from hardship.lowering.stages import Form
from hardship.lowering.values import Value, number

MOST_KEPT = 64


@dataclass(frozen=True, slots=True)
class Wanted:
    """One more store.

    Attributes:
        name: of the store.
        level: its rows.
        kind: `node`: a node's value at `level`; `test`: whether a test holds or is waived; `taken`: the rows that an
            aggregate, standing at `above`, takes; `counted`: whose member counts.
    """

    name: str
    level: Level
    kind: Literal["node", "test", "taken", "counted"]
    node: Node | None = None
    test: Test | None = None
    above: Level = "household"


_kept: OrderedDict[tuple[int, str], tuple[Checked, tuple[Wanted, ...], Program]] = OrderedDict()
_lock = threading.Lock()


def lower_explained(checked: Checked, wanted: Sequence[Wanted], lang: str) -> Program:
    """`lower` with detail `all`, every `wanted` store, Kleene truths `hit:<veto>` and `broken:<require>`, and points.

    `sum:<group>:<index>` before the group's floor and cap (group "": items without one), `capped:<group>:<index>`
    whether that lowers them, `sum:<index>` before those of the index.

    Args:
        lang: of the explanation. The last programs are kept: of one table and language they differ for no day.
    """
    key, stores = (id(checked), lang), tuple(wanted)
    with _lock:
        known = _kept.get(key)
        if known is not None and known[0] is checked and known[1] == stores:
            _kept.move_to_end(key)
            return known[2]
    program = _Explained(checked, stores).program()
    with _lock:
        _kept[key] = checked, stores, program
        if len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return program


class _Explained(Lowering):
    def __init__(self, checked: Checked, wanted: Sequence[Wanted]) -> None:
        super().__init__(checked, "all")
        self.wanted = wanted
        self.hits: dict[str, Value] = {}
        self.forms: dict[str, Form] = {}

    def _items(self) -> dict[str, Form]:
        self.forms = super()._items()
        return self.forms

    def _vetoes(self, forms: dict[str, Form]) -> tuple[dict[str, Value], Value]:
        self.hits, stopped = super()._vetoes(forms)
        return self.hits, stopped

    def _every_name(self) -> None:
        super()._every_name()
        for veto, hit in self.hits.items():
            self._store(f"hit:{veto}", hit)
        for require in self.table.require:
            self._store(f"broken:{require.id}", self.require(require))
        for index in self.indices:
            self._summed(index)
        for one in self.wanted:
            self._store(one.name, self._wanted(one), level=one.level)

    def _summed(self, index: str) -> None:
        """What groups and the index add up before they are bounded."""
        sums = self.sums(self.forms, index)
        groups = self.table.group
        for group in (None, *groups):
            own = None if group is None else group.id
            parts = [self.forms[item.id].points[index] for item in self.table.item if item.group == own]
            below = [sums[child.id] for child in groups if child.parent == own]
            if group is None:
                self._store(f"sum::{index}", self._added(parts))
                self._store(f"sum:{index}", self._added([*parts, *below]))
                continue
            summed = self._added([*parts, *below])
            self._store(f"sum:{own}:{index}", summed)
            self._store(f"capped:{own}:{index}", compare(self.build, ">", summed, sums[group.id]))

    def _added(self, parts: Sequence[Value]) -> Value:
        return reduce(self.build.add, parts, number(0))

    def _wanted(self, one: Wanted) -> Value:
        if one.test is not None:
            return self.passes(one.test, one.level)
        if one.kind == "counted":
            return self.counted
        assert one.node is not None
        if one.kind == "node":
            return self.node(one.node, one.level)
        aggregate = one.node
        assert isinstance(aggregate, Aggregate)
        where = None if aggregate.where is None else self.node(aggregate.where, aggregate.entity)
        return self.taken(aggregate.entity, one.above, aggregate.everyone, where)
