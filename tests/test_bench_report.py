"""The documentation's tables and chart come from a saved run, ratios first, and nothing around them is touched."""

from __future__ import annotations

import json

import pytest

from benchmarks import report


def one(seconds: float, rows: int, times: float, **more: float) -> dict[str, float]:
    return {"median_s": seconds, "rounds": 3, "rows": rows, "times": times, **more}


RUN = {
    "machine": {"threads": 2, "processor": "x86_64", "python": "3.11.7"},
    "day": "2026-11-22",
    "read_bytes_a_second": 40e9,
    "touched_bytes": {"county_model": 400.0},
    "tables": {"county_model": one(0.05, 1_000_000, 1.0), "bairin_left": one(0.2, 1_000_000, 4.0)},
    "score_only": {
        "hardship": one(0.04, 1_000_000, 1.0),
        "numpy in blocks": one(0.6, 1_000_000, 15.0),
        "numpy": one(1.0, 1_000_000, 25.0),
        "polars streaming": one(1.4, 1_000_000, 35.0),
        "DuckDB": one(0.6, 1_000_000, 15.0),
    },
    "parquet": {"hardship": one(1.0, 5_000_000, 1.0), "polars streaming": one(4.5, 5_000_000, 4.5)},
    "one_household": {"one change and a new score": one(80e-6, 1, 1.0)},
    "streamed": {
        "a": one(4.0, 1_000_000, 1.0, peak_mib=700.0),
        "b": one(44.5, 10_000_000, 11.1, peak_mib=1_900.0),
    },
    "growth": [
        {"engine": name, "households": rows, "seconds": rows / 1e6, "peak_mib": 300.0 + rows / 1e3}
        for name in ("hardship", "DuckDB")
        for rows in (1_000, 100_000)
    ],
    "growth_scoring": [{"engine": "numpy", "households": 1_000, "seconds": 0.001}],
}


def test_targets_are_judged_by_what_was_measured():
    found = {(work, target): reached for work, target, _, reached in report.targets(RUN)}
    score = "score only, 1,000,000 households"
    assert found[score, "20 million households/s"]
    assert found[score, "10 times numpy in cache-sized blocks"]
    assert not found[score, "20 times the best of polars, DuckDB and numpy on whole columns"]
    assert not found["the whole Bairin Left table", "10 million/s"]
    assert not found["Parquet to ranked Parquet, 5,000,000 rows", "5 times the better of polars and DuckDB"]
    assert found["One household in process: one change and a new score", "at most 100 µs"]
    assert not found["10,000,000 households in parts", "11 times the time of 1,000,000"]
    assert found["10,000,000 households in parts", "at most 2,048 MiB"]


def test_ratios_stand_first_and_bandwidth_is_stated():
    text = "\n".join(report.lines(RUN))
    assert "county_model must touch 400 bytes a household: the machine uses 20% of that bandwidth." in text
    assert "| numpy in blocks | 15.00 | 600.0 ms | 1.667 | 1,000,000 |" in text
    assert "| b | 11.10 | 44.50 s | 0.225 | 10,000,000 | 1,900 |" in text
    assert "| polars streaming | 35.00 times | 4.50 times |" in "\n".join(report.short(RUN))


def test_only_the_marked_parts_are_replaced(tmp_path):
    run, docs, readme, chart = (tmp_path / name for name in ("run.json", "a.md", "b.md", "growth.png"))
    run.write_text(json.dumps(RUN), encoding="utf-8")
    for path in (docs, readme):
        path.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n", encoding="utf-8")
    places = ["--docs", str(docs), "--readme", str(readme), "--chart", str(chart)]
    assert report.main([str(run), *places]) == 0
    for path in (docs, readme):
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"before\n{report.BEGIN}\n")
        assert text.endswith(f"{report.END}\nafter\n")
        assert "\nold\n" not in text
    assert chart.read_bytes().startswith(b"\x89PNG")
    docs.write_text("no mark", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"a\.md"):
        report.main([str(run), *places])


def test_peers_stand_beside_the_earlier_measurement():
    """35 / 15 = 2.33, allowed 1.5 x 2.5; 15 / 15 = 1; a peer of 4 times numpy in blocks would be too slow."""
    assert list(report.peers(RUN))[1] == "polars streaming 2.33 (2.50), DuckDB 1.00 (2.45)."
    slow = {**RUN, "score_only": {**RUN["score_only"], "DuckDB": one(2.4, 1_000_000, 60.0)}}
    assert "DuckDB 4.00 (2.45, **slower than it may be**)" in list(report.peers(slow))[1]
    assert list(report.peers({})) == []


def test_the_chart_shows_registers_in_parts(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr("hardship.charts.to_png", lambda panels: shown.append(json.dumps(panels.to_dict())) or b"")
    report.chart(RUN, tmp_path / "growth.png")
    assert "hardship, in parts" in shown[0]
    assert "10000000" in shown[0]
