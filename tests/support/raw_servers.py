"""Servers on real sockets that do anything with a request: they hang up, drip, flood, or say too much."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from support.emulators import TIMEOUT, read_response

Serve = Callable[[socket.socket], object]


def http_answer(body: bytes) -> bytes:
    """A whole response with a body."""
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@contextmanager
def server(serve: Serve) -> Iterator[tuple[str, list[bytes]]]:
    """A server that reads a request and then does as it is told; its address, and what it was asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_all() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(TIMEOUT)
                    asked.append(read_response(connection))
                    try:
                        serve(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=answer_all)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(TIMEOUT)
