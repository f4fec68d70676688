"""What `infer` and its helpers share: the marks for faulty kinds, the words of messages, units and ratios."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, Protocol

from hardship.language import scales
from hardship.language.kinds import Kind
from hardship.language.nodes import Call, Cases, Negate, Node, Number
from hardship.language.units import Unit, parse
from hardship.messages import Term

BAD = Kind("number", lo=1, hi=-1)
"""Stands for a value that already has a fault, so that one mistake is reported once; compared by identity."""

BOOL = Kind("bool", lo=0, hi=1)

TYPES = {
    "number": Term("table.type_number"),
    "bool": Term("table.type_bool"),
    "enum": Term("table.type_enum"),
    "set": Term("table.type_set"),
    "code": Term("table.type_code"),
    "date": Term("table.type_date"),
    "ratio": Term("table.type_ratio"),
}


class Report(Protocol):
    """Takes one fault at a node."""

    def __call__(self, node: Node, code: str, hint: str = "", **params: Any) -> None: ...


Proved = frozenset[tuple[str, str]]
"""What earlier cases say of divisors: (`spell` of the divisor, "positive" or "nonzero")."""


def unit_text(unit: Unit) -> str:
    """A unit in a message."""
    return str(unit) or Term("table.no_unit")


def unit_hint(left: Unit, right: Unit) -> str:
    """What to do where one side counts by the month and the other by the year."""
    month, year = parse("1/month"), parse("1/year")
    return "table.hint_period" if {left / month, left / year} & {right / month, right / year} else ""


def is_zero(node: Node) -> bool:
    """True for `0` and for choices between zeros: they fit every unit."""
    match node:
        case Number():
            return node.value == 0
        case Negate():
            return is_zero(node.operand)
        case Cases():
            return all(is_zero(value) for _, value in node.cases) and is_zero(node.otherwise)
        case Call(function="min" | "max" | "clip"):
            return all(is_zero(argument) for argument in node.arguments)
    return False


def missing(kinds: Iterable[Kind]) -> frozenset[str]:
    """The union of what can make the kinds missing."""
    return frozenset().union(*(kind.missing for kind in kinds))


def as_ratio(kind: Kind, divisor: Kind, key: str) -> Kind:
    """A plain number written over a ratio's divisor."""
    low, high = scales.product(kind, divisor)
    return replace(kind, den=kind.den * divisor.den, lo=low, hi=high, divisor=divisor, divisor_key=key, constant=False)


def nearest(found: str, legal: Sequence[str]) -> dict[str, str]:
    """The hint for a misspelt value, as keywords of a report."""
    close = difflib.get_close_matches(found, legal, 1)
    return {"hint": "table.hint_nearest", "nearest": close[0]} if close else {}


def written(value: Fraction | int) -> str:
    """A number in a message: its decimals, or a fraction where they do not end within nine."""
    value = Fraction(value)
    for places in range(10):
        if 10**places % value.denominator == 0:
            digits = f"{abs(value.numerator) * 10**places // value.denominator:0{places + 1}d}"
            whole, part = digits[: len(digits) - places], digits[len(digits) - places :]
            return ("-" if value < 0 else "") + whole + (f".{part}" if places else "")
    return str(value)


def listing(values: Sequence[str]) -> str:
    """Legal values in a message; the first twelve."""
    return ", ".join(values[:12]) + (", …" if len(values) > 12 else "")
