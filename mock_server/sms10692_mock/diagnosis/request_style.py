"""What works today and will bite one day: how a request is sent, when, and how often.

Here belong the habits, each a function of all that is known of the request.
"""

from collections.abc import Callable, Iterator
from typing import Final

from sms10692 import protocol, signing
from sms10692_mock.codec.forms import parse_fields
from sms10692_mock.diagnosis.context import DiagnosisContext, Finding, is_signed, make_finding

_CREDENTIALS: Final = protocol.OVERAGE.parameters[:3]
_KNOWN_ELSEWHERE: Final = frozenset({"rt"})
"""Q18, R15: of other brands' manuals, and understood here."""
_PASSWORDS: Final = ("password", "pwd", "passwd")

FORM: Final = "application/x-www-form-urlencoded"
"""What the body of a right request is."""

_CHARSET_NAMES: Final = {"utf-8": "utf-8", "utf8": "utf-8", "gbk": "gb2312", "gb2312": "gb2312", "gb18030": "gb2312"}

_STALE: Final = 600.0
_HOUR: Final = 3600.0
_POLLING: Final = 30.0
_RIGHT_AFTER: Final = 5.0
_LISTED: Final = 8


def style_findings(asked: DiagnosisContext) -> tuple[Finding, ...]:
    """The habits that a request shows."""
    return tuple(found for habit in _HABITS for found in habit(asked))


def _clock(asked: DiagnosisContext) -> Iterator[Finding]:
    call = asked.call
    if asked.account is None or not is_signed(asked, asked.account, call.timestamp, call.sign):
        return
    moment = signing.parse_timestamp(call.timestamp)
    if moment is None:
        yield make_finding("habit.timestamp-form")
        return
    late = asked.now - moment.timestamp()
    if abs(late) <= _STALE:
        return
    if abs(abs(late) - 12 * _HOUR) <= _STALE:
        yield make_finding("habit.twelve-hour")
    elif abs(late - 8 * _HOUR) <= _STALE:
        yield make_finding("habit.utc")
    else:
        yield make_finding("habit.stale", f"{_duration(abs(late))} {'old' if late > 0 else 'ahead'}")


def _duration(seconds: float) -> str:
    for size, unit in ((24 * _HOUR, "days"), (_HOUR, "hours"), (60.0, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def _content_type(asked: DiagnosisContext) -> Iterator[Finding]:
    media_type, _, parameters = asked.content_type.partition(";")
    media_type = media_type.strip().lower()
    if not asked.body:
        return
    if media_type == "multipart/form-data":
        readable = parse_fields(b"", asked.content_type, asked.body, _as_it_is)
        yield make_finding("habit.multipart" if readable else "habit.multipart-unreadable")
    elif media_type == "application/json" or media_type.endswith("+json") or asked.body.lstrip()[:1] in (b"{", b"["):
        yield make_finding("habit.json-body")
    elif media_type != FORM:
        yield make_finding("habit.content-type", asked.quote(media_type) if media_type else "absent")
    else:
        yield from _charset_label(asked, parameters)


def _charset_label(asked: DiagnosisContext, parameters: str) -> Iterator[Finding]:
    name, _, value = parameters.strip().partition("=")
    label = value.strip().strip("\"'").lower()
    page = asked.call.page.charset
    if name.strip().lower() == "charset" and label and _CHARSET_NAMES.get(label) != page:
        yield make_finding("habit.charset-label", asked.quote(label))


def _as_it_is(raw: bytes) -> str:
    return raw.decode("latin-1")


def _unencoded(asked: DiagnosisContext) -> Iterator[Finding]:
    is_multipart = asked.content_type.strip().lower().startswith("multipart/")
    if not asked.query.isascii() or not (is_multipart or asked.body.isascii()):
        yield make_finding("habit.unencoded")


def _method(asked: DiagnosisContext) -> Iterator[Finding]:
    if asked.method in ("GET", "HEAD"):
        yield make_finding("habit.get")


def _query(asked: DiagnosisContext) -> Iterator[Finding]:
    if asked.query:
        names = parse_fields(asked.query, "", b"", _as_it_is)
        if any(name in names for name in _CREDENTIALS):
            yield make_finding("habit.credentials-in-query")


def _parameters(asked: DiagnosisContext) -> Iterator[Finding]:
    operation = asked.call.operation
    operations = protocol.OPERATIONS if operation is None else (operation,)
    known = {name.lower() for each in operations for name in each.parameters} | _KNOWN_ELSEWHERE
    unknown = [name for name in asked.fields if name not in known]
    if any(name.startswith("amp;") for name in unknown):
        yield make_finding("habit.entity-between-parameters")
    if asked.call.sign and any(asked.fields.get(name) for name in _PASSWORDS):
        yield make_finding("habit.clear-credentials")
    if unknown:
        more = ", and more" if len(unknown) > _LISTED else ""
        yield make_finding("habit.unknown-parameters", ", ".join(map(asked.quote, unknown[:_LISTED])) + more)


def _queue(asked: DiagnosisContext) -> Iterator[Finding]:
    previous = asked.previous
    if previous is None or asked.call.operation not in (protocol.STATUS, protocol.CALL):
        return
    gap = asked.now - previous.moment
    if not 0 <= gap < _POLLING or previous.items >= _limit(asked):
        return  # A full answer means that there is more: fetching again at once is right.
    yield make_finding("habit.polling", f"{gap:.0f}")
    if previous.items == 0 and gap < _RIGHT_AFTER:
        yield make_finding("habit.fetched-after-empty", f"{gap:.0f}")


def _limit(asked: DiagnosisContext) -> int:
    number = asked.call.status_num
    return int(number[:9]) if number.isascii() and number.isdigit() and int(number[:9]) else protocol.STATUS_NUM_DEFAULT


_HABITS: Final[tuple[Callable[[DiagnosisContext], Iterator[Finding]], ...]] = (
    _clock,
    _content_type,
    _unencoded,
    _method,
    _query,
    _parameters,
    _queue,
)
