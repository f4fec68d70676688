"""`hardship ask`: what a household with missing facts may still come to, and what to ask first."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from hardship.cli import Say
from hardship.commands.common import Bars, examples, of_one_household, register_of
from hardship.commands.explain import only_household


def command(say: Say) -> click.Command:
    """The command with its texts."""

    @click.command("ask", help=say("possible.help"), epilog=examples(say, "possible.examples"))
    @of_one_household(say, "possible.format", "text", "json")
    def ask(
        register: Path | None,
        url: str,
        household: str | None,
        table: str,
        on: dt.date,
        standards: tuple[Path, ...],
        mapping: Path | None,
        form: tuple[str, ...],
        lang: tuple[str, ...],
        **queries: str,
    ) -> int:
        from hardship.explaining.explain import explanation_json, only
        from hardship.explaining.prospects import lines
        from hardship.inputs import open_inputs
        from hardship.messages import text
        from hardship.possible.answer import possible

        source = register_of(register, url, queries, {"--mapping": mapping is not None})
        with Bars(say) as bars:
            inputs = open_inputs(source, table, on, standards=standards, mapping=mapping, progress=bars)
            asked = household if household is not None else only_household(inputs.register)
            one = only(inputs.register, asked)
            found = possible(one, inputs.checked, inputs.standards, on, lang[0])
        if form[0] == "json":
            identity = inputs.checked.table.table
            head = {"id": identity.id, "version": identity.version.isoformat(), "sha256": inputs.checked.sha256}
            whole = {"schema": 1, "household_id": asked, "table": head, "on": on.isoformat(), "possible": found}
            click.echo(explanation_json(whole), nl=False)
        elif found is None:
            click.echo(text("possible.nothing", lang[0]))
        else:
            click.echo("\n".join(lines(found, lang[0])))
        return 0

    return ask
