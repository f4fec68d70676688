"""`hardship tables`: which scoring tables there are, and the public card of one."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hardship.cli import Say
from hardship.commands.common import OneOf, examples, lang_option, standards_option
from hardship.errors import Fault, UsageError
from hardship.messages import default_language

if TYPE_CHECKING:
    from hardship.checking.check import Checked


def command(say: Say) -> click.Command:
    """The command with its texts."""

    @click.command("tables", help=say("cli.tables_help"), epilog=examples(say, "cli.tables_examples"))
    @click.argument("table", metavar="[ID]", required=False)
    @click.option(
        "--format", "form", type=OneOf(say, "text", "json", "html"), default="text", help=say("cli.tables_format")
    )
    @standards_option(say)
    @lang_option(say)
    def tables(table: str | None, form: tuple[str, ...], standards: tuple[Path, ...], lang: tuple[str, ...]) -> int:
        from hardship.load import title, versions

        if table is None:
            for name, files in versions().items():
                named = title(list(files.values())[-1], default_language())
                click.echo(f"{name:<16} {', '.join(map(str, files)):<24} {named}")
            return 0
        from hardship.cards import card
        from hardship.standards import load_standards

        checked = open_version(table)
        known = list(versions().get(checked.table.table.id, {}))
        made = card.card(checked, lang[0], standards=load_standards(standards), versions=known)
        if form[0] == "json":
            click.echo(card.card_json(made), nl=False)
        elif form[0] == "html":
            from hardship.cards.html import render as page

            click.echo(page(made), nl=False)
        else:
            from hardship.cards.text import render

            click.echo(render(made), nl=False)
        return 0

    return tables


def open_version(spec: str) -> Checked:
    """The checked table that `spec` means without a date: the last version of an ID, ID@DATE, or a file.

    Raises:
        UsageError: no such table. TableError: it is wrong.
    """
    from hardship.load import find_table, load_table, versions

    known = versions()
    if spec in known:
        return load_table(list(known[spec].values())[-1])
    if not (spec.endswith(".toml") or "/" in spec or "@" in spec):
        raise UsageError(Fault("cli.no_such_table", params={"names": ", ".join(known)}))
    return load_table(find_table(spec, dt.date.max)[0])
