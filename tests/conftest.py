"""Settings for all tests, and the running service that those of the service share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("project", deadline=None)
settings.load_profile("project")


@pytest.fixture(scope="session")
def live() -> Iterator[Any]:
    """`hardship serve` as a process of its own (`service.live.Live`), started when the first test asks for it."""
    pytest.importorskip("fastapi")
    from service.live import Live

    with Live() as found:
        yield found
