"""API keys: random, shown once, kept as an HMAC under a secret of the server.

A key is `hk_<id>_<secret part>`. The file of the keys has one line for each: id, HMAC-SHA-256 of the whole key in hex,
day, label. Who reads the file cannot make a key from it; who has the server's secret alone cannot either.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from hardship.errors import Fault, UsageError

SHORTEST = 32
_KEY = re.compile(r"hk_([0-9a-f]{12})_[0-9A-Za-z_-]{43}\Z")
_LINE = re.compile(r"([0-9a-f]{12})\s+([0-9a-f]{64})(\s.*)?\Z")
_LABEL = re.compile(r"[^\x00-\x1f\x7f]{0,80}\Z")


def server_secret(text: str, file: str) -> bytes:
    """The server's secret from a setting or a file.

    Raises:
        UsageError: there is none, or it is too short to be one.
    """
    if not text and file:
        try:
            text = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise UsageError(Fault("api.secret_file", params={"path": file})) from None
    if len(text) < SHORTEST or len(set(text)) < 8:
        raise UsageError(Fault("api.no_secret", params={"least": SHORTEST}))
    return text.encode()


def new_secret(file: Path) -> None:
    """Make a secret and keep it in a new file that only its owner can read."""
    _write(file, secrets.token_hex(32) + "\n", os.O_EXCL)


def new_key(file: Path, secret: bytes, label: str) -> str:
    """Make a key, add its line to the file, and give the key back: it is kept nowhere else.

    Raises:
        UsageError: the label holds control characters or is too long.
    """
    if not _LABEL.match(label):
        raise UsageError(Fault("api.key_label"))
    identity = secrets.token_hex(6)
    key = f"hk_{identity}_{secrets.token_urlsafe(32)}"
    _write(
        file, f"{identity} {_mac(secret, key)} {dt.datetime.now(dt.UTC).date()} {label}".rstrip() + "\n", os.O_APPEND
    )
    return key


def _write(file: Path, text: str, how: int) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | how, 0o600)
    with os.fdopen(handle, "a", encoding="utf-8") as out:
        out.write(text)


def _mac(secret: bytes, key: str) -> str:
    return hmac.new(secret, key.encode(), hashlib.sha256).hexdigest()


class Keys:
    """The keys of a file, read again when it changes: a line taken out is a key taken back.

    Raises:
        UsageError: the file cannot be read, or a line is none.
    """

    def __init__(self, file: Path, secret: bytes) -> None:
        self._file, self._secret = file, secret
        self._stamp: tuple[int, int] = (0, 0)
        self._known: Mapping[str, str] = {}
        self._read()

    def holder(self, key: str) -> str | None:
        """The id of a key that is good, else None. Takes as long for a wrong one as for a right one."""
        form = _KEY.match(key) if len(key) < 100 else None
        self._refresh()
        kept = self._known.get(form[1], "") if form else ""
        same = hmac.compare_digest(_mac(self._secret, key if form else ""), kept or "0" * 64)
        return form[1] if form and kept and same else None

    def _refresh(self) -> None:
        try:
            if self._now() != self._stamp:
                self._read()
        except (OSError, UsageError):
            self._known = {}  # keys that cannot be read are no keys

    def _now(self) -> tuple[int, int]:
        about = self._file.stat()
        return about.st_mtime_ns, about.st_size

    def _read(self) -> None:
        try:
            self._stamp = self._now()
            lines = self._file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            raise UsageError(Fault("api.keys_file", params={"path": str(self._file)})) from None
        known = {}
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            found = _LINE.match(line)
            if found is None:
                raise UsageError(Fault("api.keys_line", self._file.name, number))
            known[found[1]] = found[2]
        self._known = known
