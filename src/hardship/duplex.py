"""One HTTP exchange whose answer is read while its body is still being sent.

The standard library sends a whole body before it reads the first byte of the answer. A service that streams would
then wait for its reader, the sender for the service, and neither would move. Here every wait for a byte of the answer
sends what the socket takes of the body meanwhile: one thread, so TLS is safe.
"""

from __future__ import annotations

import http.client
import io
import select
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Any, cast


class Unsent(Exception):  # noqa: N818  (its caller makes the error that users see)
    """There was no answer; `reason` is what went wrong on the wire."""

    def __init__(self, reason: BaseException) -> None:
        super().__init__(type(reason).__name__)
        self.reason = reason


class _Wire(io.RawIOBase):
    """The reading side of a socket; whoever waits here sends the body on."""

    def __init__(self, connection: http.client.HTTPConnection, body: Iterator[bytes], timeout: float) -> None:
        super().__init__()
        self._connection = connection
        self._socket: socket.socket = connection.sock
        self._socket.setblocking(False)
        self._body = body
        self._timeout = timeout
        self._piece = memoryview(b"")
        self._ended = False
        self._sending = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Bytes of the answer; b"" at its end.

        Raises:
            TimeoutError: nothing came or went for too long.
            OSError: the connection broke before the answer ended.
        """
        until = time.monotonic() + self._timeout
        while True:
            try:
                return self._socket.recv_into(buffer)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
            if self._send():
                until = time.monotonic() + self._timeout
                continue
            wanted = [self._socket] if self._sending else []
            if not any(select.select([self._socket], wanted, [], max(until - time.monotonic(), 0))):
                raise TimeoutError

    def _send(self) -> bool:
        """Whether any byte of the body went out."""
        if not self._sending:
            return False
        if not self._piece:
            if self._ended:
                self._sending = False
                return False
            self._piece = memoryview(self._next())
        try:
            sent = self._socket.send(self._piece)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError:
            # The other side reads no more: it has said why, or the next read tells.
            self._sending = False
            return False
        self._piece = self._piece[sent:]
        return True

    def _next(self) -> bytes:
        """The next chunk; after the last one the closing one."""
        for piece in self._body:
            if piece:
                return b"%x\r\n%b\r\n" % (len(piece), piece)
        self._ended = True
        return b"0\r\n\r\n"

    def close(self) -> None:
        if not self.closed:
            self._connection.close()
        super().close()


class _Socket:
    """What `HTTPResponse` wants of a socket: a file to read from."""

    def __init__(self, wire: _Wire) -> None:
        self._wire = wire

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._wire, 1 << 16)


def exchange(
    connection: http.client.HTTPConnection, target: str, headers: Mapping[str, str], body: Iterator[bytes]
) -> http.client.HTTPResponse:
    """POST a body of unknown length; the answer, its status read, the rest read as it is wanted.

    Closing the answer closes the connection. An iterator of the body that raises, raises where the answer is read.

    Raises:
        Unsent: nobody answers.
    """
    try:
        connection.connect()
        connection.putrequest("POST", target, skip_accept_encoding=True)
        for name, value in {**headers, "Transfer-Encoding": "chunked", "Connection": "close"}.items():
            connection.putheader(name, value)
        connection.endheaders()
        wire = _Wire(connection, body, connection.timeout or 60.0)
        answer = http.client.HTTPResponse(cast(socket.socket, _Socket(wire)), method="POST")
        answer.begin()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        raise Unsent(error) from None
    return answer
