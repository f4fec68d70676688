"""`hardship serve`: the service on this machine."""

from __future__ import annotations

import importlib.util

import click

from hardship.cli import Say
from hardship.commands.common import Whole, examples
from hardship.errors import Fault, UsageError


def command(say: Say) -> click.Command:
    """The command with its texts."""

    @click.command("serve", help=say("cli.serve_help"), epilog=examples(say, "cli.serve_examples"))
    @click.option("--host", default="127.0.0.1", show_default=True, metavar="HOST", help=say("cli.host"))
    @click.option(
        "--port", type=Whole(say, 1, 65535), default=8000, show_default=True, metavar="N", help=say("cli.port")
    )
    def serve(host: str, port: int) -> int:
        if not (importlib.util.find_spec("uvicorn") and importlib.util.find_spec("fastapi")):
            raise UsageError(Fault("cli.no_web"))
        import uvicorn

        # Access logs of a service about poor families are not ours to keep.
        uvicorn.run("hardship_api.app:create_app", factory=True, host=host, port=port, access_log=False)
        return 0

    return serve
