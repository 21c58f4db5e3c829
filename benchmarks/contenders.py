"""What is measured against what: each contender is a process, `python -m benchmarks.contenders NAME`.

Here belong the servers of the throughput table. A contender says `listening on http://127.0.0.1:PORT` when it is ready.
"""

import random
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from flask import Flask
from granian.constants import Interfaces
from granian.server import Server

from sms10692_mock.accounts import Account
from sms10692_mock.bell import Bell
from sms10692_mock.http.app import beside_the_pages, control_of
from sms10692_mock.http.guard import Guard
from sms10692_mock.http.log import Lines
from sms10692_mock.http.pages import Pages
from sms10692_mock.http.serve import listening_socket, serve, url_of
from sms10692_mock.keywords import Keywords
from sms10692_mock.options import Options, vendor_of

RICH = Options(accounts=(Account("12", "test", "mima", points=10**12),))

view = Flask("benchmarks")


@view.post("/view")
def empty() -> str:
    """The least that a Flask view can do."""
    return ""


def constant(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The least that a WSGI application can do with a body: read it, and answer as much as a send does."""
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/xml; charset=utf-8"), ("Content-Length", "209")])
    return [b"x" * 209]


def _beside_the_pages(application: Any, options: Options = RICH) -> None:
    listener = listening_socket("127.0.0.1", 0)
    serve(
        Pages(vendor_of(options), options.dialect, Lines(sys.stderr)),
        application,
        listener,
        when_ready=lambda: print(f"listening on {url_of(listener)}", flush=True),
        when_stopped=lambda: None,
    )


def _with_a_console() -> None:
    vendor, bell = vendor_of(RICH), Bell()
    listener = listening_socket("127.0.0.1", 0)
    serve(
        Pages(vendor, RICH.dialect, Lines(sys.stderr), bell),
        beside_the_pages(control_of(vendor, RICH, bell), Guard()),
        listener,
        when_ready=lambda: print(f"listening on {url_of(listener)}", flush=True),
        when_stopped=lambda: None,
    )


def _with_100_000_words() -> None:
    dice = random.Random(1)
    words = ("".join(chr(dice.randrange(0x4E00, 0x9FA6)) for _ in range(dice.randint(2, 4))) for _ in range(100_000))
    _beside_the_pages(view, replace(RICH, keywords=Keywords(words)))


def _on_granians_wsgi(name: str) -> None:
    with listening_socket("127.0.0.1", 0) as probe:
        port = probe.getsockname()[1]
    server = Server(f"{__name__}:{name}", port=port, interface=Interfaces.WSGI, blocking_threads=2, log_enabled=False)
    server.on_startup(lambda: print(f"listening on http://127.0.0.1:{port}", flush=True))
    server.serve()


CREDENTIALS = "action=send&userid=12&timestamp=20120701231212&sign=5cc68982f55ac74348e3d819f868fbe1"
MANUALS = f"{CREDENTIALS}&mobile=15023239810,13527576163&content={quote('内容')}&sendTime=&extno="
LONGER = (
    f"{CREDENTIALS}&mobile=15023239810&content={quote('【签名】您的验证码是 1234，请勿告诉他人。')}&sendTime=&extno="
)

CONTENDERS: dict[str, tuple[str, str, Callable[[], None]]] = {
    "a signed send, the manual's example": ("/v2sms.aspx", MANUALS, lambda: _beside_the_pages(view)),
    "a signed send of 26 characters": ("/v2sms.aspx", LONGER, lambda: _beside_the_pages(view)),
    "the same, beside a console that nobody looks at": ("/v2sms.aspx", LONGER, _with_a_console),
    "the same, with an open console": ("/v2sms.aspx", LONGER, _with_a_console),
    "the same, 100,000 forbidden words": ("/v2sms.aspx", LONGER, _with_100_000_words),
    "an empty Flask view": ("/view", MANUALS, lambda: _beside_the_pages(view)),
    "a plain WSGI constant": ("/constant", MANUALS, lambda: _beside_the_pages(constant)),
    "an empty Flask view, on granian's WSGI": ("/view", MANUALS, lambda: _on_granians_wsgi("view")),
    "a plain WSGI constant, on granian's WSGI": ("/constant", MANUALS, lambda: _on_granians_wsgi("constant")),
}
"""By name: the path to ask, the form to post, and what runs the server."""

WATCHED = frozenset({"the same, with an open console"})
"""Those at which `benchmarks.viewer` looks while they are measured."""


if __name__ == "__main__":
    CONTENDERS[sys.argv[1]][-1]()
