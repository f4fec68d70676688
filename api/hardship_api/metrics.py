"""What the service counts, for `/metrics`: requests, times, households. No label comes from a request."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from hardship_api.job import STAGES, Progress

CONTENT = "text/plain; version=0.0.4; charset=utf-8"
SEVERAL = "PROMETHEUS_MULTIPROC_DIR"
"""Where several worker processes keep their counts; set before this module is loaded."""
BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The counts of one service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "hardship_requests", "Answers by route and status.", ("route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "hardship_request_seconds", "Time to the end of an answer.", ("route",), buckets=BUCKETS,
            registry=self.registry,
        )  # fmt: skip
        self._households = Counter(
            "hardship_households", "Households scored or rejected.", ("outcome",), registry=self.registry
        )
        self._stages = Counter(
            "hardship_batch_seconds", "Work on batches and rankings by stage.", ("stage",), registry=self.registry
        )
        self.in_flight = Gauge(
            "hardship_in_flight", "Requests being answered.", registry=self.registry, multiprocess_mode="livesum"
        )
        self._kept: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._scored, self._rejected = (self._households.labels(outcome) for outcome in ("scored", "rejected"))

    def request(self, route: str, status: int, seconds: float) -> None:
        """One answer."""
        kept = self._kept.get((route, status))
        if kept is None:
            kept = self._kept[route, status] = self._requests.labels(route, str(status)), self._seconds.labels(route)
        kept[0].inc()
        kept[1].observe(seconds)

    def single(self, scored: bool) -> None:
        """One household asked about by itself."""
        (self._scored if scored else self._rejected).inc()

    def batch(self, progress: Progress) -> None:
        """One batch that is over."""
        self._scored.inc(progress.scored)
        self._rejected.inc(progress.rejected)
        for stage in STAGES:
            self._stages.labels(stage).inc(max(progress.seconds[stage], 0.0))

    def text(self) -> bytes:
        """All counts in the text form of Prometheus; those of all workers together."""
        if SEVERAL in os.environ:
            together = CollectorRegistry()
            MultiProcessCollector(together)  # type: ignore[no-untyped-call]
            return generate_latest(together)
        return generate_latest(self.registry)
