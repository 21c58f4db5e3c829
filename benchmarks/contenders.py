"""What is measured against what: each contender is a process, `python -m benchmarks.contenders NAME`.

Here belong the servers of the throughput table. A contender prints `listening on http://127.0.0.1:PORT` when it is ready.
"""

import sys
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask
from granian.constants import Interfaces
from granian.server import Server

from sms10692_mock.accounts import Account
from sms10692_mock.http.log import Lines
from sms10692_mock.http.pages import Pages
from sms10692_mock.http.serve import listening_socket, serve, url_of
from sms10692_mock.options import Options, vendor_of

RICH = Options(accounts=(Account("12", "test", "mima", points=10**12),))

view = Flask("benchmarks")


@view.post("/view")
def empty() -> str:
    """The least that a Flask view can do."""
    return ""


def constant(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The least that a WSGI application can do with a request that has a body: read it, and answer as long as a send."""
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/xml; charset=utf-8"), ("Content-Length", "209")])
    return [b"x" * 209]


def _beside_the_pages(application: Any) -> None:
    listener = listening_socket("127.0.0.1", 0)
    serve(
        Pages(vendor_of(RICH), RICH.dialect, Lines(sys.stderr)),
        application,
        listener,
        when_ready=lambda: print(f"listening on {url_of(listener)}", flush=True),
        when_stopped=lambda: None,
    )


def _on_granians_wsgi(name: str) -> None:
    with listening_socket("127.0.0.1", 0) as probe:
        port = probe.getsockname()[1]
    server = Server(f"{__name__}:{name}", port=port, interface=Interfaces.WSGI, blocking_threads=2, log_enabled=False)
    server.on_startup(lambda: print(f"listening on http://127.0.0.1:{port}", flush=True))
    server.serve()


CONTENDERS: dict[str, tuple[str, Callable[[], None]]] = {
    "a signed send": ("/v2sms.aspx", lambda: _beside_the_pages(view)),
    "an empty Flask view": ("/view", lambda: _beside_the_pages(view)),
    "a plain WSGI constant": ("/constant", lambda: _beside_the_pages(constant)),
    "an empty Flask view, on granian's WSGI": ("/view", lambda: _on_granians_wsgi("view")),
    "a plain WSGI constant, on granian's WSGI": ("/constant", lambda: _on_granians_wsgi("constant")),
}
"""By name: the path to ask, and what runs the server."""


if __name__ == "__main__":
    CONTENDERS[sys.argv[1]][1]()
