"""What the parts of a scoring table are called: sections, keys and fixed words, in Chinese and English.

The office form, the comparison of two versions and the schema for editors name the same thing by the same word.
"""

from __future__ import annotations

from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from hardship import messages

_OWN_WORDS = {"pick": "pick_"}
"""Keys whose fixed words mean something else under another key."""


def section(name: str, lang: str) -> str:
    """The name of a section or of a line below an entry: `评分项`, `分档`."""
    return messages.text(f"form.s_{name}", lang)


def label(key: str, lang: str) -> str:
    """The name of a key, dotted where it is inside another: `名称（中文）`, `行：指标`."""
    *outer, last = key.split(".")
    if last in messages.LANGUAGES:
        inner = label(".".join(outer), lang) if outer else messages.text("form.f_text", lang)
        return messages.text(f"form.in_{last}", lang, label=inner)
    own = messages.text(f"form.f_{last}", lang)
    return messages.text("form.inside", lang, outer=label(".".join(outer), lang), label=own) if outer else own


def option(key: str, value: str, lang: str) -> str:
    """A fixed word of the language, such as a status or an effect: `文件公布`, `否决`."""
    return messages.text(f"form.o_{_OWN_WORDS.get(key, '')}{value}", lang)


@cache
def options(annotation: Any) -> tuple[str, ...]:
    """The fixed words that a key may hold; none for free texts and numbers."""
    if get_origin(annotation) is Literal:
        return tuple(value for value in get_args(annotation) if isinstance(value, str))
    return tuple(word for part in parts(annotation) for word in options(part))


def parts(annotation: Any) -> tuple[Any, ...]:
    """What a union or an annotated type is made of."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return get_args(annotation)[:1]
    return get_args(annotation) if origin in (Union, UnionType) else ()


def inner_model(annotation: Any) -> type[BaseModel] | None:
    """The model that a key holds, if it holds one (and no list of them)."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in parts(annotation) if (found := inner_model(part))), None)


@cache
def _named(annotation: Any) -> dict[str, str]:
    """Every way to write each fixed word of a key: itself, and its names in both languages."""
    words = options(annotation)
    found = {option_of(annotation, word, lang): word for lang in messages.LANGUAGES for word in words}
    return found | {word: word for word in words}


def option_of(annotation: Any, value: str, lang: str) -> str:
    """A fixed word of a key, by what the key may hold."""
    own = "pick" if "all" in options(annotation) else ""
    return option(own, value, lang) if value in options(annotation) else value


def option_word(annotation: Any, text: str) -> str:
    """The fixed word that a text means; the text itself if it is none, which the table's own check then says."""
    return _named(annotation).get(text, text)
