"""CPU time that a clean send pays for findings: the server with its check before the response, and without.

One server runs, and one keep-alive connection sends; between short series of requests the check is switched off and on
in the server, so that both see the same machine. The figure is the median of the differences of neighbouring series,
with its standard error::

    python -m benchmarks.findings_cost --pairs 600
"""

import math
import os
import random
import socket
import statistics
import subprocess
import sys
import time
from datetime import datetime
from typing import Final, NamedTuple
from urllib.parse import quote

import click

from sms10692 import protocol, signing
from sms10692.protocol import Endpoint

_SERVER: Final = """
import os, runpy, sys, threading
from sms10692_mock.app import vendor_app

check, absent = vendor_app.find_suspicion, lambda *arguments: ""

def switch():
    while command := os.read(0, 1):
        vendor_app.find_suspicion = check if command == b"1" else absent
        os.write(2, command)

threading.Thread(target=switch, daemon=True).start()
sys.argv = ["sms10692-mock", "serve", "--port", "0", "--log-level", "error", "--account", "12:test:mima:1000000000000"]
runpy.run_module("sms10692_mock", run_name="__main__")
"""

_HEAD: Final = (
    "POST {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nUser-Agent: python-requests/2.32\r\nAccept-Encoding: gzip\r\n"
    "Accept: */*\r\nConnection: keep-alive\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    "Content-Length: {}\r\n\r\n"
)


class Cost(NamedTuple):
    """CPU time per request in microseconds: medians with the check and of the difference, and the latter's error."""

    total: float
    findings: float
    error: float

    def __str__(self) -> str:
        share = 100 / self.total
        return (
            f"{self.findings:.2f} of {self.total:.1f} µs: {share * self.findings:.1f} % (± {share * self.error:.1f} %)"
        )


class Server:
    """An emulator process whose check before the response can be switched."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        if self.process.stdin is None or self.process.stdout is None or self.process.stderr is None:
            raise RuntimeError("the server has no pipes")
        self.stdin, self.stderr = self.process.stdin, self.process.stderr
        line = self.process.stdout.readline().decode()
        self.port = int(line.partition("127.0.0.1:")[2].split()[0].strip("/,;"))
        self.connection = socket.create_connection(("127.0.0.1", self.port))
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._clock = (
            ~self.process.pid << 3
        ) | 2  # CLOCK_PROCESS_CPUTIME_ID of that process, see clock_getcpuclockid(3)

    def switch(self, *, is_on: bool) -> None:
        self.stdin.write(b"1" if is_on else b"0")
        if self.stderr.read(1) not in (b"0", b"1"):
            raise RuntimeError("the server did not switch the check")

    def measure(self, endpoint: Endpoint, bodies: list[bytes], unmeasured: int) -> float:
        """Send requests one after another; return the CPU time of the server per request in microseconds.

        The first `unmeasured` are not counted: after a switch they fill the processor's caches.
        """
        requests = [_HEAD.format(endpoint.path, self.port, len(body)).encode() + body for body in bodies]
        before = 0.0
        for index, request in enumerate(requests):
            if index == unmeasured:
                before = time.clock_gettime(self._clock)
            self._send(request)
        return (time.clock_gettime(self._clock) - before) / (len(requests) - unmeasured) * 1e6

    def _send(self, request: bytes) -> None:
        self.connection.sendall(request)
        response = b""
        while b"</returnsms>" not in response:
            received = self.connection.recv(1 << 20)
            if not received:
                raise ConnectionError("the server closed the connection")
            response += received
        if b">Success<" not in response or b"X-Mock-Hint" in response:
            raise RuntimeError(f"the send is not clean: {response.decode()}")

    def stop(self) -> None:
        self.connection.close()
        self.process.terminate()
        self.process.wait()


def build_body(endpoint: Endpoint, count: int) -> bytes:
    """Build a correct send of now to `count` numbers, with a code of its own."""
    timestamp = signing.format_timestamp(datetime.now(signing.CHINA))
    credentials = {
        protocol.SIGNED: ("12", timestamp, signing.sign("test", "mima", timestamp)),
        protocol.PASSWORD: ("12", "test", "mima"),
    }[endpoint.authentication]
    names = endpoint.authentication.parameters
    own = "&".join(f"{name}={value}" for name, value in zip(names, credentials, strict=True))
    extra = "".join(f"&{name}=1" for name in endpoint.send_parameters)
    numbers = "%2C".join(str(15_000_000_000 + index) for index in range(count))
    text = quote(f"【商店】您的验证码是{random.randrange(10_000):04}，5分钟内有效。退订回T")
    return f"action=send&{own}&mobile={numbers}&content={text}&sendTime=&extno={extra}".encode()


def measure_cost(server: Server, endpoint: Endpoint, count: int, requests: int, pairs: int) -> Cost:
    """Measure sends to `count` numbers, in pairs of series whose order alternates."""
    totals, differences = [], []
    for index in range(pairs + 1):
        bodies = [build_body(endpoint, count) for _ in range(requests + _UNMEASURED)]
        results = {}
        for is_on in (True, False) if index % 2 else (False, True):
            server.switch(is_on=is_on)
            results[is_on] = server.measure(endpoint, bodies, _UNMEASURED)
        if index:  # the first pair warms up
            totals.append(results[True])
            differences.append(results[True] - results[False])
    low, middle, high = statistics.quantiles(differences)
    return Cost(statistics.median(totals), middle, _ERROR_OF_MEDIAN * (high - low) / math.sqrt(pairs))


_UNMEASURED: Final = 5

_ERROR_OF_MEDIAN: Final = 0.93
"""Standard error of a median, in quartile distances by the root of the number of values, of a normal distribution."""


@click.command()
@click.option("--pairs", default=600, show_default=True, help="pairs of series of 40 requests")
def main(pairs: int) -> None:
    """Print the CPU time that clean sends pay for findings."""
    server = Server()
    try:
        click.echo(f"load average: {os.getloadavg()[0]:.1f}")
        for endpoint in (protocol.V2SMS, protocol.SMS):
            click.echo(f"{endpoint.path}, one number: {measure_cost(server, endpoint, 1, 40, pairs)}")
        many = measure_cost(server, protocol.V2SMS, 5000, 4, pairs // 10)
        click.echo(f"{protocol.V2SMS.path}, 5,000 numbers: {many}")
    finally:
        server.stop()


if __name__ == "__main__":
    main()
