"""The reference's answers, kept as digests from one large comparison for the next.

The reference takes most of a comparison's time, and an optimisation does not change it. What it said of a household is
kept under everything it depends on: its own sources, the language's, the table, the standards, the day, and the
household's facts. A machine's answer with the same digest is the same answer; where a digest is unknown or another, the
reference is asked again and the answers themselves are compared.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import hardship
from hardship.sides import Answer

BYTES = 16
SOURCES = ("reference/*.py", "language/*.py", "attributes.*", "days.py", "lots.py", "sides.py")


def plain(value: Any) -> Any:
    """The same for equal values, whatever their order or type of number."""
    match value:
        case bool() | None:
            return value
        case int() | Fraction():
            return (value.numerator, value.denominator)
        case frozenset() | set():
            return ("set", sorted(value))
        case Mapping():
            return sorted((key, plain(one)) for key, one in value.items())
        case list() | tuple():
            return [plain(one) for one in value]
    return repr(value)


def _digest(value: Any) -> bytes:
    return hashlib.blake2b(repr(plain(value)).encode(), digest_size=BYTES).digest()


def of_answer(answer: Answer) -> bytes:
    """The digest of an answer; of the flags those that the table raises, as `compare.differences` looks at them."""
    columns = dict(answer.columns)
    if "flags" in columns:
        flags = (columns["flags"] or "").split(";")
        columns["flags"] = ";".join(flag for flag in flags if flag.startswith("require:"))
    values = [] if answer.rejected else [(name, list(key), plain(one)) for (name, key), one in answer.values.items()]
    values.sort(key=lambda one: (one[0], one[1]))
    found = repr((answer.rejected, plain(columns), values, plain([dict(one) for one in answer.persons])))
    return hashlib.blake2b(found.encode(), digest_size=BYTES).digest()


class Kept:
    """Digests of one table's answers in a file of a folder: pairs of 16 bytes, household and answer.

    Args:
        folder: made if it is not there.
        about: what the answers depend on beside the sources and the household.
    """

    def __init__(self, folder: Path, about: object) -> None:
        sources = Path(hardship.__file__).parent
        named = hashlib.sha256(repr(about).encode())
        for pattern in SOURCES:
            for file in sorted(sources.glob(pattern)):
                named.update(file.read_bytes())
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / f"{named.hexdigest()[:32]}.answers"
        found = self.file.read_bytes() if self.file.is_file() else b""
        whole = len(found) // (2 * BYTES) * 2 * BYTES  # a run that was stopped may have left half a pair
        self.known = {found[at : at + BYTES]: found[at + BYTES : at + 2 * BYTES] for at in range(0, whole, 2 * BYTES)}

    def same(self, households: Mapping[str, Any], *answers: Mapping[str, Answer]) -> bool:
        """Is every answer about every household the one that the reference gave?"""
        for name, facts in households.items():
            before = self.known.get(_digest(facts))
            if before is None or any(of_answer(one[name]) != before for one in answers):
                return False
        return True

    def keep(self, households: Mapping[str, Any], answers: Mapping[str, Answer]) -> None:
        """What the reference said of households; written at once."""
        new = {_digest(facts): of_answer(answers[name]) for name, facts in households.items()}
        pairs = b"".join(key + answer for key, answer in new.items() if self.known.get(key) != answer)
        self.known |= new
        with self.file.open("ab") as file:
            file.seek(-(file.tell() % (2 * BYTES)), os.SEEK_END)
            file.truncate()
            file.write(pairs)
