"""Values while a table is lowered, and the instructions that make one value of others.

A `Value` is what a register will hold: which instruction makes it, over which denominator, in which interval, and
which byte says whether it is known. Intervals are computed again here, apart from the checker's: an instruction
whose result could leave 64 bits is an error of the engine, never a wrong number. Equal instructions are made once,
constants are folded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd, lcm

from hardship import ops, scales
from hardship.errors import EngineError, Fault
from hardship.limits import INT64, ROWS
from hardship.table import Level

NONE = -1  # no register: a constant, or never missing
MAYBE = -2  # of a truth: it may be missing, and its own byte says so
DEPTH: dict[Level, int] = {"household": 0, "member": 1, "supporter": 2, "transfer": 2}


@dataclass(frozen=True, slots=True)
class Divisor:
    """The divisor of a ratio: a word that is at least 1 in every lane, over a static denominator."""

    reg: int
    lo: int
    hi: int
    den: int


@dataclass(frozen=True, slots=True)
class Value:
    """What an instruction makes.

    Attributes:
        type: `number`, `bool`, `enum`, `set`, `code`, `date`.
        level: where it has rows; constants are at the household.
        reg: number of the instruction, or `NONE` for a constant, which is `lo` (equal to `hi`).
        lo, hi: interval of the stored integer in every lane (a truth: 0 to 2).
        den: static denominator of a number.
        valid: the validity byte, `NONE` if never missing, `MAYBE` for a truth that can be missing.
        divisor: of a ratio: the value is (reg / den) / (divisor.reg / divisor.den).
        domain: legal values of an enum or set.
    """

    type: str
    level: Level
    reg: int
    lo: int
    hi: int
    den: int = 1
    valid: int = NONE
    divisor: Divisor | None = None
    domain: tuple[str, ...] = ()

    @property
    def constant(self) -> bool:
        """Whether the stored integer is the same in every lane and needs no register."""
        return self.reg == NONE and self.divisor is None


def broken(what: str) -> EngineError:
    """The engine's own fault: the checker let something through that lowering cannot do."""
    return EngineError(Fault("common.engine", params={"what": what}))


def number(value: Fraction | int) -> Value:
    """An exact constant."""
    exact = Fraction(value)
    return Value("number", "household", NONE, exact.numerator, exact.numerator, exact.denominator)


def truth(holds: bool) -> Value:
    """`true` or `false`."""
    stored = 1 if holds else 2
    return Value("bool", "household", NONE, stored, stored)


def deepest(values: Sequence[Value]) -> Level:
    """The level that all values can be seen from."""
    return max((value.level for value in values), key=DEPTH.__getitem__, default="household")


def fitting(lo: int, hi: int) -> tuple[int, int]:
    """The interval, if a word holds it."""
    if max(abs(lo), abs(hi)) > INT64:
        raise broken(f"an interval of {lo} to {hi}")
    return lo, hi


class Builder:
    """Collects instructions; each is a tuple in the order of the columns of `Program.code`."""

    def __init__(self) -> None:
        self.code: list[tuple[int, ...]] = []
        self.pool: list[int] = []
        self._known: dict[tuple[int, ...], int] = {}
        self._pooled: dict[tuple[int, ...], int] = {}
        self.ages: dict[int, int] = {}  # an age's register → the difference of dates it is the floor of

    def emit(
        self, op: int, level: Level, a: int = NONE, b: int = NONE, c: int = NONE, d: int = NONE, imm: int = 0,
        imm2: int = 0, child: int = 0,
    ) -> int:  # fmt: skip
        """The number of an instruction with these operands, new or already made."""
        key = (op, ops.LEVEL[level], 0, a, b, c, d, imm, imm2, child)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = len(self.code)
            self.code.append(key)
        return found

    def pooled(self, values: Sequence[int]) -> int:
        """Where these integers lie in the pool."""
        key = tuple(values)
        if key not in self._pooled:
            self._pooled[key] = len(self.pool)
            self.pool.extend(key)
        return self._pooled[key]

    # ── levels and registers ──

    def at(self, value: Value, level: Level) -> Value:
        """The same value seen from the rows of `level`."""
        while DEPTH[value.level] < DEPTH[level]:
            below: Level = level if value.level == "member" else "member"
            byte = value.type in ("bool", "enum")
            divisor = value.divisor
            value = replace(
                value,
                level=below,
                reg=self._expand(value.reg, below, value.level, byte),
                valid=self._expand(value.valid, below, value.level, True),
                divisor=divisor and replace(divisor, reg=self._expand(divisor.reg, below, value.level, False)),
            )
        return value

    def _expand(self, reg: int, below: Level, level: Level, byte: bool) -> int:
        if reg < 0:
            return reg
        op = ops.EXPAND_BYTE if byte else ops.EXPAND_WORD
        return self.emit(op, below, reg, c=ops.PARENTS[below], child=ops.LEVEL[level])

    def word(self, value: Value, level: Level) -> int:
        """A word register of `level` that holds the value's integer."""
        if value.reg == NONE:
            return self.emit(ops.CONST_WORD, level, imm=value.lo)
        return self.at(value, level).reg

    def byte(self, value: Value, level: Level) -> int:
        """A byte register of `level` that holds a truth or an enum's index."""
        if value.reg == NONE:
            return self.emit(ops.CONST_BYTE, level, imm=value.lo)
        return self.at(value, level).reg

    def known(self, value: Value) -> int:
        """The validity byte of a value at its own level; `NONE` if it is never missing."""
        return self.emit(ops.KNOWN, value.level, value.reg) if value.valid == MAYBE else value.valid

    def known_at(self, value: Value, level: Level) -> int:
        """The validity byte of a value at `level`; `NONE` if it is never missing."""
        return self.known(self.at(value, level))

    def always(self, level: Level) -> int:
        """A validity byte that is 1 everywhere."""
        return self.emit(ops.CONST_BYTE, level, imm=1)

    def valid_of(self, values: Sequence[Value], level: Level) -> int:
        """The validity byte of something that needs all of these."""
        found = NONE
        for value in values:
            valid = self.known_at(value, level)
            if valid != NONE and valid != found:
                found = valid if found == NONE else self.emit(ops.AND, level, *sorted((found, valid)))
        return found

    # ── truths ──

    def judged(self, reg: int, level: Level, valid: int = NONE) -> Value:
        """A truth from a register of 1 and 2, missing where `valid` is 0."""
        if valid != NONE:
            return Value("bool", level, self.emit(ops.MASK, level, reg, valid), 0, 2, valid=MAYBE)
        return Value("bool", level, reg, 1, 2)

    def negation(self, value: Value) -> Value:
        """`not`."""
        if value.constant:
            return replace(value, lo=3 - value.lo, hi=3 - value.hi)
        return replace(value, reg=self.emit(ops.NOT, value.level, value.reg))

    def both(self, values: Sequence[Value]) -> Value:
        """Kleene `and`; true over none."""
        return self._logic(values, ops.AND, neutral=1)

    def either(self, values: Sequence[Value]) -> Value:
        """Kleene `or`; false over none."""
        return self._logic(values, ops.OR, neutral=2)

    def _logic(self, values: Sequence[Value], op: int, neutral: int) -> Value:
        left: list[Value] = []
        for value in values:
            if value.constant and value.lo == neutral:
                continue
            if value.constant:
                return value
            if value not in left:
                left.append(value)
        # The levels above first: what is the same for all children is computed once.
        left.sort(key=lambda value: DEPTH[value.level])
        if not left:
            return truth(neutral == 1)
        result = left[0]
        for value in left[1:]:
            level = value.level
            valid = MAYBE if MAYBE in (result.valid, value.valid) else NONE
            reg = self.emit(op, level, *sorted((self.at(result, level).reg, value.reg)))
            result = Value("bool", level, reg, 0 if valid == MAYBE else 1, 2, valid=valid)
        return result

    def is_known(self, value: Value) -> Value:
        """`known(x)`: a truth that is never missing."""
        valid = self.known(value)
        if valid == NONE:
            return truth(True)
        return Value("bool", value.level, self.emit(ops.TRUTH, value.level, valid), 1, 2)

    def one_of(self, value: Value, places: Sequence[int]) -> Value:
        """Whether an enum's index is one of `places`."""
        if value.constant:
            return self.judged_constant(value.lo in places, value)
        runs: list[list[int]] = []
        for place in sorted(set(places)):
            if runs and runs[-1][1] == place - 1:
                runs[-1][1] = place
            else:
                runs.append([place, place])
        parts = [self.judged(self.emit(ops.RANGE, value.level, value.reg, imm=a, imm2=b), value.level) for a, b in runs]
        found = self.either(parts)
        if found.constant:
            return self.judged_constant(False, value)
        return self.judged(found.reg, value.level, value.valid)

    def judged_constant(self, holds: bool, like: Value) -> Value:
        """A truth that is the same wherever `like` is known."""
        if like.valid == NONE:
            return truth(holds)
        reg = self.emit(ops.CONST_BYTE, like.level, imm=1 if holds else 2)
        return self.judged(reg, like.level, self.known(like))

    # ── numbers ──

    def scaled(self, value: Value, factor: int) -> Value:
        """The same number over a denominator `factor` times as large."""
        return replace(self.times(value, factor), den=value.den * factor)

    def times(self, value: Value, factor: int) -> Value:
        """The integer multiplied; the denominator stays."""
        if factor == 1:
            return value
        lo, hi = fitting(*sorted((value.lo * factor, value.hi * factor)))
        reg = value.reg if value.reg == NONE else self.emit(ops.MUL_C, value.level, value.reg, imm=factor)
        return replace(value, reg=reg, lo=lo, hi=hi)

    def over(self, values: Sequence[Value], level: Level) -> list[Value]:
        """Numbers brought over one denominator and, if one of them is a ratio, over its divisor."""
        divisor = next((self.at(value, level).divisor for value in values if value.divisor), None)
        if divisor is not None:
            values = [self.at(value, level) for value in values]
            if any(value.divisor not in (None, divisor) for value in values):
                raise broken("ratios over two divisors")
            values = [value if value.divisor else self._as_ratio(value, divisor, level) for value in values]
        den = lcm(*(value.den for value in values))
        return [self.scaled(value, den // value.den) for value in values]

    def _as_ratio(self, value: Value, divisor: Divisor, level: Level) -> Value:
        """A plain number p as (p · d) / d."""
        product = self.product(value, Value("number", level, divisor.reg, divisor.lo, divisor.hi))
        return replace(product, den=value.den * divisor.den, divisor=divisor)

    def add(self, left: Value, right: Value) -> Value:
        """`left + right`."""
        level = deepest((left, right))
        valid = self.valid_of((left, right), level)
        a, b = self.over((left, right), level)
        lo, hi = fitting(a.lo + b.lo, a.hi + b.hi)
        if a.reg == NONE:
            a, b = b, a
        if b.reg == NONE:
            reg = a.reg if b.lo == 0 or a.reg == NONE else self.emit(ops.ADD_C, a.level, a.reg, imm=b.lo)
            reg = self.at(replace(a, reg=reg), level).reg
        else:
            reg = self.emit(ops.ADD, level, *sorted((self.at(a, level).reg, self.at(b, level).reg)))
        return replace(a, level=level, reg=reg, lo=lo, hi=hi, valid=valid, divisor=a.divisor or b.divisor)

    def subtract(self, left: Value, right: Value) -> Value:
        """`left - right`."""
        level = deepest((left, right))
        if right.constant or left.constant:
            return self.add(left, self.negative(right))
        valid = self.valid_of((left, right), level)
        a, b = (self.at(value, level) for value in self.over((left, right), level))
        if a.reg == NONE or b.reg == NONE:
            return self.add(left, self.negative(right))
        lo, hi = fitting(a.lo - b.hi, a.hi - b.lo)
        return replace(a, level=level, reg=self.emit(ops.SUB, level, a.reg, b.reg), lo=lo, hi=hi, valid=valid)

    def negative(self, value: Value) -> Value:
        """`-value`."""
        reg = value.reg if value.reg == NONE else self.emit(ops.SUB_FROM_C, value.level, value.reg, imm=0)
        return replace(value, reg=reg, lo=-value.hi, hi=-value.lo)

    def product(self, left: Value, right: Value) -> Value:
        """`left * right`; at most one of them is a ratio."""
        level = deepest((left, right))
        valid = self.valid_of((left, right), level)
        divisor = self.at(left, level).divisor or self.at(right, level).divisor
        if left.reg == NONE:
            left, right = right, left
        if right.reg == NONE:
            found = self.at(self.times(replace(left, divisor=None), right.lo), level)
            return replace(found, level=level, den=left.den * right.den, valid=valid, divisor=divisor)
        corners = [a * b for a in (left.lo, left.hi) for b in (right.lo, right.hi)]
        lo, hi = fitting(min(corners), max(corners))
        reg = self.emit(ops.MUL, level, *sorted((self.at(left, level).reg, self.at(right, level).reg)))
        return Value("number", level, reg, lo, hi, left.den * right.den, valid, divisor)

    def quotient(self, left: Value, right: Value) -> Value:
        """`left / right`: exact by a constant, else a ratio."""
        if right.constant and right.valid == NONE:
            found = self.times(left, right.den)
            return replace(found, den=left.den * right.lo)
        level = deepest((left, right))
        valid = self.valid_of((left, right), level)
        left, right = self.at(left, level), self.at(right, level)
        # A lane that a choice discards may hold a divisor below 1.
        reg = self.word(right, level)
        if right.lo < 1:
            reg = self.emit(ops.MAX_C, level, reg, imm=1)
        divisor = Divisor(reg, max(right.lo, 1), max(right.hi, 1), right.den)
        if left.divisor is not None:
            old = left.divisor
            lo, hi = fitting(old.lo * divisor.lo, old.hi * divisor.hi)
            reg = self.emit(ops.MUL, level, *sorted((old.reg, divisor.reg)))
            divisor = Divisor(reg, lo, hi, old.den * divisor.den)
        return replace(left, level=level, valid=valid, divisor=divisor)

    def extreme(self, left: Value, right: Value, largest: bool) -> Value:
        """`max` or `min` of two numbers or dates."""
        level = deepest((left, right))
        valid = self.valid_of((left, right), level)
        a, b = self.over((left, right), level)
        pick = max if largest else min
        lo, hi = pick(a.lo, b.lo), pick(a.hi, b.hi)
        if a.reg == NONE:
            a, b = b, a
        divisor = a.divisor or b.divisor
        if a.reg == NONE:
            reg = NONE
        elif b.reg == NONE:
            reg = self.emit(ops.MAX_C if largest else ops.MIN_C, a.level, a.reg, imm=b.lo)
            reg = self.at(replace(a, reg=reg), level).reg
        else:
            op = ops.MAX if largest else ops.MIN
            reg = self.emit(op, level, *sorted((self.at(a, level).reg, self.at(b, level).reg)))
        return replace(a, level=level, reg=reg, lo=lo, hi=hi, valid=valid, divisor=divisor)

    def rounded(self, value: Value, to: Fraction, mode: str) -> Value:
        """The multiple of `to` that the mode picks; a plain number over `to.denominator`."""
        if value.constant:
            multiple = scales.rounded(Fraction(value.lo, value.den) / to, mode)
            return replace(number(multiple * to), valid=value.valid, level=value.level)
        level = value.level
        over = value.divisor
        a = to.denominator * (over.den if over else 1)
        b = to.numerator * value.den
        shared = gcd(a, b)
        a, b = a // shared, b // shared
        if b == 1 and over is None:  # every value already is such a multiple
            return replace(self.times(value, a * to.numerator), den=to.denominator)
        top = self.times(replace(value, divisor=None, valid=NONE), a)
        bottom = self.times(Value("number", level, over.reg, over.lo, over.hi), b) if over else number(b)
        size = max(abs(top.lo), abs(top.hi))
        fitting(2 * size + bottom.hi, 2 * bottom.hi)
        op = ops.ROUND if size < 2**53 and bottom.hi < 2**53 else ops.ROUND_WIDE
        reg = self.emit(op, level, self.word(top, level), self.word(bottom, level), imm=ops.MODES[mode])
        bounds = [Fraction(n, d) for n in (top.lo, top.hi) for d in (bottom.lo, bottom.hi)]
        lo, hi = (scales.rounded(bound, mode) for bound in (min(bounds), max(bounds)))
        whole = Value("number", level, reg, lo, hi, valid=value.valid)
        return replace(self.times(whole, to.numerator), den=to.denominator)

    # ── choices ──

    def select(self, condition: Value, then: Value, other: Value) -> Value:
        """`then` where the condition is true, `other` where it is false, missing where it is missing."""
        if condition.constant:
            return then if condition.lo == 1 else other
        level = deepest((condition, then, other))
        test = self.byte(condition, level)
        if then.type in ("bool", "enum"):
            reg = self.emit(ops.PICK, level, test, self.byte(then, level), self.byte(other, level))
            if then.type == "bool":
                maybe = MAYBE in (condition.valid, then.valid, other.valid)
                return Value("bool", level, reg, 0, 2, valid=MAYBE if maybe else NONE)
            valid = self._chosen_valid(condition, then, other, level)
            low = 0 if condition.valid == MAYBE else min(then.lo, other.lo)
            return replace(then, level=level, reg=reg, lo=low, hi=max(then.hi, other.hi), valid=valid)
        valid = self._chosen_valid(condition, then, other, level)
        x, y = self.over((then, other), level) if then.type == "number" else (then, other)
        if x.reg == NONE and y.reg == NONE:
            reg = self.emit(ops.SELECT_CC, level, test, imm=x.lo, imm2=y.lo)
        elif x.reg == NONE:
            reg = self.emit(ops.SELECT_CX, level, test, self.at(y, level).reg, imm=x.lo)
        elif y.reg == NONE:
            reg = self.emit(ops.SELECT_XC, level, test, self.at(x, level).reg, imm=y.lo)
        else:
            reg = self.emit(ops.SELECT, level, test, self.at(x, level).reg, self.at(y, level).reg)
        return Value(
            then.type, level, reg, min(x.lo, y.lo), max(x.hi, y.hi), x.den, valid, x.divisor or y.divisor, then.domain
        )

    def _chosen_valid(self, condition: Value, then: Value, other: Value, level: Level) -> int:
        x, y = self.known_at(then, level), self.known_at(other, level)
        if x == NONE and y == NONE:
            return self.known_at(condition, level)
        one = self.always(level)
        return self.emit(ops.PICK, level, self.byte(condition, level), one if x == NONE else x, one if y == NONE else y)

    def or_else(self, value: Value, other: Value) -> Value:
        """`value`, or `other` where it is missing."""
        return self.select(self.is_known(value), replace(value, valid=NONE), other)

    # ── folds ──

    def _fold(self, op: int, level: Level, of: Level, a: int, b: int = NONE, imm: int = 0) -> int:
        return self.emit(op, level, a, b, c=ops.FOLDS[level, of], imm=imm, child=ops.LEVEL[of])

    def fold_valid(self, level: Level, of: Level, taken: Value, value: Value | None) -> int:
        """The validity of an aggregate: no row's condition missing, and no taken row's value."""
        parts = [] if value is None else [self.known_at(value, of)]
        if not parts or parts[0] == NONE:
            rows = self.known_at(taken, of)
        elif taken.constant:
            rows = parts[0] if taken.lo == 1 else NONE
        else:
            rows = self.emit(ops.PICK, of, self.byte(taken, of), parts[0], self.always(of))
        return NONE if rows == NONE else self._fold(ops.FOLD_VALID, level, of, rows)

    def fold_sum(self, level: Level, of: Level, taken: Value, value: Value) -> Value:
        """Sum of a plain number over the rows of `of` that are taken."""
        valid = self.fold_valid(level, of, taken, value)
        rows = ROWS[level, of]
        lo, hi = fitting(min(0, rows * value.lo), max(0, rows * value.hi))
        if taken.constant and taken.lo == 2:
            return number(0)
        where = NONE if taken.constant else self.byte(taken, of)
        reg = self._fold(ops.FOLD_SUM, level, of, self.word(value, of), where)
        return Value("number", level, reg, lo, hi, value.den, valid)

    def fold_count(self, level: Level, of: Level, taken: Value) -> Value:
        """How many rows of `of` are taken."""
        valid = self.fold_valid(level, of, taken, None)
        reg = self._fold(ops.FOLD_COUNT, level, of, self.byte(taken, of))
        return Value("number", level, reg, 0, ROWS[level, of], valid=valid)

    def fold_any(self, level: Level, of: Level, condition: Value) -> Value:
        """Kleene `or` over the rows of `of`."""
        if condition.constant and condition.lo == 2:
            return condition
        reg = self._fold(ops.FOLD_ANY, level, of, self.byte(condition, of))
        return Value("bool", level, reg, 0, 2, valid=condition.valid)

    def fold_extreme(self, level: Level, of: Level, taken: Value, value: Value, default: Value, largest: bool) -> Value:
        """The largest or smallest value of the rows taken, `default` over none."""
        valid = self.fold_valid(level, of, taken, value)
        value, default = self.over((value, default), of) if value.type == "number" else (value, default)
        if default.level == of != level:
            raise broken("a default below its aggregate")
        reg = self._fold(
            ops.FOLD_MAX if largest else ops.FOLD_MIN, level, of, self.word(value, of), self.byte(taken, of), value.lo
        )
        found = replace(value, level=level, reg=reg, valid=NONE)
        count = self.fold_count(level, of, taken)
        some = self.judged(self.emit(ops.GE_C, level, count.reg, imm=1), level)
        chosen = self.select(some, found, default)
        return replace(chosen, valid=self.valid_of((replace(chosen, valid=valid), chosen), level))

