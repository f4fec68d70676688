"""A public card as A4 pages to print and put up: no scripts, no outside files, the system's fonts."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from hardship.cards.rules import Entry
from hardship.cards.text import Words

if TYPE_CHECKING:
    from jinja2 import Environment


def render(made: Entry) -> str:
    """The page in the language the card was made in; every value is escaped."""
    words = Words(made)
    return _environment().get_template("card.html").render(c=made, w=words, say=words.say)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("hardship"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
