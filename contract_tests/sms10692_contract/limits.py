"""Limits of one HTTP exchange: its duration in seconds and the size of the response in bytes.

They protect against a hostile server that sends slowly, sends endless headers, or sends more than memory holds.
"""

import io
import socket
from time import monotonic
from typing import Final

STEP_SECONDS: Final = 15.0
"""Timeout of connecting and of each read or write."""

EXCHANGE_SECONDS: Final = 30.0
"""Timeout of a whole exchange, from connecting to the last byte."""

RESPONSE_BYTES: Final = 16 * 1024 * 1024
"""Maximum size of a response, including its head and all interim responses."""


class LimitExceeded(Exception):
    """The exchange took too long, or the response is too large. The message names the limit."""


class TimeLimitExceeded(LimitExceeded):
    """The exchange took too long."""


class LimitedConnection:
    """A connected socket with limits. Every method may raise LimitExceeded and OSError.

    Can be passed to `http.client.HTTPResponse` as a socket, which only calls `makefile`.
    """

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline
        self._raw = _Reader(connection, deadline)
        self.reader: Final = io.BufferedReader(self._raw)

    def send(self, data: bytes) -> None:
        """Send all of these bytes."""
        rest = memoryview(data)
        while rest:
            self._connection.settimeout(compute_step_timeout(self._deadline))
            rest = rest[self._connection.send(rest) :]

    def wait_for_data(self, seconds: float) -> bool:
        """Wait until data or the end of the connection arrives; return False if that takes longer."""
        self._raw.step_seconds = seconds
        try:
            self.reader.peek(1)
        except TimeoutError:
            return False
        finally:
            self._raw.step_seconds = STEP_SECONDS
        return True

    def makefile(self, mode: str) -> io.BufferedIOBase:
        """Return the one reader of this connection."""
        return self.reader


class _Reader(io.RawIOBase):
    """Raw reader of a socket that raises LimitExceeded when a limit is reached."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline
        self._left = RESPONSE_BYTES
        self.step_seconds: float = STEP_SECONDS

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]  # the caller is BufferedReader alone
        if not self._left:
            raise LimitExceeded(f"the response is larger than {RESPONSE_BYTES // 1024} KiB")
        self._connection.settimeout(min(compute_step_timeout(self._deadline), self.step_seconds))
        count = self._connection.recv_into(buffer, min(len(buffer), self._left))
        self._left -= count
        return count


def compute_step_timeout(deadline: float) -> float:
    """Return the timeout of the next step in seconds. Raises LimitExceeded after the deadline."""
    left = deadline - monotonic()
    if left <= 0:
        raise TimeLimitExceeded(describe_timeout(deadline))
    return min(left, STEP_SECONDS)


def describe_timeout(deadline: float) -> str:
    """Return a message that names the timeout that a step has just exceeded."""
    if monotonic() >= deadline:
        return f"the exchange was not complete after {EXCHANGE_SECONDS:g} s"
    return f"nothing was received for {STEP_SECONDS:g} s"
