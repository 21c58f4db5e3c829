"""Lines of the access log about requests to the vendor's endpoints."""

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

_TEXT_LIMIT: Final = 64
"""Maximum number of characters of client text in a line."""


def format_line(method: str, request: ApiRequest, outcome: VendorResult, seconds: float) -> str:
    """Describe a request and its result in one line.

    **The line contains no phone number, no text and no signature.** A userid is logged only if its account exists,
    because clients put other parameters there by mistake.
    """
    action = request.operation.name if request.operation else "no such action"
    userid = "unknown" if outcome.account is None and request.userid else f"'{sanitize(request.userid)}'"
    summary = _summarize(outcome.result)
    return f"{method} {request.endpoint.path} {action}, userid {userid}: {summary} ({seconds * 1e3:.2f} ms)"


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
