"""Diagnosis of logged requests: build a `DiagnosisContext` from a request log entry and the store.

`diagnose_logged` may compare the request with every account; its result is for the owner of the emulator (access log,
control API). `public_findings` is safe for the sender of the request (header `X-Mock-Hint`). `needs_diagnosis` and
`is_conventional` are cheap enough for the path of a successful request.
"""

import codecs
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from sms10692 import protocol, signing
from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.forms import FORM, Fields, parse_fields
from sms10692_mock.diagnosis import DiagnosisContext, Finding, PreviousFetch, diagnose, is_authenticated, style_findings
from sms10692_mock.diagnosis.accidental_text import check_accidental_text, may_be_accidental
from sms10692_mock.diagnosis.body_kind import get_content_encoding
from sms10692_mock.diagnosis.context import make_finding
from sms10692_mock.diagnosis.explain import ExpectedSignature, expected_signature
from sms10692_mock.diagnosis.form_syntax import BROKEN_PERCENT, has_unencoded_plus
from sms10692_mock.diagnosis.mojibake import rare_character_ratio
from sms10692_mock.diagnosis.numbers import are_plain
from sms10692_mock.diagnosis.password import UNKNOWN_USERID
from sms10692_mock.diagnosis.rejection import LENGTH_TOO_SMALL, find_declared_length, rejection_findings
from sms10692_mock.domain.accounts import Account, exclude_temporary
from sms10692_mock.domain.api_request import QUEUES, ApiRequest, match_endpoint, parse_request
from sms10692_mock.domain.evidence import EvidenceCode
from sms10692_mock.domain.records import LoggedRequest, Query
from sms10692_mock.domain.store import Store

_CANDIDATE_LIMIT: Final = 500
"""Maximum number of temporary accounts, and of permanent accounts, that a signature is compared with."""

_PREVIOUS_LIMIT: Final = 50
"""Number of earlier requests that are searched for the previous fetch, or for the beginning of a body."""

_OPERATIONS: Final[Mapping[str, protocol.Operation]] = {operation.name: operation for operation in protocol.OPERATIONS}

_HTTP_ERROR: Final = 400
"""First HTTP status that does not come from the vendor: the vendor always responds 200 (A7)."""


def reparse(entry: LoggedRequest) -> tuple[ApiRequest, Fields]:
    """Parse a logged request again; raises ValueError if its path is no vendor endpoint."""
    endpoint = match_endpoint(entry.path)
    if endpoint is None:
        raise ValueError(f"{entry.path} is not a vendor endpoint")
    fields = parse_fields(entry.query, content_type(entry), entry.body, DECODERS[endpoint.charset])
    request = parse_request(endpoint, fields)
    if request.operation is None:  # a profile may know the action
        request = request._replace(operation=_OPERATIONS.get(entry.operation))
    return request, fields


def content_type(entry: LoggedRequest) -> str:
    """Return the Content-Type header of a logged request, or an empty string."""
    for name, value in entry.headers:
        if name.lower() == "content-type":
            return value
    return ""


def diagnose_logged(entry: LoggedRequest, store: Store) -> tuple[Finding, ...]:
    """Return all findings about a logged request. Passwords of the compared accounts are redacted.

    For a request that did not reach the vendor the only finding is the cause.
    """
    if entry.status >= _HTTP_ERROR and not entry.faults:
        return (*rejection_findings(entry), *_find_rest(entry, store))
    context = _build_context(entry)
    return diagnose(
        context._replace(
            account=store.account(context.request.userid),
            others=candidate_accounts(store),
            previous=_previous_fetch(entry, context.request, store),
        )
    )


def _find_rest(entry: LoggedRequest, store: Store) -> tuple[Finding, ...]:
    """Return a finding that names the request to whose body these bytes belong, if they follow one.

    It is the last request before with the Content-Length that the response names; one whose body has that many
    characters together with these bytes is preferred.
    """
    if entry.rejection != LENGTH_TOO_SMALL:
        return ()
    length = find_declared_length(entry)
    before = store.requests(None, Query(after=entry.number, newest_first=True, limit=_PREVIOUS_LIMIT)).items
    candidates = [logged for logged in before if logged.method and len(logged.body) == length]
    found = next((one for one in candidates if _counts_characters(one, entry.body, length)), None)
    previous = found or next(iter(candidates), None)
    return () if previous is None else (make_finding("http.rest-of-body", str(previous.number)),)


def _counts_characters(logged: LoggedRequest, rest: bytes, length: int) -> bool:
    endpoint = match_endpoint(logged.path)
    return endpoint is not None and len(DECODERS[endpoint.charset](logged.body + rest)) == length


def has_findings(entry: LoggedRequest, store: Store) -> bool:
    """Return whether `diagnose_logged` finds anything, without the expensive diagnosis of a refused request."""
    if entry.refusal or entry.rejection or entry.faults:
        return True
    if entry.status >= _HTTP_ERROR and not entry.faults:
        return False
    context = _build_context(entry)
    previous = _previous_fetch(entry, context.request, store)
    if (
        previous is None
        and not get_content_encoding(context)
        and not needs_diagnosis(context.request)
        and is_conventional(
            entry.method, entry.query, context.content_type, entry.body, context.request, context.fields, context.now
        )
    ):
        return False
    account = store.account(context.request.userid)
    return bool(diagnose(context._replace(account=account, previous=previous)))


def logged_signature(entry: LoggedRequest, store: Store) -> ExpectedSignature | None:
    """Return what the account of a logged request should have signed; None if the signature is right.

    **Only for the owner of the emulator**, see `expected_signature`.
    """
    if entry.status >= _HTTP_ERROR and not entry.faults:
        return None
    context = _build_context(entry)
    return expected_signature(context._replace(account=store.account(context.request.userid)))


def public_findings(entry: LoggedRequest, store: Store) -> tuple[tuple[Finding, ...], bool]:
    """Return the findings that the sender may see, and whether `diagnose_logged` may find more.

    **Only the account that signed the request is used; logged accounts are never compared.** Otherwise a finding would
    confirm guessed names, passwords and userids. The second value depends on the signature alone.
    """
    if entry.status >= _HTTP_ERROR and not entry.faults:
        return rejection_findings(entry), False
    context = _build_context(entry)
    account = store.account(context.request.userid)
    if account is not None and is_authenticated(context, account):
        return diagnose(
            context._replace(account=account, previous=_previous_fetch(entry, context.request, store))
        ), False
    return tuple(finding for finding in diagnose(context) if finding.code not in UNKNOWN_USERID), True


def _build_context(entry: LoggedRequest) -> DiagnosisContext:
    """Build the diagnosis context of a logged request, without accounts."""
    request, fields = reparse(entry)
    return DiagnosisContext(
        method=entry.method,
        query=entry.query,
        content_type=content_type(entry),
        body=entry.body,
        fields=fields,
        request=request,
        account=None,
        others=(),
        now=entry.account_time,
        evidence=entry.evidence,
        faults=entry.faults,
        headers=entry.headers,
        were_credentials_right=_were_credentials_right(entry),
    )


BEFORE_CREDENTIALS: Final = frozenset[EvidenceCode](
    (
        "credentials-empty",
        "credentials-wrong",
        "locked-out",
        "sql-injection",
        "fault",
        "fault-unlimited",
        "account-deleted",
    )
)
"""Evidence of requests whose credentials the vendor did not check, or refused."""


def _were_credentials_right(entry: LoggedRequest) -> bool:
    if entry.evidence is not None:
        return entry.evidence.code not in BEFORE_CREDENTIALS and not entry.evidence.code.startswith("timestamp-")
    return not (entry.refusal or entry.rejection or entry.faults)


def candidate_accounts(store: Store) -> list[Account]:
    """Return the accounts to compare signatures with, permanent ones first.

    Permanent accounts are included even when tests have created many temporary accounts since.
    """
    newest = store.accounts(_CANDIDATE_LIMIT)
    if len(newest) < _CANDIDATE_LIMIT:
        return sorted(newest, key=lambda account: account.temporary)
    found = map(store.account, exclude_temporary(store.userids())[:_CANDIDATE_LIMIT])
    permanent = [account for account in found if account is not None]
    seen = {account.userid for account in permanent}
    return [*permanent, *(account for account in newest if account.userid not in seen)]


def _previous_fetch(entry: LoggedRequest, request: ApiRequest, store: Store) -> PreviousFetch | None:
    if request.operation not in QUEUES:
        return None
    earlier = Query(after=entry.number, newest_first=True, limit=_PREVIOUS_LIMIT)
    for logged in store.requests(request.userid, earlier).items:
        if logged.operation == entry.operation and logged.fetched is not None:
            return PreviousFetch(logged.account_time, logged.fetched)
    return None


_ODD: Final = re.compile(
    r"""
      [\0-\x08\x0b\x0c\x0e-\x1f\x7f-\xa0\xad\u200b\u2060\ufeff]   # invisible
    | [\ue000-\uf8ff\ufffd锟]                                   # a lost character, or private use
    | [\xa1-\xfe]{2}                                          # both halves of a character
    | %(?:[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})
    | &(?:\#|[A-Za-z]{2,8};)
    | \\[ux]
    | [?]{2}
    | ^[A-Za-z0-9+/]{8,}={0,2}$
    """,
    re.VERBOSE,
)


_SUSPICIOUS: Final = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f%&?\\\x7f-\xfe\u200b\u2060\ufeff\ue000-\uf8ff\ufffd锟]")
"""The characters without which `_ODD` matches nothing in a text that is not ASCII. One character class is searched many
times faster than alternatives.
"""

_LEVEL_1: Final = "".join(
    bytes((lead, trail)).decode("gb2312", "ignore") for lead in range(0xB0, 0xD8) for trail in range(0xA1, 0xFF)
)
"""The 3,755 most frequent Chinese characters. The first character of UTF-8 that was decoded as GBK is none of them."""

_PLAIN: Final = f"[{_LEVEL_1}0-9 ,.:!()，。！？：；、（）-]"
_PLAIN_TEXT: Final = re.compile(f"(?:【{_PLAIN}{{1,20}}】)?{_PLAIN}*+")
"""Texts without any finding, and most texts that are really sent."""

_UTF_8: Final = re.compile(
    rb"(?:[\0-\x7f]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})*+"
)
_encode_gbk: Final = codecs.getencoder("gbk")  # resolved once: the look-up takes as long as encoding a text


def needs_diagnosis(request: ApiRequest) -> bool:
    """Return whether the text or the numbers of an accepted send look wrong enough for a diagnosis.

    True for every wrong text, and for few correct ones. This pre-filter runs before the response is sent and is many
    times faster than a diagnosis.
    """
    content, mobile = request.content, request.mobile
    if mobile and not are_plain(mobile):
        return True
    if _PLAIN_TEXT.fullmatch(content):
        return False
    if may_be_accidental(content) and next(check_accidental_text(content), None) is not None:
        return True
    if content.isascii():
        return _ODD.search(content) is not None
    if _SUSPICIOUS.search(content) and (
        _ODD.search(content) or ("?" in content and rare_character_ratio(content) > _RARE_RATIO)
    ):
        return True
    try:
        return _UTF_8.fullmatch(_encode_gbk(content)[0]) is not None  # the text is UTF-8 that was decoded as GBK
    except UnicodeEncodeError:
        return False


_RARE_RATIO: Final = 0.5


def style_warnings(
    entry: LoggedRequest, request: ApiRequest, fields: Fields, account: Account | None, previous: PreviousFetch | None
) -> Sequence[Finding]:
    """Return the request-style warnings of a successful request. `is_conventional` says when there are none."""
    return style_findings(
        DiagnosisContext(
            method=entry.method,
            query=entry.query,
            content_type=content_type(entry),
            body=entry.body,
            fields=fields,
            request=request,
            account=account,
            others=(),
            now=entry.account_time,
            previous=previous,
            headers=entry.headers,
        )
    )


_TIMESTAMP: Final = protocol.SIGNED.parameters[1]
_KNOWN_FIELDS: Final = {
    (endpoint, operation): frozenset(map(str.lower, endpoint.parameters_of(operation)))
    for endpoint in protocol.ENDPOINTS
    for operation in endpoint.operations
}
_SEND_TIME_TOLERANCE: Final = timedelta(minutes=4)
_TOLERANCE_MINUTES: Final = 9
"""One minute less than the tolerance of the style check, because the range is computed once per minute."""


def is_conventional(
    method: str,
    query: bytes,
    content_type: str,
    body: bytes,
    request: ApiRequest,
    fields: Mapping[str, str],
    now: float,
) -> bool:
    """Return whether a successful request can have no style warnings except those about polling a queue.

    This pre-filter runs before the response is sent. `now` is the time on the account's clock.
    """
    if method != "POST" or query or content_type != FORM or not body.isascii() or request.operation is None:
        return False
    if body.count(b"&") != len(fields) - 1 or not _KNOWN_FIELDS.get(
        (request.endpoint, request.operation), frozenset()
    ).issuperset(fields):
        return False  # text was lost, or a parameter was repeated
    if request.operation is protocol.CHECKKEYWORD and not request.content:
        return False
    earliest, latest, earliest_send_time = _accepted_times(now // 60)
    if request.send_time and request.send_time < earliest_send_time:
        return False
    if b"+" in body and has_unencoded_plus(body):
        return False
    if "%" in request.content and BROKEN_PERCENT.search(body):
        return False
    timestamp = fields.get(_TIMESTAMP, earliest)
    # Within the minutes accepted, a time that exists has the day and the hour of the first or of the last.
    return (
        earliest <= timestamp <= latest
        and timestamp[:_HOUR_END] in (earliest[:_HOUR_END], latest[:_HOUR_END])
        and _MINUTE_AND_SECOND.fullmatch(timestamp, _HOUR_END) is not None
    )


_SEND_NAMES: Final = frozenset(map(str.lower, (*protocol.SIGNED.parameters, *protocol.SEND.parameters)))
_HOUR_END: Final = len("yyyyMMddHH")
_MINUTE_AND_SECOND: Final = re.compile("(?:[0-5][0-9]){2}")


def is_clean_send(
    query: bytes, content_type: str, body: bytes, request: ApiRequest, fields: Mapping[str, str], now: float
) -> bool:
    """Return whether an accepted POST of a send has certainly no finding: its form, its times, numbers and text.

    This is the usual case, and decided with the fewest steps. For any other request `needs_diagnosis` and
    `is_conventional` decide. `now` is the time on the account's clock.
    """
    if query or content_type != FORM or b"+" in body or not body.isascii():
        return False
    if body.count(b"&") != len(fields) - 1 or not _SEND_NAMES.issuperset(fields):
        return False  # text was lost, or a parameter is repeated or unknown
    earliest, latest, earliest_send_time = _accepted_times(now // 60)
    timestamp = fields.get(_TIMESTAMP, "")
    return (
        earliest <= timestamp <= latest
        and timestamp[:_HOUR_END] in (earliest[:_HOUR_END], latest[:_HOUR_END])
        and _MINUTE_AND_SECOND.fullmatch(timestamp, _HOUR_END) is not None
        and (not request.send_time or request.send_time >= earliest_send_time)
        and are_plain(request.mobile)
        and _PLAIN_TEXT.fullmatch(request.content) is not None
    )


@lru_cache(maxsize=64)
def _accepted_times(minute: float) -> tuple[str, str, str]:
    """Return the earliest and the latest timestamp and the earliest sendTime without a finding.

    The minute is counted since 1970.
    """
    start = datetime.fromtimestamp(minute * 60, signing.CHINA)
    tolerance = timedelta(minutes=_TOLERANCE_MINUTES)
    earliest, latest = signing.format_timestamp(start - tolerance), signing.format_timestamp(start + tolerance)
    return earliest, latest, f"{start - _SEND_TIME_TOLERANCE:%Y-%m-%d %H:%M:%S}"
