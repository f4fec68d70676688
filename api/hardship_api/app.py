"""The service: stateless scoring over HTTP. It stores nothing and reads no path or address from a request.

POST /v1/score        one household -> result and explanation
POST /v1/score/batch  JSON lines or CSV -> one JSON line for each household
GET  /v1/tables, /v1/tables/{id}, /v1/attributes, /health, /ready
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

import hardship
from hardship import messages
from hardship_api import catalogue, scoring
from hardship_api.engine import Engine
from hardship_api.problems import Shell, on_http, on_invalid, on_refused
from hardship_api.strict_json import Refused


def create_app(roots: Sequence[Path] | None = None, standards: Sequence[Path] = ()) -> FastAPI:
    """The service over the scoring tables in `roots` (default: the shipped ones) and the standards files.

    The machine is warmed in the background at start; until then `/ready` answers 503 and scoring waits for it.

    Raises:
        TableError: a standards file is wrong.
    """
    engine = Engine(roots, standards)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        threading.Thread(target=engine.warm, name="warm", daemon=True).start()
        yield

    app = FastAPI(
        title="hardship",
        version=hardship.__version__,
        description=messages.text("api.description", "en"),
        lifespan=lifespan,
        telemetry={"logs": False},  # its exception logs would carry what a family told us
        docs_url=None,  # the framework's pages load scripts from outside hosts
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.engine = engine
    app.add_exception_handler(Refused, on_refused)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.include_router(catalogue.router)
    app.include_router(scoring.router)
    app.add_middleware(Shell)
    return app
