#!/usr/bin/env python3
"""Everything a developer or an office does with a checkout, with the standard library alone.

python3 dev.py            lists the commands
python3 dev.py demo       installs, makes a register, scores and ranks it
python3 dev.py test       installs and runs the tests
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
LOCKS = {"run": ("web", "report", "database"), "test": ("dev",), "spark": ("spark",), "bench": ("dev", "bench")}
STAMP = VENV / "setup.sha256"

COMMANDS: dict[str, Callable[[list[str]], int]] = {}


def command(function: Callable[[list[str]], int]) -> Callable[[list[str]], int]:
    """Register a function under its name; its docstring's first line is its help."""
    COMMANDS[function.__name__] = function
    return function


def call(*arguments: str | Path, **options: str) -> int:
    """Run a program in the project's root; its exit code. `options` are added to the environment."""
    return subprocess.run([str(a) for a in arguments], cwd=ROOT, env={**os.environ, **options}).returncode


def need(*arguments: str | Path) -> None:
    """Run a program and stop with its exit code if it fails."""
    if code := call(*arguments):
        raise SystemExit(code)


def script(path: str, arguments: Sequence[str]) -> int:
    """Run one of the project's own programs in the virtual environment, set up first."""
    install()
    return call(PYTHON, ROOT / path, *arguments)


def find_uv() -> str | None:
    """The uv program, on the path or in the virtual environment; None without it."""
    return shutil.which("uv") or shutil.which("uv", path=str(BIN))


def fingerprint() -> str:
    """SHA-256 of what decides the installation: the lock, the project file, the Python version."""
    digest = hashlib.sha256(f"{sys.version_info[:2]}".encode())
    for path in (ROOT / "locks" / "test.lock", ROOT / "pyproject.toml"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def make_venv() -> None:
    """A fresh `.venv`. Debian's Python may lack ensurepip: then the caller's pip serves it."""
    import venv

    try:
        venv.EnvBuilder(clear=True, with_pip=True, symlinks=os.name != "nt").create(VENV)
    except (subprocess.CalledProcessError, ImportError):
        venv.EnvBuilder(clear=True, with_pip=False, symlinks=os.name != "nt").create(VENV)


def installer(offline: Path | None) -> list[str]:
    """The install command: uv if there is one, else the environment's own pip, else the caller's."""
    uv = find_uv()
    if uv:
        # As pip does by itself; without it every start would compile numba and polars anew where Python may not
        # write beside its sources (PYTHONDONTWRITEBYTECODE): 3.7 s of processor time for a small scoring, not 2.1 s.
        head = [uv, "pip", "install", "--python", str(PYTHON), "--compile-bytecode"]
    elif subprocess.run([str(PYTHON), "-m", "pip", "--version"], capture_output=True).returncode == 0:
        head = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    else:
        head = [sys.executable, "-m", "pip", "--python", str(PYTHON), "install", "--quiet"]
    return [*head, "--no-index", "--find-links", str(offline / "wheels")] if offline else head


def install(offline: Path | None = None) -> None:
    """Make `.venv` hold exactly the lock and the project; nothing to do if it already does."""
    wanted = fingerprint()
    if PYTHON.exists() and STAMP.exists() and STAMP.read_text().strip() == wanted:
        return
    if not (3, 11) <= sys.version_info[:2] < (3, 14):
        raise SystemExit(f"Python 3.11, 3.12 or 3.13 is needed, this is {sys.version.split()[0]}")
    began = time.monotonic()
    print("setting up .venv (about a minute the first time) …", flush=True)
    if not PYTHON.exists():
        make_venv()
    head = installer(offline)
    need(*head, "--require-hashes", "-r", ROOT / "locks" / "test.lock")
    need(*head, "--no-deps", "--no-build-isolation", "-e", ROOT)
    need(PYTHON, "-m", "compileall", "-q", ROOT / "src", ROOT / "api")
    STAMP.write_text(wanted + "\n")
    print(f"set up in {time.monotonic() - began:.0f} s", flush=True)


@command
def setup(arguments: list[str]) -> int:
    """make .venv from the hash lock (--from DIR: without a network, from a folder made by `bundle`)"""
    parser = argparse.ArgumentParser(prog="dev.py setup")
    parser.add_argument("--from", dest="source", type=Path, metavar="DIR")
    source = parser.parse_args(arguments).source
    if source is not None and not (source / "wheels").is_dir():
        raise SystemExit(f"{source}: no folder `wheels` in it; make one with `python3 dev.py bundle`")
    install(source.resolve() if source else None)
    print(f"ready: {BIN.relative_to(ROOT) / 'hardship'} --help")
    return 0


@command
def demo(arguments: list[str]) -> int:
    """make a register of 100,000 households, score it, rank it, show what came out (--households N)"""
    parser = argparse.ArgumentParser(prog="dev.py demo")
    parser.add_argument("--households", type=int, default=100_000)
    households = parser.parse_args(arguments).households
    install()
    hardship = [PYTHON, "-m", "hardship"]
    register, results = "demo/register", "demo/results"
    print(f"\n1. a made-up county of {households:,} households -> {register}/", flush=True)
    shutil.rmtree(ROOT / "demo" / "register", ignore_errors=True)
    need(*hardship, "synth", "--households", str(households), "--seed", "2018", "--out", register)
    spoil(ROOT / register / "households.csv")
    print("   four of its rows are spoilt on purpose, to show what becomes of them")
    print(f"\n2. score and rank them as on 1 July 2018 -> {results}/", flush=True)
    code = call(
        *hardship,
        "score",
        register,
        "--table",
        "county_model",
        "--on",
        "2018-07-01",
        "--out",
        results,
        "--format",
        "parquet,csv",
    )
    if code not in (0, 3):
        return code
    program = BIN.relative_to(ROOT) / "hardship"
    with (ROOT / results / "results.csv").open(encoding="utf-8", newline="") as handle:
        rows = csv.DictReader(handle)
        hardest = next((row["household_id"] for row in rows if row["position"] == "1"), "")
    print(f"""
What to try next:
  {program} explain {register} --household {hardest} --table county_model --on 2018-07-01
  {program} explain {register} --household {hardest} --table county_model --on 2018-07-01 \\
      --lang zh --format html > why.html
  {program} verify {results} --sample 200
  {program} tables county_model
  {program} attributes --template register.xlsx
Every number of county_model is illustrative: the demo shows the way, it decides about nobody.""")
    return 0


def spoil(path: Path) -> None:
    """Damage four rows of a households.csv: an unknown value, no number, a row cut short, an id twice."""
    lines = path.read_text(encoding="utf-8").splitlines()
    columns = lines[0].split(",")
    for line, column, value in ((5, "residence_type", "moon"), (6, "financial_assets", "12.5 yuan")):
        cells = lines[line].split(",")
        cells[columns.index(column)] = value
        lines[line] = ",".join(cells)
    lines[7] = lines[7][: len(lines[7]) // 2]
    lines[8] = lines[9]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@command
def test(arguments: list[str]) -> int:
    """run the tests (arguments go to pytest)"""
    install()
    return call(PYTHON, "-m", "pytest", *arguments)


@command
def check(arguments: list[str]) -> int:
    """ruff and mypy --strict"""
    install()
    codes = [call(PYTHON, "-m", "ruff", "check", "."), call(PYTHON, "-m", "mypy", *arguments)]
    return 1 if any(codes) else 0


@command
def bench(arguments: list[str]) -> int:
    """speed: households a second, against other engines (--json FILE); `bench single`: one household in process"""
    if arguments[:1] == ["single"]:
        return script("benchmarks/single.py", arguments[1:])
    install()
    if not {"-h", "--help"} & set(arguments):
        install_peers()
    return script("benchmarks/run.py", arguments)


def install_peers() -> None:
    """Add the engines that the bench compares with; where they cannot be had, it goes on without them and says so."""
    lock, stamp = ROOT / "locks" / "bench.lock", VENV / "peers.sha256"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text().strip() == wanted:
        return
    print("adding the engines that the bench compares with (locks/bench.lock, about 0.6 GB) …", flush=True)
    if call(*installer(None), "--require-hashes", "-r", lock) == 0:
        stamp.write_text(wanted + "\n")


@command
def gate(arguments: list[str]) -> int:
    """has anything become much slower? ratios to numpy in one run, against limits in benchmarks/gate.json"""
    return script("benchmarks/gate.py", arguments)


@command
def load(arguments: list[str]) -> int:
    """speed of the service beside a bare echo, batches, steady load (--batch N, --minutes M, --slow N, --json FILE)"""
    return script("benchmarks/service.py", arguments)


@command
def hostile(arguments: list[str]) -> int:
    """hostile requests at every route of the service: none answered 500, nothing repeated (--thin N)"""
    return script("tests/service/siege.py", arguments)


@command
def contract(arguments: list[str]) -> int:
    """the service held to its OpenAPI document by schemathesis (--cases N --seed S)"""
    return script("tests/service/contract.py", arguments)


@command
def generated(arguments: list[str]) -> int:
    """a client made from the OpenAPI document by a public generator, against the command line (--households N)"""
    return script("tests/service/generated.py", arguments)


@command
def same(arguments: list[str]) -> int:
    """one result at every door: command line, single requests, batches, ranking (--households N --table ID)"""
    return script("tests/service/same.py", arguments)


@command
def canaries(arguments: list[str]) -> int:
    """fake people sent well and badly to the service: no trace may be left (--people N)"""
    return script("tests/service/canaries.py", arguments)


@command
def equal(arguments: list[str]) -> int:
    """machine against reference, value by value (--table ID --households N --edges N --no-jit --keep FOLDER)"""
    return script("tests/equal/run.py", arguments)


@command
def mutate(arguments: list[str]) -> int:
    """damaged registers: no row may get lost (--files N --seed S)"""
    return script("tests/mutate.py", arguments)


@command
def fuzz(arguments: list[str]) -> int:
    """random expressions: a value or a typed error (--expressions N)"""
    return script("tests/fuzz_expressions.py", arguments)


@command
def docs(arguments: list[str]) -> int:
    """write the generated pages anew: cli.md, data-dictionary.md, table-schema.json, tables of api.md"""
    install()
    for lang, name in (("en", "cli.md"), ("zh", "cli.zh.md")):
        need(PYTHON, "-m", "hardship.commands.reference_page", lang, ROOT / "docs" / name)
    for lang, name in (("en", "api.md"), ("zh", "api.zh.md")):
        need(PYTHON, "-m", "hardship_api.reference_page", lang, ROOT / "docs" / name)
    english = {**os.environ, "HARDSHIP_LANG": "en"}
    made = (("data-dictionary.md", "attributes --markdown"), ("table-schema.json", "table schema"))
    for name, words in made:
        page = subprocess.run(
            [str(PYTHON), "-m", "hardship", *words.split()], cwd=ROOT, env=english, capture_output=True, check=True
        ).stdout
        (ROOT / "docs" / name).write_bytes(page)
    return 0


@command
def lock(arguments: list[str]) -> int:
    """resolve the dependencies anew into locks/ (needs uv; the locks record no host)"""
    uv = find_uv()
    if uv is None:
        raise SystemExit("uv is needed: `python3 -m pip install uv`")
    for name, extras in LOCKS.items():
        path = ROOT / "locks" / f"{name}.lock"
        wanted = [part for extra in extras for part in ("--extra", extra)]
        need(
            uv,
            "pip",
            "compile",
            "pyproject.toml",
            "--universal",
            "--python-version",
            "3.11",
            *wanted,
            "--generate-hashes",
            "--no-header",
            "--no-annotate",
            "--no-emit-index-url",
            "--no-emit-find-links",
            "--quiet",
            "-o",
            path,
            *arguments,
        )
        if "://" in path.read_text():
            raise SystemExit(f"{path.name} records a host")
    return 0


@command
def bundle(arguments: list[str]) -> int:
    """a folder (default bundle/) from which `dev.py setup --from DIR` installs without a network"""
    parser = argparse.ArgumentParser(prog="dev.py bundle")
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "bundle")
    folder = parser.parse_args(arguments).folder.resolve()
    wheels = folder / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    install()
    need(
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--only-binary",
        ":all:",
        "--dest",
        wheels,
        "--require-hashes",
        "-r",
        ROOT / "locks" / "test.lock",
    )
    if (ROOT / ".git").exists() and shutil.which("git"):
        need("git", "archive", "--format=tar.gz", "--output", folder / "hardship.tar.gz", "HEAD")
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "SHA256SUMS")
    sums = {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
    listing = "".join(f"{digest}  {name}\n" for name, digest in sums.items())
    (folder / "SHA256SUMS").write_text(listing, encoding="utf-8")
    size = sum(p.stat().st_size for p in files) >> 20
    print(
        f"{folder}: {len(files)} files, {size} MiB. On another machine with the same system and Python:\n"
        "  unpack hardship.tar.gz, then: python3 dev.py setup --from BUNDLE"
    )
    return 0


def main(arguments: list[str]) -> int:
    """Run the named command, or list them all."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(__doc__)
        width = max(map(len, COMMANDS))
        for name, function in COMMANDS.items():
            print(f"  {name:<{width}}  {(function.__doc__ or '').splitlines()[0]}")
        return 0
    if arguments[0] not in COMMANDS:
        print(f"dev.py: no command {arguments[0]!r}; there are {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    return COMMANDS[arguments[0]](arguments[1:])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
