"""A connection that is used for the requests of some seconds, because opening one costs as much as a request."""

import threading
import weakref
from contextlib import ExitStack
from time import monotonic
from typing import Final

from sms10692_contract.http import CONTINUE_SECONDS, Address, HttpResponse
from sms10692_contract.kept_connection import KeptConnection, open_connection
from sms10692_contract.limits import EXCHANGE_SECONDS
from sms10692_contract.requests import WireRequest

_REUSE_SECONDS: Final = 10.0
"""Age after which a connection is replaced, so that each exchange has `EXCHANGE_SECONDS` at least."""


class ReusedConnection:
    """Exchanges requests with one server, one at a time. May be used by several threads. Closed when nothing uses it.

    **A request is sent once only**: whether one that got no response was executed is not known.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._connection: KeptConnection | None = None
        self._opened = 0.0
        weakref.finalize(self, self._stack.close)

    def exchange(self, request: WireRequest) -> HttpResponse:
        """Send a request and return the response. Raises TargetUnreachable."""
        with self._lock:
            connection = self._get_connection()
            try:
                connection.write(request)
                response = connection.read(request, lambda request, partial: None)
            except BaseException:
                self._close()
                raise
            if response.is_last:
                self._close()
            return response

    def _get_connection(self) -> KeptConnection:
        connection = self._connection
        if connection is not None and monotonic() - self._opened < _REUSE_SECONDS and not connection.has_data():
            return connection
        self._close()
        self._connection = self._stack.enter_context(
            open_connection(self._address, CONTINUE_SECONDS, EXCHANGE_SECONDS + _REUSE_SECONDS)
        )
        self._opened = monotonic()
        return self._connection

    def _close(self) -> None:
        self._connection = None
        self._stack.close()
