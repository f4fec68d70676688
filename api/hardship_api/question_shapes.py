"""Shapes of the questions about one household, for the OpenAPI document."""

from __future__ import annotations

from hardship.asking.compare import MOST as MOST_TABLES
from hardship.asking.lines import MOST as MOST_LINES
from hardship.asking.patch import MOST as MOST_FACTS
from hardship_api.schemas import DAY, MAYBE, TABLE, TEXT, Schema, listed, record, ref

HOUSEHOLD: dict[str, Schema] = {
    "household": ref("HouseholdFacts"),
    "members": listed(ref("Member"), minItems=1, maxItems=200),
    "supporters": listed(ref("Supporter")),
    "transfers": listed(ref("Transfer")),
}
OPTIONAL = ("household", "supporters", "transfers")
CHANGE = record(
    {
        "op": {"enum": ["replace", "add", "remove"], "default": "replace"},
        "pointer": TEXT
        | {"description": "`/members/0/wage_month`; `/members/-` adds a row, `/members/2` is one to remove"},
        "value": {"description": "the new value, null for unknown; of `add` the row"},
    },
    ("op", "value"),
    additionalProperties=False,
)
LINES: Schema = {
    "type": "object",
    "maxProperties": MOST_LINES,
    "additionalProperties": TEXT,
    "description": "amounts by parameter, constant, `points:ITEM`, `cap:ID` or `floor:ID`: `700`, `+10%`, `-50`",
}
FAULTS = listed(record({"code": TEXT, "field": TEXT, "detail": TEXT}))
SCORED = {"result": ref("Result"), "persons": listed(ref("Person")), "errors": FAULTS}
STATUS: Schema = {"enum": ["scored", "rejected"]}


def shapes() -> dict[str, Schema]:
    """All of them by name."""
    whatif = {"table": TABLE, "on": DAY, "facts": listed(ref("FactChange"), maxItems=MOST_FACTS), "lines": LINES}
    whatif["nearest"] = {"type": "boolean", "default": True, "description": "false leaves the nearest changes out"}
    column = {"name": TEXT, "title": TEXT, "id": TEXT, "from": MAYBE, "to": MAYBE, "from_text": TEXT, "to_text": TEXT}
    compared = {
        "table": record({"id": TEXT, "version": DAY, "title": TEXT, "sha256": TEXT}),
        "status": STATUS,
        **dict.fromkeys(("circle", "outcome", "index", "benefit_month"), MAYBE),
        **dict.fromkeys(("circle_title", "outcome_text"), TEXT),
        "missing": listed(record({"name": TEXT, "title": TEXT})),
    }
    return {
        "FactChange": CHANGE,
        "WhatIfRequest": record(
            HOUSEHOLD | whatif, (*OPTIONAL, "facts", "lines", "nearest"), additionalProperties=False
        ),
        "CompareRequest": record(
            HOUSEHOLD | {"tables": listed(TABLE, minItems=1, maxItems=MOST_TABLES), "on": DAY},
            OPTIONAL,
            additionalProperties=False,
        ),
        "Side": record({"status": STATUS} | SCORED, tuple(SCORED)),
        "WhatIfAnswer": record(
            {
                "before": ref("Side"),
                "after": ref("Side"),
                "changes": listed(record(column, ("id",))),
                "text": listed(TEXT),
                "nearest_changes": listed({"type": "object"}),
                "missing": {"type": ["object", "null"], "description": "docs/schemas/possible.json"},
                "run": ref("Run"),
            },
            ("missing",),
        ),
        "CompareAnswer": record(
            {
                "tables": listed(record(compared | SCORED, tuple(SCORED))),
                "run": record({"engine": TEXT, "on": DAY, "standards_sha256": TEXT}),
            }
        ),
    }
