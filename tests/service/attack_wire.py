"""Compression, HTTP and addresses as weapons: bombs, lengths that lie, methods and paths that are not served."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator

from hardship_api.documents import EXAMPLE
from hostile import CANARY

from service.attacks import DOCUMENTS, MANY, SCORE, Attack, request
from service.live import HOUSEHOLD, JSON, LINES, ON, TABLE


def encodings() -> Iterator[Attack]:
    """Content-Encoding: bombs, broken streams, names that are none; media types and charsets."""
    good = {SCORE: (json.dumps(EXAMPLE).encode(), JSON)}
    good |= {path: (json.dumps(document).encode(), JSON) for path, document in DOCUMENTS.items()}
    good |= {path: (json.dumps(HOUSEHOLD).encode() + b"\n", LINES) for path in MANY.values()}
    zeros, spaces = packed_again(bytes(1_000_000), 150), packed_again(b" \n" * 500_000, 150)
    again = gzip.compress(zeros)
    for path, (body, kind) in good.items():
        packed = gzip.compress(body)
        for said, data in {"bomb": zeros, "bomb of spaces": spaces, "bomb in a bomb": again}.items():
            yield Attack(
                f"{path} {said}", request("POST", path, data, kind, ["Content-Encoding: gzip"]), path in MANY.values()
            )
        yield Attack(
            f"{path} bomb behind good",
            request("POST", path, gzip.compress(body) + zeros, kind, ["Content-Encoding: gzip"]),
            True,
        )
        for said, data in {
            "none": body,
            "cut": packed[: len(packed) // 2],
            "crc": packed[:-8] + b"\0" * 8,
            "tail": packed + b"x" * 100,
            "empty": b"",
            "zlib": zlib.compress(body),
            "twice": gzip.compress(packed),
            "head": packed[:10],
            "members": packed * 50,
        }.items():
            yield Attack(f"{path} gzip {said}", request("POST", path, data, kind, ["Content-Encoding: gzip"]), True)
        for name in (
            "br",
            "zstd",
            "deflate",
            "compress",
            "gzip, gzip",
            "x" * 3000,
            "identity, identity",
            "\xff",
            "gzip;q=1",
            "GZIP",
            "identity",
        ):
            yield Attack(
                f"{path} encoding {name[:12]}", request("POST", path, packed, kind, [f"Content-Encoding: {name}"]), True
            )
        kinds = [
            "",
            "text/html",
            "application/xml",
            f"application/{CANARY}",
            "application/json; charset=utf-16",
            kind + "; charset=utf-7",
            "*/*",
        ]
        kinds += [
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencoded",
            kind + ";" * 3000,
            kind.upper(),
            "application/json, " + kind,
            "\xff",
        ]
        for name in kinds:
            yield Attack(f"{path} type {name[:24]}", request("POST", path, body, name), True)
        for name in (
            "",
            "nothing/*",
            "*/*",
            "text/html",
            "*" * 4000,
            CANARY,
            "application/json;q=x",
            ",,,",
            "\xff",
            "application/x-ndjson;q=0",
        ):
            yield Attack(f"{path} accept {name[:12]}", request("POST", path, body, kind, [f"Accept: {name}"]), True)
        for name in ("", "xx", "zh;q=x", "\xff", "zh" * 2000, CANARY, "*", "en;q=0"):
            yield Attack(
                f"{path} language {name[:12]}", request("POST", path, body, kind, [f"Accept-Language: {name}"]), True
            )


def packed_again(piece: bytes, times: int) -> bytes:
    """A piece so many times over, as gzip; never whole in memory."""
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    return b"".join([packer.compress(piece) for _ in range(times)]) + packer.flush()


def wire() -> Iterator[Attack]:
    """HTTP that is none, lengths that lie, methods that are not served."""
    good = json.dumps(EXAMPLE).encode()
    for path in (*DOCUMENTS, *MANY.values()):
        kind = LINES if path in MANY.values() else JSON
        top = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {kind}\r\n".encode()
        for said, data in {
            "length negative": top + b"Content-Length: -1\r\n\r\n" + good,
            "length text": top + b"Content-Length: many\r\n\r\n" + good,
            "length huge": top + b"Content-Length: 99999999999999999999\r\n\r\n" + good,
            "length 10^12": top + b"Content-Length: 1000000000000\r\n\r\n" + good,
            "length short": top + b"Content-Length: 5\r\n\r\n" + good,
            "length twice": top + b"Content-Length: 5\r\nContent-Length: 7\r\n\r\n" + good,
            "length and chunks": top + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "chunk size": top + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n" + good,
            "chunk huge": top + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n" + good,
            "chunk negative": top + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n" + good,
            "transfer strange": top + b"Transfer-Encoding: gzip\r\n\r\n" + good,
            "no length": top + b"\r\n" + good,
            "version": f"POST {path} HTTP/9.9\r\nHost: x\r\n\r\n".encode(),
            "header nul": top + b"X: \x00\r\n\r\n",
            "header long": top + b"X: " + b"a" * 200_000 + b"\r\n\r\n",
            "headers many": top + b"X: a\r\n" * 20_000 + b"\r\n",
            "header fold": top + b"X: a\r\n b\r\n\r\n",
            "expect": top + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
            "upgrade": top + b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n",
        }.items():
            yield Attack(f"{path} {said}", data, True)
        for method in (
            "GET",
            "PUT",
            "PATCH",
            "DELETE",
            "HEAD",
            "OPTIONS",
            "TRACE",
            "CONNECT",
            CANARY,
            "post",
            "P" * 3000,
        ):
            yield Attack(f"{path} {method[:8]}", request(method, path, good, kind))
    yield Attack("nothing", b"\r\n\r\n", True)
    yield Attack("text", CANARY.encode() + b"\r\n\r\n", True)
    yield Attack("bytes", bytes(range(256)) * 20, True)


def addresses() -> Iterator[Attack]:
    """Paths and query parameters of every route."""
    good = json.dumps(HOUSEHOLD).encode()
    names = [
        "",
        "..",
        "../x",
        "..%2f..%2fetc%2fpasswd",
        "%00",
        "%ff%fe",
        "%2e%2e/%2e%2e",
        "jinxiang%00",
        "jinxiang.toml",
        "con",
        "JINXIANG",
        "j" * 5000,
    ]
    names += [
        CANARY,
        "%E7%8E%8B",
        "<script>",
        "';--",
        "jinxiang@2018-13-01",
        "jinxiang@2018-03-24%0aX:y",
        "file:%2f%2f%2fetc%2fhostname",
        "*",
        "{}",
        "%c0%af",
    ]
    dates = [
        "",
        "x",
        "2018-02-30",
        "0000-00-00",
        "9999-12-31",
        "2018-07-01T00",
        "%00",
        CANARY,
        "1",
        "-1",
        "２０１８-07-01",
        "2018-7-1",
        "'",
        "2018-07-01" * 400,
    ]
    for name in names:
        ascii_name = name.encode("ascii", "replace").decode()
        for route in ("/v1/tables/{}", "/v1/tables/{}/card", "/{}", "/v1/{}"):
            yield Attack(f"{route} {name[:20]}", request("GET", route.format(ascii_name.replace(" ", "%20"))), True)
        for route in MANY:
            path = f"/v1/{'score/batch' if route == 'batch' else 'rank'}?table={ascii_name}&on={ON}"
            yield Attack(f"{route} table {name[:20]}", request("POST", path, good, LINES), name == "")
    for date in dates:
        quoted = date.encode("utf-8").decode("latin-1")
        for path in (f"/v1/score/batch?table={TABLE}&on=", f"/v1/rank?table={TABLE}&on="):
            yield Attack(f"{path} {date[:20]}", request("POST", path + quoted, good, LINES))
        for path in (
            f"/v1/tables/{TABLE}?on=",
            "/v1/standards?on=",
            f"/v1/tables/{TABLE}/card?on=",
            "/v1/standards?area=",
        ):
            yield Attack(f"{path} {date[:20]}", request("GET", path + quoted), True)
    for query in (
        "&on=2018-07-02",
        "&table=x",
        f"&{CANARY}=1",
        "&detail=all",
        "&detail=",
        "&accept=" + "x" * 4000,
        "&accept=%00",
        "&" * 3000,
        "&%zz",
        "#x",
    ):
        for path in MANY.values():
            yield Attack(f"{path} {query[:20]}", request("POST", path + query, good, LINES), True)
    for query in (f"detail={CANARY}", "detail=full&detail=items", "detail=", "x=1", "%zz", "detail=full%00"):
        yield Attack(f"score {query}", request("POST", f"{SCORE}?{query}", json.dumps(EXAMPLE).encode()), True)
