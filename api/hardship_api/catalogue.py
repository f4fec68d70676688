"""What can be scored with: tables, their cards, the dictionary, local numbers; and whether the service lives."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

import hardship
from hardship.attributes import dictionary
from hardship.cards.card import card, card_json
from hardship.explaining.wording import number_text
from hardship.language.fields import DeclaredAttribute
from hardship.standards import StandardRow
from hardship_api import documents
from hardship_api.bodies import date, encoded, query
from hardship_api.engine import Engine
from hardship_api.metrics import CONTENT
from hardship_api.problems import language
from hardship_api.strict_json import Refused
from hardship_api.tables import identity, in_words

router = APIRouter()
LATEST = dt.date(2199, 12, 31)
MOST_KEPT = 512
CARDS = ("application/json", "text/html", "text/plain")
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")
_AREA = re.compile(r"[0-9A-Za-z]{0,32}\Z")
_PARAMETER = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")


@router.get("/health", openapi_extra=documents.HEALTH, response_class=Response)
async def health() -> Response:
    """The process answers."""
    return Response(encoded({"status": "ok", "engine": hardship.__version__}), media_type="application/json")


@router.get("/ready", openapi_extra=documents.READY, response_class=Response)
async def ready(request: Request) -> Response:
    """200 once the machine is warm in this worker, 503 before."""
    warm = request.app.state.engine.ready.is_set()
    return Response(encoded({"ready": warm}), 200 if warm else 503, media_type="application/json")


@router.get("/metrics", openapi_extra=documents.METRICS, response_class=Response)
async def metrics(request: Request) -> Response:
    """Counts and times, for a monitor."""
    return Response(request.app.state.metrics.text(), media_type=CONTENT)


@router.get("/v1/tables", openapi_extra=documents.TABLES, response_class=Response)
async def tables(request: Request) -> Response:
    """Every table with its versions."""
    query(request.scope["query_string"])
    lang = language(request)
    engine: Engine = request.app.state.engine

    def make() -> bytes:
        found = [
            {"id": name, "versions": [identity(engine.table(f"{name}@{on}", on)[0], lang) for on in dates]}
            for name, dates in engine.versions.items()
        ]
        return encoded({"tables": found})

    return await kept(request, ("tables", lang), make)


@router.get("/v1/tables/{table_id}", openapi_extra=documents.TABLE_WORDS, response_class=Response)
async def table(table_id: str, request: Request) -> Response:
    """One table in words: the version in force on `?on=`, by default the latest."""
    on, lang = _asked(request, table_id), language(request)
    engine: Engine = request.app.state.engine
    return await kept(
        request, ("table", table_id, on, lang), lambda: encoded(in_words(engine.table(table_id, on)[0], lang))
    )


@router.get("/v1/tables/{table_id}/card", openapi_extra=documents.CARD, response_class=Response)
async def table_card(table_id: str, request: Request) -> Response:
    """The public card of a table: JSON, a page to print (`Accept: text/html`), or plain text (`text/plain`)."""
    on, lang = _asked(request, table_id), language(request)
    engine: Engine = request.app.state.engine
    media = _card_form(request.headers.get("accept", ""))

    def make() -> bytes:
        checked = engine.table(table_id, on)[0]
        made = card(checked, lang, standards=engine.standards, versions=list(engine.versions[table_id]))
        if media == "text/html":
            from hardship.cards.html import render as page

            return page(made).encode()
        if media == "text/plain":
            from hardship.cards.text import render

            return render(made).encode()
        return card_json(made).encode()

    found = await kept(request, ("card", table_id, on, lang, media), make, media)
    if media == "text/html":  # its own style stands in it; nothing else is loaded
        found.headers["content-security-policy"] = (
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
        )
    return found


@router.get("/v1/attributes", openapi_extra=documents.ATTRIBUTES, response_class=Response)
async def attributes(request: Request) -> Response:
    """The data dictionary: every fact that a household may carry; with `?table=` the table's own too."""
    spec, lang = query(request.scope["query_string"], "table").get("table"), language(request)
    engine: Engine = request.app.state.engine

    def make() -> bytes:
        known = dictionary() if spec is None else engine.table(spec, LATEST)[0].names.attributes
        return encoded({"attributes": [_attribute(one, lang) for one in known.values()]})

    return await kept(request, ("attributes", spec, lang), make)


@router.get("/v1/standards", openapi_extra=documents.STANDARDS, response_class=Response)
async def standards(request: Request) -> Response:
    """The dated local numbers in force on a date, everywhere or in one area."""
    given = query(request.scope["query_string"], "on", "area", "parameter")
    on, area, parameter = date(given.get("on")), given.get("area"), given.get("parameter")
    if not _AREA.match(area or "") or (parameter is not None and not _PARAMETER.match(parameter)):
        raise Refused("api.parameters")
    engine: Engine = request.app.state.engine
    lang = language(request)

    def make() -> bytes:
        rows = [_standard(row, lang) for row in _in_force(engine.standards.rows, on, area, parameter)]
        return encoded({"on": on.isoformat(), "sha256": engine.standards.sha256, "standards": rows})

    return await kept(request, ("standards", on, area, parameter, lang), make)


async def kept(request: Request, key: tuple[Any, ...], make: Callable[[], bytes], media: str = CARDS[0]) -> Response:
    """An answer that is made once and then kept, with its ETag; 304 if the client has it already.

    Raises:
        Refused: what `make` refuses.
    """
    known: dict[tuple[Any, ...], tuple[bytes, str]] = request.app.state.kept
    if key not in known:
        body = await run_in_threadpool(make)
        if len(known) >= MOST_KEPT:
            known.pop(next(iter(known)))
        known[key] = body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    body, tag = known[key]
    headers = {"etag": tag, "cache-control": "private, no-cache", "vary": "Accept, Accept-Language"}
    given = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if tag in given or "*" in given:
        return Response(None, 304, headers)
    return Response(body, headers=headers, media_type=media)


def _asked(request: Request, table_id: str) -> dt.date:
    given = query(request.scope["query_string"], "on").get("on")
    if not _ID.match(table_id):
        raise Refused("api.no_table", 404)
    return LATEST if given is None else date(given)


def _card_form(accept: str) -> str:
    names = [one.partition(";")[0].strip().lower() for one in accept.split(",") if one.strip()]
    for name in names:
        if name in CARDS:
            return name
    if not names or {"*/*", "application/*"} & set(names):
        return CARDS[0]
    raise Refused("api.not_acceptable", 406)


def _attribute(one: DeclaredAttribute, lang: str) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": one.name,
        "title": one.title.text(lang),
        "level": one.level,
        "type": one.type,
        "unit": one.unit,
        "sensitivity": one.sensitivity,
    }
    if one.values:
        entry["values"] = [
            {"value": value.value, "title": value.title.text(lang) if value.title else value.value}
            for value in one.values
        ]
    if one.bounds is not None:
        entry["bounds"] = [str(bound) for bound in one.bounds]
    if one.type == "decimal":
        entry["decimals"] = one.decimals
    return entry


def _in_force(
    rows: tuple[StandardRow, ...], on: dt.date, area: str | None, parameter: str | None
) -> Iterator[StandardRow]:
    """Of each parameter, residence and area the latest row; with an area only the narrowest that holds there."""
    found: dict[tuple[str, ...], StandardRow] = {}
    for row in rows:  # sorted by area, then by date: what comes later is narrower, or newer
        holds = area is None or area.startswith(row.area_code)
        if row.effective_from <= on and holds and parameter in (None, row.parameter):
            key = (row.parameter, row.residence, row.area_code if area is None else "")
            found[key] = row
    yield from found.values()


def _standard(row: StandardRow, lang: str) -> dict[str, str]:
    return {
        "parameter": row.parameter,
        "area_code": row.area_code,
        "residence": row.residence,
        "effective_from": row.effective_from.isoformat(),
        "value": number_text(row.value),
        "unit": row.unit,
        "status": row.status,
        "source": row.source_text(lang),
    }
