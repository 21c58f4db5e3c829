"""Servers on raw sockets that may violate HTTP: disconnect, send slowly, send too much, or send any bytes."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from support.http_client import TIMEOUT, read_request

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


@contextmanager
def byte_server(chunks: Callable[[], Iterable[bytes]]) -> Iterator[str]:
    """Yield the URL of a server that reads once, sends the chunks until the client disconnects, and closes."""
    stopped = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_send_chunks, args=(listener, chunks, stopped))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stopped.set()
            with socket.create_connection(listener.getsockname()):
                thread.join()


def _send_chunks(listener: socket.socket, chunks: Callable[[], Iterable[bytes]], stopped: threading.Event) -> None:
    while True:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            if stopped.is_set():
                return
            connection.settimeout(10)
            connection.recv(65536)
            for chunk in chunks():
                connection.sendall(chunk)
                if stopped.is_set():
                    return
