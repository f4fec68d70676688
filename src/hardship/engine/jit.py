"""The one place that knows numba: its options, its cache on disk, and arrays at an address.

Kernels are written in `kernels*.py`, `machine.py` and wherever else `kernel` is used; no other file imports numba.
Numba's own cache looks only at the file of the outermost function and would serve a stale callee, so the cache lies
in a directory named by a hash of every source that takes part.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba as _numba
import numpy as np
from numba.core import cgutils, types
from numba.core import config as _config
from numba.extending import intrinsic as _intrinsic

numba: Any = _numba  # its own annotations do not fit how it is used
config: Any = _config
intrinsic: Any = _intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])

COMPILED = not config.DISABLE_JIT
"""False under NUMBA_DISABLE_JIT=1: kernels then run as plain Python."""


def kernel(function: Function) -> Function:
    """Compile a function: no Python lock, no bounds checks, no fast maths, division by zero as in numpy, cached."""
    before = config.CACHE_DIR
    config.CACHE_DIR = str(cache_directory())
    try:
        compiled: Function = numba.njit(nogil=True, cache=True, error_model="numpy", boundscheck=False)(function)
    finally:
        config.CACHE_DIR = before
    return compiled


@cache
def source_hash() -> str:
    """A hash of every source whose text goes into machine code, and of what compiles it."""
    digest = hashlib.sha256(f"{numba.__version__} {np.__version__} {sys.version}".encode())
    here = Path(__file__).parent
    for path in (*sorted(here.glob("*.py")), here.parent / "lowering" / "ops.py"):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def cache_directory() -> Path:
    """A directory that only this user writes to: in the user's cache, else a private temporary one."""
    root = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    home = Path(root) if root else Path(os.path.expanduser("~")) / ".cache"
    owner = os.getuid() if hasattr(os, "getuid") else 0
    for base in (home / "hardship", Path(tempfile.gettempdir()) / f"hardship-{owner}"):
        folder = base / f"kernels-{source_hash()}"
        try:
            base.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            # Numba loads what lies here as code: nobody else may be able to put it there.
            found = base.stat()
            if hasattr(os, "getuid") and (found.st_uid != owner or stat.S_IMODE(found.st_mode) & 0o022):
                continue
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    return Path(tempfile.mkdtemp(prefix="hardship-"))


if COMPILED:

    def _to_pointer(context: Any, address: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], cgutils.voidptr_t)

        return types.voidptr(types.uint64), generate

    _pointer: Any = intrinsic(_to_pointer)

    @kernel
    def bytes_at(address: np.uint64, size: int) -> Any:
        """The `size` bytes at an address."""
        return numba.carray(_pointer(address), (size,), np.uint8)

    @kernel
    def i32_at(address: np.uint64, size: int) -> Any:
        """The `size` 32-bit integers at an address."""
        return numba.carray(_pointer(address), (size,), np.int32)

    @kernel
    def u32_at(address: np.uint64, size: int) -> Any:
        """The `size` unsigned 32-bit integers at an address."""
        return numba.carray(_pointer(address), (size,), np.uint32)

    @kernel
    def i64_at(address: np.uint64, size: int) -> Any:
        """The `size` 64-bit integers at an address."""
        return numba.carray(_pointer(address), (size,), np.int64)

    @kernel
    def u64_at(address: np.uint64, size: int) -> Any:
        """The `size` unsigned 64-bit integers at an address."""
        return numba.carray(_pointer(address), (size,), np.uint64)

else:

    def _view(address: np.uint64, size: int, item: Any, dtype: Any) -> Any:
        if not size:
            return np.empty(0, dtype)
        return np.frombuffer((item * int(size)).from_address(int(address)), dtype)

    def bytes_at(address: np.uint64, size: int) -> Any:
        """The `size` bytes at an address."""
        return _view(address, size, ctypes.c_uint8, np.uint8)

    def i32_at(address: np.uint64, size: int) -> Any:
        """The `size` 32-bit integers at an address."""
        return _view(address, size, ctypes.c_int32, np.int32)

    def u32_at(address: np.uint64, size: int) -> Any:
        """The `size` unsigned 32-bit integers at an address."""
        return _view(address, size, ctypes.c_uint32, np.uint32)

    def i64_at(address: np.uint64, size: int) -> Any:
        """The `size` 64-bit integers at an address."""
        return _view(address, size, ctypes.c_int64, np.int64)

    def u64_at(address: np.uint64, size: int) -> Any:
        """The `size` unsigned 64-bit integers at an address."""
        return _view(address, size, ctypes.c_uint64, np.uint64)
