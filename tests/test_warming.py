"""Kernels compiled ahead: who takes which job, and what is left when the second process fails."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from hardship import warming
from hardship.engine import jit


def test_each_job_is_taken_by_one_of_both(tmp_path: Path) -> None:
    done: list[int] = []
    jobs = [lambda place=place: done.append(place) for place in range(5)]
    there, here = warming._claimed(jobs, tmp_path, backwards=True), warming._claimed(jobs, tmp_path)
    for taken in (next(there), next(here), next(there), next(here), next(here)):
        taken()
    assert list(there) == list(here) == []
    assert done == [4, 0, 3, 1, 2]


def test_nothing_is_taken_when_the_place_for_claims_is_gone(tmp_path: Path) -> None:
    assert list(warming._claimed([lambda: None], tmp_path / "gone")) == []


def test_a_second_process_begins_only_where_nothing_is_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []

    class Failing:
        def __init__(self, command: list[str], **_: object) -> None:
            started.append(command)
            raise OSError

    folder = tmp_path / f"{jit.FOLDER}0"
    folder.mkdir()
    monkeypatch.setattr("hardship.warming.subprocess.Popen", Failing)
    monkeypatch.setattr(warming, "_processors", lambda: 2)
    monkeypatch.setattr(jit, "COMPILED", True)
    monkeypatch.setattr(jit, "cache_directory", lambda: folder)
    before = gc.get_threshold()
    warming.warm("machine")
    assert [command[-1] for command in started] == ["machine"]
    warming.warm("machine")
    assert len(started) == 1
    assert gc.get_threshold() == before
