"""What is killed, and how it starts again: an emulator, or the server that it keeps everything on.

Here belong the processes. Each is ended by its own number.
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
from support.valkey_server import ValkeyServer, ended, start_server, url_of

_LISTENING: Final = re.compile(r"listening on http://(.*):(\d+)")


class KillableEmulator:
    """An emulator on a store, which any thread may ask for its address."""

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

    def address(self) -> Address:
        """Where the emulator listens, or did before it was killed."""
        return self._address

    def kill_emulator(self) -> None:
        """Kill the emulator, and start another on the same store."""
        self.end()
        self._start()

    def end(self) -> None:
        """Kill the emulator."""
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate()


def durable(folder: Path, port: int | None = None) -> ValkeyServer:
    """A server that has each change on the disk before it answers."""
    return start_server(folder, port, appendonly="yes", appendfsync="always")


@contextmanager
def emulator_killed(url: str, *options: str) -> Iterator[tuple[KillableEmulator, Callable[[], None]]]:
    """An emulator that is killed, on a store that is not; and how to kill it."""
    scene = KillableEmulator(url, *options)
    try:
        yield scene, scene.kill_emulator
    finally:
        scene.end()


@contextmanager
def sqlite_with_emulator_killed(folder: Path, *options: str) -> Iterator[tuple[KillableEmulator, Callable[[], None]]]:
    """An emulator that is killed, on a file of its own."""
    with emulator_killed(f"sqlite:{folder / 'store'}", *options) as killed:
        yield killed


@contextmanager
def valkey_with_emulator_killed(folder: Path) -> Iterator[tuple[KillableEmulator, Callable[[], None]]]:
    """An emulator that is killed, on a server of its own."""
    with ended(durable(folder)) as server, emulator_killed(url_of(server)) as killed:
        yield killed


@contextmanager
def valkey_killed(folder: Path) -> Iterator[tuple[KillableEmulator, Callable[[], None]]]:
    """A server that is killed, which writes each change to the disk before it answers, and an emulator that is not."""
    server = durable(folder)
    port = server.port

    def kill() -> None:
        nonlocal server
        server.terminate()
        server = durable(folder, port)

    scene = KillableEmulator(url_of(server))
    try:
        yield scene, kill
    finally:
        scene.end()
        server.terminate()
