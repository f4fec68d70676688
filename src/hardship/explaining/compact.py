"""The short form of an explanation: what decided and what it was worked out from, without rules in words.

It is cut out of the full one (`docs/schemas/explanation_items.json`): facts and local numbers by their values, items
with band and points, clauses that are hit or cannot be decided, lines with their gaps, the benefit step by step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hardship.explaining.view import Entry

WHOLE = (
    "schema", "lang", "outcome", "outcome_text", "refused", "deferred", "index", "index_exact", "flags", "reasons",
)  # fmt: skip
PARAMETER = ("name", "title", "value", "unit", "text", "source", "date", "status")
DERIVED = ("name", "id", "value")
ITEM = ("id", "title", "value", "text", "band", "points", "capped_by", "missing_taken")
GROUP = ("id", "title", "points", "sum", "adjustment", "cap", "floor")
VETO = ("id", "title", "hit", "hit_text", "effect", "effect_text", "evidence", "appeal", "status")
LINE = ("rung", "name", "sign", "value", "text", "gap", "gap_text", "holds", "waived")
STEP = ("name", "title", "value", "exact", "text", "case", "filled", "source", "status")
PERSON = ("id", "rule", "title", "outcome", "outcome_text")
ABSENT = ("name", "title", "ids")


def compact(explanation: Entry) -> Entry:
    """The short form of a full explanation; `nearest_changes` are left out."""
    circle, benefit = explanation["circle"], explanation["benefit"]
    return {
        **_cut(explanation, WHOLE),
        "inputs": [
            _cut(entry, ("name", "value") if entry["id"] == "" else ("name", "id", "value"))
            for entry in explanation["inputs"]
            if entry["state"] == "known"
        ],
        "missing": _all(explanation["missing"], ABSENT),
        "assumed": [
            _cut(entry, ABSENT) | {"value": entry["assumed"]["value"] if "assumed" in entry else None}
            for entry in explanation["assumed"]
        ],
        "parameters": _all(explanation["parameters"], PARAMETER),
        "derived": _all(explanation["derived"], DERIVED),
        "groups": [_group(group) for group in explanation["groups"]],
        "indices": _all(explanation["indices"], ("id", "value", "exact", "sum", "adjustment")),
        "vetoes": _all((veto for veto in explanation["vetoes"] if veto["hit"] is not False), VETO),
        "circle": {
            **_cut(circle, ("id", "title")),
            "lines": [_cut(line, LINE) | {"measured": line["measured"]["text"]} for line in circle["lines"]],
        },
        "ladders": _all(explanation["ladders"], ("name", "id", "title")),
        "benefit": {**_cut(benefit, ("month", "text", "stopped")), "steps": _all(benefit["steps"], STEP)},
        "persons": [
            _cut(person, PERSON) | {"benefit": person["benefit"]["value"]} for person in explanation["persons"]
        ],
    }


def _cut(entry: Entry, keys: Sequence[str]) -> Entry:
    return {key: entry[key] for key in keys}


def _all(entries: Iterable[Entry], keys: Sequence[str]) -> list[Entry]:
    return [_cut(entry, keys) for entry in entries]


def _group(group: Entry) -> Entry:
    return {
        **_cut(group, GROUP),
        "items": _all(group["items"], ITEM),
        "groups": [_group(child) for child in group["groups"]],
    }
