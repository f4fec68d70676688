"""`/docs`: a page that asks this service, made of its own files, without any outside host; `/openapi.json`."""

from __future__ import annotations

from functools import cache
from importlib import resources

from fastapi import APIRouter, Request
from fastapi.responses import Response

from hardship_api.bodies import query

router = APIRouter(include_in_schema=False)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


@cache
def _file(name: str) -> bytes:
    return (resources.files("hardship_api") / "page_files" / name).read_bytes()


def _answer(name: str, media: str) -> Response:
    headers = {"content-security-policy": POLICY, "cache-control": "no-cache"}
    return Response(_file(name), headers=headers, media_type=media)


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """The OpenAPI document."""
    query(request)
    return Response(request.app.state.openapi, headers={"cache-control": "no-cache"}, media_type="application/json")


@router.get("/docs")
async def docs() -> Response:
    """The page."""
    return _answer("docs.html", "text/html; charset=utf-8")


@router.get("/docs.js")
async def script() -> Response:
    """Its script."""
    return _answer("docs.js", "text/javascript; charset=utf-8")


@router.get("/docs.css")
async def style() -> Response:
    """Its style."""
    return _answer("docs.css", "text/css; charset=utf-8")
