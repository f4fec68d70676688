"""The OpenAPI document held to what the service does: cases made by schemathesis from the document itself.

    python tests/service/contract.py [--cases N] [--seed S]

Prints `cases=… operations=… failures=0 …`; exit code 1 if an answer is not what the document says, or if there were
fewer cases than asked for. All checks are on but these, each of which asks for more than a schema can say:

- `positive_data_acceptance`: a body that fits the schema may still be refused (no such table, a person twice, incomes
  that a wrong unit would explain).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from service.live import ROOT, Live

LEFT_OUT = ("positive_data_acceptance",)
MOST_ROUNDS = 12


def one_round(live: Live, each: int, seed: int) -> dict[str, Any]:
    """One run with so many cases for an operation: schemathesis' report; its words are printed if anything failed."""
    with tempfile.TemporaryDirectory() as work:
        report = Path(work) / "report.json"
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{live.url}/openapi.json", "--no-color"),
                *("--checks", "all", "--exclude-checks", ",".join(LEFT_OUT), "--continue-on-failure"),
                *("--max-examples", str(each), "--seed", str(seed), "--report-json-path", str(report)),
                *("--generation-database", "none", "--suppress-health-check", "all", "--warnings", "off"),
            ],
            env={**os.environ, "SCHEMATHESIS_HOOKS": "service.schemathesis_hooks", "PYTHONPATH": str(ROOT / "tests")},
            capture_output=True, text=True, cwd=work,
        )  # fmt: skip
        if done.returncode:
            print(done.stdout[-20_000:], done.stderr[-2_000:])
        found: dict[str, Any] = json.loads(report.read_text())
    return found


def main(arguments: Sequence[str]) -> int:
    """Rounds with other seeds until there are enough cases."""
    parser = argparse.ArgumentParser(prog="dev.py contract", description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    cases = failures = errors = rounds = operations = 0
    with Live() as live:
        while cases < given.cases and rounds < MOST_ROUNDS and not failures:
            found = one_round(live, max(20, (given.cases - cases) // 8), given.seed + rounds)
            rounds += 1
            cases += found["test_cases"]["generated"]
            failures += found["test_cases"]["unique_failures"]
            errors += len(found["errors"])
            operations = found["operations"]["tested"]
    print(f"cases={cases} operations={operations} failures={failures} errors={errors} rounds={rounds}")
    return 1 if failures or errors or cases < given.cases else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
