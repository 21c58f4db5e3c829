"""Servers that are no vendor: one keeps what it was asked, the other is no control address.

Here belongs who only listens, or answers every request alike. Who answers as the vendor does is in `vendors`.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs


class RecordingHandler(BaseHTTPRequestHandler):
    """Answers every request with nothing of use, and keeps what it was asked."""

    kept: ClassVar[list[tuple[str, dict[str, list[str]]]]]

    def respond(self) -> None:
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fields = parse_qs(query, keep_blank_values=True, encoding="latin-1")
        fields |= parse_qs(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
        self.kept.append((path, {name.lower().strip(): values for name, values in fields.items()}))
        self.send_response_only(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_POST = respond  # noqa: N815 - the names of the standard library


@contextmanager
def recording_server() -> Iterator[tuple[str, list[tuple[str, dict[str, list[str]]]]]]:
    """An address at which nothing of use is answered, and what was asked there."""
    kept: list[tuple[str, dict[str, list[str]]]] = []
    with _served(type("Kept", (RecordingHandler,), {"kept": kept})) as url:
        yield url, kept


class FakeControlHandler(BaseHTTPRequestHandler):
    """What answers every request alike, and is no control address."""

    status: ClassVar[int]
    document: ClassVar[bytes]

    def respond(self) -> None:
        self.send_response_only(self.status)
        self.send_header("Content-Length", str(len(self.document)))
        self.end_headers()
        self.wfile.write(self.document)

    do_GET = do_POST = do_DELETE = respond  # noqa: N815 - the names of the standard library


@contextmanager
def fake_control_api(status: int, document: str) -> Iterator[str]:
    """An address at which everything is answered with this."""
    kind = type("Other", (FakeControlHandler,), {"status": status, "document": document.encode()})
    with _served(kind) as url:
        yield url


@contextmanager
def _served(kind: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
