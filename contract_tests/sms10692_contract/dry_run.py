"""A dry run: the checks run against a model of a conforming vendor in this process, and nothing is sent.

The requests of the run and their cost are those that a conforming vendor would receive.
"""

import json
import re
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final, NamedTuple

from sms10692_contract import expected, terminal
from sms10692_contract.account_check import check_account_at_start
from sms10692_contract.clauses import Clause
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import Address, HttpResponse
from sms10692_contract.kept_connection import Connection
from sms10692_contract.request_limits import has_wrong_signature
from sms10692_contract.requests import (
    CHARSET,
    CHARSET_LABEL,
    CREDENTIALS,
    OLDER_ENDPOINTS,
    OLDER_STATUS,
    QUEUES,
    STATUS,
    WireRequest,
    build_percent_encoder,
    compute_signature,
    is_encodable,
)
from sms10692_contract.run_clock import RunClock, TurnedClock
from sms10692_contract.runner import run_checks
from sms10692_contract.suite_account import CHINA, SuiteAccount
from sms10692_contract.target import RequestGate, Target
from sms10692_contract.xml_document import XmlElement, parse_xml

MASKED: Final = ("userid", "timestamp", "sign", "account", "password", "mobile", "content")
"""Parameters whose values a printed request does not show."""

_NOW: Final = "2026-01-01 00:00:00"
_TIME_FORMAT: Final = "%Y-%m-%d %H:%M:%S"


class _Item(NamedTuple):
    """A report or reply that waits in a queue, and the time when it can be fetched."""

    due: datetime
    fields: dict[str, object]


class ModelVendor(Target):
    """A conforming vendor with one prepaid account, and the list of the requests that it received.

    Every phone replies. Reports and replies are available at once, those of scheduled sends at their time.
    """

    def __init__(
        self,
        address: Address,
        account: SuiteAccount,
        forbidden_word: str,
        points: int = 100_000,
        clock: RunClock | None = None,
    ) -> None:
        self._clock = clock or TurnedClock(datetime.now(UTC)).run_clock
        super().__init__(address, sleep=self._clock.sleep)
        self.requests: list[WireRequest] = []
        self._account = account
        self._forbidden_word = forbidden_word
        self._points = self._total = points
        self._task = 100_000
        self._reports: list[_Item] = []
        self._replies: list[_Item] = []

    def send(self, request: WireRequest, gate: RequestGate, may_be_absent: bool = False) -> HttpResponse:
        """Respond to a request; nothing is sent."""
        with self.rate_limit.wait_for_turn():
            return self.respond(request)

    def open_connection(self, continue_seconds: float, seconds: float) -> AbstractContextManager[Connection]:
        """Return a connection to this model; nothing is connected."""
        return nullcontext(_ModelConnection(self))

    def respond(self, request: WireRequest) -> HttpResponse:
        """Record a request and respond to it."""
        self.requests.append(request)
        fields = _read_fields(request)
        text = self._respond(request.endpoint, fields)
        encoding, date = CHARSET_LABEL[request.endpoint], format_datetime(self._clock.now())
        if fields.get("rt") == "json":
            document = _build_json(parse_xml(text.decode(CHARSET[request.endpoint])))
            return HttpResponse(200, "application/json", json.dumps(document).encode(), date)
        return HttpResponse(200, f"text/xml; charset={encoding}", text, date)

    def _respond(self, endpoint: str, fields: dict[str, str]) -> bytes:
        refusal = self._find_credential_error(endpoint, fields)
        if endpoint in QUEUES:
            return self._fetch(endpoint, fields, refusal)

        def render(template: str, message: str = "", **values: object) -> bytes:
            document = template.replace("<payinfo>*", "<payinfo>").replace(expected.ANY_VALUE, "0")
            return expected.render_document(document, endpoint, message=message, **values)

        has_word = self._forbidden_word in fields.get("content", "")
        match fields.get("action"):
            case "overage" if refusal:
                return render(expected.OVERAGE_REFUSED, refusal)
            case "overage":
                return render(expected.OVERAGE, payinfo="预付费", overage=self._points, send_total=self._total)
            case "checkkeyword":
                found = expected.WORD_FOUND if has_word else expected.NO_WORD_FOUND
                return render(expected.CHECKKEYWORD, refusal or found)
            case _:
                return self._send(fields, refusal, has_word, render)

    def _find_credential_error(self, endpoint: str, fields: dict[str, str]) -> str:
        given = tuple(fields.get(name, "") for name in CREDENTIALS[endpoint])
        if not all(given):
            return expected.EMPTY_CREDENTIALS
        if endpoint in OLDER_ENDPOINTS:
            own = self._account.userid, self._account.account, self._account.password
            return "" if given == own else expected.WRONG_CREDENTIALS
        texts = self._account.account, self._account.password, fields["timestamp"]
        correct = {
            compute_signature(*texts, charset)
            for charset in {"utf-8", CHARSET[endpoint]}  # R4
            if is_encodable("".join(texts), charset)
        }
        is_correct = fields["userid"] == self._account.userid and fields["sign"] in correct
        return "" if is_correct else expected.WRONG_CREDENTIALS

    def _send(self, fields: dict[str, str], refusal: str, has_word: bool, render: Callable[..., bytes]) -> bytes:
        numbers = [number for number in fields.get("mobile", "").split(",") if number.strip()]
        extno, content = fields.get("extno", ""), fields.get("content", "")
        due = _parse_send_time(fields.get("sendtime", ""))
        errors = (
            (bool(refusal), refusal),
            ("' or" in content, expected.SQL_INJECTION),
            (not numbers, expected.EMPTY_MOBILE),
            (not content, expected.EMPTY_CONTENT),
            (has_word, expected.FORBIDDEN_CONTENT),
            (fields.get("action") != "send" or not (extno or "0").isdecimal() or len(extno) > 10, expected.OTHER_ERROR),
            (bool(fields.get("sendtime")) and due is None, expected.OTHER_ERROR),
            (len(numbers) > self._points, expected.INSUFFICIENT_BALANCE),
        )
        for applies, message in errors:
            if applies:
                return render(expected.SEND_REFUSED, message)
        self._task += 1
        self._points -= len(numbers)
        due = max(self._clock.now(), due) if due else self._clock.now()
        for number in numbers:
            item: dict[str, object] = {"mobile": number, "taskid": self._task, "receivetime": _NOW, "extno": extno}
            self._reports.append(_Item(due, item | {"status": 10, "errorcode": "DELIVRD"}))
            self._replies.append(_Item(due, item | {"content": "T"}))
        return render(expected.SEND_ACCEPTED, remainpoint=self._points, task_id=self._task, counts=len(numbers))

    def _fetch(self, endpoint: str, fields: dict[str, str], refusal: str) -> bytes:
        limit = fields.get("statusnum") or "4000"
        error = {expected.EMPTY_CREDENTIALS: 1, expected.WRONG_CREDENTIALS: 2}.get(refusal, 0)
        if not error and (fields.get("action") != "query" or not limit.isdecimal()):
            error, refusal = 4, expected.INVALID_PARAMETER
        if error:
            return expected.render_document(expected.ERRORSTATUS, endpoint, error=error, remark=refusal)
        is_status = endpoint in (STATUS, OLDER_STATUS)
        queue, template = (self._reports, expected.STATUSBOX) if is_status else (self._replies, expected.CALLBOX)
        now = self._clock.now()
        due = [item for item in queue if item.due <= now][: int(limit) if is_status else None]
        if not due:
            return expected.EMPTY_QUEUE.encode()
        taken = {id(item) for item in due}  # equal items are different ones: a number may be sent to twice
        queue[:] = [item for item in queue if id(item) not in taken]
        items = expected.render_items(template, [item.fields for item in due])
        return expected.render_document(expected.ITEM_LIST, endpoint, items=items)


def _parse_send_time(text: str) -> datetime | None:
    """Return the time of a sendTime; None if it is none."""
    try:
        return datetime.strptime(text, _TIME_FORMAT).replace(tzinfo=CHINA)
    except ValueError:
        return None


class _ModelConnection:
    """A connection to a model: each response is there when its request is written."""

    def __init__(self, vendor: ModelVendor) -> None:
        self._vendor = vendor
        self._responses: deque[HttpResponse] = deque()

    def write(self, *requests: WireRequest) -> None:
        self._responses.extend(map(self._vendor.respond, requests))

    def write_in_pieces(self, request: WireRequest, sizes: Sequence[int]) -> None:
        self.write(request)

    def write_after_continue(self, request: WireRequest, seconds: float | None = None) -> bool:
        self.write(request)
        return True

    def read(self, request: WireRequest, record: Callable[[WireRequest, HttpResponse], None]) -> HttpResponse:
        response = self._responses.popleft()
        record(request, response)
        return response

    def read_to_end(self) -> bytes:
        response = self._responses.popleft()
        return f"HTTP/1.1 200 OK\r\nContent-Type: {response.content_type}\r\n\r\n".encode() + response.body

    def is_closed_by_server(self, seconds: float) -> bool:
        return True


_FILE_PART: Final = re.compile(rb'name="([^"]*)"; filename=')


def _read_fields(request: WireRequest) -> dict[str, str]:
    """Return the first value of each parameter, without parts that are files and texts in another charset."""
    if not request.query_count and any("json" in value.lower() for _, value in request.headers):
        return {}  # R16
    files = {name.decode("latin-1").lower() for name in _FILE_PART.findall(request.body)}
    fields = {name.lower(): value for name, value in reversed(request.pairs) if name.lower() not in files}
    own = CHARSET[request.endpoint]
    other = "gbk" if own == "utf-8" else "utf-8"
    content = fields.get("content", "")
    if is_encodable(content, other) and not content.isascii() and build_percent_encoder(other)(content) in request.body:
        fields["content"] = content.encode(other).decode(own, "replace")  # Q16
    return {name: value if name == "rt" else value.strip() for name, value in fields.items()}


_JSON_NAMES: Final = {
    "returnstatus": "ReturnStatus",
    "message": "Message",
    "remainpoint": "RemainPoint",
    "taskID": "TaskID",
    "successCounts": "SuccessCounts",
    "payinfo": "Payinfo",
    "overage": "Overage",
    "sendTotal": "SendTotal",
}
"""Names of the elements that a run asks for in JSON (R15)."""

_JSON_TEXTS: Final = ("returnstatus", "message", "payinfo")


def _build_json(root: XmlElement) -> dict[str, object]:
    """Return the same document in JSON."""
    return {
        _JSON_NAMES.get(child.name, child.name): child.text if child.name in _JSON_TEXTS else int(child.text or 0)
        for child in root.children
        if not child.children
    }


def print_dry_run(context: CheckContext, clauses: Sequence[Clause], rate: float) -> None:
    """Print the requests that a conforming vendor would receive, and their cost and duration.

    The run is the same as one that sends, except that time is turned instead of waited for.
    """

    print_requests_to_model(context, rate, lambda: list(run_checks(context, clauses)))
    terminal.write_line(f"A run with --seed {context.seed} sends the same to a server that responds like the manual.")
    if context.can_fetch and context.can_send:
        terminal.write_line(
            f"While reports or replies are not there, it fetches again every {context.pace.poll:g} s,"
            f" for at most {context.pace.report:g} s."
        )


def print_requests_to_model(context: CheckContext, rate: float, send_all: Callable[[], object]) -> None:
    """Call `send_all` with a model in place of the server, and print what the model received, its cost and duration.

    The query of the balance with which every run begins is sent before.
    """
    clock = TurnedClock(context.run_clock.now())
    context.run_clock = clock.run_clock
    context.limit_requests(rate)
    model = ModelVendor(context.address, context.own, context.forbidden_word, clock=context.run_clock)
    model.rate_limit = context.target.rate_limit
    context.target = model
    check_account_at_start(context)
    send_all()
    for request in model.requests:
        terminal.write_line(format_request(request))
    parts = describe_counts(model.requests, context.own)
    parts += [f"at most {context.guard.spent} points", *([f"at least {clock.seconds:.0f} s"] if rate else [])]
    terminal.write_line(f"\n{', '.join(parts)}")


def describe_counts(requests: Sequence[WireRequest], own: SuiteAccount) -> list[str]:
    """Return how many requests there are, and how many of them cost something: one text for each count.

    >>> describe_counts([], SuiteAccount("12", "test", "mima"))
    ['0 requests', '0 with a wrong signature', '0 sends', '0 fetches']
    """
    wrong = sum(has_wrong_signature(request, own.userid, own.account, own.password) for request in requests)
    sends = sum(("action", "send") in request.pairs for request in requests)
    fetches = sum(request.endpoint in QUEUES for request in requests)
    return [
        f"{len(requests):,} requests",
        f"{wrong:,} with a wrong signature",
        f"{sends:,} {'send' if sends == 1 else 'sends'}",
        f"{fetches:,} {'fetch' if fetches == 1 else 'fetches'}",
    ]


def format_request(request: WireRequest) -> str:
    """Return one line: method, path, and the parameters, with the values of `MASKED` left out."""
    pairs = (f"{name}={_mask(name, value)}" for name, value in request.pairs)
    return f"{request.method} {request.target.decode('ascii', 'replace').partition('?')[0]} {' '.join(pairs)}"


def _mask(name: str, value: str) -> str:
    return "…" if value and name.strip().lower() in MASKED else value
