"""`hardship verify`: replay stored results with the plain evaluator."""

from __future__ import annotations

from pathlib import Path

import click

from hardship.cli import Say
from hardship.commands.common import EXISTING, Bars, Whole, examples, moved_database_option

SHOWN = 20


def command(say: Say) -> click.Command:
    """The command with its texts."""

    @click.command("verify", help=say("cli.verify_help"), epilog=examples(say, "cli.verify_examples"))
    @click.argument("results", type=EXISTING, metavar="DIR")
    @click.option("--register", "register", type=EXISTING, metavar="PATH", help=say("cli.verify_register"))
    @moved_database_option(say)
    @click.option("--sample", "sample", type=Whole(say, 1, 10**9), metavar="N", help=say("cli.sample"))
    def verify(results: Path, register: Path | None, url: str, sample: int | None) -> int:
        from hardship.parts.replay import replay

        with Bars(say) as bars:
            found = replay(results, register=register, url=url, sample=sample, progress=bars)
        for difference in found.differences[:SHOWN]:
            place = "".join(part + ": " for part in (difference.household, difference.column) if part)
            click.echo(place + say("cli.difference", stored=difference.stored, found=difference.found), err=True)
        if len(found.differences) > SHOWN:
            click.echo(say("cli.and_more", count=len(found.differences) - SHOWN), err=True)
        count = len(found.differences)
        click.echo(f"households={found.households} differences={count} sha256={found.sha256}")
        return 1 if count else 0

    return verify
