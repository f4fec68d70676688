"""`hardship attributes`: the data dictionary, as a list, JSON Schema, Excel template or Markdown page."""

from __future__ import annotations

from pathlib import Path

import click

from hardship.cli import Say
from hardship.commands.common import EXISTING, examples
from hardship.messages import default_language


def command(say: Say) -> click.Command:
    """The command with its texts."""

    @click.command("attributes", help=say("cli.attributes_help"), epilog=examples(say, "cli.attributes_examples"))
    @click.option("--schema", is_flag=True, help=say("cli.attributes_schema"))
    @click.option("--template", "workbook", type=EXISTING, metavar="F.xlsx", help=say("cli.attributes_template"))
    @click.option("--markdown", is_flag=True, help=say("cli.attributes_markdown"))
    def attributes(schema: bool, workbook: Path | None, markdown: bool) -> int:
        from hardship.attributes import dictionary

        lang = default_language()
        if schema or workbook is not None or markdown:
            from hardship.reading import template

            if schema:
                click.echo(template.json_schema(), nl=False)
            if markdown:
                click.echo(template.markdown(), nl=False)
            if workbook is not None:
                template.write_template(workbook)
                click.echo(say("cli.attributes_written", path=workbook))
            return 0
        for attribute in dictionary().values():
            kind = attribute.type + (f" {attribute.unit}" if attribute.unit else "")
            click.echo(f"{attribute.level:<10} {attribute.name:<28} {kind:<20} {attribute.title.text(lang)}")
        return 0

    return attributes
