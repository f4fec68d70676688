"""Answers for one household the short way and the long way, byte for byte, on many households of every table.

    python tests/single_equal.py [--table ID] [--households N] [--seed S]

Worked cases, synthetic households, and odd ones with few and many missing facts; every form in both languages.
Prints `tables=… answers=… odd=… differences=0`; exit code 1 if any differ. `odd` went the long way both times.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from single_documents import of_register, random_documents

from hardship.cases import case_standards, find_cases, read_case
from hardship.checking.check import Checked
from hardship.errors import HardshipError
from hardship.load import load_table, versions
from hardship.single.prepared import FORMS, Prepared
from hardship.standards import load_standards
from hardship.synthesis import synthesize

ON = dt.date(2018, 7, 1)
CASES = Path(__file__).parent / "cases"
PARTS = ("household", "members", "supporters", "transfers")
HOLES = (0.0, 0.03, 0.3)


def said(answer: Any, *arguments: Any) -> Any:
    """An answer, or what was wrong."""
    try:
        return answer(*arguments)
    except HardshipError as error:
        return type(error).__name__, error.text("zh")


def differs(prepared: Prepared, document: dict[str, Any], lang: str, form: Any) -> bool:
    """Whether the two ways answer differently."""
    return said(prepared.answer, document, lang, form) != said(prepared.slow_answer, document, lang, form)


def worked(checked: Checked, name: str) -> Iterator[tuple[Prepared, dict[str, Any]]]:
    """The households of a table's worked cases."""
    for path, _, version in find_cases(CASES, name):
        if version == checked.table.table.version.isoformat():
            case = read_case(path)
            prepared = Prepared(checked, case_standards(case), case.on)
            yield from ((prepared, {key: one[key] for key in PARTS if key in one}) for one in case.households)


def made(checked: Checked, count: int, seed: int) -> Iterator[tuple[Prepared, dict[str, Any]]]:
    """Synthetic and odd households."""
    prepared = Prepared(checked, load_standards([]), ON)
    register = synthesize(count, seed, area="370828", attributes=checked.names.attributes)
    for document in of_register(register, checked):
        yield prepared, document
    for holes in HOLES:
        for document in random_documents(checked, count // 2, seed, holes=holes, on=ON):
            yield prepared, document


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", help="only this table")
    parser.add_argument("--households", type=int, default=20, help="synthetic households of each table")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    tables = answers = odd = differences = 0
    for name, dated in versions().items():
        for path in dated.values() if chosen.table in (None, name) else ():
            checked = load_table(path)
            tables += 1
            for prepared, document in (*worked(checked, name), *made(checked, chosen.households, chosen.seed)):
                odd += prepared.reader.read(document) is None
                for lang in ("zh", "en"):
                    for form in FORMS:
                        answers += 1
                        if differs(prepared, document, lang, form):
                            differences += 1
                            print(name, path.stem, document["household"].get("household_id"), form, lang)
    print(f"tables={tables} answers={answers} odd={odd} differences={differences}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
