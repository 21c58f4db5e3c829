"""Throughput benchmarks: a send compared with minimal applications, on each store, and with other tools.

Also the latency of a send at half of the maximum throughput.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Final, NamedTuple

from benchmarks import load, servers
from benchmarks.console_load import open_console
from benchmarks.load import Request
from benchmarks.peers.table import PEERS, Competitor
from benchmarks.requests import SEND
from benchmarks.sampling import format_number, format_table, interleave, summarize
from benchmarks.servers import Server
from benchmarks.stores import STORES, Skipped, start_with_store
from benchmarks.targets import TARGETS
from support.http_client import free_port, send_raw


class Throughput(NamedTuple):
    """Responses per second, and CPU time of the server in microseconds per response."""

    per_second: float
    cpu_microseconds: float


def measure(server: Server, request: Request, seconds: float) -> Throughput:
    """Measure one server."""
    before = server.cpu_seconds()
    per_second, responses = load.max_throughput(server.port, request, seconds)
    return Throughput(per_second, (server.cpu_seconds() - before) / responses * 1e6)


def measure_parallel(running: list[Server], request: Request, seconds: float) -> Throughput:
    """Measure several servers that share a store, in parallel."""
    with ThreadPoolExecutor(len(running)) as threads:
        speeds = list(threads.map(lambda server: measure(server, request, seconds), running))
    return Throughput(
        sum(speed.per_second for speed in speeds), sum(speed.cpu_microseconds for speed in speeds) / len(speeds)
    )


@contextmanager
def _started(target: str) -> Iterator[Server]:
    server = servers.start_emulator("benchmarks.targets", target)
    try:
        yield server
    finally:
        servers.stop(server)


def _rows(measured: Mapping[str, list[Throughput]], baseline: str) -> list[list[str]]:
    base = summarize([speed.per_second for speed in measured[baseline]]).median
    return [
        [name, *_cells(speeds), f"{base / summarize([speed.per_second for speed in speeds]).median:.2f} ×"]
        for name, speeds in measured.items()
    ]


def _cells(speeds: list[Throughput]) -> list[str]:
    return [
        str(summarize([speed.per_second for speed in speeds])),
        format_number(summarize([speed.cpu_microseconds for speed in speeds]).median),
    ]


_HEADER: Final = ["", "requests/s", "CPU µs each", "send : this"]


def compare_targets(rounds: int, seconds: float) -> tuple[str, str]:
    """Compare a send with the other targets: one table with keep-alive, one with a new connection per request."""
    with ExitStack() as stack:
        running = {name: stack.enter_context(_started(name)) for name in TARGETS}
        keep_alive = {
            name: partial(measure, running[name], target.request, seconds) for name, target in TARGETS.items()
        }
        closing = {
            f"{name}, closing": partial(measure, running[name], target.request.closing(), seconds)
            for name, target in TARGETS.items()
            if name in _CLOSING
        }
        measured = interleave(rounds, keep_alive | closing)
    first = {name: measured[name] for name in keep_alive}
    second = {name.removesuffix(", closing"): measured[name] for name in closing}
    return format_table(_HEADER, _rows(first, "send")), format_table(_HEADER, _rows(second, "send"))


_CLOSING: Final = (
    "send",
    "Flask view in our server",
    "WSGI constant in our server",
    "WSGI constant on granian's WSGI",
)


def latency_at_half_load(rounds: int, seconds: float) -> str:
    """Measure the latency of a send at half of the maximum throughput, which each round measures first."""

    def measure_half() -> dict[str, float]:
        rate = load.max_throughput(server.port, SEND, 1.0)[0] / 2
        return {"rate": rate, **load.open_loop_latency(server.port, SEND, seconds, rate)}

    with _started("send") as server:
        measured = interleave(rounds, {"send": measure_half})["send"]
    cells = [str(summarize([figures[name] for figures in measured])) for name in ("rate", "p50", "p99", "worst")]
    return format_table(["", "requests/s", "median ms", "p99 ms", "worst ms"], [["a send", *cells]])


def measure_stores(rounds: int, seconds: float) -> str:
    """Measure a send on each store, and with an open console."""
    skipped: list[str] = []
    measures: dict[str, Callable[[], Throughput]] = {}
    with ExitStack() as stack:
        for name, start in (*STORES.items(), ("memory, a console open", _memory_with_console)):
            try:
                running = stack.enter_context(start())
            except Skipped as error:
                skipped.append(f"Skipped: {name}: {error}.")
                continue
            stack.callback(_stop_all, running)
            measures[name] = partial(measure_parallel, running, SEND, seconds)
        measured = interleave(rounds, measures)
    medians = {name: summarize([speed.per_second for speed in speeds]).median for name, speeds in measured.items()}
    rows = []
    for name, speeds in measured.items():
        rows.append([name, *_cells(speeds), f"{medians[name] / medians['memory']:.2f} ×"])
    return "\n".join(
        [
            format_table(["", "requests/s", "CPU µs each", "relative to memory"], rows),
            *(f"\n{text}" for text in skipped),
        ]
    )


@contextmanager
def _memory_with_console() -> Iterator[list[Server]]:
    server = start_with_store()
    try:
        console = open_console(server.port)
    except Skipped:
        servers.stop(server)
        raise
    with console:
        yield [server]


def _stop_all(running: list[Server]) -> None:
    for server in running:
        servers.stop(server)


def measure_peers(rounds: int, seconds: float) -> str:
    """Compare a send with the closest equivalent in other tools, each on one core."""
    missing: list[str] = []
    measures: dict[str, Callable[[], Throughput]] = {}
    with ExitStack() as stack:
        measures["send"] = partial(measure, stack.enter_context(_started("send")), SEND, seconds)
        for peer in PEERS:
            port = free_port()
            start = peer.command(port)
            if start is None:
                missing.append(f"Not installed: {peer.name}.")
                continue
            server = servers.start_peer(start.command, port, start.environment)
            stack.callback(servers.stop, server)
            response = send_raw(("127.0.0.1", port), peer.request.raw())
            if response.status != 200:
                raise RuntimeError(f"{peer.name}: {response}")
            measures[_format_name(peer)] = partial(measure, server, peer.request, seconds)
        for warm_up in measures.values():  # JIT compilers need a warm-up
            warm_up()
        measured = interleave(rounds, measures)
    return "\n".join([format_table(_HEADER, _rows(measured, "send")), *(f"\n{text}" for text in missing)])


def _format_name(peer: Competitor) -> str:
    return f"{f'{peer.name} {peer.version}'.strip()}: {peer.work}"
