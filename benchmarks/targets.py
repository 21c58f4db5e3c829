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
from sms10692_mock.app.fault_injection import Response
from sms10692_mock.app.vendor_app import Exchange, Pages
from sms10692_mock.config import Options, vendor_of
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.server.access_log import LogWriter
from sms10692_mock.server.process import listening_socket, serve, url_of

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


class _Mute:
    """Pages that always say the same: what is left is the server and the way there and back."""

    waits = False

    def on_loop(self, threads: object) -> None:
        """Nobody waits."""

    def gathered(self) -> None:
        """Nothing is written."""

    def log_status(self, method: str, path: str, status: int) -> None:
        """Nothing is logged."""

    log_other = log_status

    def exchange(self, page: object, request: object) -> Exchange:  # noqa: ARG002 - as those of Pages
        return Exchange(
            Response(200, [("Content-Type", "text/xml; charset=utf-8"), ("Content-Length", "209")], _ANSWER)
        )


def _in_our_server(application: Any, options: Options = RICH, pages: Pages | None = None) -> None:
    listener = listening_socket("127.0.0.1", 0)
    serve(
        pages or Pages(vendor_of(options), options.dialect, LogWriter(sys.stderr)),
        application,
        listener,
        when_ready=lambda: print(f"listening on {url_of(listener)}", flush=True),
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


class Contender(NamedTuple):
    """What a server is asked, and what runs it."""

    request: Request
    run: Callable[[], None]


CONTENDERS: Final[dict[str, Contender]] = {
    "send": Contender(SEND, lambda: _in_our_server(view)),
    "send, 26 characters": Contender(LONGER_SEND, lambda: _in_our_server(view)),
    "send, 26 characters, 100,000 forbidden words": Contender(LONGER_SEND, _with_100_000_words),
    "our server, nothing in it": Contender(SEND, lambda: _in_our_server(view, pages=cast(Pages, _Mute()))),
    "Flask view in our server": Contender(Request("/view", MANUALS), lambda: _in_our_server(view)),
    "WSGI constant in our server": Contender(Request("/constant", MANUALS), lambda: _in_our_server(constant)),
    "Flask view on granian's WSGI": Contender(Request("/view", MANUALS), lambda: _on_granians_wsgi("view")),
    "WSGI constant on granian's WSGI": Contender(Request("/constant", MANUALS), lambda: _on_granians_wsgi("constant")),
}
"""By name. All run in one process, on one core."""


if __name__ == "__main__":
    CONTENDERS[sys.argv[1]].run()
