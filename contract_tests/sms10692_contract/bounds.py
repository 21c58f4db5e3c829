"""The bounds of one HTTP exchange: the seconds until it is complete, and the size of the response.

The other side may be hostile: it may send a byte now and then, headers without end, or more than memory holds.
"""

import io
import socket
from time import monotonic
from typing import Final

STEP_SECONDS: Final = 15.0
"""How long connecting, and each wait for more bytes, may take."""

EXCHANGE_SECONDS: Final = 30.0
"""How long a whole exchange may take, from connecting to the last byte."""

RESPONSE_BYTES: Final = 16 * 1024 * 1024
"""How large a response may be, with its head and all interim responses before it."""


class BoundExceeded(Exception):
    """The exchange took too long, or the response is too large. The message says which."""


class BoundedConnection:
    """A connected socket within the bounds. Every method may raise BoundExceeded and OSError.

    `http.client.HTTPResponse` reads from it as from a socket: it calls `makefile` and nothing else.
    """

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline
        self.reader: Final = io.BufferedReader(_Reader(connection, deadline))

    def send(self, data: bytes) -> None:
        """Send all of these bytes."""
        rest = memoryview(data)
        while rest:
            self._connection.settimeout(step_timeout(self._deadline))
            rest = rest[self._connection.send(rest) :]

    def makefile(self, mode: str) -> io.BufferedIOBase:
        """Return the one reader of this connection."""
        return self.reader


class _Reader(io.RawIOBase):
    """What comes from a socket, until a bound is exceeded."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline
        self._left = RESPONSE_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]  # the caller is BufferedReader alone
        if not self._left:
            raise BoundExceeded(f"the response is larger than {RESPONSE_BYTES // 1024} KiB")
        self._connection.settimeout(step_timeout(self._deadline))
        count = self._connection.recv_into(buffer, min(len(buffer), self._left))
        self._left -= count
        return count


def step_timeout(deadline: float) -> float:
    """Return the seconds that the next step may take. Raises BoundExceeded where none are left."""
    left = deadline - monotonic()
    if left <= 0:
        raise BoundExceeded(timeout_message(deadline))
    return min(left, STEP_SECONDS)


def timeout_message(deadline: float) -> str:
    """Return which of the two bounds of time a step has just exceeded."""
    if monotonic() >= deadline:
        return f"the exchange was not complete after {EXCHANGE_SECONDS:g} s"
    return f"nothing came for {STEP_SECONDS:g} s"
