"""A proxy in front of a vendor that loses answers: it drops, cuts or stalls connections, or answers itself."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from support.http_client import TIMEOUT, read_request

PASS, DROP, CUT, STALL = "pass", "drop", "cut", "stall"

Outcome = str | bytes
"""What happens to an answer: one of the words above, or the bytes of another answer."""


class LossyProxy:
    """A proxy. `decide` returns the outcome of an answer by the number of its request, from 0, and its bytes.

    `received` are all requests; a lost answer's request is forwarded too, except if the outcome is other bytes.
    """

    def __init__(self, listener: socket.socket, vendor_url: str, decide: Callable[[int, bytes], Outcome]) -> None:
        self.received: list[bytes] = []
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._listener = listener
        self._vendor = (urlsplit(vendor_url).hostname or "", urlsplit(vendor_url).port or 0)
        self._decide = decide
        self._lock = threading.Lock()
        self.stopped = threading.Event()

    def serve(self) -> None:
        """Serve until the listener is closed."""
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_connection, args=(connection,), daemon=True).start()

    def _serve_connection(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(TIMEOUT)
            request = read_request(connection)
            with self._lock:
                number = len(self.received)
                self.received.append(request)
            fate = self._decide(number, request)
            if isinstance(fate, bytes):
                connection.sendall(fate)
                return
            answer = self._forward(request)
            if fate == STALL:
                self.stopped.wait(TIMEOUT)
            elif fate != DROP:
                connection.sendall(answer[:-20] if fate == CUT else answer)

    def _forward(self, request: bytes) -> bytes:
        with socket.create_connection(self._vendor, TIMEOUT) as vendor:
            vendor.sendall(request)
            return b"".join(iter(lambda: vendor.recv(65536), b""))


@contextmanager
def lossy_proxy(vendor_url: str, decide: Callable[[int, bytes], Outcome]) -> Iterator[LossyProxy]:
    """Run a proxy in front of a vendor whose clients send `Connection: close`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = LossyProxy(listener, vendor_url, decide)
        thread = threading.Thread(target=proxy.serve, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.stopped.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(TIMEOUT)


def build_answer(status: str, body: str = "", *headers: str) -> bytes:
    """Build a complete answer of a proxy."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body.encode())}", "Connection: close"]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()
