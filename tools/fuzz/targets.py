"""Targets of the fuzzer: an emulator in this process (WSGI), or one behind a socket."""

import io
import socket
import sys
from contextlib import suppress
from typing import Any, Final, cast
from urllib.parse import unquote_to_bytes

from fuzz.corpus import FuzzInput
from fuzz.oracle import FuzzResponse
from sms10692.protocol import Endpoint
from sms10692_mock.app.vendor_app import VendorApp, VendorRequest
from sms10692_mock.app.wsgi import WsgiVendorApp
from sms10692_mock.config import build_vendor
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.records import Task
from sms10692_mock.server.http_types import Rejection, Response
from support.emulators import admin_app, build_options
from support.http_client import Address

_INCOMPLETE_AFTER: Final = 0.5
"""Seconds without a response after which the request counts as incomplete, and the sending side is closed."""
_TIMEOUT: Final = 60.0
_ACCOUNTS: Final = ("12:test:mima:100000000", "13:测试:密码:1000", "14:late:mima:5")


class _WithoutHints:
    """Wraps the vendor application and leaves out the hint: a diagnosis takes fifty times as long as the response."""

    def __init__(self, pages: VendorApp) -> None:
        self.allows_cross_site, self.endpoints, self.replay = pages.allows_cross_site, pages.endpoints, pages.replay
        self._pages = pages

    def respond(self, page: Endpoint, request: VendorRequest, rejection: Rejection | None = None) -> Response:
        return self._pages.finish(self._pages.handle(page, request, rejection)).response


class InProcessTarget:
    """An emulator in this process. Its clock stands still."""

    def __init__(self) -> None:
        self._chosen = config = build_options(accounts=_ACCOUNTS, postpaid=["14"])
        vendor, notifier = build_vendor(config), ChangeNotifier()
        self._store = vendor.store
        fallback = admin_app(vendor, config, notifier)
        pages = VendorApp(vendor, config, log=lambda line: None, notifier=notifier)
        self._with_hints = WsgiVendorApp(pages, fallback)
        self._without_hints = WsgiVendorApp(cast(VendorApp, _WithoutHints(pages)), fallback)
        self._record_send()

    def _record_send(self) -> None:
        """Record one send that costs nothing, so that injected reports and replies have a message to refer to."""
        task_id, account = self._store.next_task_id(), self._chosen.accounts[0]
        task = Task(task_id, 0.0, 0.0, ["15023239810"], "x", "", "/v2sms.aspx", price=0, request=0)
        self._store.record_send(account.userid, task, [], [], 0.0)

    def send(self, request: FuzzInput, *, diagnose: bool = True) -> FuzzResponse:
        """Return the response. Exceptions are not turned into a 500; they propagate."""
        started: list[tuple[int, dict[str, str]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
            started[:] = [(int(status[:3]), {name.lower(): value for name, value in headers})]

        application = self._with_hints if diagnose else self._without_hints
        body = b"".join(application(_build_environ(request), start_response))
        return FuzzResponse(*started[0], body)


def _build_environ(request: FuzzInput) -> dict[str, Any]:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method.decode("latin-1"),
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(request.target).decode("latin-1"),
        "QUERY_STRING": request.query.decode("latin-1"),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "10692",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1",
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
    }
    for name, value in request.headers:
        if name.lower() == b"content-type":
            environ["CONTENT_TYPE"] = value.decode("latin-1")
    return environ


def send_over_socket(address: Address, raw: bytes) -> bytes:
    """Send bytes and return everything received.

    When no response arrives within `_INCOMPLETE_AFTER` seconds, the sending side is closed, which ends an incomplete
    request.
    """
    chunks: list[bytes] = []
    with socket.create_connection(address, timeout=_TIMEOUT) as connection, suppress(ConnectionError):
        # ConnectionError: the emulator refused the request before it had read all of it, and reset the connection.
        connection.sendall(raw)
        connection.settimeout(_INCOMPLETE_AFTER)
        while True:
            try:
                chunk = connection.recv(65536)
            except TimeoutError:
                if connection.gettimeout() != _INCOMPLETE_AFTER:
                    raise
                connection.settimeout(_TIMEOUT)
                with suppress(OSError):  # The emulator may have closed the connection meanwhile.
                    connection.shutdown(socket.SHUT_WR)
                continue
            if not chunk:
                break
            chunks.append(chunk)
    return b"".join(chunks)
