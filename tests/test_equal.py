"""The machine and the reference agree on everything; and the comparison finds what is wrong.

The large run is `dev.py equal`; here it is small.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import random
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from equal.compare import Comparison
from equal.digest import ON, TABLE, digest
from equal.draw import AREAS, Seeded, random_standards
from equal.edges import Edges
from equal.faults import FAULTS
from equal.households import corners, random_household, used
from equal.kept import Kept
from equal.random_tables import Generator
from equal.run import main as run
from hypothesis import given, settings
from hypothesis import strategies as st
from test_semantics import CASES, table_text

from hardship.cases import read_case, run_case
from hardship.checking.check import Checked
from hardship.errors import HardshipError, TableError
from hardship.load import load_table, load_text
from hardship.reading.plain import register_of
from hardship.reading.write_register import Writer, file_frames
from hardship.reference.evaluate import rows
from hardship.register import Register, read_register
from hardship.score import score
from hardship.sides import by_machine, by_reference
from hardship.standards import StandardRow, load_standards, standards
from hardship.synthesis import parts, synthesize

TABLES = sorted(TABLE.parents[1].glob("*/*.toml"))
HERE = Path(__file__).parent
OTHERS = [*sorted(HERE.glob("tables/good/*.toml")), *sorted(HERE.parent.glob("examples/*/table.toml"))]


def random_register(checked: Checked, seed: int, households: int = 16) -> Register:
    """Every other household of it lacks facts."""
    rng = random.Random(seed)
    attributes = used(checked)
    made = [
        random_household(attributes, rng, f"H{k:02}", AREAS, ON, holes=0.15 if k % 2 else 0.0)
        for k in range(households)
    ]
    return register_of(made, checked.names.attributes)


# --- shipped tables ---


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.parent.name)
def test_shipped_tables_on_synthetic_households_and_edges(path: Path) -> None:
    checked, known = load_table(path), load_standards()
    attributes, area = checked.names.attributes, checked.table.table.place.area or "370828"
    total = Comparison()
    register = synthesize(100, 11, area=area, attributes=attributes)
    total.add(checked, known, ON, register)
    search = Edges(checked, known, ON, seed=11)
    around = search.edges(rows(register, attributes), 100)
    # A card of answers that are picked from lists has no fact that could stand at an edge.
    numbers = any(one.type in ("int", "money", "decimal", "date") for one in search.attributes.values())
    assert len(around) > 60 or not numbers
    if around:
        total.add(checked, known, ON, register_of(around, attributes))
    total.add(checked, known, ON, register_of(corners(search.attributes, 12, 2, area), attributes))
    assert total.shown == []


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.stem)
def test_other_tables_on_random_households(path: Path) -> None:
    checked = load_table(path)
    known = standards(
        StandardRow(
            one.name, "", "", dt.date(year, 1, 1), one.bounds[0] + year % 2, one.unit, "illustrative", "", "", 1
        )
        for one in checked.table.parameter
        for year in (2017, 2018)
    )
    total = Comparison()
    total.add(checked, known, ON, random_register(checked, 1, 40))
    total.add(checked, known, ON, register_of(corners(used(checked), 5, 2), checked.names.attributes))
    assert total.shown == []


def test_two_hundred_members_at_the_corners_of_all_bounds() -> None:
    checked = load_table(TABLE)
    total = Comparison()
    made = corners(used(checked), 200, 1)[:2]
    total.add(checked, load_standards(), ON, register_of(made, checked.names.attributes))
    assert total.shown == []


def test_edges_stand_on_both_sides_of_every_gauge() -> None:
    checked = load_table(next(path for path in TABLES if path.parent.name == "jinxiang"))
    search = Edges(checked, load_standards(), ON, seed=2)
    bases = rows(synthesize(60, 2, attributes=checked.names.attributes), checked.names.attributes)
    turned = 0
    for gauge in search.gauges[:40]:
        for base in bases[:6]:
            around = list(search.around(gauge, base))
            count = len(list(search.stages(base).root.down(gauge.level))) if search.stages(base) else 0
            signs = [{search.sign(gauge, one, row) for one in around} for row in range(count)]
            if around:
                turned += 1
                assert any(len(found - {None}) > 1 for found in signs), gauge.label
    assert turned > 60


def test_what_is_hard_to_reach_is_reached_by_a_search() -> None:
    checked = load_table(next(path for path in TABLES if path.parent.name == "jinxiang"))
    search = Edges(checked, load_standards(), ON, seed=3)
    search.sides = [side for side in search.sides if side.label.startswith("cap group earnings")]
    bases = rows(synthesize(20, 2, attributes=checked.names.attributes), checked.names.attributes)
    counts = search.count(bases)
    assert search.unreached(counts)
    assert search.unreached(counts + search.count(search.reach(counts, bases))) == []


def test_the_command_prints_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["--table", "beilin", "--households", "40", "--edges", "0"])
    line = capsys.readouterr().out.strip()
    found = dict(part.split("=") for part in line.split(" "))
    assert list(found) == ["tables", "households", "edges", "differences", "unreached", "sha256"]
    assert (found["tables"], found["differences"], len(found["sha256"])) == ("1", "0", 64)
    assert code == 0


# --- random tables ---


class Drawn:
    """Choices by Hypothesis."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw

    def pick(self, options: Any) -> Any:
        """One of several."""
        return self.draw(st.sampled_from(list(options)))

    def whole(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        found: int = self.draw(st.integers(low, high))
        return found


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_random_tables_on_random_households(data: st.DataObject) -> None:
    try:
        checked = load_text(Generator(Drawn(data.draw)).table())
    except TableError:
        return
    total = Comparison()
    total.add(checked, random_standards(), ON, random_register(checked, data.draw(st.integers(0, 99))))
    assert total.shown == []


def test_nearly_all_random_tables_are_accepted_and_all_agree() -> None:
    total, accepted, outcomes = Comparison(), 0, set()
    for seed in range(40):
        try:
            checked = load_text(Generator(Seeded(seed)).table())
        except TableError:
            continue
        accepted += 1
        answers = total.add(checked, random_standards(), ON, random_register(checked, seed))
        extremes = register_of(corners(used(checked), 4, 2), checked.names.attributes)
        total.add(checked, random_standards(), ON, extremes)
        outcomes |= {answer.rejected or answer.columns["outcome"] for answer in answers.values()}
    assert total.shown == []
    assert accepted >= 35
    assert outcomes == {
        "meets", "does_not_meet", "incomplete", "needs_review", "no_standard", "out_of_range",
    }  # fmt: skip


# --- one result ---


def test_blocks_and_threads_change_nothing() -> None:
    found = {digest(400, threads, block) for threads, block in ((1, 1), (2, 7), (4, 1000), (1, 4096), (4, 3))}
    assert len(found) == 1


def test_zone_hash_seed_and_compilation_change_nothing() -> None:
    script = HERE / "equal" / "digest.py"
    worlds = [
        {"TZ": "Asia/Shanghai", "PYTHONHASHSEED": "1"},
        {"TZ": "America/New_York", "PYTHONHASHSEED": "2", "LC_ALL": "C"},
        {"TZ": "UTC", "NUMBA_DISABLE_JIT": "1"},
    ]
    found = set()
    for world in worlds:
        command = [sys.executable, str(script), "10", "1", "4"]
        done = subprocess.run(command, env={**os.environ, **world}, capture_output=True, text=True, check=True)
        found.add(done.stdout.strip())
    assert found == {digest(10, 2, 2048)}


def test_the_order_of_rows_changes_nothing(tmp_path: Path) -> None:
    checked = load_table(TABLE)
    attributes = checked.names.attributes
    with Writer(tmp_path / "plain", "csv", attributes) as writer:
        for part in parts(120, 3, attributes=attributes):
            writer.write(file_frames(part, attributes))
    shuffled = tmp_path / "shuffled"
    shuffled.mkdir()
    for file in sorted((tmp_path / "plain").glob("*.csv")):
        head, *lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        random.Random(4).shuffle(lines)
        (shuffled / file.name).write_text(head + "".join(lines), encoding="utf-8")
    found = [
        score(read_register(folder, attributes=attributes, on=ON), checked, load_standards(), ON, block=block).sha256
        for folder, block in ((tmp_path / "plain", 2048), (shuffled, 5))
    ]
    assert found[0] == found[1]


# --- planted faults ---


def found_by_hand() -> bool:
    """Do the hand-worked cases find a difference on the machine?"""
    for path in CASES:
        case = read_case(path)
        try:
            if run_case(case, load_text(table_text(case.table), path.name), "machine"):
                return True
        except HardshipError:
            return True
    return False


def found_by_comparison() -> bool:
    """Does the comparison on random tables find a difference?"""
    for seed in range(60):
        try:
            checked = load_text(Generator(Seeded(seed)).table())
        except TableError:
            continue
        total = Comparison()
        try:
            total.add(checked, random_standards(), ON, random_register(checked, seed, 12))
        except HardshipError:
            return True
        if total.differences:
            return True
    return False


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_planted_fault_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    FAULTS[name](monkeypatch)
    assert found_by_hand(), "the hand-worked cases do not find it"
    assert found_by_comparison(), "the random tables do not find it"


def test_at_least_twelve_faults_are_planted() -> None:
    assert len(FAULTS) >= 12


# --- answers of the reference that are kept ---


def test_kept_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference is asked once; what the machine says otherwise later is found, and half a line is no harm."""
    checked, laid = load_table(TABLE), load_standards()
    register = random_register(checked, 3)

    def compared() -> Comparison:
        total = Comparison(Kept(tmp_path, TABLE.read_bytes()))
        total.add(checked, laid, ON, register)
        return total

    asked: list[int] = []

    def ask(*given: Any) -> Any:
        asked.append(1)
        return by_reference(*given)

    monkeypatch.setattr("equal.compare.by_reference", ask)
    first = compared()
    assert (first.differences, first.households, len(asked)) == (0, 16, 1)
    (file,) = tmp_path.iterdir()
    with file.open("ab") as more:
        more.write(b"half")
    second = compared()
    assert (second.differences, second.digest.hexdigest(), len(asked)) == (0, first.digest.hexdigest(), 1)

    def wrong(*given: Any, **named: Any) -> Any:
        found = by_machine(*given, **named)
        name, one = next((name, one) for name, one in found.items() if one.values)
        key = next(key for key, value in one.values.items() if isinstance(value, Fraction))
        found[name] = dataclasses.replace(one, values={**one.values, key: Fraction(-1, 7)})
        return found

    monkeypatch.setattr("equal.compare.by_machine", wrong)
    assert compared().differences == 2
    assert len(asked) == 2
    assert file.stat().st_size == 16 * 32  # half a pair is cut off when more is kept
