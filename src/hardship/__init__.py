"""Exact, explained scoring and ranking of households for social assistance.

    from hardship import open_inputs
    from hardship.score import score

    inputs = open_inputs(Path("register"), "county_model", date(2018, 7, 1))
    results = score(inputs.register, inputs.checked, inputs.standards, inputs.on)

Every name is loaded when it is first asked for, so that `import hardship` costs nothing. Functions named as their
module (`score.score`, `explain.explain`, `verify.verify`) are imported from it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from hardship.attributes import dictionary as dictionary
    from hardship.errors import EngineError as EngineError
    from hardship.errors import Fault as Fault
    from hardship.errors import HardshipError as HardshipError
    from hardship.errors import RegisterError as RegisterError
    from hardship.errors import TableError as TableError
    from hardship.errors import UsageError as UsageError
    from hardship.inputs import Inputs as Inputs
    from hardship.inputs import open_inputs as open_inputs
    from hardship.inputs import open_table as open_table
    from hardship.load import load_table as load_table
    from hardship.register import Register as Register
    from hardship.register import from_dicts as from_dicts
    from hardship.register import read_register as read_register
    from hardship.results import Results as Results
    from hardship.standards import Standards as Standards
    from hardship.standards import load_standards as load_standards
    from hardship.synthesis import synthesize as synthesize

_HOME = {
    "attributes": ("dictionary",),
    "errors": ("EngineError", "Fault", "HardshipError", "RegisterError", "TableError", "UsageError"),
    "inputs": ("Inputs", "open_inputs", "open_table"),
    "load": ("load_table",),
    "register": ("Register", "from_dicts", "read_register"),
    "results": ("Results",),
    "standards": ("Standards", "load_standards"),
    "synthesis": ("synthesize",),
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}

__all__ = [*sorted(_MODULE), "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _MODULE:
        raise AttributeError(f"module 'hardship' has no attribute {name!r}")
    return getattr(import_module(f"hardship.{_MODULE[name]}"), name)


def __dir__() -> list[str]:
    return __all__
