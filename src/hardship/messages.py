"""Sentences in Chinese and English: gettext catalogues `locale/<catalogue>.<lang>.po`, read when first needed.

A message id is `<catalogue>.<name>`; its catalogue file holds `<name>`. Placeholders are `str.format` names.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

LANGUAGES = ("zh", "en")


@cache
def catalogue(name: str, lang: str) -> dict[str, str]:
    """All sentences of one catalogue in one language, by short id."""
    from babel.messages.pofile import read_po

    path = resources.files("hardship") / "locale" / f"{name}.{lang}.po"
    with path.open("rb") as handle:
        entries = read_po(handle, locale=None, abort_invalid=True)
    return {str(entry.id): str(entry.string) for entry in entries if entry.id}


class Term(str):
    """A parameter that is itself a message id, so that its words follow the language of the sentence."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Both:
    """A parameter whose words are there in both languages."""

    zh: str
    en: str


def text(code: str, lang: str, **params: Any) -> str:
    """The sentence `code` in `lang`, its placeholders filled.

    Raises:
        KeyError: no such sentence; a test holds that every code used in the sources exists in both languages.
    """
    name, _, short = code.partition(".")
    words = {key: _worded(value, lang) for key, value in params.items()}
    return catalogue(name, lang)[short].format(**words)


def _worded(value: Any, lang: str) -> Any:
    """A parameter as it stands in a sentence of `lang`."""
    match value:
        case Term():
            return text(value, lang)
        case Both():
            return value.zh if lang == "zh" else value.en
        case _:
            return value


def default_language() -> str:
    """`HARDSHIP_LANG`, else the locale of the process, else English."""
    for variable in ("HARDSHIP_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(variable, "").lower()
        if value:
            return "zh" if value.startswith("zh") else "en"
    return "en"
