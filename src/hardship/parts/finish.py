"""The second pass over a part: its results with their ranks, written, and told to the hash of all results."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from hardship import sheet_csv, sheet_parquet, summary
from hardship.columns import Array
from hardship.parts import spill
from hardship.parts.across import flagged
from hardship.parts.order import Order, ranks_of
from hardship.parts.score_part import RANKED, Job
from hardship.results import shown_ranks, types_of
from hardship.sheet import Sheet


@dataclass(frozen=True)
class Last:
    """What the second pass needs to know of all parts; plain values.

    Attributes:
        rows: households with results of each part, in the order of `order.parts`.
        shared: see `across.shared_persons`.
    """

    job: Job
    order: Order
    rows: tuple[int, ...]
    shared: Mapping[str, Array]


def finished(last: Last, place: int) -> Sheet:
    """All result columns of one part."""
    order, name = last.order, last.order.parts[place]
    types = types_of(last.job.checked, last.job.detail)
    stem = order.work / name
    rest = {column: kind for column, kind in types.items() if column not in RANKED}
    sheet = spill.read(stem.with_name(f"{name}.sheet"), rest)
    columns = sheet.columns | shown_ranks(ranks_of(order, place, last.rows[place]), sum(order.ranked))
    if name in last.shared:
        columns["flags"] = flagged(columns["flags"], last.shared[name], stem)
    return Sheet({column: columns[column] for column in types}, sheet.height)


def write(last: Last, place: int, sheet: Sheet) -> None:
    """Write the results of a part."""
    path = last.job.out / "results" / f"{last.order.parts[place]}.parquet"
    sheet_parquet.write(sheet, path)


class Told:
    """What is gathered from the results of all parts, told in their order."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._begun = False
        self.hardest: list[pl.DataFrame] = []

    def tell(self, sheet: Sheet, threads: int) -> None:
        """Tell the next part."""
        lines = sheet_csv.parts(sheet, threads)
        header: Any = next(lines)
        if not self._begun:
            self._digest.update(header)
            self._begun = True
        for some in lines:
            self._digest.update(some)
        self.hardest.append(summary.hardest_of(sheet))

    def sha256(self) -> str:
        """`results_sha256`."""
        return self._digest.hexdigest()
