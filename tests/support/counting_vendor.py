"""A vendor that counts what a run of the contract suite sends to it, in a time that the run turns or in real time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from sms10692.protocol import Endpoint
from sms10692_contract.expected import EMPTY_CREDENTIALS, WRONG_CREDENTIALS
from sms10692_contract.requests import QUEUES
from sms10692_mock.app.vendor_app import VendorRequest
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.results import Refusal, Result
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.server.http_types import Response
from support.mutant_vendor import Defect, mutant_server


@dataclass
class Traffic:
    """What a vendor has received.

    `requests` has method, path and action of each request, `seconds` the time of each. Signatures and passwords are
    counted as the vendor judges them: `wrong`, or `empty` like an empty userid or timestamp. `sends` are
    accepted, `points` is what they cost. `fetches` have correct credentials.
    """

    requests: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    wrong: int = 0
    empty: int = 0
    sends: int = 0
    points: int = 0
    fetches: int = 0

    @property
    def most_in_a_second(self) -> int:
        """The largest number of requests within one second."""
        times = self.seconds
        return max(
            (sum(start <= time < start + 1 for time in times[index:]) for index, start in enumerate(times)), default=0
        )


@contextmanager
def counting_vendor(now: Callable[[], datetime]) -> Iterator[tuple[str, Traffic]]:
    """Serve a conforming vendor whose clock is `now`; yield its URL and what it receives."""
    traffic = Traffic()

    class TurnedVendor(Vendor):
        def __init__(self, store: Any, clock: object, *arguments: Any, **options: Any) -> None:
            super().__init__(store, lambda: now().timestamp(), *arguments, **options)

    def record(endpoint: Endpoint, request: VendorRequest) -> VendorRequest:
        traffic.requests.append(f"{request.method} {request.path}")
        traffic.seconds.append(now().timestamp())
        return request

    def record_action(request: ApiRequest) -> ApiRequest:
        traffic.requests[-1] += f" {request.action}"
        return request

    def count(request: ApiRequest, result: Result) -> Result:
        message = result.message if isinstance(result, Refusal) else ""
        is_fetch = request.endpoint.path in QUEUES
        traffic.wrong += message == WRONG_CREDENTIALS
        traffic.empty += message == EMPTY_CREDENTIALS
        traffic.fetches += is_fetch and not message
        if not is_fetch and request.action == "send" and not message:
            traffic.sends += 1
        return result

    def add_date(request: ApiRequest, response: Response) -> Response:
        return response._replace(headers=[*response.headers, ("Date", format_datetime(now(), usegmt=True))])

    defect = Defect(
        vendor=TurnedVendor, http_request=record, api_request=record_action, result=count, response=add_date
    )
    with mutant_server(defect) as vendor:
        before = vendor.control.read_balance("12")
        yield vendor.url, traffic
        traffic.points = before - vendor.control.read_balance("12")
