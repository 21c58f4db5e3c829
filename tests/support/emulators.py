"""Emulators for tests: in this process with a clock that the test turns, or as a process of their own.

Here belongs how one is made and spoken to. What it should say is each test's own affair.
"""

import hashlib
import http.client
import io
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import IO, Any, Final, NamedTuple
from urllib.parse import quote, unquote_to_bytes

from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.app.dispatch import dispatcher_factory
from sms10692_mock.app.vendor_app import VendorApp
from sms10692_mock.app.wsgi import WsgiVendorApp
from sms10692_mock.config import Options, build_vendor
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT, parse_account
from sms10692_mock.domain.billing import BILLINGS
from sms10692_mock.domain.clock import Clock
from sms10692_mock.domain.keywords import DEFAULT_WORDS, Keywords
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.profiles import PROFILES
from sms10692_mock.server.process import LazyWsgiApp
from sms10692_mock.server.thread_runner import ThreadRunner
from sms10692_mock.server.wsgi_types import Application

MANUAL_TIME = 1322835131.0
"""2011-12-02 22:12:11 in China: the receivetime of the manual's examples."""

MANUAL_SIGN = "5cc68982f55ac74348e3d819f868fbe1"

CREDENTIALS = {"userid": "12", "timestamp": "20120701231212", "sign": MANUAL_SIGN}
"""The manual's own example (1.2)."""

UTF8, GBK, STATUS, CALL = "/v2sms.aspx", "/v2smsGBK.aspx", "/v2statusApi.aspx", "/v2callApi.aspx"
CHARSETS = {UTF8: "utf-8", GBK: "gbk", STATUS: "utf-8", CALL: "utf-8"}

Address = tuple[str, int]

TIMEOUT: Final = 60.0
"""Seconds after which what should come at once is taken never to come: that a busy machine is slow is no failure."""


class Response(NamedTuple):
    """What of an HTTP response matters here."""

    status: int
    content_type: str
    body: bytes


def sign(account: str, password: str, timestamp: str) -> str:
    """1.2, once more and independently."""
    return hashlib.md5((account + password + timestamp).encode(), usedforsecurity=False).hexdigest()


def options(
    clock: Clock = lambda: MANUAL_TIME,
    *,
    accounts: Sequence[str] = (),
    postpaid: Sequence[str] = (),
    no_reports: Sequence[str] = (),
    dialect: str = "manual",
    billing: str = "parts",
    keywords: Sequence[str] = DEFAULT_WORDS,
    report_delay: float = 0.0,
    max_clock_skew: float | None = None,
) -> Options:
    """Options in the words of the command line."""
    by_userid = {account.userid: account for account in (DEFAULT_ACCOUNT, *map(parse_account, accounts))}
    return Options(
        accounts=tuple(
            replace(account, postpaid=userid in postpaid, may_read_reports=userid not in no_reports)
            for userid, account in by_userid.items()
        ),
        keywords=Keywords(keywords),
        billing=BILLINGS[billing],
        report_delay=report_delay,
        max_clock_skew=max_clock_skew,
        dialect=PROFILES[dialect],
        clock=clock,
    )


def admin_app(vendor: Vendor, chosen: Options, bell: ChangeNotifier) -> LazyWsgiApp:
    """What is served beside the vendor's pages, which most tests never ask for."""

    def make() -> Application:
        from sms10692_mock.admin.app import build_control, create_admin_app

        return create_admin_app(build_control(vendor, chosen, bell), AccessPolicy())

    return LazyWsgiApp(make)


class WsgiHarness:
    """An emulator in this process. `now` is its time, which stands still until a test turns it."""

    def __init__(self, **given: Any) -> None:
        self.now = MANUAL_TIME
        chosen = options(lambda: self.now, **given)
        vendor, bell = build_vendor(chosen), ChangeNotifier()
        self._application = WsgiVendorApp(
            VendorApp(vendor, chosen.dialect, notifier=bell), admin_app(vendor, chosen, bell)
        )

    def ask(self, raw: bytes) -> Response:
        """Answer a raw HTTP request."""
        head, _, body = raw.partition(b"\r\n\r\n")
        first_line, *lines = head.decode("latin-1").split("\r\n")
        method, target, protocol = first_line.split(" ")
        path, _, query = target.partition("?")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": unquote_to_bytes(path.encode("latin-1")).decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "10692",
            "SERVER_PROTOCOL": protocol,
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
        }
        if "content-type" in headers:
            environ["CONTENT_TYPE"] = headers["content-type"]
        if "content-length" in headers:
            environ["CONTENT_LENGTH"] = headers["content-length"]
        if "transfer-encoding" in headers:
            environ["wsgi.input"] = io.BytesIO(_dechunked(body))
            environ["wsgi.input_terminated"] = True
        return call_wsgi(self._application, environ)

    def post(self, path: str, **fields: str) -> str:
        """The text of the answer to a form with these fields and the manual's credentials, where not given."""
        charset = CHARSETS[path]
        form = "&".join(f"{name}={quote(value.encode(charset))}" for name, value in (CREDENTIALS | fields).items())
        body = form.encode("ascii")
        return self.ask(request(path, body)).body.decode(charset)

    def send(self, mobile: str = "15023239810", content: str = "内容", path: str = UTF8, **fields: str) -> str:
        """A send, as in 1.2."""
        return self.post(path, action="send", mobile=mobile, content=content, **fields)

    def status(self, **fields: str) -> str:
        """A fetch of reports, as in 4.2."""
        return self.post(STATUS, **{"action": "query"} | fields)

    def call(self, **fields: str) -> str:
        """A fetch of replies, as in 5.2."""
        return self.post(CALL, **{"action": "query"} | fields)

    def balance(self, **fields: str) -> int:
        """What overage says."""
        return int(self.post(UTF8, action="overage", **fields).partition("<overage>")[2].partition("<")[0])


def call_wsgi(application: Any, environ: dict[str, Any]) -> Response:
    """Call a WSGI application."""
    started: list[tuple[int, str]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        started.append((int(status[:3]), dict(headers)["Content-Type"]))

    body = b"".join(application(environ, start_response))
    return Response(*started[0], body)


def request(path: str, body: bytes, content_type: str = "application/x-www-form-urlencoded") -> bytes:
    """A raw POST."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def read_response(connection: socket.socket) -> bytes:
    """A whole request from a client, whose head and body may come apart; nothing if it hung up."""
    raw = b""
    while b"\r\n\r\n" not in raw or len(raw.partition(b"\r\n\r\n")[2]) < _declared(raw):
        piece = connection.recv(65536)
        if not piece:
            return b""
        raw += piece
    return raw


def _declared(raw: bytes) -> int:
    return int(raw.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)


def message(answer: str) -> str:
    """What stands between the tags of `message`, or of `remark`."""
    name = "message" if "<message>" in answer else "remark"
    return answer.partition(f"<{name}>")[2].partition(f"</{name}>")[0]


def ask(address: Address, raw: bytes) -> Response:
    """Send a raw HTTP request over a socket, and read the answer."""
    with socket.create_connection(address, timeout=TIMEOUT) as connection:
        connection.sendall(raw)
        response = http.client.HTTPResponse(connection, method=raw[:4].decode("latin-1").strip())
        response.begin()
        return Response(response.status, response.getheader("Content-Type", ""), response.read())


@contextmanager
def closed_port() -> Iterator[int]:
    """A port at which nobody listens, nor will: it is taken, and whoever connects to it is refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        yield port


def read_log(process: subprocess.Popen[str], requests: int) -> list[str]:
    """Lines on standard error up to that of the last of so many requests; the process is killed if they do not come.

    Whoever counts lines reads them before the end, which does not wait for a log that is slow.
    """
    assert process.stderr is not None
    lines: list[str] = []
    with killed_after(process, TIMEOUT):
        while sum(map(is_request_line, lines)) < requests:
            lines.append(process.stderr.readline())
            assert lines[-1], f"the log ended: {lines}"
    return lines


def is_request_line(line: str) -> bool:
    """Whether it is a line of the log, and none that explains the one above."""
    return not line.startswith("  ")


def wait_exit(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What a process that was told to end had still to say, on standard output and error; killed if it does not end."""
    with killed_after(process, TIMEOUT):
        said = _rest(process.stdout), _rest(process.stderr)
        assert process.wait() == 0
    return said


def _rest(stream: IO[str] | None) -> str:
    return "" if stream is None or stream.closed else stream.read()


@contextmanager
def killed_after(process: subprocess.Popen[str], seconds: float) -> Iterator[None]:
    """Nobody reads for ever what a process does not write."""
    timer = threading.Timer(seconds, process.kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def emulator_process(
    *arguments: str,
    environment: dict[str, str] | None = None,
    files: int | None = None,
    at_most: bool = False,
    encoding: str = "utf-8",
) -> Iterator[tuple[subprocess.Popen[str], Address]]:
    """The command as a process of its own on a free port, and its address.

    `files` is how many it may have open unless it asks for more, or `at_most`; `encoding` is that of its streams.
    """
    command = [sys.executable, "-m", "sms10692_mock", "serve", "--port", "0", *arguments]
    if files is not None:
        command = ["sh", "-c", f'ulimit {"" if at_most else "-S "}-n "$0" && exec "$@"', str(files), *command]
    with _started(command, environment, encoding) as (process, address):
        yield process, address


@contextmanager
def emulator_server(given: dict[str, Any]) -> Iterator[Address]:
    """An emulator on a socket of this process, whose clock stands still at the manual's moment."""
    chosen = options(**given)
    vendor, bell = build_vendor(chosen), ChangeNotifier()
    pages = VendorApp(vendor, chosen.dialect, notifier=bell)
    with ThreadRunner(dispatcher_factory(pages, admin_app(vendor, chosen, bell))) as served:
        host, _, port = served.url.removeprefix("http://").rpartition(":")
        yield host, int(port)


@contextmanager
def _started(
    command: list[str], environment: dict[str, str] | None = None, encoding: str = "utf-8"
) -> Iterator[tuple[subprocess.Popen[str], Address]]:
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding=encoding, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            with killed_after(process, TIMEOUT):
                first_line = process.stdout.readline()
            assert first_line.startswith("listening on http://"), process.communicate()[1]
            host, _, port = first_line.strip().removeprefix("listening on http://").rpartition(":")
            yield process, (host.strip("[]"), int(port))
        finally:
            process.kill()


def _dechunked(body: bytes) -> bytes:
    pieces = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        pieces.append(rest[: int(size, 16)])
        body = rest[int(size, 16) + 2 :]
    return b"".join(pieces)
