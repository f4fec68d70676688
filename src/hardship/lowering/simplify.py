"""A program's instructions for the columns they will really run over: constants folded, what is never missing unasked.

`lower` writes what a table means for any register. Here each instruction is seen again with what is known of one
register (`Facts`: which columns lack a cell, how far their numbers reach), under the same meaning bit for bit: a rule
replaces an instruction by one with the same result in every lane, known or missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import prod

from hardship.lowering import ops
from hardship.lowering.nodes import Facts, Node
from hardship.lowering.ops import Program
from hardship.lowering.values import NONE, Pool

FULL = (-(2**63), 2**63 - 1)
ANY = (1 << 256) - 1
TRUTHS, JUDGED, KNOWNS = 0b111, 0b110, 0b11
Span = tuple[int, int]


# What the instructions on bytes make of their operands a, b, c and IMM, IMM2.
SMALL: dict[int, Callable[[int, int, int, int, int], int]] = {
    ops.AND: lambda x, y, z, i, j: (x & y & 1) | ((x | y) & 2),
    ops.OR: lambda x, y, z, i, j: ((x | y) & 1) | (x & y & 2),
    ops.NOT: lambda x, y, z, i, j: ((x & 1) << 1) | (x >> 1),
    ops.PICK: lambda x, y, z, i, j: (y if x & 1 else 0) | (z if x >> 1 else 0),
    ops.RANGE: lambda x, y, z, i, j: 1 if i <= x <= j else 2,
    ops.MASK: lambda x, y, z, i, j: x if y & 1 else 0,
    ops.KNOWN: lambda x, y, z, i, j: (x | (x >> 1)) & 1,
    ops.TRUTH: lambda x, y, z, i, j: 2 - x,
    ops.ADD_BYTE: lambda x, y, z, i, j: x + y,
    ops.BIT: lambda x, y, z, i, j: x | (1 << i if y == 1 else 0),
    ops.BIT_MISSING: lambda x, y, z, i, j: x | (1 << i if y == 0 else 0),
    ops.MARK: lambda x, y, z, i, j: x if y == 1 else 255,
    ops.PASSED: lambda x, y, z, i, j: x & 1,
}


class Simplifier(Pool):
    """Nodes made anew, each under the first rule that fits it.

    Attributes:
        nodes: the new ones; equal ones are made once.
        span: of a word the least and largest value it takes; of a byte (0, 0).
        can: of a byte the values it takes, as bits of an integer; of a word 0.
        pool: the new pool.
    """

    def __init__(self, program: Program, facts: Facts) -> None:
        super().__init__()
        self.program, self.facts = program, facts
        self.nodes: list[Node] = []
        self.span: list[Span] = []
        self.can: list[int] = []
        self._made: dict[Node, int] = {}
        self._old: Sequence[int] = program.arrays.pool.tolist()

    # ── making nodes ──

    def word(self, node: Node, lo: int, hi: int) -> int:
        """The number of a node that makes words from `lo` to `hi`; a constant if they are the same."""
        if lo == hi and node.op != ops.CONST_WORD:
            return self.constant(node.level, lo)
        return self._add(node, (max(lo, FULL[0]), min(hi, FULL[1])), 0)

    def byte(self, node: Node, can: int) -> int:
        """The number of a node that makes bytes among `can`."""
        if can & (can - 1) == 0 and node.op != ops.CONST_BYTE:
            return self.small(node.level, can.bit_length() - 1)
        return self._add(node, (0, 0), can)

    def constant(self, level: int, value: int) -> int:
        """A constant word."""
        return self._add(Node(ops.CONST_WORD, level, imm=value), (value, value), 0)

    def small(self, level: int, value: int) -> int:
        """A constant byte."""
        return self._add(Node(ops.CONST_BYTE, level, imm=value), (0, 0), 1 << value)

    def _add(self, node: Node, span: Span, can: int) -> int:
        found = self._made.get(node)
        if found is None:
            found = self._made[node] = len(self.nodes)
            self.nodes.append(node)
            self.span.append(span)
            self.can.append(can)
        return found

    def cells(self, node: Node, count: int) -> list[int]:
        """What a node of the old program reads in the pool."""
        return list(self._old[node.imm : node.imm + count])

    def fixed(self, number: int) -> int | None:
        """The value of a constant, else None."""
        node = self.nodes[number]
        return node.imm if node.op in (ops.CONST_WORD, ops.CONST_BYTE) else None

    def only(self, number: int, among: int) -> bool:
        """Whether a byte takes none but these values."""
        return self.can[number] & ~among == 0

    # ── rules ──

    def rewritten(self, node: Node) -> int:
        """The number of what stands for a node whose operands are new ones already."""
        rule = RULES.get(node.op)
        if rule is None:
            return self._other(node)
        return rule(self, node)

    def _other(self, node: Node) -> int:
        if node.op in ops.BYTE_RESULTS:
            return self.byte(node, JUDGED if ops.LT <= node.op <= ops.EQ_WIDE else ANY)
        return self.word(node, *FULL)

    def load(self, node: Node) -> int:
        missing, lo, hi, size = self.facts.columns[node.imm]
        match node.op:
            case ops.LOAD_VALID:
                return self.byte(node, (0b10, KNOWNS, 0b01)[missing])
            case ops.LOAD_BYTE | ops.LOAD_TRUTH if missing == 2 and not size:
                return self.small(node.level, node.imm2)
            case ops.LOAD_TRUTH:
                return self.byte(node, JUDGED)
            case ops.LOAD_BYTE:
                return self.byte(node, (1 << (min(hi, 255) + 1)) - 1 if hi >= 0 else ANY)
        return self.word(node, lo, hi)

    def parameter(self, node: Node) -> int:
        lacking, same, lo, hi = self.facts.parameters[node.imm]
        if node.op == ops.PARAMETER_VALID:
            return self.byte(node, KNOWNS if lacking else 0b10)
        return self.word(node._replace(op=ops.UNIFORM) if same else node, lo, hi)

    def const(self, node: Node) -> int:
        return self.small(node.level, node.imm) if node.op == ops.CONST_BYTE else self.constant(node.level, node.imm)

    def on(self, node: Node) -> int:
        return self.word(node, 19000101, 22991231)

    def plus(self, number: int, value: int) -> int:
        """A word and a constant."""
        node, (lo, hi) = self.nodes[number], self.span[number]
        if value == 0:
            return number
        if node.op == ops.ADD_C and FULL[0] < node.imm + value < FULL[1]:
            return self.plus(node.a, node.imm + value)
        return self.word(Node(ops.ADD_C, node.level, number, imm=value), lo + value, hi + value)

    def times(self, number: int, value: int) -> int:
        """A word by a constant."""
        node, (lo, hi) = self.nodes[number], self.span[number]
        if value == 1:
            return number
        if node.op == ops.MUL_C and FULL[0] < node.imm * value < FULL[1]:
            return self.times(node.a, node.imm * value)
        ends = sorted((lo * value, hi * value))
        return self.word(Node(ops.MUL_C, node.level, number, imm=value), *ends)

    def arithmetic(self, node: Node) -> int:
        level, a, b = node.level, node.a, node.b
        (alo, ahi), (blo, bhi) = self.span[a], self.span[b]
        x, y = self.fixed(a), self.fixed(b)
        match node.op:
            case ops.ADD:
                if x is not None:
                    return self.plus(b, x)
                if y is not None:
                    return self.plus(a, y)
                return self.word(node, alo + blo, ahi + bhi)
            case ops.SUB:
                if y is not None and y != FULL[0]:
                    return self.plus(a, -y)
                if x is not None:
                    return self.word(Node(ops.SUB_FROM_C, level, b, imm=x), x - bhi, x - blo)
                return self.word(node, alo - bhi, ahi - blo)
            case ops.MUL:
                if x is not None:
                    return self.times(b, x)
                if y is not None:
                    return self.times(a, y)
                corners = [p * q for p in (alo, ahi) for q in (blo, bhi)]
                return self.word(node, min(corners), max(corners))
        if x is not None or y is not None:
            number, value = (b, x) if x is not None else (a, y)
            op = ops.MIN_C if node.op == ops.MIN else ops.MAX_C
            return self.rewritten(Node(op, level, number, imm=value or 0))
        if node.op == ops.MIN:
            if ahi <= blo or bhi <= alo:
                return a if ahi <= blo else b
            return self.word(node, min(alo, blo), min(ahi, bhi))
        if alo >= bhi or blo >= ahi:
            return a if alo >= bhi else b
        return self.word(node, max(alo, blo), max(ahi, bhi))

    def with_constant(self, node: Node) -> int:
        a, imm = node.a, node.imm
        lo, hi = self.span[a]
        match node.op:
            case ops.ADD_C:
                return self.plus(a, imm)
            case ops.MUL_C:
                return self.times(a, imm)
            case ops.MIN_C:
                return a if hi <= imm else self.word(node, min(lo, imm), imm)
            case ops.MAX_C:
                return a if lo >= imm else self.word(node, imm, max(hi, imm))
        return self.word(node, imm - hi, imm - lo)

    def compare(self, node: Node) -> int:
        (alo, ahi), (blo, bhi) = self.span[node.a], self.span[node.b] if node.b >= 0 else (node.imm, node.imm)
        op = node.op
        if op in (ops.EQ, ops.NE, ops.EQ_C, ops.NE_C):
            if ahi < blo or bhi < alo:
                return self.small(node.level, 1 if op in (ops.NE, ops.NE_C) else 2)
        else:
            before = ahi < blo or (op == ops.LE and ahi == blo)
            after = alo > bhi or (op != ops.LE and alo == bhi)
            if before or after:
                return self.small(node.level, 1 if before != (op == ops.GE_C) else 2)
        above = self.nodes[node.a]
        if node.b < 0 and op != ops.NE_C and above.op == ops.LOAD_WORD and self.facts.columns[above.imm][3] == 1:
            # A column of bytes is compared as it lies.
            first, last = {ops.LT_C: (0, node.imm - 1), ops.GE_C: (node.imm, 255)}.get(op, (node.imm, node.imm))
            column = self.load(above._replace(op=ops.LOAD_BYTE))
            return self.rewritten(Node(ops.RANGE, node.level, column, imm=first, imm2=last))
        return self.byte(node, JUDGED)

    def small_rule(self, node: Node) -> int:
        """A byte made of bytes: tried with every value that the operands take."""
        made = SMALL[node.op]
        operands = [number for number in (node.a, node.b, node.c) if number >= 0]
        distinct = list(dict.fromkeys(operands))
        values = [[k for k in range(256) if self.can[number] >> k & 1] for number in distinct]
        if prod(map(len, values)) > 300:
            return self.byte(node, ANY)
        found, same = 0, [True] * len(distinct)
        for chosen in product(*values):
            of = dict(zip(distinct, chosen, strict=True))
            x, y, z = (*(of[number] for number in operands), 0, 0)[:3]
            result = made(x, y, z, node.imm, node.imm2) & 255
            found |= 1 << result
            same = [still and result == value for still, value in zip(same, chosen, strict=True)]
        if found & (found - 1) and True in same:
            return distinct[same.index(True)]
        if node.op == ops.PICK and found & (found - 1):
            return self._picked(node, found)
        if node.op == ops.NOT and self.nodes[node.a].op == ops.NOT:
            return self.nodes[node.a].a
        if node.op == ops.KNOWN and self.nodes[node.a].op == ops.NOT:
            return self.rewritten(node._replace(a=self.nodes[node.a].a))
        return self.byte(node, found)

    def _picked(self, node: Node, can: int) -> int:
        """A choice among truths as a logic of truths, which joins others of its kind."""
        t, then, other = node.a, node.b, node.c
        if not all(self.only(number, JUDGED) for number in (t, then, other)):
            return self.byte(node, can)
        x, y = self.fixed(then), self.fixed(other)
        if x == 1 or y == 2:
            op, part = (ops.OR, other) if x == 1 else (ops.AND, then)
            return self.rewritten(Node(op, node.level, *sorted((t, part))))
        if x == 2 or y == 1:
            op, part = (ops.AND, other) if x == 2 else (ops.OR, then)
            return self.rewritten(Node(op, node.level, *sorted((self.rewritten(Node(ops.NOT, node.level, t)), part))))
        return self.byte(node, can)

    def choose(self, node: Node) -> int:
        t = node.a
        value = self.fixed(t)
        then = node.b if node.op in (ops.SELECT, ops.SELECT_XC) else NONE
        other = node.c if node.op == ops.SELECT else node.b if node.op == ops.SELECT_CX else NONE
        x = self.fixed(then) if then >= 0 else node.imm
        y = self.fixed(other) if other >= 0 else node.imm2 if node.op == ops.SELECT_CC else node.imm
        if value is not None:
            number, fixed = (then, x) if value == 1 else (other, y)
            return number if number >= 0 else self.constant(node.level, fixed or 0)
        if (then >= 0 and then == other) or (x is not None and x == y):
            return then if then >= 0 else self.constant(node.level, x or 0)
        inner = self.nodes[t]
        if inner.op == ops.NOT and self.only(inner.a, JUDGED):
            t, then, other, x, y = inner.a, other, then, y, x
        if x is not None and y is not None:
            return self.word(Node(ops.SELECT_CC, node.level, t, imm=x, imm2=y), min(x, y), max(x, y))
        (xlo, xhi), (ylo, yhi) = (
            self.span[number] if fixed is None else (fixed, fixed) for number, fixed in ((then, x), (other, y))
        )
        if x is not None:
            made = Node(ops.SELECT_CX, node.level, t, other, imm=x)
        elif y is not None:
            made = Node(ops.SELECT_XC, node.level, t, then, imm=y)
        else:
            made = Node(ops.SELECT, node.level, t, then, other)
        return self.word(made, min(xlo, ylo), max(xhi, yhi))

    def widen(self, node: Node) -> int:
        return self.word(node, 0, self.can[node.a].bit_length() - 1)

    def step(self, node: Node) -> int:
        lo, hi = self.span[node.a]
        edges = self.cells(node, node.imm2)
        passed = sum(edge <= lo for edge in edges)
        reached = sum(edge <= hi for edge in edges)
        can = (1 << (reached + 1)) - 1 & ~((1 << passed) - 1)
        if passed == 0:
            edges = sorted(edges)[:reached]
            edges += [FULL[1]] * (-len(edges) % 4)
        return self.byte(node._replace(imm=self.pooled(edges), imm2=len(edges)), can)

    def step_ratio(self, node: Node) -> int:
        return self.byte(node._replace(imm=self.pooled(self.cells(node, 2 * node.imm2))), (1 << (node.imm2 + 1)) - 1)

    def step_word(self, node: Node) -> int:
        lo, hi = self.span[node.a]
        start, *flat = self.cells(node, 1 + 2 * node.imm2)
        pairs = [(edge, delta) for edge, delta in zip(flat[::2], flat[1::2], strict=True) if edge <= hi and delta]
        start += sum(delta for edge, delta in pairs if edge <= lo)
        return self.steps(node.level, node.a, start, [pair for pair in pairs if pair[0] > lo])

    def steps(self, level: int, number: int, start: int, pairs: Sequence[Span]) -> int:
        """A start plus the deltas of the edges that a word reaches."""
        values, total = [start], start
        for _, delta in sorted(pairs):
            total += delta
            values.append(total)
        flat = [start, *(part for pair in pairs for part in pair)]
        if len(pairs) % 2:
            flat += [FULL[1], 0]
        made = Node(ops.STEP_WORD, level, number, imm=self.pooled(flat), imm2=len(flat) // 2)
        return self.word(made, min(values), max(values))

    def look(self, node: Node) -> int:
        cells = self.cells(node, node.imm2)
        if node.op == ops.LOOK_BYTE:
            can = self.can[node.a]
            reached = [cell for place, cell in enumerate(cells) if can >> place & 1] or cells
        else:
            reached = cells
        return self.word(node._replace(imm=self.pooled(cells)), min(reached), max(reached))

    def divide(self, node: Node) -> int:
        lo, hi = self.span[node.a]
        if node.op == ops.AGE:
            return self.word(node, lo // 10_000, hi // 10_000)
        blo, bhi = self.span[node.b]
        if node.op == ops.MONTHS:
            first, last, begin, end = (day // 10_000 * 12 for day in (blo, bhi, lo, hi))
            return self.word(node, first - end - 13, last - begin + 12)
        if self.fixed(node.b) == 1:
            return node.a
        low = min(lo // blo, lo // bhi) if blo >= 1 else FULL[0]
        high = max(hi // blo, hi // bhi) + 1 if blo >= 1 else FULL[1]
        small = node.op == ops.ROUND or (max(abs(lo), abs(hi)) < 2**53 and blo >= 1 and bhi < 2**53)
        return self.word(node._replace(op=ops.ROUND if small else ops.ROUND_WIDE), low, high)

    def expand(self, node: Node) -> int:
        above = self.nodes[node.a]
        if above.op in (ops.CONST_BYTE, ops.CONST_WORD, ops.ON, ops.UNIFORM):
            return self._add(above._replace(level=node.level), self.span[node.a], self.can[node.a])
        return self._add(node, self.span[node.a], self.can[node.a])

    def fold(self, node: Node) -> int:
        most = self.facts.widest[node.child]
        can = self.can[node.a]
        match node.op:
            case ops.FOLD_SUM:
                lo, hi = self.span[node.a]
                taken = None if node.b < 0 else self.fixed(node.b)
                if taken is not None and taken != 1:
                    return self.constant(node.level, 0)
                node = node if taken is None else node._replace(b=NONE)
                return self.word(node, min(0, lo * most), max(0, hi * most))
            case ops.FOLD_COUNT:
                return self.word(node, 0, most if can & 0b10 else 0)
            case ops.FOLD_ANY:
                return self.byte(node, 0b100 | can & 0b11)
            case ops.FOLD_VALID:
                return self.byte(node, can & 1 | 0b10)
        lo, hi = self.span[node.a]
        return self.word(node, min(lo, node.imm), max(hi, node.imm))


RULES: dict[int, Callable[[Simplifier, Node], int]] = {
    **dict.fromkeys((ops.LOAD_WORD, ops.LOAD_BYTE, ops.LOAD_TRUTH, ops.LOAD_VALID), Simplifier.load),
    **dict.fromkeys((ops.PARAMETER, ops.PARAMETER_VALID), Simplifier.parameter),
    **dict.fromkeys((ops.CONST_WORD, ops.CONST_BYTE), Simplifier.const),
    ops.ON: Simplifier.on,
    **dict.fromkeys((ops.ADD, ops.SUB, ops.MUL, ops.MIN, ops.MAX), Simplifier.arithmetic),
    **dict.fromkeys((ops.ADD_C, ops.MUL_C, ops.MIN_C, ops.MAX_C, ops.SUB_FROM_C), Simplifier.with_constant),
    **dict.fromkeys(range(ops.LT, ops.NE_C + 1), Simplifier.compare),
    **dict.fromkeys(SMALL, Simplifier.small_rule),
    **dict.fromkeys((ops.SELECT, ops.SELECT_CX, ops.SELECT_XC, ops.SELECT_CC), Simplifier.choose),
    ops.WIDEN: Simplifier.widen,
    ops.STEP: Simplifier.step,
    ops.STEP_RATIO: Simplifier.step_ratio,
    ops.STEP_WORD: Simplifier.step_word,
    **dict.fromkeys((ops.LOOK_BYTE, ops.LOOK_TWO, ops.LOOK_WORD), Simplifier.look),
    **dict.fromkeys((ops.ROUND, ops.ROUND_WIDE, ops.AGE, ops.MONTHS), Simplifier.divide),
    **dict.fromkeys((ops.EXPAND_WORD, ops.EXPAND_BYTE), Simplifier.expand),
    **dict.fromkeys(range(ops.FOLD_SUM, ops.FOLD_MAX + 1), Simplifier.fold),
}
