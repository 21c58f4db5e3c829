"""A server on a raw socket that sends bytes of the test's choice to every client."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def byte_server(chunks: Callable[[], Iterable[bytes]]) -> Iterator[str]:
    """Yield the URL of a server that reads once, sends the chunks until the client disconnects, and closes."""
    stopped = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, chunks, stopped))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stopped.set()
            with socket.create_connection(listener.getsockname()):
                thread.join()


def _serve(listener: socket.socket, chunks: Callable[[], Iterable[bytes]], stopped: threading.Event) -> None:
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
