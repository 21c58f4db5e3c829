"""A connection that is kept open for several requests, which may be written in pieces or before the first response.

`http.send_request` uses a new connection for each request. **Use `CheckContext.keep_connection`, which passes each
request to the safety guard first.**
"""

import http.client
import io
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any, Final, Protocol, cast

from sms10692_contract import limits
from sms10692_contract.expectations import Mismatch
from sms10692_contract.expected import ParsedResponse
from sms10692_contract.http import Address, HttpResponse, TargetUnreachable, connect, describe_error, read_response
from sms10692_contract.limits import LimitedConnection, LimitExceeded
from sms10692_contract.network_errors import ConnectionLost
from sms10692_contract.requests import WireRequest

CONNECTION_SECONDS: Final = 10 * limits.EXCHANGE_SECONDS
"""Time after which a connection is given up. Each step has its own, shorter limit."""

_AT_ONCE: Final = 0.001
"""Seconds to look whether something has arrived."""
_PIECE_SECONDS: Final = 0.003
"""Pause between two pieces, so that the server receives them one by one."""


class _OpenReader:
    """The reader of a connection, which is not closed at the end of a response."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def close(self) -> None:
        """Do nothing: the next response comes from the same reader."""


class _OpenConnection(LimitedConnection):
    """A connection whose responses leave it open."""

    def makefile(self, mode: str) -> io.BufferedIOBase:
        return cast(io.BufferedIOBase, _OpenReader(self.reader))


class Connection(Protocol):
    """A connection for several requests. Every method may raise TargetUnreachable."""

    def write(self, *requests: WireRequest) -> None:
        """Write requests with one system call."""

    def write_in_pieces(self, request: WireRequest, sizes: Sequence[int]) -> None:
        """Write a request in pieces of these sizes, and then the rest."""

    def write_after_continue(self, request: WireRequest, seconds: float | None = None) -> bool:
        """Write the head, wait for 100 Continue so long at most, and write the body; return whether anything came."""

    def read(self, request: WireRequest, record: Callable[[WireRequest, HttpResponse], None]) -> HttpResponse:
        """Read the response to the oldest request that has none, and record it. Interim responses are skipped."""

    def read_to_end(self) -> bytes:
        """Read until the server closes the connection."""

    def is_closed_by_server(self, seconds: float) -> bool:
        """Return whether the server closes the connection within this time without sending anything more."""


class KeptConnection:
    """A `Connection` to a server.

    `continue_seconds` is the time after which a body is sent although no 100 Continue has come, `seconds` that after
    which the connection is given up.
    """

    def __init__(
        self, address: Address, connection: socket.socket, continue_seconds: float, seconds: float = CONNECTION_SECONDS
    ) -> None:
        self._address = address
        self._continue_seconds = continue_seconds
        self._connection = connection
        self._limited = _OpenConnection(connection, monotonic() + min(seconds, CONNECTION_SECONDS))

    def write(self, *requests: WireRequest) -> None:
        with self._naming_address():
            self._limited.send(b"".join(self._serialize(request) for request in requests))

    def write_in_pieces(self, request: WireRequest, sizes: Sequence[int]) -> None:
        raw, start = self._serialize(request), 0
        with self._naming_address():
            for size in sizes:
                self._limited.send(raw[start : start + size])
                start += size
                if start >= len(raw):
                    return
                sleep(_PIECE_SECONDS)  # the pieces must arrive apart
            self._limited.send(raw[start:])

    def write_after_continue(self, request: WireRequest, seconds: float | None = None) -> bool:
        with self._naming_address():
            self._limited.send(self._build_head(request))
            is_continued = self._limited.wait_for_data(self._continue_seconds if seconds is None else seconds)
            self._limited.send(request.body)
        return is_continued

    def read(self, request: WireRequest, record: Callable[[WireRequest, HttpResponse], None]) -> HttpResponse:
        with self._naming_address():
            response = read_response(self._limited, request.method, lambda partial: record(request, partial))
        record(request, response)
        return response

    def read_to_end(self) -> bytes:
        with self._naming_address():
            return self._limited.reader.read()

    def is_closed_by_server(self, seconds: float) -> bool:
        with self._naming_address():
            try:
                return self._limited.wait_for_data(seconds) and not self._limited.reader.peek(1)
            except ConnectionError:
                return True

    def has_data(self) -> bool:
        """Return whether the server has sent something, or closed the connection, although no response is due."""
        try:
            return self._limited.wait_for_data(_AT_ONCE)
        except ConnectionError:
            return True

    def _serialize(self, request: WireRequest) -> bytes:
        return self._build_head(request) + request.body

    def _build_head(self, request: WireRequest) -> bytes:
        return request.build_head(self._address.netloc, self._address.prefix)

    @contextmanager
    def _naming_address(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, LimitExceeded, http.client.HTTPException) as error:
            raise TargetUnreachable(f"{self._address.url}: {describe_error(error)}") from error


class Conversation:
    """Requests and responses on one connection. `admit` is called with each request before it is sent, `record` with
    each response, complete or not.

    A response that does not come is a Mismatch; if the network `loses_responses`, ConnectionLost is raised instead.
    """

    def __init__(
        self,
        connection: Connection,
        admit: Callable[[WireRequest], None],
        record: Callable[[WireRequest, HttpResponse], None],
        loses_responses: bool = False,
        parse: Callable[[WireRequest, HttpResponse], ParsedResponse] = ParsedResponse,
    ) -> None:
        self.connection = connection
        self._admit = admit
        self._record = record
        self._loses_responses = loses_responses
        self._parse = parse

    def exchange(self, request: WireRequest) -> ParsedResponse:
        """Send a request and return the response."""
        return self.pipeline([request])[0]

    def pipeline(self, requests: Sequence[WireRequest]) -> list[ParsedResponse]:
        """Send requests at once, and return their responses."""
        return self._exchange(requests, lambda: self.connection.write(*requests))

    def exchange_in_pieces(self, request: WireRequest, sizes: Sequence[int]) -> ParsedResponse:
        """Send a request in pieces of these sizes and a rest, and return the response."""
        return self._exchange([request], lambda: self.connection.write_in_pieces(request, sizes))[0]

    def exchange_after_continue(self, request: WireRequest) -> ParsedResponse:
        """Send the head, wait a moment for 100 Continue, send the body, and return the response."""
        return self._exchange([request], lambda: self.connection.write_after_continue(request))[0]

    def exchange_strictly(self, request: WireRequest, seconds: float) -> ParsedResponse:
        """Send the head, and the body only when 100 Continue has come, within so many seconds."""
        continued: list[bool] = []
        response = self._exchange(
            [request], lambda: continued.append(self.connection.write_after_continue(request, seconds))
        )[0]
        if not all(continued):
            raise Mismatch(request, "100 Continue, or a response, before the body", f"nothing in {seconds:g} s")
        return response

    def exchange_to_end(self, request: WireRequest) -> bytes:
        """Send a request, and return all bytes until the server closes the connection."""
        self._admit(request)
        try:
            self.connection.write(request)
            received = self.connection.read_to_end()
        except TargetUnreachable as error:
            raise self._build_error(request, "a response and the end of the connection", error) from error
        self._record(request, HttpResponse(200, "", received))
        return received

    def _exchange(self, requests: Sequence[WireRequest], write: Callable[[], object]) -> list[ParsedResponse]:
        for request in requests:
            self._admit(request)
        responses: list[ParsedResponse] = []
        try:
            write()
            while len(responses) < len(requests):
                request = requests[len(responses)]
                responses.append(self._parse(request, self.connection.read(request, self._record)))
        except TargetUnreachable as error:
            missing = requests[len(responses)]
            raise self._build_error(missing, "a response to each request on the same connection", error) from error
        return responses

    def _build_error(self, request: WireRequest, expected: str, error: TargetUnreachable) -> BaseException:
        return ConnectionLost(request, str(error)) if self._loses_responses else Mismatch(request, expected, str(error))


@contextmanager
def open_connection(
    address: Address, continue_seconds: float, seconds: float = CONNECTION_SECONDS
) -> Iterator[KeptConnection]:
    """Open a `KeptConnection`, and close it at the end. Raises TargetUnreachable."""
    try:
        connection = connect(address, monotonic() + min(seconds, limits.EXCHANGE_SECONDS))
    except (OSError, LimitExceeded) as error:
        raise TargetUnreachable(f"{address.url}: {describe_error(error)}") from error
    with connection:
        yield KeptConnection(address, connection, continue_seconds, seconds)
