"""`hardship notices`: a one-page notice (明白卡) for each household."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from hardship.cli import Say
from hardship.commands.common import (
    EXISTING,
    Bars,
    OneOf,
    Whole,
    examples,
    lang_option,
    mapping_option,
    on_option,
    register_of,
    register_options,
    standards_option,
    table_option,
)
from hardship.errors import Fault, UsageError
from hardship.messages import text


def command(say: Say) -> click.Command:
    """The command with its texts."""

    @click.command("notices", help=say("report.notices_help"), epilog=examples(say, "report.notices_examples"))
    @register_options(say)
    @table_option(say)
    @on_option(say)
    @click.option("--area", default="", metavar="CODE", help=say("report.n_area"))
    @click.option("--household", "household", metavar="ID", help=say("report.n_household"))
    @click.option("--names", type=EXISTING, metavar="FILE", help=say("report.names"))
    @click.option("--office", default="", metavar=say("report.text"), help=say("report.office"))
    @click.option("--contact", default="", metavar=say("report.text"), help=say("report.contact"))
    @click.option("--objection-days", "days", type=Whole(say, 1, 365), metavar="N", help=say("report.n_days"))
    @click.option(
        "--format",
        "formats",
        type=OneOf(say, "pdf", "html", several=True),
        default="pdf,html",
        help=say("report.n_formats"),
    )
    @click.option("--out", required=True, type=EXISTING, metavar="DIR", help=say("cli.out"))
    @standards_option(say)
    @mapping_option(say)
    @lang_option(say)
    def notices(
        register: Path | None,
        url: str,
        table: str,
        on: dt.date,
        area: str,
        household: str | None,
        names: Path | None,
        office: str,
        contact: str,
        days: int | None,
        formats: tuple[str, ...],
        out: Path,
        standards: tuple[Path, ...],
        mapping: Path | None,
        lang: tuple[str, ...],
        **queries: str,
    ) -> int:
        from hardship import export
        from hardship import score as scoring
        from hardship.inputs import open_inputs
        from hardship.reports import notices as making
        from hardship.reports.extra import LETTERS, need
        from hardship.reports.heads import read_names

        source = register_of(register, url, queries, {"--mapping": mapping is not None})
        export.prepare(out, making.KIND)
        need(formats, LETTERS)
        with Bars(say) as bars:
            inputs = open_inputs(source, table, on, standards=standards, mapping=mapping, names=True, progress=bars)
            frame = inputs.register.frames["household"]
            chosen = frame["area_code"].fill_null("").str.starts_with(area)
            if household is not None:
                chosen &= frame["household_id"] == household
            if not chosen.any():
                raise UsageError(Fault("report.nobody", params={"register": inputs.register.name}))
            results = scoring.score(inputs.register, inputs.checked, inputs.standards, on, forced=inputs.forced)
            sender = making.Sender(office, contact, days)
            given = read_names(names) if names is not None else None
            record = making.write(
                out, results, inputs, chosen, sender, lang[0], names=given, formats=formats, progress=bars
            )
        click.echo(text("report.noticed", lang[0], out=out, **record["counts"]))
        return 0

    return notices
