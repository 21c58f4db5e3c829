"""Entries of the access log about requests, and all entries of the log as JSON."""

import json
from collections.abc import Sequence
from typing import Final, NamedTuple

from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.results import (
    AcceptedSend,
    ChangedPassword,
    CheckedText,
    QueriedBalance,
    Refusal,
    RepliesResult,
    ReportsResult,
    Result,
)
from sms10692_mock.domain.vendor import VendorResult
from sms10692_mock.server.access_log import LogMessage, format_time

_TEXT_LIMIT: Final = 64
"""Maximum number of characters of client text in a line."""


class VendorEntry(NamedTuple):
    """A request that the vendor handled, and its result.

    **It shows no phone number, no text and no signature.** A userid is logged only if its account exists, because
    clients put other parameters there by mistake.
    """

    method: str
    request: ApiRequest
    outcome: VendorResult
    seconds: float

    def __str__(self) -> str:
        action = self.request.operation.name if self.request.operation else "no such action"
        userid = "unknown" if self._userid is None else f"'{sanitize(self._userid)}'"
        summary = _summarize(self.outcome.result)
        path = self.request.endpoint.path
        return f"{self.method} {path} {action}, userid {userid}: {summary} ({self.seconds * 1e3:.2f} ms)"

    @property
    def _userid(self) -> str | None:
        return None if self.outcome.account is None and self.request.userid else self.request.userid

    def fields(self) -> dict[str, object]:
        """The fields of the entry in a JSON log."""
        return {
            "message": str(self),
            "method": self.method,
            "path": self.request.endpoint.path,
            "operation": self.request.operation.name if self.request.operation else None,
            "userid": self._userid,
            "duration_ms": round(self.seconds * 1e3, 2),
        }


class RequestEntry(NamedTuple):
    """A request that the vendor did not handle: to the control API, to the console, rejected, replayed, or to no page.

    `path` has no parameters. `note` says more about the response.
    """

    method: str
    path: str
    status: int
    note: str = ""

    def __str__(self) -> str:
        end = f", {self.note}" if self.note else ""
        return f"{sanitize(self.method)} {sanitize(self.path)}: {self.status}{end}"

    def fields(self) -> dict[str, object]:
        """The fields of the entry in a JSON log."""
        return {
            "message": str(self),
            "method": sanitize(self.method),
            "path": sanitize(self.path),
            "status": self.status,
        }


class ExplainedEntry(NamedTuple):
    """An entry with findings: pairs of code and sentence."""

    entry: VendorEntry | RequestEntry
    findings: Sequence[tuple[str, str]]

    def __str__(self) -> str:
        return "\n  ".join([str(self.entry), *(f"{code}: {sentence}" for code, sentence in self.findings)])

    def fields(self) -> dict[str, object]:
        """The fields of the entry in a JSON log."""
        return self.entry.fields() | {"findings": [{"code": code, "text": text} for code, text in self.findings]}


def format_json(timestamp: float, level: str, logger: str, message: LogMessage) -> str:
    r"""Format an entry of the log as one line of JSON.

    >>> print(format_json(0.0, "error", "a.b", "it failed\nTraceback"), end="")
    {"time": "1970-01-01T08:00:00.000+08:00", "level": "error", "logger": "a.b", "message": "it failed\nTraceback"}
    """
    entry: dict[str, object] = {"time": format_time(timestamp), "level": level, "logger": logger or "access"}
    entry |= {"message": message} if isinstance(message, str) else message.fields()
    if not logger:
        entry.setdefault("findings", [])
    return f"{json.dumps(entry, ensure_ascii=False)}\n"


def sanitize(text: str) -> str:
    r"""Shorten text of a client and escape everything that could move a cursor or start a line.

    >>> sanitize("shop"), sanitize("a\nb")
    ('shop', 'a\\nb')
    """
    return text if text.isalnum() and len(text) < _TEXT_LIMIT else ascii(text[:_TEXT_LIMIT])[1:-1]


def _summarize(result: Result | None) -> str:
    match result:
        case AcceptedSend():
            return f"task {result.task_id}, numbers {result.success_counts}, points left {result.remainpoint}"
        case None:
            return "not executed because of a fault"
        case Refusal(message, _):
            return f"refused, {message}"
        case QueriedBalance(_, overage, _):
            return f"points {overage}"
        case CheckedText(message, _):
            return message
        case ChangedPassword():
            return "password changed"
        case ReportsResult(boxes):
            return f"{len(boxes)} reports fetched"
        case RepliesResult(boxes):
            return f"{len(boxes)} replies fetched"
