"""A public card as A4 pages to print and put up: no scripts, no outside files, the system's fonts."""

from __future__ import annotations

from hardship import pages
from hardship.cards.rules import Entry
from hardship.cards.text import Words


def render(made: Entry) -> str:
    """The page in the language the card was made in; every value is escaped."""
    words = Words(made)
    return pages.render("card", c=made, w=words, say=words.say)
