"""What the service says of itself: tables, cards, the dictionary, local numbers, counts, its description, its page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient
from hardship_api.app import create_app
from hardship_api.documents import EXAMPLE

from hardship.results import RANKS

GETS = (
    "/v1/tables",
    "/v1/tables/jinxiang",
    "/v1/tables/jinxiang/card",
    "/v1/attributes",
    "/v1/attributes?table=us_snap_2025",
    "/v1/standards?on=2018-07-01",
)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("url", GETS)
def test_what_is_read_is_sent_once(client: TestClient, url: str) -> None:
    first = client.get(url)
    assert first.status_code == 200
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    for given in (tag, f'"other", W/{tag}', "*"):
        again = client.get(url, headers={"if-none-match": given})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get(url, headers={"if-none-match": '"other"'}).status_code == 200
    assert client.get(url + ("&" if "?" in url else "?") + "unknown=1").status_code == 422


def test_a_card_comes_in_three_forms_and_two_languages(client: TestClient) -> None:
    url = "/v1/tables/county_model/card"
    card = client.get(url).json()
    assert (card["schema"], card["id"], card["lang"]) == (1, "county_model", "en")
    page = client.get(url, headers={"accept": "text/html", "accept-language": "zh"})
    assert page.headers["content-type"].startswith("text/html")
    assert 'lang="zh-CN"' in page.text
    assert "script" not in page.headers["content-security-policy"]
    assert "<script" not in page.text
    text = client.get(url, headers={"accept": "text/plain"})
    assert text.headers["content-type"].startswith("text/plain")
    assert card["title"] in text.text
    assert client.get(url, headers={"accept": "image/png"}).status_code == 406
    assert client.get(url + "?on=1990-01-01").status_code == 404


def test_standards_in_force(client: TestClient) -> None:
    def rows(query: str) -> list[dict[str, str]]:
        found: list[dict[str, str]] = client.get(f"/v1/standards?{query}").json()["standards"]
        return found

    everywhere = rows("on=2018-07-01")
    assert all(row["effective_from"] <= "2018-07-01" for row in everywhere)
    keys = [(row["parameter"], row["area_code"], row["residence"]) for row in everywhere]
    assert len(keys) == len(set(keys))
    here = rows("on=2018-07-01&area=310115&parameter=dibao_standard")
    assert here
    assert all("310115".startswith(row["area_code"]) for row in here)
    assert len({row["residence"] for row in here}) == len(here)
    assert rows("on=1900-01-01") == []
    for wrong in (
        "",
        "on=x",
        "on=2018-07-01&area=..%2F",
        "on=2018-07-01&parameter=A",
        "on=2018-07-01&parameter=",
        "on=2018-07-01&area=" + "1" * 33,
    ):
        assert client.get(f"/v1/standards?{wrong}").status_code == 422


def test_the_dictionary_of_a_table_has_its_own_facts(client: TestClient) -> None:
    general, own = ({one["name"] for one in client.get(url).json()["attributes"]} for url in (GETS[3], GETS[4]))
    assert general < own
    assert client.get("/v1/attributes?table=nothing").status_code == 404


def test_counts_have_no_label_from_a_request(client: TestClient) -> None:
    for url in ("/v1/tables/canary123", "/canary123", "/v1/tables/jinxiang?on=canary123"):
        client.get(url)
    client.post("/v1/score?detail=summary", json=EXAMPLE)
    said = client.get("/metrics")
    assert said.headers["content-type"].startswith("text/plain")
    assert "canary123" not in said.text
    assert 'hardship_requests_total{route="/v1/score",status="200"}' in said.text
    assert re.search(r'hardship_households_total\{outcome="scored"\} [1-9]', said.text)
    assert "hardship_in_flight 1.0" in said.text


def test_every_answer_is_hardened(client: TestClient) -> None:
    for answer in (client.get("/health"), client.get("/nothing"), client.post("/v1/score", content=b"x")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert re.fullmatch("[0-9a-f]{16}", answer.headers["x-request-id"])
        assert answer.headers["hardship-engine"]
        assert "server" not in answer.headers


def test_the_description_is_whole(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    names = set(described["components"]["schemas"])
    for name in re.findall(r'"#/components/schemas/([A-Za-z]+)"', json.dumps(described)):
        assert name in names
    for path, methods in described["paths"].items():
        for operation in methods.values():
            assert operation["operationId"]
            assert {"x-summary-zh", "x-summary-en"} <= set(operation), path
            statuses = set(operation["responses"])
            assert "200" in statuses
            if path.startswith("/v1"):
                assert {"401", "429", "500", "503"} <= statuses, path
    columns = set(described["components"]["schemas"]["Result"]["properties"])
    assert set(client.post("/v1/score?detail=summary", json=EXAMPLE).json()["result"]) >= {"rank", *RANKS} & columns


def test_answers_fit_their_description(client: TestClient) -> None:
    import jsonschema

    described = client.get("/openapi.json").json()
    for url in ("/v1/tables", "/v1/tables/{table_id}", "/v1/attributes", "/v1/standards", "/health", "/ready"):
        query = "?on=2018-07-01" if url.endswith("standards") else ""
        answer = client.get(url.format(table_id="jinxiang") + query).json()
        (content,) = described["paths"][url]["get"]["responses"]["200"]["content"].values()
        jsonschema.validate(answer, {**described, "$ref": content["schema"]["$ref"]})
    scored = client.post("/v1/score?detail=items", json=EXAMPLE).json()
    jsonschema.validate(scored, {**described, "$ref": "#/components/schemas/ScoreAnswer"})
    problem = client.post("/v1/score", json={**EXAMPLE, "members": [{"sex": "x"}]}).json()
    jsonschema.validate(problem, {**described, "$ref": "#/components/schemas/Problem"})
    assert problem["errors"][0]["expected"]


def test_the_page_needs_nobody_else(client: TestClient) -> None:
    for lang, word in (("zh", "发送"), ("en", "Send")):
        page = client.get("/docs", headers={"accept-language": lang})
        assert word in page.text
        assert client.get(f"/docs?lang={lang}").text == page.text
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert "unsafe" not in page.headers["content-security-policy"]
        assert "//" not in page.text.replace("<!DOCTYPE html>", "")
        assert not re.search(r"\bon[a-z]+=|<script>|style=", page.text)
    for name, media in (("docs.js", "text/javascript"), ("docs.css", "text/css")):
        answer = client.get(f"/{name}")
        assert answer.headers["content-type"].startswith(media)
        assert "http" not in answer.text
        assert "innerHTML" not in answer.text
