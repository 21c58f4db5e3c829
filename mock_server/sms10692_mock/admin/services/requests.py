"""Request log service: list logged requests, and show one with its parsed parameters and diagnosis."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from pydantic import BaseModel, Field

from sms10692 import protocol
from sms10692_mock.admin.services.accounts import AccountService
from sms10692_mock.admin.services.filtered_pages import read_matching
from sms10692_mock.admin.services.finding_marks import FindingMarks
from sms10692_mock.admin.services.password_mask import mask_request, mask_target
from sms10692_mock.admin.services.schemas import (
    ListDocument,
    RequestLogQuery,
    StrictInput,
    Text,
    format_iso_time,
    to_list_document,
)
from sms10692_mock.admin.services.spectator_mask import SpectatorMask
from sms10692_mock.app.pasted_heads import read_pasted
from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.forms import parse_fields
from sms10692_mock.diagnosis import Finding
from sms10692_mock.diagnosis.explain import ExpectedSignature, explain
from sms10692_mock.diagnosis.pasted import MAX_LENGTH, PastedRequest
from sms10692_mock.diagnosis.service import (
    BEFORE_CREDENTIALS,
    candidate_accounts,
    content_type,
    diagnose_logged,
    logged_signature,
    reparse,
)
from sms10692_mock.diagnosis.translations import Language, translate
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import match_endpoint
from sms10692_mock.domain.bounds import MAX_NUMBER
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.profiles import Profile
from sms10692_mock.domain.records import LoggedRequest, Page, Query
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.stores.query import matches_request

DEMO_USER_AGENT: Final = "sms10692-mock-console-demo"
"""User-Agent of the requests by which the console demonstrates a clause."""

_SEARCHED_REQUESTS: Final = 100
"""The last requests of an account among which one to an older endpoint is searched."""


class OlderRequest(NamedTuple):
    """The number of a request that sent a password in clear, and the path of its endpoint."""

    number: int
    path: str


class NoSuchRequest(LookupError):
    """There is no request with this number, or it is no longer kept."""


class RequestDocument(BaseModel):
    """Summary of a request. `path` includes the query string as received; `duration` is in seconds.

    `fetched` is the number of items that the request fetched from a queue; null for other operations. `rejection` is
    the cause for which the request did not reach the vendor, or empty. Bytes that are no HTTP request have no `method`.
    """

    number: int
    received: str
    account_time: str
    duration: float
    method: str
    path: str
    userid: str
    operation: str
    refusal: str
    status: int
    fetched: int | None
    faults: list[str]
    rejection: str
    has_findings: bool
    request_bytes: int
    response_bytes: int


class FindingDocument(BaseModel):
    """One finding of the diagnosis. `meant` is the intended text, if the finding is about a garbled text.

    `values` are the variable parts of the sentence.
    """

    code: str
    kind: str
    sentence: str
    meant: str | None
    values: list[str]


class ExpectedSignatureDocument(BaseModel):
    """The text that should have been signed, with the password masked, and its MD5.

    `received_text` is the text that was signed in its place, masked too; empty if the mistake is not known.
    """

    signed_text: str
    md5: str
    received_text: str


class PastedText(StrictInput):
    """A request as text: a URL, a form, JSON, a command, a fetch call, raw HTTP, a HAR entry or a Postman
    collection.

    The rules are those of `profile`, of the account `userid`, or of the account of the request.
    """

    request: str = Field(min_length=1, max_length=MAX_LENGTH)
    profile: Text | None = Field(None, description="name of a profile; null or empty: that of the account")
    userid: Text | None = Field(None, description="account whose profile counts; null: the account of the request")


class RequestExplanation(BaseModel):
    """What is wrong with a request that was not sent. `refusal` is the message of the vendor, or empty.

    `expected_signature` is null unless the signature is wrong and the reader may see a valid one. `profile` is the
    profile whose rules count, empty for a path that is no endpoint. `label` is the number, and the name, of the request
    in a HAR file or a Postman collection.
    """

    method: str
    path: str
    operation: str
    refusal: str
    diagnosis: Sequence[FindingDocument]
    is_signature_checked: bool
    expected_signature: ExpectedSignatureDocument | None
    profile: str
    label: str


class ExplanationDocument(RequestExplanation):
    """The explanation of a text: of its only request or, of a file of several, of the last to the vendor.

    `further_requests` are the other requests to endpoints of the vendor in a HAR file or a Postman collection, in their
    order. `ignored_requests` is the number of requests in the text that are not explained.
    """

    ignored_requests: int
    further_requests: Sequence[RequestExplanation]


class RequestDetail(RequestDocument):
    """A request with its bodies (base64 and text), parsed parameters and diagnosis.

    `charset` is the charset of the endpoint, in which `fields` were parsed. `fields_utf8` and `fields_gbk` are the
    parameters parsed in either charset. Of bytes that are no HTTP request, `body` has the first, up to 1 KiB.
    """

    headers: list[tuple[str, str]]
    body: str
    body_utf8: str
    body_gbk: str
    charset: str
    fields: Mapping[str, str]
    fields_utf8: Mapping[str, str]
    fields_gbk: Mapping[str, str]
    content_type: str
    response_body: str
    response_text: str
    diagnosis: Sequence[FindingDocument]
    expected_signature: ExpectedSignatureDocument | None


class RequestLogService:
    """Reads the request log. A userid of None means the requests of all accounts and of unknown userids."""

    def __init__(self, vendor: Vendor, accounts: AccountService, notifier: ChangeNotifier, marks: FindingMarks) -> None:
        self._vendor = vendor
        self._store = vendor.store
        self._accounts = accounts
        self._notifier = notifier
        self._marks = marks
        self._last_mask: tuple[Sequence[Account], SpectatorMask] = [], SpectatorMask([])
        self.may_show_secrets: Callable[[], bool] = lambda: False
        """Whether the reader of now may see a valid signature, and passwords in requests. The application sets it."""
        self.may_show_signatures: Callable[[], bool] = lambda: True
        """Whether the reader of now may see the signatures in requests. The application sets it."""

    def list(self, userid: str | None, query: RequestLogQuery) -> ListDocument[RequestDocument]:
        """List summaries of requests, after waiting for them if the query says so. Raises NoSuchAccount."""
        store_query = query.to_store_query()
        if userid is not None:
            self._accounts.get(userid)
        page = self._notifier.wait_for(
            lambda: self._read_page(userid, query, store_query),
            lambda page: len(page.items) >= query.count,
            query.wait,
            userid=userid,
            polls=self._store.blocking,
        )
        mask = self._spectator_mask()
        return to_list_document(page, query.limit, lambda request: self._document(request, mask))

    def _read_page(self, userid: str | None, query: RequestLogQuery, store_query: Query) -> Page[LoggedRequest]:
        # A filter of what the reader may not see would tell it, letter by letter.
        hidden_text = None if self.may_show_secrets() else store_query.text
        mask = None if hidden_text is None else self._spectator_mask()

        def matches(request: LoggedRequest) -> bool:
            if hidden_text is not None and not matches_request(self._hide(request, mask), store_query):
                return False
            return _matches(request, query) and (not query.has_findings or self._marks.is_marked(request))

        selected = (query.operation, query.endpoint, query.demos, hidden_text)
        if not (query.refused or query.has_findings) and selected == (None,) * len(selected):
            return self._store.requests(userid, store_query)
        read_query = store_query if hidden_text is None else store_query._replace(text=None)
        return read_matching(partial(self._store.requests, userid), read_query, matches)

    def _document(self, request: LoggedRequest, mask: SpectatorMask | None) -> RequestDocument:
        is_marked = self._marks.is_marked(request)
        if mask is not None:
            request = mask.mask_target(request)
        elif not self.may_show_secrets():
            request = mask_target(request, self._password(request))
        return _to_document(request, is_marked=is_marked)

    def _spectator_mask(self) -> SpectatorMask | None:
        """Return what masks requests for the reader of now, if signatures are hidden. Reads all accounts."""
        if self.may_show_signatures():
            return None
        accounts, (known, mask) = self._store.accounts(), self._last_mask
        if accounts != known:
            mask = SpectatorMask(accounts)
            self._last_mask = accounts, mask
        return mask

    def _password(self, request: LoggedRequest) -> str:
        account = self._store.account(request.userid)
        return account.password if account else ""

    def get(self, userid: str | None, number: int, language: Language = "en") -> RequestDetail:
        """Return one request with its diagnosis. Raises NoSuchRequest."""
        original = self._find(userid, number)
        mask = self._spectator_mask()
        request = self._hide(original, mask)
        charset, fields = _parsed_fields(request)
        found = diagnose_logged(original, self._store)
        findings = found if mask is None else mask.mask_findings(found, original, request)
        return RequestDetail.model_construct(
            **dict(self._document(original, mask)),
            headers=list(request.headers),
            body=b64encode(request.body).decode(),
            body_utf8=DECODERS["utf-8"](request.body),
            body_gbk=DECODERS["gb2312"](request.body),
            charset=charset,
            fields=fields,
            fields_utf8=_fields(request, "utf-8"),
            fields_gbk=_fields(request, "gb2312"),
            content_type=request.content_type,
            response_body=b64encode(request.response_body).decode(),
            response_text=_response_text(request),
            diagnosis=[_finding_document(finding, language) for finding in findings],
            expected_signature=self._expected_document(logged_signature(original, self._store)),
        )

    def explain(self, text: PastedText, language: Language = "en") -> ExplanationDocument:
        """Explain a request that was not sent. Nothing is stored.

        Raises NotARequest, UnknownProfile and NoSuchAccount.
        """
        pasted, others, chosen = read_pasted(text.request), candidate_accounts(self._store), self._choose_profile(text)
        return ExplanationDocument.model_construct(
            **dict(self._explain_request(pasted, others, chosen, language)),
            ignored_requests=pasted.ignored,
            further_requests=[self._explain_request(each, others, chosen, language) for each in pasted.further],
        )

    def _explain_request(
        self, pasted: PastedRequest, others: Sequence[Account], chosen: Profile | None, language: Language
    ) -> RequestExplanation:
        vendor = self._vendor
        explanation = explain(
            pasted,
            self._store.account,
            others,
            vendor.keywords(),
            vendor.now,
            profile_of=vendor.profile_of if chosen is None else lambda account: chosen,
            get_points=lambda account: self._store.balance(account.userid).points,
        )
        return RequestExplanation.model_construct(
            method=explanation.method,
            path=explanation.path,
            operation=explanation.operation.name if explanation.operation else "",
            refusal=explanation.refusal,
            diagnosis=[_finding_document(finding, language) for finding in explanation.findings],
            is_signature_checked=explanation.is_signature_checked,
            expected_signature=self._expected_document(explanation.expected),
            profile=explanation.profile,
            label=pasted.label,
        )

    def _choose_profile(self, text: PastedText) -> Profile | None:
        if text.profile:
            profiles = self._vendor.profiles()
            return profiles[profiles.check(text.profile)]
        return self._vendor.profile_of(self._accounts.get(text.userid)) if text.userid else None

    def _expected_document(self, expected: ExpectedSignature | None) -> ExpectedSignatureDocument | None:
        if expected is None or not self.may_show_secrets():
            return None
        return ExpectedSignatureDocument(**expected._asdict())

    def logged_request(self, userid: str | None, number: int) -> LoggedRequest:
        """Return one request as stored, with passwords masked if the reader may not see them. Raises NoSuchRequest."""
        return self.hide_secrets(self._find(userid, number))

    def hide_secrets(self, request: LoggedRequest) -> LoggedRequest:
        """Mask in a request what the reader of now may not see."""
        return self._hide(request, self._spectator_mask())

    def _hide(self, request: LoggedRequest, mask: SpectatorMask | None) -> LoggedRequest:
        if mask is not None:
            return mask.mask_request(request)
        return request if self.may_show_secrets() else mask_request(request, self._password(request))

    def original(self, number: int) -> LoggedRequest:
        """Return one request as stored, with its secrets. **Not to be shown.** Raises NoSuchRequest."""
        return self._find(None, number)

    def delete(self, number: int) -> None:
        """Delete one request. Raises NoSuchRequest."""
        if not self._store.delete_request(number):
            raise NoSuchRequest(number)

    def delete_all(self) -> None:
        """Delete the requests of all accounts and of unknown userids."""
        self._store.clear_request_log()

    def find_newest(self, sent: LoggedRequest) -> LoggedRequest | None:
        """Return the newest logged request with the method, path, query and body of one that was just sent, if any."""
        page = self._store.requests(sent.userid, Query(newest_first=True, limit=_SEARCHED_REQUESTS))
        wanted = (sent.method, sent.path, sent.query, sent.body)
        return next((one for one in page.items if (one.method, one.path, one.query, one.body) == wanted), None)

    def last_with_password(self, userid: str) -> OlderRequest | None:
        """Return the newest of the account's last requests that sent its password in clear to an older endpoint.

        Requests without a password, or with a wrong one, reveal none.
        """
        query = Query(newest_first=True, limit=_SEARCHED_REQUESTS)
        for request in self._store.requests(userid, query).items:
            endpoint = match_endpoint(request.path)
            if endpoint is None or endpoint.authentication is not protocol.PASSWORD or request.rejection:
                continue
            was_checked = request.evidence is None or request.evidence.code not in BEFORE_CREDENTIALS
            if was_checked and reparse(request)[0].credentials[-1].strip():
                return OlderRequest(request.number, endpoint.path)
        return None

    def _find(self, userid: str | None, number: int) -> LoggedRequest:
        request = self._store.request(number) if 0 < number <= MAX_NUMBER else None
        if request is None or (userid is not None and request.userid != userid):
            raise NoSuchRequest(number)
        return request


def _matches(request: LoggedRequest, query: RequestLogQuery) -> bool:
    """Whether a request passes the filters that the stores do not have, except for findings."""
    if query.refused and not (request.refusal or request.rejection):
        return False
    if query.operation is not None and request.operation != query.operation:
        return False
    if query.endpoint is not None:
        endpoint = match_endpoint(request.path)
        if endpoint is None or endpoint.path != query.endpoint:
            return False
    return query.demos is None or query.demos == is_demo(request)


def is_demo(request: LoggedRequest) -> bool:
    """Whether the console sent the request to demonstrate a clause."""
    return any(name.lower() == "user-agent" and value == DEMO_USER_AGENT for name, value in request.headers)


def _to_document(request: LoggedRequest, *, is_marked: bool) -> RequestDocument:
    query = request.query.decode("utf-8", "backslashreplace")
    return RequestDocument.model_construct(
        number=request.number,
        received=format_iso_time(request.received),
        account_time=format_iso_time(request.account_time),
        duration=round(request.duration, 6),
        method=request.method,
        path=f"{request.path}?{query}" if query else request.path,
        userid=request.userid,
        operation=request.operation,
        refusal=request.refusal,
        status=request.status,
        fetched=request.fetched,
        faults=[fault.kind for fault in request.faults],
        rejection=request.rejection,
        has_findings=is_marked,
        request_bytes=len(request.body),
        response_bytes=len(request.response_body),
    )


def _parsed_fields(request: LoggedRequest) -> tuple[str, Mapping[str, str]]:
    """Return the charset of the endpoint and the parameters; both are empty if the request is for no endpoint."""
    if match_endpoint(request.path) is None:
        return "", {}
    api_request, fields = reparse(request)
    return api_request.endpoint.charset, fields


def _fields(request: LoggedRequest, charset: str) -> Mapping[str, str]:
    """Return the parameters parsed in a charset; none for bytes that are no HTTP request."""
    return parse_fields(request.query, content_type(request), request.body, DECODERS[charset]) if request.method else {}


def _response_text(request: LoggedRequest) -> str:
    charset = "gb2312" if "gb2312" in request.content_type else "utf-8"
    return DECODERS[charset](request.response_body)


def _finding_document(finding: Finding, language: Language) -> FindingDocument:
    return FindingDocument.model_construct(
        code=finding.code,
        kind=finding.kind,
        sentence=translate(finding, language),
        meant=finding.meant,
        values=list(finding.values),
    )
