"""A client that a public generator makes from /openapi.json, unmodified, against the command line.

    python tests/service/generated.py [--households N] [--singles N]  [--table ID]

Makes a throw-away virtual environment with openapi-python-client, generates the client, scores households one by one
and a batch with it, and compares every result with `hardship score`. Prints
`generator=… singles=… batch=… differences=0`; exit code 1 if any differs. Needs a package index.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from service.live import ON, ROOT, Live
from service.registers import documents, json_lines, tables
from service.same import Records, by_command, by_id, differences, persons_of

GENERATOR = "openapi-python-client==0.29.1"
USER = ROOT / "tests" / "service" / "generated_user.py"


def environment(folder: Path) -> Path:
    """A fresh virtual environment with the generator; the path of its programs."""
    venv.EnvBuilder(with_pip=True, symlinks=True).create(folder)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", GENERATOR], check=True)
    return python


def generate(python: Path, described: bytes, folder: Path) -> None:
    """The client as the package `hardship_service` in a folder."""
    folder.mkdir(parents=True)
    (folder / "openapi.json").write_bytes(described)
    command = [python.with_name("openapi-python-client"), "generate", "--path", "openapi.json"]
    command += ["--meta", "none", "--output-path", "hardship_service"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def main(arguments: Sequence[str]) -> int:
    """Generate, use, compare."""
    parser = argparse.ArgumentParser(prog="dev.py generated", description=__doc__.splitlines()[0])
    parser.add_argument("--households", type=int, default=50_000, help="in the batch")
    parser.add_argument("--singles", type=int, default=1_000, help="asked for one by one")
    parser.add_argument("--table", default="county_model")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name, Live() as live:
        work = Path(name)
        python = environment(work / "venv")
        generate(python, live.send("GET", "/openapi.json")[2], work / "client")
        frames = tables(given.households, 12, given.table, dt.date.fromisoformat(ON))
        register = by_command(frames, given.table, work / "whole")
        (work / "register.jsonl").write_bytes(json_lines(documents(frames)))
        began = time.monotonic()
        subprocess.run(
            [python, USER, live.url, given.table, ON, work / "register.jsonl", str(given.singles), work / "found"],
            env={"PYTHONPATH": str(work / "client")},
            check=True,
        )
        took = time.monotonic() - began
        wrong, counts = [], []
        for door in ("singles", "batch"):
            rows = [json.loads(line) for line in (work / f"found.{door}").read_bytes().splitlines()]
            results: Records = by_id(rows)
            wanted = [*register.results][: given.singles] if door == "singles" else [*register.results]
            wrong += differences(door, {key: register.results[key] for key in wanted}, results, ranked=False)
            wrong += differences(door, {key: register.persons[key] for key in wanted}, persons_of(rows), ranked=True)
            counts.append(len(rows))
    for one in wrong[:10]:
        print(one[:1000])
    print(
        f"generator={GENERATOR} table={given.table} singles={counts[0]} batch={counts[1]} differences={len(wrong)} "
        f"seconds={took:.0f}"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
