"""The gate: what is slower than its limit fails, and nothing can go unmeasured or unlimited."""

from __future__ import annotations

import json

from benchmarks import gate

FAST = {"score only": 0.2, "rank": 1.0, "read Parquet": 2.0, "one answer": 0.2}


def test_a_broken_limit_fails(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(gate, "ratios", lambda: FAST)
    assert gate.main([]) == 0
    limits = tmp_path / "limits.json"
    limits.write_text(json.dumps(FAST | {"rank": 0.99}), encoding="utf-8")
    assert gate.main(["--limits", str(limits)]) == 1
    assert "too slow: rank: 1.00 of numpy's time, at most 0.99" in capsys.readouterr().err


def test_every_ratio_has_a_limit_and_every_limit_a_ratio():
    limits = json.loads(gate.LIMITS.read_text(encoding="utf-8"))
    assert limits.keys() == FAST.keys()
    assert gate.broken(FAST | {"new": 0.1}, limits) == ["new: measured or limited, not both"]
    assert len(gate.broken({}, limits)) == len(limits)


def test_small_ratios_are_measured():
    found = gate.ratios(households=300, rows=2_000)
    assert found.keys() == FAST.keys()
    assert all(0 < ratio < 1_000 for ratio in found.values())
