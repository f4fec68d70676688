"""Batches and rankings: every form gives what the command line gives, and faults stay with their rows."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import gzip
import io
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient
from hardship_api.app import create_app
from hardship_api.columnar import Columnar
from hardship_api.settings import Settings
from service.live import HOUSEHOLD
from service.registers import arrow, documents, flat, folder, json_lines, nested, parquet, tables

from hardship.cli import run
from hardship.client import encoded
from hardship.load import find_table, load_table
from hardship.results import RANKS
from hardship.roots import default_roots

TABLE, ON = "county_model", "2018-07-01"
BATCH, RANK = (f"{path}?table={TABLE}&on={ON}" for path in ("/v1/score/batch", "/v1/rank"))
JSON, LINES, CSV = "application/json", "application/x-ndjson", "text/csv"
PARQUET, ARROW = "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream"
HOUSEHOLDS = 500
Frames = dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def frames() -> Frames:
    return tables(HOUSEHOLDS, 7, TABLE, dt.date.fromisoformat(ON))


@pytest.fixture(scope="module")
def command_line(frames: Frames, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str | None]]:
    """The records of `hardship score`, by household."""
    place = tmp_path_factory.mktemp("same")
    register = folder(frames, place / "register")
    out = place / "out"
    arguments = ["score", str(register), "--table", TABLE, "--on", ON, "--out", str(out), "--format", "csv"]
    assert run(arguments) == 0
    rows = csv.DictReader(io.StringIO((out / "results.csv").read_text(encoding="utf-8")))
    return {row["household_id"]: {name: text or None for name, text in row.items()} for row in rows}


def posted(client: TestClient, url: str, body: bytes, media: str, **headers: str) -> Any:
    return client.post(url, content=body, headers={"content-type": media, "accept": LINES, **headers})


def entries(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def in_pieces(client: TestClient, body: bytes, media: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A batch whose body comes in many small pieces."""
    monkeypatch.setattr("hardship_api.bodies.PIECE", 2_000)
    return posted(client, BATCH, gzip.compress(body), media, **{"content-encoding": "gzip"})


def named(found: list[dict[str, Any]]) -> dict[str, dict[str, str | None]]:
    """Records by household, the empty lists as null."""
    return {
        one["result"]["household_id"]: {name: text or None for name, text in one["result"].items()} for one in found
    }


def without_ranks(records: dict[str, dict[str, str | None]]) -> dict[str, dict[str, str | None]]:
    gone = dict.fromkeys((*RANKS, "position", "percentile"))
    return {name: record | gone for name, record in records.items()}


# --- the same everywhere ---


@pytest.mark.parametrize("form", ["lines", "arrow", "parquet", "packed", "told"])
def test_every_form_gives_what_the_command_line_gives(
    client: TestClient, frames: Frames, command_line: dict[str, Any], form: str
) -> None:
    table = nested(frames)
    bodies = {
        "lines": (json_lines(documents(frames)), LINES, {}),
        "arrow": (arrow(table, 64), ARROW, {}),
        "parquet": (parquet(table), PARQUET, {}),
        "packed": (gzip.compress(json_lines(documents(frames))), LINES, {"content-encoding": "gzip"}),
        "told": (parquet(table), "application/octet-stream", {}),
    }
    body, media, headers = bodies[form]
    found = entries(posted(client, BATCH, body, media, **headers))
    assert [one["status"] for one in found] == ["scored"] * HOUSEHOLDS
    assert [one["row"] for one in found] == list(range(1, HOUSEHOLDS + 1))
    assert named(found) == without_ranks(command_line)


def test_a_ranking_gives_what_the_command_line_gives(
    client: TestClient, frames: Frames, command_line: dict[str, Any]
) -> None:
    for body, media in ((json_lines(documents(frames)), LINES), (arrow(nested(frames)), ARROW)):
        assert named(entries(posted(client, RANK, body, media))) == command_line


def test_one_household_alone_gives_the_same(client: TestClient, frames: Frames, command_line: dict[str, Any]) -> None:
    for document in documents(frames)[:20]:
        one = posted(client, "/v1/score?detail=summary", encoded({**document, "table": TABLE, "on": ON}), JSON).json()
        assert without_ranks(named([one])).items() <= without_ranks(command_line).items()


def test_answers_in_columns_say_what_the_lines_say(client: TestClient, frames: Frames) -> None:
    body = json_lines(documents(frames)[:50]) + b"{}\n" + json_lines(documents(frames)[50:60])
    lines = entries(posted(client, BATCH, body, LINES))
    read = {
        PARQUET: lambda data: pl.read_parquet(io.BytesIO(data)),
        ARROW: lambda data: pl.read_ipc_stream(io.BytesIO(data)),
        CSV: lambda data: pl.read_csv(io.BytesIO(data), infer_schema=False),
    }
    for media, reader in read.items():
        answer = posted(client, BATCH, body, LINES, accept=media)
        assert answer.headers["content-type"].startswith(media)
        frame = reader(answer.content)
        assert frame["row"].cast(pl.Int64).to_list() == [one["row"] for one in lines]
        assert frame["status"].to_list() == [one["status"] for one in lines]
        incomes = [one.get("result", {}).get("income_per_head") for one in lines]
        assert frame["income_per_head"].cast(pl.String).to_list() == incomes
        (errors,) = frame.filter(pl.col("status") == "rejected")["errors"].to_list()
        errors = json.loads(errors) if isinstance(errors, str) else errors
        assert errors[0]["code"] == "api.members"
        assert frame.filter(pl.col("status") == "scored")["errors"].null_count() == 60


def test_a_household_of_csv_is_that_of_json(client: TestClient, frames: Frames) -> None:
    """CSV has no place for supporters and transfers."""
    plain = [{**one, "supporters": [], "transfers": []} for one in documents(frames)]
    expected = named(entries(posted(client, BATCH, json_lines(plain), LINES)))
    assert named(entries(posted(client, BATCH, flat(frames), CSV))) == expected
    packed = flat(frames).decode().encode("gb18030")
    assert named(entries(posted(client, BATCH, packed, CSV))) == expected


def test_person_rows_come_with_their_household(client: TestClient) -> None:
    on = dt.date(2021, 7, 1)
    frames = tables(200, 3, "national_2021", on)
    url = f"/v1/score/batch?table=national_2021&on={on}"
    lines = entries(posted(client, url, json_lines(documents(frames)), LINES))
    single = [one for one in lines if one.get("persons")]
    assert single
    document = next(
        one for one in documents(frames) if one["household"]["household_id"] == single[0]["result"]["household_id"]
    )
    alone = posted(
        client, "/v1/score?detail=summary", encoded({**document, "table": "national_2021", "on": str(on)}), JSON
    ).json()
    assert alone["persons"] == single[0]["persons"]
    columns = pl.read_ipc_stream(
        io.BytesIO(posted(client, url, json_lines(documents(frames)), LINES, accept=ARROW).content)
    )
    assert [0 if one is None else len(one) for one in columns["persons"]] == [
        len(one.get("persons", ())) for one in lines
    ]


# --- the form of the answer ---


def test_headers_say_what_it_was_scored_by(client: TestClient, frames: Frames) -> None:
    body = json_lines(documents(frames)[:3])
    for url, ranks, most in ((BATCH, "none", 1_000_000), (RANK, "whole", 200_000)):
        answer = posted(client, url, body, LINES)
        assert f"table={TABLE}@2018-01-01" in answer.headers["hardship-run"]
        assert "standards_sha256=" in answer.headers["hardship-run"]
        assert answer.headers["hardship-ranks"] == ranks
        assert answer.headers["hardship-households-limit"] == str(most)
        assert answer.headers["server-timing"].startswith("read;dur=")
    described = client.get("/openapi.json").json()["paths"]
    assert described["/v1/score/batch"]["post"]["x-households-limit"] == 1_000_000


def test_items_add_their_points(client: TestClient, frames: Frames) -> None:
    (found,) = entries(posted(client, BATCH + "&detail=items", json_lines(documents(frames)[:1]), LINES))
    assert any(name.startswith("item_") for name in found["result"])


def test_what_nobody_can_give_is_refused(client: TestClient, frames: Frames) -> None:
    body = json_lines(documents(frames)[:1])
    assert posted(client, BATCH, body, LINES, accept="image/png").status_code == 406
    assert posted(client, BATCH, body, "text/plain").status_code == 415
    assert posted(client, BATCH, body, LINES, **{"content-encoding": "br"}).status_code == 415
    assert posted(client, BATCH + "&detail=full", body, LINES).status_code == 422
    for empty, media in ((b"", LINES), (b"\n\n", LINES), (b"household_id,member_id\n", CSV)):
        answer = posted(client, BATCH, empty, media)
        assert (answer.status_code, answer.json()["code"]) == (422, "api.empty")


# --- faults ---


def columns_of(*documents: dict[str, Any]) -> pa.Table:
    """Households in contract form as nested columns, supporters and transfers beside the members."""
    rows = [{**one["household"], **{name: one.get(name, []) for name in ("members", "transfers")}} for one in documents]
    return pa.Table.from_pylist(rows)


def household(number: int, **facts: Any) -> dict[str, Any]:
    home = {**HOUSEHOLD["household"], "household_id": f"H{number}", **facts}
    return {**HOUSEHOLD, "household": home}


def test_a_wrong_row_is_alone_wrong(client: TestClient) -> None:
    documents = [household(1), household(2, motor_vehicles=-1), household(3), household(1)]
    documents[2]["members"] = [dict(documents[2]["members"][0], birth_date="2030-01-01")]
    bodies = {
        LINES: json_lines(documents),
        ARROW: arrow(columns_of(*documents), 100),
        PARQUET: parquet(columns_of(*documents)),
    }
    for media, body in bodies.items():
        found = entries(posted(client, BATCH, body, media))
        assert [one["status"] for one in found] == ["rejected"] * 4
        told = [(one["elementPath"], one["code"]) for one in found[1]["errors"]]
        assert told == [("/household/motor_vehicles", "register.out_of_bounds")]
        assert found[2]["errors"][0]["elementPath"] == "/members/0/birth_date"
        assert {"register.duplicate_household"} <= {one["code"] for one in found[0]["errors"]}
        assert all(one["row"] == entry["row"] for entry in found for one in entry["errors"])


def test_a_household_number_of_an_earlier_part_is_refused(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hardship_api.lines.MOST", 2)
    found = entries(in_pieces(client, json_lines([household(k) for k in (1, 2, 3, 1, 4)]), LINES, monkeypatch))
    assert [one["status"] for one in found] == ["scored", "scored", "scored", "rejected", "scored"]


def test_facts_inside_a_member_are_found(client: TestClient) -> None:
    member = dict(
        HOUSEHOLD["members"][0], supporters=[], transfers=[{"kind": "pension", "amount": "x", "period": "year"}]
    )
    rows = [{**HOUSEHOLD["household"], "members": [HOUSEHOLD["members"][1], member]}]
    rows[0]["members"][0] = dict(rows[0]["members"][0], supporters=None, transfers=[])
    (found,) = entries(posted(client, BATCH, arrow(pa.Table.from_pylist(rows)), ARROW))
    places = {one["elementPath"] for one in found["errors"]}
    assert places & {"/members/1/transfers/0/amount", "/members/1/transfers/0/kind"}


def test_too_many_members_are_their_households_fault(client: TestClient) -> None:
    crowd = [{"member_id": str(k)} for k in range(201)]
    body = columns_of(household(1), {**household(2), "members": crowd}, {**household(3), "members": []})
    found = entries(posted(client, BATCH, arrow(body), ARROW))
    assert [one["status"] for one in found] == ["scored", "rejected", "rejected"]
    assert [one["errors"][0]["code"] for one in found[1:]] == ["api.members", "register.no_members"]


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"x": [1]}),
        pa.table({"household_id": ["1"], "members": [[{"member_id": "1", "nobody": 1}]]}),
        pa.table({"household_id": ["1"], "家庭编号": ["1"]}),
        pa.table({"household_id": [[1.5]]}),
        pa.table({"household_id": ["1"], "members": [[1]]}),
        pa.table({"household_id": ["1"], "motor_vehicles": [b"x"]}),
    ],
)
def test_columns_that_cannot_be_are_refused(client: TestClient, table: pa.Table) -> None:
    answer = posted(client, BATCH, arrow(table), ARROW)
    assert (answer.status_code, answer.json()["code"]) == (422, "api.columns")


def test_broken_columns_are_refused(client: TestClient, frames: Frames) -> None:
    good = {ARROW: arrow(nested(frames), 50), PARQUET: parquet(nested(frames))}
    for media, body in good.items():
        for broken in (b"", b"PAR1", body[: len(body) // 2][:40], body[:8] + b"\xff" * 40 + body[48:]):
            answer = posted(client, BATCH, broken, media)
            assert answer.status_code == 422, (media, broken[:20])
    cut = posted(client, BATCH, good[ARROW][:-2000], ARROW)
    assert cut.status_code in (200, 422)


def test_a_body_that_breaks_off_ends_with_where(client: TestClient, frames: Frames, monkeypatch: Any) -> None:
    """What came before stands."""
    monkeypatch.setattr("hardship_api.columnar.MOST", 100)
    found = entries(posted(client, BATCH, arrow(nested(frames), 100)[:-2000], ARROW))
    assert [one["status"] for one in found[:-1]] == ["scored"] * (len(found) - 1)
    last = found[-1]
    assert (last["status"], last["row"], last["errors"][0]["code"]) == ("stopped", len(found), "api.columns_broken")


def test_limits_hold(frames: Frames) -> None:
    settings = Settings(batch_households=60, rank_households=60, batch_bytes=10**7, rank_bytes=10**5)
    bodies = json_lines(documents(frames))
    with TestClient(create_app(settings=settings), raise_server_exceptions=False) as client:
        for url in (BATCH, RANK):
            assert posted(client, url, b"".join(bodies.splitlines(True)[:30]), LINES).status_code == 200
            answer = posted(client, url, bodies, LINES)
            assert (answer.status_code, answer.json()["code"][:7]) == (413, "api.too")
        bomb = gzip.compress(b" " * 10**8)
        assert posted(client, BATCH, bomb, LINES, **{"content-encoding": "gzip"}).status_code == 413
        torn = gzip.compress(bodies)[:-100]
        for data in (torn, b"nothing packed", b""):
            assert posted(client, BATCH, data, LINES, **{"content-encoding": "gzip"}).status_code == 400


def test_implausible_incomes_stop_a_batch_unless_accepted(client: TestClient, frames: Frames) -> None:
    raised = dict(frames)
    raised["members"] = frames["members"].with_columns(pl.col("wage_month").cast(pl.Float64).fill_null(0) + 90_000)
    body = json_lines(documents(raised))
    answer = posted(client, BATCH, body, LINES)
    assert (answer.status_code, answer.json()["code"]) == (422, "api.implausible")
    accepted = posted(client, BATCH + "&accept=rich", body, LINES)
    assert accepted.status_code == 200


def test_a_column_in_a_wrong_unit_stops_a_batch_unless_accepted(client: TestClient, frames: Frames) -> None:
    """Wages times 12 leave the median income where it may be."""
    yearly = (pl.col("wage_month").cast(pl.Float64) * 12).round(2)
    body = json_lines(documents(dict(frames) | {"members": frames["members"].with_columns(yearly)}))
    answer = posted(client, BATCH, body, LINES)
    assert (answer.status_code, answer.json()["code"]) == (422, "api.implausible")
    assert posted(client, BATCH + "&accept=rich", body, LINES).status_code == 200


# --- in parts ---


def test_parts_come_in_order_whatever_their_size(
    client: TestClient, frames: Frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = posted(client, BATCH, json_lines(documents(frames)), LINES).content
    flat_expected = posted(client, BATCH, flat(frames), CSV).content
    for module in ("lines", "sheets", "columnar"):
        monkeypatch.setattr(f"hardship_api.{module}.MOST", 120)
    monkeypatch.setattr("hardship_api.parts.BLOCK_BYTES", 200_000)
    assert in_pieces(client, json_lines(documents(frames)), LINES, monkeypatch).content == expected
    assert in_pieces(client, flat(frames), CSV, monkeypatch).content == flat_expected
    assert in_pieces(client, arrow(nested(frames), 10), ARROW, monkeypatch).content == expected
    whole = posted(client, BATCH, parquet(nested(frames)), PARQUET, accept=PARQUET)
    assert pl.read_parquet(io.BytesIO(whole.content))["row"].to_list() == list(range(1, HOUSEHOLDS + 1))


def test_nothing_is_left_on_the_disk(
    client: TestClient, frames: Frames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    for media, body in ((PARQUET, parquet(nested(frames))), (PARQUET, b"PAR1broken")):
        posted(client, BATCH, body, media)
    assert list(tmp_path.iterdir()) == []


def test_what_says_itself_that_it_is_too_long_is_not_unpacked() -> None:
    """A few bytes of Parquet can stand for millions of rows: their number stands in the footer."""
    rows = pa.table({"household_id": pa.array(["x"]).take(pa.array([0] * 2_000, pa.int32()))})
    with TestClient(create_app(settings=Settings(batch_households=1_000)), raise_server_exceptions=False) as small:
        answer = small.post(BATCH, content=parquet(rows), headers={"content-type": PARQUET})
        assert (answer.status_code, answer.json()["code"]) == (413, "api.too_many_rows")


def test_lines_that_are_not_plain_give_what_plain_ones_give(client: TestClient, frames: Frames) -> None:
    plain = json_lines(documents(frames))
    lines = [
        line.replace(b'"members"', b'"m\\u0065mbers"') if number % 3 else line
        for number, line in enumerate(plain.split(b"\n"))
    ]
    twice = plain.split(b"\n")[1]
    for body in (plain, plain + twice + b"\n"):
        mixed = b"\n".join(lines) + body[len(plain) :]
        expected = posted(client, BATCH, body, LINES)
        assert posted(client, BATCH, mixed, LINES).content == expected.content
        assert b'"scored"' in expected.content


def test_slow_senders_do_not_hold_the_unpackers(frames: Frames, monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than there are unpackers, and a quick one behind them; all get their answers."""
    monkeypatch.setattr("hardship_api.columnar.PATIENCE", 0.1)
    monkeypatch.setattr("hardship_api.columnar.MOST", 100)
    body = arrow(nested(frames), 100)
    attributes = load_table(find_table(TABLE, dt.date.fromisoformat(ON), default_roots())[0]).names.attributes

    async def all_of_them() -> tuple[list[int], list[list[bytes]]]:
        unpackers, quick = asyncio.Semaphore(2), asyncio.Event()
        done: list[int] = []

        async def slow() -> AsyncIterator[bytes]:
            yield body[: len(body) // 2]
            await quick.wait()
            yield body[len(body) // 2 :]

        async def at_once() -> AsyncIterator[bytes]:
            yield body

        async def read(number: int, pieces: AsyncIterator[bytes]) -> list[bytes]:
            source = Columnar(False, attributes, "en", 1_000, False, unpackers)
            found = [block async for block in source.blocks(pieces)]
            done.append(number)
            if number == 0:
                quick.set()
            return found

        tasks = [asyncio.create_task(read(number, slow())) for number in (1, 2, 3)]
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(read(0, at_once())))
        async with asyncio.timeout(60):
            return done, await asyncio.gather(*tasks)

    done, found = asyncio.run(all_of_them())
    assert done[0] == 0
    assert len(found[0]) == HOUSEHOLDS // 100
    assert found[0] == found[1] == found[2] == found[3]
