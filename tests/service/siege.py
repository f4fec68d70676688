"""Every attack on a running service: no answer of 500 or more, nothing repeated, no memory eaten, nobody kept waiting.

    python tests/service/siege.py [--thin N] [--only WORD] [--show]

Prints `attacks=… answered=… status=… echoes=0 failures=0 unfinished=… slowest=… rise=… MB`; exit code 1 if anything is
wrong: an answer of 500 or more, a refusal that repeats what was sent or is no problem document, a process that ended, a
rise of memory of 100 MB or more, an answer after more than two seconds.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import json
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from service.attack_columns import columns
from service.attack_wire import addresses, encodings, wire
from service.attacks import SECRETS, Attack, documents, lines, texts
from service.live import Live

PROBLEM = "application/problem+json"
RISE = 100_000_000
LATE = 2.0
PATIENCE = 4.0
HEAD = 10_000
"""No answer has a longer head."""


@dataclass
class Found:
    """What the attacks brought."""

    status: Counter[int] = field(default_factory=Counter)
    unfinished: int = 0
    failures: list[str] = field(default_factory=list)
    echoes: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    rise: int = 0

    def wrong(self) -> list[str]:
        """Everything that may not be."""
        more = [f"memory rose by {self.rise / 1e6:.0f} MB"] if self.rise >= RISE else []
        return [*self.failures, *(f"echo: {one}" for one in self.echoes), *(f"late: {one}" for one in self.late), *more]

    def said(self) -> str:
        """The line of figures."""
        status = ",".join(f"{code}:{count}" for code, count in sorted(self.status.items()))
        total = sum(self.status.values()) + self.unfinished
        return (
            f"attacks={total} answered={sum(self.status.values())} status={status} echoes={len(self.echoes)} "
            f"failures={len(self.failures)} unfinished={self.unfinished} late={len(self.late)} "
            f"slowest={self.slowest[0]:.2f}s ({self.slowest[1]}) rise={self.rise / 1e6:.0f}MB"
        )


def everything(thin: int = 1) -> Iterator[Attack]:
    """All attacks; of bodies and columns only each `thin`-th."""
    many = (
        documents(thin),
        lines(thin),
        itertools.islice(texts(), 0, None, thin),
        itertools.islice(columns(), 0, None, thin),
    )
    return itertools.chain(*many, encodings(), wire(), addresses())


def siege(live: Live, attacks: Iterable[Attack], show: bool = False) -> Found:
    """Send all, one after the other, and judge each answer."""
    found = Found()
    before = live.memory()
    live.forget_peak()
    for attack in attacks:
        began = asked = time.monotonic()
        try:
            status, kind, body = exchange(live.port, attack.data)
            while status == 503 and time.monotonic() < began + PATIENCE:
                # Requests before that never ended may still hold the places; the service says to come again.
                time.sleep(0.5)
                asked = time.monotonic()
                status, kind, body = exchange(live.port, attack.data)
        except ConnectionRefusedError:
            found.failures.append(f"{attack.name}: the service has ended\n{live.written()[-2000:]}")
            break
        if status == 0:
            found.unfinished += 1
            continue
        took = time.monotonic() - asked
        found.status[status] += 1
        found.slowest = max(found.slowest, (took, attack.name))
        if took > LATE:
            found.late.append(f"{attack.name} {took:.1f}s")
        if wrong := judged(attack, status, kind, body):
            found.failures.append(f"{attack.name}: {wrong}")
        if any(secret in said for said in refused(status, body) for secret in SECRETS):
            found.echoes.append(attack.name)
        if show:
            print(
                status,
                f"{took:.3f}",
                f"{live.memory('VmHWM') / 1e6:.0f}MB",
                attack.name,
                next(refused(status, body), "")[:200],
            )
    found.rise = live.memory("VmHWM") - before
    found.failures += [f"log: {secret}" for secret in SECRETS if secret in live.written()]
    return found


def judged(attack: Attack, status: int, kind: str, body: bytes) -> str:
    """What is wrong with an answer; nothing if it may stand."""
    if status >= 500:
        return f"{status} {body[:200]!r}"
    if status < 400 and not attack.may_pass:
        return f"{status}: it was taken"
    # What is no HTTP at all is answered by the server below the service, with one fixed sentence.
    if status >= 400 and kind != PROBLEM and body not in (b"", b"Invalid HTTP request received."):
        return f"{status} is no problem document but {kind}: {body[:100]!r}"
    if status >= 400 and not body.isascii():
        return f"{status} is not ASCII"
    return ""


def refused(status: int, body: bytes) -> Iterator[str]:
    """The words of an answer that may repeat nothing: a refusal, and the refused rows of a batch.

    What was asked for (`result`, `explanation` and the rows that were scored) may name the household.
    """
    if status >= 400:
        yield body.decode("utf-8", "replace")
        return
    for line in io.BytesIO(body):
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and row.get("status") in ("rejected", "stopped"):
            yield json.dumps(row.get("errors"), ensure_ascii=False)


def exchange(port: int, data: bytes) -> tuple[int, str, bytes]:
    """Status, media type and body of one answer; status 0 if none came."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        received = bytearray()
        with contextlib.suppress(OSError):  # it may be refused before it is sent whole: the answer is there
            connection.sendall(data)
        with contextlib.suppress(OSError):
            while part := connection.recv(1 << 20):
                received += part
                if whole(received):
                    break
    while received[9:10] == b"1" and b"\r\n\r\n" in received:  # 100 Continue
        received = received.partition(b"\r\n\r\n")[2]
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 "):
        return 0, "", b""
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    if fields.get(b"transfer-encoding") == b"chunked":
        body = unchunked(body)
    return int(head[9:12]), fields.get(b"content-type", b"").decode().partition(";")[0], body


def whole(received: bytearray) -> bool:
    """Whether an answer with a length is there."""
    end = received.find(b"\r\n\r\n", 0, HEAD)
    for line in received[: max(end, 0)].lower().split(b"\r\n"):
        if line.startswith(b"content-length: "):
            return len(received) - end - 4 >= int(line[16:])
    return False


def unchunked(body: bytes) -> bytes:
    """The content of a chunked body, as far as it came."""
    found, place = [], 0
    while (end := body.find(b"\r\n", place)) > 0 and (size := int(body[place:end], 16)):
        found.append(body[end + 2 : end + 2 + size])
        place = end + 4 + size
    return b"".join(found)


def main(arguments: Sequence[str]) -> int:
    """All attacks on a service of its own."""
    parser = argparse.ArgumentParser(prog="dev.py hostile", description=__doc__.splitlines()[0])
    parser.add_argument("--thin", type=int, default=1, help="only each N-th body")
    parser.add_argument("--only", default="", help="only attacks with this word in their name")
    parser.add_argument("--show", action="store_true", help="one line for each")
    given = parser.parse_args(arguments)
    with Live() as live:
        warm(live)
        attacks = (attack for attack in everything(given.thin) if given.only in attack.name)
        found = siege(live, attacks, given.show)
    for one in found.wrong()[:200]:
        print(one[:400])
    print(found.said())
    return 1 if found.wrong() else 0


def warm(live: Live) -> None:
    """One good request of each kind, so that what is loaded once does not count as a rise."""
    from service.attack_columns import as_arrow, as_parquet, good_table
    from service.attacks import DOCUMENTS, MANY
    from service.live import ARROW, HOUSEHOLD, JSON, LINES, PARQUET

    for path, document in DOCUMENTS.items():
        live.send("POST", path, json.dumps(document).encode(), {"content-type": JSON})
    line = json.dumps(HOUSEHOLD).encode() + b"\n"
    bodies = ((LINES, line), (ARROW, as_arrow(good_table())), (PARQUET, as_parquet(good_table())))
    for path, (kind, body) in itertools.product(MANY.values(), bodies):
        live.send("POST", path, body, {"content-type": kind})


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
