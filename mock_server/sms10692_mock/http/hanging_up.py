"""Closing connections of clients behind the server's back, before a byte of their answer was sent.

Here belongs finding the sockets: granian has no word for hanging up, and answers 500 where nothing is answered.
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

_OPEN_FILES: Final = Path("/dev/fd")


def hang_up(client: str) -> None:
    """Shut down this process' connection to a client, given as `host:port`, in both directions.

    Where open files cannot be listed (Windows), nothing happens, and the answer arrives.
    """
    host, _, port = client.rpartition(":")
    their_end = (host.strip("[]"), int(port))
    _shut_down(lambda connection: connection.getpeername()[:2] == their_end)


def hang_up_all(server: tuple[Any, ...]) -> None:
    """Shut down all connections that clients have to an address of this process, given as `getsockname` has it."""
    _shut_down(lambda connection: connection.getsockname() == server)


def _shut_down(is_meant: Callable[[socket.socket], bool]) -> None:
    for connection in _sockets():
        with suppress(OSError):  # it is connected to nobody, or was closed by now
            if is_meant(connection):
                connection.shutdown(socket.SHUT_RDWR)


def _sockets() -> Iterator[socket.socket]:
    """This process' sockets; each is a copy, good until the next is asked for."""
    for file in _open_files():
        try:
            copy = os.dup(file)
        except OSError:  # it was closed by now
            continue
        try:
            found = socket.socket(fileno=copy)
        except OSError:  # it is no socket
            os.close(copy)
            continue
        with found:
            yield found


def _open_files() -> list[int]:
    try:
        return [int(file.name) for file in _OPEN_FILES.iterdir()]
    except OSError:
        return []
