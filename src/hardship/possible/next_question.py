"""Which single fact to ask next, and what each answer to it would leave.

The question whose answer settles most: of its answers, tried one by one with everything else open, the one that leaves
most circles and outcomes leaves fewest of all questions; then the fewest on average; then the narrowest index and
benefit on average; then the order of the dictionary and of the rows.
"""

from __future__ import annotations

from itertools import pairwise

from hardship.possible.search import Search

PROBES = 15  # answers between two that leave different things that are tried in a round
MOST_ROUNDS = 16


def best(search: Search) -> int:
    """The number of the question to ask next."""
    outer = search.found.outer

    def key(number: int) -> tuple[int, float, float, int]:
        left = [(mask & outer).bit_count() for mask in search.found.asked[number][1]]
        return max(left), sum(left) / len(left), -float(search.narrows[number]), number

    return min(range(len(search.found.asked)), key=key)


def parts(search: Search, number: int) -> list[tuple[int, int, int]]:
    """The answers to one question in parts `(first, last, mask of the standings left)`, ascending.

    Of options each is a part; of a number or date, neighbours that leave the same; of a set some single ones.
    """
    outer = search.found.outer
    answers, masks = search.found.asked[number]
    left = {answer: mask & outer for answer, mask in zip(answers, masks, strict=True)}
    fact = search.facts[number]
    if fact.bits or fact.attribute.type in ("bool", "enum", "code"):
        return [(answer, answer, mask) for answer, mask in left.items()]
    for _ in range(MOST_ROUNDS):
        tried = sorted(left)
        gaps = [(a, b) for a, b in pairwise(tried) if left[a] != left[b] and b - a > 1]
        if not gaps:
            break
        probes = sorted({a + (b - a) * k // (PROBES + 1) for a, b in gaps for k in range(1, PROBES + 1)} - set(tried))
        left |= dict(zip(probes, search.left(number, probes, probes), strict=True))
    found: list[tuple[int, int, int]] = []
    for answer in sorted(left):
        if found and found[-1][2] == left[answer]:
            found[-1] = found[-1][0], answer, left[answer]
        else:
            found.append((answer, answer, left[answer]))
    # From one part to the next nothing lies between: a part begins where the one before ends.
    found = [
        (first, (found[place + 1][0] - 1 if place + 1 < len(found) else last), mask)
        for place, (first, last, mask) in enumerate(found)
    ]
    whole = search.left(number, [first for first, _, _ in found], [last for _, last, _ in found])
    return [(first, last, mask) for (first, last, _), mask in zip(found, whole, strict=True)]
