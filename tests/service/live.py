"""`hardship serve` as a process of its own, on a free port, with its memory and everything it writes watched."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from hardship_api.documents import EXAMPLE

ROOT = Path(__file__).resolve().parents[2]
TABLE, ON = "jinxiang", "2018-07-01"
JSON, LINES, CSV = "application/json", "application/x-ndjson", "text/csv"
PARQUET, ARROW = "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream"
BATCH = f"/v1/score/batch?table={TABLE}&on={ON}"
RANK = f"/v1/rank?table={TABLE}&on={ON}"
HOUSEHOLD: dict[str, Any] = {key: value for key, value in EXAMPLE.items() if key not in ("table", "on")}
"""The worked case of the OpenAPI page in contract form."""


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _command(process: int) -> bytes:
    """The words a process was started with; nothing if it has gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b"hardship_api.unpack"


class Live:
    """A running service.

    Attributes:
        url: its address.
        log: the file that holds all it writes on standard output and error.
        tmp: the folder that its TMPDIR names; nothing else writes there.
    """

    def __init__(self, *options: str, env: dict[str, str] | None = None, program: list[str] | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = tempfile.TemporaryDirectory(prefix="service-")
        self.log = Path(self._folder.name) / "log"
        self.tmp = Path(self._folder.name) / "tmp"
        self.tmp.mkdir()
        self._options = options
        self._program = program or [sys.executable, "-m", "hardship", "serve"]
        self._env = {**os.environ, "TMPDIR": str(self.tmp), **(env or {})}

    def __enter__(self) -> Live:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*self._program, "--port", str(self.port), *self._options],
                stdout=log, stderr=subprocess.STDOUT, env=self._env, cwd=self._folder.name, start_new_session=True,
            )  # fmt: skip
        try:
            self._wait()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for how in (signal.SIGINT, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
                break
        self._folder.cleanup()

    def _wait(self) -> None:
        until = time.monotonic() + 180
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError), urllib.request.urlopen(self.url + "/ready", timeout=5):
                return
            time.sleep(0.1)
        raise RuntimeError(f"the service did not get ready:\n{self.written()[-4000:]}")

    def written(self) -> str:
        """All that it wrote on standard output and error."""
        return self.log.read_text(encoding="utf-8", errors="backslashreplace")

    def processes(self) -> list[int]:
        """The server's process and its workers, without the short-lived ones that unpack columns behind a fence."""
        found, todo = [], [self.process.pid]
        while todo:
            found.append(todo.pop())
            children = Path(f"/proc/{found[-1]}/task/{found[-1]}/children")
            todo += map(int, children.read_text().split()) if children.exists() else []
        return [one for one in found if b"hardship_api.unpack" not in _command(one)]

    def memory(self, field: str = "VmRSS") -> int:
        """Bytes of all processes: `VmRSS` now, `VmHWM` the most since `forget_peak`."""
        total = 0
        for process in self.processes():
            with contextlib.suppress(FileNotFoundError):
                for line in Path(f"/proc/{process}/status").read_text().splitlines():
                    if line.startswith(field + ":"):
                        total += int(line.split()[1]) * 1024
        return total

    def forget_peak(self) -> None:
        """Let `VmHWM` begin at what is used now."""
        for process in self.processes():
            Path(f"/proc/{process}/clear_refs").write_text("5")

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        timeout: float = 60,
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (lower case) and body of one answer, whatever its status."""
        asked = urllib.request.Request(self.url + path, data=body, headers=headers or {}, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=timeout) as answer:
                return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, {k.lower(): v for k, v in answer.headers.items()}, answer.read()

    def post(self, path: str, document: Any, **headers: str) -> Any:
        """The JSON answer to a JSON document.

        Raises:
            AssertionError: it is not 200.
        """
        status, _, body = self.send("POST", path, json.dumps(document).encode(), {"content-type": JSON, **headers})
        assert status == 200, (status, body[:500])
        return json.loads(body)
