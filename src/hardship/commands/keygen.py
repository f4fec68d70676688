"""`hardship keygen`: one API key for the service, shown once."""

from __future__ import annotations

from pathlib import Path

import click

from hardship.cli import Say
from hardship.commands.common import EXISTING, examples
from hardship.commands.serve import need_web


def command(say: Say) -> click.Command:
    """The command with its texts."""

    @click.command("keygen", help=say("cli.keygen_help"), epilog=examples(say, "cli.keygen_examples"))
    @click.option("--keys", type=EXISTING, required=True, metavar="FILE", help=say("cli.keys"))
    @click.option("--secret-file", "secret_file", type=EXISTING, metavar="FILE", help=say("cli.secret_file"))
    @click.option("--label", default="", metavar="NAME", help=say("cli.key_label"))
    def keygen(keys: Path, secret_file: Path | None, label: str) -> int:
        need_web()
        from hardship_api.keys import new_key, new_secret, server_secret
        from hardship_api.settings import from_environment

        known = from_environment()
        file = str(secret_file or known.secret_file)
        if file and not known.secret and not Path(file).exists():
            new_secret(Path(file))
            click.echo(say("cli.secret_made", path=file), err=True)
        click.echo(new_key(keys, server_secret(known.secret, file), label))
        return 0

    return keygen
