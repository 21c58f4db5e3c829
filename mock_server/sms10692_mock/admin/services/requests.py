"""Request log service: list logged requests, and show one with its parsed parameters and diagnosis."""

from base64 import b64encode
from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from sms10692_mock.admin.services.accounts import AccountService
from sms10692_mock.admin.services.schemas import ListDocument, RequestQuery, format_iso_time, to_list_document
from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.forms import parse_fields
from sms10692_mock.diagnosis import Finding
from sms10692_mock.diagnosis.service import content_type, diagnose_logged, reparse
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.records import LoggedRequest
from sms10692_mock.domain.store import Store


class NoSuchRequest(LookupError):
    """There is no request with this number, or it is no longer kept."""


class RequestDocument(BaseModel):
    """Summary of a request. `path` includes the query string as received; `duration` is in seconds.

    `fetched` is the number of items that the request fetched from a queue; null for other operations.
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
    request_bytes: int
    response_bytes: int


class FindingDocument(BaseModel):
    """One finding of the diagnosis. `meant` is the intended text, if the finding is about a garbled text.

    `detail` is the variable part of the sentence.
    """

    code: str
    kind: str
    sentence: str
    meant: str | None
    detail: str


class RequestDetail(RequestDocument):
    """A request with its bodies (base64 and text), parsed parameters and diagnosis.

    `charset` is the charset of the endpoint, in which `fields` were parsed. `fields_utf8` and `fields_gbk` are the
    parameters parsed in either charset.
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


class RequestLogService:
    """Reads the request log. A userid of None means the requests of all accounts and of unknown userids."""

    def __init__(self, store: Store, accounts: AccountService, notifier: ChangeNotifier) -> None:
        self._store = store
        self._accounts = accounts
        self._notifier = notifier

    def list(self, userid: str | None, query: RequestQuery) -> ListDocument[RequestDocument]:
        """List summaries of requests, after waiting for them if the query says so. Raises NoSuchAccount."""
        store_query = query.to_store_query()
        if userid is not None:
            self._accounts.get(userid)
        page = self._notifier.wait_for(
            lambda: self._store.requests(userid, store_query),
            lambda page: len(page.items) >= query.count,
            query.wait,
            userid=userid,
            polls=self._store.blocking,
        )
        return to_list_document(page, query.limit, _document)

    def get(self, userid: str | None, number: int) -> RequestDetail:
        """Return one request with its diagnosis. Raises NoSuchRequest."""
        entry = self.logged_request(userid, number)
        call, fields = reparse(entry)
        return RequestDetail.model_construct(
            **dict(_document(entry)),
            headers=list(entry.headers),
            body=b64encode(entry.body).decode(),
            body_utf8=DECODERS["utf-8"](entry.body),
            body_gbk=DECODERS["gb2312"](entry.body),
            charset=call.endpoint.charset,
            fields=fields,
            fields_utf8=_fields(entry, "utf-8"),
            fields_gbk=_fields(entry, "gb2312"),
            content_type=entry.content_type,
            response_body=b64encode(entry.response_body).decode(),
            response_text=_response_text(entry),
            diagnosis=[_finding_document(finding) for finding in diagnose_logged(entry, self._store)],
        )

    def logged_request(self, userid: str | None, number: int) -> LoggedRequest:
        """Return one request as stored. Raises NoSuchRequest."""
        entry = self._store.request(number)
        if entry is None or (userid is not None and entry.userid != userid):
            raise NoSuchRequest(number)
        return entry


def _document(entry: LoggedRequest) -> RequestDocument:
    query = entry.query.decode("utf-8", "backslashreplace")
    return RequestDocument.model_construct(
        number=entry.number,
        received=format_iso_time(entry.received),
        account_time=format_iso_time(entry.account_time),
        duration=round(entry.duration, 6),
        method=entry.method,
        path=f"{entry.path}?{query}" if query else entry.path,
        userid=entry.userid,
        operation=entry.operation,
        refusal=entry.refusal,
        status=entry.status,
        fetched=entry.fetched,
        faults=list(entry.faults),
        request_bytes=len(entry.body),
        response_bytes=len(entry.response_body),
    )


def _fields(entry: LoggedRequest, charset: str) -> Mapping[str, str]:
    return parse_fields(entry.query, content_type(entry), entry.body, DECODERS[charset])


def _response_text(entry: LoggedRequest) -> str:
    charset = "gb2312" if "gb2312" in entry.content_type else "utf-8"
    return DECODERS[charset](entry.response_body)


def _finding_document(finding: Finding) -> FindingDocument:
    return FindingDocument.model_construct(
        code=finding.code, kind=finding.kind, sentence=finding.sentence, meant=finding.meant, detail=finding.detail
    )
