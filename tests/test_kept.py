"""Compiled kernels on disk: several processes at once, damaged files, a full disk, a changed source."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hardship import messages
from hardship.engine import jit, kept

pytestmark = pytest.mark.skipif(not jit.COMPILED, reason="nothing is compiled")

SOURCE = """
from hardship.engine.jit import kernel

@kernel
def twice(x):
    return x + x

if __name__ == "__main__":
    print(twice(21), twice(1.5))
"""
LANG = "en"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where kernels of this process are kept."""
    place = tmp_path / "kernels"
    place.mkdir()
    monkeypatch.setattr(jit, "cache_directory", lambda: place)
    monkeypatch.setenv("HARDSHIP_LANG", LANG)
    kept.say.cache_clear()
    yield place
    kept.say.cache_clear()


def made(tmp_path: Path, source: str = SOURCE) -> Any:
    """The kernel as a process finds it that has just begun."""
    file = tmp_path / "tiny.py"
    if not file.exists() or file.read_text() != source:
        file.write_text(source)
    spec = importlib.util.spec_from_file_location("tiny", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.twice


def hits(twice: Any) -> int:
    assert (twice(21), twice(1.5)) == (42, 3.0)
    return sum(twice.stats.cache_hits.values())


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def swap(one: Path, other: Path) -> None:
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "code": lambda place: [flip(file) for file in place.rglob("*.nbc")],
    "half of it": lambda place: [os.truncate(file, 500) for file in place.rglob("*.nbc")],
    "index": lambda place: [file.write_bytes(b"no index") for file in place.rglob("*.nbi")],
    "nothing in it": lambda place: [os.truncate(file, 0) for file in place.rglob("*.nb?")],
    "of another signature": lambda place: swap(*place.rglob("*.nbc")),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_damaged_is_compiled_again_and_told_once(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    assert [hits(made(tmp_path)), hits(made(tmp_path))] == [0, 2]
    DAMAGE[damage](folder)
    assert hits(made(tmp_path)) == 0
    assert capsys.readouterr().err == messages.text("common.kernel_damaged", LANG) + "\n"
    assert hits(made(tmp_path)) == 2
    assert capsys.readouterr().err == ""


def test_a_changed_source_is_compiled_anew(tmp_path: Path, folder: Path) -> None:
    assert hits(made(tmp_path)) == 0
    assert made(tmp_path, SOURCE.replace("x + x", "x + x + 1"))(21) == 43


def test_several_processes_at_once_on_an_empty_cache(tmp_path: Path) -> None:
    (tmp_path / "tiny.py").write_text(SOURCE)
    begun = [process(tmp_path) for _ in range(3)]
    for one in begun:
        out, err = one.communicate(timeout=120)
        assert (one.returncode, out, err) == (0, "42 3.0\n", "")
    (place,) = (tmp_path / "cache" / "hardship").iterdir()
    assert len(list(place.rglob("tiny.*.nbc"))) == 2
    assert not list(place.rglob("*.tmp.*"))


def test_a_full_disk_stops_nothing_and_is_told(tmp_path: Path) -> None:
    (tmp_path / "tiny.py").write_text(SOURCE)
    one = process(tmp_path, "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100));")
    out, err = one.communicate(timeout=120)
    assert (one.returncode, out) == (0, "42 3.0\n")
    assert err == messages.text("common.kernel_not_kept", LANG, reason="File too large") + "\n"


def process(tmp_path: Path, before: str = "") -> subprocess.Popen[str]:
    command = f"{before}import runpy; runpy.run_path('tiny.py', run_name='__main__')"
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "HARDSHIP_LANG": LANG}
    return subprocess.Popen(
        [sys.executable, "-c", command], cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip
