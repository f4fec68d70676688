"""The page of all commands, from their own `--help`: `python -m hardship.commands.reference_page LANG FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from hardship.cli import COMMANDS, Program, speaker

WIDTH = 100


def page(lang: str) -> str:
    """The page in one language, as Markdown."""
    say, program = speaker(lang), Program(lang)
    parts = [f"# {say('cli.page_title')}", say("cli.page_note"), _help(program, "hardship")]
    for name in COMMANDS:
        with click.Context(program, info_name="hardship") as parent:
            command = program.get_command(parent, name)
        assert command is not None
        parts += [f"## {name}", _help(command, f"hardship {name}")]
        below = command.commands if isinstance(command, click.Group) else {}
        parts += [_help(one, f"hardship {name} {key}") for key, one in below.items()]
    return "\n\n".join(parts) + "\n"


def _help(command: click.Command, title: str) -> str:
    context = command.make_context(title, [], resilient_parsing=True, max_content_width=WIDTH, terminal_width=WIDTH)
    with context:
        text = command.get_help(context)
    return f"```\n{text.rstrip()}\n```"


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(page(sys.argv[1]), encoding="utf-8")
