"""The service: right answers, and hostile requests that get a 4xx which repeats nothing."""

from __future__ import annotations

import asyncio
import copy
import csv
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hardship_api.documents import EXAMPLE
from hostile import CANARY, NAME, bodies, with_value

from hardship.results import RANKS

fastapi = pytest.importorskip("fastapi")
from fastapi.testclient import TestClient  # noqa: E402
from hardship_api.app import create_app  # noqa: E402
from hardship_api.settings import Settings  # noqa: E402
from hardship_api.strict_json import Refused, decode  # noqa: E402

ONE_BYTES = Settings().one_bytes
JSON = {"content-type": "application/json"}
LINES = {"content-type": "application/x-ndjson"}
CSV = {"content-type": "text/csv"}
BATCH = "/v1/score/batch?table=jinxiang&on=2018-07-01"
RANK = "/v1/rank?table=jinxiang&on=2018-07-01"
HOUSEHOLD = {key: value for key, value in EXAMPLE.items() if key not in ("table", "on")}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        yield client


def body(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


# --- right answers ---


def test_one_household_is_scored_and_explained(client: TestClient) -> None:
    answer = client.post("/v1/score", json=EXAMPLE, headers={"accept-language": "zh-CN"})
    assert answer.status_code == 200
    found = answer.json()
    assert found["result"]["index"] == "61"
    assert found["explanation"]["index"] == found["result"]["index"]
    assert found["explanation"]["benefit"]["month"] == found["result"]["benefit_month"]
    assert found["explanation"]["lang"] == "zh"
    assert found["run"]["table"]["id"] == "jinxiang"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_explanation_can_be_left_out(client: TestClient) -> None:
    answer = client.post("/v1/score", json={**EXAMPLE, "explain": False})
    assert answer.status_code == 200
    assert "explanation" not in answer.json()


def test_numbers_may_be_written_as_texts(client: TestClient) -> None:
    """700, 700.00 and "700.00" are the same money."""
    answers = {
        client.post(
            "/v1/score",
            content=body({**with_value(EXAMPLE, "household.financial_assets", value), "explain": False}),
            headers=JSON,
        ).content
        for value in (700, "700.00", "700")
    }
    assert len(answers) == 1


def test_service_batch_and_command_line_give_the_same_bytes(client: TestClient, tmp_path: Path) -> None:
    from hardship.cli import run

    one = client.post("/v1/score", json={**EXAMPLE, "explain": False}).json()["result"]
    for url in (RANK, BATCH):  # a batch knows no ranks
        (line,) = client.post(url, content=body(HOUSEHOLD), headers=LINES).text.splitlines()
        ranks = dict.fromkeys((*RANKS, "position", "percentile")) if url == BATCH else {}
        assert json.dumps(json.loads(line)["result"], sort_keys=True) == json.dumps(one | ranks, sort_keys=True)
    register, out = tmp_path / "household.json", tmp_path / "out"
    register.write_bytes(body(HOUSEHOLD))
    arguments = ["score", str(register), "--table", "jinxiang", "--on", "2018-07-01", "--out", str(out)]
    assert run([*arguments, "--format", "csv"]) == 0
    (row,) = csv.DictReader(io.StringIO((out / "results.csv").read_text(encoding="utf-8")))
    assert {key: value or "" for key, value in one.items()} == row


def test_a_batch_answers_every_line_in_its_order(client: TestClient) -> None:
    good = copy.deepcopy(HOUSEHOLD)
    lines = []
    for number in range(6):
        good["household"]["household_id"] = f"H{5 - number}"
        lines.append(body(good))
    bad_value = copy.deepcopy(HOUSEHOLD)
    bad_value["household"]["household_id"] = "bad"
    bad_value["members"][0]["wage_month"] = NAME
    lines[2:2] = [b'{"household": {"a": 1, "a": 2}, "members": []}', body(bad_value), b"", b"[" * 50]
    answer = client.post(BATCH, content=b"\n".join(lines), headers=LINES)
    assert answer.status_code == 200
    found = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["row"] for one in found] == [1, 2, 3, 4, 6, 7, 8, 9, 10]
    assert [one["row"] for one in found if one["status"] == "rejected"] == [3, 4, 6]
    assert [one["errors"][0]["code"] for one in found if one["status"] == "rejected"] == [
        "api.duplicate_key",
        "register.bad_number",
        "api.too_deep",
    ]
    assert [one["result"]["household_id"] for one in found if one["status"] == "scored"] == [
        f"H{5 - number}" for number in range(6)
    ]
    assert NAME not in answer.text


def test_a_batch_of_bad_lines_only(client: TestClient) -> None:
    answer = client.post(BATCH, content=b"{\n{}\nnull\n", headers=LINES)
    assert answer.status_code == 200
    assert [json.loads(line)["status"] for line in answer.text.splitlines()] == ["rejected"] * 3


def test_households_without_a_standard_are_errors_of_their_own(client: TestClient) -> None:
    url = "/v1/score/batch?table=jinxiang@2018-03-24&on=1950-01-01"
    answer = client.post(url, content=body(HOUSEHOLD), headers=LINES)
    assert answer.status_code == 200
    (found,) = [json.loads(line) for line in answer.text.splitlines()]
    assert found["status"] == "rejected"


def csv_text(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def people() -> list[dict[str, str]]:
    """The example as one line a member, without its transfer."""
    rows = []
    for member in HOUSEHOLD["members"]:
        row = {**HOUSEHOLD["household"], **member}
        rows.append({k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in row.items() if v is not None})
    return rows


def test_csv_gives_what_json_lines_give(client: TestClient) -> None:
    plain = {**HOUSEHOLD, "transfers": []}
    (line,) = client.post(BATCH, content=body(plain), headers=LINES).text.splitlines()
    for text in (csv_text(people()), b"\xef\xbb\xbf" + csv_text(people())):
        (found,) = client.post(BATCH, content=text, headers=CSV).text.splitlines()
        assert json.loads(found)["result"] == json.loads(line)["result"]


def test_csv_rows_that_disagree_are_their_households_fault(client: TestClient) -> None:
    rows = people()
    rows += [{**row, "household_id": "JX-02"} for row in people()]
    rows[1]["motor_vehicles"] = "7"
    answer = client.post(BATCH, content=csv_text(rows), headers=CSV)
    found = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["status"] for one in found] == ["rejected", "scored"]
    assert found[0]["errors"][0]["code"] == "register.household_disagrees"


def test_tables_attributes_health(client: TestClient) -> None:
    assert client.get("/health").json()["status"] == "ok"
    assert client.get("/ready").status_code in (200, 503)
    listed = [one["id"] for one in client.get("/v1/tables").json()["tables"]]
    assert {"bairin_left", "beilin", "county_model", "jinxiang"} <= set(listed)
    for name in listed:
        card = client.get(f"/v1/tables/{name}", headers={"accept-language": "zh"}).json()
        assert card["id"] == name
        assert card["ladders"] or card["items"] or card["derived"]
        assert all("_" not in item.get("value", "") for item in card["items"])
    before = client.get("/v1/tables/jinxiang?on=1990-01-01")
    assert (before.status_code, before.json()["code"]) == (404, "api.no_table")
    attributes = client.get("/v1/attributes").json()["attributes"]
    assert {"wage_month", "dwelling_safety_grade"} <= {one["name"] for one in attributes}


def test_openapi_has_the_example_and_it_works(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    content = described["paths"]["/v1/score"]["post"]["requestBody"]["content"]["application/json"]
    for one in content["examples"].values():
        assert client.post("/v1/score?detail=summary", json=one["value"]).status_code == 200
    import jsonschema

    whole = {**described, "$ref": content["schema"]["$ref"]}
    for one in content["examples"].values():
        jsonschema.validate(one["value"], whole)
    lines = described["paths"]["/v1/score/batch"]["post"]["requestBody"]["content"]["application/x-ndjson"]
    answer = client.post(BATCH, content=lines["example"].encode(), headers=LINES)
    assert json.loads(answer.text)["status"] == "scored"


# --- hostile requests ---


HOSTILE = list(bodies(EXAMPLE))


def innocent(answer: Any) -> None:
    """A 4xx problem that is plain ASCII and repeats nothing."""
    assert 400 <= answer.status_code < 500, answer.status_code
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.content.isascii()
    found = answer.json()
    assert found["status"] == answer.status_code
    assert found["code"]
    said = json.dumps(found, ensure_ascii=False)
    for secret in (CANARY, CANARY[:8], NAME, "DROP", "script", "passwd", "hostname", "xxxx", "9999", "invalid"):
        assert secret not in said


def test_there_are_enough_hostile_bodies() -> None:
    assert len({data for _, data in HOSTILE}) >= 150


@pytest.mark.parametrize("data", [data for _, data in HOSTILE], ids=[name for name, _ in HOSTILE])
def test_hostile_bodies(client: TestClient, data: bytes) -> None:
    answer = client.post("/v1/score", content=data, headers=JSON)
    innocent(answer)


def test_hostile_bodies_in_a_batch(client: TestClient) -> None:
    """The same bodies as lines of one batch: the one good line is still scored."""
    lines = [data.replace(b"\n", b" ") for _, data in HOSTILE if data.strip() and len(data) < ONE_BYTES]
    answer = client.post(BATCH, content=b"\n".join([*lines, body(HOUSEHOLD)]), headers=LINES)
    assert answer.status_code == 200
    found = [json.loads(line) for line in answer.text.splitlines()]
    assert len(found) == len(lines) + 1
    assert [one["row"] for one in found if one["status"] == "scored"] == [len(lines) + 1]
    for secret in (CANARY, NAME, "DROP", "passwd"):
        assert secret not in answer.text


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"a,b\n1,2\n",
        b"household_id\n1\n",
        b"household_id,member_id,household_id\n1,2,3\n",
        b'household_id,member_id\n"1,2\n',
        b"household_id,member_id," + CANARY.encode() + b"\n1,2,3\n",
        b"\x81\x00,\xff\n",
        b"household_id,member_id\n" + b"x" * 200_000 + b",1\n",
        f"household_id,member_id,{NAME}\n".encode("utf-16"),
    ],
)
def test_hostile_csv(client: TestClient, text: bytes) -> None:
    innocent(client.post(BATCH, content=text, headers=CSV))


def test_hostile_cells_in_csv(client: TestClient) -> None:
    header = b"household_id,member_id,wage_month,birth_date\n"
    cells = [CANARY, "=1+1", "1e400", "NaN", NAME, "\x00", "-1", "９", "1" * 400, "<b>", "{{7*7}}", "%s"]
    rows = "".join(f"H{k},1,{cell},1960-01-01\n" for k, cell in enumerate(cells)).encode()
    answer = client.post(BATCH, content=header + rows + b"short\n", headers=CSV)
    assert answer.status_code == 200
    found = [json.loads(line) for line in answer.text.splitlines()]
    assert len(found) == len(cells) + 1
    assert CANARY not in answer.text
    assert NAME not in answer.text


@pytest.mark.parametrize(
    ("method", "url", "headers"),
    [
        ("POST", "/v1/score", {}),
        ("POST", "/v1/score", {"content-type": "text/plain"}),
        ("POST", "/v1/score", {"content-type": "multipart/form-data; boundary=x"}),
        ("POST", BATCH, JSON),
        ("POST", "/v1/score/batch", LINES),
        ("POST", "/v1/score/batch?table=jinxiang", LINES),
        ("POST", "/v1/score/batch?table=jinxiang&on=2018-07-01&on=2018-07-02", LINES),
        ("POST", f"/v1/score/batch?table=jinxiang&on=2018-07-01&{CANARY}=1", LINES),
        ("POST", "/v1/score/batch?table=../x&on=2018-07-01", LINES),
        ("GET", "/v1/score", {}),
        ("PUT", "/v1/score", JSON),
        ("PATCH", "/v1/score", JSON),
        ("DELETE", "/v1/tables/jinxiang", {}),
        ("GET", f"/v1/tables/{CANARY}", {}),
        ("GET", "/v1/tables/..%2f..%2fetc%2fpasswd", {}),
        ("GET", "/v1/tables/%00", {}),
        ("GET", "/v1/tables/jinxiang.toml", {}),
        ("GET", "/v1/tables/jinxiang@2018-03-24", {}),
        ("GET", "/v1/tables/jinxiang?on=x", {}),
        ("GET", f"/{NAME}", {}),
        ("GET", "/v1/tables/", {}),
    ],
)
def test_hostile_requests(client: TestClient, method: str, url: str, headers: dict[str, str]) -> None:
    innocent(client.request(method, url, content=b"" if method == "GET" else b"{}", headers=headers))


def test_a_body_without_a_length_is_cut_off() -> None:
    """A chunked body is refused as soon as it is too large; the rest is never asked for."""
    most = 20_000_000
    app = create_app(settings=Settings(batch_bytes=most, rank_bytes=most))
    for url, kind, limit in (
        ("/v1/score", b"application/json", ONE_BYTES),
        ("/v1/score/batch", b"application/x-ndjson", most),
        ("/v1/rank", b"text/csv", most),
    ):
        asked, sent = [0], []
        chunk = b"[" * 500_000

        async def receive(asked: list[int] = asked, chunk: bytes = chunk) -> dict[str, Any]:
            asked[0] += 1
            return {"type": "http.request", "body": chunk, "more_body": True}

        async def send(message: Any, sent: list[Any] = sent) -> None:
            sent.append(message)

        headers = [(b"content-type", kind), (b"transfer-encoding", b"chunked")]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "path": url,
            "raw_path": url.encode(),
            "query_string": b"" if url == "/v1/score" else b"table=jinxiang&on=2018-07-01",
            "root_path": "",
            "scheme": "http",
            "headers": headers,
            "client": None,
            "server": ("x", 80),
            "state": {},
        }
        asyncio.run(app(scope, receive, send))
        assert sent[0]["status"] == 413
        assert asked[0] <= limit // len(chunk) + 1


def test_a_declared_length_is_refused_unread(client: TestClient) -> None:
    headers = {**JSON, "content-length": str(10**12)}
    innocent(client.post("/v1/score", content=b"{}", headers=headers))


def test_an_unforeseen_error_says_nothing(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    from hardship_api.engine import Engine

    def broken(*_: Any) -> Any:
        raise ValueError(f"{CANARY} {NAME}")

    monkeypatch.setattr(Engine, "one", broken)
    with caplog.at_level(logging.DEBUG), TestClient(create_app(), raise_server_exceptions=False) as client:
        answer = client.post("/v1/score", json=EXAMPLE)
    assert answer.status_code == 500
    assert answer.json()["code"] == "api.internal"
    written = answer.text + "".join(str(record.__dict__) for record in caplog.records)
    assert CANARY not in written
    assert NAME not in written
    assert "Traceback" not in written
    assert "unforeseen ValueError" in caplog.text


def test_nothing_personal_is_logged(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    person = with_value(EXAMPLE, "household.household_id", f"H-{CANARY}")
    with caplog.at_level(logging.DEBUG):
        assert client.post("/v1/score", json=person).status_code == 200
        client.post("/v1/score", json={**person, "on": CANARY})
    assert CANARY not in "".join(str(record.__dict__) for record in caplog.records if record.name != "httpx2")


@pytest.mark.parametrize("text", [b'{"a": 1.50, "b": [true, null, "\\u4e00"]}', b" 12 ", b'"\\ud83d\\ude00"'])
def test_good_json_is_decoded_exactly(text: bytes) -> None:
    value = decode(text)
    assert json.loads(json.dumps(value, default=str)) is not None
    if isinstance(value, dict):
        assert str(value["a"]) == "1.50"


def test_decoding_takes_linear_time() -> None:
    import time

    began = time.process_time()
    for text in (b'"' + b'\\"' * 500_000, b"[" * 1_000_000, b'{"' * 300_000, b"\\" * 1_000_000):
        with pytest.raises(Refused):
            decode(text)
    assert time.process_time() - began < 2
