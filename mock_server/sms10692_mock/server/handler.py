"""The interface between the HTTP server and the application that answers its requests."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

from sms10692_mock.server.bad_request import BadRequest
from sms10692_mock.server.client_presence import ClientPresence
from sms10692_mock.server.http1_parser import ParsedRequest
from sms10692_mock.server.http_types import AnyResponse, Response, SocketAddresses
from sms10692_mock.server.thread_pools import ThreadPools


class RequestHandler(Protocol):
    """Answers the requests of all connections of a server. The server calls it on the thread of its event loop only."""

    @property
    def is_idle(self) -> bool:
        """Whether no worker thread is running for a request that may leave reference cycles behind."""

    def call_when_idle(self, callback: Callable[[], None]) -> None:
        """Register the only callback that runs, on the event loop, whenever `is_idle` becomes True."""

    def dispatch(
        self, parsed: ParsedRequest, addresses: SocketAddresses, presence: ClientPresence
    ) -> Response | Awaitable[AnyResponse]:
        """Return the response, or an awaitable of the response if it cannot be made at once.

        With `parsed.failure` the body is incomplete and the handler must not act on the request. The awaitable may
        raise ClientGone.
        """

    def bad_request(self, error: BadRequest, addresses: SocketAddresses, beginning: bytes) -> Response:
        """Return the response to bytes that are no HTTP request; `beginning` are the first of them, at most 1 KiB."""

    def log_unread(self, addresses: SocketAddresses, size: int, seconds: float) -> None:
        """Log that a client was disconnected because it left `size` bytes unread for so many seconds."""

    def close(self) -> None:
        """Close the resources of the handler. No request follows."""


HandlerFactory: TypeAlias = Callable[[ThreadPools], RequestHandler]
"""Builds the handler of a server. The server calls it once, on its running event loop."""
