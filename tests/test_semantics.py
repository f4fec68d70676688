"""The hand-worked cases of `docs/semantics.md` on both evaluators."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardship.cases import Evaluator, read_case, run_case
from hardship.load import load_text

CASES = sorted(Path(__file__).parent.joinpath("semantics").glob("*.toml"))
HEAD = """[table]
id = "semantics"
version = 2018-01-01
title = { zh = "语义算例", en = "Worked semantics" }
place = { zh = "某地", en = "Somewhere" }
currency = "CNY"
"""
TAIL = """
[rank]
keys = [{ value = "0", order = "ascending" }]
"""


def table_text(text: str) -> str:
    """A case gives only the sections it is about; who is ranked by nothing in particular stands by id."""
    return HEAD + text + ("" if "[rank]" in text else TAIL)


@pytest.mark.parametrize("evaluator", ["reference", "machine"])
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_worked_by_hand(path: Path, evaluator: Evaluator) -> None:
    case = read_case(path)
    assert case.working.strip()
    assert run_case(case, load_text(table_text(case.table), path.name), evaluator) == []
