"""The fuzzing loop: sends malformed requests, checks each response, and minimises the requests that fail.

A request that leads to a new kind of response (`novelty_key`) joins the corpus, from which later requests are made.
"""

import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from typing import Final
from urllib.parse import unquote_to_bytes

from fuzz.corpus import VENDOR_REQUESTS, FuzzInput
from fuzz.http_errors import corrupt_http
from fuzz.mutators import build_malformed_control_request, build_malformed_request
from fuzz.oracle import FuzzResponse, check_control_response, check_raw_response, check_vendor_response
from fuzz.targets import InProcessTarget, send_over_socket
from sms10692_mock.domain.api_request import match_endpoint
from support.http_client import Address

_RESET_EVERY: Final = 2000
"""Requests after which the target is reset, so that its queues stay short."""
_MAX_CORPUS: Final = 3000
_DIAGNOSE_EVERY: Final = 50
"""One of this many requests also runs the diagnosis, which is slow."""
_MAX_TRIES: Final = 300
_THREADS: Final = 32
_BATCH_SIZE: Final = 1000
_EXCLUDED_ON_SOCKET: Final = (b"wait=", b"fault")
"""Requests with these bytes are not sent over a socket, where no request may hang and every 5xx is a failure."""
_MAX_FAILURES: Final = 20
"""Stop after this many failures."""

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


def minimise(request: FuzzInput) -> FuzzInput:
    """Remove parts of the body and the query for as long as the request still fails, in at most `_MAX_TRIES` tries."""
    tries, target = _MAX_TRIES, InProcessTarget()
    for name in ("body", "query"):
        size = len(getattr(request, name)) // 2
        while size:
            begin = 0
            while begin < len(whole := getattr(request, name)) and tries:
                tries -= 1
                shorter = request._replace(**{name: whole[:begin] + whole[begin + size :]})
                if check_request(target, shorter)[0] is not None:
                    request = shorter
                else:
                    begin += size
            size //= 2
    return request


def fuzz_in_process(seed: int, requests: int, deadline: float = float("inf"), control: float = 0.0) -> FuzzStats:
    """Send requests in process, until `requests` are sent or `time.monotonic()` reaches `deadline`.

    `control` is the probability that a request goes to the control API. The same seed gives the same requests.
    """
    rng, vendor_target, control_target, stats = Random(seed), InProcessTarget(), InProcessTarget(), FuzzStats()  # noqa: S311 - repeatable
    corpus = list(VENDOR_REQUESTS)
    for number in range(requests):
        if number % _RESET_EVERY == 0:
            vendor_target.reset()
            control_target.reset()
            if time.monotonic() > deadline:
                break
        to_control = rng.random() < control
        request = build_malformed_control_request(rng) if to_control else build_malformed_request(rng, corpus)
        target = control_target if to_control else vendor_target
        failure, response = check_request(target, request, diagnose=number % _DIAGNOSE_EVERY == 0)
        stats.requests["control API" if to_control else "vendor endpoints"] += 1
        if failure is not None:
            smallest = minimise(request)
            stats.failures.append(f"seed {seed}, request {number}: {failure}\n    {smallest.to_bytes()[:2000]!r}")
            if len(stats.failures) >= _MAX_FAILURES:
                break
        if response is not None:
            stats.responses[f"{response.status} {response.headers.get('content-type', '')}"] += 1
            key = novelty_key(request, response)
            if key not in stats.novelty_keys:
                stats.novelty_keys.add(key)
                if not to_control and len(corpus) < _MAX_CORPUS:
                    corpus.append(request)
    return stats


def fuzz_over_socket(seed: int, requests: int, address: Address, deadline: float = float("inf")) -> FuzzStats:
    """Send requests over a socket, most of them malformed at the HTTP level.

    Stops when `requests` are sent or `time.monotonic()` reaches `deadline`.
    """
    rng, stats = Random(seed), FuzzStats()  # noqa: S311 - repeatable

    def generate() -> Iterator[bytes]:
        while True:
            request = build_malformed_control_request(rng) if rng.random() < 0.1 else build_malformed_request(rng)
            raw = corrupt_http(rng, request) if rng.random() < 0.7 else request.to_bytes()
            if not any(word in raw.lower() for word in _EXCLUDED_ON_SOCKET):
                yield raw

    def send(raw: bytes) -> tuple[bytes, bytes]:
        return raw, send_over_socket(address, raw)

    with ThreadPoolExecutor(_THREADS) as pool:
        while stats.requests["socket"] < requests and time.monotonic() < deadline:
            if len(stats.failures) >= _MAX_FAILURES:
                break
            batch = islice(generate(), min(_BATCH_SIZE, requests - stats.requests["socket"]))
            for raw, received in pool.map(send, batch):
                stats.requests["socket"] += 1
                stats.responses[f"socket: {received[9:12].decode('latin-1') or 'nothing'}"] += 1
                if (failure := check_raw_response(received)) is not None:
                    stats.failures.append(f"seed {seed}, over a socket: {failure}\n    {raw[:2000]!r}")
    return stats
