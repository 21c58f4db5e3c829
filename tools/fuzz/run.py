"""Fuzz runs: Hypothesis generates malformed requests and shrinks those whose responses are wrong.

A run consists of rounds. A request that leads to a new kind of response (`novelty_key`) joins the corpus from which
the requests of later rounds are made.
"""

import re
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, TypeVar
from urllib.parse import unquote_to_bytes

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from fuzz.corpus import VENDOR_REQUESTS, FuzzInput
from fuzz.http_errors import malformed_bytes
from fuzz.mutators import malformed_control_requests, malformed_requests
from fuzz.oracle import FuzzResponse, check_control_response, check_raw_response, check_vendor_response
from fuzz.targets import InProcessTarget, send_over_socket
from sms10692_mock.domain.api_request import match_endpoint
from support.http_client import Address

_SEED_STRIDE: Final = 10**6
_ROUND_SIZE: Final = 250
"""Requests of one round, for which the corpus is fixed and the target is new, so that its queues stay short."""
_CONTROL_EVERY: Final = 20
"""One of this many rounds requests the control API."""
_MAX_CORPUS: Final = 3000
_DIAGNOSE_EVERY: Final = 50
"""One of this many requests also runs the diagnosis, which is slow."""
_SOCKET_ROUND_SIZE: Final = 50
_THREADS: Final = 32
_EXCLUDED_ON_SOCKET: Final = (b"wait=", b"fault")
"""Requests with these bytes are not sent over a socket, where no request may hang and every 5xx is a failure."""

_Input = TypeVar("_Input", FuzzInput, bytes)

_MESSAGE: Final = re.compile(
    rb"<(?:message|remark|errorcode)>[^<]*|<(?:status|call)box>|\"(?:Message|Remark)\":\"[^\"]*|<checkCounts>"
)
_HINT_CODE: Final = re.compile(r"(?:^|\| )([a-z.0-9-]+):")


@dataclass
class FuzzStats:
    """Counts of requests and responses by kind, the novelty keys seen, and a description of each failure."""

    requests: Counter[str] = field(default_factory=Counter)
    responses: Counter[str] = field(default_factory=Counter)
    novelty_keys: set[tuple[object, ...]] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)

    def add(self, other: "FuzzStats") -> None:
        """Add the counts of another run."""
        self.requests += other.requests
        self.responses += other.responses
        self.novelty_keys |= other.novelty_keys
        self.failures += other.failures


def check_request(
    target: InProcessTarget, request: FuzzInput, *, diagnose: bool = True
) -> tuple[str | None, FuzzResponse | None]:
    """Send a request. Returns the failure, or None, and the response, or None after an exception."""
    try:
        response = target.send(request, diagnose=diagnose)
    except Exception as error:
        return f"raised {error!r}", None
    is_vendor = match_endpoint(unquote_to_bytes(request.target).decode("latin-1")) is not None
    return (check_vendor_response if is_vendor else check_control_response)(request, response), response


def novelty_key(request: FuzzInput, response: FuzzResponse) -> tuple[object, ...]:
    """Return what makes a response a new kind: endpoint, status, messages, and the codes in the hint."""
    messages = frozenset(_MESSAGE.findall(response.body[:2000]))
    codes = frozenset(_HINT_CODE.findall(response.headers.get("x-mock-hint", "")))
    return request.target[:8].lower(), response.status, messages, codes


def find_failure(
    requests: SearchStrategy[_Input], check: Callable[[_Input], str | None], examples: int, seed: int
) -> str | None:
    """Check this many requests. Returns the failure of the smallest request that fails, or None.

    The same seed gives the same requests.
    """

    @hypothesis.seed(seed)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(requests)
    def run(request: _Input) -> None:
        if (failure := check(request)) is not None:
            raw = request if isinstance(request, bytes) else request.to_bytes()
            raise AssertionError(f"seed {seed}: {failure}\n    {raw[:2000]!r}")

    try:
        run()
    except AssertionError as error:
        return str(error)
    return None


def fuzz_in_process(
    seed: int,
    requests: int,
    deadline: float = float("inf"),
    start_target: Callable[[], InProcessTarget] = InProcessTarget,
) -> FuzzStats:
    """Send requests in process, until `requests` are sent, one fails, or `time.monotonic()` reaches `deadline`."""
    stats, corpus = FuzzStats(), list(VENDOR_REQUESTS)
    for number, begin in enumerate(range(0, requests, _ROUND_SIZE), start=1):
        if time.monotonic() > deadline:
            break
        target, to_control = start_target(), number % _CONTROL_EVERY == 2
        name = "control API" if to_control else "vendor endpoints"
        found: list[FuzzInput] = []

        def check(
            request: FuzzInput, target: InProcessTarget = target, name: str = name, found: list[FuzzInput] = found
        ) -> str | None:
            stats.requests[name] += 1
            diagnose = stats.requests.total() % _DIAGNOSE_EVERY == 0
            failure, response = check_request(target, request, diagnose=diagnose)
            if response is not None:
                stats.responses[f"{response.status} {response.headers.get('content-type', '')}"] += 1
                if (key := novelty_key(request, response)) not in stats.novelty_keys:
                    stats.novelty_keys.add(key)
                    found.append(request)
            return failure

        strategy = malformed_control_requests() if to_control else malformed_requests(tuple(corpus))
        failure = find_failure(strategy, check, min(_ROUND_SIZE, requests - begin), seed * _SEED_STRIDE + number)
        if failure is not None:
            stats.failures.append(failure)
            break
        if not to_control:
            corpus += found[: _MAX_CORPUS - len(corpus)]
    return stats


def fuzz_over_socket(seed: int, requests: int, address: Address, deadline: float = float("inf")) -> FuzzStats:
    """Send requests over sockets, most of them malformed at the HTTP level.

    Stops when `requests` are sent or `time.monotonic()` reaches `deadline`.
    """
    strategy = malformed_bytes().filter(lambda raw: not any(word in raw.lower() for word in _EXCLUDED_ON_SOCKET))

    def run_round(number: int) -> FuzzStats:
        stats = FuzzStats()

        def check(raw: bytes) -> str | None:
            received = send_over_socket(address, raw)
            stats.requests["socket"] += 1
            stats.responses[f"socket: {received[9:12].decode('latin-1') or 'nothing'}"] += 1
            return check_raw_response(received)

        if time.monotonic() < deadline:
            failure = find_failure(strategy, check, min(_SOCKET_ROUND_SIZE, requests), seed * _SEED_STRIDE + number)
            stats.failures += [failure] if failure else []
        return stats

    total = FuzzStats()
    with ThreadPoolExecutor(_THREADS) as pool:
        for stats in pool.map(run_round, range(-(-requests // _SOCKET_ROUND_SIZE))):
            total.add(stats)
    return total
