"""A clean register and its rejects: every row of the input is in one of the two.

`read_register` reads a register of any accepted form, `from_dicts` one household given as decoded JSON.
What a file is, is said in `readers`; what a cell means, in `cells`; which rows belong together, in
`structure`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hardship.attributes import STRUCTURAL
from hardship.errors import Fault, RegisterError
from hardship.language.fields import DeclaredAttribute, Level
from hardship.reading import structure
from hardship.reading.cells import normal, read_area, read_id
from hardship.reading.convert import SMALL, Converted, as_text, convert, printable, read_column, text_bytes
from hardship.reading.order import ascending, in_order
from hardship.reading.overrides import Correction, apply_overrides
from hardship.reading.readers import Progress, RawTable, raw_tables
from hardship.reading.rejects import Part, Rows, rejects_frame, sentence_params

LEVELS: dict[str, Level] = {
    "households": "household",
    "members": "member",
    "supporters": "supporter",
    "transfers": "transfer",
}
ID_COLUMNS: dict[Level, tuple[str, ...]] = {
    "household": ("household_id", "area_code"),
    "member": ("household_id", "member_id"),
    "supporter": ("household_id", "member_id", "supporter_id"),
    "transfer": ("household_id", "member_id"),
}


@dataclass(frozen=True)
class Register:
    """A clean register.

    Attributes:
        frames: rows of each level as `docs/interfaces.md` says: household by `household_id`; members with
            the `household` row they belong to; supporters and transfers with their `member` row.
        rejects: the columns of `rejects.csv`; one row for each thing wrong, at least one for each row not
            read.
        flags: `household_id`, `flag`: marks on the quality of the data; unique, sorted.
        counts: for `households`, `members`, `supporters`, `transfers` (and `overrides` where given): rows
            `in`, `read`, `rejected`.
        name: file or folder name.
        sha256: of the content read: the same for any order of rows and columns and any format.
        currency: of all money in it.
        notes: what a person should know about the files (unknown columns, hidden rows, the encoding).
        corrections: the `overrides` that were applied, by household and field; households rejected since among them.
        rejected_areas: the area codes of rejected households, by id, where both could be read.
    """

    frames: dict[Level, pl.DataFrame]
    rejects: pl.DataFrame
    flags: pl.DataFrame
    counts: dict[str, dict[str, int]]
    name: str
    sha256: str
    currency: str
    notes: tuple[Fault, ...] = ()
    corrections: tuple[Correction, ...] = ()
    rejected_areas: Mapping[str, str] = field(default_factory=dict)


def read_register(
    path: Path | str,
    *,
    attributes: dict[str, DeclaredAttribute],
    on: dt.date,
    mapping: Path | str | None = None,
    currency: str = "CNY",
    progress: Progress | None = None,
) -> Register:
    """Read a register.

    Args:
        path: folder, workbook or JSON file; with a mapping any file or folder it describes.
        attributes: what the columns may mean: the dictionary and the table's own attributes.
        on: the assessment date; ages outside 0 to 130 are rejected on it.
        mapping: a `mapping.toml` for a register with other columns; its currency wins.
        currency: of the money in the register.
        progress: called with what is done and how far it is, 0 to 1.

    Raises:
        RegisterError: it cannot be read at all: no such file, unsafe, a table or an id column absent.
    """
    path = Path(path)
    say = progress or (lambda _what, _share: None)
    if mapping is not None:
        from hardship.reading.mapping import load_mapping

        loaded = load_mapping(Path(mapping), attributes)
        tables, currency = loaded.tables(path, on), loaded.currency or currency
    else:
        tables = raw_tables(path, say)
    return clean(tables, attributes, on, name=path.name, currency=currency, progress=say)


def clean(
    tables: list[RawTable],
    attributes: dict[str, DeclaredAttribute],
    on: dt.date,
    *,
    name: str,
    currency: str = "CNY",
    progress: Progress | None = None,
) -> Register:
    """Judge raw tables row by row and build the register of those that hold.

    Raises:
        RegisterError: an id column is absent, or two columns mean the same.
    """
    say = progress or (lambda _what, _share: None)
    notes = [note for table in tables for note in table.notes]
    by_entity = {table.entity: table for table in tables}
    parts: dict[Level, Part] = {}
    marks: structure.Flags = []
    for entity, level in LEVELS.items():
        raw = by_entity.get(entity) or _nothing(entity, level)
        columns, further = match_columns(raw, level, attributes)
        notes += further
        parts[level] = Part(raw, columns, dead=np.zeros(raw.lines.len(), dtype=np.bool_))
    for level, part in parts.items():
        for column in ID_COLUMNS[level]:
            _read_ids(part, column, marks if level == "household" else None)
        for row, name_of, code in part.raw.faults:
            part.reject([row], name_of, code)
    overrides, corrections = None, list[Correction]()
    if "overrides" in by_entity:
        overrides, applied, corrections = apply_overrides(by_entity["overrides"], parts["household"], attributes)
        marks += applied
    owned: list[tuple[Level, str, list[int]]] = []
    for share, (level, part) in enumerate(parts.items()):
        say(f"check {part.raw.entity}", share / 8)
        owned += [(level, f"normalised:{column}", rows) for column, rows in _read_values(part, attributes)]
        owned += [(level, flag, rows.to_list()) for flag, rows in part.raw.marks]
    say("link", 0.6)
    owner = structure.link(parts, on)
    marks += structure.flags(parts, attributes)
    for level, flag, rows in owned:
        places = np.asarray(rows, dtype=np.int64)
        marks.append((pl.Series(places if level == "household" else parts[level].household[places]), flag))
    say("sort", 0.8)
    frames, flags = _frames(parts, owner), _flag_frame(parts["household"], marks)
    judged = [*parts.values()] + ([overrides] if overrides is not None else [])
    counts = {part.raw.entity: part.counts() for part in judged}
    rejects = rejects_frame(judged, attributes)
    say("hash", 0.9)
    digest = content_hash(frames)
    say("done", 1.0)
    return Register(
        frames,
        rejects,
        flags,
        counts,
        name,
        digest,
        currency,
        tuple(notes),
        tuple(corrections),
        _rejected_areas(parts["household"]),
    )


def _rejected_areas(part: Part) -> dict[str, str]:
    """The area codes of rejected households, where id and code could be read."""
    dead = pl.DataFrame({"id": part.ids["household_id"], "area": part.ids["area_code"]}).filter(pl.Series(part.dead))
    return dict(dead.drop_nulls().iter_rows())


def _nothing(entity: str, level: Level) -> RawTable:
    frame = pl.DataFrame(schema=dict.fromkeys(ID_COLUMNS[level], pl.String))
    return RawTable(entity, "", "", frame, pl.Series([], dtype=pl.Int64))


def match_columns(
    raw: RawTable, level: Level, attributes: Mapping[str, DeclaredAttribute]
) -> tuple[dict[str, str], list[Fault]]:
    """Which column holds which attribute or id, by English name or by a title in either language.

    Raises:
        RegisterError: an id column is absent, or two columns mean the same.
    """
    meanings: dict[str, str] = {}
    names = {name: STRUCTURAL[name][1] for name in ID_COLUMNS[level]}
    names |= {name: one.title for name, one in attributes.items() if one.level == level}
    for name in names:
        meanings[name] = name
    for name, title in names.items():
        for label in (title.zh, title.en):
            meanings.setdefault(normal(label).casefold(), name)
    found: dict[str, str] = {}
    notes: list[Fault] = []
    faults: list[Fault] = []
    place = f"{raw.file}:{raw.sheet}" if raw.sheet else raw.file
    for column in raw.frame.columns:
        name = meanings.get(normal(column).casefold(), "")
        if not name:
            notes.append(Fault("register.unknown_column", place, 1, params={"column": column}))
        elif name in found:
            faults.append(Fault("register.two_columns", place, 1, params={"column": column}))
        else:
            found[name] = column
    absent = [name for name in ID_COLUMNS[level] if name not in found]
    faults += [Fault("register.no_column", place, 1, params={"column": name}) for name in absent]
    if faults and not (raw.entity != "households" and raw.frame.width == 0):
        raise RegisterError(faults)
    return found, notes


def _read_ids(part: Part, column: str, marks: structure.Flags | None) -> None:
    source = part.columns.get(column, "")
    if not source:  # an entity without any row
        part.ids[column] = pl.Series(column, [], dtype=pl.String)
        return
    series = part.raw.frame[source]
    typed = part.raw.not_text.get(source)
    if column == "area_code":
        read = read_column(_texts(series), read_area, pl.String(), plain=r"^[0-9A-Za-z]{1,32}$")
        if typed is not None:  # a whole number of 6, 9 or 12 digits is an area code, another number is not
            whole = read.values.str.contains(r"^([0-9]{6}|[0-9]{9}|[0-9]{12})$")
            part.reject((typed & ~whole & read.values.is_not_null()).arg_true(), column, "bad_area", "number")
        if part.raw.area_optional:
            read = replace(read, wrong=[one for one in read.wrong if one.problem != "missing_id"])
    else:
        texts = _texts(series).rechunk()
        if texts.len() > SMALL and printable(texts):
            read = Converted(texts, [], [])
        else:
            read = read_column(texts, read_id, pl.String(), plain=r"^[!-~]{1,64}$")
        if typed is not None:
            part.reject((typed & read.values.is_not_null()).arg_true(), column, "numeric_id", "number")
    part.ids[column] = read.values.fill_null("") if column == "area_code" else read.values
    wrong = [one.row for one in read.wrong]
    part.reject_each(wrong, column, [one.problem for one in read.wrong], [one.value_class for one in read.wrong])
    if marks is not None and read.flagged:
        marks.append((pl.Series(read.flagged), f"normalised:{column}"))


def _texts(series: pl.Series) -> pl.Series:
    try:
        return as_text(series)
    except ValueError as error:
        fault = Fault("register.column_type", params={"column": series.name, "type": str(error)})
        raise RegisterError(fault) from None


def _read_values(part: Part, attributes: Mapping[str, DeclaredAttribute]) -> list[tuple[str, list[int]]]:
    """Read all attribute columns; gives back the rows whose text had to be normalised, by attribute."""
    normalised = []
    for name, source in part.columns.items():
        attribute = attributes.get(name)
        if attribute is None:
            continue
        try:
            read = convert(part.raw.frame[source], attribute)
        except ValueError as error:
            fault = Fault("register.column_type", part.raw.file, params={"column": source, "type": str(error)})
            raise RegisterError(fault) from None
        part.values[name] = read.values
        part.forget(source)
        part.reject_each(
            [one.row for one in read.wrong],
            name,
            [one.problem for one in read.wrong],
            [one.value_class for one in read.wrong],
        )
        if read.flagged:
            normalised.append((name, read.flagged))
    return normalised


def _frames(parts: Mapping[Level, Part], owner: Mapping[Level, Rows]) -> dict[Level, pl.DataFrame]:
    """The rows that hold, sorted, with the row numbers of their parents."""
    households = _alive(parts["household"], {})
    if not ascending(households["household_id"]):
        households = households.sort("household_id")
    home = _renumber(households["old"], parts["household"].height)
    members = _alive(parts["member"], {"household": parts["member"].household})
    members = _to_parent(members, "household", home)
    if not in_order(members, ["household", "member_id"]):
        members = members.sort("household", "member_id")
    person = _renumber(members["old"], parts["member"].height)
    frames: dict[Level, pl.DataFrame] = {
        "household": households.drop("old"),
        "member": members.drop("old", "household_id"),
    }
    below: tuple[Level, ...] = ("supporter", "transfer")
    for level in below:
        rows = _to_parent(_alive(parts[level], {"member": owner[level]}), "member", person)
        rows = rows.drop("old", "household_id", "member_id")
        frames[level] = sorted_rows(rows, "member")
    return frames


def sorted_rows(rows: pl.DataFrame, parent: str) -> pl.DataFrame:
    """Rows in the one order they have in a register: by parent, then by all columns in the order of names."""
    names = [parent, *sorted(name for name in rows.columns if name != parent)]
    return rows if in_order(rows, names) else rows.sort(names, nulls_last=True)


def _alive(part: Part, parent: Mapping[str, Rows]) -> pl.DataFrame:
    """The rows of a part that hold, with their old row numbers in `old`."""
    keep = np.flatnonzero(~part.dead)
    data = {name: pl.Series(rows) for name, rows in parent.items()} | part.ids
    if not parent:
        where = pl.Series([part.raw.file, part.raw.sheet], dtype=pl.String)
        data |= {name: where.new_from_index(place, part.height) for place, name in enumerate(("file", "sheet"))}
        data["line"] = part.raw.lines
    frame = pl.DataFrame({"old": np.arange(part.height)} | data | part.values)
    return frame if keep.size == part.height else frame.select(pl.all().gather(keep))


def _renumber(old: pl.Series, height: int) -> Rows:
    new = np.full(height, -1, dtype=np.int64)
    new[old.to_numpy()] = np.arange(old.len())
    return new


def _to_parent(frame: pl.DataFrame, column: str, new: Rows) -> pl.DataFrame:
    return frame.with_columns(pl.Series(column, new[frame[column].to_numpy()], dtype=pl.UInt32))


def _flag_frame(households: Part, marks: structure.Flags) -> pl.DataFrame:
    found = [pl.DataFrame(schema={"household_id": pl.String, "flag": pl.String})]
    for rows, flag in marks:
        places = rows.to_numpy().astype(np.int64)
        places = places[places >= 0]
        places = places[~households.dead[places]]
        ids = households.ids["household_id"].gather(pl.Series(places))
        found.append(pl.DataFrame({"household_id": ids, "flag": pl.repeat(flag, ids.len(), eager=True)}))
    return pl.concat(found).unique().sort("household_id", "flag")


def content_hash(frames: Mapping[Level, pl.DataFrame]) -> str:
    """SHA-256 of what the frames say. Files, lines and columns without any value leave no trace in it."""
    digest = hashlib.sha256()
    for level, frame in frames.items():
        digest.update(f"{level}:{frame.height}\n".encode())
        nulls = frame.null_count().row(0, named=True)
        names = [one for one in sorted(frame.columns) if one not in ("file", "sheet", "line")]
        for name in (one for one in names if nulls[one] < frame.height):
            column = frame[name]
            digest.update(f"{name}\n".encode())
            if nulls[name]:
                digest.update(np.packbits(column.is_not_null().to_numpy()).tobytes())
            if column.dtype == pl.String:
                texts = (column.fill_null("") if nulls[name] else column).rechunk()
                digest.update(texts.str.len_bytes().to_numpy().data)
                digest.update(text_bytes(texts))
            else:  # the stored width is the attribute's, the same in every register
                digest.update((column.fill_null(0) if nulls[name] else column).rechunk().to_numpy().data)
    return digest.hexdigest()


def from_dicts(household: Any, attributes: dict[str, DeclaredAttribute], on: dt.date) -> Register:
    """One household `{"household": {}, "members": [{}], "supporters": [{}], "transfers": [{}]}`, strictly.

    Args:
        household: decoded JSON or TOML; numbers may be int, Decimal, float or text, sets lists of texts.
        attributes: what the keys may mean.
        on: the assessment date.

    Raises:
        RegisterError: all that is wrong, each with its path (`$.members[0].wage_month`): unknown fields,
        wrong values, rows that do not fit together.
    """
    from hardship.reading.read_json import PARTS, tables

    raw = tables([(1, household)], "$")
    if raw[0].bad:
        raise RegisterError(Fault("register.bad_shape", "$"))
    raw = [replace(table, lines=pl.int_range(table.lines.len(), eager=True)) for table in raw]
    raw = [replace(table, file=f"$.{PARTS[table.entity]}") for table in raw]
    register = clean(raw, attributes, on, name="household")
    faults = [
        Fault("register.unknown_field", f"{note.file}.{note.params['column']}")
        for note in register.notes
        if note.code == "register.unknown_column"
    ]
    for row in register.rejects.iter_rows(named=True):
        if row["code"] not in ("member_rejected", "household_rejected"):
            place = row["file"] if row["file"] == "$.household" else f"{row['file']}[{row['line']}]"
            place += f".{row['field']}" if row["field"] else ""
            params = sentence_params(row["field"], row["value_class"], "en", attributes)
            params["field"] = row["field"]
            faults.append(Fault(f"register.{row['code']}", place, params=params))
    if faults:
        raise RegisterError(faults)
    return register
