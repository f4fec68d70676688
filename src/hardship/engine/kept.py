"""numba's cache on disk made safe: several processes at once, damaged files, a disk that is full.

numba gives an overload its number before it writes it, so two processes that compile different overloads of one
function may each put theirs under the same number: what is written is therefore written under a lock. What lies there
is loaded as code, so it is believed only if it is what was written, and is of the signature that was asked for.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from hardship.messages import default_language, text

if sys.platform != "win32":
    import fcntl

LOCK = "lock"
SEAL = hashlib.sha256().digest_size


def keep_safely(kept: Any, folder: Path) -> None:
    """Make the cache of one function safe; a fault of it is said once, and the function is compiled.

    Args:
        kept: of numba, not used before.
        folder: where all functions of one version are kept.
    """
    files = kept._cache_file
    load, save = kept.load_overload, kept.save_overload
    dump, load_data, save_files = files._dump, files._load_data, files.save

    def dump_sealed(content: Any) -> bytes:
        data: bytes = dump(content)
        return data + hashlib.sha256(data).digest()  # numba reads up to the end of what it wrote

    def load_sealed(name: str) -> Any:
        data = Path(files._data_path(name)).read_bytes()
        if hashlib.sha256(data[:-SEAL]).digest() != data[-SEAL:]:
            raise ValueError(name)
        return load_data(name)

    def save_alone(key: Any, data: Any) -> None:
        with alone(folder):
            save_files(key, data)

    def load_safely(signature: Any, context: Any) -> Any:
        try:
            found = load(signature, context)
            if found is None or found.signature.args == getattr(signature, "args", signature):
                return found
        except Exception:  # damage may look like anything
            pass
        say("common.kernel_damaged")
        with suppress(OSError), alone(folder):
            kept.flush()
        return None

    def save_safely(signature: Any, compiled: Any) -> None:
        try:
            save(signature, compiled)  # makes the object code first: that waits for nobody
        except Exception as error:  # a full disk; or damage that could not be taken away
            reason = getattr(error, "strerror", None) or type(error).__name__
            say("common.kernel_not_kept", reason=reason)

    files._dump, files._load_data, files.save = dump_sealed, load_sealed, save_alone
    kept.load_overload, kept.save_overload = load_safely, save_safely


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """No other process is in here for the same folder (on Windows it may be)."""
    if sys.platform == "win32":
        yield
        return
    with (folder / LOCK).open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # let go when the file is closed, also by a process that dies
        yield


@cache
def say(code: str, **params: str) -> None:
    """A line on standard error, once in a process."""
    print(text(code, default_language(), **params), file=sys.stderr)
