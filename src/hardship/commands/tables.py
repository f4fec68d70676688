"""`hardship tables`: which scoring tables there are, and the card of one."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING

import click

from hardship.cli import Say
from hardship.commands.common import examples
from hardship.errors import Fault, UsageError
from hardship.messages import default_language

if TYPE_CHECKING:
    from hardship.check import Checked


def command(say: Say) -> click.Command:
    """The command with its texts."""

    @click.command("tables", help=say("cli.tables_help"), epilog=examples(say, "cli.tables_examples"))
    @click.argument("table", metavar="[ID]", required=False)
    def tables(table: str | None) -> int:
        from hardship.load import load_table, versions

        known = versions()
        if table is None:
            for name, files in known.items():
                title = load_table(list(files.values())[-1]).table.table.title.text(default_language())
                click.echo(f"{name:<16} {', '.join(map(str, files)):<24} {title}")
            return 0
        if table not in known:
            raise UsageError(Fault("cli.no_such_table", params={"names": ", ".join(known)}))
        click.echo(card(load_table(list(known[table].values())[-1]), list(known[table]), say), nl=False)
        return 0

    return tables


def card(checked: Checked, versions: list[dt.date], say: Say) -> str:
    """What an office should know of a table before it is used: where from, which numbers, which stops."""
    lang, table = default_language(), checked.table
    head = table.table
    lines = [
        f"{head.id}  {head.title.text(lang)}",
        say("cli.card_place", place=getattr(head.place, lang), area=head.place.area or "-"),
        say("cli.card_versions", versions=", ".join(map(str, versions))),
        say("cli.card_hash", sha256=checked.sha256),
    ]
    if head.note is not None:
        lines.append(head.note.text(lang))
    lines.append(say("cli.card_parts", items=len(table.item), groups=len(table.group), vetoes=len(table.veto),
                     parameters=len(table.parameter), steps=len(table.benefit)))
    marked = [*table.parameter, *table.constant, *table.lookup, *table.list, *table.item, *table.veto]
    status = Counter(str(number.status or head.default_status) for number in marked)
    counts = ", ".join(f"{n} {name}" for name, n in sorted(status.items()))
    lines.append(say("cli.card_status", counts=counts))
    for reason in head.protected:
        lines.append(say("cli.card_protected", attribute=reason.attribute, reason=reason.reason.text(lang)))
    for title, entries in (
        ("cli.card_parameters", [(p.name, f"{p.title.text(lang)} ({p.unit})") for p in table.parameter]),
        ("cli.card_groups", [(g.id, g.title.text(lang)) for g in table.group]),
        ("cli.card_vetoes", [(v.id, f"{v.title.text(lang)} [{v.effect}]") for v in table.veto]),
        ("cli.card_rungs", [(r.id, r.title.text(lang)) for ladder in table.ladder for r in ladder.rung]),
        ("cli.card_sources", [(s.id, " ".join(x for x in (s.title.text(lang), str(s.date or "")) if x))
                              for s in table.source]),
    ):
        if entries:
            lines.append(say(title))
            lines += [f"  {name:<24} {text}" for name, text in entries]
    return "\n".join(lines) + "\n"
