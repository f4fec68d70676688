"""Score a register in parts on a cluster.

    spark-submit --master yarn --num-executors 50 --executor-cores 2 --executor-memory 4g \\
        examples/spark_submit.py REGISTER TABLE 2018-07-01 OUT

Every machine needs hardship installed (`pip install hardship[spark]`), and REGISTER and OUT at the same path: a shared
file system. Each executor core scores one part at a time. See docs/scale.md for sizes.
"""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

from hardship.errors import HardshipError
from hardship.parts.run import run
from hardship.spark import Spark


def main(register: str, table: str, on: str, out: str) -> int:
    """Score; print what came out; the exit code of `hardship score`."""
    try:
        # One thread a task: Spark already runs as many tasks as there are cores.
        done = run(Path(register), table, dt.date.fromisoformat(on), Path(out), threads=1, engine=Spark())
    except HardshipError as error:
        print(error.text("en"), file=sys.stderr)
        return 2
    households = done.run["counts"]["households"]
    print(f"scored={households['scored']} rejected={households['rejected']} sha256={done.run['results_sha256']}")
    return 3 if done.rejected else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
