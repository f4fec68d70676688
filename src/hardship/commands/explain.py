"""`hardship explain`: why one household stands where it stands."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hardship.cli import Say
from hardship.commands.common import Bars, examples, of_one_household, register_of
from hardship.errors import Fault, RegisterError, UsageError

if TYPE_CHECKING:
    from hardship.register import Register


def command(say: Say) -> click.Command:
    """The command with its texts."""

    @click.command("explain", help=say("cli.explain_help"), epilog=examples(say, "cli.explain_examples"))
    @of_one_household(say, "cli.explain_format", "text", "json", "html")
    def explain(
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
        from hardship.explaining import explain as explaining
        from hardship.inputs import open_inputs

        source = register_of(register, url, queries, {"--mapping": mapping is not None})
        with Bars(say) as bars:
            inputs = open_inputs(source, table, on, standards=standards, mapping=mapping, progress=bars)
            read = inputs.register
            asked = household if household is not None else only_household(read)
            why = explaining.explain(read, inputs.checked, inputs.standards, on, asked, lang[0], forced=inputs.forced)
            if why["outcome"] == "incomplete":
                from hardship.possible.answer import possible

                one = explaining.only(read, asked)
                why["possible"] = possible(one, inputs.checked, inputs.standards, on, lang[0])
        if form[0] == "json":
            click.echo(explaining.explanation_json(why), nl=False)
        elif form[0] == "html":
            from hardship.explaining.html import render as page

            click.echo(page(why), nl=False)
        else:
            from hardship.explaining.text import render

            click.echo(render(why), nl=False)
        return 0

    return explain


def only_household(register: Register) -> str:
    """The id of the one household of a one-household register.

    Raises:
        UsageError: there is more than one.
        RegisterError: there is none: the reasons are said.
    """
    from hardship.reading.rejects import main_reasons

    ids = register.frames["household"]["household_id"]
    if len(ids) == 0:
        count = register.counts["households"]["in"]
        raise RegisterError([Fault("common.nothing_left", params={"rejected": count}), *main_reasons(register.rejects)])
    if len(ids) > 1:
        raise UsageError(Fault("cli.which_household", params={"count": len(ids)}))
    return str(ids[0])
