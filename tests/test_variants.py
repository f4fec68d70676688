"""Many settings in one pass give what each gives in a run of its own."""

from __future__ import annotations

import datetime as dt
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from equal.draw import Seeded, random_standards
from equal.random_tables import Generator

from hardship.engine import machine, variants
from hardship.errors import EngineError, TableError
from hardship.load import load_table, load_text
from hardship.lowering import tune
from hardship.lowering.bind import Columns, bind
from hardship.lowering.lower import Detail, lower
from hardship.lowering.variants import parted
from hardship.standards import load_standards
from hardship.synthesis import synthesize

ON = dt.date(2018, 7, 1)
HERE = Path(__file__).parent
DETAILS: tuple[Detail, ...] = ("totals", "results", "all")


def drawn(columns: Columns, rng: random.Random, count: int) -> list[Columns]:
    """Settings of some of the local numbers, up to the bounds that the proofs rest on."""
    found = [columns]
    bounds = {parameter.name: parameter.bounds for parameter in columns.program.declared}
    changed = [place for place in range(len(columns.program.parameters)) if rng.random() < 0.6]
    for _ in range(count - 1):
        values = columns.values.copy()
        for place in changed:
            name, den = columns.program.parameters[place]
            low, high = (int(bound * den) for bound in bounds[name])
            new = rng.choice((low, high, rng.randint(low, high), rng.randint(low, min(high, low + 100_000))))
            values[place] = np.where(rng.random() < 0.5, new, values[place])
            if values.shape[1] and rng.random() < 0.3:
                values[place, rng.randrange(values.shape[1])] = rng.randint(low, high)
        found.append(replace(columns, values=values))
    return found


def different(settings: list[Columns], **options: int) -> list[str]:
    """What a pass over all settings stores otherwise than runs of their own."""
    program, wrong = settings[0].program, []
    for number, raw in enumerate(variants.runs(program, settings, **options)):
        alone = machine.run(program, settings[number])
        assert raw.keys() == alone.keys()
        for name, stored in alone.items():
            for part in ("values", "valid", "divisor"):
                mine, other = getattr(raw[name], part), getattr(stored, part)
                if (mine is None) != (other is None) or (mine is not None and not np.array_equal(mine, other)):
                    wrong.append(f"{number} {name} {part}")
    return wrong


def test_random_tables_under_random_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    both, leaving = 0, 0
    for seed in range(14):
        rng = random.Random(seed)
        try:
            checked = load_text(Generator(Seeded(seed)).table())
        except TableError:
            continue
        program = lower(checked, DETAILS[seed % 3])
        register = synthesize(60, seed, attributes=checked.names.attributes)
        settings = drawn(bind(program, register, random_standards(), ON), rng, 4)
        for least in (0, 10**9):  # tuned, and as lowered
            monkeypatch.setattr(tune, "FROM", least)
            assert different(settings, threads=1 + seed % 3, block=(7, 2048)[seed % 2]) == []
        parts = parted(program, settings)
        both += 0 < parts.shared < len(parts.arrays.code)
        leaving += bool(program.leaves)
    assert both > 5
    assert leaving


@pytest.mark.parametrize("name", ["county_model", "huizhou", "national_2021", "shanxi", "dachuan"])
def test_shipped_tables_under_random_settings(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    checked = load_table(sorted(HERE.parent.glob(f"scoring_tables/{name}/*.toml"))[-1])
    program = lower(checked, "results")
    register = synthesize(150, 1, attributes=checked.names.attributes)
    columns = bind(program, register, load_standards(), max(ON, checked.table.table.version))
    for least in (0, 10**9):
        monkeypatch.setattr(tune, "FROM", least)
        assert different(drawn(columns, random.Random(least), 4), threads=2, block=64) == []


def test_a_few_settings_at_a_time_and_one_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = load_table(HERE.parent / "scoring_tables" / "county_model" / "2018-01-01.toml")
    program = lower(checked, "results")
    columns = bind(program, synthesize(60, 3), load_standards(), ON)
    settings = drawn(columns, random.Random(4), 7)
    monkeypatch.setattr(variants, "MOST", 3)
    monkeypatch.setattr(variants, "CHUNK", 16)
    assert different(settings, threads=3, block=9) == []
    assert different(settings[:1]) == []
    assert list(variants.runs(program, [])) == []


def test_what_no_setting_changes_is_computed_and_kept_once() -> None:
    checked = load_table(HERE.parent / "scoring_tables" / "county_model" / "2018-01-01.toml")
    program = lower(checked, "results")
    columns = bind(program, synthesize(50, 3), load_standards(), ON)
    place = [name for name, _ in program.parameters].index("dibao_standard")
    values = columns.values.copy()
    values[place] += 1200
    settings = [columns, replace(columns, values=values)]
    parts = parted(program, settings)
    assert len(parts.arrays.code) - parts.shared < len(parts.whole.code) // 4
    one, other = variants.runs(program, settings)
    assert one["income_per_head"].values is other["income_per_head"].values
    assert one["benefit"].values is not other["benefit"].values


def test_settings_of_other_columns_are_refused() -> None:
    checked = load_table(HERE.parent / "scoring_tables" / "county_model" / "2018-01-01.toml")
    program = lower(checked, "totals")
    columns, others = (bind(program, synthesize(9, seed), load_standards(), ON) for seed in (1, 2))
    with pytest.raises(EngineError):
        list(variants.runs(program, [columns, others]))
    with pytest.raises(EngineError):
        list(variants.runs(lower(checked, "totals"), [columns]))


def a_random_table_without_compilation() -> None:
    """Called in a process of its own."""
    program = lower(load_text(Generator(Seeded(4)).table()), "results")
    columns = bind(program, synthesize(8, 3), random_standards(), ON)
    assert different(drawn(columns, random.Random(1), 3), threads=2, block=3) == []


def test_without_compilation() -> None:
    script = "from test_variants import a_random_table_without_compilation as call; call()"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"}, cwd=HERE, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
