"""Benchmark targets: the emulator, and minimal applications on the same and on another server.

Each runs in its own process, `python -m benchmarks.targets NAME`, and prints `listening on http://127.0.0.1:PORT` when
it is ready. Competing tools are in `peers`.
"""

import random
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final, NamedTuple, cast

from flask import Flask

from benchmarks.load import Request
from benchmarks.requests import LONG_SEND, MANUAL_FORM, SEND
from sms10692_mock.app.dispatch import dispatcher_factory
from sms10692_mock.app.hints import FinishedRequest
from sms10692_mock.app.vendor_app import HandledRequest, VendorApp
from sms10692_mock.config import Options, build_vendor
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.server.access_log import LogWriter
from sms10692_mock.server.http_types import Response
from sms10692_mock.server.process import format_url, listening_socket, serve
from sms10692_mock.server.server import Listener
from support.http_client import free_port

RICH: Final = Options(accounts=(Account("12", "test", "mima", points=10**12),))

_BODY: Final = b"x" * 209
"""Body with the length of the response to a send."""

view = Flask("benchmarks")


@view.post("/view")
def empty() -> str:
    """Minimal Flask view."""
    return ""


def constant(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Minimal WSGI application: read the body and return a constant."""
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/xml; charset=utf-8"), ("Content-Length", str(len(_BODY)))])
    return [_BODY]


class _NullApp(VendorApp):
    """A VendorApp with a constant response, to measure the server and the dispatcher alone."""

    def __init__(self) -> None:
        super().__init__(build_vendor(RICH), RICH)
        headers = [("Content-Type", "text/xml; charset=utf-8"), ("Content-Length", str(len(_BODY)))]
        self._finished = FinishedRequest(Response(200, headers, _BODY))
        self._nothing = cast(HandledRequest, None)

    def handle(self, *_: object) -> HandledRequest:
        return self._nothing

    def finish(self, _: object) -> FinishedRequest:
        return self._finished


def _run_in_emulator_server(application: Any, options: Options = RICH, pages: VendorApp | None = None) -> None:
    listener = listening_socket("127.0.0.1", 0)
    serve(
        dispatcher_factory(pages or VendorApp(build_vendor(options), options, LogWriter(sys.stderr)), application),
        [Listener(listener)],
        when_ready=lambda: print(f"listening on {format_url(listener)}", flush=True),
        when_stopped=lambda: None,
    )


def _run_with_100_000_words() -> None:
    generator = random.Random(1)
    words = (
        "".join(chr(generator.randrange(0x4E00, 0x9FA6)) for _ in range(generator.randint(2, 4)))
        for _ in range(100_000)
    )
    _run_in_emulator_server(view, replace(RICH, keywords=Keywords(words)))


def _run_on_granian(name: str) -> None:
    # Imported here: granian is installed only by `make bench`.
    from granian.constants import Interfaces
    from granian.server import Server

    port = free_port()
    server = Server(f"{__name__}:{name}", port=port, interface=Interfaces.WSGI, blocking_threads=2, log_enabled=False)
    server.on_startup(lambda: print(f"listening on http://127.0.0.1:{port}", flush=True))
    server.serve()


class Target(NamedTuple):
    """A server under test: the request to send, and the function that runs the server."""

    request: Request
    run: Callable[[], None]


TARGETS: Final[dict[str, Target]] = {
    "send": Target(SEND, lambda: _run_in_emulator_server(view)),
    "send, 26 characters": Target(LONG_SEND, lambda: _run_in_emulator_server(view)),
    "send, 26 characters, 100,000 forbidden words": Target(LONG_SEND, _run_with_100_000_words),
    "our server, nothing in it": Target(SEND, lambda: _run_in_emulator_server(view, pages=_NullApp())),
    "Flask view in our server": Target(Request("/view", MANUAL_FORM), lambda: _run_in_emulator_server(view)),
    "WSGI constant in our server": Target(Request("/constant", MANUAL_FORM), lambda: _run_in_emulator_server(constant)),
    "Flask view on granian's WSGI": Target(Request("/view", MANUAL_FORM), lambda: _run_on_granian("view")),
    "WSGI constant on granian's WSGI": Target(Request("/constant", MANUAL_FORM), lambda: _run_on_granian("constant")),
}
"""Targets by name. Each runs in one process on one core."""


if __name__ == "__main__":
    TARGETS[sys.argv[1]].run()
