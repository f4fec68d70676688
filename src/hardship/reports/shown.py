"""Numbers as people read them, and the shape of a section of a report."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

Say = Callable[..., str]
Entry = dict[str, Any]


def section(
    title: str, texts: list[str], chart: str, alt: str, head: list[str], rows: list[list[str]], words: int = 1
) -> Entry:
    """A section: its texts, a chart (SVG or "") with what it shows in words, and the table behind it.

    Args:
        words: how many leading columns of the table are words.
    """
    wide = re.search(r'<svg[^>]* width="(\d+)', chart)
    return {
        "title": title,
        "texts": texts,
        "chart": chart,
        "wide": int(wide[1]) if wide else 0,
        "alt": alt,
        "head": head,
        "rows": rows,
        "words": words,
    }


def number(value: Any) -> str:
    """A count with separators, money with two places too."""
    return f"{value:,.2f}" if isinstance(value, Decimal) else f"{value:,}"


def signed(value: Any) -> str:
    """The same with its sign; 0 has none."""
    return f"{'+' if value > 0 else ''}{number(value)}"


def percent(part: Decimal, whole: Decimal) -> str:
    """A share in percent with one decimal, rounded half away from zero; a dash of nothing."""
    if not whole:
        return "—"
    tenths = (abs(part) * 2000 + whole) // (whole * 2)
    sign = "-" if part < 0 and tenths else "+" if part > 0 and tenths else ""
    return f"{sign}{int(tenths) // 10}.{int(tenths) % 10}%"
