"""The same engines under pytest-benchmark, for tracking: `pytest benchmarks --benchmark-enable`."""

from __future__ import annotations

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.engines import SCORE_ONLY, Work

HOUSEHOLDS = 10_000


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    return Work.made(HOUSEHOLDS, tmp_path_factory.mktemp("work"))


@pytest.mark.parametrize("engine", SCORE_ONLY)
@pytest.mark.benchmark(group="score only")
def test_score_only(benchmark: BenchmarkFixture, work: Work, engine: str) -> None:
    if absent := SCORE_ONLY[engine].absent():
        pytest.skip(f"{absent} is not installed")
    call = SCORE_ONLY[engine].prepare(work)
    expected = SCORE_ONLY["numpy"].prepare(work)()
    found = benchmark.pedantic(call, rounds=5, warmup_rounds=1)
    for name, values in found.items():
        assert np.array_equal(values, expected[name]), name
