"""Scenarios of the crash test: processes that are killed with SIGKILL and restarted on the same data.

Each scenario is a context manager that yields the emulator and a function that kills and restarts.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from crash.clients import Address
from support.valkey_server import ValkeyServer, get_url, start_server, terminating

_LISTENING: Final = re.compile(r"listening on http://(.*):(\d+)")


class KillableEmulator:
    """An emulator process on a store. `get_address` may be called from any thread."""

    def __init__(self, url: str, *options: str) -> None:
        self.url = url
        self._options = options
        self._start()

    def _start(self) -> None:
        command = [sys.executable, "-m", "crash.killable_emulator", self.url, *self._options]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        line = self._process.stdout.readline() if self._process.stdout else ""
        found = _LISTENING.match(line)
        if found is None:
            raise RuntimeError(f"the emulator did not start: {line!r}")
        self._address = found[1], int(found[2])

    def get_address(self) -> Address:
        """Return the address of the running emulator, or of the last one after a kill."""
        return self._address

    def restart(self) -> None:
        """Kill the emulator and start another on the same store."""
        self.kill()
        self._start()

    def kill(self) -> None:
        """Kill the emulator with SIGKILL and wait for its end."""
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate()


def start_durable_valkey(folder: Path, port: int | None = None) -> ValkeyServer:
    """Start a Valkey server that writes each change to disk before it replies."""
    return start_server(folder, port, appendonly="yes", appendfsync="always")


@contextmanager
def emulator_killed(url: str, *options: str) -> Iterator[tuple[KillableEmulator, Callable[[], None]]]:
    """Kill the emulator; the store keeps running."""
    emulator = KillableEmulator(url, *options)
    try:
        yield emulator, emulator.restart
    finally:
        emulator.kill()


@contextmanager
def sqlite_with_emulator_killed(folder: Path, *options: str) -> Iterator[tuple[KillableEmulator, Callable[[], None]]]:
    """Kill an emulator that stores its data in a SQLite file."""
    with emulator_killed(f"sqlite:{folder / 'store'}", *options) as killed:
        yield killed


@contextmanager
def valkey_with_emulator_killed(folder: Path) -> Iterator[tuple[KillableEmulator, Callable[[], None]]]:
    """Kill an emulator that stores its data in a Valkey server."""
    with terminating(start_durable_valkey(folder)) as server, emulator_killed(get_url(server)) as killed:
        yield killed


@contextmanager
def valkey_killed(folder: Path) -> Iterator[tuple[KillableEmulator, Callable[[], None]]]:
    """Kill the Valkey server, which writes each change to disk before it replies; the emulator keeps running."""
    server = start_durable_valkey(folder)
    port = server.port

    def kill() -> None:
        nonlocal server
        server.terminate()
        server = start_durable_valkey(folder, port)

    emulator = KillableEmulator(get_url(server))
    try:
        yield emulator, kill
    finally:
        emulator.kill()
        server.terminate()
