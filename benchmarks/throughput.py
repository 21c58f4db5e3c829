"""Requests a second: a send beside the least that others do on the same server, on each store, beside the peers.

Here belong the rows of the first tables, and the wait at half of the full rate.
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
from benchmarks.sampling import figure, interleave, number, table
from benchmarks.servers import Server
from benchmarks.stores import STORES, Skipped, emulator
from benchmarks.targets import TARGETS


class Speed(NamedTuple):
    """Answers a second, and microseconds of the server's processor time for each."""

    per_second: float
    cpu: float


def speed(server: Server, request: Request, seconds: float) -> Speed:
    """One measurement."""
    before = server.cpu()
    per_second, answers = load.max_throughput(server.port, request, seconds)
    return Speed(per_second, (server.cpu() - before) / answers * 1e6)


def measure_parallel(several: list[Server], request: Request, seconds: float) -> Speed:
    """One measurement of servers that share the load."""
    with ThreadPoolExecutor(len(several)) as threads:
        speeds = list(threads.map(lambda server: speed(server, request, seconds), several))
    return Speed(sum(one.per_second for one in speeds), sum(one.cpu for one in speeds) / len(speeds))


@contextmanager
def _started(contender: str) -> Iterator[Server]:
    server = servers.start_emulator("benchmarks.targets", contender)
    try:
        yield server
    finally:
        servers.end(server)


def _rows(measured: Mapping[str, list[Speed]], compared: str) -> list[list[str]]:
    base = figure([one.per_second for one in measured[compared]]).median
    return [
        [name, *_cells(speeds), f"{base / figure([one.per_second for one in speeds]).median:.2f} ×"]
        for name, speeds in measured.items()
    ]


def _cells(speeds: list[Speed]) -> list[str]:
    return [str(figure([one.per_second for one in speeds])), number(figure([one.cpu for one in speeds]).median)]


_HEAD: Final = ["", "requests/s", "CPU µs each", "a send is"]


def targets_side_by_side(rounds: int, seconds: float) -> tuple[str, str]:
    """A send beside the least that others do, over kept connections and over one for each request."""
    with ExitStack() as stack:
        running = {name: stack.enter_context(_started(name)) for name in TARGETS}
        kept = {name: partial(speed, running[name], contender.request, seconds) for name, contender in TARGETS.items()}
        closing = {
            f"{name}, closing": partial(speed, running[name], contender.request.closing(), seconds)
            for name, contender in TARGETS.items()
            if name in _CLOSING
        }
        measured = interleave(rounds, kept | closing)
    first = {name: measured[name] for name in kept}
    second = {name.removesuffix(", closing"): measured[name] for name in closing}
    return table(_HEAD, _rows(first, "send")), table(_HEAD, _rows(second, "send"))


_CLOSING: Final = (
    "send",
    "Flask view in our server",
    "WSGI constant in our server",
    "WSGI constant on granian's WSGI",
)


def latency_at_half_load(rounds: int, seconds: float) -> str:
    """How long a send waits at half of the full rate, which is measured just before, from the moment it was due."""

    def half() -> dict[str, float]:
        rate = load.max_throughput(server.port, SEND, 1.0)[0] / 2
        return {"rate": rate, **load.open_loop_latency(server.port, SEND, seconds, rate)}

    with _started("send") as server:
        measured = interleave(rounds, {"send": half})["send"]
    cells = [str(figure([one[name] for one in measured])) for name in ("rate", "p50", "p99", "worst")]
    return table(["", "requests/s", "median ms", "p99 ms", "worst ms"], [["a send", *cells]])


def stores(rounds: int, seconds: float) -> str:
    """A send on each store, and with a console open."""
    left_out: list[str] = []
    measures: dict[str, Callable[[], Speed]] = {}
    with ExitStack() as stack:
        for name, start in (*STORES.items(), ("memory, a console open", _with_a_console)):
            try:
                running = stack.enter_context(start())
            except Skipped as error:
                left_out.append(f"Left out: {name}: {error}.")
                continue
            stack.callback(_end_all, running)
            measures[name] = partial(measure_parallel, running, SEND, seconds)
        measured = interleave(rounds, measures)
    medians = {name: figure([one.per_second for one in speeds]).median for name, speeds in measured.items()}
    rows = []
    for name, speeds in measured.items():
        rows.append([name, *_cells(speeds), f"{medians[name] / medians['memory']:.2f} ×"])
    return "\n".join([table(["", "requests/s", "CPU µs each", "of memory"], rows), *(f"\n{text}" for text in left_out)])


@contextmanager
def _with_a_console() -> Iterator[list[Server]]:
    server = emulator()
    try:
        console = open_console(server.port)
    except Skipped:
        servers.end(server)
        raise
    with console:
        yield [server]


def _end_all(running: list[Server]) -> None:
    for server in running:
        servers.end(server)


def peers(rounds: int, seconds: float) -> str:
    """A send beside the work most like it of others, each on one core."""
    absent: list[str] = []
    measures: dict[str, Callable[[], Speed]] = {}
    with ExitStack() as stack:
        for name in ("send", "send, in plain Python"):
            measures[name] = partial(speed, stack.enter_context(_started(name)), SEND, seconds)
        for peer in PEERS:
            port = servers.free_port()
            start = peer.command(port)
            if start is None:
                absent.append(f"Not installed: {peer.name}.")
                continue
            server = servers.start_peer(start.command, port, start.environment)
            stack.callback(servers.end, server)
            load.request_once(port, peer.request)
            measures[_said_of(peer)] = partial(speed, server, peer.request, seconds)
        for measure in measures.values():  # JIT compilers want to have seen it
            measure()
        measured = interleave(rounds, measures)
    return "\n".join([table(_HEAD, _rows(measured, "send")), *(f"\n{text}" for text in absent)])


def _said_of(peer: Competitor) -> str:
    return f"{f'{peer.name} {peer.version}'.strip()}: {peer.work}"
