"""numba's cache on disk made safe: several processes at once, damaged files, a disk that is full.

numba gives an overload its number before it writes it, so two processes that compile different overloads of one
function may each put theirs under the same number: what is written is therefore written under a lock. What lies there
is loaded as code, so it is believed only if it is what was written, and is of the signature that was asked for.

Loading is made short: numba would make ready for compiling first, and read again what only the compiler asks for.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from numba.core import codegen as _codegen
from numba.core import runtime as _runtime

from hardship.messages import default_language, text

if sys.platform != "win32":
    import fcntl

codegen: Any = _codegen  # annotated for none of this
runtime: Any = _runtime
llvm = codegen.ll

LOCK = "lock"
SEAL = hashlib.sha256().digest_size


def keep_safely(kept: Any, folder: Path) -> None:
    """Make the cache of one function safe; a fault of it is said once, and the function is compiled.

    Args:
        kept: of numba, not used before.
        folder: where all functions of one version are kept.
    """
    files, form, save = kept._cache_file, kept._impl, kept.save_overload
    dump, load_data, save_files = files._dump, files._load_data, files.save
    reduce, rebuild = form.reduce, form.rebuild

    def reduce_apart(compiled: Any) -> Any:
        (name, kind, (code, whole)), *rest, environments = reduce(compiled)
        # An environment without constants does nothing, and to load it would import half of numba.
        needed = [one for one in environments if one.consts]
        return whole, ((name, kind, (code, names_alone(compiled.fndesc))), *rest, needed)

    def rebuild_lean(context: Any, content: Any) -> Any:
        whole, needed = content
        found = rebuild(context, needed)
        link_late(found.library, whole)
        return found

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
        found = None
        try:
            # What compiled functions call; `load_overload` would load the compiler too.
            runtime.rtsys.initialize(context)
            with kept._guard_against_spurious_io_errors():
                found = kept._load_overload(signature, context)
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

    form.reduce, form.rebuild = reduce_apart, rebuild_lean
    files._dump, files._load_data, files.save = dump_sealed, load_sealed, save_alone
    kept.load_overload, kept.save_overload = load_safely, save_safely


def names_alone(described: Any) -> bytes:
    """A module of LLVM that has a function's names and nothing in them: numba asks it which symbols are there."""
    names = described.llvm_func_name, described.llvm_cpython_wrapper_name, described.llvm_cfunc_wrapper_name
    made: bytes = llvm.parse_assembly("\n".join(f'define void @"{one}"() {{ ret void }}' for one in names)).as_bitcode()
    return made


def link_late(library: Any, whole: bytes) -> None:
    """Let a loaded library read its module when a function that calls it is compiled: seldom ever."""

    def module() -> Any:
        del library._get_module_for_linking  # the method of its class again
        library._shared_module = llvm.parse_bitcode(whole)
        return library._shared_module

    library._get_module_for_linking = module


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
