"""`hardship profile`: where a table's time goes."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import click

from hardship.cli import Say
from hardship.commands.common import Whole, examples, on_option, standards_option

SHOWN = 20


def command(say: Say) -> click.Command:
    """The command with its texts."""

    @click.command("profile", help=say("cli.profile_help"), epilog=examples(say, "cli.profile_examples"))
    @click.argument("table", metavar="TABLE")
    @on_option(say)
    @standards_option(say)
    @click.option(
        "--households", type=Whole(say, 1, 10_000_000), default=200_000, metavar="N", help=say("cli.profile_households")
    )
    @click.option("--complete", "whole", is_flag=True, help=say("cli.profile_complete"))
    @click.option("--as-lowered", "as_lowered", is_flag=True, help=say("cli.profile_as_lowered"))
    @click.option("--block", type=Whole(say, 1, 1 << 16), default=2048, metavar="N", help=say("cli.block"))
    @click.option("--json", "as_json", is_flag=True, help=say("cli.profile_json"))
    def profile(
        table: str, on: dt.date, standards: tuple[Path, ...], households: int, whole: bool, as_lowered: bool,
        block: int, as_json: bool,
    ) -> int:  # fmt: skip
        from hardship import profiling
        from hardship.inputs import open_table
        from hardship.standards import load_standards
        from hardship.synthesis import synthesize

        checked, _ = open_table(table, on)
        area = checked.table.table.place.area
        attributes = checked.names.attributes
        register = synthesize(households, 7, area=area or "370828", attributes=attributes)
        if whole:
            register = profiling.complete(register)
        known = load_standards(standards)
        found = profiling.profile(checked, register, known, on, as_lowered=as_lowered, block=block)
        if as_json:
            click.echo(json.dumps(found.plain(), indent=2))
            return 0
        click.echo(
            say(
                "cli.profile_head", table=checked.table.table.id, households=f"{found.households:,}",
                lowered=found.lowered, instructions=found.instructions, nanoseconds=f"{found.nanoseconds:.1f}",
                rate=f"{1e3 / found.nanoseconds:.1f}",
            )
        )  # fmt: skip
        click.echo(
            say(
                "cli.profile_bytes", read=f"{found.read:.0f}", written=f"{found.written:.0f}",
                bandwidth=f"{found.bandwidth / 1e9:.1f}", share=f"{100 * found.share:.0f}",
            )
        )  # fmt: skip
        for stage, cost in sorted(found.stages.items(), key=lambda pair: -pair[1]):
            click.echo(f"{cost:8.2f} ns  {say(f'cli.profile_stage_{stage}')}")
        click.echo(say("cli.profile_kinds", shown=min(SHOWN, len(found.lines)), kinds=len(found.lines)))
        for line in found.lines[:SHOWN]:
            click.echo(
                f"{line.nanoseconds:8.2f} ns  {line.instruction:<15} {line.level:<10} {line.bits:>2} × {line.count}"
            )
        return 0

    return profile
