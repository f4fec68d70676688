"""What the OpenAPI document says of each route: bodies, parameters, every answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hardship import messages
from hardship_api.examples import examples
from hardship_api.question_shapes import shapes
from hardship_api.schemas import DAY, TABLE, ref, schemas
from hardship_api.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

Operation = dict[str, Any]

EXAMPLE: dict[str, Any] = next(one["value"] for one in examples().values())
LANGUAGE = {
    "name": "Accept-Language",
    "in": "header",
    "description": "`zh` first for Chinese sentences, anything else for English",
    "schema": {"type": "string"},
}
BUSY_HEADERS = {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}}
COLUMNAR = ("application/vnd.apache.parquet", "application/vnd.apache.arrow.stream")
BINARY = {"type": "string", "format": "binary"}
MEANINGS = {
    304: "Not changed since the ETag given in If-None-Match.",
    400: "Not UTF-8, not JSON, or not packed as it says.",
    401: "No good key (only where keys are asked for).",
    404: "No such table, or none in force on the date.",
    406: "No form of answer that the client takes.",
    408: "The body came too slowly.",
    413: "Too large, or too many households.",
    415: "Another media type or packing.",
    422: "It can be read, and holds what cannot be taken; `errors` says where.",
    429: "Too many requests of this key or address.",
    500: "Our fault.",
    503: "No room now.",
}


def problems(*statuses: int) -> dict[str, Any]:
    """The answers that are problems; those that any route may give are added."""
    content = {"application/problem+json": {"schema": ref("Problem")}}
    found = {}
    for status in sorted({*statuses, 401, 429, 500, 503}):
        found[str(status)] = {"description": MEANINGS[status], "content": content}
        if status in (429, 503):
            found[str(status)]["headers"] = BUSY_HEADERS
    return found


def parameter(name: str, schema: dict[str, Any], description: str = "", required: bool = False) -> dict[str, Any]:
    """A parameter of the query."""
    return {"name": name, "in": "query", "required": required, "schema": schema, "description": description}


def good(name: str, description: str = "Done.") -> dict[str, Any]:
    """An answer in JSON."""
    return {"200": {"description": description, "content": {"application/json": {"schema": ref(name)}}}}


def got(name: str, *statuses: int, parameters: tuple[dict[str, Any], ...] = ()) -> Operation:
    """A route that is only read; its answer has an ETag."""
    answer = good(name)
    answer["200"]["headers"] = {"ETag": {"schema": {"type": "string"}}}
    unchanged = {"304": {"description": MEANINGS[304]}}
    return {"parameters": [LANGUAGE, *parameters], "responses": answer | unchanged | problems(*statuses)}


DETAIL = parameter(
    "detail", {"enum": ["summary", "items", "full"]}, "no explanation, a short one, the whole one (without: the whole)"
)
SCORE: Operation = {
    "parameters": [DETAIL, LANGUAGE],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": ref("ScoreRequest"), "examples": examples()}},
    },
    "responses": good("ScoreAnswer", "Result, persons, run and explanation.") | problems(400, 404, 408, 413, 415, 422),
}
HOUSEHOLD = {key: value for key, value in EXAMPLE.items() if key not in ("table", "on")}
LINE = json.dumps(HOUSEHOLD, ensure_ascii=False)
MANY_IN = {
    "application/x-ndjson": {
        "schema": {"type": "string", "description": "one `Household` a line"},
        "example": LINE,
    },
    "text/csv": {
        "schema": {
            "type": "string",
            "description": "one member a line, the lines of a household together; `household_id`, `member_id` and "
            "any attributes of household and member; UTF-8 or GB18030",
        },
        "example": "household_id,area_code,residence_type,member_id,birth_date,wage_month\n"
        "H1,370828,rural,1,1960-01-01,700\n",
    },
    **{
        media: {
            "schema": BINARY
            | {
                "description": "one row a household: its attributes, and `members`, a list of structs that may hold "
                "lists `supporters` and `transfers`"
            }
        }
        for media in COLUMNAR
    },
    "application/octet-stream": {"schema": BINARY | {"description": "any of these forms, told by its first bytes"}},
}
MANY_OUT = {
    "application/x-ndjson": {
        "schema": {"type": "string", "description": "one `Row` a line, in the order of the request"}
    },
    "text/csv": {"schema": {"type": "string", "description": "row, status, the result columns, persons, errors"}},
    **{media: {"schema": BINARY} for media in COLUMNAR},
}
MANY_HEADERS = {
    "Hardship-Run": "engine, table with version and hash, hash of the standards, date",
    "Hardship-Households-Limit": "most households of one request",
    "Hardship-Ranks": "`none` in a batch, whose ranks are null; `whole` in a ranking",
    "Server-Timing": "milliseconds until the answer began: read, score (through the machine), results, write",
}


def many(settings: Settings, ranks: bool) -> Operation:
    """A route that takes many households."""
    most = settings.rank_households if ranks else settings.batch_households
    headers = {name: {"description": text, "schema": {"type": "string"}} for name, text in MANY_HEADERS.items()}
    done = {"description": f"A row for each household; at most {most:,}.", "headers": headers, "content": MANY_OUT}
    return {
        "x-households-limit": most,
        "x-bytes-limit": settings.rank_bytes if ranks else settings.batch_bytes,
        "parameters": [
            parameter("table", TABLE, required=True),
            parameter("on", DAY, "the assessment date", required=True),
            parameter("detail", {"enum": ["summary", "items"], "default": "summary"}, "`items`: points of each item"),
            parameter(
                "accept",
                {"type": "string", "maxLength": 200},
                "why incomes far from every line are right; else they stop the batch",
            ),
            {
                "name": "Content-Encoding",
                "in": "header",
                "description": "`gzip` for a packed body",
                "schema": {"enum": ["gzip", "identity"]},
            },
            LANGUAGE,
        ],
        "requestBody": {"required": True, "content": MANY_IN},
        "responses": {"200": done} | problems(400, 404, 406, 408, 413, 415, 422),
    }


BATCH, RANK = many(Settings(), ranks=False), many(Settings(), ranks=True)
ON = parameter("on", DAY, "without: the latest version")
CARD: Operation = got("Card", 404, 406, 422, parameters=(ON,))
CARD["responses"]["200"]["content"] |= {
    "text/html": {"schema": {"type": "string"}},
    "text/plain": {"schema": {"type": "string"}},
}
TABLES = got("TableList")
TABLE_WORDS = got("Table", 404, 422, parameters=(ON,))
ATTRIBUTES = got("AttributeList", 404, 422, parameters=(parameter("table", TABLE, "with the table's own attributes"),))
STANDARDS = got(
    "StandardList",
    422,
    parameters=(
        parameter("on", DAY, "rows in force on that date", required=True),
        parameter("area", {"type": "string", "pattern": "^[0-9A-Za-z]{0,32}$"}, "rows that hold in this area"),
        parameter("parameter", {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$"}, "rows of one parameter"),
    ),
)
HEALTH: Operation = {"responses": good("Health", "The process answers.")}
READY: Operation = {
    "responses": good("Ready", "The machine is warm.")
    | {"503": {"description": "Not yet.", "content": {"application/json": {"schema": ref("Ready")}}}}
}
METRICS: Operation = {
    "responses": {
        "200": {
            "description": "Counts in the text form of Prometheus.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        }
    }
    | problems()
}


def openapi(app: FastAPI, settings: Settings) -> bytes:
    """The OpenAPI document of this service with these settings."""
    found = app.openapi()
    found["components"] = {
        "schemas": schemas() | shapes() | found.get("components", {}).get("schemas", {}),
        "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "an API key, where asked for"}},
    }
    found["security"] = [{"key": []}] if settings.keys else [{}, {"key": []}]
    for path, ranks in (("/v1/score/batch", False), ("/v1/rank", True)):
        found["paths"][path]["post"] |= many(settings, ranks)
    for path, methods in found["paths"].items():
        for operation in methods.values():
            for lang in messages.LANGUAGES:
                operation[f"x-summary-{lang}"] = messages.text(f"api.route_{_short(path)}", lang)
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()


def _short(path: str) -> str:
    """`/v1/score/batch` as `score_batch`; one table is `table`, its card `card`."""
    one = {"/v1/tables/{table_id}": "table", "/v1/tables/{table_id}/card": "card"}
    return one.get(path, path.removeprefix("/v1").strip("/").replace("/", "_"))
