"""One household the short way: the same bytes as the long way, for every table."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from single_documents import of_register, random_documents

from hardship.errors import HardshipError
from hardship.load import load_table, versions
from hardship.results import RANKS
from hardship.results_json import result_records
from hardship.score import score
from hardship.single.prepared import Prepared, prepare
from hardship.standards import load_standards
from hardship.synthesis import synthesize

ON = dt.date(2018, 7, 1)
FILES = [(name, path) for name, dated in versions().items() for path in dated.values()]
IDS = [f"{name}-{path.stem}" for name, path in FILES]
STANDARDS = load_standards([])
OF_BATCH = ("position", *RANKS, "percentile")


def prepared(path: Path) -> Prepared:
    return prepare(load_table(path), STANDARDS, ON)


def outcome_of(prepared: Prepared, document: Any, lang: str, form: Any) -> tuple[Any, Any]:
    """The answer both ways; an error as its faults."""

    def said(answer: Any) -> Any:
        try:
            return answer(document, lang, form)
        except HardshipError as error:
            return type(error), error.text("zh")

    return said(prepared.answer), said(prepared.slow_answer)


@pytest.mark.parametrize(("name", "path"), FILES, ids=IDS)
def test_the_result_is_that_of_a_batch(name: str, path: Path) -> None:
    one = prepared(path)
    attributes = one.checked.names.attributes
    register = synthesize(150, 5, area="370828", attributes=attributes)
    results = score(register, one.checked, STANDARDS, ON)
    quick = {}
    for document in of_register(register, one.checked):
        household = one.reader.read(document)
        assert household is not None
        found = json.loads(one.answer(document, form="summary"))
        quick[found["result"]["household_id"]] = found
    for record in result_records(results.frame):
        found = quick[record["household_id"] or ""]["result"]
        assert {k: v for k, v in found.items() if k not in OF_BATCH} == {
            k: v for k, v in record.items() if k not in OF_BATCH
        }
    persons = list(result_records(results.persons)) if results.persons is not None else []
    assert [row for key in sorted(quick) for row in quick[key]["persons"]] == persons


@pytest.mark.parametrize(("name", "path"), FILES, ids=IDS)
def test_odd_households_go_both_ways_alike(name: str, path: Path) -> None:
    one = prepared(path)
    for holes, count in ((0.0, 3), (0.02, 3), (0.3, 3)):
        for document in random_documents(one.checked, count, 7, holes=holes, on=ON):
            quick, slow = outcome_of(one, document, "en", "summary")
            assert quick == slow
