"""Libraries that another one imports wherever they happen to be installed, kept away while it is imported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def unasked(*names: str) -> Iterator[None]:
    """While this holds, importing one of some modules fails as if it were not installed, unless it is there already."""
    modules: dict[str, Any] = sys.modules
    hidden = [name for name in names if name not in modules]
    modules.update(dict.fromkeys(hidden))  # how Python itself notes that a module cannot be imported
    try:
        yield
    finally:
        for name in hidden:
            del modules[name]
