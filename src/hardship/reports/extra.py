"""The libraries of the extra `report`: charts and PDF need them, all else does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec

from hardship.errors import Fault, UsageError

FONTS = "pylopdf_fonts_zh_cn"
NEEDED = {"html": ("altair", "vl_convert", FONTS), "pdf": ("altair", "vl_convert", "typst", FONTS)}
LETTERS = {"pdf": ("typst", FONTS)}


def need(formats: Sequence[str], needed: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse formats whose libraries are not installed, before any work is done.

    Raises:
        UsageError: naming the first library that is absent, and how to install it.
    """
    for form in formats:
        for package in needed.get(form, ()):
            if find_spec(package) is None:
                raise UsageError(Fault("report.no_extra", params={"format": form, "package": package}))
