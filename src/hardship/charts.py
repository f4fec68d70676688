"""Charts to SVG and PNG without a browser, with the one font that has every Chinese name character.

Without a registered font the renderer leaves out all text, digits too, and says nothing.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

FONT = "Noto Sans SC"
# Apart from each other also in grey and for eyes that take red for green (Okabe and Ito).
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#555555")


@cache
def _renderer() -> Any:
    """vl-convert with the font registered."""
    import pylopdf_fonts_zh_cn as fonts
    import vl_convert

    vl_convert.register_font_directory(str(Path(fonts.sans_path()).parent))
    return vl_convert


def configured(chart: Any) -> Any:
    """An altair chart with our font and quiet axes."""
    quiet = {"gridColor": "#e6e6e6", "domainColor": "#888888", "tickColor": "#888888"}
    letters = {"labelFontSize": 12, "titleFontSize": 13}
    return (
        chart.configure(font=FONT)
        .configure_view(stroke=None)
        .configure_axis(**quiet, **letters)
        .configure_legend(**letters, labelLimit=320)
        .configure_title(anchor="start", fontSize=16, subtitleFontSize=12, subtitleColor="#555555")
    )


def to_svg(chart: Any) -> str:
    """An altair chart as SVG text."""
    found: str = _renderer().vegalite_to_svg(configured(chart).to_dict())
    return found


def to_png(chart: Any, scale: float = 2) -> bytes:
    """An altair chart as a PNG, `scale` pixels a point."""
    return png_of(to_svg(chart), scale)


def png_of(svg: str, scale: float = 2) -> bytes:
    """What `to_svg` made as a PNG: the same bytes as from the chart, without drawing it again."""
    found: bytes = _renderer().svg_to_png(svg, scale=scale)
    return found
