"""`county_model` in Spark SQL on this machine's cores: the query of `county_sql`, tables kept in Spark's memory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.peers import county_sql
from benchmarks.peers.county import LocalNumbers, table_file


@cache
def session() -> Any:
    """One quiet Spark session on all cores, for the life of the process."""
    from pyspark.sql import SparkSession

    cores = os.cpu_count() or 1
    settings = {
        "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.ui.enabled": "false",
        "spark.driver.memory": "6g", "spark.sql.shuffle.partitions": str(2 * cores),
        "spark.sql.session.timeZone": "UTC", "spark.ui.showConsoleProgress": "false", "spark.log.level": "ERROR",
    }  # fmt: skip
    builder = SparkSession.builder.master(f"local[{cores}]").appName("bench")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def tables(folder: Path, *, kept: bool) -> dict[str, str]:
    """Views of a register's Parquet files, amounts as whole hundredths; `kept`: held in memory from now on."""
    found = {}
    for level, amounts in county_sql.AMOUNTS.items():
        frame = session().read.parquet(table_file(folder, level))
        frame = frame.withColumns({name: (frame[name] * 100).cast("bigint") for name in amounts})
        if kept:
            frame = frame.cache()
            frame.count()
        frame.createOrReplaceTempView(level)
        found[level] = level
    return found


def scored(views: Mapping[str, str], local: LocalNumbers, keep: Sequence[str] = ("household_id",)) -> Any:
    """The data frame of the results, lazily."""
    members = ("household_id", "member_id")
    sql = county_sql.query(views, local, household="household_id", member=members, keep=keep)
    return session().sql(county_sql.spark(sql))
