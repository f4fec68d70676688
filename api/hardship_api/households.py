"""Request bodies as registers: one household, JSON lines, CSV. Faults carry places and codes, never values."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hardship import messages
from hardship.attributes import STRUCTURAL
from hardship.errors import Fault, RegisterError
from hardship.language.fields import DeclaredAttribute
from hardship.reading.cells import normal
from hardship.reading.read_json import PARTS, tables
from hardship.register import Register, clean, from_dicts
from hardship_api.strict_json import Refused, decode

LINE_BYTES = 1_000_000
MOST_ROWS = 200_000
MOST_MEMBERS = 200
_PART = re.compile(r"\.([^.\[\]]+)|\[([0-9]+)\]")

Attributes = dict[str, DeclaredAttribute]
FaultEntry = dict[str, Any]


@dataclass
class Batch:
    """The rows of a batch: decoded households by line, and what was wrong with the other lines."""

    documents: list[tuple[int, Any]] = field(default_factory=list)
    wrong: dict[int, list[FaultEntry]] = field(default_factory=dict)

    def lines(self) -> list[int]:
        """Every line that stands for a household, in order."""
        return sorted({line for line, _ in self.documents} | set(self.wrong))


def single(document: Mapping[str, Any], attributes: Attributes, on: dt.date, lang: str) -> Register:
    """The register of one household given in contract form.

    Raises:
        Refused: `api.household` with every fault; `api.members` for none or more than 200.
    """
    members = document.get("members")
    if isinstance(members, list) and not 1 <= len(members) <= MOST_MEMBERS:
        raise Refused("api.members")
    try:
        return from_dicts(document, attributes, on)
    except RegisterError as error:
        faults = [entry(fault, attributes, lang) for fault in error.faults]
        raise Refused("api.household", 422, faults) from None


def entry(fault: Fault, attributes: Attributes, lang: str) -> FaultEntry:
    """One fault of a household: its place as a JSON pointer of known names, its code, its sentence."""
    if fault.code == "register.unknown_field":
        detail = messages.text("api.unknown_field", lang)
    elif fault.code in ("register.bad_shape", "register.bad_json"):
        detail = messages.text("api.shape", lang)
    elif "column" in fault.params:
        detail = messages.text("api.bad_value", lang)
    else:
        detail = messages.text(fault.code, lang, **fault.params)
    return {"code": fault.code, "pointer": pointer(fault.file, attributes), "detail": detail}


def pointer(place: str, attributes: Attributes) -> str:
    """`$.members[0].wage_month` as `/members/0/wage_month`; a name that we do not know becomes `?`."""
    known = {*attributes, *STRUCTURAL, *PARTS.values()}
    parts = [number or (name if name in known else "?") for name, number in _PART.findall(place)]
    # What a caller wrote may hold dots and brackets of its own: nothing follows an unknown name.
    if "?" in parts:
        parts = parts[: parts.index("?") + 1]
    return "".join("/" + part for part in parts)


def register_of(batch: Batch, attributes: Attributes, on: dt.date) -> Register:
    """The register of all decoded households; bad rows are in its rejects, by line."""
    return clean(tables(batch.documents, "batch"), attributes, on, name="batch")


def json_lines(body: bytes, attributes: Attributes, lang: str) -> Batch:
    """One household a line; a line that cannot be decoded or names unknown fields is wrong by itself."""
    batch = Batch()
    labels = _labels(attributes)
    for number, line in enumerate(body.split(b"\n"), 1):
        if not line.strip():
            continue
        if len(batch.documents) + len(batch.wrong) >= MOST_ROWS:
            raise Refused("api.too_many_rows", 413)
        try:
            if len(line) > LINE_BYTES:
                raise Refused("api.too_large")
            document = decode(line)
            _check_shape(document, labels)
        except Refused as error:
            detail = messages.text(error.code, lang)
            batch.wrong[number] = [{"code": error.code, "pointer": "", "detail": detail}]
        else:
            batch.documents.append((number, document))
    return batch


def _labels(attributes: Attributes) -> frozenset[str]:
    named = {**{name: one.title for name, one in attributes.items()}}
    named |= {name: title for name, (_, title) in STRUCTURAL.items()}
    labels = {label for name, title in named.items() for label in (name, title.zh, title.en)}
    return frozenset(normal(label).casefold() for label in labels)


def _check_shape(document: Any, labels: frozenset[str]) -> None:
    if not isinstance(document, dict) or not set(document) <= set(PARTS.values()):
        raise Refused("api.bad_shape")
    members = document.get("members")
    if not isinstance(members, list) or not 1 <= len(members) <= MOST_MEMBERS:
        raise Refused("api.members")
    rows = [document.get("household", {})]
    rows += [row for key in ("members", "supporters", "transfers") for row in document.get(key) or []]
    for row in rows:
        if not isinstance(row, dict):
            raise Refused("api.bad_shape")
        if any(normal(key).casefold() not in labels for key in row):
            raise Refused("api.unknown_field")


def csv_rows(body: bytes, attributes: Attributes, lang: str) -> Batch:
    """One member a line with `household_id`, `member_id` and any attributes of household and member.

    Household attributes stand in every line of the household or only in some, and must agree. The line of a
    household is that of its first member.

    Raises:
        Refused: `api.not_utf8`, `api.csv_form`: the text or its header cannot be read at all.
    """
    rows = _csv(body)
    header = next(rows, (0, []))[1]
    known = {name: one.level for name, one in attributes.items() if one.level in ("household", "member")}
    known |= {"household_id": "household", "area_code": "household", "member_id": "member"}
    if len(set(header)) != len(header) or not {"household_id", "member_id"} <= set(header) <= set(known):
        raise Refused("api.csv_form")
    own = header.index("household_id")
    batch = Batch()
    homes: dict[str, dict[str, Any]] = {}
    first: dict[str, int] = {}
    for line, cells in rows:
        key = cells[own] if len(cells) > own else ""
        start = first.setdefault(key, line) if key else line
        code = ""
        if len(cells) != len(header) or not key:
            code = "register.ragged_row" if key else "register.missing_id"
        else:
            home = homes.setdefault(key, {"household": {}, "members": []})
            values = {name: cell for name, cell in zip(header, cells, strict=True) if cell != ""}
            code = _disagreement(home["household"], values, known)
            home["members"].append({name: cell for name, cell in values.items() if known[name] == "member"})
        if code:
            detail = messages.text("api.row", lang)
            batch.wrong.setdefault(start, []).append({"code": code, "pointer": "", "detail": detail})
        if len(first) > MOST_ROWS:
            raise Refused("api.too_many_rows", 413)
    batch.documents = [(first[key], home) for key, home in homes.items() if first[key] not in batch.wrong]
    return batch


def _disagreement(household: dict[str, Any], values: Mapping[str, str], known: Mapping[str, str]) -> str:
    """Put the household's values in; a code if they differ from those of an earlier line."""
    for name, cell in values.items():
        if known[name] == "household" and household.setdefault(name, cell) != cell:
            return "register.household_disagrees"
    return ""


def _csv(body: bytes) -> Iterator[tuple[int, list[str]]]:
    """Lines of a CSV text in UTF-8 or GB18030, with the physical line each ends on."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = body.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise Refused("api.not_utf8", 400)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            if cells:
                yield reader.line_num, cells
    except csv.Error:
        raise Refused("api.csv_form") from None
