"""Load generators: maximum throughput (closed loop) and latency at a fixed rate (open loop).

Each runs in its own process, so that it does not share an interpreter with the server. For maximum throughput that is
`wrk` if installed, which needs a tenth of the CPU time of a generator in Python; otherwise it is
`python -m benchmarks.load PORT CONNECTIONS SECONDS`, which also does the fixed rate with `--rate PER_SECOND`. That
program reads the raw request from standard input and prints a JSON object.
"""

import argparse
import json
import re
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.servers import LOAD_CORE, pinned_to
from sms10692 import signing

CREDENTIALS: Final = "userid=12&timestamp={timestamp}&sign={sign}"
"""Credentials of a form. Long measurements sign again now and then: an old timestamp triggers a hint."""

WRK: Final = shutil.which("wrk")
CONNECTIONS: Final = 16


def with_current_signature(form: str) -> str:
    """Return the form with the current timestamp and its signature."""
    timestamp = signing.format_timestamp(datetime.now(signing.CHINA))
    sign = signing.sign("test", "mima", timestamp)
    return form.replace("{timestamp}", timestamp).replace("{sign}", sign)


class Request(NamedTuple):
    """A request to repeat, signed when it is first sent. `headers` are additional ones."""

    path: str
    form: str
    headers: tuple[tuple[str, str], ...] = ()

    def raw(self) -> bytes:
        lines = [f"POST {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in self._headers()), "", ""]
        return "\r\n".join(lines).encode() + with_current_signature(self.form).encode()

    def closing(self) -> "Request":
        """Return the request with `Connection: close`."""
        return self._replace(headers=(*self.headers, ("Connection", "close")))

    def _headers(self) -> list[tuple[str, str]]:
        length = len(with_current_signature(self.form).encode())
        standard = [("Host", "127.0.0.1"), ("Content-Type", "application/x-www-form-urlencoded")]
        return [*standard, ("Content-Length", str(length)), *self.headers]

    def to_wrk_script(self) -> str:
        """Return the request as a Lua script for wrk, which adds Host and Content-Length itself."""
        headers = [("Content-Type", "application/x-www-form-urlencoded"), *self.headers]
        lines = ['wrk.method = "POST"', f"wrk.body = {json.dumps(with_current_signature(self.form))}"]
        return "\n".join(lines + [f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in headers])


def load_tool() -> str:
    """Return the name and version of the generator that `max_throughput` uses."""
    if WRK is None:
        return "our own in Python"
    result = subprocess.run([WRK, "--version"], capture_output=True, text=True, check=False)
    return " ".join((result.stdout + result.stderr).split()[:2]).replace("debian/", "")


def max_throughput(port: int, request: Request, seconds: float, connections: int = CONNECTIONS) -> tuple[float, int]:
    """Keep the connections busy; return responses per second and the number of responses.

    Raises RuntimeError if a status is not 200.
    """
    if WRK is None:
        result = _run_generator(port, request, seconds, connections)
        return result["per_second"], int(result["responses"])
    with tempfile.TemporaryDirectory() as directory, pinned_to(LOAD_CORE):
        script = Path(directory) / "request.lua"
        script.write_text(request.to_wrk_script(), "utf-8")
        url = f"http://127.0.0.1:{port}{request.path}"
        arguments = ["-t1", f"-c{connections}", f"-d{seconds:g}s" if seconds >= 1 else "-d1s", "-s", str(script), url]
        output = subprocess.run([WRK, *arguments], capture_output=True, text=True, check=True).stdout
    responses, elapsed = re.findall(r"(\d+) requests in ([\d.]+)s", output)[0]
    if "Non-2xx" in output or not int(responses):
        raise RuntimeError(f"not all responses have status 200: {output}")
    return int(responses) / float(elapsed), int(responses)


def request_once(port: int, request: Request) -> None:
    """Send one request and wait for the response without a timeout. Raises RuntimeError if its status is not 200."""
    connection = _Connection(port)
    connection.send(request.raw(), 0.0)
    while not connection.receive():
        pass
    connection.socket.close()


def open_loop_latency(
    port: int, request: Request, seconds: float, rate: float, connections: int = CONNECTIONS
) -> dict[str, float]:
    """Return the latency in ms, from the scheduled time of a request to its response: `p50`, `p99`, `worst`."""
    return _run_generator(port, request, seconds, CONNECTIONS, "--rate", str(rate))


def _run_generator(port: int, request: Request, seconds: float, connections: int, *more: str) -> dict[str, float]:
    arguments = ["benchmarks.load", str(port), str(connections), str(seconds), *more]
    with pinned_to(LOAD_CORE):
        result = subprocess.run(
            [sys.executable, "-m", *arguments], input=request.raw(), capture_output=True, check=True
        )
    figures: dict[str, float] = json.loads(result.stdout)
    return figures


class _Connection:
    """Connection to the server. `due` is the scheduled time of its request."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.due = 0.0
        self._received = b""
        self.socket = self._connect()

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def reconnect(self) -> None:
        self.socket.close()
        self.socket = self._connect()

    def send(self, request: bytes, due: float) -> None:
        self.due = due
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Receive bytes; return whether the response is complete. Raises ConnectionError if the server disconnects."""
        chunk = self.socket.recv(65536)
        self._received += chunk
        if _is_complete(self._received):
            self._received = b""
            return True
        if not chunk:
            raise ConnectionError("the server disconnected")
        return False


def _is_complete(received: bytes) -> bool:
    head, separator, body = received.partition(b"\r\n\r\n")
    if not separator:
        return False
    if not head.startswith((b"HTTP/1.1 200 ", b"HTTP/1.0 200 ")):
        raise RuntimeError(f"unexpected response: {received[:200]!r}")
    head = head.lower()
    if b"transfer-encoding: chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    return len(body) >= int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])


def _run_closed_loop(port: int, request: bytes, connections: int, seconds: float) -> dict[str, float]:
    closes = b"\r\nConnection: close\r\n" in request
    responses = 0
    with selectors.DefaultSelector() as selector:
        for _ in range(connections):
            connection = _Connection(port)
            connection.send(request, 0.0)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        started = time.perf_counter()
        while time.perf_counter() - started < seconds:
            for key, _ in selector.select():
                connection = key.data
                if connection.receive():
                    responses += 1
                    if closes:
                        selector.unregister(connection.socket)
                        connection.reconnect()
                        selector.register(connection.socket, selectors.EVENT_READ, connection)
                    connection.send(request, 0.0)
        elapsed = time.perf_counter() - started
    return {"per_second": responses / elapsed, "responses": responses}


def _run_open_loop(port: int, request: bytes, connections: int, seconds: float, rate: float) -> dict[str, float]:
    """Schedule requests at a fixed rate. Waiting for a free connection counts towards the latency."""
    latencies: list[float] = []
    due: deque[float] = deque()
    with selectors.DefaultSelector() as selector:
        free = [_Connection(port) for _ in range(connections)]
        for connection in free:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        started = time.perf_counter()
        ticks = 0
        while (now := time.perf_counter()) - started < seconds or due or len(free) < connections:
            while started + ticks / rate <= now and ticks < seconds * rate:
                due.append(started + ticks / rate)
                ticks += 1
            while due and free:
                free.pop().send(request, due.popleft())
            for key, _ in selector.select(0):  # busy-wait: sleeping would add up to a millisecond
                if key.data.receive():
                    latencies.append(time.perf_counter() - key.data.due)
                    free.append(key.data)
    latencies.sort()
    return {
        "p50": latencies[len(latencies) // 2] * 1000,
        "p99": latencies[int(len(latencies) * 0.99)] * 1000,
        "worst": latencies[-1] * 1000,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("connections", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--rate", type=float)
    options = parser.parse_args()
    raw = sys.stdin.buffer.read()
    if options.rate is None:
        print(json.dumps(_run_closed_loop(options.port, raw, options.connections, options.seconds)))
    else:
        print(json.dumps(_run_open_loop(options.port, raw, options.connections, options.seconds, options.rate)))
