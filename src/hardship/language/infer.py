"""The `Kind` of every node: type, unit, denominator, interval, what makes it missing; and proofs.

An interval holds for **every** lane of a machine register: also for values that a choice discards, that are
missing (a missing attribute reads its lower bound, an empty look-up cell its table's smallest one) or that a
`[[require]]` has clamped. So what is proved here needs no test while a register is scored:

- every integer over its denominator, every part scaled to a common denominator, and every integer that a
  rounding or a comparison multiplies, lies within ±(2**63 − 1). `scales` says which products those are.
- every divisor is at least 1 (its smallest positive step) in every lane: by its own interval; or because the
  case is only taken where it is positive. There the divisor node's own interval still reaches below 1, and
  the machine divides by `max(d, 1)`; the kind of the ratio carries the divisor so clamped.
- units agree, texts are legal, look-ups cover their arguments.

`Kind.missing` names the attributes that can make a value missing, and `lookup:<name>` for an empty cell. It
is not narrowed by guards such as `known(x) and …`: a node's validity follows from its parts alone. (`absorb`
does narrow.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from hardship.language import infer_calls, infer_texts, nodes, scales
from hardship.language.infer_base import (
    BAD,
    BOOL,
    TYPES,
    Proved,
    Report,
    as_ratio,
    is_zero,
    missing,
    unit_hint,
    unit_text,
)
from hardship.language.kinds import Kind
from hardship.language.names import Names
from hardship.language.nodes import Node
from hardship.language.spelling import spell
from hardship.language.units import NONE, Unit
from hardship.limits import INT64


class Inference:
    """Annotates trees with kinds; one for each table.

    Attributes:
        of_node: kind of every node inferred so far, by identity.
        of_name: kind of every name inferred so far; `check` adds each after its expression.
        lookups: kind of every look-up's cells.
        filtered: True if members can be not counted.
        leaving: True if a member can leave the household (a `[[person]]` with `remaining = "leaves"`).
        counted: kind of `household.counted`.
    """

    def __init__(self, names: Names, report: Report) -> None:
        self.names = names
        self.table = names.table
        self.report = report
        self.of_node: dict[int, Kind] = {}
        self.of_name: dict[str, Kind] = {}
        self.lookups: dict[str, Kind] = {}
        self.leaving = any(person.remaining == "leaves" for person in self.table.person)
        self.filtered = self.table.household.counted is not None or self.leaving
        self.counted = BOOL

    # ── entry ──

    def infer(
        self, node: Node, level: str, domain: tuple[str, ...] | None = None, proved: Proved = frozenset()
    ) -> Kind:
        """The kind of a node that stands at `level`; `BAD` after a fault.

        `domain` gives the legal values of a text that stands alone; `proved` what earlier cases say of
        divisors.
        """
        kind = self._kind(node, level, domain, proved)
        if kind is not BAD and kind.type == "number":
            if kind.constant and kind.divisor is None:
                value = Fraction(kind.lo, kind.den)
                kind = replace(kind, den=value.denominator, lo=value.numerator, hi=value.numerator)
            if not self.fits(node, kind.lo, kind.hi) or not self.fits(node, kind.den):
                kind = BAD
        self.of_node[id(node)] = kind
        return kind

    def _kind(self, node: Node, level: str, domain: tuple[str, ...] | None, proved: Proved) -> Kind:
        match node:
            case nodes.Number():
                return Kind("number", lo=node.value, hi=node.value, constant=True)
            case nodes.Truth():
                return replace(BOOL, lo=int(node.value), hi=int(node.value))
            case nodes.Text():
                return infer_texts.text(self, node, domain)
            case nodes.Name():
                return self.of_name.get(node.name, BAD)
            case nodes.Negate():
                operand = self.number(node.operand, level, proved)
                return operand if operand is BAD else replace(operand, lo=-operand.hi, hi=-operand.lo)
            case nodes.Binary():
                return self._binary(node, level, proved)
            case nodes.Compare():
                return self._compare(node, level, proved)
            case nodes.In():
                return infer_texts.membership(self, node, level, proved)
            case nodes.And() | nodes.Or():
                return self._logic([self.truth(part, level, proved) for part in node.operands])
            case nodes.Not():
                return self.truth(node.operand, level, proved)
            case nodes.Cases():
                return self._cases(node, level, domain, proved)
            case nodes.Call():
                return infer_calls.call(self, node, level, domain, proved)
            case nodes.Aggregate():
                return infer_calls.aggregate(self, node, level, proved)
        raise TypeError(type(node).__name__)

    def number(self, node: Node, level: str, proved: Proved = frozenset()) -> Kind:
        """The kind of a node that must be a number."""
        return self.expect(node, "number", level, proved)

    def truth(self, node: Node, level: str, proved: Proved = frozenset()) -> Kind:
        """The kind of a node that must be true or false."""
        return self.expect(node, "bool", level, proved)

    def expect(self, node: Node, wanted: str, level: str, proved: Proved = frozenset()) -> Kind:
        """The kind of a node that must have one type; `BAD` with a fault otherwise."""
        kind = self.infer(node, level, None, proved)
        if kind is BAD or kind.type == wanted:
            return kind
        self.report(node, "table.type", expected=TYPES[wanted], found=TYPES[kind.type], text=spell(node))
        return BAD

    def plain(self, node: Node, level: str, proved: Proved = frozenset()) -> Kind:
        """The kind of a node that must be a number and no ratio."""
        kind = self.number(node, level, proved)
        if kind is not BAD and kind.divisor is not None:
            self.report(node, "table.ratio_here", "table.hint_round", text=spell(node))
            return BAD
        return kind

    # ── proofs ──

    def fits(self, node: Node, *bounds: int) -> bool:
        """Whether integers stay within 64 bits; a fault that names the largest part otherwise."""
        widest = max(abs(bound) for bound in bounds)
        if widest <= INT64:
            return True
        part, reach = self._largest(node)
        self.report(node, "table.overflow", "table.hint_overflow", digits=len(str(widest)), part=part, reach=reach)
        return False

    def _largest(self, node: Node) -> tuple[str, str]:
        """The name below a node that reaches furthest, and how far."""
        found = [("", Fraction(0))]
        for part in nodes.walk(node):
            kind = self.of_name.get(part.name, BAD) if isinstance(part, nodes.Name) else BAD
            if isinstance(part, nodes.Name) and kind is not BAD and kind.type == "number":
                found.append((part.name, max(map(abs, scales.value_range(kind)))))
        name, reach = max(found, key=lambda pair: pair[1])
        return name or spell(node), f"{int(reach):,}"

    def units(self, parts: Sequence[tuple[Node, Kind]]) -> Unit | None:
        """The unit that all numbers share, zeros left out; None after a fault."""
        first: tuple[Node, Unit] | None = None
        for node, kind in parts:
            if is_zero(node):
                continue
            if first is None:
                first = (node, kind.unit)
            elif kind.unit != first[1]:
                self.report(
                    node, "table.unit", unit_hint(first[1], kind.unit), expected=unit_text(first[1]),
                    found=unit_text(kind.unit), text=spell(node),
                )  # fmt: skip
                return None
        return first[1] if first else NONE

    def aligned(self, parts: Sequence[tuple[Node, Kind]]) -> list[Kind] | None:
        """Numbers over one denominator and, if one is a ratio, over one divisor; None after a fault."""
        ratios = {kind.divisor_key: kind.divisor for _, kind in parts if kind.divisor is not None}
        if len(ratios) > 1:
            node = next(node for node, kind in reversed(parts) if kind.divisor is not None)
            self.report(node, "table.ratio_divisors", "table.hint_one_divisor", keys=" ; ".join(sorted(ratios)))
            return None
        kinds = [kind for _, kind in parts]
        for key, divisor in ratios.items():
            assert divisor is not None
            kinds = [kind if kind.divisor else as_ratio(kind, divisor, key) for kind in kinds]
        den = scales.common(kinds)
        scaled = []
        for (node, _), kind in zip(parts, kinds, strict=True):
            low, high = scales.scaled(kind, den)
            if not self.fits(node, low, high, den, kind.lo, kind.hi):
                return None
            scaled.append(replace(kind, den=den, lo=low, hi=high))
        return scaled

    def join(self, parts: Sequence[tuple[Node, Kind]]) -> Kind:
        """The kind of a value that is one of several: all of one type, unit and domain."""
        kinds = [kind for _, kind in parts]
        if BAD in kinds:
            return BAD
        for node, kind in parts:
            if kind.domain != kinds[0].domain and kind.type == kinds[0].type == "enum":
                self.report(node, "table.choice_values", text=spell(node))
                return BAD
            if kind.type != kinds[0].type or kind.type in ("set", "code"):
                self.report(
                    node,
                    "table.choice",
                    expected=TYPES[kinds[0].type],
                    found=TYPES[kind.type],
                    text=spell(node),
                )
                return BAD
        if kinds[0].type == "number":
            unit, over = self.units(parts), self.aligned(parts)
            if unit is None or over is None:
                return BAD
            kinds = [replace(kind, unit=unit) for kind in over]
        return replace(
            kinds[0],
            lo=min(kind.lo for kind in kinds),
            hi=max(kind.hi for kind in kinds),
            missing=missing(kinds),
            constant=False,
        )

    # ── operators ──

    def _binary(self, node: nodes.Binary, level: str, proved: Proved) -> Kind:
        left, right = self.number(node.left, level, proved), self.number(node.right, level, proved)
        if left is BAD or right is BAD:
            return BAD
        if node.op in "+-":
            return self._sum(node, left, right)
        return self._product(node, left, right) if node.op == "*" else self._quotient(node, level, left, right, proved)

    def _sum(self, node: nodes.Binary, left: Kind, right: Kind) -> Kind:
        parts = [(node.left, left), (node.right, right)]
        unit = self.units(parts)
        over = self.aligned(parts)
        if unit is None or over is None:
            return BAD
        a, b = over
        low, high = (a.lo + b.lo, a.hi + b.hi) if node.op == "+" else (a.lo - b.hi, a.hi - b.lo)
        constant = left.constant and right.constant
        return replace(a, unit=unit, lo=low, hi=high, missing=missing(over), constant=constant)

    def _product(self, node: nodes.Binary, left: Kind, right: Kind) -> Kind:
        if left.divisor is not None and right.divisor is not None:
            self.report(node.right, "table.ratio_here", "table.hint_round", text=spell(node.right))
            return BAD
        low, high = scales.product(left, right)
        return Kind(
            "number",
            unit=left.unit * right.unit,
            den=left.den * right.den,
            lo=low,
            hi=high,
            missing=missing((left, right)),
            divisor=left.divisor or right.divisor,
            divisor_key=left.divisor_key or right.divisor_key,
            constant=left.constant and right.constant,
        )

    def _quotient(self, node: nodes.Binary, level: str, left: Kind, right: Kind, proved: Proved) -> Kind:
        if right.divisor is not None:
            self.report(node.right, "table.ratio_here", "table.hint_round", text=spell(node.right))
            return BAD
        unit = left.unit / right.unit
        if right.constant:
            if right.lo <= 0:
                found = Fraction(right.lo, right.den)
                self.report(node.right, "table.divisor_constant", text=spell(node.right), found=found)
                return BAD
            # x / (p/q) = x · q / p
            low, high = left.lo * right.den, left.hi * right.den
            return replace(left, unit=unit, den=left.den * right.lo, lo=low, hi=high)
        divisor = self._divisor(node.right, spell(node.right, level), right, proved)
        if divisor is None:
            return BAD
        key = spell(node.right, level)
        if left.divisor is not None:
            low, high = scales.product(left.divisor, divisor)
            den = left.divisor.den * divisor.den
            if not self.fits(node, low, high, den):
                return BAD
            divisor = replace(divisor, unit=left.divisor.unit * divisor.unit, den=den, lo=low, hi=high)
            key = f"({left.divisor_key}) * ({key})"
        return replace(
            left,
            unit=unit,
            missing=missing((left, right)),
            divisor=divisor,
            divisor_key=key,
            constant=False,
        )

    def _divisor(self, node: Node, key: str, kind: Kind, proved: Proved) -> Kind | None:
        """The divisor's kind with its proof, or None after a fault."""
        positive = kind.lo >= 1 or (key, "positive") in proved or ((key, "nonzero") in proved and kind.lo >= 0)
        if positive and kind.hi >= 1:
            return replace(kind, lo=max(kind.lo, 1))
        code = "table.divisor_negative" if kind.lo < 0 else "table.divisor_zero"
        low = Fraction(kind.lo, kind.den)
        self.report(node, code, "table.hint_divisor", text=spell(node), low=low)
        return None

    def _logic(self, kinds: Sequence[Kind]) -> Kind:
        return BAD if BAD in kinds else replace(BOOL, missing=missing(kinds))

    def _compare(self, node: nodes.Compare, level: str, proved: Proved) -> Kind:
        sides = (node.left, node.right)
        texts = [side for side in sides if isinstance(side, nodes.Text)]
        if len(texts) == 1:
            other = next(side for side in sides if side is not texts[0])
            kind = self.infer(other, level, None, proved)
            if kind is BAD:
                return BAD
            return infer_texts.match(self, other, kind, texts) if node.op in ("==", "!=") else self._order(node, kind)
        left, right = (self.infer(side, level, (), proved) for side in sides)
        if left is BAD or right is BAD:
            return BAD
        if left.type != right.type:
            expected, found = TYPES[left.type], TYPES[right.type]
            self.report(node.right, "table.type", expected=expected, found=found, text=spell(node.right))
            return BAD
        if left.type == "date":
            return replace(BOOL, missing=missing((left, right)))
        if left.type != "number":
            return self._order(node, left)
        parts = [(node.left, left), (node.right, right)]
        if self.units(parts) is None or not self.comparable(node, left, right):
            return BAD
        return replace(BOOL, missing=missing((left, right)))

    def comparable(self, node: Node, left: Kind, right: Kind) -> bool:
        """Whether the two sides of a comparison stay within the machine's integers."""
        a, b = scales.cross(left, right)
        return self.fits(node, left.lo * a, left.hi * a, a, right.lo * b, right.hi * b, b)

    def _order(self, node: Node, kind: Kind) -> Kind:
        self.report(node, "table.compare", "table.hint_compare", found=TYPES[kind.type], text=spell(node))
        return BAD

    def _cases(self, node: nodes.Cases, level: str, domain: tuple[str, ...] | None, proved: Proved) -> Kind:
        values = [*(value for _, value in node.cases), node.otherwise]
        given = domain or infer_texts.choice_domain(self, values)
        parts, conditions = [], []
        for condition, value in node.cases:
            conditions.append(self.truth(condition, level, proved))
            taken = proved | facts(condition, level, True)
            parts.append((value, self.infer(value, level, given, taken)))
            proved = proved | facts(condition, level, False)
        parts.append((node.otherwise, self.infer(node.otherwise, level, given, proved)))
        joined = self.join(parts)
        if joined is BAD or BAD in conditions:
            return BAD
        return replace(joined, missing=joined.missing | missing(conditions))


def facts(condition: Node, level: str, holds: bool) -> Proved:
    """What a condition says of a divisor where it is true (`holds`), or where it is false."""
    if not isinstance(condition, nodes.Compare):
        return frozenset()
    left, right = condition.left, condition.right
    op: str = condition.op
    if is_zero(left):
        left, right = right, left
        op = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(op, op)
    if not is_zero(right):
        return frozenset()
    says = {
        (False, "=="): "nonzero",
        (False, "<="): "positive",
        (True, ">"): "positive",
        (True, "!="): "nonzero",
    }
    word = says.get((holds, op))
    return frozenset({(spell(left, level), word)}) if word else frozenset()
