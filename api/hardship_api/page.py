"""`/docs`: a page that asks this service, made of its own files, without any outside host; `/openapi.json`."""

from __future__ import annotations

from functools import cache, partial
from importlib import resources

from fastapi import APIRouter, Request
from fastapi.responses import Response
from jinja2 import Environment, PackageLoader, StrictUndefined

import hardship
from hardship import messages
from hardship_api.bodies import query
from hardship_api.problems import language

router = APIRouter(include_in_schema=False)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {"content-security-policy": POLICY, "cache-control": "no-cache", "vary": "Accept-Language"}


@cache
def _file(name: str) -> bytes:
    return (resources.files("hardship_api") / "page_files" / name).read_bytes()


@cache
def _page(lang: str) -> str:
    loader = PackageLoader("hardship_api", "page_files")
    template = Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template("docs.html")
    return template.render(lang=lang, say=partial(messages.text, lang=lang), version=hardship.__version__)


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """The OpenAPI document."""
    query(request.scope["query_string"])
    return Response(request.app.state.openapi, headers={"cache-control": "no-cache"}, media_type="application/json")


@router.get("/docs")
async def docs(request: Request) -> Response:
    """The page, in the language of the browser or of `?lang=`."""
    wanted = query(request.scope["query_string"], "lang").get("lang", "")
    lang = wanted if wanted in messages.LANGUAGES else language(request)
    return Response(_page(lang), headers=HEADERS, media_type="text/html")


@router.get("/docs.js")
async def script() -> Response:
    """Its script."""
    return Response(_file("docs.js"), headers=HEADERS, media_type="text/javascript")


@router.get("/docs.css")
async def style() -> Response:
    """Its style."""
    return Response(_file("docs.css"), headers=HEADERS, media_type="text/css")
