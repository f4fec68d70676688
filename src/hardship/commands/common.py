"""What several commands share: option types, the options themselves, progress on a terminal."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hardship.cli import Say
from hardship.errors import Fault, UsageError
from hardship.messages import LANGUAGES, default_language

if TYPE_CHECKING:
    from hardship.reading.database import Database

# Those of `reading.readers`, which takes polars along.
ENTITIES = ("households", "members", "supporters", "transfers", "overrides")
URL_VARIABLE = "HARDSHIP_REGISTER_URL"
Decorated = TypeVar("Decorated", bound=Callable[..., Any])
Decorator = Callable[[Decorated], Decorated]

EXISTING = click.Path(exists=False, path_type=Path)
"""A path; whether it exists is said by who reads it, in both languages."""


class Day(click.ParamType[dt.date]):
    """A date `YYYY-MM-DD`."""

    name = "date"

    def __init__(self, say: Say) -> None:
        self.say = say

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:
        if isinstance(value, dt.date):
            return value
        try:
            if len(value) != 10:
                raise ValueError(value)
            return dt.date.fromisoformat(value)
        except ValueError:
            return self.fail(self.say("cli.bad_date", found=value), param, ctx)


class OneOf(click.ParamType[tuple[str, ...]]):
    """One of the given words, or several with commas between them."""

    name = "choice"

    def __init__(self, say: Say, *words: str, several: bool = False) -> None:
        self.say, self.words, self.several = say, words, several

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "[" + "|".join(self.words) + "]" + (",…" if self.several else "")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        found = tuple(part.strip() for part in str(value).split(",")) if self.several else (str(value),)
        if not set(found) <= set(self.words):
            self.fail(self.say("cli.bad_choice", found=value, legal=", ".join(self.words)), param, ctx)
        return tuple(dict.fromkeys(found))


class Whole(click.ParamType[int]):
    """A whole number between two bounds."""

    name = "number"

    def __init__(self, say: Say, low: int, high: int) -> None:
        self.say, self.low, self.high = say, low, high

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        if not text.isascii() or not text.isdigit() or not self.low <= int(text[:18]) <= self.high:
            self.fail(self.say("cli.bad_number", found=text[:40], low=self.low, high=self.high), param, ctx)
        return int(text)


def table_option(say: Say) -> Decorator[Any]:
    """`--table T`."""
    return click.option("--table", "table", required=True, metavar="T", help=say("cli.table"))


def on_option(say: Say) -> Decorator[Any]:
    """`--on DATE`."""
    return click.option("--on", "on", required=True, type=Day(say), metavar=say("cli.day"), help=say("cli.on"))


def standards_option(say: Say) -> Decorator[Any]:
    """`--standards FILE`, repeatable."""
    return click.option(
        "--standards", "standards", multiple=True, type=EXISTING, metavar="FILE", help=say("cli.standards")
    )


def mapping_option(say: Say) -> Decorator[Any]:
    """`--mapping FILE`."""
    return click.option("--mapping", "mapping", type=EXISTING, metavar="FILE", help=say("cli.mapping"))


def register_options(say: Say) -> Decorator[Any]:
    """`[REGISTER]`, or `--register-url` (`url`) and a query for each of its tables (`households_query`, …)."""

    def decorated(function: Any) -> Any:
        for entity in reversed(ENTITIES):
            name = f"{entity}_query"
            function = click.option(
                f"--{entity}-query", name, default="", metavar="SQL", help=say("database.opt_query", entity=entity)
            )(function)
        address = click.option("--register-url", "url", default="", metavar="URL", help=say("database.opt_url"))
        return click.argument("register", type=EXISTING, metavar="[REGISTER]", required=False)(address(function))

    return decorated


def moved_database_option(say: Say) -> Decorator[Any]:
    """`--register-url` (`url`, from the environment without it) of commands that begin from stored results."""
    return click.option(
        "--register-url",
        "url",
        default=lambda: os.environ.get(URL_VARIABLE, ""),
        metavar="URL",
        help=say("database.opt_verify_url"),
    )


def register_of(
    register: Path | None, url: str, queries: Mapping[str, str], not_with: Mapping[str, bool]
) -> Path | Database:
    """The register that was named: files, or a database (from the environment where neither is named).

    Args:
        queries: by the names of their options, "" where none was given.
        not_with: options that a database has not, and whether they were given.

    Raises:
        UsageError: both or none are named, queries without a database, or a database with such an option.
    """
    from hardship.reading.database import Database

    given = {name.removesuffix("_query"): query for name, query in queries.items() if query}
    if register is not None:
        if url:
            raise UsageError(Fault("database.two_registers"))
        if given:
            raise UsageError(Fault("database.query_without_url"))
        return register
    url = url or os.environ.get(URL_VARIABLE, "")
    if not url:
        raise UsageError(Fault("database.no_register"))
    faults = [
        Fault("database.not_with", params={"option": option}) for option, is_given in not_with.items() if is_given
    ]
    if faults:
        raise UsageError(faults)
    return Database(url, given)


def lang_option(say: Say) -> Decorator[Any]:
    """`--lang zh|en`; the language of the run without it."""
    return click.option("--lang", "lang", type=OneOf(say, *LANGUAGES), default=default_language, help=say("cli.lang"))


def of_one_household(say: Say, text: str, *forms: str) -> Decorator[Any]:
    """Register, household, table, day, standards, mapping, `--format` (the first of `forms` unless said) and language.

    Args:
        text: the id of the help of `--format`.
    """
    stack = (
        register_options(say),
        click.option("--household", "household", metavar="ID", help=say("cli.household")),
        table_option(say),
        on_option(say),
        standards_option(say),
        mapping_option(say),
        click.option("--format", "form", type=OneOf(say, *forms), default=forms[0], help=say(text)),
        lang_option(say),
    )

    def decorated(function: Any) -> Any:
        for option in reversed(stack):
            function = option(function)
        return function

    return decorated


def examples(say: Say, code: str) -> str:
    """The epilog of a command: its examples, not re-wrapped."""
    return "\b\n" + say(code)


def below(say: Say, name: str, short: str, text: str, shown: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A command of a group, with the ids of its line in the list, its text and its examples."""
    return click.command(name, short_help=say(short), help=say(text), epilog=examples(say, shown))


def group_of(say: Say, name: str, text: str, shown: str, *commands: click.Command) -> click.Group:
    """A group of commands, with the ids of its text and its examples."""
    return click.Group(
        name,
        {str(one.name): one for one in commands},
        help=say(text),
        epilog=examples(say, shown),
        subcommand_metavar=say("cli.command_metavar"),
        no_args_is_help=True,
    )


class Bars:
    """Progress bars on standard error, only when that is a terminal; call it as a `Progress`."""

    def __init__(self, say: Say, wanted: bool = True) -> None:
        self.say = say
        self._wanted = wanted and sys.stderr.isatty()
        self._shown: Any = None
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Bars:
        if self._wanted:
            from rich.console import Console
            from rich.progress import Progress

            self._shown = Progress(console=Console(stderr=True), transient=True)
            self._shown.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._shown is not None:
            self._shown.stop()

    def __call__(self, stage: str, share: float, words: str = "") -> None:
        """Show how far a stage is, from 0 to 1, by its name or other words; the stages before it are done."""
        if self._shown is None:
            return
        if stage not in self._tasks:
            for task in self._tasks.values():
                self._shown.update(task, completed=1)
            self._tasks[stage] = self._shown.add_task(stage, total=1)
        self._shown.update(self._tasks[stage], completed=share, description=words or stage)
