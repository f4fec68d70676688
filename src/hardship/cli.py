"""The command line: lazily loaded commands, texts in Chinese or English, exit codes, no traceback.

Exit codes: 0 done; 1 a check, test, verification or comparison found faults; 2 usage, table or register
unusable, nothing written; 3 done, some rows rejected. Each command is a module of `hardship.commands` with a
function `command(say)` that makes the click command with its texts in one language.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from hardship import messages

Say = Callable[..., str]
"""`say(message id, name=value)`: a sentence in the language of this run."""

COMMANDS = {
    "score": ("score", "cli.score_short"),
    "whatif": ("whatif", "sweep.short"),
    "cut": ("cut", "cut.short"),
    "rerank": ("rerank", "cli.rerank_short"),
    "explain": ("explain", "cli.explain_short"),
    "ask": ("ask", "possible.short"),
    "publish": ("publish", "report.publish_short"),
    "notices": ("notices", "report.notices_short"),
    "report": ("report", "report.report_short"),
    "verify": ("verify", "cli.verify_short"),
    "check": ("check", "cli.check_short"),
    "test": ("test", "cli.test_short"),
    "tables": ("tables", "cli.tables_short"),
    "table": ("table", "cli.table_short"),
    "standards": ("standards", "proposal.command_short"),
    "attributes": ("attributes", "cli.attributes_short"),
    "synth": ("synth", "cli.synth_short"),
    "warm": ("warm", "cli.warm_short"),
    "profile": ("profile", "cli.profile_short"),
    "serve": ("serve", "cli.serve_short"),
    "keygen": ("keygen", "cli.keygen_short"),
}
"""Command name → module in `hardship.commands`, short description."""

INTERNAL, UNUSABLE, STOPPED = 1, 2, 130

COLLECTIONS = (100_000, 50, 50)
"""New objects between two looks for rubbish. Starting makes hundreds of thousands that stay: looking through them again
and again took a tenth of a small command; so many new ones take ten megabytes at most."""


def speaker(lang: str) -> Say:
    """The function that gives sentences in `lang`."""

    def say(code: str, **params: Any) -> str:
        return messages.text(code, lang, **params)

    return say


class Page(click.HelpFormatter):
    """click's help pages with their headings in the language of the run."""

    say: Say = staticmethod(speaker("en"))

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, self.say("cli.usage") + " " if prefix is None else prefix)

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        words = {"Options": "cli.options", "Commands": "cli.commands"}
        with super().section(self.say(words[name]) if name in words else name):
            yield

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        words = {"[required]": self.say("cli.required"), "[default: ": self.say("cli.default")}
        told = []
        for name, text in rows:
            for english, own in words.items():
                text = text.replace(english, own)
            told.append((name, text))
        super().write_dl(told, col_max, col_spacing)


class Program(click.Group):
    """The group of all commands; a command's module is imported only when that command is asked for."""

    def __init__(self, lang: str) -> None:
        self.say = speaker(lang)
        page = type("Page", (Page,), {"say": staticmethod(self.say)})
        context = type("Context", (click.Context,), {"formatter_class": page})
        self.context_class = context
        super().__init__(
            "hardship",
            help=self.say("cli.program"),
            epilog="\b\n" + self.say("cli.program_epilog"),
            subcommand_metavar=self.say("cli.command_metavar"),
            options_metavar="",
            no_args_is_help=True,
        )
        self.params.append(version_option(self.say))

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"hardship.commands.{COMMANDS[cmd_name][0]}")
        made: click.Command = module.command(self.say)
        self.prepare(made)
        return made

    def prepare(self, made: click.Command) -> None:
        """Give a command, and the commands below it, the pages and words of this run."""
        made.context_class = self.context_class
        made.options_metavar = self.say("cli.options_metavar")
        translate_help(made, self.say)
        for below in made.commands.values() if isinstance(made, click.Group) else ():
            self.prepare(below)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = self.say("cli.help")
        return option

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.say(short)) for name, (_, short) in COMMANDS.items()])


def version_option(say: Say) -> click.Option:
    """`--version`."""

    def show(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        if value:
            from hardship import __version__

            click.echo(f"hardship {__version__}")
            ctx.exit()

    return click.Option(
        ["--version"], is_flag=True, expose_value=False, is_eager=True, callback=show, help=say("cli.version")
    )


def translate_help(command: click.Command, say: Say) -> None:
    """Put the words of `--help` itself into the language of the run."""
    with click.Context(command) as ctx:
        option = command.get_help_option(ctx)
    if option is not None:
        option.help = say("cli.help")


def usage_text(error: click.ClickException, say: Say) -> str:
    """A click error as one sentence of our catalogue."""
    match error:
        case click.MissingParameter():
            return say("cli.missing_parameter", name=parameter_name(error.param))
        case click.NoSuchOption():
            near = ", ".join(error.possibilities or ())
            hint = " " + say("cli.near", names=near) if near else ""
            return say("cli.no_such_option", name=error.option_name) + hint
        case click.BadParameter():
            return say("cli.bad_parameter", name=parameter_name(error.param), text=error.message)
        case click.exceptions.BadOptionUsage():
            return say("cli.bad_option_usage", name=error.option_name)
        case click.UsageError() if error.ctx is not None and isinstance(error.ctx.command, click.Group):
            return say("cli.no_such_command", names=", ".join(error.ctx.command.list_commands(error.ctx)))
        case _:
            return say("cli.usage_fault", text=error.format_message())


def parameter_name(param: click.Parameter | None) -> str:
    """How the user writes a parameter: `--table`, `REGISTER`."""
    if param is None:
        return ""
    return (
        param.make_metavar(click.Context(click.Command("")))
        if isinstance(param, click.Argument)
        else max(param.opts, key=len)
    )


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; the exit code. Faults are told on standard error, never as a traceback."""
    from hardship.errors import EngineError, HardshipError

    lang = messages.default_language()
    say = speaker(lang)
    output = sys.stdout
    try:
        return Program(lang).main(arguments, prog_name="hardship", standalone_mode=False) or 0
    except EngineError as error:
        return broken(error, say)
    except HardshipError as error:
        for fault in error.faults:
            click.echo(fault.text(lang), err=True)
        return UNUSABLE
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return UNUSABLE
    except click.ClickException as error:
        click.echo(usage_text(error, say), err=True)
        return UNUSABLE
    except (click.Abort, KeyboardInterrupt):
        click.echo(say("cli.stopped"), err=True)
        return STOPPED
    except SystemExit:
        if sys.stdout is output:
            raise
        sys.stdout = output  # click has replaced it because the reader has gone, and leaves
        return abandoned()
    except BrokenPipeError:
        return abandoned()
    except OSError as error:
        return refused(error, say)
    except Exception as error:  # the last resort: one line instead of a traceback
        wrapped = error.args[0] if error.args else None  # xlsxwriter wraps what the system said
        return refused(wrapped, say) if isinstance(wrapped, OSError) else broken(error, say)


def abandoned() -> int:
    """The reader of our output has gone; nobody is left to be told."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def refused(error: OSError, say: Say) -> int:
    """The system's own fault or refusal: one line."""
    if os.environ.get("HARDSHIP_DEBUG"):
        raise error
    reason = error.strerror or type(error).__name__
    click.echo(say("cli.system", reason=reason, name=error.filename or ""), err=True)
    return UNUSABLE


def broken(error: Exception, say: Say) -> int:
    """Our own fault: one line, no values of the register in it; with HARDSHIP_DEBUG=1 everything."""
    if os.environ.get("HARDSHIP_DEBUG"):
        raise error
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    place = f"{os.path.basename(at.tb_frame.f_code.co_filename)}:{at.tb_lineno}" if at is not None else ""
    click.echo(say("cli.internal", kind=type(error).__name__, place=place), err=True)
    return INTERNAL


def main() -> None:
    """Entry point of the `hardship` program."""
    gc.set_threshold(*COLLECTIONS)
    try:
        code = run()
    finally:
        # Everything is written: Python need not look for rubbish among all that is left (a fifth of a small command).
        gc.freeze()
    raise SystemExit(code)
