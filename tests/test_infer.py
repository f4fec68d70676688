"""Kinds of nodes: worked examples, and random expressions against a brute-force evaluator of all lanes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardship.errors import Fault
from hardship.language import scales
from hardship.language.expression import parse
from hardship.language.infer import Inference
from hardship.language.infer_base import BAD
from hardship.language.kinds import Kind
from hardship.language.nodes import (
    Aggregate,
    And,
    Binary,
    Call,
    Cases,
    Compare,
    Name,
    Negate,
    Node,
    Not,
    Number,
    Or,
    Text,
    walk,
)
from hardship.language.spelling import spell
from hardship.limits import INT64
from hardship.load import load_text

TITLE = 'title = { zh = "例", en = "x" }'
OWN = {
    "a": ("household", "int", "", (-2, 3)),
    "b": ("household", "int", "", (0, 2)),
    "m": ("household", "money", "money", (Fraction(-3, 100), Fraction(1, 20))),
    "w": ("member", "int", "", (-1, 2)),
    "v": ("member", "money", "money", (0, Fraction(1, 100))),
}
CONSTANTS = {"half": (Fraction(1, 2), ""), "five": (Fraction(5, 3), ""), "neg": (Fraction(-2), "")}


def base_table() -> str:
    """A table that declares the small names of the random expressions."""
    head = f'id = "t"\nversion = 2018-01-01\n{TITLE}\nplace = {{ zh = "x", en = "x" }}\ncurrency = "CNY"'
    parts = [f"[table]\n{head}\n"]
    for name, (level, type_, unit, (low, high)) in OWN.items():
        shape = f'level = "{level}"\ntype = "{type_}"\nunit = "{unit}"\nbounds = [{float(low)}, {float(high)}]'
        parts.append(f'[[attribute]]\nname = "{name}"\n{TITLE}\n{shape}')
    for flag in ("p", "q"):
        parts.append(f'[[attribute]]\nname = "{flag}"\n{TITLE}\nlevel = "household"\ntype = "bool"')
    for name, (value, unit) in CONSTANTS.items():
        number = f'"{value.numerator}/{value.denominator}"'
        parts.append(f'[[constant]]\nname = "{name}"\n{TITLE}\nunit = "{unit}"\nvalue = {number}')
    parts.append('[rank]\nkeys = [{ value = "0", order = "ascending" }]\n')
    return "\n".join(parts)


CHECKED = load_text(base_table())


def inference() -> tuple[Inference, list[Fault]]:
    """A fresh inference over the small names, and where its faults go."""
    faults: list[Fault] = []

    def report(node: Node, code: str, hint: str = "", **params: Any) -> None:
        faults.append(Fault(code, column=node.at + 1, params=params, hint=hint))

    run = Inference(CHECKED.names, report)
    run.of_name.update(CHECKED.kind_of_name)
    return run, faults


def kind_of(text: str, level: str = "household") -> Kind:
    run, faults = inference()
    kind = run.infer(parse(text).node, level)
    assert not faults, faults
    return kind


def shown(kind: Kind) -> str:
    """A number's kind in one line: bounds / den, unit, divisor."""
    over = f" over {kind.divisor.lo}..{kind.divisor.hi}/{kind.divisor.den}" if kind.divisor else ""
    return f"{kind.lo}..{kind.hi}/{kind.den} {kind.unit}{over}".rstrip()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b", "-2..5/1"),
        ("a - b", "-4..3/1"),
        ("a * b", "-4..6/1"),
        ("m * a", "-10..15/100 money"),
        ("m + m", "-6..10/100 money"),
        ("max(0, m)", "0..5/100 money"),
        ("m * half", "-3..5/200 money"),
        ("m / five", "-9..15/500 money"),
        ("half + five", "13..13/6"),
        ("half * five", "5..5/6"),
        ("five / half", "10..10/3"),
        ("a + half", "-3..7/2"),
        ("-five", "-5..-5/3"),
        ("clip(a, 0, 1)", "0..1/1"),
        ("a if p else m / m if q else b", None),
        ("a if p else b", "-2..3/1"),
        ("m if p else 0", "-3..5/100 money"),
        ("floor(m)", "-1..0/1 money"),
        ("ceil(m)", "0..1/1 money"),
        ("round(m, to = jiao, mode = 'half_up')", "0..1/10 money"),
        ("round(five, to = whole, mode = 'half_up')", "2..2/1"),
        ("round(-half, to = whole, mode = 'half_up')", "-1..-1/1"),
        ("round(half, to = whole, mode = 'half_even')", "0..0/1"),
        ("round(a, to = five, mode = 'floor')", "-10..5/3"),
        ("count(member)", "1..200/1"),
        ("count(member, where = w > 0)", "0..200/1"),
        ("sum(member.w)", "-200..400/1"),
        ("sum(member.w + five)", "0..2200/3"),
        ("sum(member.v)", "0..200/100 money"),
        ("largest(member.w, default = 0)", "-1..2/1"),
        ("smallest(member.w, default = 1 + 1 + 1)", "-1..3/1"),
        ("m / count(member)", "-3..5/100 money over 1..200/1"),
        ("m / count(member) / (b + 1)", "-3..5/100 money over 1..600/1"),
        ("m / count(member) * half", "-3..5/200 money over 1..200/1"),
        ("m / count(member) + m", "-603..1005/100 money over 1..200/1"),
        ("max(0, m / count(member))", "0..5/100 money over 1..200/1"),
        ("m / (b + half)", "-3..5/100 money over 1..5/2"),
        ("0 if b == 0 else m / b", "-3..5/100 money over 1..2/1"),
        ("0 if a <= 0 else m / a", "-3..5/100 money over 1..3/1"),
        ("m / b if b > 0 else 0", "-3..5/100 money over 1..2/1"),
        ("m / b if b != 0 else 0", "-3..5/100 money over 1..2/1"),
        ("0 if 0 == b else m / b", "-3..5/100 money over 1..2/1"),
        ("or_else(m, 0)", "-3..5/100 money"),
    ],
)  # fmt: skip
def test_kinds_by_hand(text: str, expected: str | None) -> None:
    run, faults = inference()
    kind = run.infer(parse(text).node, "household")
    if expected is None:
        assert faults
    else:
        assert not faults
        assert shown(kind) == expected


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("a + b", "a b"),
        ("half + five", ""),
        ("known(a)", ""),
        ("or_else(a, b)", "a b"),
        ("or_else(a, 0)", ""),
        ("p and a > b", "a b p"),
        ("count(member)", ""),
        ("sum(member.w, where = member.v > 0)", "v w"),
        ("a if p else 0", "a p"),
    ],
)
def test_what_makes_a_value_missing(text: str, missing: str) -> None:
    assert kind_of(text).missing == frozenset(missing.split())


def test_a_count_may_be_zero_once_members_can_be_left_out() -> None:
    run, _ = inference()
    run.filtered = True
    assert run.infer(parse("count(member)").node, "household").lo == 0
    assert run.infer(parse("count(member, everyone = true)").node, "household").lo == 1


@pytest.mark.parametrize(
    "text",
    [
        "a < b", "m / count(member) < m", "m / count(member) < m / (b + 1)",
        "m / count(member) <= m / count(member)",
        "a == half", "0 < m", "m / (b + half) > five * m",
    ],
)  # fmt: skip
def test_cross_factors_compare_exactly(text: str) -> None:
    """`left.n · a · right.d < right.n · b · left.d` says the same as the fractions."""
    node = parse(text).node
    assert isinstance(node, Compare)
    run, faults = inference()
    run.infer(node, "household")
    assert not faults
    left, right = run.of_node[id(node.left)], run.of_node[id(node.right)]
    a, b = scales.cross(left, right)
    same = left.divisor is not None and left.divisor_key == right.divisor_key
    for n, d, k, e in itertools.product((left.lo, 1, left.hi), (1, 2, 7), (right.lo, 1, right.hi), (1, 3)):
        d, e = (d if left.divisor else 1), (e if right.divisor else 1)
        if same:
            e = d
        exact = _value(left, n, d) < _value(right, k, e)
        assert (n * a < k * b if same else n * a * e < k * b * d) == exact


def _value(kind: Kind, n: int, d: int) -> Fraction:
    return Fraction(n, kind.den) / (Fraction(d, kind.divisor.den) if kind.divisor else 1)


@pytest.mark.parametrize("to", [Fraction(1), Fraction(1, 100), Fraction(5, 3), Fraction(10)])
@pytest.mark.parametrize("text", ["m", "a", "m * half", "m / count(member)", "m / (b + half)"])
def test_rounding_factors_round_exactly(text: str, to: Fraction) -> None:
    kind = kind_of(text)
    a, b = scales.rounding(kind, to)
    for n, d in itertools.product((kind.lo, -1, 0, 2, kind.hi), (1, 2, 7)):
        d = d if kind.divisor else 1
        assert Fraction(n * a, d * b) == _value(kind, n, d) / to


@given(st.fractions(max_denominator=40), st.sampled_from(["floor", "ceil", "half_up", "half_even"]))
def test_rounded(value: Fraction, mode: str) -> None:
    found = scales.rounded(value, mode)
    assert abs(found - value) <= (1 if mode in ("floor", "ceil") else Fraction(1, 2))
    if mode == "floor":
        assert found <= value < found + 1
    if mode == "ceil":
        assert found - 1 < value <= found
    if abs(found - value) == Fraction(1, 2) and mode.startswith("half"):
        assert found % 2 == 0 if mode == "half_even" else abs(found) > abs(value)


# ── random expressions: every node, in every lane ──

PLAIN = st.sampled_from(["a", "b", "half", "five", "neg", "0", "1", "count(member)", "sum(member.w)"])
MONEY = st.sampled_from(["m", "0", "sum(member.v)", "largest(member.v, default = m)"])


@st.composite
def numbers(draw: st.DrawFn, depth: int = 3, money: bool = False) -> str:
    """A random number expression in one unit; some are refused by the checker."""
    leaf = MONEY if money else PLAIN
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        return draw(leaf)

    def part(of: bool = money) -> str:
        return draw(numbers(depth - 1, of))

    form = draw(st.integers(0, 9))
    match form:
        case 0 | 1:
            return f"({part()} {draw(st.sampled_from(['+', '-']))} {part()})"
        case 2:
            return f"({part()} * {part(False)})"
        case 3:
            return f"({part()} / {draw(st.sampled_from(['half', 'five', 'count(member)', '(b + 1)', 'b']))})"
        case 4:
            return f"{draw(st.sampled_from(['min', 'max']))}({part()}, {part()})"
        case 5:
            return f"clip({part()}, {part()}, {part()})"
        case 6:
            return f"({part()} if {draw(truths(depth - 1))} else {part()})"
        case 7:
            mode = draw(st.sampled_from(["floor", "ceil", "half_up", "half_even"]))
            to = draw(st.sampled_from(["cent", "whole"] if money else ["cent", "whole", "half", "five"]))
            return f"round({part()}, to = {to}, mode = '{mode}')"
        case 8:
            return f"(0 if b == 0 else {part()} / b)"
        case _:
            return f"(-{part()})"


@st.composite
def truths(draw: st.DrawFn, depth: int = 1) -> str:
    if depth <= 0:
        return draw(st.sampled_from(["p", "q", "not p", "b > 0", "b == 0"]))
    op = draw(st.sampled_from(["<", "<=", "==", "!="]))
    return f"({draw(numbers(depth - 1))} {op} {draw(numbers(depth - 1))})"


Row = dict[str, Any]


class Lanes:
    """Evaluates every node of a tree at one household, also what a choice discards; records all values."""

    def __init__(self, household: Row, members: list[Row]) -> None:
        self.household, self.members = household, members
        self.seen: list[tuple[Node, Any]] = []

    def value(self, node: Node, row: Row) -> Any:
        found = self._value(node, row)
        self.seen.append((node, found))
        return found

    def _value(self, node: Node, row: Row) -> Any:
        match node:
            case Number():
                return Fraction(node.value)
            case Name():
                return CONSTANTS[node.name][0] if node.name in CONSTANTS else row[node.name]
            case Negate():
                return -self.value(node.operand, row)
            case Not():
                return not self.value(node.operand, row)
            case And() | Or():
                values = [self.value(part, row) for part in node.operands]  # all of them: no lane is skipped
                return all(values) if isinstance(node, And) else any(values)
            case Compare():
                left, right = self.value(node.left, row), self.value(node.right, row)
                return {"<": left < right, "<=": left <= right, "==": left == right, "!=": left != right,
                        ">": left > right, ">=": left >= right}[node.op]  # fmt: skip
            case Cases():
                tried = [(self.value(c, row), self.value(v, row)) for c, v in node.cases]
                last = self.value(node.otherwise, row)
                return next((v for holds, v in tried if holds), last)
            case Binary():
                left, right = self.value(node.left, row), self.value(node.right, row)
                if node.op == "/":
                    # Only `b` can be 0 here, in a lane that is discarded: the machine divides by its step.
                    return left / (right if right > 0 else Fraction(1))
                return {"+": left + right, "-": left - right, "*": left * right}[node.op]
            case Call():
                return self._call(node, row)
            case Aggregate():
                return self._aggregate(node, row)
        raise TypeError(node)

    def _call(self, node: Call, row: Row) -> Any:
        given = [self.value(part, row) for part in node.arguments]
        if node.function in ("min", "max"):
            return min(given) if node.function == "min" else max(given)
        if node.function == "clip":
            return min(max(given[0], given[1]), given[2])
        to = node.option("to")
        mode = node.option("mode")
        assert isinstance(to, Name)
        assert isinstance(mode, Text)
        step = {"cent": Fraction(1, 100), "whole": Fraction(1)}.get(to.name) or CONSTANTS[to.name][0]
        below = given[0] // step * step
        above = below if below == given[0] else below + step
        nearer = below if given[0] - below < above - given[0] else above
        if mode.value in ("floor", "ceil"):
            return below if mode.value == "floor" else above
        if given[0] - below != above - given[0]:
            return nearer
        if mode.value == "half_up":
            return above if given[0] > 0 else below
        return below if (below / step) % 2 == 0 else above

    def _aggregate(self, node: Aggregate, row: Row) -> Any:
        if node.function == "count":
            return Fraction(len(self.members))
        assert node.value is not None
        values = [self.value(node.value, self.household | member) for member in self.members]
        if node.function == "sum":
            return sum(values, Fraction(0))
        assert node.default is not None
        default = self.value(node.default, row)
        return max(values, default=default)


def corners(name: str) -> list[Fraction]:
    low, high = OWN[name][3]
    return [Fraction(low), Fraction(high)] + (
        [Fraction(0), Fraction(1)] if OWN[name][1] == "int" else [Fraction(1, 100)]
    )


def households() -> Iterator[tuple[Row, list[Row]]]:
    """Households at and between the corners of the small names."""
    crews = [[(-1, 0)], [(2, Fraction(1, 100)), (-1, 0)], [(2, Fraction(1, 100))] * 200]
    for a, b, m in itertools.product(corners("a"), corners("b"), corners("m")):
        for crew in crews:
            members = [{"w": Fraction(w), "v": Fraction(v)} for w, v in crew]
            yield {"a": a, "b": b, "m": m, "p": a > 0, "q": b > 1}, members


HOUSEHOLDS = list(households())
accepted = {"yes": 0, "no": 0}


@settings(max_examples=250, deadline=None)
@given(st.one_of(numbers(), numbers(money=True)), st.randoms(use_true_random=False))
def test_every_lane_lies_in_its_interval(text: str, pick: Any) -> None:
    node = parse(text).node
    run, faults = inference()
    run.infer(node, "household")
    accepted["no" if faults else "yes"] += 1
    if faults:
        return
    for household, members in pick.sample(HOUSEHOLDS, 6):
        lanes = Lanes(household, members)
        lanes.value(node, household)
        for part, value in lanes.seen:
            _inside(run.of_node[id(part)], value, spell(part))


def _inside(kind: Kind, value: Any, text: str) -> None:
    assert kind is not BAD
    if kind.type == "bool":
        assert kind.lo <= value <= kind.hi
        return
    low, high = scales.value_range(kind)
    assert low <= value <= high, text
    assert max(abs(kind.lo), abs(kind.hi), kind.den) <= INT64
    if kind.divisor is None:
        assert (value * kind.den).denominator == 1, text
        if kind.constant:
            assert Fraction(kind.lo, kind.den) == value


def test_enough_random_expressions_are_accepted() -> None:
    assert accepted["yes"] > accepted["no"] / 2


# ── keys ──


def test_keys_tell_levels_apart() -> None:
    count = parse("count(supporter)").node
    assert spell(count, "household") != spell(count, "member")
    assert spell(count) == "count(supporter)"


@given(numbers())
def test_a_spelt_tree_is_the_same_tree(text: str) -> None:
    node = parse(text).node
    again = parse(spell(node)).node
    assert spell(again) == spell(node)
    assert len(list(walk(again))) == len(list(walk(node)))
