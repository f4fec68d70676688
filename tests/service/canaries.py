"""Fake people sent well and badly to every route: no trace of them may be left in what the service writes by itself.

    python tests/service/canaries.py [--people N]

Prints `people=… requests=… traces=0 core_dumps=off`; exit code 1 if a name, id number, phone, card or village of anyone
stands in the log, in `/metrics`, in a refusal, in the headers of an answer, or in a file.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pyarrow as pa

from service.attack_columns import as_arrow, as_parquet, good_table, put
from service.attacks import DOCUMENTS, MANY, SCORE
from service.live import ARROW, CSV, HOUSEHOLD, JSON, LINES, ON, PARQUET, TABLE, Live
from service.siege import refused

SURNAMES, GIVEN = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗", "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂琴玉珍凤"
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
LOG_ALL = {"HARDSHIP_API_ACCESS_LOG": "1", "PYTHONFAULTHANDLER": "1"}


@dataclass(frozen=True)
class Person:
    """What no log may hold."""

    name: str
    number: str
    phone: str
    card: str
    village: str


def person(draw: random.Random) -> Person:
    """A fake person whose id number and card pass their check digits."""
    birth = f"{draw.randint(1930, 2016)}{draw.randint(1, 12):02}{draw.randint(1, 28):02}"
    body = f"{draw.choice(['370828', '110101', '440305'])}{birth}{draw.randint(0, 999):03}"
    digit = "10X98765432"[sum(int(a) * w for a, w in zip(body, WEIGHTS, strict=True)) % 11]
    card = f"62{draw.randint(0, 10**16 - 1):016}"
    luhn = sum(sum(divmod(int(c) * (2 - k % 2), 10)) for k, c in enumerate(card)) * 9 % 10
    name = draw.choice(SURNAMES) + "".join(draw.choice(GIVEN) for _ in range(3))
    village = "".join(draw.choice(GIVEN) for _ in range(4)) + "村"
    return Person(
        name, body + digit, f"1{draw.randint(30, 99)}{draw.randint(0, 10**8 - 1):08}", f"{card}{luhn}", village
    )


def requests(one: Person, turn: int) -> Iterator[tuple[str, str, bytes | None, dict[str, str]]]:
    """What is sent of one person: method, path, body, headers. `turn` chooses among the forms that cost more."""
    told = " ".join(astuple(one))
    quoted = urllib.parse.quote(told)
    well: dict[str, Any] = copy.deepcopy(HOUSEHOLD)
    well["household"] |= {"household_id": f"H-{one.number}", "area_code": "370828100001"}
    for member in (*well["members"], *well["transfers"]):
        member["member_id"] += f"-{one.card}"
    marked = {"accept-language": "zh", "user-agent": one.name.encode().decode("latin-1"), "x-request-id": one.phone}
    for path, good in DOCUMENTS.items():
        asked = {**good, **well}
        yield "POST", path + "?detail=items" * (path == SCORE), as_json(asked), {"content-type": JSON, **marked}
        for bad in badly(asked, one):
            yield "POST", path, bad, {"content-type": JSON, "referer": one.phone}
    line = as_json(well)
    for path in MANY.values():
        rows = b"\n".join([line, *(bad.replace(b"\n", b" ") for bad in badly(well, one)), b""])
        yield "POST", path, rows, {"content-type": LINES, **marked}
        yield "POST", f"{path}&accept={quoted}", line, {"content-type": LINES}
        yield "POST", f"{path}&{quoted}=1", line, {"content-type": LINES}
        yield "POST", path.replace(TABLE, quoted), line, {"content-type": LINES, "authorization": f"Bearer {one.phone}"}
        yield "POST", path.replace(ON, quoted), line, {"content-type": f"text/{one.phone}"}
        header = f"household_id,member_id,wage_month,{one.name}\n".encode()
        yield (
            "POST",
            path,
            header + f"{one.number},{one.card},{one.phone},{one.village}\n".encode(),
            {"content-type": CSV},
        )
        cells = f"household_id,member_id,wage_month\n{one.number},{one.card},{one.phone}{one.village}\n".encode()
        yield "POST", path, cells, {"content-type": CSV}
        if turn % 10 == 0:
            table = put(good_table(), "household_id", pa.array([f"H{one.number}{k}" for k in range(3)]))
            wrong = put(table, "area_code", pa.array([one.name, one.phone, one.village]))
            yield "POST", path, as_arrow(wrong), {"content-type": ARROW}
            yield "POST", path, as_parquet(wrong), {"content-type": PARQUET}
            yield (
                "POST",
                path,
                as_parquet(table.append_column(one.name, pa.array([told] * 3))),
                {"content-type": PARQUET},
            )
            yield "POST", path, as_parquet(table)[:-30], {"content-type": PARQUET}
            yield "POST", path, as_arrow(table)[: -200 - turn % 300], {"content-type": ARROW}
    for route in (
        "/v1/tables/{}",
        "/v1/tables/{}/card",
        "/{}",
        f"/v1/tables/{TABLE}?on={{}}",
        "/v1/standards?area={}",
        "/ready?{}",
    ):
        yield "GET", route.format(quoted), None, {"cookie": f"id={one.number}"}
    yield "DELETE", SCORE, as_json(well), {"content-type": JSON}


def badly(good: dict[str, Any], one: Person) -> Iterator[bytes]:
    """Bodies that are refused, each with the person in another place."""
    places: list[tuple[tuple[Any, ...], Any]] = [
        (("household", one.name), one.village),
        (("household", "area_code"), one.village),
        (("household", "boats"), one.phone),
        (("members", 0, "wage_month"), one.card + one.name),
        (("members", 1, "birth_date"), one.number),
        (("members", 0, one.phone), {one.name: one.number}),
        (("members", 0, "sex"), [one.name]),
        ((one.name,), one.number),
    ]
    for place, value in places:
        found = copy.deepcopy(good)
        spot: Any = found
        for key in place[:-1]:
            spot = spot[key]
        spot[place[-1]] = value
        yield as_json(found)
    text = as_json(good).decode()
    yield f'{{"{one.name}": NaN, "{one.number}": "{one.phone}"}}'.encode()
    yield f"{text[:-1]} {one.name} {one.card}".encode()
    yield f'{{"{one.phone}": 1, "{one.phone}": "{one.village}"}}'.encode()
    yield one.name.encode("gb18030") + text.encode()


def as_json(document: Any) -> bytes:
    """A document as JSON."""
    return json.dumps(document, ensure_ascii=False).encode()


def spellings(people: Sequence[Person]) -> list[tuple[str, str]]:
    """Every secret as it may be written: plain, percent-encoded, with JSON's or Python's escapes, as wrong Latin."""
    found = []
    for secret in {text for one in people for text in astuple(one)}:
        forms = {secret, urllib.parse.quote(secret), json.dumps(secret)[1:-1], repr(secret.encode())[2:-1]}
        forms |= {secret.encode().decode("latin-1"), secret.encode().hex()}
        found += [(secret, form) for form in forms]
    return found


class Watch:
    """Looks again and again at every file below a folder, while requests run; keeps all that it ever saw."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.names: set[str] = set()
        self.content: set[bytes] = set()

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.005):
            for path in self._folder.rglob("*"):
                try:
                    self.names.add(str(path.relative_to(self._folder)))
                    self.content.add(path.read_bytes()[:1_000_000])
                except OSError:
                    continue  # gone, or a folder


def run(live: Live, people: Sequence[Person]) -> tuple[int, list[str]]:
    """Send all of them; the number of requests and every trace found, as `place: secret`."""
    said: list[str] = []
    count = 0
    with Watch(live.tmp) as watch:
        for turn, one in enumerate(people):
            for method, path, body, headers in requests(one, turn):
                status, answered, text = live.send(method, path, body, headers)
                count += 1
                said.append(json.dumps(answered) + "".join(refused(status, text)))
                assert status < 500, (status, method, path, text[:300])
        time.sleep(0.1)
    metrics = live.send("GET", "/metrics")[2].decode()
    places = {
        "log": live.written(),
        "metrics": metrics,
        "refusals": "\n".join(said),
        "file names": "\n".join(watch.names),
    }
    places["files"] = b"\n".join(watch.content).decode("utf-8", "replace")
    forms = spellings(people)
    return count, [f"{place}: {form}" for place, text in places.items() for _, form in forms if form in text]


def core_dumps_off(live: Live) -> bool:
    """Whether a crash of any process of the service would leave no image of its memory."""
    limits = (Path(f"/proc/{process}/limits").read_text() for process in live.processes())
    return all(line.split()[4:6] == ["0", "0"] for text in limits for line in text.splitlines() if "core file" in line)


def main(arguments: Sequence[str]) -> int:
    """All of them on a service of its own that logs as much as it can."""
    parser = argparse.ArgumentParser(prog="dev.py canaries", description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=500)
    given = parser.parse_args(arguments)
    draw = random.Random(500)
    with Live(env=LOG_ALL) as live:
        count, traces = run(live, [person(draw) for _ in range(given.people)])
        off = core_dumps_off(live)
        lines = len(live.written().splitlines())
    for one in traces[:20]:
        print(one)
    dumps = "off" if off else "on"
    print(f"people={given.people} requests={count} log_lines={lines} traces={len(traces)} core_dumps={dumps}")
    return 1 if traces or not off else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
