"""`hardship warm`: compile the machine once, so that the first run does not wait."""

from __future__ import annotations

import time

import click

from hardship.cli import Say
from hardship.commands.common import examples


def command(say: Say) -> click.Command:
    """The command with its texts."""

    @click.command("warm", help=say("cli.warm_help"), epilog=examples(say, "cli.warm_examples"))
    def warm() -> int:
        from hardship import warming

        began = time.perf_counter()
        warming.warm("machine", "sheet", "sweep", "single")
        click.echo(say("cli.warm_done", seconds=f"{time.perf_counter() - began:.1f}"))
        return 0

    return warm
