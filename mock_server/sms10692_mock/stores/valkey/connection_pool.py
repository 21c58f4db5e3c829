"""One server: the connections to it, and commands on them, each sent once and no more.

Here belong time-outs, and what becomes of the errors of the client library. Which server a command is for is the
affair of `nodes`.
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
"""Seconds for which nobody waits for a server that did not answer: its next users are told at once that it is away."""

_TRUSTED: Final = 0.1
"""Seconds after its last use in which a connection is used again without a look whether the server has hung up."""

_ERRORS: Final = (ValkeyError, OSError)
_HANGS_UP: Final = "Protocol error"
"""How an error begins after which the server closes the connection, as of a request that is too large for it."""

_TIMEOUTS: Final = (TimeoutError, ValkeyTimeoutError)


class Unavailable(Exception):
    """The server did not answer: a command that was sent may have been carried out."""


class NodePool:
    """One server, and the connections to it that nobody uses now. May be used by many threads at once."""

    def __init__(self, address: Address, options: dict[str, Any]) -> None:
        self.host, self._port = address
        self._options = dict(options)
        self._type: type[Connection] = self._options.pop("connection_class", Connection)
        self._password: str = self._options.get("password") or ""
        self._idle: deque[tuple[Any, float]] = deque()
        self._answered = float("-inf")
        self._away_until = float("-inf")
        self._why = ""
        self.availability: Final = AvailabilityLog()

    def without_password(self, text: str) -> str:
        """A message of the server or the library, which may quote the command that logs in."""
        return text.replace(self._password, "***") if self._password else text

    def __str__(self) -> str:
        return f"{self.host}:{self._port}"

    def execute(self, *commands: Command) -> list[Any]:
        """Commands, sent together, and their answers: any may be a ResponseError, or Away, and then so are the rest."""
        begun = monotonic()
        if self._away_until > begun:
            return [Unavailable(self._why)] * len(commands)
        answers: list[Any] = []
        is_sent = False
        try:
            connection = self._connection()
            is_sent = True
            pieces = [piece for command in commands for piece in connection.pack_command(*command)]
            connection.send_packed_command([b"".join(pieces)], check_health=False)
            answers.extend(_answer(connection) for _ in commands)
        except _ERRORS as error:
            why = f"{self}: {self.without_password(str(error))}"
            # A server hangs up on a request that is too large for it, and goes on with all others.
            is_refused = is_sent and not isinstance(error, _TIMEOUTS) and self._still_answers()
            if self._answered < begun:  # since then it has answered nobody
                self.close_idle()
                if not is_refused:
                    self._why, self._away_until = why, monotonic() + RETRY_AFTER
            return answers + [Unavailable(why)] * (len(commands) - len(answers))
        self._answered = monotonic()
        if any(isinstance(answer, ResponseError) and str(answer).startswith(_HANGS_UP) for answer in answers):
            connection.disconnect()
        else:
            self._idle.append((connection, self._answered))
        return answers

    def _still_answers(self) -> bool:
        """Whether the server takes a new connection and answers on it."""
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

    def _connection(self) -> Any:  # its methods have no types
        try:
            connection, used = self._idle.pop()
        except IndexError:
            connection = self._type(host=self.host, port=self._port, **self._options)
        else:
            if monotonic() - used > _TRUSTED and _is_closed(connection):
                connection.disconnect()
        connection.connect()
        return connection

    def close_idle(self) -> None:
        """Close the connections that nobody uses now."""
        while self._idle:
            try:
                self._idle.pop()[0].disconnect()
            except IndexError:  # somebody else took it
                return


def _is_closed(connection: Any) -> bool:
    """Whether the server has hung up on a connection of which nothing is expected."""
    try:
        return bool(connection.can_read())
    except _ERRORS:
        return True


def _answer(connection: Any) -> Any:
    try:
        return connection.read_response()
    except ResponseError as error:
        return error
