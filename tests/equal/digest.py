"""Score one register and print `results_sha256`: run in processes of different time zones, hash seeds, without JIT.

python tests/equal/digest.py HOUSEHOLDS THREADS BLOCK
"""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

TABLE = Path(__file__).resolve().parents[2] / "scoring_tables" / "county_model" / "2018-01-01.toml"
ON = dt.date(2018, 7, 1)


def digest(households: int, threads: int, block: int) -> str:
    """`results_sha256` of a synthetic register under the model county's table."""
    from hardship.load import load_table
    from hardship.score import score
    from hardship.standards import load_standards
    from hardship.synthesis import synthesize

    checked = load_table(TABLE)
    register = synthesize(households, 5, attributes=checked.names.attributes)
    return score(register, checked, load_standards(), ON, threads=threads, block=block).sha256


if __name__ == "__main__":
    print(digest(*map(int, sys.argv[1:4])))
