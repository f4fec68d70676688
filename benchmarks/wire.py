"""Loads on a service: as much as it takes (`flood`, by wrk where it is installed), and at a rate of our choosing.

`paced` sends by the clock: a request that had to wait for a free connection counts its wait, so a service that stands
still cannot hide it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import shutil
import struct
import subprocess
import tempfile
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


@dataclass
class Seen:
    """What a load saw: seconds of each accepted request, how often each status, and connections that broke."""

    seconds: float = 0.0
    accepted: list[float] = field(default_factory=list)
    status: Counter[int] = field(default_factory=Counter)
    broken: int = 0

    def figures(self) -> dict[str, Any]:
        """Requests a second, p50 and p99 in ms, and the counts."""
        times = sorted(self.accepted) or [0.0]
        return {
            "requests": len(self.accepted),
            "seconds": self.seconds,
            "a_second": len(self.accepted) / self.seconds if self.seconds else 0.0,
            "p50_ms": 1000 * times[len(times) // 2],
            "p99_ms": 1000 * times[min(len(times) * 99 // 100, len(times) - 1)],
            "refused": sum(count for status, count in self.status.items() if status in (429, 503)),
            "broken": self.broken
            + sum(count for status, count in self.status.items() if status not in (200, 429, 503)),
        }


def requests(path: str, bodies: Sequence[bytes]) -> list[bytes]:
    """Whole requests, made once."""
    top = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ".encode()
    return [b"%b%d\r\n\r\n%b" % (top, len(body), body) for body in bodies]


def flood(port: int, path: str, bodies: Sequence[bytes], seconds: float, connections: int = 16) -> dict[str, Any]:
    """As many requests as the service takes over kept connections, the bodies in turn.

    Returns:
        The figures, as `Seen.figures` gives them, and `client`: the share of a core that the client took.
    """
    before = client_seconds()
    if shutil.which("wrk") is None:
        found = asyncio.run(paced(port, path, bodies, None, seconds, connections)).figures()
    else:
        with tempfile.NamedTemporaryFile() as file:
            file.writelines(struct.pack("<I", len(one)) + one for one in requests(path, bodies))
            file.flush()
            said = subprocess.run(
                ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "-s", str(HERE / "wrk.lua"),
                 f"http://127.0.0.1:{port}{path}"],
                env={**os.environ, "REQUESTS": file.name}, capture_output=True, text=True, check=True,
            ).stdout  # fmt: skip
        found = json.loads(said.splitlines()[-1])
        found["a_second"] = (found["requests"] - found["refused"]) / found["seconds"]
    found["client"] = (client_seconds() - before) / found["seconds"]
    return found


def client_seconds() -> float:
    """CPU seconds of this process and of those it has waited for."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


async def paced(
    port: int, path: str, bodies: Sequence[bytes], rate: float | None, seconds: float, connections: int = 16
) -> Seen:
    """Requests at so many a second (None: each connection one after the other) over kept connections."""
    seen = Seen()
    due: deque[float] = deque()
    waiting = asyncio.Semaphore(0)
    messages = itertools.cycle(requests(path, bodies))
    began = time.perf_counter()
    end = began + seconds

    async def clock() -> None:
        assert rate is not None
        sent = 0
        while (now := time.perf_counter()) < end:
            for number in range(sent, int((now - began) * rate)):
                due.append(began + number / rate)
                waiting.release()
                sent = number + 1
            await asyncio.sleep(0.002)
        for _ in range(connections):
            waiting.release()

    async def connection() -> None:
        reader: asyncio.StreamReader | None = None
        writer: asyncio.StreamWriter | None = None
        while True:
            if rate is None:
                start = time.perf_counter()
                if start >= end:
                    break
            else:
                await waiting.acquire()
                if not due:
                    break
                start = due.popleft()
            try:
                if reader is None or writer is None:
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(next(messages))
                status, keep = await answer(reader)
                seen.status[status] += 1
                if status == 200:
                    seen.accepted.append(time.perf_counter() - start)
                if not keep:
                    writer.close()
                    reader = writer = None
            except (OSError, asyncio.IncompleteReadError):
                seen.broken += 1
                if writer is not None:
                    writer.close()
                reader = writer = None
        if writer is not None:
            writer.close()

    tasks = [connection() for _ in range(connections)]
    await asyncio.gather(*tasks, *([clock()] if rate is not None else []))
    seen.seconds = time.perf_counter() - began
    return seen


async def answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """Status of one answer, and whether the connection stays open; the body is read and dropped."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    place = head.find(b"content-length:")
    if place >= 0:
        await reader.readexactly(int(head[place + 15 : head.index(b"\r", place)]))
    elif b"chunked" in head:
        while size := int(await reader.readuntil(b"\r\n"), 16):
            await reader.readexactly(size + 2)
        await reader.readuntil(b"\r\n")
    return int(head[9:12]), b"connection: close" not in head


async def slow(port: int, path: str, count: int, seconds: float) -> Counter[str]:
    """So many clients that send a body byte by byte; how each ended: `cut` by the service, `answered`, `open`."""
    ended: Counter[str] = Counter()

    async def one() -> None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            ended["cut"] += 1
            return
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900000\r\n\r\n"
        writer.write(head.encode())
        until = time.perf_counter() + seconds
        said = asyncio.ensure_future(reader.read(1))
        try:
            while time.perf_counter() < until and not said.done():
                writer.write(b" ")
                await writer.drain()
                await asyncio.wait([said], timeout=1)
            ended["open" if not said.done() else "answered" if said.result() else "cut"] += 1
        except OSError:
            ended["cut"] += 1
        finally:
            said.cancel()
            writer.close()

    await asyncio.gather(*(one() for _ in range(count)))
    return ended
