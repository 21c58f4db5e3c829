"""Runs a crash test: eight clients, repeated kills at random times, a final drain, and the comparison."""

import http.client
import random
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import reduce
from pathlib import Path
from threading import Event
from typing import Final, TypeAlias

from crash.clients import ClientRecord, CrashClient, fetch
from crash.oracle import CrashResult, compare_records
from crash.scenarios import KillableEmulator, sqlite_with_emulator_killed, valkey_killed, valkey_with_emulator_killed
from sms10692_mock.domain.store import Store
from support.valkey_server import SERVERS_AVAILABLE

CLIENTS: Final = 8

_MAX_PAUSE: Final = 0.5
"""Seconds of load before a kill, at most."""
_RECOVERY_TIMEOUT: Final = 60.0

Scenario: TypeAlias = AbstractContextManager[tuple[KillableEmulator, Callable[[], None]]]

SCENARIOS: Final[Mapping[str, Callable[[Path], Scenario]]] = {
    "the emulator, on sqlite": sqlite_with_emulator_killed,
    "the emulator, on sqlite, durable": lambda folder: sqlite_with_emulator_killed(folder, "durable"),
} | (
    {
        "the emulator, on Valkey": valkey_with_emulator_killed,
        "Valkey": valkey_killed,
    }
    if SERVERS_AVAILABLE
    else {}
)
"""Scenarios by name. Each is started in an empty folder and yields the emulator and a function that kills."""


def run_crash_test(
    scenario: Scenario, kills: int, open_store: Callable[[str], Store], rng: random.Random
) -> CrashResult:
    """Kill `kills` times under load. Raises AssertionError when data was lost or delivered twice.

    After each kill the clients continue until each has, on average, one more acknowledged send.
    """
    with scenario as (emulator, kill):
        stop = Event()
        clients = [CrashClient(number, emulator.get_address, stop) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        for _ in range(kills):
            acknowledged = sum(len(client.record.acknowledged) for client in clients)
            time.sleep(rng.random() * _MAX_PAUSE)
            kill()
            deadline = time.monotonic() + _RECOVERY_TIMEOUT
            while sum(len(client.record.acknowledged) for client in clients) < acknowledged + CLIENTS:
                assert time.monotonic() < deadline, "the emulator did not recover in time"
                time.sleep(0.01)
        stop.set()
        for client in clients:
            client.join()
        record = reduce(ClientRecord.merge, (client.record for client in clients))
        connection = http.client.HTTPConnection(*emulator.get_address(), timeout=10)
        while fetch(connection, record):
            time.sleep(0)
        connection.close()
        store = open_store(emulator.url)
        try:
            return compare_records(record, store, kills)
        finally:
            store.close()
