"""What must hold of the repository as a whole: locks, sizes, paths, the words of the README."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 450
ONE_IDEA = {
    "src/hardship/language/table.py"
}  # one model for each section of a table's file; cutting it would hide the shape


def tracked() -> list[Path]:
    """Files of the repository; without git, all files outside ignored folders."""
    if shutil.which("git") and (ROOT / ".git").exists():
        names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
        paths = [ROOT / name for name in names.decode().split("\0") if name]
    else:
        skipped = {".venv", "__pycache__", ".git", "demo", "bundle", "dist"}
        paths = [p for p in ROOT.rglob("*") if p.is_file() and not skipped & set(p.relative_to(ROOT).parts)]
    return [path for path in paths if path.is_file()]


def test_locks_record_hashes_and_no_host():
    for name in ("run.lock", "test.lock", "spark.lock", "bench.lock"):
        text = (ROOT / "locks" / name).read_text(encoding="utf-8")
        assert "://" not in text
        pins = re.findall(r"^[a-z0-9][a-z0-9._-]*==", text, re.MULTILINE)
        assert len(pins) > 20
        assert text.count("--hash=sha256:") >= len(pins)
    assert not (ROOT / "uv.lock").exists() or ROOT / "uv.lock" not in tracked()


def test_every_dependency_is_locked():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(x for extra in project["optional-dependencies"].values() for x in extra)]
    names = {re.split(r"[<>=\[ ]", one)[0] for one in wanted} - {"hardship"}
    text = "\n".join((ROOT / "locks" / f"{name}.lock").read_text(encoding="utf-8") for name in ("test", "bench"))
    assert {name for name in names if f"\n{name}==" not in "\n" + text} == set()


def test_no_tracked_file_names_a_machine_path():
    pattern = re.compile(rb"(?<![A-Za-z0-9_.])/(?:work|root|farm|home)/[A-Za-z.]")
    found = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.suffix not in (".lock", ".png") and pattern.search(path.read_bytes())
    ]
    assert found == []


def test_modules_hold_one_idea():
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in ("src", "api")
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST
    }
    assert long.keys() <= ONE_IDEA


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_commands_of_the_readme_exist(name):
    from hardship.cli import COMMANDS

    text = (ROOT / name).read_text(encoding="utf-8")
    assert text.index("python3 dev.py demo") < text.index("python3 dev.py test") < 2000
    listed = subprocess.run(["python3", "dev.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for command in re.findall(r"dev\.py ([a-z]+)", text):
        assert re.search(rf"^  {command} ", listed, re.MULTILINE), command
    for command in re.findall(r"^\S*hardship ([a-z]+)", text, re.MULTILINE):
        assert command in COMMANDS, command
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / link).exists(), link


def test_the_changelog_names_the_version():
    from hardship import __version__

    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in text or f"## [{__version__}]" in text
    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_ci_runs_what_the_readme_says():
    text = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "dev.py check" in text
    assert "dev.py test" in text
