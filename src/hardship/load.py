"""A scoring table from its file: read, shaped, named, checked; and which version is in force on a date.

A table file lies at `<root>/<id>/<version>.toml`. What it says is never changed once used, so the hash of its
content names it for good; remarks and spacing are no content.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import difflib
import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hardship.attributes import dictionary as data_dictionary
from hardship.checking.check import Checked, check
from hardship.errors import Fault, TableError, UsageError
from hardship.language.fields import DeclaredAttribute
from hardship.language.names import resolve
from hardship.language.positions import Positions
from hardship.language.shapes import validated
from hardship.language.table import Table
from hardship.language.toml_text import read_toml
from hardship.language.toml_write import canonical
from hardship.roots import FOLDER, default_roots

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")
_SPEC = re.compile(r"([a-z0-9][a-z0-9_-]{0,63})(?:@([0-9]{4}-[0-9]{2}-[0-9]{2}))?\Z")


def load_table(path: Path, *, dictionary: Mapping[str, DeclaredAttribute] | None = None) -> Checked:
    """Read and check one table file.

    Raises:
        UsageError: the file cannot be read. TableError: everything that is wrong with the table.
    """
    data = _bytes(path)
    filed = path.resolve().parent.parent.name == FOLDER
    return _checked(data, str(path), path.resolve() if filed else None, dictionary)


def load_text(
    text: str, file: str = "table.toml", *, dictionary: Mapping[str, DeclaredAttribute] | None = None
) -> Checked:
    """Check a table given as text; `file` is only shown in faults.

    Raises:
        TableError: everything that is wrong with the table.
    """
    return _checked(text.encode(errors="surrogatepass"), file, None, dictionary)


def load_values(
    values: Mapping[str, Any], where: Positions, *, dictionary: Mapping[str, DeclaredAttribute] | None = None
) -> Checked:
    """Check a table given as the values of a TOML file; `where` says where each value stands.

    Raises:
        TableError: everything that is wrong with the table.
    """
    return _of_values(values, where, None, dictionary)


def content_hash(values: Mapping[str, Any]) -> str:
    """SHA-256 of everything a table file says: the same for any spacing, remarks and order of keys."""
    return hashlib.sha256(canonical(values).encode()).hexdigest()


def _checked(data: bytes, file: str, filed: Path | None, dictionary: Mapping[str, DeclaredAttribute] | None) -> Checked:
    values, where = read_toml(data, file)
    return _of_values(values, where, filed, dictionary)


def _of_values(
    values: Mapping[str, Any],
    where: Positions,
    filed: Path | None,
    dictionary: Mapping[str, DeclaredAttribute] | None,
) -> Checked:
    table = validated(Table, values, where)
    if filed is not None:
        _filed(table, filed, where)
    names = resolve(table, data_dictionary() if dictionary is None else dictionary, where)
    return dataclasses.replace(check(table, names, where), path=where.file, sha256=content_hash(values))


def _filed(table: Table, path: Path, where: Positions) -> None:
    """A table among others is found by its file name, so name and content must say the same."""
    faults = []
    if path.name != f"{table.table.version}.toml":
        params = {"expected": path.stem, "found": str(table.table.version)}
        faults.append(where.fault(("table", "version"), "table.file_version", None, **params))
    if path.parent.name != table.table.id:
        params = {"expected": path.parent.name, "found": table.table.id}
        faults.append(where.fault(("table", "id"), "table.file_id", None, **params))
    if faults:
        raise TableError(faults)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError):
        raise UsageError(Fault("table.file_missing", params={"found": str(path)})) from None


def versions(roots: Sequence[Path] | None = None) -> dict[str, dict[dt.date, Path]]:
    """All table files: by id, then by the date from which each is in force, both ascending.

    Where two roots hold the same version, the first root's stands.
    """
    found: dict[str, dict[dt.date, Path]] = {}
    for root in default_roots() if roots is None else roots:
        for path in sorted(root.glob("*/*.toml")):
            date = _date(path.stem)
            if _ID.match(path.parent.name) and date is not None:
                found.setdefault(path.parent.name, {}).setdefault(date, path)
    return {name: dict(sorted(dates.items())) for name, dates in sorted(found.items())}


def title(path: Path, lang: str) -> str:
    """A table file's title, without a check of the table; "" where it cannot be read, which loading it explains."""
    try:
        found = tomllib.loads(_bytes(path).decode("utf-8-sig"))["table"]["title"]
        return str(found if isinstance(found, str) else found[lang])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def find_table(spec: str, on: dt.date, roots: Sequence[Path] | None = None) -> tuple[Path, bool]:
    """The file that `spec` means on a date, and whether it is forced.

    Args:
        spec: `ID` (the version in force on the date), `ID@YYYY-MM-DD` (that version, forced), or a file,
            which is forced where its version begins after the date.
        roots: folders of tables; default: the package's and the checkout's.

    Raises:
        UsageError: no such table or version; the date is before the first version (which is named).
    """
    if spec.endswith(".toml") or "/" in spec or "\\" in spec:
        path = Path(spec)
        begins = _begins(_bytes(path))
        return path, begins is not None and begins > on
    parts = _SPEC.match(spec)
    known = versions(roots)
    name, _, asked = spec.partition("@")
    if parts is None and name in known:
        params = {"id": name, "expected": ", ".join(map(str, known[name])), "found": asked[:64]}
        raise UsageError(Fault("table.find_version", params=params))
    if parts is None or parts[1] not in known:
        near = difflib.get_close_matches(name, known, 1, 0.6)
        params = {"found": name[:64], "expected": ", ".join(known) or "-", "nearest": near[0] if near else ""}
        raise UsageError(Fault("table.find_id", params=params, hint="table.hint_nearest" if near else ""))
    dates = known[parts[1]]
    listed = ", ".join(map(str, dates))
    if parts[2] is not None:
        forced = _date(parts[2])
        if forced is None or forced not in dates:
            params = {"id": parts[1], "expected": listed, "found": parts[2]}
            raise UsageError(Fault("table.find_version", params=params))
        return dates[forced], True
    begun = [date for date in dates if date <= on]
    if not begun:
        params = {"id": parts[1], "expected": str(min(dates)), "found": str(on)}
        raise UsageError(Fault("table.find_before", params=params))
    return dates[max(begun)], False


def _date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def _begins(data: bytes) -> dt.date | None:
    """The version a table file states; None if it cannot be read, which loading it then explains."""
    try:
        version = tomllib.loads(data.decode("utf-8-sig"))["table"]["version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return version if isinstance(version, dt.date) and not isinstance(version, dt.datetime) else None
