"""A server on a raw socket that answers every connection with bytes of the test's choice."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def hostile(pieces: Callable[[], Iterable[bytes]]) -> Iterator[str]:
    """The address of a server that reads a request's head, sends the pieces until the client hangs up, and closes."""
    stopped = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, pieces, stopped))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stopped.set()
            with socket.create_connection(listener.getsockname()):
                thread.join()


def _serve(listener: socket.socket, pieces: Callable[[], Iterable[bytes]], stopped: threading.Event) -> None:
    while True:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            if stopped.is_set():
                return
            connection.settimeout(10)
            connection.recv(65536)
            for piece in pieces():
                connection.sendall(piece)
                if stopped.is_set():
                    return
