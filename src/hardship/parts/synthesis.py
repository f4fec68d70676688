"""Synthetic registers in parts: the same households as in one piece, in the same bounded memory for any number."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hardship.attributes import dictionary
from hardship.errors import Fault, UsageError
from hardship.language.fields import DeclaredAttribute
from hardship.reading.readers import Progress
from hardship.reading.write_register import Writer, file_frames
from hardship.synthesis import PART, parts


def write(
    households: int,
    seed: int,
    out: Path | str,
    count: int,
    *,
    area: str = "370828",
    attributes: Mapping[str, DeclaredAttribute] | None = None,
    progress: Progress | None = None,
) -> None:
    """Write a synthetic register in parts.

    Args:
        households, seed, area, attributes, progress: as for `hardship.synthesis.synthesize`.
        out: the folder, made if it is not there.
        count: how many parts.

    Raises:
        UsageError: `out` holds something already.
    """
    out, known = Path(out), dictionary() if attributes is None else attributes
    if out.is_dir() and any(out.iterdir()):  # parts of another register would stay among these
        raise UsageError(Fault("parts.out_not_empty", str(out)))
    for place in range(count):
        first, last = (households * k // count for k in (place, place + 1))
        with Writer(out, "parquet", known, f"part-{place + 1:05}") as writer:
            for begin in range(first, last, PART):
                several = parts(min(begin + PART, last), seed, area=area, attributes=known, begin=begin)
                for part in several:
                    writer.write(file_frames(part, known))
                if progress is not None:
                    progress("synthesize", min(begin + PART, last) / households)
