"""Kernels compiled before the first of them is needed: by two processes at once, where none lie on disk yet.

Compiling is for the most part Python, which threads do not make faster. So a second process takes work from the other
end of the list, and what it compiles lies in the cache that both use. If it fails, this one compiles what is left.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Literal

from hardship.errors import HardshipError

Part = Literal["machine", "sheet", "sweep", "single"]
"""What can be asked for: the machine; the order and the files of results; what-ifs; answers about one household."""


RARELY = 1_000_000
"""New objects between two collections; without any the memory would double."""


class Ahead:
    """The kernels of some parts; a second process begins at once, this one in `finish`.

    with Ahead("machine", "sheet") as ahead:
        …  # read what is to be scored
        ahead.finish()
    """

    def __init__(self, *parts: Part) -> None:
        self.parts = parts
        self._claims: tempfile.TemporaryDirectory[str] | None = None
        self._helper: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Ahead:
        from hardship.engine import jit

        folder = jit.cache_directory()
        alone = not jit.COMPILED or _processors() < 2 or not folder.name.startswith(jit.FOLDER)
        if alone or all((folder / part).exists() for part in self.parts):
            return self
        try:
            self._claims = tempfile.TemporaryDirectory(prefix="hardship-")
            self._helper = subprocess.Popen(
                [sys.executable, "-m", "hardship.warming", self._claims.name, *self.parts],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError:  # no room on the disk, or for a process: this one does everything
            self._drop()
        return self

    def finish(self) -> None:
        """Compile the rest, or load it from disk, and hold all to known results.

        Raises:
            EngineError: a kernel gives something else than it should.
        """
        with _less_collection():
            if self._helper is not None and self._claims is not None:
                for job in _claimed(_jobs(self.parts), Path(self._claims.name)):
                    job()
                self._helper.wait()
            for part in self.parts:
                _check(part)
        self._mark()

    def _mark(self) -> None:
        """Note that the kernels lie on disk."""
        from hardship.engine import jit

        try:
            for part in self.parts:
                (jit.cache_directory() / part).touch()
        except OSError:
            pass  # a full disk: numba could keep nothing either

    def _drop(self) -> None:
        if self._helper is not None and self._helper.poll() is None:
            self._helper.terminate()
            self._helper.wait()
        if self._claims is not None:
            self._claims.cleanup()
        self._helper = self._claims = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop()


def warm(*parts: Part) -> None:
    """Compile the kernels of some parts, or load them from disk, and hold them to known results.

    Raises:
        EngineError: a kernel gives something else than it should.
    """
    with Ahead(*parts) as ahead:
        ahead.finish()


def _check(part: Part) -> None:
    if part == "machine":
        from hardship.engine.machine import warm

        warm()
    elif part == "sheet":
        from hardship import sheet_check

        sheet_check.check()
    elif part == "sweep":
        from hardship.sweep import known

        known.check()
    else:
        from hardship.single import answer_check

        answer_check.check()


def _jobs(parts: Sequence[Part]) -> list[Callable[[], object]]:
    """What can be compiled independently, in an order that both processes know."""
    jobs: list[Callable[[], object]] = []
    if "machine" in parts:
        from hardship.engine import selftest
        from hardship.engine.block import STEPS

        jobs += [step.address for step in STEPS]
        jobs.append(selftest.run_nothing)
    if "sheet" in parts:
        from hardship import sheet_check

        jobs += sheet_check.PARTS.values()
    if "single" in parts:
        from hardship.single import scan_check

        jobs.append(scan_check.check)
    return jobs


def _claimed(
    jobs: Sequence[Callable[[], object]], claims: Path, *, backwards: bool = False
) -> Iterator[Callable[[], object]]:
    """The jobs that the other process has not taken, each taken when it is asked for."""
    for place in reversed(range(len(jobs))) if backwards else range(len(jobs)):
        try:
            (claims / str(place)).touch(exist_ok=False)
        except OSError:  # taken; or everything is over
            continue
        yield jobs[place]


@contextmanager
def _less_collection() -> Iterator[None]:
    """Compiling makes very many objects that stay: looking through them again and again takes a sixth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(RARELY)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def main() -> int:
    """The second process: `CLAIMS PART…`."""
    claims, *parts = sys.argv[1:]
    known: tuple[Part, ...] = ("machine", "sheet", "sweep", "single")
    with _less_collection():
        for job in _claimed(_jobs([part for part in known if part in parts]), Path(claims), backwards=True):
            try:
                job()
            except HardshipError:
                return 1  # the first process finds it too, and says so
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
