"""A pool of blocking connections to one server. **Each command is sent once and never repeated.**

Translates the errors of the client library, and fails fast while the server does not respond.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from valkey.connection import Connection
from valkey.exceptions import ResponseError, ValkeyError
from valkey.exceptions import TimeoutError as ValkeyTimeoutError

from sms10692_mock.elapsed_time import monotonic
from sms10692_mock.stores.availability import AvailabilityLog

Address: TypeAlias = tuple[str, int]
Argument: TypeAlias = bytes | str | int
Command: TypeAlias = Sequence[Argument]

RETRY_AFTER: Final = 0.25
"""Seconds after a failure during which commands fail at once instead of waiting for the server."""

_CHECK_AFTER: Final = 0.1
"""Seconds after its last use from which a connection is checked for closure before it is used again."""

_ERRORS: Final = (ValkeyError, OSError)
_FATAL_ERROR_PREFIX: Final = "Protocol error"
"""Prefix of errors after which the server closes the connection, such as for a request that is too large."""

_TIMEOUTS: Final = (TimeoutError, ValkeyTimeoutError)


class Unavailable(Exception):
    """The server did not reply. **A command that was sent may have been executed.**"""


class NodePool:
    """The connections to one server. Thread-safe: a connection belongs to one thread while it is in use."""

    def __init__(self, address: Address, options: dict[str, Any]) -> None:
        self.host, self._port = address
        self._options = dict(options)
        self._type: type[Connection] = self._options.pop("connection_class", Connection)
        self._password: str = self._options.get("password") or ""
        self._idle: deque[tuple[Any, float]] = deque()
        self._last_reply = float("-inf")
        self._away_until = float("-inf")
        self._error_message = ""
        self.availability: Final = AvailabilityLog()

    def without_password(self, text: str) -> str:
        """Mask the password: messages of the server or the library may quote the AUTH command."""
        return text.replace(self._password, "***") if self._password else text

    def __str__(self) -> str:
        return f"{self.host}:{self._port}"

    def execute(self, *commands: Command) -> list[Any]:
        """Send commands in one write and return their replies.

        A reply may be a ResponseError, or Unavailable from one on.
        """
        started = monotonic()
        if self._away_until > started:
            return [Unavailable(self._error_message)] * len(commands)
        replies: list[Any] = []
        is_sent = False
        try:
            connection = self._acquire()
            is_sent = True
            chunks = [chunk for command in commands for chunk in connection.pack_command(*command)]
            connection.send_packed_command([b"".join(chunks)], check_health=False)
            replies.extend(_read_reply(connection) for _ in commands)
        except _ERRORS as error:
            message = f"{self}: {self.without_password(str(error))}"
            # A server closes the connection on a request that is too large, but still serves other connections.
            is_rejected = is_sent and not isinstance(error, _TIMEOUTS) and self._responds_to_ping()
            if self._last_reply < started:  # no other thread got a reply meanwhile
                self.close_idle()
                if not is_rejected:
                    self._error_message, self._away_until = message, monotonic() + RETRY_AFTER
            return replies + [Unavailable(message)] * (len(commands) - len(replies))
        self._last_reply = monotonic()
        if any(isinstance(reply, ResponseError) and str(reply).startswith(_FATAL_ERROR_PREFIX) for reply in replies):
            connection.disconnect()
        else:
            self._idle.append((connection, self._last_reply))
        return replies

    def _responds_to_ping(self) -> bool:
        """Whether the server accepts a new connection and replies to PING."""
        connection: Any = self._type(host=self.host, port=self._port, **self._options)
        try:
            connection.connect()
            connection.send_command("PING", check_health=False)
            connection.read_response()
        except _ERRORS:
            return False
        finally:
            connection.disconnect()
        return True

    def _acquire(self) -> Any:  # the methods of the library have no types
        try:
            connection, last_used = self._idle.pop()
        except IndexError:
            connection = self._type(host=self.host, port=self._port, **self._options)
        else:
            if monotonic() - last_used > _CHECK_AFTER and _is_closed(connection):
                connection.disconnect()
        connection.connect()
        return connection

    def close_idle(self) -> None:
        """Close the connections that are not in use."""
        while self._idle:
            try:
                self._idle.pop()[0].disconnect()
            except IndexError:  # another thread took the last one
                return


def _is_closed(connection: Any) -> bool:
    """Whether the server has closed an idle connection."""
    try:
        return bool(connection.can_read())
    except _ERRORS:
        return True


def _read_reply(connection: Any) -> Any:
    try:
        return connection.read_response()
    except ResponseError as error:
        return error
