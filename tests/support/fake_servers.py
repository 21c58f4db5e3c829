"""HTTP servers for tests: they record requests, give every request the same response, or serve a folder."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs


class RecordingHandler(BaseHTTPRequestHandler):
    """Answers every request with an empty body, and records its path and fields."""

    recorded: ClassVar[list[tuple[str, dict[str, list[str]]]]]

    def respond(self) -> None:
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fields = parse_qs(query, keep_blank_values=True, encoding="latin-1")
        fields |= parse_qs(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
        self.recorded.append((path, {name.lower().strip(): values for name, values in fields.items()}))
        self.send_response_only(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_POST = respond  # noqa: N815 - names required by the standard library


@contextmanager
def recording_server() -> Iterator[tuple[str, list[tuple[str, dict[str, list[str]]]]]]:
    """Yield the URL of a recording server, and the list of (path, fields) that it appends to."""
    recorded: list[tuple[str, dict[str, list[str]]]] = []
    with _serve(type("Recording", (RecordingHandler,), {"recorded": recorded})) as url:
        yield url, recorded


class FakeControlHandler(BaseHTTPRequestHandler):
    """Gives every request the same response, which is not that of a control API."""

    status: ClassVar[int]
    document: ClassVar[bytes]

    def respond(self) -> None:
        self.send_response_only(self.status)
        self.send_header("Content-Length", str(len(self.document)))
        self.end_headers()
        self.wfile.write(self.document)

    do_GET = do_POST = do_DELETE = respond  # noqa: N815 - names required by the standard library


@contextmanager
def fake_control_api(status: int, document: str) -> Iterator[str]:
    """Yield the URL of a server that gives every request this response."""
    handler = type("Other", (FakeControlHandler,), {"status": status, "document": document.encode()})
    with _serve(handler) as url:
        yield url


@contextmanager
def _serve(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def serve_folder(folder: Path) -> Iterator[str]:
    """Serve the files of a folder, and yield the address."""

    class FolderHandler(SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(folder))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class has this name
            """Write nothing."""

    with _serve(FolderHandler) as url:
        yield url
