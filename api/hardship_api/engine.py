"""The library behind the service: tables and standards loaded once, the machine warmed, single households scored."""

from __future__ import annotations

import datetime as dt
import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardship.errors import HardshipError, RegisterError, UsageError
from hardship.load import find_table, load_table, versions
from hardship.possible.answer import possible
from hardship.register import from_dicts
from hardship.roots import default_roots
from hardship.single.prepared import FORMS, Form, Prepared, RejectedError, prepare
from hardship.standards import load_standards
from hardship_api.bodies import date
from hardship_api.households import entry
from hardship_api.strict_json import Refused, decode

if TYPE_CHECKING:
    from hardship.checking.check import Checked
    from hardship.single.scan import Scanned

log = logging.getLogger("hardship_api")
TABLE = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}(@[0-9]{4}-[0-9]{2}-[0-9]{2})?\Z")
OWN_KEYS = ("table", "on", "explain")
NAMED_TABLE = re.compile(rb'"table"[ \t\r\n]*:[ \t\r\n]*"([^"]{1,75})"')
NAMED_DAY = re.compile(rb'"on"[ \t\r\n]*:[ \t\r\n]*"([^"]{10})"')
NAMED_EXPLAIN = re.compile(rb'"explain"[ \t\r\n]*:[ \t\r\n]*(true|false)')
MOST_FOUND = 4_096
INLINE_BYTES = 16_384
"""A body up to this size is answered where it is read: a thread takes longer (whole explanations: 2.1 times)."""


class Engine:
    """Scoring with the tables and standards of this service.

    Raises:
        TableError: a standards file is wrong.
    """

    def __init__(self, roots: Sequence[Path] | None, standards: Sequence[Path]) -> None:
        self.roots = tuple(roots) if roots is not None else default_roots()
        self.standards = load_standards(standards)
        self.versions = versions(self.roots)
        self.ready = threading.Event()
        self._tables: dict[Path, Checked] = {}
        self._found: OrderedDict[tuple[str, dt.date], tuple[Checked, bool]] = OrderedDict()
        self._named: dict[tuple[bytes, bytes], tuple[str, dt.date]] = {}
        self._lock = threading.Lock()

    def warm(self) -> None:
        """Compile the machine, or load it compiled; `ready` is set afterwards."""
        from hardship.reading import sorted_link
        from hardship.single import rows
        from hardship.warming import warm

        try:
            warm("machine", "sheet", "single")
            rows.check()
            sorted_link.check()
        except HardshipError:
            log.error("the machine does not pass its own test; /ready stays 503")
        else:
            self.ready.set()

    def table(self, spec: Any, on: dt.date) -> tuple[Checked, bool]:
        """The checked table that `ID` or `ID@DATE` means on a day, and whether it was forced.

        Raises:
            Refused: `api.table_name`, `api.no_table`. Never a path: the form is checked first.
        """
        if not isinstance(spec, str) or not TABLE.match(spec):
            raise Refused("api.table_name")
        known = self._found.get((spec, on))
        if known is not None:
            return known
        try:
            path, forced = find_table(spec, on, self.roots)
        except UsageError:
            raise Refused("api.no_table", 404) from None
        with self._lock:
            if path not in self._tables:
                self._tables[path] = load_table(path)
            self._found[spec, on] = self._tables[path], forced
            if len(self._found) > MOST_FOUND:
                self._found.popitem(last=False)
            if len(self._named) > MOST_FOUND:
                self._named.clear()
            self._named[spec.encode(), on.isoformat().encode()] = spec, on
            return self._tables[path], forced

    def asked(self, body: bytes) -> Asked:
        """What the body of one household asks for; it is decoded only where a look does not tell.

        Raises:
            Refused: no JSON that can be taken, or another shape.
        """
        return self._glanced(body) or self._decoded(body)

    def _glanced(self, body: bytes) -> Asked | None:
        """Table, day and `explain` where they seem to stand: whoever reads the body must find the same."""
        if b"\\" in body:
            return None
        table, on = NAMED_TABLE.search(body), NAMED_DAY.search(body)
        named = self._named.get((table[1], on[1])) if table and on else None
        if named is None:
            return None
        explained = None
        if b'"explain"' in body:
            said = NAMED_EXPLAIN.search(body)
            if said is None:
                return None
            explained = said[1] == b"true"
        return Asked(*named, None, explained, body)

    def _decoded(self, body: bytes) -> Asked:
        document = decode(body)
        if not isinstance(document, dict) or not {"table", "on", "members"} <= set(document):
            raise Refused("api.shape")
        explained = document.get("explain")
        if "explain" in document and not isinstance(explained, bool):
            raise Refused("api.shape")
        household = {key: value for key, value in document.items() if key not in OWN_KEYS}
        return Asked(document["table"], date(document["on"]), household, explained, body)

    def at_hand(self, asked: Asked) -> bool:
        """Whether the machine is warm and the table loaded: then one household takes very little."""
        return self.ready.is_set() and isinstance(asked.table, str) and (asked.table, asked.on) in self._found

    def one(self, asked: Asked, form: Form, lang: str, *, quick: bool = False) -> bytes:
        """The body of the answer for one household.

        Args:
            quick: the caller cannot wait for what the missing facts leave possible.

        Raises:
            Later: `quick`, and the household is incomplete.
            Refused: every fault of the household; or it cannot be scored: no standard for its place, out of range.
        """
        if asked.household is None:
            found = self._scanned(asked, form, lang, quick)
            if found is not None:
                return found
            asked = self._decoded(asked.body)
        checked, prepared = self._prepared(asked)
        document = asked.household or {}
        further = None if form == "summary" else self._missing(asked, checked, lang, quick)
        try:
            answer = prepared.answer(document, lang, form, further)
        except RejectedError as error:
            raise Refused("api.rejected", 422, [fault(row, "", lang) for row in error.rows]) from None
        except RegisterError as error:
            attributes = checked.names.attributes
            raise Refused("api.household", 422, [entry(one, attributes, lang) for one in error.faults]) from None
        except UsageError:
            raise Refused("api.date") from None
        prepared.scanner.learn(asked.body)
        return answer

    def _scanned(self, asked: Asked, form: Form, lang: str, quick: bool) -> bytes | None:
        """The answer to a body that need not be decoded; None where it must be."""
        checked, prepared = self._prepared(asked)
        household = prepared.scanner.read(asked.body)
        if household is None or not asked.fits(household):
            return None
        further = None if form == "summary" else self._missing(asked, checked, lang, quick)
        return prepared.answer_to(household, lang, form, further)

    def _prepared(self, asked: Asked) -> tuple[Checked, Prepared]:
        checked, forced = self.table(asked.table, asked.on)
        return checked, prepare(checked, self.standards, asked.on, forced=forced)

    def _missing(self, asked: Asked, checked: Checked, lang: str, quick: bool) -> Callable[..., dict[str, Any]]:
        """What makes the parts that stand beside the result of an incomplete household."""

        def made(document: Mapping[str, Any] | None = None) -> dict[str, Any]:
            if quick:
                raise Later
            if document is None:
                document = self._decoded(asked.body).household or {}
            register = from_dicts(document, checked.names.attributes, asked.on)
            return {"missing": possible(register, checked, self.standards, asked.on, lang)}

        return made


class Later(Exception):  # noqa: N818  (no error: the same question is asked again where it may take long)
    """The answer takes longer than the caller can wait."""


class Asked:
    """What a request about one household says.

    Attributes:
        household: the decoded parts; None where the body was not decoded.
        told: what `explain` says, None where it is not there.
    """

    __slots__ = ("body", "household", "on", "table", "told")

    def __init__(
        self, table: Any, on: dt.date, household: dict[str, Any] | None, told: bool | None, body: bytes
    ) -> None:
        self.table, self.on, self.household, self.told, self.body = table, on, household, told, body

    @property
    def explained(self) -> bool:
        """Whether an explanation is wanted where the query does not say."""
        return self.told is not False

    def fits(self, household: Scanned) -> bool:
        """Whether the body says where it was read what it seemed to say."""
        said = household.table, household.on, household.explained
        return said == (self.table, self.on.isoformat(), self.told)


def fault(row: Mapping[str, Any], pointer: str, lang: str) -> dict[str, Any]:
    """One reject as an entry of `errors`: code, field and sentence; a sentence names classes, never values."""
    return {
        "code": "register." + row["code"],
        "pointer": pointer or (f"/{row['field']}" if row["field"] else ""),
        "detail": row["message_zh" if lang == "zh" else "message_en"],
    }


__all__ = ["FORMS", "INLINE_BYTES", "Asked", "Engine", "Later", "fault"]
