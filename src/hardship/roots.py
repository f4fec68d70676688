"""Where the scoring tables and standards lie that come with the package."""

from __future__ import annotations

from pathlib import Path

FOLDER = "scoring_tables"


def default_roots() -> tuple[Path, ...]:
    """Folders of tables: those of the installed package, then those of a source checkout."""
    here = Path(__file__).resolve()
    return tuple(root for root in (here.parent / FOLDER, here.parents[2] / FOLDER) if root.is_dir())
