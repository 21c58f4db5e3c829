"""Defects of memory: a request is answered from an earlier one, or refused because of an earlier one."""

from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any, Final

from sms10692 import protocol
from sms10692.protocol import Endpoint
from sms10692_mock.app.vendor_app import VendorRequest
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.evidence import Evidence
from sms10692_mock.domain.results import AcceptedSend, CheckedText, Refusal, RepliesResult, ReportsResult
from sms10692_mock.domain.vendor import Vendor, VendorResult
from sms10692_mock.server.http_types import Response
from support.mutant_vendor import Defect, HttpHandler
from support.mutants.mutant import Mutant

_Key = Callable[[ApiRequest], Hashable]


def _remembering(key: _Key, keeps: Callable[[VendorResult], bool]) -> type[Vendor]:
    """Return a vendor that answers a request from an earlier one with the same key, if that result is kept."""

    class Remembering(Vendor):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self._results: dict[Hashable, VendorResult] = {}

        def handle(self, request: ApiRequest, request_number: int = 0) -> VendorResult:
            remembered = self._results.get(key(request))
            if remembered is not None:
                return remembered
            handled = super().handle(request, request_number)
            if keeps(handled):
                self._results[key(request)] = handled
            return handled

    return Remembering


class _RefusesSignatures(Vendor):
    """Base of vendors that refuse a correct signature."""

    def _refuse(self, request: ApiRequest) -> VendorResult:
        refusal = Refusal(protocol.CREDENTIALS_WRONG, Evidence("credentials-wrong"))
        return VendorResult(refusal, self.store.account(request.userid), 0.0)


class AcceptsSignatureOnce(_RefusesSignatures):
    """A signature can be used for one accepted send."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._used: set[Hashable] = set()

    def handle(self, request: ApiRequest, request_number: int = 0) -> VendorResult:
        key = request.userid, request.credentials
        if key in self._used and request.operation is protocol.SEND:
            return self._refuse(request)
        handled = super().handle(request, request_number)
        if isinstance(handled.result, AcceptedSend):
            self._used.add(key)
        return handled


class RefusesOlderTimestamps(_RefusesSignatures):
    """Refuses a timestamp before the newest one of the account."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._newest: dict[str, str] = {}

    def handle(self, request: ApiRequest, request_number: int = 0) -> VendorResult:
        _, timestamp, _ = request.credentials
        if timestamp < self._newest.get(request.userid, ""):
            return self._refuse(request)
        handled = super().handle(request, request_number)
        if isinstance(handled.result, AcceptedSend):
            self._newest[request.userid] = timestamp
        return handled


class DropsRepeatedTexts(Vendor):
    """Accepts the sixth and further identical sends, and delivers nothing."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._sends: Counter[Hashable] = Counter()

    def send(self, account: Account, now: float, request_number: int, request: ApiRequest) -> AcceptedSend | Refusal:
        key = account.userid, request.mobile, request.content
        self._sends[key] += 1
        if self._sends[key] > 5:
            request = request._replace(mobile=",".join(["10000000022"] * (request.mobile.count(",") + 1)))
        return super().send(account, now, request_number, request)


def _is_refused_for_balance(handled: VendorResult) -> bool:
    return isinstance(handled.result, Refusal) and handled.result.message == protocol.BALANCE_TOO_SMALL


def _identify(request: ApiRequest) -> Hashable:
    """Return a key that is equal for requests with the same parameters to the same endpoint."""
    return request.endpoint, frozenset(request.fields.items())


def _is_empty(handled: VendorResult) -> bool:
    return isinstance(handled.result, ReportsResult | RepliesResult) and not handled.result.items


def _caching_get(pattern: bytes) -> type[HttpHandler]:
    """Return a handler that answers GET from an earlier one with this query string, if that answer has this text."""
    answers: dict[tuple[str, bytes], Response] = {}

    class Handler(HttpHandler):
        def answer_vendor_request(self, endpoint: Endpoint, request: VendorRequest) -> Response:
            key = endpoint.path, request.query
            if request.method == "GET" and key in answers:
                return answers[key]
            response = super().answer_vendor_request(endpoint, request)
            if pattern in response.body:
                answers[key] = response
            return response

    return Handler


MEMORY: Final = (
    Mutant("a balance is cached for the query string of GET", Defect(handler=_caching_get(b"Sucess")), ("S-fresh",)),
    Mutant("a send is cached for the query string of GET", Defect(handler=_caching_get(b">Success<")), ("S-again",)),
    Mutant("a refusal is cached for the query string of GET", Defect(handler=_caching_get(b">Faild<")), ("S-refused",)),
    Mutant(
        "the same request sends once",
        Defect(vendor=_remembering(_identify, lambda handled: isinstance(handled.result, AcceptedSend))),
        ("S-again",),
    ),
    Mutant(
        "the same text to the same numbers is sent once",
        Defect(
            vendor=_remembering(
                lambda request: (request.operation, request.userid, request.mobile, request.content, request.extno),
                lambda handled: isinstance(handled.result, AcceptedSend),
            )
        ),
        ("B-taskID", "N-replies", "S-again"),
    ),
    Mutant(
        "checkkeyword is answered once per signature",
        Defect(
            vendor=_remembering(
                lambda request: (request.action, request.userid, request.credentials),
                lambda handled: isinstance(handled.result, CheckedText),
            )
        ),
        ("S-keywords",),
    ),
    Mutant(
        "a text is checked by its first 32 characters",
        Defect(
            vendor=_remembering(
                lambda request: (request.action, request.content[:32]),
                lambda handled: isinstance(handled.result, CheckedText) and len(handled.result.content) >= 32,
            )
        ),
        ("S-keywords",),
    ),
    Mutant(
        "an empty queue stays empty for its signature",
        Defect(vendor=_remembering(_identify, _is_empty)),
        ("S-fresh", "O-endpoints", "T-second"),
    ),
    Mutant(
        "a send that was too expensive stays refused",
        Defect(
            vendor=_remembering(
                lambda request: (request.userid, request.credentials, request.mobile, request.content),
                _is_refused_for_balance,
            )
        ),
        ("S-fresh", "S-refused", "P-large"),
    ),
    Mutant("a signature sends once", Defect(vendor=AcceptsSignatureOnce), ("S-signature", "S-again")),
    Mutant("the sixth identical message is not delivered", Defect(vendor=DropsRepeatedTexts), ("S-again",)),
    Mutant("older timestamps are refused", Defect(vendor=RefusesOlderTimestamps), ("S-signature",)),
)
