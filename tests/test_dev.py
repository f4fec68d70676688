"""dev.py: its commands, what it installs from, and what it needs (nothing but the standard library)."""

from __future__ import annotations

import ast
import csv
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NAMES = {"setup", "demo", "test", "check", "bench", "gate", "equal", "mutate", "fuzz", "docs", "lock", "bundle"}


@pytest.fixture
def dev():
    """The module, freshly loaded."""
    spec = importlib.util.spec_from_file_location("dev", ROOT / "dev.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*arguments):
    return subprocess.run([sys.executable, str(ROOT / "dev.py"), *arguments], capture_output=True, text=True)


def test_it_lists_its_commands():
    for arguments in ((), ("--help",)):
        done = run(*arguments)
        assert done.returncode == 0
        listed = {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")}
        assert listed >= NAMES
    assert run("dance").returncode == 2
    assert "dance" in run("dance").stderr


def test_it_needs_the_standard_library_only():
    tree = ast.parse((ROOT / "dev.py").read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


def test_every_script_it_calls_is_there():
    text = (ROOT / "dev.py").read_text(encoding="utf-8")
    called = [line.split('"')[1] for line in text.splitlines() if "return script(" in line]
    assert len(called) >= 4
    for path in called:
        assert (ROOT / path).is_file(), path


def test_set_up_is_skipped_until_lock_or_project_changes(dev, tmp_path, monkeypatch):
    for name in ("locks", ".venv"):
        (tmp_path / name).mkdir()
    (tmp_path / "locks" / "test.lock").write_text("a==1 --hash=sha256:00\n")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    python, stamp = tmp_path / ".venv" / "python", tmp_path / ".venv" / "setup.sha256"
    python.write_text("")
    ran = []
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    monkeypatch.setattr(dev, "PYTHON", python)
    monkeypatch.setattr(dev, "STAMP", stamp)
    monkeypatch.setattr(dev, "installer", lambda offline: ["install"])
    monkeypatch.setattr(dev, "need", lambda *arguments: ran.append([str(part) for part in arguments]))
    dev.install()
    assert "--require-hashes" in ran[0]
    assert "--no-deps" in ran[1]
    assert "compileall" in ran[2]
    dev.install()
    assert len(ran) == 3
    (tmp_path / "locks" / "test.lock").write_text("a==2 --hash=sha256:00\n")
    dev.install()
    assert len(ran) == 6
    stamp.write_text("half")
    dev.install()
    assert len(ran) == 9


def test_a_failed_installation_is_not_taken_for_done(dev, tmp_path, monkeypatch):
    stamp = tmp_path / "setup.sha256"
    monkeypatch.setattr(dev, "STAMP", stamp)
    monkeypatch.setattr(dev, "installer", lambda offline: [sys.executable, "-c", "raise SystemExit(7)"])
    with pytest.raises(SystemExit) as stopped:
        dev.install()
    assert stopped.value.code == 7
    assert not stamp.exists()


def test_without_a_network_only_the_bundle_is_asked(dev, tmp_path):
    command = dev.installer(tmp_path)
    assert "--no-index" in command
    assert str(tmp_path / "wheels") in command
    assert "--no-index" not in dev.installer(None)
    done = run("setup", "--from", str(tmp_path))
    assert done.returncode == 1
    assert "wheels" in done.stderr


def test_spoilt_rows_are_four(dev, tmp_path):
    path = tmp_path / "households.csv"
    rows = ["household_id,area_code,residence_type,financial_assets,wells"]
    rows += [f"H{i},370828,urban,{i}.00,1" for i in range(12)]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    before = list(csv.reader(rows))
    dev.spoil(path)
    after = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    assert len(after) == len(before)
    assert sum(a != b for a, b in zip(after, before, strict=True)) == 4


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell")
def test_ci_script_is_valid_and_executable():
    path = ROOT / ".ci" / "run"
    assert os.access(path, os.X_OK)
    assert subprocess.run(["bash", "-n", str(path)], capture_output=True).returncode == 0
