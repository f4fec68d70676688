"""The files of a movement, put in place in one step."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardship import export
from hardship.movement.record import KIND
from hardship.movement.setting import named_files

if TYPE_CHECKING:
    from hardship.inputs import Progress
    from hardship.movement.rerank import Movement

SUMS = ("matrix", "totals", "exits", "causes")
REPORTS = frozenset(
    {"movement.xlsx", "movement.html", "movement.pdf", export.TOWNSHIPS, *(f"movement_{n}.xlsx" for n in range(2, 100))}
)
KEPT = frozenset({export.GROUPS, "areas.csv"})
"""What `reports.stored.keep` writes, so that reports can be made without the registers."""
OURS = KEPT | frozenset({export.RUN, "movement.parquet", *(f"{name}.csv" for name in SUMS)}) | REPORTS


def prepare(out: Path) -> None:
    """Refuse a folder that holds something else than a movement, before any work is done.

    Raises:
        UsageError: see `export.prepare`.
    """
    export.prepare(out, KIND)


def write(
    out: Path,
    movement: Movement,
    *,
    timings: Mapping[str, float] | None = None,
    more: Callable[[Path], object] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write a movement into the folder `out`, replacing an older one as a whole.

    Args:
        timings: seconds for each stage so far.
        more: writes further files (`KEPT`, `REPORTS`) into the folder it is given.

    Returns:
        the content of `run.json`.

    Raises:
        UsageError: see `prepare`. OSError: the disk is full or may not be written; `out` is then unchanged.
    """
    prepare(out)
    began = time.perf_counter()
    with export.staged(out, OURS) as staging:
        if progress is not None:
            progress("write", 0.0)
        export.write_parquet(movement.frame, staging / "movement.parquet")
        for name in SUMS:
            export.write_csv(getattr(movement, name), staging / f"{name}.csv")
        if more is not None:
            more(staging)
        seconds = {**(timings or {}), "write": time.perf_counter() - began}
        return export.write_run(staging, out, movement.run, named_files(movement.before, movement.after), seconds)
