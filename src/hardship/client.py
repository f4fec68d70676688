"""A client of the service (`hardship serve`) that needs nothing but the standard library.

    from hardship.client import Client

    with Client("http://127.0.0.1:8000") as client:
        answer = client.score(household, table="jinxiang", on="2018-07-01")
        for entry in client.score_batch("register.jsonl", table="jinxiang", on="2018-07-01"):
            print(entry["line"], entry["status"])

Answers are the service's JSON objects as they are (docs/api.md); numbers in them are texts, so nothing is rounded on
the way. A client holds one connection: use one for each thread.
"""

from __future__ import annotations

import datetime as dt
import http.client
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Literal
from urllib.parse import quote, urlencode, urlsplit

from hardship import messages
from hardship.duplex import Unsent, exchange

Answer = dict[str, Any]
Form = Literal["lines", "csv", "parquet", "arrow"]
Source = str | Path | Iterable[Mapping[str, Any]] | Iterable[bytes]

MEDIA: dict[Form, str] = {
    "lines": "application/x-ndjson",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}
SUFFIXES: dict[str, Form] = {
    ".jsonl": "lines", ".ndjson": "lines", ".csv": "csv", ".parquet": "parquet", ".arrow": "arrow", ".arrows": "arrow",
}  # fmt: skip
BUSY = (429, 503)
LONGEST_WAIT = 60.0
"""Seconds that a server can make a client wait before one more try, whatever its `Retry-After` says."""
PART = 1 << 16


class ServiceError(Exception):
    """The service refused, or could not be reached.

    Attributes:
        status: the HTTP status; 0 if there was no answer.
        code: `api.…` of the problem (docs/api.md lists them), or `client.…`.
        title: the sentence, in the client's language.
        errors: places: `{"code", "pointer", "detail"}` each; never a value that was sent.
        retry_after: seconds after which the service may have room again, or None.
    """

    def __init__(
        self, status: int, code: str, title: str, errors: Sequence[Answer] = (), retry_after: float | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {title}" if status else f"{code}: {title}")
        self.status = status
        self.code = code
        self.title = title
        self.errors = tuple(errors)
        self.retry_after = retry_after


class Client:
    """One connection to a service.

    Args:
        base_url: `http://host:port`, with a path before `/v1` if a proxy needs one.
        key: the API key, where the service asks for one.
        lang: `zh` or `en`, for sentences and explanations.
        timeout: seconds to wait for any one byte.
        retries: how often a request is sent again after 429 or 503. It is sent again when the service says so
            (`Retry-After`), a batch only if its source can be read twice.

    Raises:
        ValueError: the address is none.
    """

    def __init__(
        self, base_url: str, key: str | None = None, lang: str = "zh", timeout: float = 60.0, retries: int = 4
    ) -> None:
        address = urlsplit(base_url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError(messages.text("client.address", lang))
        self._address = address
        self._key = key
        self._lang = lang
        self._timeout = timeout
        self._retries = retries
        self._connection: http.client.HTTPConnection | None = None

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # --- one household ---

    def score(self, household: Mapping[str, Any], table: str, on: dt.date | str, detail: str = "full") -> Answer:
        """Result, persons, run and explanation of one household in contract form.

        Args:
            household: `{"household": {…}, "members": [{…}], "supporters": […], "transfers": […]}`; money as int, text
                or Decimal.
            table: `ID` or `ID@YYYY-MM-DD`.
            on: the assessment date.
            detail: `summary` (no explanation), `items`, `full`.

        Raises:
            ServiceError: it was refused; `errors` says where.
        """
        return self._post("/v1/score", {**household, "table": table, "on": str(on)}, {"detail": detail})

    def whatif(self, household: Mapping[str, Any], table: str, on: dt.date | str, **changes: Any) -> Answer:
        """What changed facts or lines would do to one household.

        Args:
            changes: `facts=[{"pointer": "/members/0/wage_month", "value": "700"}]` (one after the other; `"op": "add"`
                puts a row in, `"op": "remove"` takes one out), `lines={"dibao_standard": "+10%"}`, `nearest=False` to
                leave out the nearest changes.

        Raises:
            ServiceError: it was refused.
        """
        return self._post("/v1/whatif", {**household, "table": table, "on": str(on), **changes})

    def compare(self, household: Mapping[str, Any], tables: Sequence[str], on: dt.date | str) -> Answer:
        """One household under several tables (`ID` or `ID@YYYY-MM-DD`).

        Raises:
            ServiceError: it was refused.
        """
        return self._post("/v1/compare", {**household, "tables": list(tables), "on": str(on)})

    # --- many ---

    def score_batch(
        self, source: Source, table: str, on: dt.date | str, form: Form | None = None, accept: str = ""
    ) -> Iterator[Answer]:
        """Each household's entry, in the order of the source, while the rest is still being sent.

        Args:
            source: a file (`.jsonl`, `.csv`, `.parquet`, `.arrow`, each also with `.gz`), households in contract
                form, or pieces of bytes of the given form.
            form: the form of `source` where its name does not say it.
            accept: why incomes far from every line of the table are right.

        Yields:
            `{"line", "status": "scored", "result", "persons"}` or `{"line", "status": "rejected", "errors"}`.

        Raises:
            ServiceError: the batch was refused as a whole.
            ValueError: the form is not known.
        """
        with closing(self._stream("/v1/score/batch", source, table, on, form, accept, "lines")) as answer:
            yield from map(json.loads, self._lines(answer))

    def score_file(
        self, source: Source, out: str | Path, table: str, on: dt.date | str, form: Form | None = None, accept: str = ""
    ) -> None:
        """Score a batch into a file, whose name says the form: `.jsonl`, `.csv`, `.parquet`, `.arrow`.

        Raises:
            ServiceError: the batch was refused as a whole; nothing is written.
            ValueError: a form is not known.
        """
        out = Path(out)
        wanted = self._form(out)
        part = out.with_name(out.name + ".part")
        try:
            with (
                closing(self._stream("/v1/score/batch", source, table, on, form, accept, wanted)) as answer,
                part.open("wb") as handle,
            ):
                handle.writelines(self._parts(answer))
            part.replace(out)
        finally:
            part.unlink(missing_ok=True)

    def rank(
        self, source: Source, table: str, on: dt.date | str, form: Form | None = None, accept: str = ""
    ) -> Iterator[Answer]:
        """Positions and ranks of a whole batch; arguments and errors as for `score_batch`."""
        with closing(self._stream("/v1/rank", source, table, on, form, accept, "lines")) as answer:
            yield from map(json.loads, self._lines(answer))

    # --- what there is ---

    def tables(self) -> list[Answer]:
        """All tables with their versions."""
        found: list[Answer] = self._get("/v1/tables")["tables"]
        return found

    def table(self, table: str, on: dt.date | str | None = None) -> Answer:
        """One table in words: the version in force on a day, by default the latest."""
        return self._get(f"/v1/tables/{quote(table, safe='')}", {} if on is None else {"on": str(on)})

    def card(self, table: str, on: dt.date | str | None = None) -> Answer:
        """The card of a table: everything it says, for the notice board."""
        return self._get(f"/v1/tables/{quote(table, safe='')}/card", {} if on is None else {"on": str(on)})

    def attributes(self) -> list[Answer]:
        """The data dictionary: every fact that a household may carry."""
        found: list[Answer] = self._get("/v1/attributes")["attributes"]
        return found

    def standards(self, on: dt.date | str | None = None, area: str = "") -> list[Answer]:
        """Local numbers in force on a day, for an area code."""
        query = {"on": "" if on is None else str(on), "area": area}
        found: list[Answer] = self._get("/v1/standards", {key: value for key, value in query.items() if value})[
            "standards"
        ]
        return found

    def ready(self) -> bool:
        """Whether the service is warm; False also if nobody answers."""
        try:
            self._request("GET", "/ready", retries=0)
        except ServiceError:
            return False
        return True

    # --- the wire ---

    def _get(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        found: Answer = json.loads(self._request("GET", path, query))
        return found

    def _post(self, path: str, document: Mapping[str, Any], query: Mapping[str, str] | None = None) -> Answer:
        found: Answer = json.loads(self._request("POST", path, query, encoded(document)))
        return found

    def _headers(self, more: Mapping[str, str]) -> dict[str, str]:
        found = {"Accept-Language": self._lang, "User-Agent": "hardship-client", **more}
        return found | ({"Authorization": f"Bearer {self._key}"} if self._key else {})

    def _open(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._address.scheme == "https" else http.client.HTTPConnection
        assert self._address.hostname
        return kind(self._address.hostname, self._address.port, timeout=self._timeout)

    def _target(self, path: str, query: Mapping[str, str] | None) -> str:
        return self._address.path.rstrip("/") + path + (f"?{urlencode(query)}" if query else "")

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        retries: int | None = None,
    ) -> bytes:
        """The body of a small answer, over the kept connection; asked again while the service is busy."""
        headers = self._headers({"Accept": "application/json"} | ({"Content-Type": "application/json"} if body else {}))
        left = self._retries if retries is None else retries
        while True:
            kept = self._connection is not None
            self._connection = self._connection or self._open()
            try:
                self._connection.request(method, self._target(path, query), body, headers)
                answer = self._connection.getresponse()
                if answer.status < 400:
                    return answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.close()
                # A kept connection may have been closed by the other side while nobody looked; nothing here has
                # effects, so the same request may be sent on a fresh one.
                if kept and isinstance(error, ConnectionError | http.client.BadStatusLine):
                    continue
                raise self._unreachable(error) from None
            refusal = self._refusal(answer)
            if answer.status not in BUSY or left == 0:
                raise refusal
            left -= 1
            time.sleep(wait_of(refusal))

    def _stream(
        self,
        path: str,
        source: Source,
        table: str,
        on: dt.date | str,
        form: Form | None,
        accept: str,
        wanted: Form,
    ) -> http.client.HTTPResponse:
        """The answer to a batch: it is read while the body is still being sent, over a connection of its own."""
        given = form or (self._form(Path(source)) if isinstance(source, str | Path) else "lines")
        query = {"table": table, "on": str(on)} | ({"accept": accept} if accept else {})
        headers = {"Content-Type": MEDIA[given], "Accept": MEDIA[wanted]}
        if isinstance(source, str | Path) and Path(source).suffix == ".gz":
            headers["Content-Encoding"] = "gzip"
        left = self._retries
        while True:
            try:
                answer = exchange(self._open(), self._target(path, query), self._headers(headers), pieces(source))
            except Unsent as error:
                raise self._unreachable(error.reason) from None
            if answer.status < 400:
                return answer
            refusal = self._refusal(answer)
            answer.close()
            if answer.status not in BUSY or left == 0 or isinstance(source, Iterator):
                raise refusal
            left -= 1
            time.sleep(wait_of(refusal))

    def _parts(self, answer: http.client.HTTPResponse) -> Iterator[bytes]:
        """The answer as it comes.

        Raises:
            ServiceError: it broke off.
        """
        left = answer.length  # None for a chunked answer, which says itself whether it is whole
        try:
            while left != 0 and (part := answer.read1(PART)):
                left = None if left is None else left - len(part)
                yield part
            if left:
                raise http.client.IncompleteRead(b"", left)
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from None

    def _lines(self, answer: http.client.HTTPResponse) -> Iterator[bytes]:
        rest = b""
        for part in self._parts(answer):
            *whole, rest = (rest + part).split(b"\n")
            yield from whole
        if rest:
            yield rest

    def _form(self, path: Path) -> Form:
        name = path.with_suffix("") if path.suffix == ".gz" else path
        if name.suffix not in SUFFIXES:
            raise ValueError(messages.text("client.form", self._lang, suffixes=", ".join(sorted(SUFFIXES))))
        return SUFFIXES[name.suffix]

    def _refusal(self, answer: http.client.HTTPResponse) -> ServiceError:
        """The problem document of an answer; of a proxy's own page only the status."""
        try:
            found = json.loads(answer.read())
            code, title, errors = found["code"], found["title"], found.get("errors", ())
        except (ValueError, LookupError, TypeError, OSError, http.client.HTTPException):
            code, title, errors = "client.no_problem", messages.text("client.no_problem", self._lang), ()
        after = answer.headers.get("Retry-After", "")
        return ServiceError(answer.status, code, title, errors, float(after) if after.isdigit() else None)

    def _unreachable(self, error: BaseException) -> ServiceError:
        reason = type(error).__name__
        return ServiceError(0, "client.unreachable", messages.text("client.unreachable", self._lang, reason=reason))


def wait_of(refusal: ServiceError) -> float:
    """Seconds before the next try: what the service asks for, within reason."""
    return min(1.0 if refusal.retry_after is None else refusal.retry_after, LONGEST_WAIT)


def encoded(document: Mapping[str, Any]) -> bytes:
    """A household as JSON; Decimals and dates as texts, which the service reads by the same grammar as numbers."""
    return json.dumps(document, ensure_ascii=False, default=_plain).encode()


def _plain(value: Any) -> str:
    if isinstance(value, Decimal | dt.date):
        return format(value, "f") if isinstance(value, Decimal) else value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON value")


def pieces(source: Source) -> Iterator[bytes]:
    """The bytes of a batch, piece by piece."""
    if isinstance(source, str | Path):
        with Path(source).open("rb") as handle:
            while part := handle.read(PART):
                yield part
        return
    for one in source:
        yield one if isinstance(one, bytes) else encoded(one) + b"\n"
