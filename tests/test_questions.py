"""`POST /v1/whatif`, `/v1/compare`, and `missing` beside the result of `/v1/score`."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from fastapi.testclient import TestClient
from hardship_api.app import create_app

ROOT = Path(__file__).resolve().parents[1]
HOUSEHOLD = json.loads((ROOT / "tests" / "asking_household.json").read_text(encoding="utf-8"))
ASKED = {"table": "jinxiang", "on": "2018-07-01"}
CANARY = "CANARY7731"


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(create_app())


def post(client: TestClient, route: str, body: Any, lang: str = "en") -> Any:
    return client.post(route, json=body, headers={"accept-language": lang})


def test_what_if_answers_with_both_results(client: TestClient):
    facts = [{"pointer": "/members/0/wage_month", "value": 300}]
    answer = post(client, "/v1/whatif", HOUSEHOLD | ASKED | {"facts": facts, "nearest": False})
    assert answer.status_code == 200
    found = answer.json()
    plain = post(client, "/v1/score?detail=summary", HOUSEHOLD | ASKED).json()["result"]
    assert {key: found["before"]["result"][key] for key in plain} == plain
    assert {"index", "benefit_month", "item_b16"} <= {one["name"] for one in found["changes"]}
    assert found["nearest_changes"] == []
    shapes = client.get("/openapi.json").json()
    schema = {"$ref": "#/components/schemas/WhatIfAnswer", "components": shapes["components"]}
    jsonschema.validate(found, schema)


def test_compare_answers_in_the_order_asked(client: TestClient):
    body = HOUSEHOLD | {"tables": ["county_model", "jinxiang"], "on": "2018-07-01"}
    answer = post(client, "/v1/compare", body, "zh")
    assert answer.status_code == 200
    assert [one["table"]["id"] for one in answer.json()["tables"]] == ["county_model", "jinxiang"]
    assert answer.json()["tables"][1]["circle_title"] == "低保"
    shapes = client.get("/openapi.json").json()
    jsonschema.validate(
        answer.json(), {"$ref": "#/components/schemas/CompareAnswer", "components": shapes["components"]}
    )


def test_missing_stands_beside_the_result_of_an_incomplete_household(client: TestClient):
    household = copy.deepcopy(HOUSEHOLD)
    del household["members"][0]["wage_month"]
    schema = json.loads((ROOT / "docs/schemas/possible.json").read_text(encoding="utf-8"))
    for detail in ("items", "full"):
        found = post(client, f"/v1/score?detail={detail}", household | ASKED, "zh").json()
        jsonschema.validate(found["missing"], schema)
        assert found["missing"]["ask_next"]["title"] == "工资性收入"
    assert "missing" not in post(client, "/v1/score?detail=summary", household | ASKED).json()
    assert "missing" not in post(client, "/v1/score?detail=items", HOUSEHOLD | ASKED).json()


WRONG: list[tuple[str, Any, int, str]] = [
    ("/v1/whatif", {"facts": [{"pointer": f"/members/0/{CANARY}", "value": CANARY}]}, 422, "api.household"),
    ("/v1/whatif", {"facts": [{"pointer": f"/{CANARY}", "value": 1}]}, 422, "api.change"),
    ("/v1/whatif", {"facts": [{"pointer": "/members/0/wage_month", "value": CANARY}]}, 422, "api.household"),
    ("/v1/whatif", {"facts": CANARY}, 422, "api.change"),
    ("/v1/whatif", {"facts": [CANARY] * 101}, 422, "api.change"),
    ("/v1/whatif", {"lines": {CANARY: "1"}}, 422, "api.change"),
    ("/v1/whatif", {"lines": {"dibao_standard": CANARY}}, 422, "api.change"),
    ("/v1/whatif", {"lines": {"dibao_standard": 7}}, 422, "api.change"),
    ("/v1/whatif", {"lines": [CANARY]}, 422, "api.change"),
    ("/v1/whatif", {"nearest": CANARY}, 422, "api.shape"),
    ("/v1/whatif", {"table": CANARY.lower()}, 404, "api.no_table"),
    ("/v1/whatif", {"table": 7}, 422, "api.table_name"),
    ("/v1/whatif", {"on": CANARY}, 422, "api.date"),
    ("/v1/whatif", {"members": []}, 422, "api.household"),
    ("/v1/whatif", {CANARY: 1}, 422, "api.household"),
    ("/v1/compare", {"tables": []}, 422, "api.shape"),
    ("/v1/compare", {"tables": ["jinxiang"] * 21}, 422, "api.shape"),
    ("/v1/compare", {"tables": CANARY}, 422, "api.shape"),
    ("/v1/compare", {"tables": [CANARY.lower()]}, 404, "api.no_table"),
    ("/v1/compare", {"tables": ["jinxiang"], "members": [{CANARY: 1}]}, 422, "api.household"),
]  # fmt: skip


@pytest.mark.parametrize(("route", "change", "status", "code"), WRONG)
def test_what_is_wrong_is_told_and_never_repeated(client: TestClient, route: str, change: Any, status: int, code: str):
    body = HOUSEHOLD | (ASKED if route == "/v1/whatif" else {"on": "2018-07-01", "tables": ["jinxiang"]}) | change
    answer = post(client, route, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert CANARY.lower() not in answer.text.lower()


@pytest.mark.parametrize("route", ["/v1/whatif", "/v1/compare"])
@pytest.mark.parametrize("body", ["[]", "3", "null", "{}", '{"a": NaN}', '{"a":1,"a":2}', "{", "\ud800"])
def test_bodies_of_another_shape_are_refused(client: TestClient, route: str, body: str):
    data = body.encode("utf-8", "surrogatepass")
    answer = client.post(route, content=data, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert client.post(route, content=data, headers={"content-type": "text/plain"}).status_code == 415
    assert client.get(route).status_code == 405
