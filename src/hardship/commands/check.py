"""`hardship check`: say everything that is wrong with scoring tables."""

from __future__ import annotations

from pathlib import Path

import click

from hardship.cli import Say
from hardship.commands.common import EXISTING, examples
from hardship.errors import TableError
from hardship.messages import default_language


def command(say: Say) -> click.Command:
    """The command with its texts."""

    @click.command("check", help=say("cli.check_help"), epilog=examples(say, "cli.check_examples"))
    @click.argument("files", type=EXISTING, metavar="FILE…", nargs=-1, required=True)
    def check(files: tuple[Path, ...]) -> int:
        from hardship.load import load_table

        lang, faults = default_language(), 0
        for path in files:
            try:
                checked = load_table(path)
            except TableError as error:
                faults += len(error.faults)
                for fault in error.faults:
                    click.echo(fault.text(lang))
                continue
            for warning in checked.warnings:
                click.echo(say("cli.warning", text=warning.text(lang)))
            table = checked.table
            click.echo(
                say(
                    "cli.check_good",
                    path=path,
                    title=table.table.title.text(lang),
                    items=len(table.item),
                    warnings=len(checked.warnings),
                )
            )
        if faults:
            click.echo(say("cli.check_faults", count=faults), err=True)
        return 1 if faults else 0

    return check
