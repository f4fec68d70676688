"""Bodies as they come: media type, `Content-Encoding`, how many bytes, how long. Nothing is read beyond a limit."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import zlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request

from hardship_api.gate import Receive
from hardship_api.strict_json import Refused

JSON = ("application/json",)
Headers = Mapping[bytes, bytes]
RATIO = 200
FREE = 2**25
"""A packed body may grow `RATIO` times; the first `FREE` bytes are not held against it."""
PIECE = 2**18
SLOWEST = 1_000
_DATE = re.compile(r"(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}\Z")


def encoded(value: Any) -> bytes:
    """JSON with sorted keys, so that equal answers have equal bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def date(text: Any) -> dt.date:
    """An assessment date.

    Raises:
        Refused: it is none, or outside 1900 to 2199.
    """
    if not isinstance(text, str) or not _DATE.match(text):
        raise Refused("api.date")
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise Refused("api.date") from None


def head(request: Request) -> Headers:
    """A request's headers, names in lower case; of one that came twice the last."""
    return dict(request.headers.raw)


def media_type(headers: Headers, accepted: tuple[str, ...]) -> str:
    """The request's media type without its parameters.

    Raises:
        Refused: it is none of the accepted ones.
    """
    given = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
    if given not in accepted:
        raise Refused("api.media_type", 415)
    return given


def query(text: bytes, *known: str) -> dict[str, str]:
    """The parameters of a query, each once and each known.

    Raises:
        Refused: another one, or one twice.
    """
    given = QueryParams(text)
    if set(given) - set(known) or len(given.multi_items()) != len(given):
        raise Refused("api.parameters")
    return dict(given)


async def read_body(headers: Headers, receive: Receive, limit: int, seconds: int) -> bytes:
    """The whole body of one household, never more than `limit` bytes unpacked, there after so many `seconds`.

    Raises:
        Refused: it is larger (413), comes too slowly (408), or is not packed as it says (400, 415).
    """
    if b"content-encoding" in headers:
        return b"".join([part async for part in pieces(headers, receive, limit, seconds, seconds)])
    _declared(headers, limit)
    body, more = b"", True
    try:
        async with asyncio.timeout(seconds):
            while more:
                part, more = await _part(receive)
                if len(body) + len(part) > limit:
                    raise Refused("api.too_large", 413)
                body = body + part if body else part
    except TimeoutError:
        raise Refused("api.slow", 408) from None
    return body


async def _part(receive: Receive) -> tuple[bytes, bool]:
    """The next bytes of a body, and whether more will come."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)


def _declared(headers: Headers, limit: int) -> None:
    """Refuse a body that says itself that it is too large."""
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared[:20]) > limit:
        raise Refused("api.too_large", 413)


async def pieces(headers: Headers, receive: Receive, limit: int, seconds: int, idle: int) -> AsyncIterator[bytes]:
    """The body's bytes, unpacked, as they come; a chunked one is counted as it comes.

    Args:
        limit: most bytes, packed and unpacked.
        seconds: until when the whole must be there.
        idle: longest wait for the next byte; beyond so many seconds of waiting `SLOWEST` bytes a second must come.

    Raises:
        Refused: as `read_body`.
    """
    _declared(headers, limit)
    unpack = unpacker(headers.get(b"content-encoding", b"").decode("latin-1"), limit)
    loop = asyncio.get_running_loop()
    until, size, waited = loop.time() + seconds, 0, 0.0
    more = True
    while more:
        waited -= loop.time()
        try:
            async with asyncio.timeout_at(min(until, loop.time() + idle)):
                part, more = await _part(receive)
        except TimeoutError:
            raise Refused("api.slow", 408) from None
        waited += loop.time()
        size += len(part)
        if more and waited > idle and size < SLOWEST * waited:
            raise Refused("api.slow", 408)
        if size > limit:
            raise Refused("api.too_large", 413)
        if unpack is None:
            if part:
                yield part
        else:
            for piece in unpack.feed(part):
                yield piece
    if unpack is not None:
        unpack.end()


def unpacker(coding: str, limit: int) -> Gunzip | None:
    """What unpacks a body of this `Content-Encoding`; None where nothing is packed.

    Raises:
        Refused: a coding that is not read.
    """
    match coding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip":
            return Gunzip(limit)
        case _:
            raise Refused("api.encoding", 415)


class Gunzip:
    """gzip in pieces of bounded size; refused once it grows past the limit or out of proportion."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._packed = self._size = 0
        self._stream: Any = None

    def feed(self, data: bytes) -> list[bytes]:
        """What these bytes unpack to; at most `RATIO` times as much, or the body is refused.

        Raises:
            Refused: no gzip (400), or too much (413).
        """
        found = []
        self._packed += len(data)
        piece = b""
        while data or len(piece) == PIECE:  # a full piece may have more behind it
            if self._stream is None:
                if not data:
                    break
                self._stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
            try:
                piece = self._stream.decompress(data, PIECE)
            except zlib.error:
                raise Refused("api.encoding_broken", 400) from None
            self._size += len(piece)
            if self._size > self._limit or self._size > max(FREE, RATIO * self._packed):
                raise Refused("api.too_large", 413)
            if piece:
                found.append(piece)
            if self._stream.eof:  # a file may be several, one after the other
                data, self._stream = self._stream.unused_data, None
            else:
                data = self._stream.unconsumed_tail
        return found

    def end(self) -> None:
        """The body has ended.

        Raises:
            Refused: in the middle.
        """
        if self._stream is not None or not self._packed:
            raise Refused("api.encoding_broken", 400)
