"""Which name means what, at which level, from which stage; the order in which derived values are computed.

Names are unique over all levels and kinds, so a name is found by one look-up; what remains to be checked is
whether it may stand where it stands. `docs/semantics.md` sections 2 and 6 are the rules.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any, Literal

from hardship.errors import Fault, TableError
from hardship.language.expression import RESERVED, STEPS
from hardship.language.fields import DeclaredAttribute, Level
from hardship.language.nodes import PARENT, Aggregate, Call, In, Name, Node, Text, children, walk
from hardship.language.positions import Path, Positions
from hardship.language.sites import Site, Stage, sites
from hardship.language.table import Derive, Item, Table

Role = Literal[
    "attribute", "parameter", "constant", "derive", "item", "group", "index", "ladder",
    "step", "output", "builtin", "lookup", "list",
]  # fmt: skip

_BASE: tuple[Role, ...] = ("attribute", "parameter", "constant")
_SCORES: tuple[Role, ...] = (*_BASE, "derive", "item", "group", "index")
SEES: dict[Stage, tuple[Role, ...]] = {
    "counted": _BASE,
    "require": (*_BASE, "derive"),
    "derive": (*_BASE, "derive"),
    "item": (*_BASE, "derive", "item"),
    "veto": _SCORES,
    "ladder": (*_SCORES, "ladder"),
    "person": (*_SCORES, "ladder"),
    "benefit": (*_SCORES, "ladder", "step"),
    "exit": (*_SCORES, "ladder"),
    "review": (*_SCORES, "ladder"),
    "results": (*_BASE, "derive"),
    "output": (*_SCORES, "ladder", "step", "output"),
    "rank": (*_SCORES, "ladder", "step", "output"),
}
"""The roles that an expression of a stage may name; of its own role only what stands before it."""
_OWN: dict[Stage, Role] = {"item": "item", "ladder": "ladder", "benefit": "step", "output": "output"}
_AFTER_VETO: tuple[Stage, ...] = ("ladder", "person", "benefit", "exit", "review", "output", "rank")
RESULT_COLUMNS = (
    "household_id", "area_code", "outcome", "circle", "position", "rank", "rank_province", "rank_city",
    "rank_county", "rank_township", "rank_village", "rank_circle", "percentile", "index", "index_exact",
    "income_per_head", "gap_to_next_line", "benefit_month", "vetoes", "flags", "assumed", "missing",
    "exit_months", "exit_amount", "review_on", "held",
)  # fmt: skip
"""The columns that every result may have; a table's groups, items, indices and ladders add their own."""


@dataclass(frozen=True, slots=True)
class Named:
    """One name: its role, level and stage, its place in its section, and the model that defines it.

    `definition` is None for the built-in names `on`, `refused`, `deferred`.
    """

    name: str
    role: Role
    level: Level
    stage: Stage
    position: int
    path: Path
    definition: Any


@dataclass(frozen=True)
class Names:
    """All names of one table, resolved.

    Attributes:
        attributes: the dictionary's and the table's own.
        by_name: every name, of any role.
        order: names of all derived values, each after those that it names.
        sites: every expression of the table, in the order of the model.
        unused: parameters, constants, look-ups, lists, derived values and own attributes that nothing names.
    """

    table: Table
    attributes: dict[str, DeclaredAttribute]
    by_name: dict[str, Named]
    order: tuple[str, ...]
    sites: tuple[Site, ...]
    unused: tuple[Named, ...]
    _closures: dict[str, frozenset[str]] = field(default_factory=dict, compare=False, repr=False)

    def attributes_of(self, node: Node, level: Level = "household") -> frozenset[str]:
        """Every attribute that a node standing at `level` names, directly or through other names.

        The attributes of `household.counted` are among them wherever it filters.
        """
        return self._bases(node, level) & self.attributes.keys()

    def parameters_of(self, node: Node, level: Level = "household") -> frozenset[str]:
        """Every parameter that a node standing at `level` names, directly or through other names."""
        return self._bases(node, level) - self.attributes.keys()

    def attributes_of_name(self, name: str) -> frozenset[str]:
        """Every attribute that stands behind a name."""
        return self._behind(name) & self.attributes.keys()

    def parameters_of_name(self, name: str) -> frozenset[str]:
        """Every parameter that stands behind a name."""
        return self._behind(name) - self.attributes.keys()

    def attributes_of_counted(self) -> frozenset[str]:
        """The attributes that decide which members count."""
        return self._counted() & self.attributes.keys()

    def _bases(self, node: Node, level: Level) -> frozenset[str]:
        found: set[str] = set()
        for part in walk(node):
            if isinstance(part, Name):
                found |= self._behind(part.name)
            elif isinstance(part, Aggregate) and level == "household" and not part.everyone:
                found |= self._counted()
        return frozenset(found)

    def _behind(self, name: str) -> frozenset[str]:
        """Attributes and parameters behind a name; nothing for lists, look-ups and the words after `to =`."""
        if name not in self._closures:
            self._closures[name] = frozenset()  # so that groups in a circle, which `check` refuses, end here too
            self._closures[name] = self._closure(name)
        return self._closures[name]

    def _counted(self) -> frozenset[str]:
        counted = self.table.household.counted
        return self._bases(counted.node, "member") if counted else frozenset()

    def _closure(self, name: str) -> frozenset[str]:
        named = self.by_name.get(name)
        if named is None or named.role in ("constant", "lookup", "list"):
            return frozenset()
        if named.role in ("attribute", "parameter"):
            return frozenset((name,))
        if named.role == "builtin":
            return self._verdict(name)
        if named.role == "group":
            below = [item.id for item in self.table.item if item.group == name]
            below += [group.id for group in self.table.group if group.parent == name]
            return frozenset().union(*map(self._behind, below))
        if named.role == "index":
            return frozenset().union(*(self._behind(item.id) for item in self.table.item))
        own = [site for site in self.sites if site.path[:2] == named.path]
        found = frozenset().union(*(self._bases(site.node, site.level) for site in own))
        if named.role == "item" and own and own[0].level != "household" and not named.definition.everyone:
            found |= self._counted()
        return found

    def _verdict(self, name: str) -> frozenset[str]:
        """What stands behind `refused` and `deferred`: vetoes by condition, by items, and requires."""
        effect = {"refused": "refuse", "deferred": "defer"}.get(name)
        ids = {veto.id for veto in self.table.veto if veto.effect == effect}
        found: set[str] = set()
        for site in self.sites:
            if site.stage == "veto" and self.table.veto[site.position].id in ids:
                found |= self._bases(site.node, site.level)
            if site.stage == "require" and self._defers(name, site.position):
                found |= self._bases(site.node, site.level)
        for item in self.table.item:
            if ids & raised(item):
                found |= self._behind(item.id)
        for position, require in enumerate(self.table.require):
            if self._defers(name, position):
                found |= self._behind(require.value)
                if self.by_name[require.value].level != "household":
                    found |= self._counted()
        return frozenset(found)

    def _defers(self, name: str, position: int) -> bool:
        return name == "deferred" and self.table.require[position].outside == "needs_review"


def raised(item: Item) -> frozenset[str]:
    """The vetoes that the bands and cases of an item raise."""
    vetoes = [band.veto for band in item.bands or ()] + [case.veto for case in item.cases or ()]
    return frozenset(veto for veto in vetoes if veto is not None)


def resolve(table: Table, dictionary: Mapping[str, DeclaredAttribute], where: Positions | None = None) -> Names:
    """Find what every name of a table means.

    Raises:
        TableError: all faults at once: names defined twice, unknown (with the nearest known one), below the
            level or after the stage where they are used, of the wrong role, personal, protected without a
            reason; circles of derived values.
    """
    resolver = _Resolver(table, dictionary, where or Positions())
    names = resolver.names()
    if resolver.faults:
        raise TableError(sorted(resolver.faults, key=lambda fault: (fault.line, fault.column)))
    return names


def ancestors(level: Level) -> tuple[str, ...]:
    """A level and all above it."""
    chain = [str(level)]
    while (parent := PARENT[chain[-1]]) is not None:
        chain.append(parent)
    return tuple(chain)


class _Resolver:
    """One pass over a table; gathers faults instead of stopping at the first."""

    def __init__(self, table: Table, dictionary: Mapping[str, DeclaredAttribute], where: Positions) -> None:
        self.table = table
        self.where = where
        self.faults: list[Fault] = []
        self.dictionary = dictionary
        self.attributes = {**dictionary, **{own.name: own for own in table.attribute}}
        self.by_name: dict[str, Named] = {}
        self.used: set[str] = set()

    def names(self) -> Names:
        self.declare()
        found = tuple(sites(self.table, self.level_of))
        for site in found:
            self.visit(site.node, site, site.level, inside=False)
        self.requires()
        self.protected()
        unused = tuple(
            named
            for named in self.by_name.values()
            if named.path
            and named.role in ("attribute", "parameter", "constant", "lookup", "list", "derive")
            and named.name not in self.used
        )
        return Names(self.table, self.attributes, self.by_name, self.order(found), found, unused)

    def level_of(self, name: str) -> Level:
        return self.by_name[name].level if name in self.by_name else "household"

    def fault(self, site: Site, at: int, code: str, hint: str = "", **params: Any) -> None:
        self.faults.append(self.where.fault(site.path, code, at, hint, **params))

    def declare(self) -> None:
        """Enter every name once; the first one keeps it."""
        for attribute in self.dictionary.values():
            self.enter(attribute.name, "attribute", attribute.level, "read", (), attribute)
        self.enter("on", "builtin", "household", "read", (), None)
        self.enter("lot", "builtin", "household", "read", (), None)
        self.enter("refused", "builtin", "household", "veto", (), None)
        self.enter("deferred", "builtin", "household", "veto", (), None)
        for i, attribute in enumerate(self.table.attribute):
            self.enter(attribute.name, "attribute", attribute.level, "read", ("attribute", i), attribute)
        sections: tuple[tuple[str, Role, Stage, tuple[Any, ...]], ...] = (
            ("parameter", "parameter", "read", self.table.parameter),
            ("constant", "constant", "read", self.table.constant),
            ("lookup", "lookup", "read", self.table.lookup),
            ("list", "list", "read", self.table.list),
            ("derive", "derive", "derive", self.table.derive),
            ("item", "item", "item", self.table.item),
            ("group", "group", "group", self.table.group),
            ("index", "index", "index", self.table.index),
            ("ladder", "ladder", "ladder", self.table.ladder),
            ("benefit", "step", "benefit", self.table.benefit),
            ("output", "output", "output", self.table.output),
        )
        columns = self.result_columns()
        for section, role, stage, entries in sections:
            for i, entry in enumerate(entries):
                name = vars(entry).get("name") or vars(entry)["id"]
                level: Level = entry.level if isinstance(entry, Derive) else "household"
                self.enter(name, role, level, stage, (section, i), entry)
                if role == "output" and name in columns:
                    self.faults.append(self.where.fault((section, i, "name"), "table.name_column", found=name))
        for section, ids in (
            ("source", [entry.id for entry in self.table.source]),
            ("require", [entry.id for entry in self.table.require]),
            ("veto", [entry.id for entry in self.table.veto]),
            ("person", [entry.id for entry in self.table.person]),
        ):
            for i, one in enumerate(ids):
                if one in ids[:i]:
                    self.faults.append(self.where.fault((section, i, "id"), "table.name_twice", found=one))

    def result_columns(self) -> set[str]:
        """The columns of this table's results without its outputs, which may take none of these names."""
        own = [f"points_{group.id}" for group in self.table.group]
        own += [f"index_{index.id}" for index in self.table.index]
        own += [f"ladder_{ladder.id}" for ladder in self.table.ladder]
        own += [f"item_{item.id}" for item in self.table.item]
        return {*RESULT_COLUMNS, *own}

    def enter(self, name: str, role: Role, level: Level, stage: Stage, path: Path, definition: Any) -> None:
        key = "id" if role in ("item", "group", "index", "ladder") else "name"
        if path and name in RESERVED:
            self.faults.append(self.where.fault((*path, key), "table.name_reserved", found=name))
            return
        if name in self.by_name:
            first = self.by_name[name]
            code = "table.name_twice" if first.path else "table.name_taken"
            self.faults.append(self.where.fault((*path, key), code, found=name))
            return
        position = path[1] if len(path) > 1 and isinstance(path[1], int) else 0
        self.by_name[name] = Named(name, role, level, stage, position, path, definition)

    def visit(self, node: Node, site: Site, level: Level, inside: bool) -> None:
        """Check the names below a node; `level` is the level at which the node stands."""
        match node:
            case Name():
                self.value(node, site, level, inside)
            case In(options=Name() as options) if not isinstance(node.operand, Text):
                self.visit(node.operand, site, level, inside)
                self.list_name(options, site, level, inside)
            case Call(function="lookup"):
                self.lookup_name(node.arguments[0], site)
                for argument in node.arguments[1:]:
                    self.visit(argument, site, level, inside)
            case Call(function="round"):
                self.visit(node.arguments[0], site, level, inside)
                to = node.option("to")
                if isinstance(to, Name) and to.name not in STEPS:
                    self.step(to, site)
            case Aggregate():
                self.aggregate(node, site, level)
            case _:
                for part in children(node):
                    self.visit(part, site, level, inside)

    def aggregate(self, node: Aggregate, site: Site, level: Level) -> None:
        if level not in ancestors(node.entity)[1:]:
            expected = ", ".join(one for one in ("member", "supporter", "transfer") if level in ancestors(one)[1:])
            params = {"expected": expected or "-", "found": node.entity, "level": level}
            self.fault(site, node.at, "table.name_entity", **params)
            return
        for part in (node.value, node.where):
            if part is not None:
                self.visit(part, site, node.entity, inside=True)
        if node.default is not None:
            self.visit(node.default, site, level, inside=False)

    def find(self, node: Name, site: Site) -> Named | None:
        """The named thing, marked as used; an unknown name is a fault with the nearest known one."""
        named = self.by_name.get(node.name)
        if named is None:
            near = difflib.get_close_matches(node.name, self.by_name, 1, 0.7)
            params = {"found": node.name, "nearest": near[0] if near else ""}
            self.fault(site, node.at, "table.name_unknown", "table.hint_nearest" if near else "", **params)
            return None
        self.used.add(node.name)
        return named

    def list_name(self, node: Name, site: Site, level: Level, inside: bool) -> None:
        """After `in`: a list; anything else is checked as a value, and its type later."""
        named = self.by_name.get(node.name)
        if named is not None and named.role == "list" and node.entity is None:
            self.used.add(node.name)
        else:
            self.value(node, site, level, inside)

    def lookup_name(self, node: Node, site: Site) -> None:
        named = self.find(node, site) if isinstance(node, Name) else None
        if named is not None and named.role != "lookup":
            self.fault(site, node.at, "table.name_lookup", found=named.name)

    def step(self, node: Name, site: Site) -> None:
        named = self.find(node, site)
        if named is not None and named.role != "constant":
            self.fault(site, node.at, "table.name_constant", found=named.name)

    def value(self, node: Name, site: Site, level: Level, inside: bool) -> None:
        """A name that stands for a value: its role, stage and level must fit where it stands."""
        named = self.find(node, site)
        if named is None:
            return
        params = {"found": node.name, "level": named.level, "expected": level}
        if named.role in ("lookup", "list"):
            self.fault(site, node.at, "table.name_no_value", **params)
        elif not self.seen(named, site):
            self.fault(site, node.at, "table.name_stage", **params)
        elif node.entity is not None and node.entity != named.level:
            self.fault(site, node.at, "table.name_dotted", **params)
        elif named.level not in ancestors(level):
            code = "table.name_level_inside" if inside else "table.name_level"
            self.fault(site, node.at, code, **params)
        elif isinstance(named.definition, DeclaredAttribute) and not named.definition.expressions:
            self.fault(site, node.at, "table.name_private", **params)

    def seen(self, named: Named, site: Site) -> bool:
        if named.role == "builtin":
            return named.stage == "read" or site.stage in _AFTER_VETO
        if named.role not in SEES[site.stage]:
            return False
        return _OWN.get(site.stage) != named.role or named.position < site.position

    def requires(self) -> None:
        for i, require in enumerate(self.table.require):
            named = self.by_name.get(require.value)
            path: Path = ("require", i, "value")
            if named is None:
                near = difflib.get_close_matches(require.value, self.by_name, 1, 0.7)
                hint = "table.hint_nearest" if near else ""
                params = {"found": require.value, "nearest": near[0] if near else ""}
                self.faults.append(self.where.fault(path, "table.name_unknown", None, hint, **params))
                continue
            self.used.add(require.value)
            if named.role not in ("attribute", "derive"):
                self.faults.append(self.where.fault(path, "table.name_require", found=require.value))
            elif isinstance(named.definition, DeclaredAttribute) and not named.definition.expressions:
                self.faults.append(self.where.fault(path, "table.name_private", found=require.value))

    def protected(self) -> None:
        """Attributes that the law protects need a reason; a reason needs such an attribute."""
        reasons = {entry.attribute for entry in self.table.table.protected}
        for i, entry in enumerate(self.table.table.protected):
            attribute = self.attributes.get(entry.attribute)
            if attribute is None or not attribute.protected:
                path: Path = ("table", "protected", i, "attribute")
                self.faults.append(self.where.fault(path, "table.name_reason", found=entry.attribute))
        for name in sorted(self.used - reasons):
            attribute = self.attributes.get(name)
            if attribute is not None and attribute.protected:
                path, at = self.first_use(name)
                self.faults.append(self.where.fault(path, "table.name_protected", at, found=name))

    def first_use(self, name: str) -> tuple[Path, int | None]:
        for site in sites(self.table, self.level_of):
            for node in walk(site.node):
                if isinstance(node, Name) and node.name == name:
                    return site.path, node.at
        return next(("require", i, "value") for i, r in enumerate(self.table.require) if r.value == name), None

    def order(self, found: tuple[Site, ...]) -> tuple[str, ...]:
        """Derived values, each after those it names; every circle is a fault that names its members."""
        needs: dict[str, dict[str, None]] = {derive.name: {} for derive in self.table.derive}
        for site in found:
            if site.stage == "derive":
                named = (part.name for part in walk(site.node) if isinstance(part, Name))
                needs[self.table.derive[site.position].name].update((n, None) for n in named if n in needs)
        while True:
            try:
                return tuple(TopologicalSorter(needs).static_order())
            except CycleError as error:
                circle = list(reversed(error.args[1]))[:-1]
                first = min(circle, key=lambda name: self.by_name[name].position)
                turn = circle.index(first)
                members = " → ".join((*circle[turn:], *circle[:turn], first))
                path = self.by_name[first].path
                self.faults.append(self.where.fault(path, "table.name_circle", found=members))
                for name in circle:
                    needs[name] = {}
