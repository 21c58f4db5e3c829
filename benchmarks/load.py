"""Load generators: maximum throughput (closed loop) and latency at a fixed rate (open loop).

Each runs in its own process, so that it does not share an interpreter with the server. Maximum throughput is `wrk`'s.
Latency at a fixed rate is measured by `python -m benchmarks.load PORT CONNECTIONS SECONDS RATE`, which reads the raw
request from standard input and prints a JSON object. It is our own because no maintained tool in Debian, on PyPI or
npm is known to measure from the scheduled time of a request: wrk, hey, siege and h2load send the next request of a
connection after the last response, autocannon estimates what that hides, and locust and artillery do more work for each
request than the server, in an interpreter.
"""

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


def find_wrk() -> str:
    """Return the path of wrk. Raises RuntimeError if it is not installed."""
    found = shutil.which("wrk")
    if found is None:
        raise RuntimeError("wrk is not installed (Debian, Ubuntu, Homebrew: the package wrk)")
    return found


def wrk_version() -> str:
    """Return the name and version of wrk."""
    result = subprocess.run([find_wrk(), "--version"], capture_output=True, text=True, check=False)
    return " ".join((result.stdout + result.stderr).split()[:2]).replace("debian/", "")


def max_throughput(port: int, request: Request, seconds: float) -> tuple[float, int]:
    """Keep the connections busy; return responses per second and the number of responses.

    Raises RuntimeError if a status is not 200.
    """
    with tempfile.TemporaryDirectory() as directory, pinned_to(LOAD_CORE):
        script = Path(directory) / "request.lua"
        script.write_text(request.to_wrk_script(), "utf-8")
        url = f"http://127.0.0.1:{port}{request.path}"
        arguments = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s" if seconds >= 1 else "-d1s", "-s", str(script), url]
        output = subprocess.run([find_wrk(), *arguments], capture_output=True, text=True, check=True).stdout
    responses, elapsed = re.findall(r"(\d+) requests in ([\d.]+)s", output)[0]
    if "Non-2xx" in output or not int(responses):
        raise RuntimeError(f"not all responses have status 200: {output}")
    return int(responses) / float(elapsed), int(responses)


def open_loop_latency(port: int, request: Request, seconds: float, rate: float) -> dict[str, float]:
    """Return the latency in ms, from the scheduled time of a request to its response: `p50`, `p99`, `worst`."""
    arguments = ["benchmarks.load", *map(str, (port, CONNECTIONS, seconds, rate))]
    with pinned_to(LOAD_CORE):
        result = subprocess.run(
            [sys.executable, "-m", *arguments], input=request.raw(), capture_output=True, check=True
        )
    figures: dict[str, float] = json.loads(result.stdout)
    return figures


class _Connection:
    """Connection to the server. `due` is the scheduled time of its request."""

    def __init__(self, port: int) -> None:
        self.due = 0.0
        self._received = b""
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

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
    port, connections, seconds, rate = sys.argv[1:]
    latencies = _run_open_loop(int(port), sys.stdin.buffer.read(), int(connections), float(seconds), float(rate))
    print(json.dumps(latencies))
