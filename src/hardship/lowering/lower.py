"""A checked table to a program: all stages in order, what is stored, and what makes a household incomplete."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from hardship.attributes import value_names
from hardship.checking.check import Checked
from hardship.language.expression import Expression
from hardship.language.fields import Assume, Level, Show
from hardship.language.names import raised
from hardship.language.nodes import Aggregate, walk
from hardship.language.table import Ladder
from hardship.lots import LOT
from hardship.lowering import ops
from hardship.lowering.allocate import arrays
from hardship.lowering.expressions import stored
from hardship.lowering.ops import Program, Sink, Store
from hardship.lowering.stages import EDGES, FEN, Form, Stages, choice
from hardship.lowering.values import NONE, Value, truth

Detail = Literal["standing", "totals", "shares", "results", "items", "all"]
STANDING = frozenset({"missing", "require", "refused", "deferred", "ladder:circle"})
TOTALS = STANDING | {"benefit", "income_per_head", "counted"}
SHARES = STANDING | {"benefit"}
KEPT = {
    "standing": (STANDING, ("person:", "side:")),
    "totals": (TOTALS, ("person:",)),
    "shares": (SHARES, ("person:", "index:")),
}
DEFAULT_SHOW = Show()


def lower(checked: Checked, detail: Detail = "results") -> Program:
    """Lower a checked table.

    Args:
        checked: the table.
        detail: `standing`: who stands where, and both sides of each test of the circle; `totals`: who stands where and
            gets what; `shares`: that and the indices; `results`: what the results need; `items`: also every item's and
            group's points in every index; `all`: also every named value at its level, with its validity.

    Raises:
        EngineError: the checker let something through that cannot be lowered.
    """
    return Lowering(checked, detail).program()


class Lowering(Stages):
    """One table while its stores and sinks are gathered."""

    def __init__(self, checked: Checked, detail: Detail) -> None:
        super().__init__(checked)
        self.detail = detail
        self.stores: list[Store] = []
        self.outputs: dict[tuple[int, bool, str], int] = {}
        self.store_code: list[tuple[int, ...]] = []
        self.sinks: list[tuple[Sink, int]] = []
        self.domains: dict[str, tuple[str, ...]] = {}

    def program(self) -> Program:
        """All stages, then the arrays."""
        for name in self.names.order:  # so that no chain of names is walked by recursion
            self.name(name)
            self.names.attributes_of_name(name)
        forms = self._items()
        hits, stopped = self._vetoes(forms)
        self._ladders(stopped)
        self._persons()
        self._benefit(stopped)
        self._review(stopped)
        self._results()
        self._rank()
        self._planes("veto", [(veto, hit) for veto, hit in hits.items()])
        self._sinks_stored()
        if not self.counted.constant:
            self._store("counted", self.counted, valid=False)
        if self.detail == "all":
            self._every_name()
        return Program(
            arrays=arrays(self.build.code, self.store_code, self.build.pool, reuse=self.detail != "all"),
            columns=tuple(self.columns.values()),
            parameters=tuple((name, den) for name, (_, den) in self.parameters.items()),
            declared=self.table.parameter,
            residences=self._residences(),
            stores=tuple(self.stores),
            sinks=tuple(sink for sink, _ in self.sinks),
            vetoes=tuple(hits),
            requires=tuple(require.id for require in self.table.require),
            domains=self.domains,
            leaves=tuple(f"person:{p.id}:state" for p in self.table.person if p.remaining == "leaves"),
            everyone=any(item.everyone for item in self.table.item)
            or any(
                isinstance(node, Aggregate) and node.everyone for site in self.names.sites for node in walk(site.node)
            ),
            detail=self.detail,
        )

    def _residences(self) -> tuple[tuple[str, ...], int]:
        """The values of `residence_type`, and which one is assumed for a missing one (-1: none)."""
        attribute = self.names.attributes.get("residence_type")
        if attribute is None:
            return (), -1
        policy = self.table.missing.get("residence_type")
        assumed = stored(attribute, policy.assume, ()) if isinstance(policy, Assume) else -1
        return value_names(attribute), assumed

    # ── stages ──

    def _items(self) -> dict[str, Form]:
        table, forms = self.table, {}
        for item in table.item:
            form = forms[item.id] = self.item(item, self.detail == "all")
            main = form.points[self.indices[0]]
            self.enter(item.id, main)
            attributes = self.names.attributes_of_name(item.id)
            self._sink(f"item:{item.id}", [main], attributes, self.names.parameters_of_name(item.id))
            if form.place is not None:
                self._store(f"band:{item.id}", form.place, valid=False, marked=True, level=form.level)
        for number_of, index in enumerate(self.indices):
            sums = self.sums(forms, index)
            self._store(f"index:{index}", sums[""])
            self.enter(index, sums[""])
            for group in table.group:
                if number_of == 0:
                    self.enter(group.id, sums[group.id])
                if number_of == 0 or self.detail in ("items", "all"):
                    self._store(f"group:{group.id}:{index}", sums[group.id])
            if self.detail in ("items", "all"):
                for item in table.item:
                    self._store(f"item:{item.id}:{index}", forms[item.id].points[index])
        return forms

    def _vetoes(self, forms: dict[str, Form]) -> tuple[dict[str, Value], Value]:
        table, names = self.table, self.names
        hits = self.veto_hits(forms)
        for veto in table.veto:
            attributes, parameters = self._behind([veto.when])
            for item in table.item:
                if veto.id in raised(item):
                    attributes |= names.attributes_of_name(item.id)
                    parameters |= names.parameters_of_name(item.id)
            self._sink(f"veto:{veto.id}", [hits[veto.id]], attributes, parameters)
        requires = {require.id: self.require(require) for require in table.require}
        for require in table.require:
            level = names.by_name[require.value].level
            attributes, parameters = self._behind([require.unless], level)
            attributes |= names.attributes_of_name(require.value)
            parameters |= names.parameters_of_name(require.value)
            if level != "household":
                filters = self._behind([table.household.counted], "member")
                attributes, parameters = attributes | filters[0], parameters | filters[1]
            self._sink(f"require:{require.id}", [requires[require.id]], attributes, parameters)
        refused = self.build.either([hits[veto.id] for veto in table.veto if veto.effect == "refuse"])
        deferred = self.build.either(
            [hits[veto.id] for veto in table.veto if veto.effect == "defer"]
            + [requires[require.id] for require in table.require if require.outside == "needs_review"]
        )
        self.enter("refused", refused)
        self.enter("deferred", deferred)
        self._store("refused", refused, valid=False)
        self._store("deferred", deferred, valid=False)
        self._planes("require", list(requires.items()))
        return hits, self.build.either([refused, deferred])

    def _ladders(self, stopped: Value) -> None:
        for ladder in self.table.ladder:
            value = self.ladder(ladder, stopped)
            self.enter(ladder.id, value)
            self._named_sink(ladder.id, "ladder", value, stopped if ladder.id == "circle" else None)
            self._store(f"ladder:{ladder.id}", value, valid=ladder.pick == "all", marked=ladder.pick == "first")
            if ladder.id == "circle" and self.detail == "standing":
                self._sides(ladder)
            elif ladder.id == "circle":
                gap = self.gap(ladder)
                if gap is not None:
                    distance, holds = gap
                    valid = self.build.emit(ops.PASSED, "household", self.build.byte(holds, "household"))
                    self._store("gap", replace(distance, valid=valid), valid=True)

    def _sides(self, ladder: Ladder) -> None:
        """Both sides of every test: `side:<number>:value` and `side:<number>:edge`."""
        for number_of, test in enumerate(test for rung in ladder.rung for test in rung.tests):
            edges = (getattr(test, key) for key in EDGES)
            for part, side in (("value", test.value), ("edge", next(edge for edge in edges if edge is not None))):
                self._store(f"side:{number_of}:{part}", self.node(side.node, "household"), valid=False)

    def _persons(self) -> None:
        for person in self.table.person:
            state, benefit = self.person(person)
            name = f"person:{person.id}"
            self._store(f"{name}:state", state, valid=False, level="member", once=True)
            self._store(f"{name}:benefit", benefit, valid=True, level="member", once=True)

    def _benefit(self, stopped: Value) -> None:
        table, build = self.table, self.build
        for step in table.benefit:
            value = self.node(step.node, "household")
            if step is table.benefit[-1]:
                value = build.select(stopped, Value("number", "household", NONE, 0, 0), value)
                self._store("benefit", self.fen(value))
            self.enter(step.name, value)
            self._named_sink(step.name, "benefit", value, stopped)
        if table.exit is None:
            return
        when = self.node(table.exit.when.node, "household")
        self._expression_sink("exit:when", table.exit.when, when, stopped)
        held = build.both([self.certainly(when), build.negation(self.certainly(stopped))])
        for name, expression in (("months", table.exit.months), ("amount", table.exit.amount)):
            value = self.node(expression.node, "household")
            lacking = build.both([held, build.negation(build.is_known(value))])
            self._expression_sink(f"exit:{name}", expression, self._nulled(lacking))
            shown = build.both([held, build.is_known(value)])
            valid = build.emit(ops.PASSED, "household", build.byte(shown, "household"))
            stored = self.fen(value) if name == "amount" else value
            self._store(f"exit:{name}", replace(stored, valid=valid), valid=True)

    def _review(self, stopped: Value) -> None:
        """Review dates and what is kept; nothing of it is a sink."""
        rule, build = self.table.review, self.build
        if rule is not None:
            when = truth(True) if rule.when is None else self.node(rule.when.node, "household")
            due = build.both([self.certainly(when), build.negation(self.certainly(stopped))])
            months = self.node(rule.months.node, "household")
            since = None if rule.since is None else self.node(rule.since.node, "household")
            dated = build.both([due, *(build.is_known(one) for one in (months, since) if one is not None)])
            valid = build.emit(ops.PASSED, "household", build.byte(dated, "household"))
            self._store("review:months", replace(months, valid=valid), valid=True)
            if since is not None:
                self._store("review:since", replace(since, valid=valid), valid=True)
            if rule.holds is not None:
                holds = self.node(rule.holds.node, "household")
                self._store("review:due", due, valid=False)
                self._store("review:holds", holds, valid=False)
        transition = self.table.transition
        if transition is not None and transition.unless is not None:
            self._store("transition:unless", self.node(transition.unless.node, "household"), valid=False)

    def _nulled(self, missing: Value) -> Value:
        """A truth that is missing where `missing` holds."""
        if missing.constant and missing.lo == 2:
            return truth(True)
        reg = self.build.emit(ops.NOT, "household", self.build.byte(missing, "household"))
        valid = self.build.emit(ops.PASSED, "household", reg)
        return replace(choice(0, "0"), valid=valid)

    def _results(self) -> None:
        expression = self.table.results.income_per_head
        if expression is not None:
            value = self.node(expression.node, "household")
            month = self.monthly(value, self.checked.kind(expression.node).unit)
            self._store("income_per_head", self.build.rounded(month, FEN, self.table.results.mode))
            self._expression_sink("income_per_head", expression, value)
        for output in self.table.output:
            value = self.node(output.node, "household")
            self.enter(output.name, value)
            self._named_sink(output.name, "output", value)
            self._store(f"output:{output.name}", self._shown(value, output.show or DEFAULT_SHOW))

    def _rank(self) -> None:
        rank = self.table.rank
        among = truth(True) if rank.among is None else self.node(rank.among.node, "household")
        self._store("among", among, valid=False)
        if rank.among is not None:
            self._expression_sink("among", rank.among, among)
        for place, key in enumerate(rank.keys):
            value = self.node(key.value.node, "household")
            self._expression_sink(f"rank:{place}", key.value, value)
            show = key.show or (DEFAULT_SHOW if value.divisor is not None else None)
            self._store(f"rank:{place}", value if show is None else self._shown(value, show))

    def _shown(self, value: Value, show: Show) -> Value:
        return self.build.rounded(value, show.to, show.mode) if value.type == "number" else value

    def _every_name(self) -> None:
        """Every value that has a name, of those that the program reads."""
        for named in self.names.by_name.values():
            read = named.role == "attribute" or named.name == LOT
            if named.role in ("lookup", "list") or (read and named.name not in self.columns):
                continue
            self._store(f"name:{named.name}", self.name(named.name), valid=True, level=named.level)

    # ── sinks ──

    def _behind(
        self, expressions: Iterable[Expression | None], level: Level = "household"
    ) -> tuple[frozenset[str], frozenset[str]]:
        """Attributes and parameters behind some expressions."""
        attributes: frozenset[str] = frozenset()
        parameters: frozenset[str] = frozenset()
        for expression in expressions:
            if expression is not None:
                attributes |= self.names.attributes_of(expression.node, level)
                parameters |= self.names.parameters_of(expression.node, level)
        return attributes, parameters

    def _sink(
        self, name: str, values: list[Value], attributes: frozenset[str], parameters: frozenset[str],
        stopped: Value | None = None,
    ) -> None:  # fmt: skip
        """Note a sink that can be missing; none where the household is certainly `stopped`."""
        valid = self.build.valid_of(values, "household")
        if valid == NONE:
            return
        if stopped is not None and not (stopped.constant and stopped.lo == 2):
            certain = self.build.emit(ops.PASSED, "household", self.build.byte(stopped, "household"))
            valid = self.build.emit(ops.OR, "household", *sorted((valid, certain)))
        self.sinks.append((Sink(name, attributes, parameters), valid))

    def _expression_sink(self, name: str, expression: Expression, value: Value, stopped: Value | None = None) -> None:
        self._sink(name, [value], *self._behind([expression]), stopped)

    def _named_sink(self, name: str, kind: str, value: Value, stopped: Value | None = None) -> None:
        attributes, parameters = self.names.attributes_of_name(name), self.names.parameters_of_name(name)
        self._sink(f"{kind}:{name}", [value], attributes, parameters, stopped)

    def _sinks_stored(self) -> None:
        """One bit for each sink that can be missing, eight a byte."""
        for plane, start in enumerate(range(0, len(self.sinks), 8)):
            reg = self.build.emit(ops.CONST_BYTE, "household", imm=0)
            for bit, (_, valid) in enumerate(self.sinks[start : start + 8]):
                reg = self.build.emit(ops.BIT_MISSING, "household", reg, valid, imm=bit)
            self._out(Store("missing", "planes", "household", "byte", word=False, plane=plane), reg)

    def _planes(self, name: str, truths: list[tuple[str, Value]]) -> None:
        """One bit for each truth that certainly holds, eight a byte."""
        for plane, start in enumerate(range(0, len(truths), 8)):
            reg = self.build.emit(ops.CONST_BYTE, "household", imm=0)
            for bit, (_, value) in enumerate(truths[start : start + 8]):
                hit = self.build.byte(value, "household")
                reg = self.build.emit(ops.BIT, "household", reg, hit, imm=bit)
            self._out(Store(name, "planes", "household", "byte", word=False, plane=plane), reg)

    # ── stores ──

    def _out(self, store: Store, reg: int, once: bool = False) -> None:
        if self.detail in KEPT:
            names, beginnings = KEPT[self.detail]
            if store.name not in names and not store.name.startswith(beginnings):
                return
        # Two bit planes of the same eight facts are two places still: each is given out by its number.
        key = (reg, once, f"{store.name}:{store.plane}" if store.part == "planes" else "")
        if key not in self.outputs:
            op = ops.STORE_WORD if store.word else ops.STORE_BYTE
            level, number = ops.LEVEL[store.level], len(self.outputs)
            self.store_code.append((op, level, 0, reg, NONE, NONE, NONE, number, int(once), 0))
            self.outputs[key] = number
        self.stores.append(replace(store, output=self.outputs[key]))

    def _store(
        self, name: str, value: Value, *, valid: bool | None = None, marked: bool = False, once: bool = False,
        level: Level | None = None,
    ) -> None:  # fmt: skip
        """Store a value; `valid` also its validity (by default only in detail `all`); `marked`: 255 where missing."""
        build, level = self.build, level or value.level
        value = build.at(value, level)
        valid = self.detail == "all" if valid is None else valid
        word = value.type not in ("bool", "enum")
        reg = build.word(value, level) if word else build.byte(value, level)
        known = build.known(value)
        if marked and known != NONE:
            reg = build.emit(ops.MARK, level, reg, known)
        over = value.divisor
        if value.domain:
            self.domains[name] = value.domain
        self._out(Store(name, "value", level, value.type, word, value.den, over.den if over else 1), reg, once)
        if over is not None:
            self._out(Store(name, "divisor", level, "number", True, over.den), over.reg, once)
        if valid and known != NONE and value.type != "bool":
            self._out(Store(name, "valid", level, "byte", False), known, once)
