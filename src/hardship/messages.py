"""Sentences in Chinese and English: gettext catalogues `locale/<catalogue>.<lang>.po`, read when first needed.

A message id is `<catalogue>.<name>`; its catalogue file holds `<name>`. Placeholders are `str.format` names.
What babel has read is kept as JSON in the user's cache, under the hash of the file: importing babel and reading take
half of what `hardship --help` takes.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

LANGUAGES = ("zh", "en")


@cache
def catalogue(name: str, lang: str) -> dict[str, str]:
    """All sentences of one catalogue in one language, by short id."""
    file = Path(__file__).parent / "locale" / f"{name}.{lang}.po"
    content = file.read_bytes()
    kept = cache_home() / "hardship" / "locale" / f"{file.stem}.{hashlib.sha256(content).hexdigest()[:32]}.json"
    with suppress(OSError, ValueError):
        found: dict[str, str] = json.loads(kept.read_bytes())
        return found
    found = _read(content)
    with suppress(OSError):  # a home that nobody may write to
        for folder in (kept.parents[1], kept.parent):  # nobody else may write to the first: it has compiled code
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        written = kept.with_suffix(f".{os.getpid()}")
        written.write_text(json.dumps(found), encoding="utf-8")
        written.replace(kept)
    return found


def _read(content: bytes) -> dict[str, str]:
    """The sentences of a catalogue file."""
    from babel.messages.pofile import read_po

    entries = read_po(BytesIO(content), locale=None, abort_invalid=True)
    return {str(entry.id): str(entry.string) for entry in entries if entry.id}


def cache_home() -> Path:
    """Where this user's programs keep what they can make again."""
    root = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    return Path(root) if root else Path(os.path.expanduser("~")) / ".cache"


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
