"""The service: stateless scoring over HTTP. It stores nothing and reads no path or address from a request.

POST /v1/score, /v1/whatif, /v1/compare       one household
POST /v1/score/batch, /v1/rank                many: JSON lines, CSV, Parquet, Arrow
GET  /v1/tables, /v1/tables/{id}, /v1/tables/{id}/card, /v1/attributes, /v1/standards
GET  /health, /ready, /metrics, /openapi.json, /docs
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

import hardship
from hardship import messages
from hardship_api import batches, catalogue, documents, page, questions, scoring
from hardship_api.engine import Engine
from hardship_api.gate import Gate, Message, Receive
from hardship_api.metrics import Metrics
from hardship_api.problems import on_http, on_invalid, on_refused
from hardship_api.settings import Settings, from_environment
from hardship_api.shell import Send, Shell
from hardship_api.strict_json import Refused


class Service(FastAPI):
    """The framework with `Shell` as its outermost layer: nothing else stands around a request."""

    def build_middleware_stack(self) -> Any:
        """The layers from the shell inwards: the framework's own last resort would answer before it."""
        layer: Any = super().build_middleware_stack()
        while not isinstance(layer, Shell):
            layer = layer.app
        return layer

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request, or the start and the end of the service."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        scope["app"] = self
        await self.middleware_stack(scope, receive, send)


def create_app(
    roots: Sequence[Path] | None = None, standards: Sequence[Path] = (), settings: Settings | None = None
) -> FastAPI:
    """The service over the scoring tables in `roots` (default: the shipped ones) and the standards files.

    The machine is warmed in the background at start; until then `/ready` answers 503 and scoring waits for it.

    Args:
        settings: limits and options; default: those of the environment.

    Raises:
        TableError: a standards file is wrong.
        UsageError: a setting is wrong, or keys are asked for without a secret.
    """
    chosen = from_environment() if settings is None else settings
    engine, metrics = Engine(roots, standards), Metrics()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        threading.Thread(target=engine.warm, name="warm", daemon=True).start()
        yield

    app = Service(
        title="hardship",
        version=hardship.__version__,
        description=messages.text("api.description", "en"),
        lifespan=lifespan,
        telemetry={"logs": False},  # its exception logs would carry what a family told us
        docs_url=None,  # the framework's pages load scripts from outside hosts
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,  # the names of functions in generated clients
    )
    app.state.engine = engine
    app.state.metrics = metrics
    app.state.settings = chosen
    app.state.batches = 0
    app.state.places = asyncio.Semaphore(chosen.batches)
    app.state.unpackers = asyncio.Semaphore(2 * chosen.batches)
    app.state.kept = {}
    app.add_exception_handler(Refused, on_refused)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_invalid)
    for router in (scoring.router, questions.router, batches.router, catalogue.router, page.router):
        app.include_router(router)
    app.state.openapi = documents.openapi(app, chosen)
    single = app.state.scoring = scoring.Scoring(engine, chosen, metrics)
    app.add_middleware(Shell, gate=Gate(chosen), metrics=metrics, settings=chosen, scoring=single)
    return app
