"""PDF by typst: a template of ours, data as JSON, two fonts that travel with the package. No text becomes markup."""

from __future__ import annotations

import datetime as dt
import json
from importlib import resources
from pathlib import Path
from typing import Any

CREATED = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)  # the same content, the same bytes


def render(template: str, data: Any) -> bytes:
    """A PDF/A from `templates/<template>.typ`.

    Args:
        data: what the template reads, as JSON.
    """
    import pylopdf_fonts_zh_cn as fonts
    import typst

    source = (resources.files("hardship") / "templates" / f"{template}.typ").read_bytes()
    options: Any = {
        "font_paths": [str(Path(fonts.sans_path()).parent)],
        "ignore_system_fonts": True,
        "sys_inputs": {"data": json.dumps(data, ensure_ascii=False)},
        "timestamp": CREATED,
        "pdf_standards": "a-2b",
    }
    return bytes(typst.compile(source, **options))
