"""Closing connections of clients behind the server's back, before a byte of their answer was sent.

Here belongs finding the sockets: granian has no word for hanging up, and answers 500 where nothing is answered.
"""

import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

_OPEN_FILES: Final = Path("/dev/fd")


def hang_up(client: str, server: str) -> None:
    """Shut down this process' connection from a client to a server, both given as `host:port`, in both directions.

    A connection is known by the client's address and the server's port: no other has both. Where open files cannot be
    listed (Windows), nothing happens, and the answer arrives.
    """
    peer, port = _address(client), _address(server)[1]
    _shut_down(lambda one: one.getpeername()[:2] == peer and one.getsockname()[1] == port)


def hang_up_all(server: tuple[Any, ...]) -> None:
    """Shut down all connections that clients have to an address of this process, given as `getsockname` has it."""
    _shut_down(lambda one: one.getsockname() == server and bool(one.getpeername()))


def _shut_down(is_meant: Callable[[socket.socket], bool]) -> None:
    for one in _sockets():
        with suppress(OSError):  # it is connected to nobody, or was closed by now
            if is_meant(one):
                one.shutdown(socket.SHUT_RDWR)


def _sockets() -> Iterator[socket.socket]:
    """This process' sockets; each is a copy, good until the next is asked for."""
    for file in _open_files():
        with suppress(OSError):  # it was closed by now
            if stat.S_ISSOCK(os.fstat(file).st_mode):
                with socket.socket(fileno=os.dup(file)) as copy:
                    yield copy


def _address(written: str) -> tuple[str, int]:
    """A numeric address and a port.

    >>> _address("127.0.0.1:80"), _address("[::1]:10692")
    (('127.0.0.1', 80), ('::1', 10692))
    """
    host, _, port = written.rpartition(":")
    return host.strip("[]"), int(port)


def _open_files() -> list[int]:
    try:
        return [int(file.name) for file in _OPEN_FILES.iterdir()]
    except OSError:
        return []
