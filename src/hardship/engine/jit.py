"""The one place that knows numba: its options, its cache on disk, and arrays at an address.

Kernels are written in `kernels*.py`, `machine.py` and wherever else `kernel` is used; no other file but `kept` imports
numba.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba as _numba
import numpy as np
from numba.core import cgutils as _cgutils
from numba.core import config as _config
from numba.core import types as _types
from numba.core.ccallback import CFunc as _CFunc
from numba.extending import intrinsic as _intrinsic

from hardship.engine.kept import keep_safely
from hardship.messages import cache_home

numba: Any = _numba  # its own annotations do not fit how it is used
config: Any = _config
intrinsic: Any = _intrinsic
cgutils: Any = _cgutils
types: Any = _types
CFunc: Any = _CFunc

Function = TypeVar("Function", bound=Callable[..., Any])

U8, U32, U64 = np.uint8(0), np.uint32(0), np.uint64(0)
I16, I32, I64 = np.int16(0), np.int32(0), np.int64(0)
"""Tags: a kernel is compiled once for each type of the tags it is given."""

OPTIONS = {"error_model": "numpy", "boundscheck": False}

COMPILED = not config.DISABLE_JIT
"""False under NUMBA_DISABLE_JIT=1: kernels then run as plain Python."""


def inlined(function: Function) -> Function:
    """A function that is compiled into each of its callers and never by itself as well."""
    compiled: Function = numba.njit(inline="always", **OPTIONS)(function)
    return compiled


def kernel(function: Function) -> Function:
    """Compile a function: no Python lock, no bounds checks, no fast maths, division by zero as in numpy, cached."""
    with cached():
        compiled: Any = numba.njit(nogil=True, cache=True, no_cfunc_wrapper=True, **OPTIONS)(function)
        if COMPILED:
            keep_safely(compiled._cache, cache_directory())
    made: Function = compiled
    return made


@contextmanager
def cached() -> Iterator[None]:
    """What numba caches from within here lies in our folder."""
    before = config.CACHE_DIR
    config.CACHE_DIR = str(cache_directory())
    try:
        yield
    finally:
        config.CACHE_DIR = before


class Step:
    """A function of three addresses that kernels call at its own (`go_to`); compiled when that is asked for."""

    def __init__(self, function: Callable[[Any, Any, Any], None]) -> None:
        self.function = function
        self._compiled: Any = None

    def address(self) -> int:
        """Where it lies, compiled or loaded from disk; without compilation its number in `PLAIN`."""
        if not COMPILED:
            if self.function not in PLAIN:
                PLAIN.append(self.function)
            return PLAIN.index(self.function)
        if self._compiled is None:
            signature = (types.uint64, types.uint64, types.uint64), types.void
            compiled = CFunc(self.function, signature, locals={}, options=OPTIONS)
            with cached():
                compiled.enable_caching()
                keep_safely(compiled._cache, cache_directory())
            compiled.compile()
            self._compiled = compiled
        return int(self._compiled.address)


PLAIN: list[Callable[[Any, Any, Any], None]] = []
"""Steps without compilation."""


FOLDER = "kernels-"
"""How the name of the cache's folder begins; where no place for one is found, a folder of another name is made."""


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
    owner = os.getuid() if hasattr(os, "getuid") else 0
    for base in (cache_home() / "hardship", Path(tempfile.gettempdir()) / f"hardship-{owner}"):
        folder = base / f"{FOLDER}{source_hash()}"
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

    def _tick_type() -> Any:
        return cgutils.ir.FunctionType(cgutils.ir.IntType(64), [])

    def _to_clock(context: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
            return builder.call(builder.module.declare_intrinsic("llvm.readcyclecounter", fnty=_tick_type()), [])

        return types.int64(), generate

    clock: Any = intrinsic(_to_clock)

    def _to_go(_context: Any, address: Any, a: Any, b: Any, c: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            word = cgutils.ir.IntType(64)
            function = cgutils.ir.FunctionType(cgutils.ir.VoidType(), [word, word, word]).as_pointer()
            builder.call(builder.inttoptr(arguments[0], function), arguments[1:])
            return context.get_dummy_value()

        return types.void(address, a, b, c), generate

    go_to: Any = intrinsic(_to_go)

    def _to_typed(_context: Any, address: Any, tag: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        return types.CPointer(tag)(address, tag), generate

    def _to_like(_context: Any, value: Any, tag: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return context.cast(builder, arguments[0], signature.args[0], signature.return_type)

        return tag(value, tag), generate

    _typed: Any = intrinsic(_to_typed)
    like: Any = intrinsic(_to_like)

    def _to_soon(_context: Any, array: Any, place: Any, write: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            byte, whole = cgutils.ir.IntType(8).as_pointer(), cgutils.ir.IntType(32)
            data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
            function = cgutils.ir.FunctionType(cgutils.ir.VoidType(), [byte, whole, whole, whole])
            fetch = builder.module.declare_intrinsic("llvm.prefetch", [byte], function)
            address = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
            # Into all caches, as data; meant for writing or for reading.
            builder.call(fetch, [address, whole(write.literal_value), whole(3), whole(1)])
            return context.get_dummy_value()

        return types.void(array, types.int64, write), generate

    _soon: Any = intrinsic(prefer_literal=True)(_to_soon)

    @inlined
    def soon_read(array: Any, place: Any) -> None:
        """Let the element at a place of a contiguous array, counted along all of it, come into the cache."""
        _soon(array, place, 0)

    @inlined
    def soon_written(array: Any, place: Any) -> None:
        """The same for an element that will be written."""
        _soon(array, place, 1)

    @kernel
    def at(address: np.uint64, size: int, tag: Any) -> Any:
        """The `size` numbers of the type of `tag` at an address."""
        return numba.carray(_typed(address, tag), (size,))

else:

    def clock() -> int:
        """No ticks are counted without compilation."""
        return 0

    def go_to(address: int, a: Any, b: Any, c: Any) -> None:
        """Run the step that lies at an address."""
        PLAIN[address](a, b, c)

    def soon_read(array: Any, place: Any) -> None:
        """Nothing is fetched ahead without compilation."""

    def soon_written(array: Any, place: Any) -> None:
        """Nothing is fetched ahead without compilation."""

    def like(value: int, tag: Any) -> Any:
        """A number as one of the type of `tag`."""
        return type(tag)(value)

    def at(address: np.uint64, size: int, tag: Any) -> Any:
        """The `size` numbers of the type of `tag` at an address."""
        kind: Any = np.dtype(type(tag))
        if not size:
            return np.empty(0, kind)
        view: Any = np.frombuffer
        return view((ctypes.c_uint8 * (int(size) * kind.itemsize)).from_address(int(address)), kind)


@kernel
def bytes_at(address: np.uint64, size: int) -> Any:
    """The `size` bytes at an address."""
    return at(address, size, U8)


@kernel
def u32_at(address: np.uint64, size: int) -> Any:
    """The `size` unsigned 32-bit integers at an address."""
    return at(address, size, U32)


@kernel
def u64_at(address: np.uint64, size: int) -> Any:
    """The `size` unsigned 64-bit integers at an address."""
    return at(address, size, U64)


@kernel
def i64_at(address: np.uint64, size: int) -> Any:
    """The `size` 64-bit integers at an address."""
    return at(address, size, I64)
