"""Comparisons, bands and look-ups of values while a table is lowered.

Against a constant a register is compared as it stands: the constant is rounded to the next stored integer. A band's
edge likewise is the least stored integer that lies beyond it. Other sides are multiplied crosswise, in 64 bits
where the intervals prove it, else in 128.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor, gcd, lcm

from hardship.language.fields import Level
from hardship.language.table import Axis, Band
from hardship.limits import INT64
from hardship.lowering import ops
from hardship.lowering.arithmetic import Builder
from hardship.lowering.values import NONE, Value, broken, deepest, number, truth

_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_WIDE = {"<": ops.LT_WIDE, "<=": ops.LE_WIDE, "==": ops.EQ_WIDE}
_WORD = {"<": ops.LT, "<=": ops.LE, "==": ops.EQ, "!=": ops.NE}
MOST_PLACES = 250  # that a byte counts, with room for a mark
UNREACHED = INT64  # an edge that pads a group of four


def compare(build: Builder, op: str, left: Value, right: Value) -> Value:
    """One of `== != < <= > >=` between numbers or dates."""
    if left.constant and not right.constant:
        return compare(build, _FLIPPED[op], right, left)
    level = deepest((left, right))
    valid = build.valid_of((left, right), level)
    if right.constant:
        bare = replace(left, valid=NONE)
        found = (
            _against(build, op, bare, Fraction(right.lo, right.den))
            if left.divisor is None
            else _crosswise(build, op, bare, replace(right, valid=NONE))
        )
    else:
        found = _crosswise(build, op, replace(left, valid=NONE), replace(right, valid=NONE))
    if valid == NONE:
        return found
    return build.judged(build.byte(found, level), level, valid)


def _against(build: Builder, op: str, left: Value, line: Fraction) -> Value:
    """A plain number against a constant."""
    place = line * left.den
    if left.reg == NONE:
        value = Fraction(left.lo)
        holds = {"<": value < place, "<=": value <= place, ">": value > place, ">=": value >= place}
        return truth(holds.get(op, (value == place) == (op == "==")))
    if op in ("==", "!="):
        if place.denominator != 1 or not left.lo <= place <= left.hi:
            return truth(op == "!=")
        code = ops.EQ_C if op == "==" else ops.NE_C
        return build.judged(build.emit(code, left.level, left.reg, imm=int(place)), left.level)
    least = ceil(place) if op in ("<", ">=") else floor(place) + 1
    if least <= left.lo:
        return truth(op in (">", ">="))
    if least > left.hi:
        return truth(op in ("<", "<="))
    reg = left.reg
    if reg in build.ages:  # floor(x / 10000) >= c exactly where x >= 10000 c
        reg, least = build.ages[reg], least * 10_000
    code = ops.LT_C if op in ("<", "<=") else ops.GE_C
    return build.judged(build.emit(code, left.level, reg, imm=least), left.level)


def _crosswise(build: Builder, op: str, left: Value, right: Value) -> Value:
    """Two numbers: left.n · a · right.d against right.n · b · left.d."""
    if op in (">", ">="):
        op, left, right = _FLIPPED[op], right, left
    level = deepest((left, right))
    left, right = build.at(left, level), build.at(right, level)
    one, two = left.divisor, right.divisor
    if one == two:
        shared = gcd(left.den, right.den)
        a, b = right.den // shared, left.den // shared
        one = two = None
    else:
        a, b = right.den * (one.den if one else 1), left.den * (two.den if two else 1)
        shared = gcd(a, b)
        a, b = a // shared, b // shared
    x = replace(build.times(replace(left, divisor=None), a), den=1)
    y = replace(build.times(replace(right, divisor=None), b), den=1)
    times_x = Value("number", level, two.reg, two.lo, two.hi) if two else number(1)
    times_y = Value("number", level, one.reg, one.lo, one.hi) if one else number(1)
    if _reach(x, times_x) > INT64 or _reach(y, times_y) > INT64:
        wide = "==" if op == "!=" else op
        registers = [build.word(value, level) for value in (x, times_x, y, times_y)]
        found = build.judged(build.emit(_WIDE[wide], level, *registers), level)
        return build.negation(found) if op == "!=" else found
    x, y = build.product(x, times_x), build.product(y, times_y)
    if x.reg == NONE or y.reg == NONE:
        if x.reg == NONE:
            op, x, y = _FLIPPED[op], y, x
        return _against(build, op, x, Fraction(y.lo))
    return build.judged(build.emit(_WORD[op], level, build.at(x, level).reg, build.at(y, level).reg), level)


def _reach(value: Value, factor: Value) -> int:
    return max(abs(value.lo), abs(value.hi)) * max(abs(factor.lo), abs(factor.hi))


def edge(band: Band) -> tuple[str, Fraction] | None:
    """How a value passes a band upwards: `>=` or `>` its edge; None for the last band."""
    if band.below is not None:
        return ">=", band.below
    if band.at_most is not None:
        return ">", band.at_most
    return None


def steps(value: Value, bands: Sequence[Band]) -> list[int]:
    """For each edge the least stored integer of a plain number that lies beyond it."""
    found = []
    for op, line in filter(None, map(edge, bands)):
        place = line * value.den
        found.append(ceil(place) if op == ">=" else floor(place) + 1)
    return found


def clamp(step: int) -> int:
    """A step as a word: one beyond all words is never reached, one below them always."""
    return max(-INT64, min(step, UNREACHED))


def band(build: Builder, value: Value, bands: Sequence[Band]) -> Value:
    """The number of the first band that takes the value: an enum of len(edges) + 1 places (the last: none took it)."""
    level = value.level
    count = sum(1 for entry in bands if edge(entry) is not None)
    domain = tuple(str(place) for place in range(count + 1))
    if count == 0 or value.constant:
        place = 0
        for op, line in filter(None, map(edge, bands)):
            at = Fraction(value.lo, value.den)
            place += at >= line if op == ">=" else at > line
        return Value("enum", level, NONE, place, place, valid=value.valid, domain=domain)
    if value.divisor is None and value.hi < UNREACHED:
        reg, edges = value.reg, steps(value, bands)
        if reg in build.ages:
            reg, edges = build.ages[reg], [step * 10_000 for step in edges]
        edges = [clamp(step) for step in edges]
        edges += [UNREACHED] * (-len(edges) % 4)
        found = build.emit(ops.STEP, level, reg, imm=build.pooled(edges), imm2=len(edges))
    else:
        found = _banded(build, value, bands)
    return Value("enum", level, found, 0, count, valid=value.valid, domain=domain)


def _banded(build: Builder, value: Value, bands: Sequence[Band]) -> int:
    """The band of a ratio: n · a against edge · b · d, in one instruction where 64 bits hold all sides."""
    if value.divisor is None:
        return _one_by_one(build, value, bands)
    level, over = value.level, value.divisor
    lines = [(op, line * value.den / over.den) for op, line in filter(None, map(edge, bands))]
    common = lcm(*(line.denominator for _, line in lines))
    factors = [int(line * common) for _, line in lines]
    if max(abs(value.lo), abs(value.hi)) * common <= INT64 and max(map(abs, factors)) * over.hi < INT64:
        top = build.times(replace(value, divisor=None, valid=NONE), common)
        pairs = [(factor, int(op == ">")) for factor, (op, _) in zip(factors, lines, strict=True)]
        flat = [part for pair in pairs for part in pair]
        if len(pairs) % 2:  # a coefficient of 0 and a distance beyond every word: never reached
            flat += [0, UNREACHED]
        registers = build.word(top, level), over.reg
        return build.emit(ops.STEP_RATIO, level, *registers, imm=build.pooled(flat), imm2=len(flat) // 2)
    return _one_by_one(build, value, bands)


def _one_by_one(build: Builder, value: Value, bands: Sequence[Band]) -> int:
    """The number of edges that a value passes, each compared by itself."""
    level, found = value.level, NONE
    for op, line in filter(None, map(edge, bands)):
        passed = build.byte(compare(build, op, replace(value, valid=NONE), number(line)), level)
        one = build.emit(ops.PASSED, level, passed)
        found = one if found == NONE else build.emit(ops.ADD_BYTE, level, found, one)
    return found


def points(build: Builder, place: Value, cells: Sequence[Fraction], den: int) -> Value:
    """The number at a place of a list, over `den`."""
    numbers = [int(cell * den) for cell in cells]
    if place.reg == NONE:
        chosen = numbers[place.lo]
        return Value("number", place.level, NONE, chosen, chosen, den, place.valid)
    reg = build.emit(ops.LOOK_BYTE, place.level, place.reg, imm=build.pooled(numbers), imm2=len(numbers))
    return Value("number", place.level, reg, min(numbers), max(numbers), den, place.valid)


def stepped(build: Builder, value: Value, bands: Sequence[Band], cells: Sequence[Fraction], den: int) -> Value:
    """The same for a plain number's bands in one instruction: a start, and a delta at each edge."""
    reg, edges = value.reg, steps(value, bands)
    numbers = [int(cell * den) for cell in cells]
    if reg in build.ages:
        reg, edges = build.ages[reg], [step * 10_000 for step in edges]
    deltas = [after - before for before, after in pairwise(numbers)]
    pairs = [(clamp(step), delta) for step, delta in zip(edges, deltas, strict=True)]
    if len(pairs) % 2:
        pairs.append((UNREACHED, 0))
    flat = [numbers[0], *(part for pair in pairs for part in pair)]
    made = build.emit(ops.STEP_WORD, value.level, reg, imm=build.pooled(flat), imm2=len(pairs))
    return Value("number", value.level, made, min(numbers), max(numbers), den, value.valid)


def in_turn(build: Builder, value: Value, bands: Sequence[Band], worth: Sequence[Value]) -> Value:
    """What the band that takes a number is worth, band after band: for more bands than a byte counts."""
    found = worth[-1]
    for entry, then in reversed(list(zip(bands, worth, strict=False))):
        passing = edge(entry)
        if passing is None:
            found = then
        else:
            op, line = passing
            found = build.select(compare(build, "<" if op == ">=" else "<=", value, number(line)), then, found)
    return found


def place_on(build: Builder, axis: Axis, value: Value, domain: Sequence[str]) -> tuple[Value, int]:
    """The row or column of a look-up that a value falls into, as an enum or number from 0; and how many there are."""
    if axis.bands is not None and len(axis.bands) > MOST_PLACES:
        places = [number(place) for place in range(len(axis.bands))]
        return in_turn(build, value, axis.bands, places), len(axis.bands)
    if axis.bands is not None:
        return band(build, value, axis.bands), len(axis.bands)
    if axis.first is not None and axis.last is not None:
        return build.add(value, number(-axis.first)), axis.last - axis.first + 1
    return value, len(domain)


def look_up(build: Builder, places: Sequence[tuple[Value, int]], cells: Sequence[Fraction | None], den: int) -> Value:
    """The cell at one place or two (row-major); None is an empty cell, read as the smallest one."""
    filled = [cell for cell in cells if cell is not None]
    if not filled:
        raise broken("a look-up without a cell")
    smallest = min(filled)
    numbers = [int((smallest if cell is None else cell) * den) for cell in cells]
    level = deepest([place for place, _ in places])
    valid = build.valid_of([place for place, _ in places], level)
    reg = _look(build, places, numbers, level)
    if len(filled) < len(cells):
        there = _look(build, places, [int(cell is not None) for cell in cells], level)
        full = build.judged(build.emit(ops.EQ_C, level, there, imm=1), level)
        empty = build.emit(ops.CONST_BYTE, level, imm=0)
        mine = build.emit(ops.PICK, level, full.reg, build.always(level), empty)
        valid = mine if valid == NONE else build.emit(ops.AND, level, *sorted((valid, mine)))
    return Value("number", level, reg, min(numbers), max(numbers), den, valid)


def _look(build: Builder, places: Sequence[tuple[Value, int]], cells: Sequence[int], level: Level) -> int:
    at, size = build.pooled(cells), len(cells)
    bare = [replace(place, valid=NONE) for place, _ in places]
    if all(place.type == "enum" for place in bare):
        registers = [build.byte(place, level) for place in bare]
        if len(bare) == 1:
            return build.emit(ops.LOOK_BYTE, level, registers[0], imm=at, imm2=size)
        width = places[1][1]
        return build.emit(ops.LOOK_TWO, level, registers[0], registers[1], width, imm=at, imm2=size)
    total = number(0)
    for (_, width), place in zip(places, bare, strict=True):
        if place.type == "enum":
            reg = place.reg if place.reg == NONE else build.emit(ops.WIDEN, place.level, place.reg)
            place = Value("number", place.level, reg, place.lo, place.hi)
        total = build.add(build.times(total, width), place)
    total = build.extreme(build.extreme(total, number(0), True), number(size - 1), False)
    return build.emit(ops.LOOK_WORD, level, build.word(total, level), imm=at, imm2=size)
