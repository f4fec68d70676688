"""The same run on a cluster: parts are tasks that call the same functions, Spark schedules them and starts them anew.

Every machine needs this package, and the register's and the results' folders at the same path (a shared file system).
Ranges of the order (`parts.order`) are tasks too, so global and area ranks need no shuffle of rows.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from hardship.errors import Fault, UsageError
from hardship.parts.finish import Last, Told, finished, write
from hardship.parts.order import Order, rank_range, split, standing_before
from hardship.parts.score_part import Job, Scored, score_part

if TYPE_CHECKING:
    from hardship.parts.find import Part


class Spark:
    """An `Engine` (`parts.run`) of Spark tasks.

    Args:
        master: for instance `local[2]`, `spark://host:7077`, `yarn`; "": what spark-submit or the configuration says.
        session: use this session, and leave it running afterwards.

    Raises:
        UsageError: PySpark is not installed, or Spark cannot be started.
    """

    def __init__(self, master: str = "", session: Any = None) -> None:
        self._session = session or _started(master)
        self._context = self._session.sparkContext

    def score(self, parts: Sequence[Part], job: Job) -> Iterator[Scored]:
        """See `Engine`."""
        yield from self._tasks(parts, lambda part: score_part(part, job)).collect()

    def rank(self, order: Order, threads: int) -> None:
        """See `Engine`."""
        self._tasks(range(len(order.parts)), lambda place: split(order, place)).count()
        ranges = list(enumerate(standing_before(order)))
        self._tasks(ranges, lambda one: rank_range(order, one[0], one[1], threads)).count()

    def finish(self, last: Last, done: Callable[[int], None]) -> Told:
        """See `Engine`. The tasks write; meanwhile the hash of all results in their order is made here."""
        places = range(len(last.order.parts))
        tasks = self._tasks(places, lambda place: write(last, place, finished(last, place)))
        told = Told()
        with ThreadPoolExecutor(1) as aside:
            writing = aside.submit(tasks.count)
            for place in places:
                sheet = finished(last, place)
                told.tell(sheet, last.job.threads)
                done(sheet.height)
            writing.result()
        return told

    def _tasks(self, items: Sequence[Any], work: Callable[[Any], Any]) -> Any:
        """One task for each item."""
        return self._context.parallelize(list(items), len(items)).map(work)


def _started(master: str) -> Any:
    """A session whose workers are the same Python as this one.

    Raises:
        UsageError: see `Spark`.
    """
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        raise UsageError(Fault("parts.no_spark")) from None
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("hardship")
    if master:
        builder = builder.master(master)
    if master.startswith("local"):  # nothing outside this machine takes part
        builder = builder.config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
        builder = builder.config("spark.ui.enabled", "false")
    try:
        return builder.getOrCreate()
    except (PySparkException, OSError, RuntimeError) as error:
        raise UsageError(Fault("parts.no_java", params={"why": str(error).splitlines()[0]})) from None
