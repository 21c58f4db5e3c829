"""Formatter of the report that a failed test shows: requests with their diagnosis, and messages."""

from collections.abc import Iterator, Sequence
from typing import Final

from sms10692_mock.testing.models import Message, Request

_MAX_TEXT: Final = 200
"""Maximum characters shown of a text from a client or a message."""


def format_report(requests: Sequence[Request], messages: Sequence[Message], unknown: Sequence[Request]) -> str:
    """Format requests with their diagnosis, and messages. `unknown` are requests of unknown userids."""
    return "\n".join(
        [
            "requests:" if requests else "requests: none named this account's userid",
            *(line for request in requests for line in _request_lines(request)),
            *(["requests that named no known userid:"] if unknown else []),
            *(line for request in unknown for line in _request_lines(request, named=True)),
            "messages:" if messages else "messages: none was sent",
            *map(format_message, messages),
        ]
    )


def _request_lines(request: Request, *, named: bool = False) -> Iterator[str]:
    path = request.path.partition("?")[0]
    userid = f", userid '{_printable(request.userid)}'" if named else ""
    operation = request.operation or "no such action"
    request_line = f"{_printable(request.method)} {_printable(path)} {operation}{userid}"
    if not request.method:
        request_line = "bytes that are no HTTP request"
    yield f"  #{request.number} {request.account_time:%H:%M:%S} {request_line}: {_summary(request)}"
    for finding in request.diagnosis:
        yield f"      {finding.code}: {_printable(finding.sentence)}"
        if finding.meant is not None:
            yield f"      meant: {_printable(finding.meant)}"


def _summary(request: Request) -> str:
    faulty = f"; injected faults: {', '.join(request.faults)}" if request.faults else ""
    if request.refusal:
        return f"refused, {request.refusal}{faulty}"
    if request.status != 200:
        return f"HTTP {request.status}{faulty}"
    if request.fetched is not None:
        return f"fetched {request.fetched}{faulty}"
    return f"answered{faulty}"


def format_message(message: Message) -> str:
    """Format a message as an indented line: number, task, report and text."""
    report = "never reported" if message.errorcode is None else f"{_printable(message.errorcode)}, {message.state}"
    return f"  to {_printable(message.mobile)}, task {message.task_id} ({report}): {_printable(message.content)}"


def _printable(text: str) -> str:
    """Truncate a text and escape characters that would move the cursor or begin a line.

    >>> _printable("内容"), _printable("a\\nb")
    ('内容', 'a\\\\nb')
    """
    shown = "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text[:_MAX_TEXT])
    return shown if len(text) <= _MAX_TEXT else f"{shown}…"
