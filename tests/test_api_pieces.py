"""Requests in one piece or in several, a crowd of them, with keys: the same answers, the same rules."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
from hardship_api.documents import EXAMPLE
from hardship_api.keys import new_key, new_secret, server_secret
from service.live import Live

from benchmarks.wire import answer

GOOD = json.dumps(EXAMPLE, ensure_ascii=False).encode()
SUMMARY, ITEMS = "/v1/score?detail=summary", "/v1/score?detail=items"


def request(path: str, body: bytes, *fields: str) -> tuple[bytes, bytes]:
    """Head and body of a request."""
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *fields, "", ""]).encode("latin-1"), body


def said(live: Live, *pieces: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to bytes sent one piece after the other."""
    with socket.create_connection(("127.0.0.1", live.port), timeout=30) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number, piece in enumerate(pieces):
            time.sleep(0.05 * bool(number))
            wire.sendall(piece)
        with wire.makefile("rb") as file:
            status = int(file.readline().split()[1])
            fields = {}
            while line := file.readline().strip():
                name, _, value = line.decode().partition(": ")
                assert name not in fields
                fields[name] = value
            return status, fields, file.read(int(fields["content-length"]))


def both(live: Live, path: str, body: bytes, *fields: str) -> tuple[int, dict[str, str], bytes]:
    """The answer to a request in one piece, which is the same as to one in three."""
    head, body = request(path, body, *fields)
    found = []
    for pieces in ([head + body], [head, body[:7], body[7:]], [head + body[:7], body[7:]]):
        status, headers, answered = said(live, *pieces)
        for name in ("x-request-id", "date"):
            assert headers.pop(name)
        found.append((status, headers, answered))
    assert found[0] == found[1] == found[2]
    return found[0]


def test_one_piece_or_several_are_one_answer(live: Live) -> None:
    for path in (SUMMARY, ITEMS, "/v1/score"):
        status, headers, body = both(live, path, GOOD, "Accept-Language: zh")
        assert status == 200
        assert headers["content-type"] == "application/json"
        assert headers["cache-control"] == "no-store"
        assert json.loads(body)["result"]["index"] == "61"
    lacking: Any = json.loads(GOOD)
    del lacking["members"][0]["wage_month"]
    status, _, body = both(live, ITEMS, json.dumps(lacking).encode())  # may take long: answered by a thread
    assert (status, json.loads(body)["result"]["outcome"]) == (200, "incomplete")


def test_refusals_are_the_same_too(live: Live) -> None:
    wrong = json.loads(GOOD)
    wrong["members"][0]["wage_month"] = "much"
    for body, code in ((b"{", "api.not_json"), (json.dumps(wrong).encode(), "api.household"), (b"", "api.not_json")):
        status, headers, answered = both(live, SUMMARY, body)
        assert status in (400, 422)
        assert headers["content-type"] == "application/problem+json"
        assert json.loads(answered)["code"] == code
    for fields in (["Content-Encoding: gzip"], ["Content-Type: text/plain"]):
        assert both(live, SUMMARY, GOOD, *fields)[0] in (400, 415)
    assert both(live, SUMMARY, GOOD + b" " * 1_000_000)[0] == 413


def test_requests_one_behind_the_other_are_answered_in_their_order(live: Live) -> None:
    """Fast ones, slow ones and wrong ones on one connection that is written to before anything is read."""
    paths = [SUMMARY, "/v1/score", ITEMS, "/v1/nothing", SUMMARY, "/v1/score?detail=full", SUMMARY]

    async def ask() -> list[int]:
        reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
        writer.write(b"".join(b"".join(request(path, GOOD)) for path in paths))
        found = [(await answer(reader))[0] for _ in paths]
        writer.close()
        return found

    assert asyncio.run(ask()) == [200, 200, 200, 404, 200, 200, 200]


def test_a_crowd_is_refused_and_counted_right() -> None:
    """256 in the same moment: as many as there is room for are answered, the others told to come again."""
    with Live("--in-flight", "32") as live:
        said(live, b"".join(request(SUMMARY, GOOD)))  # the table is loaded

        async def crowd(path: str) -> Counter[int]:
            wires = [await asyncio.open_connection("127.0.0.1", live.port) for _ in range(256)]
            message = b"".join(request(path, GOOD))
            for _, writer in wires:
                writer.write(message)
            found = Counter([(await answer(reader))[0] for reader, _ in wires])
            for _, writer in wires:
                writer.close()
            return found

        for path in (SUMMARY, "/v1/score"):
            for _ in range(2):
                found = asyncio.run(crowd(path))
                assert set(found) <= {200, 503}
                assert found[200] >= 32
        assert said(live, b"".join(request(SUMMARY, GOOD)))[0] == 200  # all places are free again
        lines = live.send("GET", "/metrics")[2].decode().splitlines()
        counts = {line.split()[0]: float(line.split()[1]) for line in lines if line.startswith("hardship_")}
        assert counts["hardship_in_flight"] == 1  # this one
        answered = [counts.get(f'hardship_requests_total{{route="/v1/score",status="{one}"}}', 0) for one in (200, 503)]
        assert sum(answered) == 4 * 256 + 2
        assert answered[1] > 0


def test_keys_and_the_log_are_those_of_every_request(tmp_path: Path) -> None:
    new_secret(tmp_path / "secret")
    key = new_key(tmp_path / "keys", server_secret("", str(tmp_path / "secret")), "")
    options = ["--require-key", "--keys", str(tmp_path / "keys"), "--secret-file", str(tmp_path / "secret")]
    with Live(*options, "--access-log") as live:
        status, headers, _ = both(live, SUMMARY, GOOD)
        assert (status, headers["www-authenticate"]) == (401, "Bearer")
        assert both(live, SUMMARY, GOOD, f"Authorization: Bearer {key}")[0] == 200
        until = time.monotonic() + 5
        while live.written().count("/v1/score 200 ") < 3 and time.monotonic() < until:
            time.sleep(0.05)  # the line is written when the answer is out
        written = live.written()
        assert written.count("/v1/score 401 ") == 3
        assert written.count("/v1/score 200 ") == 3
