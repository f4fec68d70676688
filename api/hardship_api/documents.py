"""What the OpenAPI description says of the bodies that the service reads itself."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from hardship.reading.template import json_schema

EXAMPLE: dict[str, Any] = json.loads((resources.files("hardship_api") / "example.json").read_text(encoding="utf-8"))
_PROBLEM = {
    "description": "A problem (RFC 9457) with a code and places; it never repeats an input value.",
    "content": {
        "application/problem+json": {
            "schema": {
                "type": "object",
                "required": ["type", "title", "status", "code"],
                "properties": {
                    "type": {"type": "string"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "code": {"type": "string"},
                    "errors": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["code", "pointer", "detail"],
                            "properties": {name: {"type": "string"} for name in ("code", "pointer", "detail")},
                        },
                    },
                },
            }
        }
    },
}


def _household_schema() -> dict[str, Any]:
    """The schema of one household with the two facts of the run."""
    schema: dict[str, Any] = json.loads(json_schema())
    schema.pop("$schema", None)
    schema["properties"] |= {
        "table": {"type": "string", "description": "`ID` (in force on the date) or `ID@YYYY-MM-DD`"},
        "on": {"type": "string", "format": "date", "description": "the assessment date"},
        "explain": {"type": "boolean", "default": True},
    }
    schema["required"] = sorted({*schema.get("required", ()), "table", "on", "members"})
    return schema


SCORE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": _household_schema(), "example": EXAMPLE}},
    },
    "responses": {"422": _PROBLEM, "400": _PROBLEM, "404": _PROBLEM, "413": _PROBLEM, "415": _PROBLEM},
}
BATCH: dict[str, Any] = {
    "parameters": [
        {"name": "table", "in": "query", "required": True, "schema": {"type": "string"}},
        {"name": "on", "in": "query", "required": True, "schema": {"type": "string", "format": "date"}},
        {
            "name": "accept",
            "in": "query",
            "description": "why incomes far from every line are right; recorded, else they stop the batch",
            "schema": {"type": "string", "maxLength": 200},
        },
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/x-ndjson": {
                "schema": {"type": "string", "description": "one household in contract form a line"},
                "example": json.dumps(
                    {key: value for key, value in EXAMPLE.items() if key not in ("table", "on")},
                    ensure_ascii=False,
                ),
            },
            "text/csv": {"schema": {"type": "string", "description": "one member a line"}},
        },
    },
    "responses": {"422": _PROBLEM, "400": _PROBLEM, "404": _PROBLEM, "413": _PROBLEM, "415": _PROBLEM},
}
