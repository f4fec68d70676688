"""The same engines under pytest-benchmark, for tracking: `pytest benchmarks --benchmark-enable`."""

from __future__ import annotations

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.engines import SCORE_ONLY, Work
from benchmarks.population import county

HOUSEHOLDS = 50_000


@pytest.fixture(scope="module")
def work() -> Work:
    return Work(*county(HOUSEHOLDS))


@pytest.mark.parametrize("engine", SCORE_ONLY)
@pytest.mark.benchmark(group="score only")
def test_score_only(benchmark: BenchmarkFixture, work: Work, engine: str) -> None:
    call = SCORE_ONLY[engine](work)
    expected = SCORE_ONLY["numpy"](work)()
    found = benchmark.pedantic(call, rounds=5, warmup_rounds=1)
    for name, values in found.items():
        assert np.array_equal(values, expected[name]), name
