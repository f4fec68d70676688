"""Uses the generated client; runs in the environment of its generator, which knows nothing of this project.

python generated_user.py URL TABLE DATE REGISTER.jsonl SINGLES OUT
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path

from hardship_service import Client
from hardship_service.api.default import score_batch, score_one
from hardship_service.models import ScoreOneDetail, ScoreRequest
from hardship_service.types import File


def main(url: str, table: str, date: str, register: str, singles: str, out: str) -> None:
    """Write one line for each single answer, and the batch's answer as it is."""
    client = Client(base_url=url, timeout=600.0)
    lines = Path(register).read_bytes()
    with client, Path(out + ".singles").open("w", encoding="utf-8") as handle:
        for line in lines.splitlines()[: int(singles)]:
            body = ScoreRequest.from_dict({**json.loads(line), "table": table, "on": date})
            answer = score_one.sync(client=client, body=body, detail=ScoreOneDetail.SUMMARY)
            handle.write(json.dumps(answer.to_dict(), ensure_ascii=False) + "\n")
        file = File(payload=lines)
        rows = score_batch.sync(client=client, body=file, table=table, on=dt.date.fromisoformat(date))
    Path(out + ".batch").write_text(rows, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
