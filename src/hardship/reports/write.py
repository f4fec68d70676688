"""The reports of a movement as files: a workbook, a page, a PDF; for the whole register or each township."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hardship import pages
from hardship.export import OFFICE, RUN, TOWNSHIPS
from hardship.reports import movement_book, pdf
from hardship.reports.content import content
from hardship.reports.extra import NEEDED, need
from hardship.reports.story import Story, story_of, township_codes

if TYPE_CHECKING:
    from hardship.movement.rerank import Movement

FORMATS = ("xlsx", "html", "pdf")
NAME = "movement"
FILES = frozenset({RUN, OFFICE, TOWNSHIPS, *(f"{NAME}.{form}" for form in FORMATS)})


def write_reports(
    movement: Movement | Story,
    out: Path,
    formats: Sequence[str] = FORMATS,
    lang: str = "zh",
    by: Literal["township"] | None = None,
) -> list[Path]:
    """Write `movement.xlsx`, `movement.html`, `movement.pdf` into the folder `out`.

    Args:
        formats: which of `FORMATS`.
        by: also a workbook for each township, in `townships/<code>.xlsx`; households whose area code is too short
            for one are in the whole register's alone.

    Returns:
        the files written.

    Raises:
        UsageError: a library of the extra `report` is absent. OSError: a file cannot be written.
    """
    need(formats, NEEDED)
    story = movement if isinstance(movement, Story) else story_of(movement)
    return list(_written(story, out, formats, lang, by))


def _written(story: Story, out: Path, formats: Sequence[str], lang: str, by: str | None) -> Iterator[Path]:
    if "xlsx" in formats:
        yield from movement_book.write(story, out / f"{NAME}.xlsx", lang)
    if {"html", "pdf"} & {*formats}:
        told = content(story, lang)
        if "html" in formats:
            (out / f"{NAME}.html").write_text(pages.render(NAME, c=told), encoding="utf-8")
            yield out / f"{NAME}.html"
        if "pdf" in formats:
            (out / f"{NAME}.pdf").write_bytes(pdf.render(NAME, told))
            yield out / f"{NAME}.pdf"
    if by == "township":
        folder = out / TOWNSHIPS
        folder.mkdir(exist_ok=True)
        for code in township_codes(story.frame):
            yield from movement_book.write(story.of(code), folder / f"{code}.xlsx", lang)
