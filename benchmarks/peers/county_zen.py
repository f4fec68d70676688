"""The 35 items of `county_model` in GoRules' zen-engine: one expression node, evaluated in batches.

Only the items: households come with their derived values (incomes, counts, lines), which the plain loop works out
beforehand, outside the timing. The engine has decimals of its own, so all values fit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.peers import county as rules
from benchmarks.peers.county_plain import Row

BATCH = 1_000


def _bands(value: str, edge: str, bands: Sequence[tuple[int, int, int]], last: int) -> str:
    """Points of the first band with value · q < edge · p, for (p, q, points) in `bands`."""
    return "".join(f"{value} * {q} < {edge} * {p} ? {points} : " for p, q, points in bands) + str(last)


ITEMS = {
    "status": (
        "min([old, 2])", "min([high * 2, 4])", "min([minors, 3])", "child and lone and not(spouse) ? 3 : 0",
        "min([orphans * 4, 4])", "min([grade_1 * 5 + grade_2 * 4 + grade_3 * 3 + min([other, 2]), 8])",
        "min([ill * 5, 8])", "min([chronic, 2])", "min([no_care * 4, 4])", "able == 0 ? 4 : 0",
        f"able == 0 ? 3 : ({_bands('(p - able)', 'able', rules.BURDEN_BANDS, 3)})", "min([further, 2])",
    ),
    "earnings": (
        _bands("income", "wealth", rules.INCOME_BANDS, 0), "employed ? 0 : 3",
        f"income == 0 ? 2 : ({_bands('transfers', 'income', rules.TRANSFER_BANDS, 2)})",
        f"labour <= 0 ? 4 : ({_bands('labour', 'p', rules.LABOUR_BANDS, 0)})", "land == 0 ? 1 : 0",
        "no_pension ? 1 : 0", "able_supporter ? 0 : 2",
        f"income == 0 ? 6 : ({_bands('medical', 'income', rules.MEDICAL_BANDS, 6)})",
        f"education == 0 ? 0 : (income == 0 ? 3 : ({_bands('education', 'income', rules.EDUCATION_BANDS, 3)}))",
        "before > 0 and income * 2 <= before ? 2 : 0",
    ),
    "property": (
        _bands("assets", "wealth", rules.ASSET_BANDS, 0),
        "safety == 'D' or safety == 'none' ? 4 : (safety == 'C' ? 3 : 0)", "area < mean ? 1 : 0",
        "machines > 0 ? -2 : 0", "durables <= 2 ? 2 : (durables <= 5 ? 1 : 0)",
        f"debt == 0 ? 0 : (income == 0 ? 3 : ({_bands('debt', 'income', rules.DEBT_BANDS, 3)}))",
        "livestock > 2000000 ? -1 : 0",
    ),
}  # fmt: skip
CAPS = {"status": 45, "earnings": 40, "property": 15}
TRUTHS = ("child", "lone", "spouse", "employed", "no_pension", "able_supporter")


def decision() -> dict[str, Any]:
    """The decision graph: input, an expression for each item and each group's capped sum, output."""
    lines = [(f"{group}_{n}", text) for group, items in ITEMS.items() for n, text in enumerate(items)]
    for group, items in ITEMS.items():
        every = " + ".join(f"$.{group}_{n}" for n in range(len(items)))
        lines.append((f"points_{group}", f"min([{CAPS[group]}, {every}])"))
    lines.append(("index", "max([0, " + " + ".join(f"$.points_{group}" for group in ITEMS) + "])"))
    expressions = [{"id": key, "key": key, "value": value} for key, value in lines]
    kinds = {"in": "inputNode", "items": "expressionNode", "out": "outputNode"}
    nodes = [{"id": name, "name": name, "type": kind, "position": {"x": 0, "y": 0}} for name, kind in kinds.items()]
    nodes[1]["content"] = {"expressions": expressions}
    edges = [{"id": "a", "sourceId": "in", "targetId": "items"}, {"id": "b", "sourceId": "items", "targetId": "out"}]
    return {"nodes": nodes, "edges": [{**edge, "type": "edge"} for edge in edges]}


def contexts(facts: Sequence[Row]) -> list[Row]:
    """What the engine is given of each household: counts that are only asked for being there become truths."""
    return [{**row, **{name: bool(row[name]) for name in TRUTHS}} for row in facts]


def scorer() -> Callable[[Sequence[Row]], list[dict[str, int]]]:
    """Scores households of `contexts`, batch by batch: the points of the groups and the index."""
    import zen

    engine = zen.ZenEngine({"loader": {"type": "static", "content": {"county": decision()}}})

    def score(rows: Sequence[Row]) -> list[dict[str, int]]:
        found: list[dict[str, int]] = []
        for first in range(0, len(rows), BATCH):
            requests = [{"key": "county", "context": row} for row in rows[first : first + BATCH]]
            found += [one["data"]["result"] for one in engine.evaluate_batch(requests)]
        return found

    return score
