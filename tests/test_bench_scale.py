"""The tables of docs/scale.md."""

from __future__ import annotations

import threading

from benchmarks import scale
from benchmarks.scale import Run


def test_what_is_extrapolated_is_in_proportion():
    fewer = Run(1_000_000, 10.0, 12.0, 1000, "aaaa", 10**8, 2 * 10**8, 10**7)
    more = Run(10_000_000, 80.0, 96.0, 1100, "bbbb", 10**9, 2 * 10**9, 10**8)
    made = scale.section([fewer, more], 250_000, 2)
    assert "| ratio | 8.00 | 8.00 | 1.10 |" in made
    # By hand: 494 million are 49.4 times as many: 4742 s of processor time are 79 min, 47 s on 100 cores.
    country = next(line for line in made.splitlines() if line.startswith("| a country"))
    assert country == "| a country | 494,000,000 | 1,976 | 79 min | 66 min | 47 s | 49.4 GB | 98.8 GB | 4.9 GB |"


def test_the_page_has_a_place_for_them():
    text = scale.PLACE.read_text(encoding="utf-8")
    assert scale.written(scale.written(text, "a\n"), "b\n") == scale.written(text, "b\n")
    assert f"{scale.BEGIN}b\n{scale.END}" in scale.written(text, "b\n")


def test_scratch_files_are_seen(tmp_path):
    work = tmp_path / ".out.1.part" / ".work"
    work.mkdir(parents=True)
    (work / "a").write_bytes(bytes(700))
    most = scale.Most(tmp_path, "out")
    most.start()
    threading.Event().wait(0.5)
    assert most.stop() == 700
