"""Bands: contiguous by construction; wrong can be their order, their ends, and edges no value can meet."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor, gcd, lcm

from hardship.checking.checker import Checker
from hardship.language import scales
from hardship.language.kinds import Kind
from hardship.language.positions import Path
from hardship.language.table import Band
from hardship.limits import INT64


def shape(desk: Checker, path: Path, bands: Sequence[Band]) -> bool:
    """Whether each band has exactly one upper edge, the edges ascend, and only the last is `otherwise`."""
    good = True
    before: tuple[Fraction, int] | None = None
    for i, band in enumerate(bands):
        here = (*path, i)
        edges = [edge for edge in (band.below, band.at_most, band.otherwise) if edge is not None]
        if len(edges) != 1:
            desk.fault(here, "table.band_edge", found=len(edges))
            good = False
            continue
        if band.otherwise is not None:
            if i != len(bands) - 1:
                desk.fault(here, "table.band_otherwise")
                good = False
            continue
        edge = edge_of(band)
        if before is not None and edge <= before:
            key = "below" if band.below is not None else "at_most"
            desk.fault((*here, key), "table.band_order", found=edge[0], before=before[0])
            good = False
        before = edge
    if all(band.otherwise is None for band in bands):
        desk.fault((*path, len(bands) - 1) if bands else path, "table.band_end")
        good = False
    return good


def edge_of(band: Band) -> tuple[Fraction, int]:
    """The upper edge as a sort key: `at_most = x` lies behind `below = x`."""
    if band.below is not None:
        return band.below, 0
    assert band.at_most is not None
    return band.at_most, 1


def reachable(kind: Kind, bands: Sequence[Band]) -> list[bool]:
    """For each band of a well-shaped list whether some value of the kind's interval falls into it."""
    found = []
    low, high = scales.value_range(kind)
    start: tuple[Fraction, int] | None = None
    for band in bands:
        end = None if band.otherwise is not None else edge_of(band)
        if kind.divisor is None:
            first = (
                kind.lo
                if start is None
                else (floor(start[0] * kind.den) + 1 if start[1] else ceil(start[0] * kind.den))
            )
            last = kind.hi if end is None else (floor(end[0] * kind.den) if end[1] else ceil(end[0] * kind.den) - 1)
            found.append(max(first, kind.lo) <= min(last, kind.hi))
        else:
            above = start is None or high > start[0] or (high == start[0] and not start[1])
            under = end is None or low < end[0] or (low == end[0] and bool(end[1]))
            found.append(above and under)
        start = end
    return found


def check(desk: Checker, path: Path, bands: Sequence[Band], kind: Kind) -> list[bool]:
    """Warn of bands and edges that no value meets, and prove that the machine can compare.

    Returns which bands are reachable.
    """
    met = reachable(kind, bands)
    low, high = scales.value_range(kind)
    for i, (band, meets) in enumerate(zip(bands, met, strict=True)):
        if band.otherwise is not None:
            continue
        edge = edge_of(band)[0]
        key = "below" if band.below is not None else "at_most"
        if not meets:
            desk.warn((*path, i), "table.band_unreachable", low=low, high=high)
        elif kind.divisor is None and (edge * kind.den).denominator != 1:
            desk.warn(
                (*path, i, key),
                "table.band_step",
                found=edge,
                step=Fraction(1, kind.den),
            )
        if kind.divisor is not None and not _comparable(kind, edge, bands):
            desk.fault((*path, i, key), "table.band_far", found=edge)
    return met


def _comparable(kind: Kind, edge: Fraction, bands: Sequence[Band]) -> bool:
    """Whether `n · a < e · b · d` stays within 64 bits times a divisor, all edges over one denominator."""
    assert kind.divisor is not None
    den = lcm(*(edge_of(band)[0].denominator for band in bands if band.otherwise is None))
    a, b = kind.divisor.den * den, kind.den
    shared = gcd(a, b)
    edges = abs(edge * den) * (b // shared)
    return max(abs(kind.lo), abs(kind.hi), 1) * (a // shared) <= INT64 and edges <= INT64
