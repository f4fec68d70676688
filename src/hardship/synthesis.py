"""Synthetic registers: the same seed gives the same households, in memory and on disk, in parts or at once.

Every value is a pure function of seed, attribute and place (household, member, row), by a counter-based
generator in integer arithmetic, so that neither the size of the parts nor a library's version changes a
byte. How values are spread is said in `synthesis.toml`. Ages are counted on 1 July 2018.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hardship.attributes import dictionary, scale, storage, stored_bounds, value_names
from hardship.errors import Fault, UsageError
from hardship.language.fields import DeclaredAttribute, Level
from hardship.reading.content import content_hash
from hardship.reading.readers import ENTITIES, Progress
from hardship.reading.rejects import rejects_frame
from hardship.reading.write_register import ENTITY, write_frames
from hardship.register import Register, sorted_rows

PART = 50_000
Ints = NDArray[np.int64]
Words = NDArray[np.uint64]
_DAY = np.datetime64("2018-07-01")
_FAMILY = "王李张刘陈杨赵黄周吴"
_GIVEN = "一二三四五六七八九十"


@cache
def spread() -> dict[str, Any]:
    """The content of `synthesis.toml`."""
    return tomllib.loads((resources.files("hardship") / "synthesis.toml").read_text(encoding="utf-8"))


class Stream:
    """Uniform numbers by (seed, name, counter): splitmix64 over a keyed counter."""

    def __init__(self, seed: int, name: str) -> None:
        key = hashlib.sha256(f"{seed}:{name}".encode()).digest()
        self.key = np.uint64(int.from_bytes(key[:8], "little"))

    def words(self, counter: Words) -> Words:
        """One 64-bit word for each counter."""
        word = self.key + counter * np.uint64(0x9E3779B97F4A7C15)
        word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return word ^ (word >> np.uint64(31))

    def below(self, counter: Words, limit: int) -> Ints:
        """Whole numbers in [0, limit), limit at most 2^31."""
        high = self.words(counter) >> np.uint64(32)
        return ((high * np.uint64(limit)) >> np.uint64(32)).astype(np.int64)

    def pick(self, counter: Words, weights: Sequence[int]) -> Ints:
        """Indices by whole weights."""
        edges = np.cumsum(weights)
        return np.searchsorted(edges, self.below(counter, int(edges[-1])), side="right").astype(np.int64)


class _Rows:
    """One level of a part while it is filled: counters of its rows, and what later values depend on."""

    def __init__(self, seed: int, counter: Words, sloppy: NDArray[np.bool_], wealth: Ints) -> None:
        self.seed, self.counter, self.sloppy, self.wealth = seed, counter, sloppy, wealth
        self.age: Ints | None = None
        self.stored: dict[str, Ints] = {}

    def fill(self, attribute: DeclaredAttribute, given: Mapping[str, Ints]) -> pl.Series | None:
        """The column of one attribute, or None if it is left out."""
        rule = spread()["attribute"].get(attribute.name, {})
        if rule.get("skip"):
            return None
        stream = Stream(self.seed, attribute.name)
        if attribute.type == "code":
            return self._texts(attribute, rule, stream)
        values = given.get(attribute.name)
        if values is None:
            values = _values(attribute, rule, stream, self.counter, self.wealth)
            values, gone = self._where(rule, values)
        else:
            gone = np.zeros(values.size, dtype=np.bool_)
        self.stored[attribute.name] = values
        if attribute.name not in ("residence_type", "relation_to_head"):
            cells = Stream(self.seed, f"missing {attribute.name}").below(self.counter, 1000)
            gone |= self.sloppy & (cells < spread()["missing"]["cells"])
        series = pl.Series(attribute.name, values).cast(storage(attribute))
        return series if not gone.any() else pl.select(pl.when(pl.Series(~gone)).then(series)).to_series()

    def _where(self, rule: Mapping[str, Any], values: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """Keep values only where the rule's condition holds."""
        holds = np.ones(values.size, dtype=np.bool_)
        if "when" in rule and rule["when"] in self.stored:
            holds &= self.stored[rule["when"]] != 0
        for name, accepted in rule.get("when_in", {}).items():
            if name in self.stored:
                holds &= np.isin(self.stored[name], accepted)
        if "ages" in rule and self.age is not None:
            holds &= (self.age >= rule["ages"][0]) & (self.age <= rule["ages"][1])
        if rule.get("otherwise") == "missing":
            return values, ~holds
        return np.where(holds, values, rule.get("otherwise", 0)), np.zeros(values.size, dtype=np.bool_)

    def _texts(self, attribute: DeclaredAttribute, rule: Mapping[str, Any], stream: Stream) -> pl.Series:
        if attribute.expressions:
            codes = rule.get("codes", ["none", "a", "b", "c"])
            first = rule.get("first", 900)
            index = stream.pick(self.counter, [first, *[(1000 - first) // (len(codes) - 1)] * (len(codes) - 1)])
            return pl.Series(attribute.name, codes).gather(pl.Series(index)).alias(attribute.name)
        names = [family + given for family in _FAMILY for given in _GIVEN]
        return pl.Series(attribute.name, names).gather(pl.Series(stream.below(self.counter, len(names))))


def _values(
    attribute: DeclaredAttribute, rule: Mapping[str, Any], stream: Stream, counter: Words, wealth: Ints
) -> Ints:
    """Stored values of one attribute before conditions and missing cells."""
    match attribute.type:
        case "bool":
            yes: Ints = (stream.below(counter, 1000) < rule.get("yes", 30)).astype(np.int64)
            return yes
        case "enum":
            names = value_names(attribute)
            given = rule.get("weights")
            if given is None:
                weights = [3 * max(1, len(names) - 1), *[2] * (len(names) - 1)]
            else:
                # Values that are not named are rare but occur, unless a condition gives the first one elsewhere.
                rare = 0 if "when" in rule else max(1, sum(given.values()) // 20)
                weights = [given[name] * 20 if name in given else rare for name in names]
            return stream.pick(counter, weights)
        case "set":
            return _masks(len(attribute.values), rule.get("empty", 700), stream, counter)
        case "date":
            return _dates(rule, stream, counter)
        case _:
            return _amounts(attribute, rule, stream, counter, wealth)


def _masks(size: int, empty: int, stream: Stream, counter: Words) -> Ints:
    """Sets of one to three values, or none."""
    word = stream.words(counter)
    mask = np.zeros(counter.size, dtype=np.int64)
    for turn in range(3):
        place = (word >> np.uint64(10 + 8 * turn)) % np.uint64(size)
        wanted = turn == 0 or ((word >> np.uint64(40 + turn)) & np.uint64(1)).astype(np.bool_)
        mask |= np.where(wanted, np.int64(1) << place.astype(np.int64), 0)
    return np.where(stream.below(counter ^ np.uint64(2**63), 1000) < empty, 0, mask)


def _dates(rule: Mapping[str, Any], stream: Stream, counter: Words) -> Ints:
    first, last = (np.datetime64(day, "D") for day in rule.get("dates", ("2010-01-01", "2018-06-30")))
    days = first + stream.below(counter, int((last - first) / np.timedelta64(1, "D")) + 1).astype("m8[D]")
    stored = ymd(days)
    first_days: Ints = stored - stored % 100 + 1
    return first_days if rule.get("monthly") else stored


def ymd(days: NDArray[np.datetime64]) -> Ints:
    """Calendar days as yyyymmdd."""
    months = days.astype("M8[M]")
    number = months.astype(np.int64)
    day = (days - months.astype("M8[D]")).astype(np.int64) + 1
    stored: Ints = (number // 12 + 1970) * 10_000 + (number % 12 + 1) * 100 + day
    return stored


def _amounts(
    attribute: DeclaredAttribute, rule: Mapping[str, Any], stream: Stream, counter: Words, wealth: Ints
) -> Ints:
    """Counts and amounts; two thirds of the amounts are in whole yuan."""
    low, high = stored_bounds(attribute)
    if "counts" in rule:
        return stream.pick(counter, rule["counts"])
    if "whole" in rule:
        least, most = rule["whole"]
        whole: Ints = least + stream.below(counter, most - least + 1)
        return whole
    unit = scale(attribute)
    first, last = rule.get("range", (low // unit, min(high // unit, low // unit + 1000)))
    share = stream.below(counter, 2**20)
    if rule.get("skew"):
        share = (share * share) >> 20
    size = first * unit + ((last - first) * unit * share >> 20)
    if rule.get("by_class"):
        size = size * wealth // 100
    if unit > 1:
        size = np.where(stream.below(counter ^ np.uint64(2**62), 3) == 0, size, size - size % unit)
    nothing = stream.below(counter ^ np.uint64(2**61), 1000) < rule.get("zero", 700)
    kept: Ints = np.clip(np.where(nothing, 0, size), low, high)
    return kept


def parts(
    households: int,
    seed: int,
    *,
    area: str = "370828",
    attributes: Mapping[str, DeclaredAttribute] | None = None,
    size: int = PART,
    begin: int = 0,
) -> Iterator[dict[Level, pl.DataFrame]]:
    """The register's frames, `size` households at a time, from household `begin` on.

    Row numbers of parents count within the part.
    """
    known = dictionary() if attributes is None else attributes
    for first in range(begin, max(households, 1), size):
        yield _part(first, min(first + size, households), seed, area, known)


def _part(
    first: int, last: int, seed: int, area: str, attributes: Mapping[str, DeclaredAttribute]
) -> dict[Level, pl.DataFrame]:
    number = np.arange(first, last, dtype=np.uint64)
    rules = spread()
    wealth = np.array(rules["class"]["percent"])[Stream(seed, "class").pick(number, rules["class"]["weights"])]
    sloppy = Stream(seed, "sloppy").below(number, 1000) < rules["missing"]["households"]
    size = Stream(seed, "size").pick(number, rules["members"]["weights"]) + 1
    ids = pl.Series(number).cast(pl.String).str.zfill(9)
    ids = "H" + ids
    place = pl.DataFrame({"household_id": ids, "area_code": _areas(area, seed, number)})
    household = _Rows(seed, number, sloppy, wealth)
    line = pl.Series("line", number.astype(np.int64) + 2)
    home = np.repeat(np.arange(number.size), size)
    position = np.arange(home.size) - np.repeat(np.cumsum(size) - size, size)
    counter = number[home] * np.uint64(256) + position.astype(np.uint64)
    member = _Rows(seed, counter, sloppy[home], wealth[home])
    relation, age = _people(seed, counter, position, number[home])
    member.age = age
    born = _DAY - (age * 365 + age // 4 + 1 + Stream(seed, "birthday").below(counter, 360)).astype("m8[D]")
    given = {"relation_to_head": relation, "birth_date": ymd(born)}
    columns = _columns(member, "member", attributes, given)
    member_id = ids.gather(pl.Series(home)) + "-" + pl.Series(position + 1).cast(pl.String).str.zfill(2)
    people = pl.DataFrame({"household": pl.Series(home).cast(pl.UInt32), "member_id": member_id}).with_columns(columns)

    counted = member.stored.get("member_counted", np.zeros(home.size, dtype=np.int64)) == 0
    declared = np.maximum(np.bincount(home[counted], minlength=number.size), 1)
    columns = _columns(household, "household", attributes, {"household_size_counted": declared})
    nothing = pl.repeat("", ids.len(), dtype=pl.String, eager=True)
    homes = place.with_columns(nothing.alias("file"), nothing.alias("sheet"), line, *columns)

    old = age >= 60
    helpers = np.where(old, Stream(seed, "supporters").pick(counter, rules["supporters"]["weights"]), 0)
    payments = np.where(
        old,
        Stream(seed, "transfers old").pick(counter, rules["transfers"]["old"]),
        Stream(seed, "transfers young").pick(counter, rules["transfers"]["young"]),
    )
    return {
        "household": homes,
        "member": people,
        "supporter": _below(member, "supporter", helpers, attributes),
        "transfer": _below(member, "transfer", payments, attributes),
    }


def _columns(
    rows: _Rows, level: Level, attributes: Mapping[str, DeclaredAttribute], given: Mapping[str, Ints]
) -> list[pl.Series]:
    """All columns of a level; what a rule depends on is filled before it."""
    own = [one for one in attributes.values() if one.level == level]
    rules = spread()["attribute"]

    def needs(one: DeclaredAttribute) -> set[str]:
        rule = rules.get(one.name, {})
        return {rule.get("when", ""), *rule.get("when_in", {})} - {""}

    order = sorted(own, key=lambda one: bool(needs(one)))
    order.sort(key=lambda one: any(needs(attributes[name]) for name in needs(one) if name in attributes))
    filled = {one.name: rows.fill(one, given) for one in order}
    found = [filled[one.name] for one in own]
    return [series for series in found if series is not None]


def _areas(area: str, seed: int, number: Words) -> pl.Series:
    """Village codes of 12 digits under a county, township or village code."""
    code = pl.Series([area]).new_from_index(0, number.size)
    stream = Stream(seed, "area")
    if len(area) < 6:
        code = code + "0" * (6 - len(area))
    if len(area) <= 6:
        code = code + pl.Series(101 + stream.below(number, 14)).cast(pl.String)
    if len(area) <= 9:
        code = code + pl.Series(201 + stream.below(number ^ np.uint64(2**60), 12)).cast(pl.String)
    return code.alias("area_code")


def _people(seed: int, counter: Words, position: Ints, number: Words) -> tuple[Ints, Ints]:
    """Relation to the head (stored) and age of every member; the ages of a family fit together."""
    head, spouse, child, grandchild, parent, grandparent, sibling, other = range(8)
    head_age = 22 + Stream(seed, "head age").below(number, 66)
    second = Stream(seed, "second").pick(counter, [70, 18, 8, 2, 1, 1])
    further = Stream(seed, "further").pick(counter, [70, 10, 14, 1, 3, 2])
    seconds = np.array([spouse, child, parent, sibling, grandchild, other])[second]
    others = np.array([child, grandchild, parent, grandparent, sibling, other])[further]
    relation = np.where(position == 0, head, np.where(position == 1, seconds, others))
    step = Stream(seed, "age step").below(counter, 16)
    by_relation = np.stack(
        [
            head_age,
            head_age + step - 8,
            head_age - 20 - step,
            head_age - 46 - step,
            head_age + 18 + step,
            head_age + 42 + step,
            head_age + step - 8,
            head_age + 3 * step - 24,
        ]
    )
    age = np.take_along_axis(by_relation, relation[None, :], axis=0)[0]
    return relation, np.where(age < 0, step, np.clip(age, 0, 101))


def _below(member: _Rows, level: Level, count: Ints, attributes: Mapping[str, DeclaredAttribute]) -> pl.DataFrame:
    owner = np.repeat(np.arange(count.size), count)
    position = np.arange(owner.size) - np.repeat(np.cumsum(count) - count, count)
    counter = member.counter[owner] * np.uint64(64) + position.astype(np.uint64)
    rows = _Rows(member.seed, counter, member.sloppy[owner], member.wealth[owner])
    frame = pl.DataFrame({"member": pl.Series(owner).cast(pl.UInt32)})
    if level == "supporter":
        frame = frame.with_columns(supporter_id="S" + pl.Series(position + 1).cast(pl.String).str.zfill(2))
    return sorted_rows(frame.with_columns(_columns(rows, level, attributes, {})), "member")


def synthesize(
    households: int,
    seed: int,
    *,
    area: str = "370828",
    attributes: Mapping[str, DeclaredAttribute] | None = None,
    progress: Progress | None = None,
) -> Register:
    """A clean register in memory.

    Args:
        households: how many.
        seed: any integer; the same seed gives the same register.
        area: code of the county, township or village they live in; villages are invented below it.
        attributes: what to fill (default: the data dictionary).
        progress: called with what is done and how far it is, 0 to 1.
    """
    collected: dict[Level, list[pl.DataFrame]] = {}
    home = person = 0
    for part in parts(households, seed, area=area, attributes=attributes):
        heights = part["household"].height, part["member"].height
        part["member"] = part["member"].with_columns(household=pl.col("household") + home)
        for level in ("supporter", "transfer"):
            part[level] = part[level].with_columns(member=pl.col("member") + person)
        for level, frame in part.items():
            collected.setdefault(level, []).append(frame)
        home, person = home + heights[0], person + heights[1]
        if progress is not None:
            progress("synthesize", home / households)
    frames = {level: pl.concat(several, rechunk=True) for level, several in collected.items()}
    counts = {
        ENTITY[level]: {"in": frame.height, "read": frame.height, "rejected": 0} for level, frame in frames.items()
    }
    return Register(
        frames,
        rejects_frame([], {}),
        _no_flags(),
        counts,
        f"synthetic-{households}-{seed}",
        content_hash(frames),
        "CNY",
    )


def _no_flags() -> pl.DataFrame:
    return pl.DataFrame(schema={"household_id": pl.String, "flag": pl.String})


def write(
    households: int,
    seed: int,
    out: Path | str,
    *,
    format: str = "csv",
    area: str = "370828",
    attributes: Mapping[str, DeclaredAttribute] | None = None,
    progress: Progress | None = None,
) -> None:
    """Write a synthetic register into a folder, part by part; a workbook is written whole.

    Args:
        households, seed, area, attributes, progress: as for `synthesize`.
        out: the folder, made if it is not there.
        format: `csv`, `parquet` or `xlsx` (as `register.xlsx` in the folder).

    Raises:
        UsageError: no such format, more rows than a sheet can hold, or a register in another format in `out`.
    """
    size = max(households, 1) if format == "xlsx" else PART
    own = {f"{entity}.{form}" for entity in ENTITIES for form in ("csv", "parquet") if form != format}
    odd = sorted(name for name in own if (Path(out) / name).exists())
    if odd:  # a folder with a table in two formats is no register
        raise UsageError(Fault("register.other_format", str(out), params={"files": ", ".join(odd)}))

    def told() -> Iterator[dict[Level, pl.DataFrame]]:
        done = 0
        for part in parts(households, seed, area=area, attributes=attributes, size=size):
            yield part
            done += part["household"].height
            if progress is not None:
                progress("synthesize", done / max(households, 1))

    write_frames(told(), Path(out), dictionary() if attributes is None else attributes, format)
