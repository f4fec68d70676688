"""`hardship test`: run the worked cases of the tables."""

from __future__ import annotations

import click

from hardship.cli import Say
from hardship.commands.common import examples


def command(say: Say) -> click.Command:
    """The command with its texts."""

    @click.command("test", help=say("cli.test_help"), epilog=examples(say, "cli.test_examples"))
    @click.argument("table", metavar="[T]", required=False)
    def test(table: str | None) -> int:
        from hardship import cases

        raise NotImplementedError(cases)

    return test
