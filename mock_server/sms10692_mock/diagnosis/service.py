"""Diagnosis of logged requests: build a `DiagnosisContext` from a request log entry and the store.

`diagnose_logged` may compare the request with every account; its result is for the owner of the emulator (access log,
control API). `public_findings` is safe for the sender of the request (header `X-Mock-Hint`).
"""

from collections.abc import Mapping, Sequence
from typing import Final

from sms10692 import protocol
from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.forms import Fields, parse_fields, parse_form
from sms10692_mock.diagnosis import DiagnosisContext, Finding, PreviousFetch, diagnose, is_authenticated, style_findings
from sms10692_mock.diagnosis.context import make_finding
from sms10692_mock.diagnosis.explain import ExpectedSignature, expected_signature
from sms10692_mock.diagnosis.form_syntax import find_sent_names
from sms10692_mock.diagnosis.password import UNKNOWN_USERID
from sms10692_mock.diagnosis.pre_check import find_suspicion
from sms10692_mock.diagnosis.rejection import LENGTH_TOO_SMALL, find_declared_length, rejection_findings
from sms10692_mock.domain.accounts import Account, exclude_temporary
from sms10692_mock.domain.api_request import QUEUES, ApiRequest, match_endpoint, parse_request
from sms10692_mock.domain.evidence_texts import EvidenceCode
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
    # The profile decided which parameter asks for JSON. With a fault the response does not tell.
    return request._replace(wants_json=entry.content_type == _JSON or bool(entry.faults)), fields


_JSON: Final = "application/json"


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
    if entry.refusal or entry.rejection or entry.faults or entry.evidence:
        return True
    if entry.status >= _HTTP_ERROR and not entry.faults:
        return False
    context = _build_context(entry)
    previous = _previous_fetch(entry, context.request, store)
    decode = DECODERS[context.request.endpoint.charset]
    form = parse_form(entry.query, context.content_type, entry.body, decode)
    names = [name.lower() for name, _ in entry.headers]
    if previous is None and not find_suspicion(context.request, form, entry.method, names, entry.body, context.now):
        return False
    account = store.account(context.request.userid)
    return bool(diagnose(context._replace(account=account, previous=previous)))


def sent_names(entry: LoggedRequest) -> Mapping[str, str]:
    """Return the names of the parameters of a logged request as they were sent, by the name in lower case.

    Raises ValueError if its path is no vendor endpoint.
    """
    return find_sent_names(_build_context(entry))


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
        received=entry.received,
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


def style_warnings(
    entry: LoggedRequest, request: ApiRequest, fields: Fields, account: Account | None, previous: PreviousFetch | None
) -> Sequence[Finding]:
    """Return the request-style warnings of a successful request. `find_suspicion` says when there are none."""
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
            received=entry.received,
        )
    )
