"""JSON from strangers: decoded exactly, or refused without repeating a byte of it.

The standard decoder takes NaN, lets the last of two equal keys win, turns `1e400` into infinity and keeps half a
surrogate pair. Here each of these is a `Refused`, which holds a code and never the input.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

MAX_DEPTH = 10
MAX_DIGITS = 18
MAX_TEXT = 1_000

_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,9})?\Z")
# Everything outside strings that changes the depth; a string is skipped whole. A string without its end is taken up
# to the end of the body: otherwise each quote in it would start a new search, and the time would be quadratic.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)
# Control characters, halves of surrogate pairs, and what turns or hides text (bidirectional and zero-width marks).
_STRANGE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\ud800-\udfff]")
# The same in a whole document, where blanks between tokens are no fault.
_STRANGE_THERE = re.compile(_STRANGE.pattern.replace("\x00-\x1f", ""))


class Refused(Exception):  # noqa: N818  (it is an answer, not a fault of ours)
    """A body is refused.

    Attributes:
        code: message id of the catalogue `api`.
        status: the HTTP status.
        faults: further codes with places, for the answer's `errors`.
    """

    def __init__(self, code: str, status: int = 422, faults: list[dict[str, Any]] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self.faults = faults or []


def decode(body: bytes) -> Any:
    """One JSON value; numbers with a point as `Decimal`, whole numbers as `int`.

    What is plain is decoded in one pass; a body that this refuses is looked at again to say why.

    Raises:
        Refused: `api.not_utf8`, `api.not_json` (400); `api.too_deep`, `api.duplicate_key`, `api.not_finite`,
            `api.number_form`, `api.text_form` (422).
    """
    try:
        text = body.decode("utf-8")
        value = _DECODER.decode(text)
    except (Refused, ValueError, RecursionError):
        return _judged(body)
    if _plain_texts(text) and (text.count("[") + text.count("{") <= MAX_DEPTH or not _deeper(value)):
        return value
    return _judged(body)


def _judged(body: bytes) -> Any:
    """The same in the order in which faults are told: depth, encoding, form, texts."""
    _check_depth(body)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("api.not_utf8", 400) from None
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        raise Refused("api.not_json", 400) from None
    _check_texts(value)
    return value


def _plain_texts(text: str) -> bool:
    """Whether no string can be strange or too long, told from the text of the whole document.

    Without a backslash strings stand in it as they are, and a decoded document has no control characters in strings.
    """
    if "\\" in text or max(map(len, text.split('"'))) > MAX_TEXT:
        return False
    return "\x7f" not in text if text.isascii() else not _STRANGE_THERE.search(text)


def _deeper(value: Any) -> bool:
    """Whether a value is nested too deeply."""
    level = [value]
    for _ in range(MAX_DEPTH):
        inside: list[Any] = []
        for one in level:
            parts = one.values() if type(one) is dict else one if type(one) is list else ()
            inside += [part for part in parts if type(part) is dict or type(part) is list]
        if not inside:
            return False
        level = inside
    return True


def _check_depth(body: bytes) -> None:
    depth = 0
    for token in _TOKEN.finditer(body):
        first = token[0][0]
        if first in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise Refused("api.too_deep")
        elif first in b"]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refused("api.duplicate_key")
    return found


def _constant(_: str) -> Any:
    raise Refused("api.not_finite")


def _decimal(text: str) -> Decimal:
    if not _NUMBER.match(text):
        raise Refused("api.number_form")
    return Decimal(text)


def _whole(text: str) -> int:
    if len(text.lstrip("-")) > MAX_DIGITS:
        raise Refused("api.number_form")
    return int(text)


def _check_texts(value: Any) -> None:
    """Refuse half surrogate pairs, control characters and very long texts, keys among them."""
    stack = [value]
    while stack:
        current = stack.pop()
        if isinstance(current, dict):
            stack.extend(current.keys())
            stack.extend(current.values())
        elif isinstance(current, list):
            stack.extend(current)
        elif isinstance(current, str) and (len(current) > MAX_TEXT or _STRANGE.search(current)):
            raise Refused("api.text_form")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_decimal, parse_int=_whole)
