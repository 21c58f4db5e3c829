"""Lines of the access log about requests to the vendor's endpoints, and all lines of the log as JSON."""

import json
import re
from typing import Final

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
from sms10692_mock.server.access_log import format_time

_TEXT_LIMIT: Final = 64
"""Maximum number of characters of client text in a line."""

_NO_ACTION: Final = "no such action"


def format_line(method: str, request: ApiRequest, outcome: VendorResult, seconds: float) -> str:
    """Describe a request and its result in one line.

    **The line contains no phone number, no text and no signature.** A userid is logged only if its account exists,
    because clients put other parameters there by mistake.
    """
    action = request.operation.name if request.operation else _NO_ACTION
    userid = "unknown" if outcome.account is None and request.userid else f"'{sanitize(request.userid)}'"
    summary = _summarize(outcome.result)
    return f"{method} {request.endpoint.path} {action}, userid {userid}: {summary} ({seconds * 1e3:.2f} ms)"


_REQUEST: Final = re.compile(
    r"(?P<method>\S+) (?P<path>\S+) (?P<operation>[a-z]+|no such action), userid (?:unknown|'(?P<userid>.*?)'): .* "
    r"\((?P<duration_ms>[0-9.]+) ms\)"
)
"""What `format_line` writes."""

_FINDING: Final = re.compile(r"\n  ([a-z0-9.-]+): (.*)")


def format_json(timestamp: float, level: str, logger: str, text: str) -> str:
    r"""Format an entry of the log as one line of JSON.

    An entry of the access log about a request to the vendor has the fields of `format_line`, and `findings`.

    >>> print(format_json(0.0, "error", "a.b", "it failed\nTraceback"), end="")
    {"time": "1970-01-01T08:00:00.000+08:00", "level": "error", "logger": "a.b", "message": "it failed\nTraceback"}
    """
    entry: dict[str, object] = {"time": format_time(timestamp), "level": level, "logger": logger or "access"}
    if logger:
        return f"{json.dumps(entry | {'message': text}, ensure_ascii=False)}\n"
    message, newline, rest = text.partition("\n")
    entry["message"] = message
    request = _REQUEST.fullmatch(message)
    if request is not None:
        operation, userid = request["operation"], request["userid"]
        entry |= {
            "method": request["method"],
            "path": request["path"],
            "operation": None if operation == _NO_ACTION else operation,
            "userid": userid,
            "duration_ms": float(request["duration_ms"]),
        }
    entry["findings"] = [{"code": code, "text": finding} for code, finding in _FINDING.findall(newline + rest)]
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
