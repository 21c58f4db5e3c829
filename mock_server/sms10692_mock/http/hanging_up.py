"""Closing the connection of a client before a byte of its answer was sent, behind the server's back.

Here belongs finding the socket: granian has no word for hanging up, and answers 500 where nothing is answered.
"""

import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

_OPEN_FILES: Final = Path("/dev/fd")


def hang_up(client: str) -> None:
    """Shut down this process' connection to a client, given as `host:port`, in both directions.

    Where open files cannot be listed (Windows), nothing happens, and the answer arrives.
    """
    host, _, port = client.rpartition(":")
    for file in _open_files():
        with suppress(OSError), socket.socket(fileno=os.dup(file)) as connection:
            if connection.getpeername()[:2] == (host.strip("[]"), int(port)):
                connection.shutdown(socket.SHUT_RDWR)
                return


def _open_files() -> list[int]:
    try:
        return [int(file.name) for file in _OPEN_FILES.iterdir()]
    except OSError:
        return []
