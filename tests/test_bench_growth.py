"""How far an engine's growth is followed, and that a run's file is whole at every moment."""

from __future__ import annotations

import argparse
import json

import pytest

from benchmarks import growth, run


def test_what_comes_is_on_the_line_through_the_last_two_sizes():
    """2 s of 100 and 11 s of 1,000: 0.01 s for each more, so 101 s of 10,000."""
    assert growth.expected([], 10) == 0.0
    assert growth.expected([(100, 2.0)], 1_000) == 2.0
    assert growth.expected([(10, 50.0), (100, 2.0), (1_000, 11.0)], 10_000) == pytest.approx(101.0)


def test_an_engine_is_not_asked_for_what_it_has_no_time_or_memory_for(capsys):
    pace = growth.Pace((0, 0.0))
    assert pace.fits("slow", 1_000_000)
    pace.took("slow", 100_000, 7.0, 80.0)
    assert not pace.fits("slow", 1_000_000)  # 70 s
    assert "slow" in capsys.readouterr().out
    pace.took("large", 100_000, 0.1, 900.0)
    assert not pace.fits("large", 1_000_000)  # 9,000 MiB
    pace.took("quick", 100_000, 0.1, 80.0)
    assert pace.fits("quick", 1_000_000)


def test_a_start_that_takes_memory_is_no_growth():
    """300 MiB of imports, then 1 MiB for each thousand: 1,300 MiB for a million, not 3,000."""
    pace = growth.Pace()
    pace.took("started", 10_000, 1.0, 310.0)
    pace.took("started", 100_000, 1.1, 400.0)
    assert pace.fits("started", 1_000_000)
    assert not pace.fits("started", 10_000_000)


def test_the_file_keeps_what_an_earlier_run_measured(tmp_path, monkeypatch):
    path = tmp_path / "bench.json"
    path.write_text('{"streamed": {"a": 1}}', encoding="utf-8")

    def measured(options: argparse.Namespace, keep):
        keep({"starts": {"b": 2}})
        assert [one.name for one in tmp_path.iterdir()] == ["bench.json"]
        kept = json.loads(path.read_text(encoding="utf-8"))
        assert (kept["streamed"], kept["starts"]) == ({"a": 1}, {"b": 2})
        return {"read_bytes_a_second": 1e9}

    monkeypatch.setattr(run, "measured", measured)
    monkeypatch.setattr(run.works, "agree", lambda _: None)
    assert run.main(["--json", str(path), "--households", "10"]) == 0
