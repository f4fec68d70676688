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


CALLED = """
from hardship.engine.jit import Step, at, kernel, I64

@kernel
def total(values):
    found = 0
    for one in values:
        found += one
    return found

@Step
def added(address, size, into):
    at(into, 1, I64)[0] = total(at(address, size, I64))
"""
CALLER = """
import numpy as np
from called import added, total
from hardship.engine.jit import I64, U64, at, go_to, kernel

@kernel
def mean(values):
    return total(values) // len(values)

@kernel
def through(step, values, into):
    go_to(step, np.uint64(values.ctypes.data), np.uint64(values.size), np.uint64(into.ctypes.data))
    return into[0]

some = np.arange(10)
"""


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


def test_what_calls_a_loaded_kernel_can_be_compiled_and_loaded_without_it(tmp_path: Path) -> None:
    (tmp_path / "called.py").write_text(CALLED)
    (tmp_path / "calling.py").write_text(CALLER)
    loaded = "; print(sum(mean.stats.cache_hits.values()), 'numba.cpython.unicode' in sys.modules)"
    ways = {
        "import numpy; from called import added, total; print(total(numpy.arange(10)), added.address() > 0)": "45 True",
        "import sys; from calling import *; print(mean(some))" + loaded: "4\n0 True",
        "import sys; from calling import * ; print(mean(some))" + loaded: "4\n1 False",
        "from calling import *; print(through(np.uint64(added.address()), some, np.zeros(1, np.int64)))": "45",
    }
    for way, expected in ways.items():
        out, err = process(tmp_path, command=way).communicate(timeout=120)
        assert (out, err) == (expected + "\n", "")


def test_a_full_disk_stops_nothing_and_is_told(tmp_path: Path) -> None:
    (tmp_path / "tiny.py").write_text(SOURCE)
    one = process(tmp_path, "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100));")
    out, err = one.communicate(timeout=120)
    assert (one.returncode, out) == (0, "42 3.0\n")
    assert err == messages.text("common.kernel_not_kept", LANG, reason="File too large") + "\n"


def process(tmp_path: Path, before: str = "", command: str = "") -> subprocess.Popen[str]:
    command = command or f"{before}import runpy; runpy.run_path('tiny.py', run_name='__main__')"
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "HARDSHIP_LANG": LANG}
    return subprocess.Popen(
        [sys.executable, "-c", command], cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip
