"""A client that keeps a number of connections busy, and counts.

Here belongs the load. It is a process of its own, so that it shares no interpreter with what it measures:
`python -m benchmarks.load PORT CONNECTIONS SECONDS`, with the raw request on standard input; it prints a JSON object.
"""

import json
import selectors
import socket
import sys
import time


def load(port: int, request: bytes, connections: int, seconds: float) -> dict[str, float]:
    """Send the request again and again over kept connections; answers a second and the median wait in milliseconds.

    Raises RuntimeError on an answer that is not HTTP 200, or ConnectionError where the server hangs up.
    """
    with selectors.DefaultSelector() as selector:
        for _ in range(connections):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(request)
            selector.register(connection, selectors.EVENT_READ, [time.perf_counter(), b""])
        waits: list[float] = []
        started = time.perf_counter()
        while time.perf_counter() - started < seconds:
            for key, _ in selector.select():
                sent, received = key.data
                more = key.fileobj.recv(65536)  # type: ignore[union-attr]  # sockets are all that was registered
                if not more:
                    raise ConnectionError("the server hung up")
                received += more
                if _is_whole(received):
                    now = time.perf_counter()
                    waits.append(now - sent)
                    key.data[:] = [now, b""]
                    key.fileobj.sendall(request)  # type: ignore[union-attr]
                else:
                    key.data[1] = received
        elapsed = time.perf_counter() - started
        for key in list(selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
    return {"per_second": len(waits) / elapsed, "median_ms": sorted(waits)[len(waits) // 2] * 1000}


def _is_whole(received: bytes) -> bool:
    head, separator, body = received.partition(b"\r\n\r\n")
    if not separator:
        return False
    if not head.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"not an answer to measure: {received[:200]!r}")
    return len(body) >= int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])


if __name__ == "__main__":
    port, connections, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    print(json.dumps(load(port, sys.stdin.buffer.read(), connections, seconds)))
