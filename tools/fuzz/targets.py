"""Emulators under fire: in process, or as a process of its own behind a socket.

Here belongs asking. What is asked is made in `changes`.
"""

import io
import socket
import sys
from contextlib import suppress
from typing import Any, Final, cast
from urllib.parse import unquote_to_bytes

from fuzz.mutators import FuzzInput
from fuzz.oracle import FuzzAnswer
from sms10692.protocol import Endpoint
from sms10692_mock.app.vendor_app import Request, VendorApp
from sms10692_mock.app.wsgi import WsgiVendorApp
from sms10692_mock.config import build_vendor
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.records import Settings, Task
from sms10692_mock.server.http_types import Response
from support.emulators import Address, admin_app, options

_MOMENT: Final = 0.5
"""Seconds without an answer after which a request is taken for half of one."""
_PATIENCE: Final = 60.0
_ACCOUNTS: Final = ("12:test:mima:100000000", "13:测试:密码:1000", "14:late:mima:5")


class _Unexplained:
    """Pages that give no hint: a diagnosis takes fifty times as long as the answer."""

    def __init__(self, pages: VendorApp) -> None:
        self.log_rejected = pages.log_rejected
        self.allows_cross_site = pages.allows_cross_site
        self._pages = pages

    def handle(self, page: Endpoint, request: Request) -> Response:
        return self._pages.handle_without_hint(page, request).response


class InProcessTarget:
    """An emulator in this process, whose clock stands still, and which begins anew when asked to."""

    def __init__(self) -> None:
        self._chosen = chosen = options(accounts=_ACCOUNTS, postpaid=["14"])
        vendor, bell = build_vendor(chosen), ChangeNotifier()
        self._store = vendor.store
        elsewhere = admin_app(vendor, chosen, bell)
        pages = VendorApp(vendor, chosen.dialect, log=lambda line: None, notifier=bell)
        self._explaining = WsgiVendorApp(pages, elsewhere)
        self._silent = WsgiVendorApp(cast(VendorApp, _Unexplained(pages)), elsewhere)
        self._send()

    def begin(self) -> None:
        """Forget all that was sent, and all that was turned."""
        for userid in self._store.userids():
            self._store.delete_account(userid)
        for account in self._chosen.accounts:
            self._store.create_account(account)
        self._store.change_settings(lambda settings: Settings())
        self._store.clear_request_log()
        self._send()

    def _send(self) -> None:
        """Record a send that costs nothing, to which reports and replies can belong."""
        task_id, account = self._store.next_task_id(), self._chosen.accounts[0]
        task = Task(task_id, 0.0, 0.0, ["15023239810"], "x", "", "/v2sms.aspx", price=0, request=0)
        self._store.record_send(account.userid, task, [], [], 0.0)

    def ask(self, one: FuzzInput, *, explained: bool = True) -> FuzzAnswer:
        """The answer; an exception that a server would make a 500 of comes through."""
        started: list[tuple[int, dict[str, str]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
            started[:] = [(int(status[:3]), {name.lower(): value for name, value in headers})]

        application = self._explaining if explained else self._silent
        body = b"".join(application(_environ(one), start_response))
        return FuzzAnswer(*started[0], body)


def _environ(one: FuzzInput) -> dict[str, Any]:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": one.method.decode("latin-1"),
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(one.target).decode("latin-1"),
        "QUERY_STRING": one.query.decode("latin-1"),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "10692",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1",
        "CONTENT_LENGTH": str(len(one.body)),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(one.body),
        "wsgi.errors": sys.stderr,
    }
    for name, value in one.headers:
        if name.lower() == b"content-type":
            environ["CONTENT_TYPE"] = value.decode("latin-1")
    return environ


def over_a_socket(address: Address, raw: bytes) -> bytes:
    """All that comes back. Who waits for the rest of a request is told after a moment that there is none."""
    pieces: list[bytes] = []
    with socket.create_connection(address, timeout=_PATIENCE) as connection, suppress(ConnectionError):
        # A reset: it had not read all before it refused.
        connection.sendall(raw)
        connection.settimeout(_MOMENT)
        while True:
            try:
                piece = connection.recv(65536)
            except TimeoutError:
                if connection.gettimeout() != _MOMENT:
                    raise
                connection.settimeout(_PATIENCE)
                with suppress(OSError):  # it may be gone meanwhile
                    connection.shutdown(socket.SHUT_WR)
                continue
            if not piece:
                break
            pieces.append(piece)
    return b"".join(pieces)
