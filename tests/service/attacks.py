"""Hostile requests for every route that takes a body, as the bytes that go over the wire.

Bodies come from `hostile.bodies`; here they are put into every route and form, and what HTTP itself, compression and
the columnar formats allow is added. Nothing here may bring an answer of 500 or more, or come back in an error.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import hostile
from hardship_api.documents import EXAMPLE
from hostile import CANARY, NAME

from service.live import BATCH, CSV, HOUSEHOLD, JSON, LINES, ON, RANK, TABLE

SCORE, WHATIF, COMPARE = "/v1/score", "/v1/whatif", "/v1/compare"
CHANGES: dict[str, Any] = {
    **EXAMPLE,
    "facts": [{"pointer": "/members/0/wage_month", "value": "700"}],
    "lines": {"dibao_standard": "700"},
}
SEVERAL: dict[str, Any] = {**HOUSEHOLD, "on": ON, "tables": [TABLE, "county_model"]}
DOCUMENTS: dict[str, dict[str, Any]] = {SCORE: EXAMPLE, WHATIF: CHANGES, COMPARE: SEVERAL}
"""The routes that take one document, each with a good one."""
MANY = {"batch": BATCH, "rank": RANK}
SECRETS = (CANARY, CANARY[:10], NAME, "DROP TABLE", "<script", "etc/passwd", "etc/hostname", "x.invalid", "Traceback")
"""What no error may say."""


@dataclass(frozen=True)
class Attack:
    """One request: the bytes of a connection, and whether a good answer (200) is an answer too."""

    name: str
    data: bytes
    may_pass: bool = False


def request(
    method: str, path: str, body: bytes | Sequence[bytes] = b"", kind: str = JSON, headers: Sequence[str] = ()
) -> bytes:
    """A whole HTTP request; a list of pieces is sent chunked, without a length."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", f"Content-Type: {kind}", *headers]
    if isinstance(body, bytes):
        lines.append(f"Content-Length: {len(body)}")
    else:
        lines.append("Transfer-Encoding: chunked")
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in body if piece) + b"0\r\n\r\n"
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def everything(thin: int = 1) -> Iterator[Attack]:
    """All attacks; of the bodies with one household only each `thin`-th (the small form of the test suite)."""
    yield from documents(thin)
    yield from lines(thin)
    yield from texts()


def documents(thin: int = 1) -> Iterator[Attack]:
    """Every hostile body at every route that takes one document, and texts that may be scored."""
    for path, good in DOCUMENTS.items():
        for number, (name, body) in enumerate([*hostile.bodies(good), *special(path)]):
            if number % thin == 0:
                yield Attack(f"{path} {name}", request("POST", path, body))
        for number, (name, body) in enumerate(hostile.payloads(good)):
            if number % (7 * thin) == 0:
                yield Attack(
                    f"{path} payload {name}", request("POST", path + "?detail=summary" * (path == SCORE), body), True
                )


def special(path: str) -> Iterator[tuple[str, bytes]]:
    """Bodies that only what-if or comparison knows."""
    if path == WHATIF:
        pointers = [
            "",
            "/",
            "//",
            "members",
            "/members",
            "/members/9/sex",
            "/members/-1/sex",
            "/members/1e9/sex",
            "/~2",
        ]
        pointers += [
            f"/{CANARY}",
            "/household/__class__",
            "/members/0/../../x",
            "/" * 5000,
            "/members/" + "9" * 30,
            7,
            None,
        ]
        for pointer in pointers:
            yield (
                f"pointer {str(pointer)[:20]}",
                json.dumps({**CHANGES, "facts": [{"pointer": pointer, "value": 1}]}).encode(),
            )
        for changes in (
            None,
            1,
            CANARY,
            {},
            [None],
            [CANARY],
            [{}],
            [[]],
            [{"pointer": "/household/boats"}],
            CHANGES["facts"] * 5000,
        ):
            yield f"changes {str(changes)[:20]}", json.dumps({**CHANGES, "facts": changes}).encode()
        for value in (CANARY, {}, [], None, "1e9", "NaN", True, "+", "+1000000%", "-200%", "9" * 40, "1/0", "0x1"):
            yield f"line {str(value)[:20]}", json.dumps({**CHANGES, "lines": {"dibao_standard": value}}).encode()
        for lines_ in (
            None,
            [],
            CANARY,
            {CANARY: 1},
            {"__class__": 1},
            {f"line_{number}": 1 for number in range(5000)},
        ):
            yield f"lines {str(lines_)[:20]}", json.dumps({**CHANGES, "lines": lines_}).encode()
    if path == COMPARE:
        wrong: list[Any] = [
            None,
            [],
            {},
            CANARY,
            [1],
            [None],
            [CANARY],
            ["../x"],
            [[TABLE]],
            [TABLE] * 21,
            ["/etc/passwd"],
            [TABLE, 1],
        ]
        for given in wrong:
            yield f"tables {str(given)[:20]}", json.dumps({**SEVERAL, "tables": given}).encode()


def lines(thin: int = 1) -> Iterator[Attack]:
    """Each hostile body as the only line of a batch, all of them as one, and strange line ends."""
    good = json.dumps(HOUSEHOLD, ensure_ascii=False).encode()
    for name, path in MANY.items():
        bodies = [(said, body) for said, body in hostile.bodies(HOUSEHOLD) if len(body) < 1_000_000]
        for number, (said, body) in enumerate(bodies):
            if number % thin == 0:
                yield Attack(f"{name} line {said}", request("POST", path, body, LINES), True)
        joined = b"\n".join(body.replace(b"\n", b" ") for _, body in bodies)
        yield Attack(f"{name} all lines", request("POST", path, joined, LINES), True)
        yield Attack(f"{name} all lines chunked", request("POST", path, cut(joined, 4_000), LINES), True)
        for number, (_, body) in enumerate(hostile.payloads(HOUSEHOLD)):
            if number % (40 * thin) == 0:
                yield Attack(f"{name} payload {number}", request("POST", path, body, LINES), True)
        strange = {
            "empty": b"",
            "line ends": b"\n" * 100_000,
            "CR": good.replace(b" ", b"\r"),
            "CRLF": good + b"\r\n" + good,
            "no last end": good + b"\n" + good[:-1],
            "long line": b'{"a": "' + b"x" * 3_000_000 + b'"}',
            "nul": b"\0" * 10_000,
            "same id": (good + b"\n") * 500,
            "spaces": b" " * 2_000_000,
            "utf-16": good.decode().encode("utf-16"),
            "BOM in each": b"\xef\xbb\xbf" + good + b"\n\xef\xbb\xbf" + good,
            "array": b"[" + good + b"," + good + b"]",
        }
        for said, body in strange.items():
            yield Attack(f"{name} {said}", request("POST", path, body, LINES), True)
            yield Attack(f"{name} {said} bytewise", request("POST", path, cut(body[:2_000], 1), LINES), True)


def cut(data: bytes, size: int) -> list[bytes]:
    """Pieces of a size."""
    return [data[place : place + size] for place in range(0, len(data), size)]


def texts() -> Iterator[Attack]:
    """CSV: broken quotes, headers, cells, encodings, payloads."""
    head = "household_id,member_id,wage_month,birth_date\n"
    row = "H1,1,0,1960-01-01\n"
    bodies: dict[str, bytes] = {
        "empty": b"",
        "header only": head.encode(),
        "no header": row.encode(),
        "open quote": (head + 'H1,"1\n').encode(),
        "quote inside": (head + 'H1,1"2,0,1960-01-01\n').encode(),
        "ragged": (head + "H1\nH1,1,0,1960-01-01,9,9\n").encode(),
        "nul": (head + "H1,\0,0,1960-01-01\n").encode(),
        "latin": (head + row).encode() + b"\xff\xfe\x80\n",
        "gb18030": (head + f"H1,{NAME},0,1960-01-01\n").encode("gb18030"),
        "utf-16": (head + row).encode("utf-16"),
        "twice": b"household_id,member_id,member_id\n1,1,1\n",
        "unknown": f"household_id,member_id,{CANARY}\n1,1,1\n".encode(),
        "wide": (",".join(f"c{number}" for number in range(20_000)) + "\n").encode(),
        "long cell": (head + "H1," + "x" * 2_000_000).encode(),
        "many commas": (head + "," * 1_000_000).encode(),
        "quoted ends": (head + '"H1","1","0","1960-\n01-01"\n').encode(),
        "open quote long": (head + '"' + "x\n" * 500_000).encode(),
        "quotes": (head + '"' * 999_999).encode(),
        "carriage": (head + row).replace("\n", "\r").encode(),
        "semicolons": (head + row).replace(",", ";").encode(),
        "no member id": b"household_id\nH1\n",
        "members 300": (head + row * 300).encode(),
        "formula": (head + "=1+1,@x,-1,+1\n").encode(),
        "xlsx": zip_bomb(),
        "html": b"<html><script>alert(1)</script>" * 100,
    }
    for number, cell in enumerate(
        [CANARY, NAME, "NaN", "1e400", "9" * 5000, "1,000", "=1+1", "\u202e", "١", "0x1", *hostile.PAYLOADS]
    ):
        for column in ("wage_month", "birth_date"):
            made = head + (
                f'H{number},1,"{cell}",1960-01-01\n' if column == "wage_month" else f'H{number},1,0,"{cell}"\n'
            )
            bodies[f"{column} {cell[:12]}"] = made.encode("utf-8", "surrogatepass")
    for name, path in MANY.items():
        for said, body in bodies.items():
            yield Attack(f"{name} csv {said}", request("POST", path, body, CSV), True)


def zip_bomb() -> bytes:
    """An archive whose one file unpacks to 200 MB."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w") as handle,
    ):
        for _ in range(200):
            handle.write(bytes(1_000_000))
    return out.getvalue()
