"""What is written but not yet taken: in memory up to a size, beyond it in a file that has no name.

A client may send its whole body before it reads a byte of the answer. Were the service to wait for it, both would
wait for ever; were it to hold the answer in memory, memory would grow with the body.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections import deque
from collections.abc import AsyncIterator
from typing import IO

PIECE = 2**18


class Spool:
    """Bytes in, the same bytes out in their order; one puts, one takes.

    Args:
        most: bytes held in memory.
    """

    def __init__(self, most: int = 2**23) -> None:
        self._most = most
        self._held: deque[bytes] = deque()
        self._size = 0
        self._file: IO[bytes] | None = None
        self._read = self._written = 0
        self._ended = self._writing = False
        self._error: BaseException | None = None
        self._more = asyncio.Event()

    async def put(self, data: bytes) -> None:
        """Add bytes.

        Raises:
            OSError: they did not fit into memory, and the disk is full.
        """
        if self._written == self._read and self._size + len(data) <= self._most:
            self._held.extend(data[start : start + PIECE] for start in range(0, len(data), PIECE))
            self._size += len(data)
        elif data:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  (closed by `close`)
            self._writing = True
            await asyncio.to_thread(_write, self._file.fileno(), data, self._written)
            self._written += len(data)
            self._writing = False
        self._more.set()

    def end(self, error: BaseException | None = None) -> None:
        """Nothing follows; the taker gets everything before, then the error if there is one."""
        self._ended, self._error = True, error
        self._more.set()

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    async def pieces(self) -> AsyncIterator[bytes]:
        """All bytes in pieces, until the end."""
        while True:
            if self._held:
                piece = self._held.popleft()
                self._size -= len(piece)
                yield piece
            elif self._read < self._written and self._file is not None:
                size = min(PIECE, self._written - self._read)
                piece = await asyncio.to_thread(os.pread, self._file.fileno(), size, self._read)
                self._read += len(piece)
                if self._read == self._written and not self._writing:
                    self._file.truncate(0)
                    self._read = self._written = 0
                yield piece
            elif self._ended:
                if self._error is not None:
                    raise self._error
                return
            else:
                self._more.clear()
                await self._more.wait()


def _write(file: int, data: bytes, place: int) -> None:
    view = memoryview(data)
    while view:
        done = os.pwrite(file, view, place)
        view, place = view[done:], place + done
