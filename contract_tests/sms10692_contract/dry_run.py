"""A dry run: the checks run against a model of a conforming vendor in this process, and nothing is sent.

The requests of the run and their cost are those that a conforming vendor would receive.
"""

from collections.abc import Callable, Sequence
from typing import Final

from sms10692_contract import expected, terminal
from sms10692_contract.clauses import Clause
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import Address, HttpResponse
from sms10692_contract.pace import Pace
from sms10692_contract.requests import CALL, GBK, STATUS, WireRequest, compute_signature
from sms10692_contract.runner import run_checks
from sms10692_contract.suite_account import SuiteAccount
from sms10692_contract.target import RequestGate, Target

MASKED: Final = ("userid", "timestamp", "sign", "mobile", "content")
"""Parameters whose values a printed request does not show."""

_NOW: Final = "2026-01-01 00:00:00"


class ModelVendor(Target):
    """A conforming vendor with one prepaid account, and the list of the requests that it received.

    Reports and replies are available at once, except those of scheduled sends, which never are.
    """

    def __init__(self, address: Address, account: SuiteAccount, forbidden_word: str, points: int = 100_000) -> None:
        super().__init__(address, sleep=lambda seconds: None)
        self.requests: list[WireRequest] = []
        self._account = account
        self._forbidden_word = forbidden_word
        self._points = self._total = points
        self._task = 0
        self._reports: list[dict[str, object]] = []
        self._replies: list[dict[str, object]] = []

    def send(self, request: WireRequest, gate: RequestGate, may_be_absent: bool = False) -> HttpResponse:
        """Respond to a request; nothing is sent."""
        self.requests.append(request)
        fields = {name.lower(): value.strip() for name, value in reversed(request.pairs)}
        text = self._respond(request.endpoint, fields)
        encoding = "gb2312" if request.endpoint == GBK else "utf-8"
        return HttpResponse(200, f"text/xml; charset={encoding}", text)

    def _respond(self, endpoint: str, fields: dict[str, str]) -> bytes:
        refusal = self._find_credential_error(fields)
        if endpoint in (STATUS, CALL):
            return self._fetch(endpoint, fields, refusal)

        def render(template: str, message: str = "", **values: object) -> bytes:
            document = template.replace(expected.ANY_VALUE, "0")
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

    def _find_credential_error(self, fields: dict[str, str]) -> str:
        if not all(fields.get(name) for name in ("userid", "timestamp", "sign")):
            return expected.EMPTY_CREDENTIALS
        correct = compute_signature(self._account.account, self._account.password, fields["timestamp"])
        is_correct = (fields["userid"], fields["sign"]) == (self._account.userid, correct)
        return "" if is_correct else expected.WRONG_CREDENTIALS

    def _send(self, fields: dict[str, str], refusal: str, has_word: bool, render: Callable[..., bytes]) -> bytes:
        numbers = [number for number in fields.get("mobile", "").split(",") if number.strip()]
        extno, content = fields.get("extno", ""), fields.get("content", "")
        errors = (
            (bool(refusal), refusal),
            ("' or" in content, expected.SQL_INJECTION),
            (not numbers, expected.EMPTY_MOBILE),
            (not content, expected.EMPTY_CONTENT),
            (has_word, expected.FORBIDDEN_CONTENT),
            (fields.get("action") != "send" or not (extno or "0").isdecimal() or len(extno) > 10, expected.OTHER_ERROR),
            (len(numbers) > self._points, expected.INSUFFICIENT_BALANCE),
        )
        for applies, message in errors:
            if applies:
                return render(expected.SEND_REFUSED, message)
        self._task += 1
        self._points -= len(numbers)
        for number in numbers if not fields.get("sendtime") else ():
            item: dict[str, object] = {"mobile": number, "taskid": self._task, "receivetime": _NOW, "extno": extno}
            self._reports.append(item | {"status": 10, "errorcode": "DELIVRD"})
            self._replies.append(item | {"content": "T"})
        return render(expected.SEND_ACCEPTED, remainpoint=self._points, task_id=self._task, counts=len(numbers))

    def _fetch(self, endpoint: str, fields: dict[str, str], refusal: str) -> bytes:
        limit = fields.get("statusnum") or "4000"
        error = {expected.EMPTY_CREDENTIALS: 1, expected.WRONG_CREDENTIALS: 2}.get(refusal, 0)
        if not error and (fields.get("action") != "query" or not limit.isdecimal()):
            error, refusal = 4, expected.INVALID_PARAMETER
        if error:
            return expected.render_document(expected.ERRORSTATUS, endpoint, error=error, remark=refusal)
        queue, template = (
            (self._reports, expected.STATUSBOX) if endpoint == STATUS else (self._replies, expected.CALLBOX)
        )
        count = int(limit) if endpoint == STATUS else len(queue)
        items = [queue.pop(0) for _ in range(min(count, len(queue)))]
        if not items:
            return expected.EMPTY_QUEUE.encode()
        return expected.render_document(expected.ITEM_LIST, endpoint, items=expected.render_items(template, items))


def print_dry_run(context: CheckContext, clauses: Sequence[Clause], rate: float) -> None:
    """Print the requests that a conforming vendor would receive, and their cost and duration."""
    context.limit_requests(rate)
    model = ModelVendor(context.address, context.own, context.forbidden_word)
    context.target, context.pace = model, Pace(poll=1, report=1, reply=1, schedule=0)
    list(run_checks(context, clauses))
    for request in model.requests:
        terminal.write_line(format_request(request))
    duration = f", at least {len(model.requests) / rate:.0f} s" if rate else ""
    terminal.write_line(f"\n{len(model.requests)} requests, at most {context.guard.spent} points{duration}")


def format_request(request: WireRequest) -> str:
    """Return one line: method, path, and the parameters, with the values of `MASKED` left out."""
    pairs = (f"{name}={_mask(name, value)}" for name, value in request.pairs)
    return f"{request.method} {request.target.decode('ascii', 'replace').partition('?')[0]} {' '.join(pairs)}"


def _mask(name: str, value: str) -> str:
    return "…" if value and name.strip().lower() in MASKED else value
