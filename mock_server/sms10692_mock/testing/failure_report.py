"""What an emulator has to say to somebody whose test failed, in lines of text.

Here belongs the form. What is told is fetched by `sms_vendor`.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from sms10692_mock.testing.models import Message, Request

_TEXT: Final = 200
"""Characters of a text of a message's, or of a client's, that are shown."""


def format_report(requests: Sequence[Request], messages: Sequence[Message], strangers: Sequence[Request]) -> str:
    """The requests with what was wrong with them, and the messages; `strangers` are requests of unknown userids."""
    return "\n".join(
        [
            "requests:" if requests else "requests: none named this account's userid",
            *(line for request in requests for line in _request_lines(request)),
            *(["requests that named no known userid:"] if strangers else []),
            *(line for request in strangers for line in _request_lines(request, named=True)),
            "messages:" if messages else "messages: none was sent",
            *map(_message_line, messages),
        ]
    )


def _request_lines(request: Request, *, named: bool = False) -> Iterator[str]:
    path = request.path.partition("?")[0]
    whose = f", userid '{_printable(request.userid)}'" if named else ""
    operation = request.operation or "no such action"
    what = f"{_printable(request.method)} {_printable(path)} {operation}{whose}"
    yield f"  #{request.number} {request.now:%H:%M:%S} {what}: {_gist(request)}"
    for finding in request.diagnosis:
        yield f"      {finding.code}: {_printable(finding.sentence)}"
        if finding.meant is not None:
            yield f"      meant: {_printable(finding.meant)}"


def _gist(request: Request) -> str:
    spoilt = f"; spoilt by a fault: {', '.join(request.faults)}" if request.faults else ""
    if request.refusal:
        return f"refused, {request.refusal}{spoilt}"
    if request.status != 200:
        return f"HTTP {request.status}{spoilt}"
    if request.handed_out is not None:
        return f"handed out {request.handed_out}{spoilt}"
    return f"answered{spoilt}"


def _message_line(message: Message) -> str:
    report = "never reported" if message.errorcode is None else f"{_printable(message.errorcode)}, {message.state}"
    return f"  to {_printable(message.mobile)}, task {message.task_id} ({report}): {_printable(message.content)}"


def _printable(text: str) -> str:
    """A text of somebody else's, cut to a bearable length, in which nothing can move a cursor or begin a line.

    >>> _printable("内容"), _printable("a\\nb")
    ('内容', 'a\\\\nb')
    """
    shown = "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text[:_TEXT])
    return shown if len(text) <= _TEXT else f"{shown}…"
