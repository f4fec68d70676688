"""Replay of a run over parts, part by part: memory holds one part, and of the others what must be told at the end.

Ranks are replayed too: what the plain evaluator says of each ranked household is set down by its stored position, then
read in that order; where the order does not hold, or another rank follows from it, is a difference.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from hardship import export, record, verify
from hardship.columns import csv_parts
from hardship.inputs import Inputs, open_table
from hardship.needed import needed
from hardship.parts import across, find
from hardship.parts.joined import SHARED, content_hash
from hardship.parts.score_part import reach
from hardship.reference import evaluate as reference
from hardship.reference.results import RANK_COLUMNS, Places, comparison, percentile, person_rows, table_of
from hardship.reference.values import Value
from hardship.reports.notices import only_households
from hardship.standards import load_standards
from hardship.verify import Difference, Verified

if TYPE_CHECKING:
    from hardship.inputs import Progress
    from hardship.parts.find import Part
    from hardship.register import Register

SLICE = 20_000  # households that are Python's values at a time
BUCKET = 1_000_000  # ranked households that are
MEMORY = 512 * 2**20  # that looking for persons in two parts may take


@dataclass(frozen=True)
class _People:
    """See `across.Peopled`."""

    name: str
    persons: tuple[str, str] | None
    entities: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class _Standing:
    """What the ranks of a household follow from."""

    household_id: str
    area_code: str
    circle: str | None
    keys: tuple[Value, ...]


@dataclass
class _Told:
    """What is told of all parts at the end, a value for each part."""

    first: list[str | None] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    counts: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[pl.DataFrame] = field(default_factory=list)
    unfit: list[pl.DataFrame] = field(default_factory=list)
    people: list[_People] = field(default_factory=list)
    flagged: set[str] = field(default_factory=set)  # of the looked at, stored as persons in two households
    alone: set[str] = field(default_factory=set)  # of those, the ones that their part knows by itself
    ranked: int = 0
    households: int = 0


def replay(
    folder: Path, *, register: Path | None = None, url: str = "", sample: int | None = None,
    progress: Progress | None = None,
) -> Verified:  # fmt: skip
    """`verify.verify`, part by part where results and register both are in parts.

    Raises:
        UsageError, TableError, RegisterError: see `verify.verify`.
    """
    run = verify.read_run(folder)
    sources = run["sources"]["register"]
    place = register or (folder / sources[0] if sources else None)
    if url or place is None or not find.in_parts(place) or not (folder / "results").is_dir():
        return verify.verify(folder, register=register, url=url, sample=sample, progress=progress)
    with tempfile.TemporaryDirectory() as work:
        return _Replay(folder, run, place, Path(work), sample, progress).all()


class _Replay:
    def __init__(
        self, folder: Path, run: dict[str, Any], place: Path, work: Path, sample: int | None, progress: Progress | None
    ) -> None:
        self.folder, self.run, self.work = folder, run, work
        self.say = progress or (lambda _what, _share: None)
        self.on = dt.date.fromisoformat(run["on"])
        self.checked, self.forced = open_table(verify.table_of_run(folder, run), self.on)
        self.standards = load_standards([folder / path for path in run["sources"]["standards"]])
        self.plain = reference.Reference(self.checked.table, self.checked.names, self.standards, self.on)
        self.told = _Told()
        self.parts = {part.name: part for part in find.find(place)}
        files = sorted((folder / "results").glob("*.parquet"))
        held = {file.stem: verify.read_frame(file, ["household_id"])["household_id"] for file in files}
        rows = {name: ids.len() for name, ids in held.items()}
        first = {name: str(ids.min() or "") for name, ids in held.items()}
        self.stored, self.rows = set(held), sum(rows.values())
        self.order = sorted(self.parts.keys() | self.stored, key=lambda name: (first.get(name, ""), name))
        self.sampled = sample is not None and sample < self.rows
        self.wanted = self._sample(held, sample) if sample is not None and self.sampled else None
        self.buckets = max(1, -(-self.rows // BUCKET))

    def _sample(self, held: Mapping[str, pl.Series], sample: int) -> pl.Series:
        """Ids of so many households, evenly spread over all."""
        places = {int(place * self.rows / sample) for place in range(sample)}
        found, before = [pl.Series(dtype=pl.String)], 0
        for name in self.order:
            if name in held:
                mine = [place - before for place in sorted(places) if before <= place < before + held[name].len()]
                found.append(held[name].gather(mine))
                before += held[name].len()
        return pl.concat(found)

    def all(self) -> Verified:
        """What the replay finds."""
        digest = hashlib.sha256()
        differences: list[Difference] = []
        for number, name in enumerate(self.order):
            self.say("verify", number / len(self.order))
            if name not in self.stored or name not in self.parts:
                differences.append(Difference("", "results", *(name if name in at else "" for at in self._sides())))
            if name not in self.parts:
                continue
            stored = verify.read_frame(self.folder / "results" / f"{name}.parquet") if name in self.stored else None
            if stored is not None:
                lines = csv_parts(stored)
                header = next(lines)
                digest.update(header if not self.told.hashes else header.partition(b"\n")[2])
                for line in lines:
                    digest.update(line)
                differences += self._part(self.parts[name], stored)
        sha256 = digest.hexdigest()
        return Verified(
            self.told.households, [*self._whole(sha256), *differences, *self._shared(), *self._ranks()], sha256
        )

    def _sides(self) -> tuple[set[str], set[str]]:
        return self.stored, set(self.parts)

    def _part(self, part: Part, stored: pl.DataFrame) -> Iterator[Difference]:
        """Everything a part knows by itself; what it does not is set down."""
        attributes, currency = self.checked.names.attributes, self.checked.table.table.currency
        register = find.read(part, attributes, self.on, currency, needed(self.checked))
        ids = register.frames["household"]["household_id"]
        kept = ids.is_in(stored["household_id"].implode()).to_numpy()
        self.told.counts.append(record.counts(register, kept, int((stored["outcome"] == "incomplete").sum())))
        persons = None
        if self.checked.table.person:
            persons = verify.read_frame(self.folder / "persons" / f"{part.name}.parquet")
        looked = pl.Series(kept)
        if self.wanted is not None:
            looked &= ids.is_in(self.wanted.implode())
        self._set_down(part.name, register, looked)
        gone = stored.filter(~pl.col("household_id").is_in(ids.implode()))["household_id"]
        unfit = [register.rejects.clear()]
        for start in range(0, register.frames["household"].height, SLICE):
            mask = pl.int_range(ids.len(), eager=True).is_between(start, start + SLICE - 1)
            if self.wanted is not None:
                mask &= looked
            some = only_households(register, mask)
            mine = some.frames["household"]["household_id"]
            some = replace(some, flags=register.flags.filter(pl.col("household_id").is_in(mine.implode())))
            there = stored.filter(pl.col("household_id").is_in(mine.implode()))
            also = None if persons is None else persons.filter(pl.col("household_id").is_in(mine.implode()))
            differences, set_aside = self._slice(some, there, also)
            yield from differences
            unfit.append(set_aside)
        for household in gone:
            yield Difference(household, "household_id", household, "")
        self.told.unfit.append(pl.concat(unfit))

    def _set_down(self, name: str, register: Register, looked: pl.Series) -> None:
        """What is needed of a part when all are known.

        Args:
            looked: which of its households are looked at.
        """
        ids, people = register.frames["household"]["household_id"], register.frames["member"]["household", "member_id"]
        people.write_ipc(self.work / f"{name}.people")
        pl.DataFrame({"household_id": ids, "looked": looked}).write_ipc(self.work / f"{name}.ids")
        persons = people["member_id"]
        span = (str(persons.min()), str(persons.max())) if people.height else None
        self.told.people.append(_People(name, span, register.counts))
        self.told.first.append(reach(ids, register.rejects)[0])
        self.told.hashes.append(register.sha256)
        self.told.rejected.append(register.rejects)

    def _slice(
        self, some: Register, stored: pl.DataFrame, persons: pl.DataFrame | None
    ) -> tuple[list[Difference], pl.DataFrame]:
        """What differs for some households of a part, and those of them that the table cannot score."""
        households = reference.rows(some, self.checked.names.attributes)
        outcomes = [self.plain.evaluate(household) for household in households]
        statics, detail = self.plain.ground.statics, self.run.get("detail", "results")
        inputs = Inputs(some, self.checked, self.standards, self.on, self.forced, {})
        replayed = table_of(self.checked.table, statics, outcomes, detail)
        alone = set(some.flags.filter(pl.col("flag") == SHARED)["household_id"])
        marked = stored.filter(pl.col("flags").str.split(";").list.contains(SHARED))["household_id"]
        self.told.flagged |= set(marked) - alone
        self.told.alone |= alone
        self.told.households += stored.height
        known = pl.concat([some.flags, _flags(marked, alone)])
        inputs = replace(inputs, register=replace(some, flags=known))
        found = list(verify.compare(stored, replayed, self.run, inputs, RANK_COLUMNS))
        if persons is not None:
            pairs = [pair for pair in zip(outcomes, households, strict=True) if not pair[0].rejected]
            found += verify.compare_persons(persons, person_rows(*map(list, zip(*pairs, strict=True))) if pairs else [])
        if not self.sampled:
            found += self._ranked(outcomes, stored)
        return found, verify.rejects_of(inputs, outcomes)[some.rejects.height :]

    def _ranked(self, outcomes: list[reference.Outcome], stored: pl.DataFrame) -> Iterator[Difference]:
        """Set down by its position what decides the ranks of each household."""
        rows = {row["household_id"]: row for row in stored.select("household_id", *RANK_COLUMNS).iter_rows(named=True)}
        held: list[dict[str, Any]] = []
        for done in outcomes:
            row = rows.get(done.household_id)
            if row is None or done.rejected:
                continue
            among = not done.incomplete and bool(done.among)
            if among != (row["position"] is not None):
                yield Difference(done.household_id, "position", str(row["position"] or ""), "ranked" if among else "")
            elif among:
                shown = {name: "" if value is None else str(value) for name, value in row.items()}
                keys = [_told(key) for key in done.keys]
                held.append({**shown, "area_code": done.area_code, "circle": done.circle, "keys": keys})
                self.told.ranked += 1
        texts = dict.fromkeys(("household_id", *RANK_COLUMNS, "area_code", "circle"), pl.String)
        frame = pl.DataFrame(held, schema={**texts, "keys": pl.List(pl.String)})
        bucket = (pl.col("position").cast(pl.Int64, strict=False).fill_null(0) - 1) // BUCKET
        frame = frame.with_columns(bucket=bucket.clip(0, self.buckets - 1))
        for (number,), some in frame.group_by("bucket"):
            folder = self.work / f"bucket{number}"
            folder.mkdir(exist_ok=True)
            some.write_ipc(folder / f"{len(list(folder.iterdir()))}.ipc")

    def _ranks(self) -> Iterator[Difference]:
        """Ranks that do not follow from the keys in the order of the positions."""
        if self.sampled:
            return
        compare = comparison(self.checked.table, self.plain.ground.statics)
        places, last = Places(), None
        for number in range(self.buckets):
            files = sorted((self.work / f"bucket{number}").glob("*.ipc"))
            if not files:
                continue
            some = pl.concat([pl.read_ipc(file) for file in files])
            some = some.sort(pl.col("position").cast(pl.Int64, strict=False), "household_id")
            for row in some.iter_rows(named=True):
                keys = tuple(_value(key) for key in row["keys"])
                done = _Standing(row["household_id"], row["area_code"], row["circle"], keys)
                expected = places.next(done)
                expected["percentile"] = percentile(int(expected["rank"]), self.told.ranked)
                if last is not None:
                    side = compare(last.keys, keys)
                    if side > 0 or (side == 0 and last.household_id.encode() > done.household_id.encode()):
                        yield Difference(done.household_id, "position", row["position"], "")
                for name, value in expected.items():
                    if row[name] != value:
                        yield Difference(done.household_id, name, row[name], value)
                last = done

    def _shared(self) -> Iterator[Difference]:
        """Flags of persons in two parts that are missing, or stand where nobody is."""
        found: set[str] = set()
        for name, rows in across.shared_persons(self.work, self.told.people, MEMORY).items():
            ids = pl.read_ipc(self.work / f"{name}.ids").select(pl.all().gather(pl.Series(rows)))
            found |= set(ids.filter("looked")["household_id"])
        found -= self.told.alone
        for household in sorted(found ^ self.told.flagged):
            yield Difference(
                household, "flags", *(SHARED if household in at else "" for at in (self.told.flagged, found))
            )

    def _whole(self, sha256: str) -> Iterator[Difference]:
        """Hashes, counts and rejects of all parts together."""
        told = self.told
        order = sorted(range(len(told.first)), key=lambda at: (told.first[at] is None, told.first[at] or ""))
        register = content_hash(told.hashes[at] for at in order)
        yield from verify.hashes(self.run, self.checked, self.standards, register, sha256)
        yield from verify.differing("counts", self.run.get("counts"), record.added_counts(told.counts))
        unfit = [] if self.sampled else [told.unfit[at] for at in order]
        expected = verify.csv_lines(pl.concat([*(told.rejected[at] for at in order), *unfit]))
        lines = verify.stored_lines(self.folder / export.REJECTS)
        yield from verify.compare_lines(export.REJECTS, lines[: len(expected)] if self.sampled else lines, expected)


def _flags(marked: pl.Series, alone: set[str]) -> pl.DataFrame:
    """The flag of persons in two parts as it is stored: whether rightly is said when all parts are known."""
    ids = [household for household in marked if household not in alone]
    return pl.DataFrame(
        {"household_id": ids, "flag": [SHARED] * len(ids)}, schema=dict.fromkeys(("household_id", "flag"), pl.String)
    )


def _told(key: Value) -> str | None:
    """A rank key as text, with the kind of value before it."""
    match key:
        case None:
            return None
        case bool():
            return f"b{int(key)}"
        case Fraction():
            return f"n{key}"
        case dt.date():
            return f"d{key.isoformat()}"
        case _:
            return f"t{key}"


def _value(text: str | None) -> Value:
    """The rank key that a text stands for."""
    if text is None:
        return None
    match text[0]:
        case "b":
            return text == "b1"
        case "n":
            return Fraction(text[1:])
        case "d":
            return dt.date.fromisoformat(text[1:])
        case _:
            return text[1:]
