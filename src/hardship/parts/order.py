"""One order over all parts: their keys are split into ranges, and the ranks of each range counted by itself.

The keys of all parts fit one word mostly. Splitters, taken from an even sample, cut the words into ranges that each
fit a share of memory; equal words stand in one range. Ranges are gone through in order, with how many stand in each
group before them, so that their ranks are those of the whole. One range is enough where memory is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hardship import rank
from hardship.columns import Array
from hardship.parts import spill
from hardship.parts.score_part import Bounds, Scored

ROW = 120  # bytes that ranking takes for each household, by count of arrays
WORD = 63  # bits; the highest one is for the sign
SAMPLE = 2_000  # words of a part that splitters are chosen by
UInt64 = npt.NDArray[np.uint64]


_GROUPS = {"area": np.int32, "circle": np.int16}


@dataclass(frozen=True)
class Before:
    """How many stand before a range: in all, of each area code, of each place on the circle ladder."""

    all: int
    areas: Array
    circles: Array


@dataclass(frozen=True)
class Order:
    """How the order is made; plain values.

    Attributes:
        work: where the keys lie and the ranks will.
        parts: names in the order of their households.
        ranked: of each part, how many households are.
        bounds: of each key over all parts.
        areas: each part's numbers of areas → numbers among `codes`.
        codes: all area codes.
        circles: how many places the circle ladder has.
        cuts: (ranges − 1,) uint64, ascending; the first word of every range but the first.
    """

    work: Path
    parts: tuple[str, ...]
    ranked: tuple[int, ...]
    bounds: tuple[Bounds, ...]
    areas: tuple[Array, ...]
    codes: list[str]
    circles: int
    cuts: UInt64

    @property
    def ranges(self) -> int:
        """How many ranges there are."""
        return len(self.cuts) + 1


def planned(work: Path, parts: Sequence[Scored], circles: int, memory: int) -> Order:
    """The order of scored parts, which are given in the order of their households.

    Args:
        circles: places on the circle ladder.
        memory: bytes that ranking may take.
    """
    bounds = tuple(_all_bounds(each) for each in zip(*(part.bounds for part in parts), strict=True))
    codes = sorted({code for part in parts for code in part.codes})
    number = {code: place for place, code in enumerate(codes)}
    areas = tuple(np.array([number[code] for code in part.codes] + [-1], dtype=np.int32) for part in parts)
    names = tuple(part.name for part in parts)
    order = Order(
        work, names, tuple(part.ranked for part in parts), bounds, areas, codes, circles, np.empty(0, np.uint64)
    )
    wanted = -(-sum(order.ranked) * ROW // memory)
    if wanted < 2:
        return order
    drawn = []
    for place, rows in enumerate(order.ranked):
        words, _ = words_of(order, place)
        drawn.append(words[:: max(1, rows // SAMPLE)])
    sample = np.sort(np.concatenate(drawn))
    cuts = np.unique(sample[[len(sample) * k // wanted for k in range(1, wanted)]])
    return Order(work, names, order.ranked, bounds, areas, codes, circles, cuts)


def _all_bounds(each: Sequence[Bounds]) -> Bounds:
    """A key's bounds over all parts."""
    lows = [one.low for one in each if one.low is not None]
    highs = [one.high for one in each if one.high is not None]
    nulls = any(one.nulls for one in each)
    return Bounds(
        min(lows, default=None), max(highs, default=None), nulls, each[0].descending, each[0].nulls_first
    )  # fmt: skip


def words_of(order: Order, place: int) -> tuple[UInt64, bool]:
    """(ranked,) all keys of a part's households side by side, as far as they fit; whether all of them do.

    Words stand in the order of the keys; those of equal keys are equal.
    """
    rows = order.ranked[place]
    words, width, stem = np.zeros(rows, dtype=np.uint64), 0, order.work / order.parts[place]
    for number, bound in enumerate(order.bounds):
        if bound.low is None or bound.high is None:  # none is known: the key says nothing
            continue
        key = _key(stem, number, bound)
        start = bound.high if bound.descending else bound.low
        distance = (np.int64(start) - key.values if bound.descending else key.values - np.int64(start)).view(np.uint64)
        bits = (bound.high - bound.low).bit_length()
        if width == WORD and (bits or bound.nulls):
            return words, False
        if bound.nulls:
            known = np.ones(rows, dtype=np.bool_) if key.valid is None else key.valid
            distance = np.where(known, distance, 0)
            words, width = words << np.uint64(1) | (known == bound.nulls_first).astype(np.uint64), width + 1
        room = min(bits, WORD - width)
        if room < bits and room == 0:
            return words, False
        words = words << np.uint64(room) | distance >> np.uint64(bits - room)
        width += room
        if room < bits:
            return words, False
    return words, True


def _key(stem: Path, number: int, bound: Bounds) -> rank.Key:
    values = spill.load(stem, f"key{number}", np.int64)
    there = bound.nulls and stem.with_name(f"{stem.name}.valid{number}").exists()
    valid = spill.load(stem, f"valid{number}", np.bool_) if there else None
    return rank.Key(values, valid, bound.descending, bound.nulls_first)


def split(order: Order, place: int) -> None:
    """Put a part's households, in their order, into the ranges: sets down `begins` and all else by range."""
    stem = order.work / order.parts[place]
    words, whole = words_of(order, place)
    rows = spill.load(stem, "rows", np.uint32)
    area = order.areas[place][spill.load(stem, "area", np.int32)]  # the number of no area is the last
    held: dict[str, Array] = {"area": area, "circle": spill.load(stem, "circle", np.int16), "rows": rows}
    if whole:
        held["word"] = words.view(np.int64)
    else:
        for number, bound in enumerate(order.bounds):
            key = _key(stem, number, bound)
            held[f"key{number}"] = key.values
            held[f"valid{number}"] = np.ones(len(rows), dtype=np.bool_) if key.valid is None else key.valid
    begins = np.array([0, len(rows)])
    if order.ranges > 1:
        mine = np.searchsorted(order.cuts, words, side="right")
        by_range = np.argsort(mine, kind="stable")
        held = {name: values[by_range] for name, values in held.items()}
        begins = np.concatenate([[0], np.cumsum(np.bincount(mine, minlength=order.ranges))])
    spill.save(stem, "begins", begins.astype(np.int64))
    for name, values in held.items():
        spill.save(stem, f"split.{name}", values)


def begins_of(order: Order) -> Array:
    """(parts, ranges + 1) where each range of each part begins."""
    return np.array([spill.load(order.work / name, "begins", np.int64) for name in order.parts])


def standing_before(order: Order) -> list[Before]:
    """Of each range, how many stand before it."""
    found, begins = [], begins_of(order)
    before = Before(0, np.zeros(len(order.codes), np.int64), np.zeros(order.circles, np.int64))
    for number in range(order.ranges):
        found.append(before)
        if number + 1 == order.ranges:  # nothing stands behind the last one
            break
        area, circle = (_joined(order, begins, number, name, kind) for name, kind in _GROUPS.items())
        before = Before(
            before.all + len(area),
            before.areas + np.bincount(area[area >= 0], minlength=len(order.codes)),
            before.circles + np.bincount(circle[circle >= 0], minlength=order.circles),
        )
    return found


def _joined(order: Order, begins: Array, number: int, name: str, kind: Any) -> Array:
    """What was set down for a range, of all parts in their order."""
    return np.concatenate(
        [
            spill.load(order.work / part, f"split.{name}", kind, *map(int, own[number : number + 2]))
            for part, own in zip(order.parts, begins, strict=True)
        ]
    )


def rank_range(order: Order, number: int, before: Before, threads: int = 0) -> None:
    """Count the ranks of a range and set them down: (arrays, households) uint32, by part and household.

    Columns that are the same everywhere are one array; `columns` says which array each one is.
    """
    begins = begins_of(order)
    keys = _keys(order, begins, number)
    area, circle = (_joined(order, begins, number, name, kind) for name, kind in _GROUPS.items())
    places = np.arange(order.circles)
    groupings = [rank.Grouping(area, rank.area_levels(order.codes)), rank.Grouping(circle, [places])]
    found = rank.ranks(keys, np.ones(len(area), dtype=np.bool_), groupings, threads)
    of_array = {id(ranks): ranks for ranks in found}
    if not before.all:  # the first range: its ranks are those of the whole
        _set_down(order, number, of_array.values(), [list(of_array).index(id(ranks)) for ranks in found])
        return
    ahead = [np.int64(before.all)] * 2
    for one, counts in zip(groupings, (before.areas, before.circles), strict=True):
        for level in one.levels:
            own = np.append(_tally(level, counts)[level], 0)  # what stands nowhere has the last number, and rank 0
            ahead.append(own[one.of_row])
    added = (np.where(ranks > 0, ranks + more, 0).astype(np.uint32) for ranks, more in zip(found, ahead, strict=True))
    _set_down(order, number, added, range(len(found)))


def _set_down(order: Order, number: int, arrays: Iterable[Array], columns: Sequence[int]) -> None:
    spill.save(order.work / "ranks", f"{number}.columns", np.array(columns, dtype=np.int64))
    with (order.work / f"ranks.{number}").open("wb") as handle:
        for ranks in arrays:
            ranks.tofile(handle)


def _tally(level: Array, counts: Array) -> Array:
    """How many stand in each group of a level, from how many do in each group it is made of; the last, for none: 0."""
    found = np.zeros(int(level.max(initial=-1)) + 2, dtype=np.int64)
    np.add.at(found, level, np.where(level < 0, 0, counts))
    return found


def _keys(order: Order, begins: Array, number: int) -> list[rank.Key]:
    first = order.work / f"{order.parts[0]}.split.word"
    if first.exists():
        return [rank.Key(_joined(order, begins, number, "word", np.int64))]
    return [
        rank.Key(
            _joined(order, begins, number, f"key{key}", np.int64),
            _joined(order, begins, number, f"valid{key}", np.bool_),
            bound.descending,
            bound.nulls_first,
        )
        for key, bound in enumerate(order.bounds)
    ]


def ranks_of(order: Order, place: int, households: int) -> list[Array]:
    """(households,) uint32 each: what `rank.ranks` gives, of all households of a part that have results.

    Columns that are the same everywhere are one array again.
    """
    begins = begins_of(order)
    rows = spill.load(order.work / order.parts[place], "split.rows", np.uint32)
    stem = order.work / "ranks"
    columns = list(
        zip(*(spill.load(stem, f"{number}.columns", np.int64) for number in range(order.ranges)), strict=True)
    )
    found = {arrays: np.zeros(households, dtype=np.uint32) for arrays in columns}
    for number in range(order.ranges):
        begin, end = map(int, begins[place, number : number + 2])
        first = int((begins[:place, number + 1] - begins[:place, number]).sum())
        size = int((begins[:, number + 1] - begins[:, number]).sum())
        for arrays, values in found.items():
            at = int(arrays[number]) * size + first
            values[rows[begin:end]] = spill.load(stem, str(number), np.uint32, at, at + end - begin)
    return [found[arrays] for arrays in columns]
