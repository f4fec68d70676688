"""Keys, rates, room, time: who is let in, and what the others are told before a byte of their body is read."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient
from hardship_api.app import create_app
from hardship_api.batches import Streamed
from hardship_api.documents import EXAMPLE
from hardship_api.gate import Gate, Visit
from hardship_api.keys import Keys, new_key, new_secret, server_secret
from hardship_api.problems import Busy
from hardship_api.settings import PREFIX, Settings, from_environment
from hardship_api.spool import Spool
from service.live import Live
from starlette.requests import ClientDisconnect

from hardship.cli import run
from hardship.errors import UsageError

BATCH = "/v1/score/batch?table=jinxiang&on=2018-07-01"
LINES = {"content-type": "application/x-ndjson"}


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret.txt"
    new_secret(file)
    return file


def service(**settings: Any) -> TestClient:
    return TestClient(create_app(settings=Settings(**settings)), raise_server_exceptions=False)


# --- keys ---


def test_a_key_is_kept_as_its_hmac_only(tmp_path: Path, secret: Path) -> None:
    file = tmp_path / "keys.txt"
    hidden = server_secret("", str(secret))
    key = new_key(file, hidden, "office")
    assert key not in file.read_text(encoding="utf-8")
    assert key.split("_", 2)[2] not in file.read_text(encoding="utf-8")
    for one in (file, secret):
        assert stat.S_IMODE(one.stat().st_mode) == 0o600
    keys = Keys(file, hidden)
    assert keys.holder(key) == key.split("_")[1]
    for wrong in ("", "x", key[:-1], key + "x", key[:-1] + ("A" if key[-1] != "A" else "B"), key.upper(), "hk_" * 40):
        assert keys.holder(wrong) is None
    assert Keys(file, b"another secret of the server, as long").holder(key) is None


def test_a_line_taken_out_is_a_key_taken_back(tmp_path: Path, secret: Path) -> None:
    file, hidden = tmp_path / "keys.txt", server_secret("", str(secret))
    first, second = new_key(file, hidden, "one"), new_key(file, hidden, "two")
    keys = Keys(file, hidden)
    assert keys.holder(first)
    file.write_text(file.read_text(encoding="utf-8").splitlines()[1] + "\n", encoding="utf-8")
    assert (keys.holder(first), bool(keys.holder(second))) == (None, True)
    file.unlink()
    assert keys.holder(second) is None


def test_a_service_without_a_secret_does_not_start(tmp_path: Path, secret: Path) -> None:
    file = tmp_path / "keys.txt"
    new_key(file, server_secret("", str(secret)), "")
    for settings in (
        {"keys": str(file)},
        {"keys": str(file), "secret": "short"},
        {"keys": str(file), "secret": "a" * 64},
        {"keys": str(file), "secret_file": str(tmp_path / "none")},
        {"keys": str(tmp_path / "none"), "secret_file": str(secret)},
        {"rate_key": "often"},
    ):
        with pytest.raises(UsageError):
            create_app(settings=Settings(**settings))
    (tmp_path / "bad.txt").write_text("no key\n", encoding="utf-8")
    with pytest.raises(UsageError):
        create_app(settings=Settings(keys=str(tmp_path / "bad.txt"), secret_file=str(secret)))
    assert run(["serve", "--require-key"]) == 2


def test_only_a_good_key_opens(tmp_path: Path, secret: Path) -> None:
    file = tmp_path / "keys.txt"
    key = new_key(file, server_secret("", str(secret)), "")
    with service(keys=str(file), secret_file=str(secret)) as client:
        for path in ("/health", "/docs", "/docs.js"):
            assert client.get(path).status_code == 200
        for path in ("/v1/tables", "/metrics", "/openapi.json", "/v1/nothing"):
            answer = client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (401, "api.key")
            assert answer.headers["www-authenticate"] == "Bearer"
        good = {"authorization": f"Bearer {key}"}
        assert client.get("/v1/attributes", headers=good).status_code == 200
        assert client.post("/v1/score?detail=summary", json=EXAMPLE, headers=good).status_code == 200
        assert client.post("/v1/score", json=EXAMPLE, headers={"authorization": f"Bearer {key}x"}).status_code == 401
        assert client.get("/openapi.json", headers=good).json()["security"] == [{"key": []}]


def test_keys_are_made_at_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys, secret = tmp_path / "keys.txt", tmp_path / "secret.txt"
    arguments = ["keygen", "--keys", str(keys), "--secret-file", str(secret)]
    assert run([*arguments, "--label", "民政局"]) == 0
    key = capsys.readouterr().out.strip()
    assert Keys(keys, server_secret("", str(secret))).holder(key)
    assert run([*arguments, "--label", "a\nb"]) == 2
    assert run(["keygen", "--keys", str(keys)]) == 2


# --- rates ---


def test_rates_are_counted_by_key_and_by_address(tmp_path: Path, secret: Path) -> None:
    file, hidden = tmp_path / "keys.txt", server_secret("", str(secret))
    first, second = ({"authorization": f"Bearer {new_key(file, hidden, '')}"} for _ in range(2))
    with service(keys=str(file), secret_file=str(secret), rate_key="3/minute") as client:
        statuses = [client.get("/v1/standards?on=2018-07-01", headers=first).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        refused = client.get("/v1/tables", headers=first)
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert client.get("/v1/standards?on=2018-07-01", headers=second).status_code == 200
    with service(rate_address="2/minute") as client:
        assert [client.get("/health").status_code for _ in range(3)] == [200, 200, 429]


def test_guessing_keys_is_slow(tmp_path: Path, secret: Path) -> None:
    file = tmp_path / "keys.txt"
    good = {"authorization": f"Bearer {new_key(file, server_secret('', str(secret)), '')}"}
    with service(keys=str(file), secret_file=str(secret)) as client:
        statuses = {client.get("/v1/tables").status_code for _ in range(40)}
        assert statuses == {401, 429}
        assert client.get("/v1/attributes", headers=good).status_code == 429


# --- room ---


def test_beyond_the_room_nobody_waits() -> None:
    async def ask() -> list[Any]:
        gate = Gate(Settings(in_flight=3))
        found = []
        for _ in range(5):
            try:
                found.append(gate.enter("/v1/score", {}, ""))
                gate.leave()  # answered without waiting: it counts until all of the same moment were seen
            except Busy as busy:
                found.append((busy.status, busy.retry_after))
        await asyncio.sleep(0)
        assert gate.enter("/v1/score", {}, "")
        return found

    assert asyncio.run(ask()) == [True] * 3 + [(503, 1)] * 2


def test_a_full_service_answers_health_and_frees_its_room() -> None:
    with service(in_flight=1, batches=1, open_batches=1) as client:
        app: Any = client.app
        app.state.batches = 1
        line = json.dumps({key: value for key, value in EXAMPLE.items() if key not in ("table", "on")})
        full = client.post(BATCH, content=line, headers=LINES)
        assert (full.status_code, full.json()["code"], full.headers["retry-after"]) == (503, "api.busy", "2")
        app.state.batches = 0
        for _ in range(3):  # each lets its room go
            assert client.post(BATCH, content=line, headers=LINES).status_code == 200
            assert client.post(BATCH, content=b"\n", headers=LINES).status_code == 422
        assert app.state.batches == 0
        assert client.get("/health").status_code == 200


def test_slow_senders_take_nobodys_place() -> None:
    """A request waits outside for its body; it is inside again when the body is there, if there is still room."""

    async def ask() -> None:
        gate = Gate(Settings(in_flight=1, waiting=2, one_bytes=10))

        async def piece(size: int, more: bool) -> Any:
            return {"type": "http.request", "body": bytes(size), "more_body": more}

        slow = []
        for _ in range(2):  # both stand outside: the one place is free each time
            assert gate.enter("/v1/score", {}, "")
            slow.append(Visit(gate, lambda: piece(1, True)))
            await slow[-1].receive()
        assert gate.enter("/v1/score", {}, "")
        third = Visit(gate, lambda: piece(1, False))
        with pytest.raises(Busy):  # too many wait
            await third.receive()
        third.end()
        await asyncio.sleep(0)
        slow[0]._receive = lambda: piece(1, False)
        await slow[0].receive()  # inside now, and the only one
        with pytest.raises(Busy):
            gate.enter("/v1/score", {}, "")
        slow[1]._receive = lambda: piece(1, False)
        with pytest.raises(Busy):
            await slow[1].receive()
        for one in slow:
            one.end()
        await asyncio.sleep(0)
        assert gate.enter("/v1/score", {}, "")
        large = Visit(gate, lambda: piece(11, True))
        with pytest.raises(Busy):  # waiting bodies together are bounded
            await large.receive()
        large.end()
        await asyncio.sleep(0)
        assert (gate._inside, gate._waiting, gate._held) == (0, 0, 0)

    asyncio.run(ask())


# --- time, on the wire ---


@pytest.fixture(scope="module")
def impatient() -> Iterator[Live]:
    names = {"HEAD_SECONDS": "1", "ONE_SECONDS": "1", "IDLE_SECONDS": "1"}
    with Live("--access-log", env={PREFIX + name: value for name, value in names.items()}) as live:
        yield live


def heard(live: Live, *parts: bytes, wait: float = 8.0) -> bytes:
    """Everything that the service says to these bytes until it closes, or nothing more comes."""
    with socket.create_connection(("127.0.0.1", live.port), timeout=wait) as wire:
        for part in parts:
            wire.sendall(part)
        found = b""
        try:
            while piece := wire.recv(65536):
                found += piece
        except TimeoutError:
            found += b"(open)"
        return found


def test_slow_clients_are_cut(impatient: Live) -> None:
    began = time.monotonic()
    assert heard(impatient) == b""
    assert heard(impatient, b"POST /v1/score HTTP/1.1\r\nHost: x\r\nX-Slow: ") == b""
    head = b"POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"
    answer = heard(impatient, head)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"api.slow" in answer
    head = head.replace(b"/v1/score ", BATCH.encode() + b" ").replace(b"application/json", b"application/x-ndjson")
    assert heard(impatient, head).startswith(b"HTTP/1.1 408")
    assert time.monotonic() - began < 30


def test_what_is_no_http_is_refused(impatient: Live) -> None:
    for wrong in (b"NONSENSE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
        answer = heard(impatient, wrong)
        assert answer.startswith(b"HTTP/1.1 400")
        assert b"application/problem+json" in answer
    assert heard(impatient, b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000).startswith(b"HTTP/1.1 431")


def test_a_refused_body_is_not_read_to_its_end(impatient: Live) -> None:
    head = b"POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 999999999\r\n\r\n"
    answer = heard(impatient, head + b"[" * 1000, wait=12)
    assert answer.startswith(b"HTTP/1.1 413")
    assert not answer.endswith(b"(open)")


def test_the_log_names_routes_and_nothing_else(impatient: Live) -> None:
    heard(impatient, b"GET /v1/tables/370828?on=canary HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    said = impatient.log.read_text(encoding="utf-8")
    assert "/v1/tables/{table_id} 422" in said
    assert "canary" not in said
    assert "127.0.0.1 " not in said.replace("http://127.0.0.1", "")


# --- settings, and what waits to be sent ---


def test_settings_come_from_the_environment() -> None:
    settings = Settings(one_bytes=5, keys="k", access_log=True)
    assert from_environment(settings.environment()) == settings
    assert from_environment({}) == Settings()
    for wrong in ("x", "-1", "0", "１", "1e3", "9" * 30):
        with pytest.raises(UsageError):
            from_environment({PREFIX + "IN_FLIGHT": wrong})


def test_what_waits_to_be_sent_keeps_its_order() -> None:
    async def through() -> bytes:
        spool = Spool(most=1000)
        sent = [bytes([k]) * (k * 37 % 700) for k in range(200)]
        taken = bytearray()

        async def put() -> None:
            for one in sent:
                await spool.put(one)
            spool.end()

        async def take() -> None:
            async for piece in spool.pieces():
                taken.extend(piece)

        await asyncio.gather(put(), take())
        spool.close()
        assert bytes(taken) == b"".join(sent)
        return bytes(taken)

    assert asyncio.run(through())


def test_packed_bodies_are_unpacked_within_bounds() -> None:
    body = json.dumps(EXAMPLE).encode()
    with service(one_bytes=50_000) as client:
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        url = "/v1/score?detail=summary"
        assert client.post(url, content=gzip.compress(body), headers=headers).status_code == 200
        twice = gzip.compress(body[:99]) + gzip.compress(body[99:])
        assert client.post(url, content=twice, headers=headers).status_code == 200
        assert client.post(url, content=gzip.compress(b" " * 10**7), headers=headers).status_code == 413
        assert client.post(url, content=body, headers=headers).status_code == 400


def test_slow_batches_take_nobodys_place() -> None:
    """Two that send a line and then hardly anything, where two may be worked on: a third is scored all the same."""
    line = json.dumps({key: value for key, value in EXAMPLE.items() if key not in ("table", "on")}).encode() + b"\n"
    head = f"POST {BATCH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n".encode()
    names = {"IDLE_SECONDS": "2", "OPEN_BATCHES": "3"}
    with Live("--batches", "1", env={PREFIX + name: value for name, value in names.items()}) as live:
        slow = []
        for _ in range(2):
            slow.append(socket.create_connection(("127.0.0.1", live.port), timeout=20))
            slow[-1].sendall(head + b"Content-Length: 900000\r\n\r\n" + line[:100])
        for _ in range(2):
            assert live.send("POST", BATCH, line, LINES)[0] == 200
        fourth = socket.create_connection(("127.0.0.1", live.port), timeout=20)
        fourth.sendall(head + b"Content-Length: 900000\r\n\r\n")
        time.sleep(0.3)
        assert live.send("POST", BATCH, line, LINES)[0] == 503
        for _ in range(8):  # bytes come, but too few of them
            time.sleep(0.4)
            with contextlib.suppress(OSError):
                slow[0].sendall(b" ")
        for one in (*slow, fourth):
            assert one.recv(100).startswith(b"HTTP/1.1 408")
            one.close()
        assert live.send("POST", BATCH, line, LINES)[0] == 200


def test_native_code_writes_nothing() -> None:
    """What a panic prints may hold values; what Python writes, and logs, stays."""
    lines = (
        "import logging, os, sys",
        "logging.getLogger('kept').addHandler(logging.StreamHandler())",
        "from hardship_api.served import hush",
        "hush()",
        "os.write(2, b'a panic with a value')",
        "print('said', file=sys.stderr)",
        "logging.getLogger('kept').error('logged')",
    )
    ended = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert ended.stderr.split() == ["said", "logged"]


def test_who_still_sends_need_not_read_yet() -> None:
    """A piece of the answer may wait while the body comes; after its end only so long."""

    class Half:
        receiving = True

        @contextlib.asynccontextmanager
        async def taken(self) -> AsyncIterator[AsyncIterator[bytes]]:
            async def pieces() -> AsyncIterator[bytes]:
                yield b"piece"

            yield pieces()

    async def ask(ends: bool) -> list[str]:
        run: Any = Half()
        sent, free = [], asyncio.Event()

        async def send(message: Any) -> None:
            if message.get("more_body"):
                await free.wait()
            sent.append(message["type"])

        going = asyncio.create_task(Streamed(run, "text/csv", {}, 0.05)({}, None, send))
        await asyncio.sleep(0.2)
        assert not going.done()
        if ends:
            run.receiving = False
        else:
            free.set()
        await going
        return sent

    assert len(asyncio.run(ask(False))) == 3
    with pytest.raises(ClientDisconnect):
        asyncio.run(ask(True))
