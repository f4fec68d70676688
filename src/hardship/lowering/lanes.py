"""Which folds over the same children are made together, in the bytes of one word.

Eight conditions are laid into the bits of a byte of each child, and one pass over the children counts all eight
(`FOLD_BITS`), 1.12 times as fast in all. A count is one of these bytes; `any` of truths that are never missing is
whether one is above 0; where some may be missing, a second bit says which are; validity is that no child's bit for
"missing" is set.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from hardship.lowering import ops
from hardship.lowering.nodes import Node
from hardship.lowering.simplify import JUDGED, Simplifier
from hardship.lowering.values import NONE

LANES = 8
LEAST = 3
"""Fewer conditions are folded by themselves: that is as fast."""
HOLDS, INVALID, UNKNOWN = range(3)
Bit = tuple[int, int]
"""A node, and when its bit is set: the truth holds; the validity is 0; the truth is missing."""


class Lane(NamedTuple):
    """Byte `number` of a word of up to eight bits, all but asked only where `among` holds (or NONE)."""

    number: int
    bits: tuple[Bit, ...]
    among: int


def lanes(made: Simplifier, needed: Collection[int]) -> dict[int, tuple[Lane, ...]]:
    """Each fold that is made together with others, and its lanes, one for each bit of `asked`."""
    alike: dict[tuple[int, ...], list[int]] = defaultdict(list)
    depth: dict[int, int] = {}
    for number in sorted(needed):
        node = made.nodes[number]
        below = max((depth[operand] for operand in node[2:6] if operand >= 0), default=0)
        depth[number] = below + (ops.FOLD_SUM <= node.op <= ops.FOLD_MAX)
        if node.link < 3 and node.op in (ops.FOLD_COUNT, ops.FOLD_ANY, ops.FOLD_VALID):
            # Of one depth: none of them is made of another.
            alike[node.level, node.child, node.link, depth[number]].append(number)
    found: dict[int, tuple[Lane, ...]] = {}
    for numbers in alike.values():
        bits = list(dict.fromkeys(bit for number in numbers for bit in asked(made, made.nodes[number])))
        if len(bits) >= LEAST:
            place = dict(_laid(made, bits))
            found |= {number: tuple(place[bit] for bit in asked(made, made.nodes[number])) for number in numbers}
    return found


def asked(made: Simplifier, node: Node) -> list[Bit]:
    """The bits that a fold needs of each child."""
    if node.op == ops.FOLD_VALID:
        return [(node.a, INVALID)]
    if node.op == ops.FOLD_COUNT or made.only(node.a, JUDGED):
        return [(node.a, HOLDS)]
    return [(node.a, HOLDS), (node.a, UNKNOWN)]


def _laid(made: Simplifier, bits: list[Bit]) -> Iterator[tuple[Bit, Lane]]:
    """Each bit and its lane."""
    among, rest = _common(made, [node for node, when in bits if when == HOLDS])
    bits.sort(key=lambda bit: bit[1] != HOLDS or bit[0] not in rest)
    for at in range(0, len(bits), LANES):
        group = bits[at : at + LANES]
        shared = all(when == HOLDS and node in rest for node, when in group)
        laid = tuple((rest[node] if shared else node, when) for node, when in group)
        for number, bit in enumerate(group):
            yield bit, Lane(number, laid, among if shared else NONE)


def _common(made: Simplifier, truths: Sequence[int]) -> tuple[int, dict[int, int]]:
    """What most of some truths ask besides ("of the counted members"), and what else each of those asks.

    It is asked once of all eight, rather than of each before.
    """
    joined = {truth: node for truth in truths if (node := made.nodes[truth]).op == ops.AND}
    often = Counter(one for node in joined.values() for one in (node.a, node.b))
    among, times = max(often.items(), key=lambda item: item[1], default=(NONE, 0))
    if times < LEAST:
        return NONE, {}
    rest = {truth: node.b if node.a == among else node.a for truth, node in joined.items() if among in (node.a, node.b)}
    return among, rest | {truth: truth for truth in truths if truth == among}
