"""Requests: the journal as documents, each with what was understood of it and what was wrong with it.

Here belongs how a request is shown. Who diagnoses it is `explaining`.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from sms10692_mock.admin.services.accounts import AccountService
from sms10692_mock.admin.services.schemas import ListDocument, RequestQuery, format_time, to_list_document
from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.forms import parse_fields
from sms10692_mock.diagnosis import Finding
from sms10692_mock.diagnosis.service import content_type, diagnose_logged, reparse
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.records import LoggedRequest
from sms10692_mock.domain.store import Store


class NoSuchRequest(LookupError):
    """There is no request of this number, or it was too old to be kept."""


class RequestDocument(BaseModel):
    """A request in short. `path` has the query, its bytes as they came; `took` is in seconds.

    `handed_out` is how many items it took from a queue; None where it asked for none.
    """

    number: int
    received: str
    now: str
    took: float
    method: str
    path: str
    userid: str
    operation: str
    refusal: str
    status: int
    handed_out: int | None
    faults: list[str]
    request_bytes: int
    answer_bytes: int


class FindingDocument(BaseModel):
    """One thing that is wrong with a request; `meant` is the text as it was meant, where the text is what is wrong.

    `detail` is what the sentence says beside what every finding of this code says.
    """

    code: str
    kind: str
    sentence: str
    meant: str | None
    detail: str


class RequestDetail(RequestDocument):
    """A request with all that is known of it: bodies in base64 and as texts, the fields, the diagnosis.

    `charset` is the one of the page, in which `fields` were read; beside them, what they are in either.
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
    answer: str
    answer_text: str
    diagnosis: Sequence[FindingDocument]


class RequestLogService:
    """What can be seen of the journal; where a userid is None, of all requests."""

    def __init__(self, store: Store, accounts: AccountService, bell: ChangeNotifier) -> None:
        self._store = store
        self._accounts = accounts
        self._bell = bell

    def list(self, userid: str | None, seek: RequestQuery) -> ListDocument[RequestDocument]:
        """The requests in short."""
        wanted = seek.to_store_query()
        if userid is not None:
            self._accounts.get(userid)
        page = self._bell.wait_for(
            lambda: self._store.requests(userid, wanted),
            lambda page: len(page.items) >= seek.count,
            seek.wait,
            userid=userid,
            polls=self._store.blocking,
        )
        return to_list_document(page, seek.limit, _document)

    def get(self, userid: str | None, number: int) -> RequestDetail:
        """One request, whole. Raises NoSuchRequest."""
        entry = self.logged_request(userid, number)
        call, fields = reparse(entry)
        return RequestDetail.model_construct(
            **dict(_document(entry)),
            headers=list(entry.headers),
            body=b64encode(entry.body).decode(),
            body_utf8=DECODERS["utf-8"](entry.body),
            body_gbk=DECODERS["gb2312"](entry.body),
            charset=call.page.charset,
            fields=fields,
            fields_utf8=_fields(entry, "utf-8"),
            fields_gbk=_fields(entry, "gb2312"),
            content_type=entry.content_type,
            answer=b64encode(entry.answer).decode(),
            answer_text=_answer_text(entry),
            diagnosis=[_finding_document(finding) for finding in diagnose_logged(entry, self._store)],
        )

    def logged_request(self, userid: str | None, number: int) -> LoggedRequest:
        """The same as it is kept. Raises NoSuchRequest."""
        entry = self._store.request(number)
        if entry is None or (userid is not None and entry.userid != userid):
            raise NoSuchRequest(number)
        return entry


def _document(entry: LoggedRequest) -> RequestDocument:
    query = entry.query.decode("utf-8", "backslashreplace")
    return RequestDocument.model_construct(
        number=entry.number,
        received=format_time(entry.received),
        now=format_time(entry.now),
        took=round(entry.took, 6),
        method=entry.method,
        path=f"{entry.path}?{query}" if query else entry.path,
        userid=entry.userid,
        operation=entry.operation,
        refusal=entry.refusal,
        status=entry.status,
        handed_out=entry.handed_out,
        faults=list(entry.faults),
        request_bytes=len(entry.body),
        answer_bytes=len(entry.answer),
    )


def _fields(entry: LoggedRequest, charset: str) -> Mapping[str, str]:
    return parse_fields(entry.query, content_type(entry), entry.body, DECODERS[charset])


def _answer_text(entry: LoggedRequest) -> str:
    charset = "gb2312" if "gb2312" in entry.content_type else "utf-8"
    return DECODERS[charset](entry.answer)


def _finding_document(finding: Finding) -> FindingDocument:
    return FindingDocument.model_construct(
        code=finding.code, kind=finding.kind, sentence=finding.sentence, meant=finding.meant, detail=finding.detail
    )
