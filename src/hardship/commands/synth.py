"""`hardship synth`: a made-up register."""

from __future__ import annotations

from pathlib import Path

import click

from hardship.cli import Say
from hardship.commands.common import EXISTING, Bars, OneOf, Whole, examples


def command(say: Say) -> click.Command:
    """The command with its texts."""

    @click.command("synth", help=say("cli.synth_help"), epilog=examples(say, "cli.synth_examples"))
    @click.option(
        "--households", required=True, type=Whole(say, 1, 10**9), metavar="N", help=say("cli.synth_households")
    )
    @click.option("--seed", required=True, type=Whole(say, 0, 2**63 - 1), metavar="S", help=say("cli.seed"))
    @click.option("--out", "out", required=True, type=EXISTING, metavar="DIR", help=say("cli.synth_out"))
    @click.option(
        "--format", "form", type=OneOf(say, "csv", "parquet", "xlsx"), default="csv", help=say("cli.synth_format")
    )
    @click.option("--area", default="370828", show_default=True, metavar="CODE", help=say("cli.area"))
    @click.option("--parts", "count", type=Whole(say, 1, 100_000), metavar="N", help=say("parts.synth_parts"))
    def synth(households: int, seed: int, out: Path, form: tuple[str, ...], area: str, count: int | None) -> int:
        from hardship import synthesis
        from hardship.parts import synthesis as in_parts

        with Bars(say) as bars:
            if count is None:
                synthesis.write(households, seed, out, format=form[0], area=area, progress=bars)
            else:
                in_parts.write(households, seed, out, min(count, households), area=area, progress=bars)
        click.echo(say("cli.synth_done", households=f"{households:,}", out=out))
        return 0

    return synth
