"""Closing the connection of a client before a byte of its answer was sent, behind the server's back.

Here belongs finding the socket: granian has no word for hanging up, and answers 500 where nothing is answered.
"""

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

_OPEN_FILES: Final = Path("/dev/fd")


def hang_up(client: str, server: str) -> None:
    """Shut down this process' connection from a client to a server, both given as `host:port`, in both directions.

    A connection is known by the client's address and the server's port: no other has both. Where open files cannot be
    listed (Windows), nothing happens, and the answer arrives.
    """
    peer, port = _address(client), _address(server)[1]
    for file in _open_files():
        with suppress(OSError):
            if stat.S_ISSOCK(os.fstat(file).st_mode) and _shut_down(file, peer, port):
                return


def _shut_down(file: int, peer: tuple[str, int], port: int) -> bool:
    with socket.socket(fileno=os.dup(file)) as connection:
        if connection.getpeername()[:2] != peer or connection.getsockname()[1] != port:
            return False
        connection.shutdown(socket.SHUT_RDWR)
        return True


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
