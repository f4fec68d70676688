"""Values while a table is lowered: registers, levels, truths. `arithmetic` does the numbers.

A `Value` is what a register will hold: which instruction makes it, over which denominator, in which interval, and
which byte says whether it is known. Intervals are computed again here, apart from the checker's: an instruction
whose result could leave 64 bits is an error of the engine, never a wrong number. Equal instructions are made once,
constants are folded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from hardship.errors import EngineError, Fault
from hardship.language.fields import Level
from hardship.limits import INT64
from hardship.lowering import ops

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


class Pool:
    """The integers that instructions read by position; equal runs are held once."""

    def __init__(self) -> None:
        self.pool: list[int] = []
        self._pooled: dict[tuple[int, ...], int] = {}

    def pooled(self, values: Sequence[int]) -> int:
        """Where these integers lie in the pool."""
        key = tuple(values)
        if key not in self._pooled:
            self._pooled[key] = len(self.pool)
            self.pool.extend(key)
        return self._pooled[key]


class Registers(Pool):
    """Collects instructions; each is a tuple in the order of the columns of `Program.code`."""

    def __init__(self) -> None:
        super().__init__()
        self.code: list[tuple[int, ...]] = []
        self._known: dict[tuple[int, ...], int] = {}
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
