"""JSON from strangers: decoded exactly, or refused without repeating a byte of it.

The standard decoder takes NaN, lets the last of two equal keys win, turns `1e400` into infinity and keeps half a
surrogate pair. Here each of these is a `Refused`, which holds a code and never the input.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import orjson

MAX_DEPTH = 10
MAX_DIGITS = 18
MAX_TEXT = 1_000

_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,9})?\Z")
_LONG = re.compile(r"[0-9]{19}")
_NESTED = frozenset({dict, list})
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

    What is plain, with whole numbers only, is decoded in one pass: as many colons outside strings as different keys
    show that no key stands twice. Anything else is looked at closely.

    Raises:
        Refused: `api.not_utf8`, `api.not_json` (400); `api.too_deep`, `api.duplicate_key`, `api.not_finite`,
            `api.number_form`, `api.text_form` (422).
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return _judged(body)
    if "\\" in text:
        return _judged(body)
    cut = text.split('"')  # without a backslash every second part is a string as it stands
    if max(map(len, cut)) > MAX_TEXT or ("\x7f" in text if text.isascii() else _STRANGE_THERE.search(text)):
        return _judged(body)
    between = cut[::2]
    outside = "".join(between)
    if _odd_numbers(outside, max(map(len, between))):
        return _judged(body)
    try:
        value = orjson.loads(body)
    except ValueError:
        return _judged(body)
    return value if _keys(value) == outside.count(":") else _judged(body)


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


def _odd_numbers(outside: str, longest: int) -> bool:
    """Whether numbers may be too long, or none that `orjson` reads as `int`.

    Args:
        outside: what stands outside strings.
        longest: characters of its longest piece between two strings, so that most need no search.
    """
    if "." in outside or "E" in outside or outside.count("e") != outside.count("true") + outside.count("false"):
        return True
    return longest > MAX_DIGITS and _LONG.search(outside) is not None


def _keys(value: Any) -> int:
    """How many different keys a value's objects have together; -1 where it is nested too deeply."""
    level, count = [value] if type(value) in _NESTED else [], 0
    for _ in range(MAX_DEPTH):
        inside: list[Any] = []
        for one in level:
            if type(one) is dict:
                count += len(one)
                inside += [part for part in one.values() if type(part) in _NESTED]
            else:
                inside += [part for part in one if type(part) in _NESTED]
        if not inside:
            return count
        level = inside
    return -1


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
