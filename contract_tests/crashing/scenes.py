"""What is killed, and how it starts again: an emulator, or the server that it keeps everything on.

Here belong the processes. Each is ended by its own number.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from emulators import Address, running
from valkey_servers import ValkeyServer, ended, started, url_of

POINTS: Final = 10**9
KEPT: Final = 10**8
"""More than anybody sends: nothing is dropped, so that all can be counted."""


class Scene:
    """An emulator on the store at `url`, with more options, which any thread may ask for its address."""

    def __init__(self, url: str, *options: str) -> None:
        self.url = url
        self._options = options
        self._start()

    def _start(self) -> None:
        given = (
            "--store",
            self.url,
            "--account",
            f"12:test:mima:{POINTS}",
            "--keep-messages",
            str(KEPT),
            *self._options,
        )
        self._running = ExitStack()
        self._process, self._address = self._running.enter_context(running(*given, "--log-level", "error"))

    def address(self) -> Address:
        """Where the emulator listens, or did before it was killed."""
        return self._address

    def kill_emulator(self) -> None:
        """Kill the emulator, and start another on the same store."""
        self.end()
        self._start()

    def end(self) -> None:
        """Kill the emulator."""
        self._process.kill()
        self._running.close()


def durable(folder: Path, port: int | None = None) -> ValkeyServer:
    """A server that has each change on the disk before it answers."""
    return started(folder, port, appendonly="yes", appendfsync="always")


@contextmanager
def emulator_killed(url: str, *options: str) -> Iterator[tuple[Scene, Callable[[], None]]]:
    """An emulator that is killed, on a store that is not; and how to kill it."""
    scene = Scene(url, *options)
    try:
        yield scene, scene.kill_emulator
    finally:
        scene.end()


@contextmanager
def valkey_with_emulator_killed(folder: Path) -> Iterator[tuple[Scene, Callable[[], None]]]:
    """An emulator that is killed, on a server of its own."""
    with ended(durable(folder)) as server, emulator_killed(url_of(server)) as killed:
        yield killed


@contextmanager
def valkey_killed(folder: Path) -> Iterator[tuple[Scene, Callable[[], None]]]:
    """A server that is killed, which writes each change to the disk before it answers, and an emulator that is not."""
    server = durable(folder)
    port = server.port

    def kill() -> None:
        nonlocal server
        server.terminate()
        server = durable(folder, port)

    scene = Scene(url_of(server))
    try:
        yield scene, kill
    finally:
        scene.end()
        server.terminate()
