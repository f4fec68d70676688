"""A clean register and its rejects: every row of the input is in one of the two.

`read_register` reads a register of any accepted form, `from_dicts` one household given as decoded JSON.
What a file is, is said in `readers`; what a cell means, in `cells`; which rows belong together, in
`structure`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hardship.attributes import STRUCTURAL
from hardship.errors import Fault, RegisterError
from hardship.language.fields import DeclaredAttribute, Level
from hardship.reading import structure
from hardship.reading.cells import normal
from hardship.reading.order import ascending, in_order
from hardship.reading.overrides import Correction, apply_overrides
from hardship.reading.readers import Progress, RawTable, raw_tables
from hardship.reading.rejects import Part, Rows, rejects_frame, sentence_params
from hardship.reading.sorted_link import MANY, ordered, walked
from hardship.reading.values import FRAME_IDS, ID_COLUMNS, Reading

if TYPE_CHECKING:
    from hardship.reading.database import Database

LEVELS: dict[str, Level] = {
    "households": "household",
    "members": "member",
    "supporters": "supporter",
    "transfers": "transfer",
}


@dataclass(frozen=True)
class Register:
    """A clean register.

    Attributes:
        frames: rows of each level as `docs/interfaces.md` says: household by `household_id`; members with
            the `household` row they belong to; supporters and transfers with their `member` row. Attributes that were
            not asked for are left out.
        rejects: the columns of `rejects.csv`; one row for each thing wrong, at least one for each row not
            read.
        flags: `household_id`, `flag`: marks on the quality of the data; unique, sorted.
        counts: for `households`, `members`, `supporters`, `transfers` (and `overrides` where given): rows
            `in`, `read`, `rejected`.
        name: file or folder name.
        sha256: of the attributes that were used: the same for any order of rows and columns and any format; "" if
            nobody asked.
        currency: of all money in it.
        notes: what a person should know about the files (unknown columns, hidden rows, the encoding).
        corrections: the `overrides` that were applied, by household and field; households rejected since among them.
        rejected_areas: the area codes of rejected households, by id, where both could be read.
        database: where it was read from, as `run.json` says it; empty for files.
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
    database: Mapping[str, Any] = field(default_factory=dict)

    @property
    def told(self) -> dict[str, Any]:
        """What `run.json` says of it: `name`, `sha256`, and `database` where it was read from one."""
        return {"name": self.name, "sha256": self.sha256} | ({"database": self.database} if self.database else {})


def read_register(
    path: Path | str,
    *,
    attributes: dict[str, DeclaredAttribute],
    on: dt.date,
    mapping: Path | str | None = None,
    used: Collection[str] | None = None,
    also: Collection[str] = (),
    currency: str = "CNY",
    progress: Progress | None = None,
) -> Register:
    """Read a register.

    Args:
        path: folder, workbook or JSON file; with a mapping any file or folder it describes.
        attributes: what the columns may mean: the dictionary and the table's own attributes.
        on: the assessment date; ages outside 0 to 130 are rejected on it.
        mapping: a `mapping.toml` for a register with other columns; its currency wins.
        used: the attributes that are kept and hashed (`needed.needed` says which a table needs); None: all. Every cell
            is judged, whether its attribute is used or not.
        also: attributes of households and members that are kept beside them, and not hashed.
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
        tables = raw_tables(path, say, late=True)
    return clean(tables, attributes, on, name=path.name, used=used, also=also, currency=currency, progress=say)


def read_from_database(
    source: Database,
    attributes: dict[str, DeclaredAttribute],
    on: dt.date,
    *,
    used: Collection[str] | None = None,
    also: Collection[str] = (),
    currency: str = "CNY",
    progress: Progress | None = None,
) -> Register:
    """Read a register that is in a database; see `read_register`.

    Raises:
        UsageError: its address is wrong or its driver not installed. RegisterError: it cannot be read at all.
    """
    from hardship.reading.database import read_database

    tables = read_database(source, progress)
    name = source.shown if source.file is None else source.file.name
    found = clean(tables, attributes, on, name=name, used=used, also=also, currency=currency, progress=progress)
    return replace(found, database=source.told)


def clean(
    tables: list[RawTable],
    attributes: dict[str, DeclaredAttribute],
    on: dt.date,
    *,
    name: str,
    used: Collection[str] | None = None,
    also: Collection[str] = (),
    currency: str = "CNY",
    progress: Progress | None = None,
    hashed: bool = True,
) -> Register:
    """Judge raw tables row by row and build the register of those that hold.

    Args:
        used, also: see `read_register`.
        hashed: False leaves `sha256` empty, for who asks for results alone.

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
    overrides, corrections = None, list[Correction]()
    owned: list[tuple[Level, str, list[int]]] = []
    with Reading(parts, attributes, used, also, settled="overrides" not in by_entity) as reading:
        for level, part in parts.items():
            reading.ids(level, marks)
            for row, name_of, code in part.raw.faults:
                part.reject([row], name_of, code)
        if "overrides" in by_entity:
            overrides, applied, corrections = apply_overrides(by_entity["overrides"], parts["household"], attributes)
            marks += applied
            reading.also |= {one.field for one in corrections}  # what each does is found by scoring without it
        say("walk", 0.0)
        straight = walked(parts)
        if hashed:
            reading.hash_ahead(straight)
        if straight is not None:  # while others decode
            for level, names in FRAME_IDS.items():
                for id_name in names:
                    _ = parts[level].ids[id_name]
        say("decode", 0.1)
        for share, (level, part) in enumerate(parts.items()):
            say(f"check {part.raw.entity}", share / 8)
            owned += [(level, f"normalised:{column}", rows) for column, rows in reading.values(level)]
            owned += [(level, flag, rows.to_list()) for flag, rows in part.raw.marks]
        say("link", 0.6)
        owner = structure.link(parts, on, straight)
        marks += structure.flags(parts, attributes)
        for level, flag, rows in owned:
            places = np.asarray(rows, dtype=np.int64)
            marks.append((pl.Series(places if level == "household" else parts[level].household[places]), flag))
        say("sort", 0.8)
        frames, flags = _frames(parts, owner), _flag_frame(parts["household"], marks)
        say("hash", 0.9)
        sha256 = reading.sha256(frames) if hashed else ""
    judged = [*parts.values()] + ([overrides] if overrides is not None else [])
    counts = {part.raw.entity: part.counts() for part in judged}
    rejects = rejects_frame(judged, attributes)
    say("done", 1.0)
    return Register(
        frames,
        rejects,
        flags,
        counts,
        name,
        sha256,
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


def _frames(parts: Mapping[Level, Part], owner: Mapping[Level, Rows]) -> dict[Level, pl.DataFrame]:
    """The rows that hold, sorted, with the row numbers of their parents."""
    households = _alive(parts["household"], FRAME_IDS["household"])
    if not parts["household"].ordered and not ascending(households["household_id"]):
        households = households.sort("household_id")
    home = _renumber(households, parts["household"].height)
    members = _alive(parts["member"], FRAME_IDS["member"], household=_moved(parts["member"].household, home))
    if not parts["member"].ordered and not in_order(members, ["household", "member_id"]):
        members = members.sort("household", "member_id")
    person = _renumber(members, parts["member"].height)
    supporters = _alive(parts["supporter"], FRAME_IDS["supporter"], member=_moved(owner["supporter"], person))
    transfers = _alive(parts["transfer"], FRAME_IDS["transfer"], member=_moved(owner["transfer"], person))
    return {
        "household": households.drop("old", strict=False),
        "member": members.drop("old", strict=False),
        "supporter": sorted_rows(supporters.drop("old", strict=False), "member"),
        "transfer": sorted_rows(transfers.drop("old", strict=False), "member"),
    }


def sorted_rows(rows: pl.DataFrame, parent: str) -> pl.DataFrame:
    """Rows in the one order they have in a register: by parent, then by all columns in the order of names."""
    names = [parent, *sorted(name for name in rows.columns if name != parent)]
    found = ordered(rows, names) if rows.height >= MANY else None
    if found is not None:
        return found
    return rows if in_order(rows, names) else rows.sort(names, nulls_last=True)


def _alive(part: Part, ids: Sequence[str], **parent: NDArray[np.uint32]) -> pl.DataFrame:
    """The rows of a part that hold; if they may move, with their old numbers in `old`."""
    keep = np.flatnonzero(~part.dead)
    whole = keep.size == part.height
    data = {} if whole and part.ordered else {"old": pl.Series(np.arange(part.height))}
    data |= {name: pl.Series(rows) for name, rows in parent.items()} | {name: part.ids[name] for name in ids}
    frame = pl.DataFrame(data)
    if not parent:
        where = {name: pl.lit(text, pl.String) for name, text in (("file", part.raw.file), ("sheet", part.raw.sheet))}
        frame = frame.with_columns(**where, line=part.raw.lines)
    frame = frame.hstack([values.alias(name) for name, values in part.values.items()])
    return frame if whole else frame.select(pl.all().gather(keep))


def _renumber(rows: pl.DataFrame, height: int) -> Rows | None:
    """The new number of each row, -1 for those that are gone; None: every row keeps its own."""
    if "old" not in rows.columns:
        return None
    new = np.full(height, -1, dtype=np.int64)
    new[rows["old"].to_numpy()] = np.arange(rows.height)
    return new


def _moved(parent: Rows, new: Rows | None) -> NDArray[np.uint32]:
    """The parent of each row by its new number; of rows without a parent, which are dead, any."""
    return (new[parent] if new is not None and new.size else parent).astype(np.uint32)


def _flag_frame(households: Part, marks: structure.Flags) -> pl.DataFrame:
    found = [pl.DataFrame(schema={"household_id": pl.String, "flag": pl.String})]
    for rows, flag in marks:
        places = rows.to_numpy().astype(np.int64)
        places = places[places >= 0]
        places = places[~households.dead[places]]
        ids = households.ids["household_id"].gather(pl.Series(places))
        found.append(pl.DataFrame({"household_id": ids, "flag": pl.repeat(flag, ids.len(), eager=True)}))
    return pl.concat(found).unique().sort("household_id", "flag")


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
