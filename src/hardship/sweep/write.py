"""A sweep as files: `curve.parquet`, `curve.csv`, the chart, `run.json`; put in place in one step."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardship import export

if TYPE_CHECKING:
    from hardship.inputs import Inputs
    from hardship.sweep.run import Sweep

KIND = "whatif"
FILES = frozenset({"curve.parquet", "curve.csv", "curve.svg", "curve.png", export.RUN})


def write(
    out: Path,
    done: Sweep,
    inputs: Inputs,
    *,
    charts: Sequence[str] = ("svg", "png"),
    lang: str = "en",
    timings: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Write a sweep into the folder `out`, replacing an older one as a whole.

    Args:
        charts: `svg`, `png`, both or none.

    Returns:
        the content of `run.json`.

    Raises:
        UsageError: `out` holds something else. OSError: the disk is full; `out` is then unchanged.
    """
    export.prepare(out, KIND)
    began = time.perf_counter()
    with export.staged(out, FILES) as staging:
        export.write_parquet(done.frame, staging / "curve.parquet")
        export.write_csv(done.frame, staging / "curve.csv")
        if charts:
            from hardship.charts import png_of, to_svg
            from hardship.sweep.chart import chart

            picture = to_svg(chart(done, inputs, lang))
            if "svg" in charts:
                (staging / "curve.svg").write_text(picture, encoding="utf-8")
            if "png" in charts:
                (staging / "curve.png").write_bytes(png_of(picture))
        seconds = {**(timings or {}), "write": time.perf_counter() - began}
        return export.write_run(staging, out, done.run, inputs.files, seconds)
