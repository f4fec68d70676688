"""The service as `hardship serve` starts it in each of its processes: native libraries may write nothing.

A panic of native code prints its message, which may hold what a family told us, before anybody can catch it.
"""

from __future__ import annotations

import logging
import os
import sys

from fastapi import FastAPI

from hardship_api.app import create_app


def app() -> FastAPI:
    """The service with the settings of the environment."""
    hush()
    return create_app()


def hush() -> None:
    """Let only Python write on standard error; what native code writes there is dropped."""
    before = sys.stderr
    kept = os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    os.close(nothing)
    sys.stderr = kept
    known = [logging.getLogger(name) for name in logging.root.manager.loggerDict]
    for handler in (handler for logger in (logging.root, *known) for handler in logger.handlers):
        if isinstance(handler, logging.StreamHandler) and handler.stream is before:
            handler.setStream(kept)
