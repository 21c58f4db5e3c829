"""Large requests and long queues: what one of them costs, and whether that grows with what waits.

Here belong single requests, on each store. How many small ones there are in a second is in `throughput`.
"""

import http.client
import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from typing import Any, Final, NamedTuple

from benchmarks import servers
from benchmarks.load import CREDENTIALS, with_current_signature
from benchmarks.sampling import figure, table
from benchmarks.servers import Server
from benchmarks.stores import STORES, Skipped

NUMBERS: Final = 50_000
PAGE: Final = 4_000
_FEW: Final = 10_000
_MANY: Final = 1_000_000
_FETCHES: Final = 5
_MEASURED: Final = ("memory", "sqlite", "Valkey")

_first_number = count(13_000_000_000, NUMBERS)


class _Costs(NamedTuple):
    """Milliseconds: of a client's waiting, and of the server's processor."""

    waited: float
    cpu: float


def _asked(server: Server, path: str, form: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request(
        "POST", path, with_current_signature(form), {"Content-Type": "application/x-www-form-urlencoded"}
    )
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != http.client.OK:
        raise RuntimeError(f"{path}: {answer.status} {body[:200]!r}")
    return body


def _sent(server: Server, numbers: int) -> None:
    first = next(_first_number)
    mobile = ",".join(str(first + place) for place in range(numbers))
    answer = _asked(server, "/v2sms.aspx", f"action=send&{CREDENTIALS}&mobile={mobile}&content=%E5%86%85%E5%AE%B9")
    if b"<message>ok</message>" not in answer:
        raise RuntimeError(f"a send of {numbers} numbers: {answer[:300]!r}")


def _fetched(server: Server) -> None:
    answer = _asked(server, "/v2statusApi.aspx", f"action=query&{CREDENTIALS}")
    if answer.count(b"<statusbox>") != PAGE:
        raise RuntimeError(f"not a whole page: {answer[:300]!r}")


def _costs(server: Server, work: Callable[[], None], times: int) -> _Costs:
    waited: list[float] = []
    cpu = server.cpu()
    for _ in range(times):
        begun = time.perf_counter()
        work()
        waited.append((time.perf_counter() - begun) * 1000)
    return _Costs(figure(waited).median, (server.cpu() - cpu) / times * 1000)


def sizes() -> str:
    """One large send, and a page of reports with few and with many waiting."""
    rows: list[list[str]] = []
    left_out: list[str] = []
    for name in _MEASURED:
        start: Any = STORES[name]
        with ExitStack() as stack:
            try:
                (server,) = stack.enter_context(start())
            except Skipped as error:
                left_out.append(f"\nLeft out: {name}: {error}.")
                continue
            stack.callback(servers.end, server)
            rows.append([name, *_of(server)])
    head = ["", f"send of {NUMBERS:,}", f"{PAGE:,} reports, {_FEW:,} wait", f"{_MANY:,} wait", "MiB more for these"]
    return "\n".join(
        [table(head, rows), "\nMilliseconds until the answer, and (of the server's processor).", *left_out]
    )


def _of(server: Server) -> list[str]:
    _sent(server, _FEW + _FETCHES * PAGE)
    few = _costs(server, lambda: _fetched(server), _FETCHES)
    before = server.resident()
    send = _costs(server, lambda: _sent(server, NUMBERS), _MANY // NUMBERS)
    grown = server.resident() - before
    many = _costs(server, lambda: _fetched(server), _FETCHES)
    return [*(f"{cost.waited:.0f} ({cost.cpu:.0f})" for cost in (send, few, many)), f"{grown:.0f}"]
