"""The Python client: right answers from a running service, and what it does when there are none."""

from __future__ import annotations

import copy
import datetime as dt
import gzip
import json
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from hardship.client import LONGEST_WAIT, Client, ServiceError, wait_of

pytest.importorskip("fastapi")
from service.live import HOUSEHOLD, ON, TABLE, Live, free_port


@pytest.fixture
def client(live: Live) -> Iterator[Client]:
    with Client(live.url, lang="en") as client:
        yield client


def households(count: int) -> list[dict[str, Any]]:
    found = []
    for number in range(count):
        one = copy.deepcopy(HOUSEHOLD)
        one["household"]["household_id"] = f"H{number:05}"
        found.append(one)
    return found


# --- a running service ---


def test_one_household(client: Client) -> None:
    answer = client.score(HOUSEHOLD, TABLE, dt.date(2018, 7, 1))
    assert answer["result"]["index"] == "61"
    assert answer["explanation"]["lang"] == "en"
    assert answer["run"]["table"]["id"] == TABLE


def test_decimals_and_dates_are_sent_exactly(client: Client) -> None:
    given = copy.deepcopy(HOUSEHOLD)
    given["household"]["financial_assets"] = Decimal("400.00")
    given["members"][0]["birth_date"] = dt.date(1947, 1, 1)
    assert client.score(given, TABLE, ON)["result"] == client.score(HOUSEHOLD, TABLE, ON)["result"]


def test_a_refusal_says_where(client: Client) -> None:
    given = copy.deepcopy(HOUSEHOLD)
    given["members"][0]["wage_month"] = "much"
    with pytest.raises(ServiceError, match="422") as caught:
        client.score(given, TABLE, ON)
    assert caught.value.status == 422
    assert caught.value.errors[0]["pointer"] == "/members/0/wage_month"
    # The connection is still good.
    assert client.ready()


def test_sentences_come_in_the_clients_language(live: Live) -> None:
    titles = set()
    for lang in ("zh", "en"):
        with Client(live.url, lang=lang) as client, pytest.raises(ServiceError) as caught:
            client.score({}, TABLE, ON)
        titles.add(caught.value.title)
    assert len(titles) == 2


def test_a_batch_streams(client: Client, tmp_path: Path) -> None:
    many = households(300)
    found = list(client.score_batch(many, TABLE, ON))
    assert [one["result"]["household_id"] for one in found] == [one["household"]["household_id"] for one in many]
    lines = b"".join(json.dumps(one).encode() + b"\n" for one in many)
    plain = tmp_path / "register.jsonl"
    plain.write_bytes(lines)
    assert list(client.score_batch(plain, TABLE, ON)) == found
    assert list(client.score_batch([lines[:1000], lines[1000:]], TABLE, ON)) == found


def test_a_refused_batch(client: Client, tmp_path: Path) -> None:
    with pytest.raises(ServiceError) as caught:
        list(client.score_batch(households(1), "no_such_table", ON))
    assert caught.value.code == "api.no_table"
    out = tmp_path / "results.jsonl"
    with pytest.raises(ServiceError):
        client.score_file(households(1), out, "no_such_table", ON)
    assert list(tmp_path.iterdir()) == []
    client.score_file(households(3), out, TABLE, ON)
    assert [json.loads(line)["status"] for line in out.read_bytes().splitlines()] == ["scored"] * 3


def test_an_unknown_form_is_said_before_anything_is_sent(client: Client) -> None:
    for name in ("register.xlsx", "register"):
        with pytest.raises(ValueError, match=r"\.parquet"):
            list(client.score_batch(name, TABLE, ON))


def test_what_there_is(client: Client) -> None:
    assert TABLE in {one["id"] for one in client.tables()}
    assert client.table(TABLE)["id"] == client.table(TABLE, ON)["id"] == TABLE
    assert "wage_month" in {one["name"] for one in client.attributes()}


# --- no service, or a strange one ---


class Script(BaseHTTPRequestHandler):
    """Answers with what the server's list says, one entry a request: status, headers, body."""

    protocol_version = "HTTP/1.1"
    asked: list[tuple[str, str, bytes, dict[str, str]]]
    answers: list[tuple[int, dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.asked.append((self.command, self.path, body, {k.lower(): v for k, v in self.headers.items()}))
        status, headers, answer = self.answers.pop(0)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(answer)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST  # noqa: N815  (the library's name)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def strange() -> Iterator[tuple[str, type[Script]]]:
    """The address of a server that answers as told, and its handler class."""
    handler = type("Handler", (Script,), {"asked": [], "answers": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", handler
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_busy_service_is_asked_again_when_it_says(
    strange: tuple[str, type[Script]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, script = strange
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    script.answers += [(503, {"Retry-After": "3"}, b""), (429, {}, b"{}"), (200, {}, b'{"tables": []}')]
    with Client(url) as client:
        assert client.tables() == []
        assert waits == [3.0, 1.0]
        script.answers += [(503, {"Retry-After": "2"}, b"")] * 5
        with pytest.raises(ServiceError) as caught:
            client.tables()
    assert (caught.value.status, caught.value.retry_after) == (503, 2.0)
    assert len(waits) == 6


def test_a_batch_is_sent_again_only_if_it_can_be_read_twice(
    strange: tuple[str, type[Script]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url, script = strange
    monkeypatch.setattr(time, "sleep", lambda _: None)
    busy, done = (503, {}, b""), (200, {}, b'{"line": 1}\n{"line": 2}')
    path = tmp_path / "register.csv.gz"
    path.write_bytes(gzip.compress(b"household_id,member_id\nH1,1\n"))
    with Client(url, key="k.secret") as client:
        script.answers += [busy, done]
        assert list(client.score_batch(path, TABLE, ON, accept="checked by hand")) == [{"line": 1}, {"line": 2}]
        _, target, body, headers = script.asked[-1]
        assert target == f"/v1/score/batch?table={TABLE}&on={ON}&accept=checked+by+hand"
        assert headers["content-encoding"] == "gzip"
        assert headers["content-type"] == "text/csv"
        assert headers["authorization"] == "Bearer k.secret"
        assert body == path.read_bytes()
        script.answers += [busy]
        with pytest.raises(ServiceError, match="503"):
            list(client.score_batch(iter(households(2)), TABLE, ON))
    assert len(script.asked) == 3


def test_the_wait_is_bounded() -> None:
    assert wait_of(ServiceError(503, "", "", retry_after=86_400)) == LONGEST_WAIT


@pytest.mark.parametrize("body", [b"<html>Bad gateway", b"[]", b"\xff", b'{"title": "x"}'])
def test_a_strange_refusal_is_a_refusal(strange: tuple[str, type[Script]], body: bytes) -> None:
    url, script = strange
    script.answers += [(502, {}, body)]
    with Client(url) as client, pytest.raises(ServiceError) as caught:
        client.tables()
    assert (caught.value.status, caught.value.code) == (502, "client.no_problem")


def test_a_kept_connection_that_was_closed_is_opened_again(strange: tuple[str, type[Script]]) -> None:
    url, script = strange
    with Client(url) as client:
        for _ in range(3):
            script.answers += [(200, {"Connection": "close"}, b'{"tables": []}')]
            assert client.tables() == []


def test_an_answer_that_breaks_off(strange: tuple[str, type[Script]]) -> None:
    url, script = strange
    with Client(url) as client:
        script.answers += [(200, {"Content-Length": "1000", "Connection": "close"}, b'{"line": 1}\n')]
        found = client.score_batch(households(1), TABLE, ON)
        with pytest.raises(ServiceError, match="unreachable"):
            list(found)


def test_nobody_answers() -> None:
    with Client(f"http://127.0.0.1:{free_port()}") as client:
        assert not client.ready()
        for ask in (client.tables, lambda: list(client.score_batch([], TABLE, ON))):
            with pytest.raises(ServiceError, match="unreachable") as caught:
                ask()
            assert caught.value.status == 0


@pytest.mark.parametrize("address", ["", "localhost:8000", "ftp://x", "http://"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(ValueError, match="http://"):
        Client(address)


def test_neither_side_waits_for_the_other() -> None:
    """A server that answers each line at once, and reads no more until its answer is taken: both would hang."""
    import socket

    lines, size = 400, 20_000
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as reader:
            while reader.readline() != b"\r\n":
                pass
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while count := int(reader.readline(), 16):
                piece = reader.read(count)
                reader.readline()
                connection.sendall(b"%x\r\n%b\r\n" % (count, piece))
            connection.sendall(b"0\r\n\r\n")

    thread = threading.Thread(target=serve)
    thread.start()
    sent = [json.dumps({"line": number, "filler": "x" * size}).encode() + b"\n" for number in range(lines)]
    with Client(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=10) as client:
        found = []
        for one in client.score_batch(sent, TABLE, ON):
            found.append(one["line"])
            if len(found) == 1:
                time.sleep(0.2)  # a slow reader: the buffers of both directions fill up
    thread.join()
    listener.close()
    assert found == list(range(lines))
