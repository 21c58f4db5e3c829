"""Hints: the header X-Mock-Hint and the access log say what is wrong with a request. The body never changes."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Final

from sms10692_mock.app.log_lines import ExplainedEntry, RequestEntry, VendorEntry
from sms10692_mock.app.request_metrics import RequestMetrics
from sms10692_mock.diagnosis import Finding, PreviousFetch
from sms10692_mock.diagnosis.service import diagnose_logged, public_findings
from sms10692_mock.diagnosis.translations import Language, translate
from sms10692_mock.domain.records import LoggedRequest
from sms10692_mock.domain.store import RequestLogStore, Store, StoreUnavailable
from sms10692_mock.server.access_log import LogMessage
from sms10692_mock.server.http_types import Response

HINT_HEADER: Final = "X-Mock-Hint"
"""Name of the response header with the findings."""

_HINT_LIMIT: Final = 1000
"""Maximum length of a hint in characters."""

_REQUEST_LOG_PATH: Final = "/_mock/requests"

_DIAGNOSIS_LIMIT: Final = 64 * 1024
"""Size in bytes up to which a request is diagnosed before its response. The control API diagnoses longer ones."""

_NO_FETCH: Final[tuple[int, None]] = 0, None


@dataclass(slots=True, eq=False)
class FinishedRequest:
    """A response. With a `pending_hint`, the request is to be diagnosed before the response is sent.

    `pending_hint` is the entry in the request log, `log_entry` the one that the access log does not have yet.
    """

    response: Response
    pending_hint: LoggedRequest | None = None
    log_entry: VendorEntry | None = None


class HintWriter:
    """Adds hints to responses, and writes them to the access log. All methods may be called from any thread.

    `log` gets an entry for each request, with what is wrong with the request.
    `language` is that of the log; the header is always English. `metrics` counts the findings of the headers.
    `is_exposed`: hosts other than this one can read hints. **Then hints use no secrets but those of the sender's
    account.**
    """

    def __init__(
        self,
        store: Store,
        log: Callable[[LogMessage], None] | None,
        is_exposed: bool,
        language: Language,
        metrics: RequestMetrics,
    ) -> None:
        self._metrics = metrics
        self._language: Language = language
        self._store = store
        self._log = log
        self._is_exposed = is_exposed

    def log_and_hint(
        self, response: Response, log_entry: VendorEntry | RequestEntry, findings: Sequence[Finding]
    ) -> Response:
        """Write the access log of a request, and return the response with these findings as a hint."""
        if not findings:
            if self._log:
                self._log(log_entry)
            return response
        self.log_findings(log_entry, findings)
        return self.add_findings(response, findings)

    def log_findings(self, log_entry: VendorEntry | RequestEntry, findings: Sequence[Finding]) -> None:
        """Write an entry of the access log with findings."""
        if self._log:
            logged = [(finding.code, translate(finding, self._language)) for finding in findings]
            self._log(ExplainedEntry(log_entry, logged))

    def add_hint(self, finished: FinishedRequest) -> Response:
        """Diagnose a request, write the access log, and return the response with a hint.

        Takes milliseconds of CPU time. A long request gets only a pointer, see `add_pointer`.
        """
        response, entry, log_entry = finished.response, finished.pending_hint, finished.log_entry
        if entry is None or log_entry is None or _is_long(entry):
            return self.add_pointer(finished)
        try:
            if self._is_exposed:
                findings, is_partial = public_findings(entry, self._store)
                rest = [f"explained by GET {_REQUEST_LOG_PATH}/{entry.number} alone"] if is_partial else []
                return self.add_findings(response, findings, rest)
            findings = diagnose_logged(entry, self._store)
        except StoreUnavailable:
            return self.add_pointer(finished)
        return self.log_and_hint(response, log_entry, findings)

    def log_explanation(self, finished: FinishedRequest) -> None:
        """Write the access log of a request whose diagnosis is not public. Does nothing unless `is_exposed`.

        **Call it only after the response was sent**: its duration depends on secrets.
        """
        entry, log_entry = finished.pending_hint, finished.log_entry
        if not self._is_exposed or self._log is None or entry is None or log_entry is None or _is_long(entry):
            return
        with suppress(StoreUnavailable):  # then `add_hint` has logged the request
            self.log_findings(log_entry, diagnose_logged(entry, self._store))

    def add_findings(self, response: Response, findings: Sequence[Finding], rest: Sequence[str] = ()) -> Response:
        """Return the response with these findings, and the texts of `rest`, as a hint."""
        self._metrics.count_findings(finding.code for finding in findings)
        return _with_hint(response, " | ".join([*map(_format_finding, findings), *rest]))

    def add_pointer(self, finished: FinishedRequest) -> Response:
        """Write the access log, and return the response with a hint that names the address of the diagnosis.

        For long requests, and when too many requests wait for their diagnosis.
        """
        response, entry, log_entry = finished.response, finished.pending_hint, finished.log_entry
        if self._log and log_entry is not None:
            self._log(log_entry)
        if entry is None:
            return response
        return _with_hint(response, f"not explained at once: GET {_REQUEST_LOG_PATH}/{entry.number}")


class LastFetches:
    """The last fetch of each queue, for a hint about polling, of the last `limit` queues. Thread-safe."""

    def __init__(self, limit: int = 1000) -> None:
        self._limit = limit
        self._fetches: dict[tuple[str, str], tuple[int, PreviousFetch]] = {}
        self._lock = Lock()

    def replace(self, entry: LoggedRequest, store: RequestLogStore) -> PreviousFetch | None:
        """Remember this fetch. Returns the previous fetch of the queue, if the request log still has it."""
        if entry.fetched is None:
            return None
        queue = (entry.userid, entry.operation)
        with self._lock:
            number, previous = self._fetches.pop(queue, _NO_FETCH)
            self._fetches[queue] = entry.number, PreviousFetch(entry.account_time, entry.fetched)
            if len(self._fetches) > self._limit:
                del self._fetches[next(iter(self._fetches))]
        try:
            return previous if previous and store.is_logged(number) else None
        except StoreUnavailable:
            return None


def _is_long(entry: LoggedRequest) -> bool:
    return len(entry.query) + len(entry.body) > _DIAGNOSIS_LIMIT


def _format_finding(finding: Finding) -> str:
    return f"{finding.code}: {finding.sentence}"


def build_hint_header(findings: Sequence[Finding]) -> tuple[str, str]:
    """Return name and value of the header with some findings."""
    return _build_header(" | ".join(map(_format_finding, findings)))


def has_hint(headers: Sequence[tuple[str, str]]) -> bool:
    """Return whether the headers of a response contain a hint. The fallback adds one for a path without a route."""
    return any(name == HINT_HEADER for name, _ in headers)


def _build_header(hint: str) -> tuple[str, str]:
    return HINT_HEADER, ascii(hint)[1:-1][:_HINT_LIMIT]


def _with_hint(response: Response, hint: str) -> Response:
    return response._replace(headers=[*response.headers, _build_header(hint)]) if hint else response
