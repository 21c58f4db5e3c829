"""Load on a server: as fast as it answers, or at a fixed rate, whether it answers or not.

Here belong the loads; each is a process of its own, so that it shares no interpreter with what it measures. For full
speed that is `wrk` where it is installed, since it takes a tenth of the time of a load in Python; without it,
`python -m benchmarks.load PORT CONNECTIONS SECONDS`, which also does the fixed rate, with `--rate A_SECOND`. It takes
the raw request on standard input and prints a JSON object.
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

from benchmarks.servers import LOADS_CORE, on_core
from sms10692 import signing

CREDENTIALS: Final = "userid=12&timestamp={timestamp}&sign={sign}"
"""Of a form. Who measures for long signs anew now and then, as clients do: what is old is worth a hint."""

WRK: Final = shutil.which("wrk")
CONNECTIONS: Final = 16


def with_current_signature(form: str) -> str:
    """The form with a timestamp of this moment, and its signature."""
    timestamp = signing.format_timestamp(datetime.now(signing.CHINA))
    sign = signing.sign("test", "mima", timestamp)
    return form.replace("{timestamp}", timestamp).replace("{sign}", sign)


class Request(NamedTuple):
    """What is sent again and again, signed when it is first. `headers` are those beside the usual."""

    path: str
    form: str
    headers: tuple[tuple[str, str], ...] = ()

    def raw(self) -> bytes:
        lines = [f"POST {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in self._headers()), "", ""]
        return "\r\n".join(lines).encode() + with_current_signature(self.form).encode()

    def closing(self) -> "Request":
        """The same, on a connection of its own."""
        return self._replace(headers=(*self.headers, ("Connection", "close")))

    def _headers(self) -> list[tuple[str, str]]:
        length = len(with_current_signature(self.form).encode())
        usual = [("Host", "127.0.0.1"), ("Content-Type", "application/x-www-form-urlencoded")]
        return [*usual, ("Content-Length", str(length)), *self.headers]

    def for_wrk(self) -> str:
        """The request as a program of wrk's, which adds host and length itself."""
        headers = [("Content-Type", "application/x-www-form-urlencoded"), *self.headers]
        lines = ['wrk.method = "POST"', f"wrk.body = {json.dumps(with_current_signature(self.form))}"]
        return "\n".join(lines + [f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in headers])


def load_tool() -> str:
    """The load that `saturated` uses, by name and version."""
    if WRK is None:
        return "our own load in Python"
    said = subprocess.run([WRK, "--version"], capture_output=True, text=True, check=False)
    return " ".join((said.stdout + said.stderr).split()[:2]).replace("debian/", "")


def max_throughput(port: int, request: Request, seconds: float, connections: int = CONNECTIONS) -> tuple[float, int]:
    """Answers a second with this many connections always busy, and how many there were.

    Raises RuntimeError where one is not HTTP 200.
    """
    if WRK is None:
        said = _in_python(port, request, seconds, connections)
        return said["per_second"], int(said["answers"])
    with tempfile.TemporaryDirectory() as folder, on_core(LOADS_CORE):
        program = Path(folder) / "request.lua"
        program.write_text(request.for_wrk(), "utf-8")
        url = f"http://127.0.0.1:{port}{request.path}"
        arguments = ["-t1", f"-c{connections}", f"-d{seconds:g}s" if seconds >= 1 else "-d1s", "-s", str(program), url]
        said_by_wrk = subprocess.run([WRK, *arguments], capture_output=True, text=True, check=True).stdout
    answers, elapsed = re.findall(r"(\d+) requests in ([\d.]+)s", said_by_wrk)[0]
    if "Non-2xx" in said_by_wrk or not int(answers):
        raise RuntimeError(f"not all answers are HTTP 200: {said_by_wrk}")
    return int(answers) / float(elapsed), int(answers)


def request_once(port: int, request: Request) -> None:
    """Ask once, and wait for the answer however long it takes. Raises RuntimeError where it is not HTTP 200."""
    connection = _Connection(port)
    connection.send(request.raw(), 0.0)
    while not connection.is_answered():
        pass
    connection.socket.close()


def open_loop_latency(
    port: int, request: Request, seconds: float, rate: float, connections: int = CONNECTIONS
) -> dict[str, float]:
    """Milliseconds from the moment a request was to be sent to its answer: `p50`, `p99`, `worst`."""
    return _in_python(port, request, seconds, CONNECTIONS, "--rate", str(rate))


def _in_python(port: int, request: Request, seconds: float, connections: int, *more: str) -> dict[str, float]:
    arguments = ["benchmarks.load", str(port), str(connections), str(seconds), *more]
    with on_core(LOADS_CORE):
        ended = subprocess.run([sys.executable, "-m", *arguments], input=request.raw(), capture_output=True, check=True)
    said: dict[str, float] = json.loads(ended.stdout)
    return said


class _Connection:
    """One connection to the server: when its request was due, and what has come back."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.due = 0.0
        self._received = b""
        self.socket = self._connected()

    def _connected(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self._port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def renew(self) -> None:
        self.socket.close()
        self.socket = self._connected()

    def send(self, request: bytes, due: float) -> None:
        self.due = due
        self.socket.sendall(request)

    def is_answered(self) -> bool:
        """Take what has come; whether the answer is whole. Raises ConnectionError where the server hung up."""
        more = self.socket.recv(65536)
        self._received += more
        if _is_whole(self._received):
            self._received = b""
            return True
        if not more:
            raise ConnectionError("the server hung up")
        return False


def _is_whole(received: bytes) -> bool:
    head, separator, body = received.partition(b"\r\n\r\n")
    if not separator:
        return False
    if not head.startswith((b"HTTP/1.1 200 ", b"HTTP/1.0 200 ")):
        raise RuntimeError(f"not an answer to measure: {received[:200]!r}")
    head = head.lower()
    if b"transfer-encoding: chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    return len(body) >= int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])


def _as_fast_as_it_answers(port: int, request: bytes, connections: int, seconds: float) -> dict[str, float]:
    closes = b"\r\nConnection: close\r\n" in request
    answers = 0
    with selectors.DefaultSelector() as selector:
        for _ in range(connections):
            connection = _Connection(port)
            connection.send(request, 0.0)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        started = time.perf_counter()
        while time.perf_counter() - started < seconds:
            for key, _ in selector.select():
                connection = key.data
                if connection.is_answered():
                    answers += 1
                    if closes:
                        selector.unregister(connection.socket)
                        connection.renew()
                        selector.register(connection.socket, selectors.EVENT_READ, connection)
                    connection.send(request, 0.0)
        elapsed = time.perf_counter() - started
    return {"per_second": answers / elapsed, "answers": answers}


def _at_rate(port: int, request: bytes, connections: int, seconds: float, rate: float) -> dict[str, float]:
    """A request is due at every tick. One that has to wait for a free connection is late, and that counts."""
    waits: list[float] = []
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
            for key, _ in selector.select(0):  # without sleeping: the system wakes sleepers a millisecond late
                if key.data.is_answered():
                    waits.append(time.perf_counter() - key.data.due)
                    free.append(key.data)
    waits.sort()
    return {
        "p50": waits[len(waits) // 2] * 1000,
        "p99": waits[int(len(waits) * 0.99)] * 1000,
        "worst": waits[-1] * 1000,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("connections", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--rate", type=float)
    chosen = parser.parse_args()
    raw = sys.stdin.buffer.read()
    if chosen.rate is None:
        print(json.dumps(_as_fast_as_it_answers(chosen.port, raw, chosen.connections, chosen.seconds)))
    else:
        print(json.dumps(_at_rate(chosen.port, raw, chosen.connections, chosen.seconds, chosen.rate)))
