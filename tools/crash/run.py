"""Kills in the middle of the work of eight clients, and the balance afterwards.

Here belongs the course of it: load, kill at a random moment, again, then fetch what is left, then count.
"""

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
from support.valkey_server import THERE_ARE_SERVERS

CLIENTS: Final = 8

_AT_MOST: Final = 0.5
_RECOVERS_WITHIN: Final = 60.0

Killed: TypeAlias = AbstractContextManager[tuple[KillableEmulator, Callable[[], None]]]

SCENES: Final[Mapping[str, Callable[[Path], Killed]]] = {
    "the emulator, on sqlite": sqlite_with_emulator_killed,
    "the emulator, on sqlite, durable": lambda folder: sqlite_with_emulator_killed(folder, "durable"),
} | (
    {
        "the emulator, on Valkey": valkey_with_emulator_killed,
        "Valkey": valkey_killed,
    }
    if THERE_ARE_SERVERS
    else {}
)
"""By what is killed: the scene in an empty folder."""


def crash(killed: Killed, kills: int, opened: Callable[[str], Store], dice: random.Random) -> CrashResult:
    """Kill so many times under load. Raises AssertionError where something was forgotten or came twice."""
    with killed as (scene, kill):
        stop = Event()
        clients = [CrashClient(number, scene.address, stop) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        for _ in range(kills):
            acknowledged = sum(len(client.notes.acknowledged) for client in clients)
            time.sleep(dice.random() * _AT_MOST)
            kill()
            until = time.monotonic() + _RECOVERS_WITHIN
            while sum(len(client.notes.acknowledged) for client in clients) < acknowledged + CLIENTS:
                assert time.monotonic() < until, "it does not recover"
                time.sleep(0.01)
        stop.set()
        for client in clients:
            client.join()
        notes = reduce(ClientRecord.and_those, (client.notes for client in clients))
        connection = http.client.HTTPConnection(*scene.address(), timeout=10)
        while fetch(connection, notes):
            time.sleep(0)
        connection.close()
        store = opened(scene.url)
        try:
            return compare_records(notes, store, kills)
        finally:
            store.close()
