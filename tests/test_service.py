"""A running service held to its promises, in small; the large runs are `dev.py hostile`, `same`, `canaries`.

One process of its own: what it writes, its files and its memory are seen from outside.
"""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path

import pytest

pytest.importorskip("fastapi")
import hostile
from service import siege
from service.attack_columns import columns
from service.attack_wire import addresses, encodings, wire
from service.attacks import DOCUMENTS, Attack, documents, lines, texts
from service.canaries import LOG_ALL, Watch, core_dumps_off, person, run
from service.live import HOUSEHOLD, JSON, Live
from service.same import compare


def test_the_hostile_list_is_long_enough() -> None:
    """At least 300 different bodies for every route that takes one; and each of them as a line of a batch."""
    for path, good in DOCUMENTS.items():
        assert len({data for _, data in hostile.bodies(good)}) >= 300, path
    assert len({data for _, data in hostile.bodies(HOUSEHOLD)}) >= 300


@pytest.fixture(scope="module")
def warmed(live: Live) -> Live:
    """What is loaded once does not count as a rise."""
    siege.warm(live)
    return live


@pytest.mark.parametrize(
    ("name", "every"),
    [("documents", 40), ("lines", 45), ("texts", 9), ("columns", 263), ("encodings", 9), ("wire", 4), ("addresses", 5)],
)
def test_hostile_requests(warmed: Live, name: str, every: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each so many of each kind: nothing of 500 or more, nothing repeated, no 100 MB of memory, nobody kept waiting."""
    kinds = {
        "documents": documents,
        "lines": lines,
        "texts": texts,
        "columns": columns,
        "encodings": encodings,
        "wire": wire,
        "addresses": addresses,
    }
    if name == "wire":
        monkeypatch.setattr(siege, "PATIENCE", 0.5)  # requests that never end are given up soon
    found = siege.siege(warmed, itertools.islice(kinds[name](), 0, None, every))
    assert found.failures + found.echoes == []
    assert found.rise < siege.RISE
    assert sum(found.status.values()) > found.unfinished


def test_the_siege_finds_what_is_wrong() -> None:
    """Answers that may not be are told apart from those that may."""
    bad = Attack("x", b"")
    problem = json.dumps({"code": "api.shape"}).encode()
    assert siege.judged(bad, 422, siege.PROBLEM, problem) == ""
    assert siege.judged(bad, 500, siege.PROBLEM, problem)
    assert siege.judged(bad, 200, JSON, b"{}")
    assert siege.judged(Attack("x", b"", may_pass=True), 200, JSON, b"{}") == ""
    assert siege.judged(bad, 422, "text/html", b"<html>")
    assert siege.judged(bad, 422, siege.PROBLEM, "王".encode())
    row = {"row": 1, "status": "rejected", "errors": [{"message": hostile.CANARY}]}
    assert hostile.CANARY in "".join(siege.refused(200, json.dumps(row).encode()))
    assert list(siege.refused(200, json.dumps({**row, "status": "scored"}).encode())) == []


def test_one_result_at_every_door(live: Live, tmp_path: Path) -> None:
    """Command line, single requests, batches in every form and the ranking give the same bytes."""
    wrong, doors, _ = compare(live, "county_model", 300, 40, tmp_path)
    assert wrong == []
    assert doors >= 9


def test_no_trace_of_anybody_is_left() -> None:
    """Fake people sent well and badly: nothing of them in log, metrics, refusals, headers, files."""
    draw = random.Random(7)
    with Live(env=LOG_ALL) as live:
        count, traces = run(live, [person(draw) for _ in range(2)])
        assert traces == []
        assert count > 100
        assert len(live.written().splitlines()) > count
        assert core_dumps_off(live)


def test_the_watch_sees_files_that_are_soon_gone(tmp_path: Path) -> None:
    """A trace in a file would be found although the file is deleted again."""
    with Watch(tmp_path) as watch:
        for number in range(200):
            path = tmp_path / f"spool{number}"
            path.write_text("王小明")
            path.unlink()
            if watch.content:
                break
    # Whether it was caught in time is chance, so a file that stays must be seen in any case.
    with Watch(tmp_path) as watch:
        (tmp_path / "kept").write_text("王小明")
        while not watch.content:
            pass
    assert "kept" in watch.names
