"""A cut by quota or budget: households in the order of the ranking, and what becomes of a tie at the edge.

Nobody falls on one side of an edge because of an id: households with equal keys share a rank, and the whole group that
an edge would part goes in, goes out, or goes to a panel, as declared beforehand. Households that cannot be judged yet
(incomplete, needing review, rejected) are listed apart and never counted as out.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from hardship import export, messages
from hardship.columns import Array, fixed_point, sha256_of
from hardship.errors import Fault, UsageError
from hardship.rank import AREA_LEVELS
from hardship.summary import grid

Tie = Literal["in", "out", "panel"]
Kind = Literal["quota", "budget"]
TIES: tuple[Tie, ...] = ("in", "out", "panel")
APART = ("incomplete", "needs_review", "not_ranked", "no_limit", "rejected")
"""Why a household that may have a claim was not compared with the others."""
TITLES = {"area_code": "行政区划代码", "quota": "名额", "budget": "资金"}
KIND = "cut"
FILES = frozenset({"cut.parquet", "cut.csv", "areas.csv", "marginal.csv", export.RUN})
SHOWN = 20
_WHOLE, _MONEY = re.compile(r"[0-9]{1,12}\Z"), re.compile(r"[0-9]{1,13}(?:\.[0-9]{1,2})?\Z")


@dataclass(frozen=True)
class Limits:
    """How much there is, and where.

    Attributes:
        kind: `quota` (households) or `budget` (money a month).
        amounts: the limit of each area; of a budget in fen. `None`: the same for every area of `level`.
        same: that limit.
        level: of `rank.AREA_LEVELS`; None: the whole register is one area.
    """

    kind: Kind
    same: int | None = None
    level: str | None = None
    amounts: Mapping[str, int] | None = None

    def areas(self, codes: pl.Series) -> list[str | None]:
        """The area of each distinct code: what it is cut within; None where no limit holds for it."""
        if self.amounts is not None:
            lengths = sorted({len(area) for area in self.amounts}, reverse=True)
            return [next((c[:n] for n in lengths if len(c) >= n and c[:n] in self.amounts), None) for c in codes]
        length = AREA_LEVELS[self.level] if self.level else 0
        return [code[:length] if len(code) >= length else None for code in codes]

    def of(self, area: str) -> int:
        """The limit of one area."""
        return self.amounts[area] if self.amounts is not None else self.same or 0


@dataclass(frozen=True)
class Cut:
    """What a cut gives.

    Attributes:
        frame: `household_id`, `area_code`, `area` (that it was cut within), `position`, `rank`, `circle`,
            `benefit_month`, `decision`, `marginal` (of a tie that the edge parts); by area, position, id. A decision is
            `in`, `out`, `panel`, one of `APART`, or `no_candidate` (does not meet, or another circle).
        areas: for each area `limit`, `candidates`, `in`, `out`, `panel`, `marginal` (size of the tie), `marginal_rank`,
            `used` and `left` (households, or money a month; `left` below 0: exceeded by a tie that is all in),
            then how many stand apart: `incomplete`, `needs_review`, `not_ranked`.
    """

    frame: pl.DataFrame
    areas: pl.DataFrame

    @property
    def marginal(self) -> pl.DataFrame:
        """The households of all ties that an edge parts."""
        return self.frame.filter(pl.col("marginal"))


def cut(
    results: pl.DataFrame, limits: Limits, tie: Tie, circles: Sequence[str] = (), rejected: Sequence[str] = ()
) -> Cut:
    """Cut results.

    Args:
        results: result rows in any order.
        tie: what becomes of a tie at the edge.
        circles: only households of these circles are candidates; none: all that meet.
        rejected: ids of households that were not scored.

    Raises:
        UsageError: a budget, and the table pays no benefit; a circle that no household has.
    """
    if limits.kind == "budget" and results["benefit_month"].null_count() == results.height:
        raise UsageError(Fault("cut.no_benefit"))
    known = set(results["circle"].drop_nulls().unique())
    if unknown := sorted(set(circles) - known):
        params = {"found": unknown[0], "expected": ", ".join(sorted(known)) or "-"}
        raise UsageError(Fault("cut.no_circle", params=params))
    distinct = results["area_code"].fill_null("").unique()
    areas = pl.DataFrame(
        {"code": distinct, "area": limits.areas(distinct)}, schema={"code": pl.String, "area": pl.String}
    )
    rows = (
        results.select("household_id", "area_code", "outcome", "circle", "position", "rank", "benefit_month")
        .with_columns(code=pl.col("area_code").fill_null(""))
        .join(areas, on="code", how="left")
        .drop("code")
        .with_columns(decision=_apart(circles))
        .sort("area", "position", "household_id", nulls_last=True)
    )
    candidates = rows.filter(pl.col("decision") == "")
    parts, sums = [], []
    of_area = {str(area): part for (area,), part in candidates.group_by("area", maintain_order=True)}
    every = dict.fromkeys([*(limits.amounts or {}), *rows["area"].drop_nulls()])
    for area in sorted(every):
        part = of_area.get(area, candidates.clear())
        decision, marginal = edge(part["rank"].to_numpy(), _costs(part, limits.kind), limits.of(area), tie)
        part = part.with_columns(decision=decision, marginal=marginal)
        parts.append(part)
        sums.append(_summed(area, part, rows.filter(pl.col("area") == area), limits))
    others = rows.filter(pl.col("decision") != "").with_columns(marginal=pl.lit(False))
    lost = pl.DataFrame({"household_id": sorted(set(rejected) - set(results["household_id"]))}, schema=["household_id"])
    lost = lost.cast(pl.String).with_columns(decision=pl.lit("rejected"), marginal=pl.lit(False))
    frame = pl.concat([*parts, others, lost], how="diagonal").sort("area", "position", "household_id", nulls_last=True)
    order = ("household_id", "area_code", "area", "position", "rank", "circle", "benefit_month", "decision", "marginal")
    return Cut(frame.select(order), pl.DataFrame(sums, schema=_schema(limits.kind), orient="row"))


def edge(ranks: Array, costs: Array, limit: int, tie: Tie) -> tuple[pl.Series, pl.Series]:
    """In or out for households in their order, and which of them are the tie that the edge parts.

    Households go in, rank by rank, as long as they fit; nobody behind the first rank that does not fit goes in. The
    edge parts that rank if it has several households and at least the cheapest of them would still fit.

    Args:
        ranks: (n,) ascending; equal for a tie.
        costs: (n,) integers, 1 each for a quota.
        limit: what may be used up.
    """
    opens = np.flatnonzero(np.r_[True, ranks[1:] != ranks[:-1]]) if len(ranks) else np.zeros(0, np.int64)
    ends = np.r_[opens[1:], len(ranks)]
    used = np.r_[0, np.cumsum(costs)]
    over = np.flatnonzero(used[ends] > limit) if len(opens) else opens
    decision = np.full(len(ranks), "in", dtype=object)
    marginal = np.zeros(len(ranks), np.bool_)
    if len(over):
        first, last = int(opens[over[0]]), int(ends[over[0]])
        decision[first:] = "out"
        if last - first > 1 and costs[first:last].min() <= limit - used[first]:
            decision[first:last] = tie
            marginal[first:last] = True
    return pl.Series(decision.tolist(), dtype=pl.String), pl.Series(marginal)


def _apart(circles: Sequence[str]) -> pl.Expr:
    """The decision of those who are not compared, empty for the candidates."""
    outside = ~pl.col("circle").is_in(list(circles)).fill_null(False) if circles else pl.lit(False)
    return (
        pl.when(pl.col("outcome") == "incomplete")
        .then(pl.lit("incomplete"))
        .when(pl.col("outcome") == "needs_review")
        .then(pl.lit("needs_review"))
        .when((pl.col("outcome") != "meets" if not circles else pl.lit(False)) | outside)
        .then(pl.lit("no_candidate"))
        .when(pl.col("position").is_null())
        .then(pl.lit("not_ranked"))
        .when(pl.col("area").is_null())
        .then(pl.lit("no_limit"))
        .otherwise(pl.lit(""))
    )


def _costs(part: pl.DataFrame, kind: Kind) -> Array:
    if kind == "quota":
        return np.ones(part.height, np.int64)
    costs: Array = (part["benefit_month"].fill_null(0) * 100).cast(pl.Int64).to_numpy()
    return costs


def _schema(kind: Kind) -> dict[str, Any]:
    amount = pl.Int64() if kind == "quota" else pl.Decimal(18, 2)
    return {
        "area": pl.String(),
        "limit": amount,
        **dict.fromkeys(("candidates", *TIES, "marginal", "marginal_rank"), pl.Int64()),
        "used": amount,
        "left": amount,
        **dict.fromkeys(APART[:3], pl.Int64()),
    }


def _summed(area: str, part: pl.DataFrame, rows: pl.DataFrame, limits: Limits) -> tuple[Any, ...]:
    """One row of `Cut.areas`."""
    inside = part.filter(pl.col("decision") == "in")
    limit, used = limits.of(area), int(_costs(inside, limits.kind).sum())
    amounts: list[Any] = [limit, used, limit - used]
    if limits.kind == "budget":
        amounts = fixed_point(pl.Series(amounts, dtype=pl.Int64), 18, 2).to_list()
    counts = [(part["decision"] == name).sum() for name in TIES]
    tied = part.filter(pl.col("marginal"))
    ranks = tied["rank"].to_list()
    apart = [(rows["decision"] == name).sum() for name in APART[:3]]
    return (
        area, amounts[0], part.height, *counts, tied.height, ranks[0] if ranks else None, *amounts[1:], *apart
    )  # fmt: skip


def rejected_ids(folder: Path) -> list[str]:
    """The households that a result folder's `rejects.csv` names."""
    try:
        frame = pl.read_csv(folder / export.REJECTS, infer_schema=False)
        return frame["household_id"].drop_nulls().unique().sort().to_list()
    except (OSError, pl.exceptions.PolarsError):
        raise UsageError(Fault("common.bad_stored", params={"path": str(folder / export.REJECTS)})) from None


def write(
    out: Path, done: Cut, limits: Limits, tie: Tie, circles: Sequence[str], folder: Path, run: Mapping[str, Any],
    results: pl.DataFrame,
) -> dict[str, Any]:  # fmt: skip
    """Write `cut.parquet`, `cut.csv`, `areas.csv`, `marginal.csv` and `run.json` into the folder `out` in one step.

    Args:
        folder, run, results: the result folder that was cut, with its record and rows.

    Returns:
        the content of `run.json`.

    Raises:
        UsageError: the results are not those of their record any more, or `out` holds something else.
    """
    export.prepare(out, KIND)
    if sha256_of(results) != run["results_sha256"]:
        raise UsageError(Fault("cut.changed", params={"path": str(folder)}))
    counts = dict(sorted(done.frame.group_by("decision").len().iter_rows()))
    content = {
        "schema": 1,
        "kind": KIND,
        **{name: run[name] for name in ("engine", "on", "table", "standards_sha256", "register", "results_sha256")},
        "limit": limits.kind,
        "within": limits.level or ("file" if limits.amounts is not None else "all"),
        "tie": tie,
        "circles": list(circles),
        "counts": counts,
        "marginal": done.marginal.height,
        "cut_sha256": sha256_of(done.frame),
    }
    with export.staged(out, FILES) as staging:
        export.write_parquet(done.frame, staging / "cut.parquet")
        for name, frame in {"cut": done.frame, "areas": done.areas, "marginal": done.marginal}.items():
            export.write_csv(frame, staging / f"{name}.csv")
        return export.write_run(staging, out, content, {"results": [folder]}, {})


def render(done: Cut, limits: Limits, lang: str) -> str:
    """The cut on one screen: each area, then every tie that an edge parts, then who stands apart."""

    def say(code: str, **params: Any) -> str:
        return messages.text(code, lang, **params)

    head = ("area", "limit", "candidates", *TIES, "marginal", "left")
    rows = [[say(f"cut.col_{name}") for name in head]]
    for row in done.areas.head(SHOWN).iter_rows(named=True):
        rows.append([say("cut.whole") if row["area"] == "" else row["area"], *(f"{row[name]:,}" for name in head[1:])])
    lines = [say(f"cut.head_{limits.kind}"), "", *grid(rows)]
    if done.areas.height > SHOWN:
        lines.append(say("cut.more_areas", count=done.areas.height - SHOWN))
    tied = done.marginal.group_by("area", maintain_order=True).agg("household_id", pl.col("rank", "decision").first())
    lines.append("")
    for area, ids, rank, decision in tied.head(SHOWN).iter_rows():
        named = ", ".join(ids[:SHOWN]) + (" …" if len(ids) > SHOWN else "")
        where = area or say("cut.whole")
        lines.append(say("cut.tied", area=where, rank=rank, count=len(ids), what=say(f"cut.did_{decision}"), ids=named))
    if not tied.height:
        lines.append(say("cut.no_tie"))
    counts = dict(done.frame.group_by("decision").len().iter_rows())
    apart = [f"{say(f'cut.did_{name}')} {counts[name]:,}" for name in (*APART, "no_candidate") if counts.get(name)]
    if apart:
        lines.append(say("cut.apart", counts=("、" if lang == "zh" else ", ").join(apart)))
    return "\n".join(lines) + "\n"


def read_limits(path: Path) -> Limits:
    """Limits of single areas from a CSV file with the columns `area_code` and `quota` or `budget` (or in Chinese).

    A household stands under the longest code that begins its own.

    Raises:
        UsageError: the file cannot be read, or a title, an area or a number is wrong.
    """
    try:
        data = path.read_bytes()
    except OSError:
        raise UsageError(Fault("cut.no_file", params={"found": str(path)})) from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030", errors="replace")
    lines = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text, newline=""))]
    names = {label: name for name, chinese in TITLES.items() for label in (name, chinese)}
    header = [names.get(cell, "") for cell in lines[0]] if lines else []
    if sorted(header) not in (["area_code", "quota"], ["area_code", "budget"]):
        raise UsageError(Fault("cut.bad_columns", path.name, 1, params={"found": ", ".join(lines[0] if lines else [])}))
    kind: Kind = "quota" if "quota" in header else "budget"
    amounts: dict[str, int] = {}
    for number, cells in enumerate(lines[1:], 2):
        if not any(cells):
            continue
        row = dict(zip(header, cells, strict=False))
        area = row.get("area_code", "")
        if not re.match(r"[0-9A-Za-z]{1,32}\Z", area) or area in amounts:
            raise UsageError(Fault("cut.bad_area", path.name, number, params={"found": area[:40] or "-"}))
        try:
            amounts[area] = parse_limit(kind, row.get(kind, ""))
        except UsageError as error:
            fault = error.faults[0]
            raise UsageError(Fault(fault.code, path.name, number, params=fault.params)) from None
    return Limits(kind, amounts=amounts)


def parse_limit(kind: Kind, text: str) -> int:
    """A quota, or a budget in fen.

    Raises:
        UsageError: no whole number; money with more than two decimals.
    """
    if kind == "quota" and _WHOLE.match(text):
        return int(text)
    if kind == "budget" and _MONEY.match(text):
        return int(Decimal(text).scaleb(2))
    raise UsageError(Fault(f"cut.bad_{kind}", params={"found": text[:40] or "-"}))
