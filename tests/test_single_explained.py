"""Explanations from the machine's stores: the bytes of those worked out by the reference."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from single_documents import random_documents
from single_equal import ON, differs, worked

from hardship.explaining import values
from hardship.explaining.wording import Wording
from hardship.language.units import parse
from hardship.load import load_table, versions
from hardship.single import numbers
from hardship.single.prepared import Prepared
from hardship.standards import load_standards

FILES = [(name, path) for name, dated in versions().items() for path in dated.values()]
IDS = [f"{name}-{path.stem}" for name, path in FILES]
UNCOMPILED = next(one for one in IDS if one.startswith("jinxiang"))
SCHEMA = json.loads((Path(__file__).parents[1] / "docs/schemas/explanation_items.json").read_text(encoding="utf-8"))
STANDARDS = load_standards([])


@pytest.mark.parametrize(("name", "path"), FILES, ids=IDS)
def test_the_same_bytes_both_ways(name: str, path: Path) -> None:
    checked = load_table(path)
    cases = list(worked(checked, name))
    prepared = Prepared(checked, STANDARDS, ON)
    jobs = [*cases[:1], *((prepared, one) for one in random_documents(checked, 2, 4, holes=0.02, on=ON))]
    for number, (one, document) in enumerate(jobs):
        assert not differs(one, document, ("zh", "en")[number % 2], "full")
        assert not differs(one, document, ("en", "zh")[number % 2], "items")


def test_the_short_form_keeps_its_schema() -> None:
    sizes = []
    for name in ("county_model", "jinxiang", "shanghai", "chongqing"):
        checked = load_table(next(iter(versions()[name].values())))
        for prepared, document in list(worked(checked, name))[:3]:
            explanation = json.loads(prepared.answer(document, "zh", "items"))["explanation"]
            jsonschema.validate(explanation, SCHEMA)
            sizes.append(len(json.dumps(explanation, ensure_ascii=False).encode()))
    assert max(sizes) < 25_000


class Words(Wording):
    """Wording without a table."""

    def __init__(self) -> None:
        self.lang, self.currency = "zh", "CNY"


UNITS: dict[str, Any] = {"money/month": 1, "": 0, "month": 0}


@given(st.integers(-(10**13), 10**13), st.integers(1, 10**6), st.sampled_from(sorted(UNITS)))
def test_numbers_are_shown_as_fractions_are(value: int, den: int, unit: str) -> None:
    number, of = Fraction(value, den), parse(unit)
    decimal, exact, text = numbers.shown(value, den, UNITS[unit])
    assert decimal == values.decimal(number, of)
    assert exact == values.exact(number) == numbers.exact(value, den)
    assert text == values.plain(number, Words(), unit=of)


def test_the_same_bytes_without_compilation() -> None:
    documents = [document for _, document in list(worked(load_table(FILES[IDS.index(UNCOMPILED)][1]), "jinxiang"))[:1]]
    code = (
        "import datetime as dt, json, pathlib, sys\n"
        "from hardship.load import load_table\n"
        "from hardship.single.prepared import Prepared\n"
        "from hardship.standards import load_standards\n"
        "checked, on = load_table(pathlib.Path(sys.argv[1])), dt.date.fromisoformat(sys.argv[2])\n"
        "one = Prepared(checked, load_standards([]), on)\n"
        "for body in json.load(sys.stdin):\n"
        "    household = one.scanner.read(body.encode())\n"
        "    for lang, form in (('zh', 'items'), ('en', 'full')):\n"
        "        print((one.answer_to(household, lang, form) or b'').decode())\n"
    )
    path = str(FILES[IDS.index(UNCOMPILED)][1])
    given = json.dumps([json.dumps(document, default=str) for document in documents])
    done = subprocess.run(
        [sys.executable, "-c", code, path, ON.isoformat()], capture_output=True, text=True, check=True, input=given,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
    )  # fmt: skip
    one = Prepared(load_table(Path(path)), STANDARDS, ON)
    expected = [one.slow_answer(document, *how) for document in documents for how in (("zh", "items"), ("en", "full"))]
    assert done.stdout.splitlines() == [answer.decode() for answer in expected]
