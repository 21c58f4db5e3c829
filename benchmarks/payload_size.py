"""Benchmark of large sends and long queues on each store: latency, CPU time and memory of single requests.

The throughput of small requests is measured in `throughput`.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from typing import Any, Final, NamedTuple

from benchmarks import servers
from benchmarks.load import CREDENTIALS, with_current_signature
from benchmarks.sampling import format_table, summarize
from benchmarks.servers import Server
from benchmarks.stores import STORES, Skipped
from support.http_client import build_request, send_raw

RECIPIENTS: Final = 50_000
FETCH_SIZE: Final = 4_000
_SHORT_QUEUE: Final = 10_000
_LONG_QUEUE: Final = 1_000_000
_FETCHES: Final = 5
_MEASURED_STORES: Final = ("memory", "sqlite", "Valkey")

_first_number = count(13_000_000_000, RECIPIENTS)


class _Costs(NamedTuple):
    """Milliseconds per request: latency at the client, and CPU time of the server."""

    latency: float
    cpu: float


def _post(server: Server, path: str, form: str) -> bytes:
    response = send_raw(("127.0.0.1", server.port), build_request(path, with_current_signature(form).encode()))
    if response.status != 200:
        raise RuntimeError(f"{path}: {response.status} {response.body[:200]!r}")
    return response.body


def _send(server: Server, recipients: int) -> None:
    first = next(_first_number)
    mobile = ",".join(str(first + index) for index in range(recipients))
    body = _post(server, "/v2sms.aspx", f"action=send&{CREDENTIALS}&mobile={mobile}&content=%E5%86%85%E5%AE%B9")
    if b"<message>ok</message>" not in body:
        raise RuntimeError(f"a send to {recipients} recipients: {body[:300]!r}")


def _fetch(server: Server) -> None:
    body = _post(server, "/v2statusApi.aspx", f"action=query&{CREDENTIALS}")
    if body.count(b"<statusbox>") != FETCH_SIZE:
        raise RuntimeError(f"unexpected number of reports: {body[:300]!r}")


def _measure(server: Server, request: Callable[[], None], times: int) -> _Costs:
    latencies: list[float] = []
    cpu = server.cpu_seconds()
    for _ in range(times):
        started = time.perf_counter()
        request()
        latencies.append((time.perf_counter() - started) * 1000)
    return _Costs(summarize(latencies).median, (server.cpu_seconds() - cpu) / times * 1000)


def measure_payload_sizes() -> str:
    """Measure a large send, and a fetch of reports from a short and a long queue."""
    rows: list[list[str]] = []
    skipped: list[str] = []
    for name in _MEASURED_STORES:
        start: Any = STORES[name]
        with ExitStack() as stack:
            try:
                (server,) = stack.enter_context(start())
            except Skipped as error:
                skipped.append(f"\nSkipped: {name}: {error}.")
                continue
            stack.callback(servers.stop, server)
            rows.append([name, *_measure_server(server)])
    head = [
        "",
        f"send of {RECIPIENTS:,}",
        f"{FETCH_SIZE:,} reports of {_SHORT_QUEUE:,}",
        f"of {_LONG_QUEUE:,}",
        "MiB added",
    ]
    return "\n".join(
        [
            format_table(head, rows),
            "\nLatency in milliseconds; in parentheses, CPU time of the server in milliseconds.",
            *skipped,
        ]
    )


def _measure_server(server: Server) -> list[str]:
    _send(server, _SHORT_QUEUE + _FETCHES * FETCH_SIZE)
    few = _measure(server, lambda: _fetch(server), _FETCHES)
    before = server.rss_mib()
    send = _measure(server, lambda: _send(server, RECIPIENTS), _LONG_QUEUE // RECIPIENTS)
    grown = server.rss_mib() - before
    many = _measure(server, lambda: _fetch(server), _FETCHES)
    return [*(f"{cost.latency:.0f} ({cost.cpu:.0f})" for cost in (send, few, many)), f"{grown:.0f}"]
