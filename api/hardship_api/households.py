"""The faults of a household as entries of a problem: places and codes, what was expected, never a value."""

from __future__ import annotations

import re
from typing import Any

from hardship import messages
from hardship.attributes import STRUCTURAL
from hardship.errors import Fault
from hardship.language.fields import DeclaredAttribute
from hardship.reading.read_json import PARTS
from hardship.reading.template import shape

_PART = re.compile(r"\.([^.\[\]]+)|\[([0-9]+)\]")

Attributes = dict[str, DeclaredAttribute]


def entry(fault: Fault, attributes: Attributes, lang: str) -> dict[str, Any]:
    """One fault of a household: its place as a JSON pointer of known names, its code, its sentence.

    `expected` says what the field takes, where the place is a field of the dictionary.
    """
    if fault.code == "register.unknown_field":
        detail = messages.text("api.unknown_field", lang)
    elif fault.code in ("register.bad_shape", "register.bad_json"):
        detail = messages.text("api.shape", lang)
    elif "column" in fault.params:
        detail = messages.text("api.bad_value", lang)
    else:
        detail = messages.text(fault.code, lang, **fault.params)
    place = pointer(fault.file, attributes)
    found = {"code": fault.code, "pointer": place, "detail": detail}
    name = place.rpartition("/")[2]
    if name in attributes:
        found["expected"] = shape(attributes[name], lang)
    return found


def pointer(place: str, attributes: Attributes) -> str:
    """`$.members[0].wage_month` as `/members/0/wage_month`; a name that we do not know becomes `?`."""
    known = {*attributes, *STRUCTURAL, *PARTS.values()}
    parts = [number or (name if name in known else "?") for name, number in _PART.findall(place)]
    # What a caller wrote may hold dots and brackets of its own: nothing follows an unknown name.
    if "?" in parts:
        parts = parts[: parts.index("?") + 1]
    return "".join("/" + part for part in parts)
