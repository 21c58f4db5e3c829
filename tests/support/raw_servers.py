"""A server on a real socket whose behaviour is a function: it may disconnect, send slowly, or send too much."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from support.emulators import TIMEOUT, read_request

Serve = Callable[[socket.socket], object]


def encode_response(body: bytes) -> bytes:
    """Build a complete response with this body."""
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@contextmanager
def raw_server(serve: Serve) -> Iterator[tuple[str, list[bytes]]]:
    """Run a server that reads a request and then calls `serve`. Yields its URL and the list of requests received."""
    requests: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve_all() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(TIMEOUT)
                    requests.append(read_request(connection))
                    try:
                        serve(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve_all)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", requests
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(TIMEOUT)
