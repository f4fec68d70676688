"""Numbers, choices and folds of values while a table is lowered.

Denominators follow `scales`; a sum, product or rounding whose interval a word cannot hold is an error of the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from math import gcd, lcm

from hardship.language import scales
from hardship.language.fields import Level
from hardship.limits import ROWS
from hardship.lowering import ops
from hardship.lowering.values import MAYBE, NONE, Divisor, Registers, Value, broken, deepest, fitting, number


class Builder(Registers):
    """Makes the instructions of every operation on values."""

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
