"""What is measured: each contender is a process, `python -m benchmarks.targets NAME`.

Here belong the servers that are ours, or run in our server; those of others are in `peers`. A contender says
`listening on http://127.0.0.1:PORT` when it is ready.
"""

import random
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final, NamedTuple, cast

from flask import Flask
from granian.constants import Interfaces
from granian.server import Server

from benchmarks.load import Request
from benchmarks.requests import LONGER_SEND, MANUALS, SEND
from benchmarks.servers import free_port
from sms10692_mock.app.dispatch import dispatcher_factory
from sms10692_mock.app.vendor_app import HandledRequest, VendorApp
from sms10692_mock.config import Options, build_vendor
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.server.access_log import LogWriter
from sms10692_mock.server.http_types import Response
from sms10692_mock.server.process import format_url, listening_socket, serve

RICH: Final = Options(accounts=(Account("12", "test", "mima", points=10**12),))

_ANSWER: Final = b"x" * 209
"""As much as a send is answered."""

view = Flask("benchmarks")


@view.post("/view")
def empty() -> str:
    """The least that a Flask view can do."""
    return ""


def constant(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The least that a WSGI application can do with a body: read it, and answer."""
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/xml; charset=utf-8"), ("Content-Length", str(len(_ANSWER)))])
    return [_ANSWER]


class _NullApp:
    """Pages that always say the same: what is left is the server and the way there and back."""

    blocking = False
    probe = None

    def loop_executor(self, threads: object) -> None:
        """Nobody waits."""

    def batch_transaction(self) -> None:
        """Nothing is written."""

    def log_line(self, method: str, path: str, status: int) -> None:
        """Nothing is logged."""

    log_other = log_line

    def handle_without_hint(self, page: object, request: object) -> HandledRequest:  # noqa: ARG002 - as those of Pages
        return HandledRequest(
            Response(200, [("Content-Type", "text/xml; charset=utf-8"), ("Content-Length", "209")], _ANSWER)
        )


def _in_our_server(application: Any, options: Options = RICH, pages: VendorApp | None = None) -> None:
    listener = listening_socket("127.0.0.1", 0)
    serve(
        dispatcher_factory(
            pages or VendorApp(build_vendor(options), options.dialect, LogWriter(sys.stderr)), application
        ),
        listener,
        when_ready=lambda: print(f"listening on {format_url(listener)}", flush=True),
        when_stopped=lambda: None,
    )


def _with_100_000_words() -> None:
    dice = random.Random(1)
    words = ("".join(chr(dice.randrange(0x4E00, 0x9FA6)) for _ in range(dice.randint(2, 4))) for _ in range(100_000))
    _in_our_server(view, replace(RICH, keywords=Keywords(words)))


def _on_granians_wsgi(name: str) -> None:
    port = free_port()
    server = Server(f"{__name__}:{name}", port=port, interface=Interfaces.WSGI, blocking_threads=2, log_enabled=False)
    server.on_startup(lambda: print(f"listening on http://127.0.0.1:{port}", flush=True))
    server.serve()


class Target(NamedTuple):
    """What a server is asked, and what runs it."""

    request: Request
    run: Callable[[], None]


TARGETS: Final[dict[str, Target]] = {
    "send": Target(SEND, lambda: _in_our_server(view)),
    "send, 26 characters": Target(LONGER_SEND, lambda: _in_our_server(view)),
    "send, 26 characters, 100,000 forbidden words": Target(LONGER_SEND, _with_100_000_words),
    "our server, nothing in it": Target(SEND, lambda: _in_our_server(view, pages=cast(VendorApp, _NullApp()))),
    "Flask view in our server": Target(Request("/view", MANUALS), lambda: _in_our_server(view)),
    "WSGI constant in our server": Target(Request("/constant", MANUALS), lambda: _in_our_server(constant)),
    "Flask view on granian's WSGI": Target(Request("/view", MANUALS), lambda: _on_granians_wsgi("view")),
    "WSGI constant on granian's WSGI": Target(Request("/constant", MANUALS), lambda: _on_granians_wsgi("constant")),
}
"""By name. All run in one process, on one core."""


if __name__ == "__main__":
    TARGETS[sys.argv[1]].run()
