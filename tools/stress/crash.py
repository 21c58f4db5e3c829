"""Crash test: kills the emulator or its Valkey server under load, and compares the records as the stress test does.

`python -m stress.crash [KILLS]` (`make test-crash`) kills each kind `KILLS` times and prints one table row for each.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeAlias

from stress.behaviours import DELIVERY_RULES, StressContext, normal_client
from stress.comparison import compare
from stress.oracle import KEEP_ALL_OPTIONS, ClientRecord
from support.emulators import emulator_process
from support.http_client import Address, free_port
from support.valkey_server import SERVERS_AVAILABLE, ValkeyServer, get_url, start_server

CLIENTS: Final = 8
_ACCOUNT: Final[dict[str, Any]] = {"userid": "12", "account": "test", "password": "mima"}
# The account must never run out of points.
_OPTIONS: Final = ("--account", f"12:test:mima:{10**12}", "--log-level", "error", *KEEP_ALL_OPTIONS)
_PAUSE: Final = 0.002
"""Mean seconds between two rounds of a client."""
_MAX_UPTIME: Final = 0.5
"""Seconds of load before a kill, at most."""
_TIMEOUT: Final = 10.0
_RECOVERY_TIMEOUT: Final = 60.0

COLUMNS: Final = (
    *("kills", "sends acknowledged", "numbers acknowledged"),
    *("numbers without a response", "numbers without a response, sent to"),
    *("reports fetched", "reports received", "fetches of reports without a response"),
    *("replies fetched", "replies received", "fetches of replies without a response"),
)

Scenario: TypeAlias = AbstractContextManager[tuple[Callable[[], Address], Callable[[], None]]]
"""Yields a function that returns the emulator's address, which each start changes, and one that kills and restarts."""


@contextmanager
def emulator_killed(store: str, *options: str) -> Iterator[tuple[Callable[[], Address], Callable[[], None]]]:
    """Kill the emulator with SIGKILL; the store keeps running."""
    address = ("127.0.0.1", 0)
    with ExitStack() as running:

        def restart() -> None:
            nonlocal address
            running.close()
            _, address = running.enter_context(emulator_process("--store", store, *_OPTIONS, *options))

        restart()
        yield lambda: address, restart


@contextmanager
def on_valkey(folder: Path, *, kill_server: bool) -> Iterator[tuple[Callable[[], Address], Callable[[], None]]]:
    """Kill the emulator, or the Valkey server, which writes each change to disk before it replies."""
    port = free_port()

    def start() -> ValkeyServer:
        return start_server(folder, port, appendonly="yes", appendfsync="always")

    server = start()

    def restart_server() -> None:
        nonlocal server
        server.terminate()
        server = start()

    try:
        with emulator_killed(get_url(server)) as (get_address, restart):
            yield get_address, restart_server if kill_server else restart
    finally:
        server.terminate()


SCENARIOS: Final[Mapping[str, Callable[[Path], Scenario]]] = {
    "the emulator, on SQLite": lambda folder: emulator_killed(f"sqlite:{folder / 'store'}"),
    "the emulator, on SQLite, `--durable`": lambda folder: emulator_killed(f"sqlite:{folder / 'store'}", "--durable"),
} | (
    {
        "the emulator, on Valkey": lambda folder: on_valkey(folder, kill_server=False),
        "Valkey": lambda folder: on_valkey(folder, kill_server=True),
    }
    if SERVERS_AVAILABLE
    else {}
)
"""Scenarios by name. Each is started in an empty folder."""


def run_crash_test(scenario: Scenario, kills: int, seed: int) -> Counter[str]:
    """Kill `kills` times under load. Raises AssertionError when data was lost or delivered twice.

    After each kill the clients continue until each has, on average, one more acknowledged send.
    """
    with scenario as (get_address, kill):
        return asyncio.run(_run_clients(get_address, kill, kills, seed))


async def _run_clients(
    get_address: Callable[[], Address], kill: Callable[[], None], kills: int, seed: int
) -> Counter[str]:
    stop, record, rng = asyncio.Event(), ClientRecord(), Random(seed)  # noqa: S311 - repeatable
    context = StressContext(get_address, seed, lambda number: not stop.is_set(), _TIMEOUT, store_fails=True)
    with closing(context.connect()) as connection:
        await context.control(connection, "PUT", "/accounts/12/delivery-rules", {"rules": DELIVERY_RULES, "seed": seed})
    clients = [
        asyncio.create_task(normal_client(context, f"client {number}", record, _ACCOUNT, _PAUSE))
        for number in range(CLIENTS)
    ]
    for _ in range(kills):
        acknowledged = context.counts["sends acknowledged"]
        await asyncio.sleep(rng.random() * _MAX_UPTIME)
        await asyncio.to_thread(kill)
        async with asyncio.timeout(_RECOVERY_TIMEOUT):
            while context.counts["sends acknowledged"] < acknowledged + CLIENTS:
                await asyncio.sleep(0.01)
    stop.set()
    await asyncio.gather(*clients)
    counts = await compare(context, _ACCOUNT, record)
    assert context.failures == [], context.failures[:20]
    return context.counts + counts + Counter(kills=kills)


def main() -> None:
    """Run every scenario, and print each row as soon as the scenario has finished."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    sys.stdout.write(f"| killed | {' | '.join(COLUMNS)} |\n|---|{'---:|' * len(COLUMNS)}\n")
    for name, scenario in SCENARIOS.items():
        with TemporaryDirectory() as folder:
            counts = run_crash_test(scenario(Path(folder)), kills, seed=1)
        sys.stdout.write(f"| {name} | {' | '.join(f'{counts[column]:,}' for column in COLUMNS)} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
