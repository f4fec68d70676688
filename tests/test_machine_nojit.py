"""The kernels as plain Python (NUMBA_DISABLE_JIT=1) give what the compiled ones give."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SCRIPT = """
import datetime as dt, hashlib, json, sys
from pathlib import Path
import numpy as np
from hardship.engine import jit, machine
from hardship.lowering.bind import bind
from hardship.load import load_table
from hardship.lowering import tune
from hardship.lowering.program import lower
from hardship.standards import load_standards
from hardship.synthesis import synthesize
machine.warm()
found = {}
for file in json.loads(sys.argv[1]):
    checked = load_table(Path(file))
    register = synthesize(40, 5, attributes=checked.names.attributes)
    for detail, least in (("results", tune.FROM), ("all", tune.FROM), ("results", 0)):
        tune.FROM, before = least, tune.FROM
        program = lower(checked, detail)
        columns = bind(program, register, load_standards(), dt.date(2018, 7, 1))
        raw = machine.run(program, columns, threads=2, block=16)
        digest = hashlib.sha256()
        for name in sorted(raw):
            stored = raw[name]
            for array in (stored.values, stored.valid, stored.divisor):
                digest.update(b"-" if array is None else np.ascontiguousarray(array).tobytes())
        found.setdefault(file + detail, []).append(digest.hexdigest())
        tune.FROM = before
print(json.dumps([jit.COMPILED, found]))
"""


def run(files: list[str], disabled: str) -> tuple[bool, dict[str, list[str]]]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, json.dumps(files)],
        env=os.environ | {"NUMBA_DISABLE_JIT": disabled}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    compiled, found = json.loads(done.stdout)
    return compiled, found


def test_without_compilation() -> None:
    tables = sorted(HERE.parent.joinpath("scoring_tables").glob("*/*.toml"))
    if not tables:
        pytest.skip("no scoring tables here")
    files = [str(path) for path in tables if path.parent.name in ("county_model", "beilin")]
    compiled, fast = run(files, "0")
    plain_compiled, plain = run(files, "1")
    assert compiled
    assert not plain_compiled
    assert plain == fast
    assert len(fast) == 2 * len(files)
    lowered_and_tuned = [found for found in fast.values() if len(found) == 2]
    assert len(lowered_and_tuned) == len(files)
    assert all(one == other for one, other in lowered_and_tuned)
