"""`hardship profile`: time by stage and instruction, bytes, the share of the memory's limit."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from hardship import cli, profiling
from hardship.load import find_table, load_table
from hardship.standards import load_standards
from hardship.synthesis import synthesize

ON = dt.date(2018, 7, 1)


@pytest.fixture(scope="module")
def found() -> profiling.Profile:
    checked = load_table(find_table("jinxiang", ON)[0])
    register = profiling.complete(synthesize(300, 3, attributes=checked.names.attributes))
    assert all(frame.null_count().sum_horizontal().sum() == 0 for frame in register.frames.values() if frame.height)
    return profiling.profile(checked, register, load_standards(), ON)


def test_stages_and_lines_are_the_whole(found: profiling.Profile) -> None:
    assert set(found.stages) == set(profiling.STAGES)
    assert sum(found.stages.values()) == pytest.approx(found.nanoseconds)
    assert sum(line.nanoseconds for line in found.lines) == pytest.approx(found.nanoseconds)
    assert sum(line.count for line in found.lines) == found.instructions < found.lowered
    assert found.read > 0
    assert found.written > 0
    assert found.share == pytest.approx(found.read / found.bandwidth * 1e9 / found.nanoseconds)


def test_what_is_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["profile", "beilin", "--on", "2018-07-01", "--households", "200"]
    for lang, words in (("en", ("200 households", "members, supporters")), ("zh", ("200 户", "占耗时"))):
        monkeypatch.setenv("HARDSHIP_LANG", lang)
        assert cli.run(asked) == 0
        shown = capsys.readouterr().out
        assert all(word in shown for word in words)
    assert cli.run([*asked, "--as-lowered", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["instructions"] == values["lowered"]
    assert cli.run([*asked[:-1], "0"]) == 2
