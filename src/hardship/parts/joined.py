"""A register in parts as one register in memory: for looking at some of its households, and for replaying a run."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import polars as pl

from hardship.errors import Fault, RegisterError
from hardship.language.fields import DeclaredAttribute, Level
from hardship.parts import find
from hardship.reading.order import ascending
from hardship.register import Register

SHARED = "person_in_two_households"
SHORT = r"^[0-9]{1,3}$"  # a place in the household, no person
PARENTS: tuple[tuple[Level, Level, str], ...] = (
    ("member", "household", "household"),
    ("supporter", "member", "member"),
    ("transfer", "member", "member"),
)


def content_hash(parts: Iterable[str]) -> str:
    """The hash of a register in parts, from those of its parts in the order of their households."""
    return hashlib.sha256("".join(f"{one}\n" for one in parts).encode()).hexdigest()


def read(
    path: Path,
    attributes: Mapping[str, DeclaredAttribute],
    on: dt.date,
    currency: str,
    *,
    used: Collection[str] | None = None,
    also: Collection[str] = (),
) -> Register:
    """All parts as one register.

    Args:
        used, also: see `register.read_register`.

    Raises:
        RegisterError: see `find.find` and `find.read`; households of one part stand among those of another.
    """
    several = [find.read(part, attributes, on, currency, used, also) for part in find.find(path)]
    several.sort(key=lambda one: str(one.frames["household"]["household_id"].min() or chr(0x10FFFF)))
    frames: dict[Level, pl.DataFrame] = {
        "household": pl.concat([one.frames["household"] for one in several], how="diagonal")
    }
    for level, parent, column in PARENTS:
        above, moved = 0, []
        for one in several:
            moved.append(one.frames[level].with_columns((pl.col(column) + above).cast(pl.UInt32)))
            above += one.frames[parent].height
        frames[level] = pl.concat(moved, how="diagonal")
    ids = frames["household"]["household_id"]
    if not ascending(ids):
        raise RegisterError(Fault("parts.mixed", str(path), hint="parts.overlap_hint"))
    people = frames["member"].filter(~pl.col("member_id").str.contains(SHORT))
    twice = people.filter(people["member_id"].is_duplicated())["household"].unique()
    shared = pl.DataFrame({"household_id": ids.gather(twice)}).with_columns(flag=pl.lit(SHARED))
    return Register(
        frames,
        pl.concat([one.rejects for one in several]),
        pl.concat([*(one.flags for one in several), shared]).unique().sort("household_id", "flag"),
        {
            entity: {name: sum(one.counts[entity][name] for one in several) for name in counts}
            for entity, counts in several[0].counts.items()
        },
        path.name,
        content_hash(one.sha256 for one in several),
        currency,
        several[0].notes,
        rejected_areas={code: area for one in several for code, area in one.rejected_areas.items()},
    )
