"""The self-test of answers: it passes, and an answer that is not the long way's is found."""

from __future__ import annotations

import pytest

from hardship.errors import EngineError
from hardship.single import answer_check
from hardship.single.prepared import Prepared


def test_answers_are_held_to_the_long_way(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_check.check.cache_clear()
    answer_check.check()
    answer_check.check.cache_clear()
    monkeypatch.setattr(Prepared, "slow_answer", lambda *_: b"{}")
    with pytest.raises(EngineError, match="answers"):
        answer_check.check()
    answer_check.check.cache_clear()
