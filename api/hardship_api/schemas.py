"""The shapes of bodies and answers, for the OpenAPI document."""

from __future__ import annotations

import json
from typing import Any

from hardship.reading.template import json_schema
from hardship.results import LISTS, PERSON_COLUMNS, RANKS

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
MAYBE: Schema = {"type": ["string", "null"]}
HASH: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
DAY: Schema = {"type": "string", "format": "date"}
TABLE: Schema = {
    "type": "string",
    "pattern": "^[a-z0-9][a-z0-9_-]{0,63}(@[0-9]{4}-[0-9]{2}-[0-9]{2})?$",
    "description": "`ID` (the version in force on the date) or `ID@YYYY-MM-DD`",
}
OUTCOMES = ("meets", "does_not_meet", "incomplete", "needs_review")
STATUSES = ("published", "law", "unverified", "illustrative")
ROWS = {"household": "HouseholdFacts", "members": "Member", "supporters": "Supporter", "transfers": "Transfer"}


def ref(name: str) -> Schema:
    """A reference to a shape by name."""
    return {"$ref": f"#/components/schemas/{name}"}


def listed(items: Schema, **more: Any) -> Schema:
    """An array."""
    return {"type": "array", "items": items, **more}


def record(properties: dict[str, Schema], optional: tuple[str, ...] = (), **more: Any) -> Schema:
    """An object with these properties, all required but the optional ones."""
    required = sorted(set(properties) - set(optional))
    return {"type": "object", "required": required, "properties": properties, **more}


def schemas() -> dict[str, Schema]:
    """All shapes by name."""
    return _household() | _answer() | _rows() | _catalogue() | _problem()


def _household() -> dict[str, Schema]:
    whole = json.loads(json_schema())["properties"]
    rows = {
        name: (whole[key] if key == "household" else whole[key]["items"]) | {"title": name}
        for key, name in ROWS.items()
    }
    household = {
        "household": ref("HouseholdFacts"),
        "members": listed(ref("Member"), minItems=1, maxItems=200),
        "supporters": listed(ref("Supporter")),
        "transfers": listed(ref("Transfer")),
    }
    rest = ("supporters", "transfers")
    asked = household | {
        "table": TABLE,
        "on": DAY | {"description": "the assessment date"},
        "explain": {"type": "boolean", "default": True, "description": "false is `detail=summary`"},
    }
    return rows | {
        "Household": record(household, (*rest, "household"), additionalProperties=False),
        "ScoreRequest": record(asked, (*rest, "household", "explain"), additionalProperties=False),
    }


def _answer() -> dict[str, Schema]:
    result: dict[str, Schema] = {
        "household_id": TEXT,
        "area_code": MAYBE,
        "outcome": {"enum": list(OUTCOMES)},
        **dict.fromkeys(("circle", "position", *RANKS, "percentile", "index", "index_exact"), MAYBE),
        **dict.fromkeys(("income_per_head", "gap_to_next_line", "benefit_month"), MAYBE),
        **dict.fromkeys(LISTS, TEXT),
    }
    person: dict[str, Schema] = dict.fromkeys(PERSON_COLUMNS, TEXT) | {"benefit_month": MAYBE}
    run = {
        "engine": TEXT,
        "on": DAY,
        "table": record({"id": TEXT, "version": DAY, "sha256": HASH}),
        "standards_sha256": HASH,
    }
    return {
        "Result": record(result, additionalProperties=MAYBE)
        | {
            "description": "One row of the results, as the texts of the CSV form; empty cells are null. After these "
            "come `points_<group>`, further indices and ladders, `item_<id>` and the table's own outputs."
        },
        "Person": record(person),
        "Run": record(run),
        "Explanation": {
            "type": "object",
            "required": ["schema"],
            "properties": {"schema": {"type": "integer"}},
            "description": "docs/schemas/explanation.json; with detail=items docs/schemas/explanation_items.json",
        },
        "ScoreAnswer": record(
            {
                "result": ref("Result"),
                "persons": listed(ref("Person")),
                "run": ref("Run"),
                "explanation": ref("Explanation"),
                "missing": {
                    "type": "object",
                    "description": "of an incomplete household: docs/schemas/possible.json",
                },
            },
            ("explanation", "missing"),
        ),
    }


def _rows() -> dict[str, Schema]:
    error = record({"row": {"type": "integer"}, "elementPath": TEXT, "code": TEXT, "message": TEXT})
    return {
        "RowError": error,
        "Row": record(
            {
                "row": {"type": "integer", "minimum": 1},
                "status": {"enum": ["scored", "rejected", "stopped"]},
                "result": ref("Result"),
                "persons": listed(ref("Person")),
                "errors": listed(ref("RowError")),
            },
            ("result", "persons", "errors"),
        )
        | {"description": "One line of the answer of a batch. `stopped` is the last: the rest cannot be read."},
    }


def _catalogue() -> dict[str, Schema]:
    identity: dict[str, Schema] = {
        "version": DAY,
        "title": TEXT,
        "place": TEXT,
        "currency": TEXT,
        "direction": TEXT,
        "status": {"enum": list(STATUSES)},
        "note": TEXT,
        "sha256": HASH,
    }
    value = record({"value": TEXT, "title": TEXT})
    attribute: dict[str, Schema] = {
        "name": TEXT,
        "title": TEXT,
        "level": {"enum": ["household", "member", "supporter", "transfer"]},
        "type": TEXT,
        "unit": TEXT,
        "sensitivity": TEXT,
        "values": listed(value),
        "bounds": listed(TEXT),
        "decimals": {"type": "integer"},
    }
    standard: dict[str, Schema] = {
        "parameter": TEXT,
        "area_code": TEXT,
        "residence": TEXT,
        "effective_from": DAY,
        "value": TEXT,
        "unit": TEXT,
        "status": {"enum": list(STATUSES)},
        "source": TEXT,
    }
    parts = (
        "sources",
        "protected",
        "parameters",
        "constants",
        "derived",
        "groups",
        "items",
        "vetoes",
        "ladders",
        "benefit",
    )
    whole: dict[str, Schema] = {
        "id": TEXT,
        **identity,
        "counted": TEXT,
        **dict.fromkeys(parts, listed({"type": "object"})),
    }
    return {
        "TableList": record({"tables": listed(record({"id": TEXT, "versions": listed(record(identity))}))}),
        "Table": record(whole),
        "Card": {
            "type": "object",
            "required": ["schema", "id", "version", "sha256", "title"],
            "properties": {"schema": {"type": "integer"}, "id": TEXT, "version": DAY, "sha256": HASH, "title": TEXT},
        },
        "AttributeList": record({"attributes": listed(record(attribute, ("values", "bounds", "decimals")))}),
        "StandardList": record({"on": DAY, "sha256": HASH, "standards": listed(record(standard))}),
        "Health": record({"status": TEXT, "engine": TEXT}),
        "Ready": record({"ready": {"type": "boolean"}}),
    }


def _problem() -> dict[str, Schema]:
    fault = record({"code": TEXT, "pointer": TEXT, "detail": TEXT, "expected": TEXT}, ("expected",))
    properties: dict[str, Schema] = {
        "type": TEXT,
        "title": TEXT,
        "status": {"type": "integer"},
        "code": TEXT,
        "errors": listed(ref("Fault")),
    }
    return {
        "Fault": fault,
        "Problem": record(properties, ("errors",))
        | {"description": "RFC 9457: a code, a sentence and places; it never repeats an input value."},
    }
