"""Request-style warnings: requests that succeed here but are likely to cause trouble at the real vendor.

`_CHECKS` lists the checks: clock, Content-Type, encoding, method, query string, parameters, polling. The codes of these
findings begin with "habit.".
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from sms10692 import protocol, signing
from sms10692_mock.codec.forms import FORM, parse_fields
from sms10692_mock.diagnosis.body_kind import (
    MULTIPART,
    Kind,
    are_fields_read,
    classify_body,
    get_media_type,
    is_form_read,
)
from sms10692_mock.diagnosis.context import REDACTED, DiagnosisContext, Finding, is_authenticated, make_finding
from sms10692_mock.diagnosis.form_syntax import (
    check_form_structure,
    check_form_syntax,
    find_lost_names,
    find_nested_request,
    find_sent_names,
)
from sms10692_mock.diagnosis.parameter_names import PASSWORD_NAMES, similar_names
from sms10692_mock.diagnosis.phrases import Phrase, build_duration
from sms10692_mock.diagnosis.timestamp_candidates import MANUALS_TIMESTAMP
from sms10692_mock.domain import clock
from sms10692_mock.domain.api_request import QUEUES, parse_limit

_CREDENTIALS: Final = protocol.SIGNED.parameters
_, _TIMESTAMP, _SIGN = _CREDENTIALS

MANUALS_SIGN: Final = "5cc68982f55ac74348e3d819f868fbe1"
"""The signature that the vendor's manual prints as an example in section 1.2."""
_JSON_PARAMETERS: Final = ("rt", "dataType")
"""Parameters of other brands' manuals that ask for JSON. A profile understands one of them (Q18, R15, R22)."""

_CHARSET_NAMES: Final = {"utf-8": "utf-8", "utf8": "utf-8", "gbk": "gb2312", "gb2312": "gb2312", "gb18030": "gb2312"}

_STALE_SECONDS: Final = 600.0
_PAST_SECONDS: Final = 300.0
_HOUR: Final = 3600.0
_POLLING_SECONDS: Final = 30.0
_AFTER_EMPTY_SECONDS: Final = 5.0
_LISTED_PARAMETERS: Final = 8


def style_findings(context: DiagnosisContext) -> tuple[Finding, ...]:
    """Return the request-style warnings of a request."""
    return drop_repeated_names([finding for check in _CHECKS for finding in check(context)])


def drop_repeated_names(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Drop unknown parameters that another finding names, which says more about them."""
    kept = list(findings)
    for index, finding in enumerate(findings):
        if finding.code == _UNKNOWN and not isinstance(finding.values[0], Phrase):
            others = " ".join(other.sentence for other in findings if other is not finding)
            names = [name for name in finding.values[0].split(", ") if REDACTED in name or name not in others]
            kept[index : index + 1] = [make_finding(_UNKNOWN, ", ".join(names))] if names else []
    return tuple(kept)


_UNKNOWN: Final = "habit.unknown-parameters"


def _check_clock(context: DiagnosisContext) -> Iterator[Finding]:
    request = context.request
    timestamp = dict(zip(request.endpoint.authentication.parameters, request.credentials, strict=True)).get(_TIMESTAMP)
    if timestamp is None:
        return
    if not context.were_credentials_right and (
        context.account is None or not is_authenticated(context, context.account)
    ):
        return
    if timestamp == MANUALS_TIMESTAMP and context.fields.get(_SIGN) == MANUALS_SIGN:
        return  # the age of the manual's example is no mistake
    moment = signing.parse_timestamp(timestamp)
    if moment is None:
        yield _explain_timestamp(context, timestamp)
        return
    # A test that moves the account's clock does not move the client's: either time is right.
    clocks = (context.now, context.now if context.received is None else context.received)
    late = min((time - moment.timestamp() for time in clocks), key=abs)
    if abs(late) <= _STALE_SECONDS:
        return
    if abs(late - 20 * _HOUR) <= _STALE_SECONDS or abs(late + 4 * _HOUR) <= _STALE_SECONDS:
        yield make_finding("habit.twelve-hour-utc")
    elif abs(abs(late) - 12 * _HOUR) <= _STALE_SECONDS:
        yield make_finding("habit.twelve-hour")
    elif abs(late - 8 * _HOUR) <= _STALE_SECONDS:
        yield make_finding("habit.utc")
    else:
        yield make_finding("habit.stale", Phrase("{} old" if late > 0 else "{} ahead", build_duration(abs(late))))


def _explain_timestamp(context: DiagnosisContext, timestamp: str) -> Finding:
    """Return the finding about a timestamp that is no time: the first of its parts that is out of range.

    A day that the month does not have is shown with its month.
    """
    if not _FOURTEEN_DIGITS.fullmatch(timestamp):
        return make_finding("habit.timestamp-form", context.show(timestamp))
    parts = {name: timestamp[start:end] for name, start, end, _, _ in _TIME_PARTS}
    wrong = next(
        (f"{name} = {parts[name]}" for name, _, _, low, high in _TIME_PARTS if not low <= int(parts[name]) <= high),
        f"MM-dd = {parts['MM']}-{parts['dd']}",
    )
    return make_finding("habit.timestamp-no-date", context.show(timestamp), wrong)


_FOURTEEN_DIGITS: Final = re.compile("[0-9]{14}")
_TIME_PARTS: Final = (
    ("yyyy", 0, 4, 1, 9999),
    ("MM", 4, 6, 1, 12),
    ("dd", 6, 8, 1, 31),
    ("HH", 8, 10, 0, 23),
    ("mm", 10, 12, 0, 59),
    ("ss", 12, 14, 0, 59),
)
"""Parts of a timestamp: letters of its pattern, place, smallest and largest value."""


_UNREADABLE_KINDS: Final[Mapping[Kind, str]] = {
    "compressed": "habit.compressed-body",
    "json": "habit.json-body",
    "xml": "habit.xml-body",
}

EXPLAINING_CODES: Final = frozenset(
    (
        *(
            "habit.repeated-parameter",
            "habit.escaped-pair",
            "habit.pairs-not-joined",
            "habit.question-mark",
            *("habit.escaped-ampersand", "habit.nested-request", "habit.byte-order-mark"),
            *("habit.quoted-form", "habit.json-query"),
        ),
        *_UNREADABLE_KINDS.values(),
        *("habit.printed-object", "habit.no-pair", "habit.form-not-read", "habit.multipart-label"),
        *("habit.multipart-unreadable", "habit.body-empty", "habit.length-missing"),
    )
)
"""Findings about the whole request, which explain why parameters are missing or wrong."""


def _check_body(context: DiagnosisContext) -> Iterator[Finding]:
    kind, shown = classify_body(context)
    media_type = get_media_type(context)
    label = context.quote(media_type) if media_type else Phrase("absent")
    if kind == "empty":
        yield from _check_empty_body(context)
    elif kind in _UNREADABLE_KINDS:
        yield make_finding(_UNREADABLE_KINDS[kind])
    elif kind == "object":
        yield make_finding("habit.printed-object", context.show(shown))
    elif media_type == MULTIPART and (kind != "form" or context.fields):
        is_read = parse_fields(b"", context.content_type, context.body, _decode_latin_1)
        yield make_finding("habit.multipart" if is_read else "habit.multipart-unreadable")
    elif kind == "multipart":
        yield make_finding("habit.multipart-label", label)
    elif kind == "no-pair":
        yield make_finding("habit.no-pair", str(len(context.body)))
    elif not is_form_read(context):
        yield make_finding("habit.form-not-read", label)
    elif media_type != FORM:
        yield make_finding("habit.content-type", label)
    else:
        yield from _check_charset_label(context)


def _check_empty_body(context: DiagnosisContext) -> Iterator[Finding]:
    if context.method in ("GET", "HEAD") or context.query:
        return
    names = {name.lower() for name, _ in context.headers}
    has_length = not names or not names.isdisjoint(("content-length", "transfer-encoding"))
    yield make_finding("habit.body-empty" if has_length else "habit.length-missing")


def _check_charset_label(context: DiagnosisContext) -> Iterator[Finding]:
    name, _, value = context.content_type.partition(";")[2].strip().partition("=")
    label = value.strip().strip("\"'").lower()
    charset = context.request.endpoint.charset
    if name.strip().lower() == "charset" and label and _CHARSET_NAMES.get(label) != charset:
        yield make_finding("habit.charset-label", context.quote(label))


def _decode_latin_1(raw: bytes) -> str:
    return raw.decode("latin-1")


def _check_encoding(context: DiagnosisContext) -> Iterator[Finding]:
    body = context.body.removeprefix(b"\xef\xbb\xbf") if is_form_read(context) else b""
    if not context.query.isascii() or not body.isascii():
        yield make_finding("habit.unencoded")


def _check_send_time(context: DiagnosisContext) -> Iterator[Finding]:
    request = context.request
    if request.operation is not protocol.SEND or not request.send_time:
        return
    if context.evidence is not None and context.evidence.code == "send-time-format":
        return
    # An accepted time has a format of the profile that was in force. The formats differ in shape.
    scheduled = clock.parse_send_time(request.send_time, clock.DATED_SEND_TIMES)
    if scheduled is None or (late := context.now - scheduled) <= _PAST_SECONDS:
        return
    sent = context.show(request.send_time)
    if abs(late - 8 * _HOUR) <= _STALE_SECONDS:
        yield make_finding("habit.send-time-utc", sent)
    else:
        yield make_finding("habit.send-time-past", sent, build_duration(late))


def _check_method(context: DiagnosisContext) -> Iterator[Finding]:
    # The manual demands POST. Clients of the older endpoints use GET as often (R19).
    is_usual = context.method == "GET" and context.request.endpoint.provenance != "manual"
    if not is_usual and (code := _METHOD_CODES.get(context.method)):
        yield make_finding(code)


_METHOD_CODES: Final = {"GET": "habit.get", "HEAD": "habit.head"}


def _check_query_string(context: DiagnosisContext) -> Iterator[Finding]:
    if context.query:
        names = parse_fields(context.query, "", b"", _decode_latin_1)
        first, *_, secret = context.request.endpoint.authentication.parameters
        if any(name in names for name in context.request.endpoint.authentication.parameters):
            yield make_finding("habit.credentials-in-query", first, secret)


def _check_parameters(context: DiagnosisContext) -> Iterator[Finding]:
    endpoint, operation = context.request.endpoint, context.request.operation
    operations = endpoint.operations if operation is None else (operation,)
    if context.evidence is not None and context.evidence.code == "action":
        words = str(context.evidence.values[1]).split(", ")  # a profile may know more than the endpoint
        operations += (protocol.CHANGESPWD,) if protocol.CHANGESPWD.action in words else ()
    names = dict.fromkeys(name for each in operations for name in endpoint.parameters_of(each))
    # Some clients send both kinds of credentials to every endpoint; those of the older one are a finding of their own.
    known = {*map(str.lower, names), *_CREDENTIALS, *map(str.lower, _JSON_PARAMETERS)}
    sent_names = context.fields if are_fields_read(context) else parse_fields(context.query, "", b"", _decode_latin_1)
    nested = find_nested_request(context)
    unknown = [name for name in sent_names if name not in known and name != nested and not name.startswith("?")]
    explained = set()
    if any(name.startswith("amp;") for name in unknown):
        yield make_finding("habit.entity-between-parameters")
        unknown = [name for name in unknown if not name.startswith("amp;")]
    unknown = [name for name in unknown if not name.startswith(("\ufeff", "'", '"'))]  # a finding of their own
    if context.fields.get(_SIGN) and any(context.fields.get(name) for name in PASSWORD_NAMES if name not in known):
        yield make_finding("habit.clear-credentials")
        unknown = [name for name in unknown if name not in PASSWORD_NAMES]
    sent = frozenset(name for name, value in context.fields.items() if value.strip())
    lost, as_sent = find_lost_names(context), find_sent_names(context) if unknown else {}
    unknown = [name for name in unknown if name not in lost]
    parameters = tuple(name for name in names if name not in endpoint.authentication.parameters)
    for name, meant in similar_names(unknown, parameters, sent):
        code = "habit.bracket-name" if "[" in name else "habit.similar-name"
        yield make_finding(code, context.show(as_sent.get(name, name)), meant)
        explained.add(name)
    unknown = [name for name in unknown if name not in explained]
    if unknown:
        listed = ", ".join(context.quote(as_sent.get(name, name)) for name in unknown[:_LISTED_PARAMETERS])
        is_whole = len(unknown) <= _LISTED_PARAMETERS
        yield make_finding(_UNKNOWN, listed if is_whole else Phrase("{}, and more", listed))


def _check_json_parameter(context: DiagnosisContext) -> Iterator[Finding]:
    asked = [name for name in _JSON_PARAMETERS if context.fields.get(name.lower()) == "json"]
    if asked and not context.request.wants_json:
        yield make_finding("habit.json-parameter", asked[0])


def _check_text_to_check(context: DiagnosisContext) -> Iterator[Finding]:
    if context.request.operation is protocol.CHECKKEYWORD and not context.request.content.strip():
        names = [name for name in context.fields if name not in _CREDENTIAL_NAMES] or list(context.fields)
        sent = find_sent_names(context)
        shown = [context.quote(sent.get(name, name)) for name in names[:_LISTED_PARAMETERS]]
        yield make_finding("habit.nothing-to-check", ", ".join(shown))


_CREDENTIAL_NAMES: Final = frozenset((*map(str.lower, _CREDENTIALS), "action"))


def _check_polling(context: DiagnosisContext) -> Iterator[Finding]:
    previous = context.previous
    if previous is None or context.request.operation not in QUEUES:
        return
    gap = context.now - previous.time
    if not 0 <= gap < _POLLING_SECONDS or previous.items >= parse_limit(context.request.status_num):
        return  # A full response means that more items are waiting: fetching again at once is correct.
    yield make_finding("habit.polling", f"{gap:.0f}")
    if previous.items == 0 and gap < _AFTER_EMPTY_SECONDS:
        yield make_finding("habit.fetched-after-empty", f"{gap:.0f}")


_CHECKS: Final[tuple[Callable[[DiagnosisContext], Iterator[Finding]], ...]] = (
    _check_clock,
    _check_body,
    _check_encoding,
    _check_method,
    _check_query_string,
    check_form_structure,
    check_form_syntax,
    _check_parameters,
    _check_json_parameter,
    _check_send_time,
    _check_text_to_check,
    _check_polling,
)
