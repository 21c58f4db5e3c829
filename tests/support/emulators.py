"""Emulators for tests: in this process with a clock that the test sets (`WsgiHarness`), on a socket, or a process."""

import hashlib
import io
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, unquote_to_bytes

from sms10692_contract.requests import decode_chunked
from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.app.dispatch import dispatcher_factory
from sms10692_mock.app.vendor_app import VendorApp
from sms10692_mock.app.wsgi import WsgiVendorApp
from sms10692_mock.config import Options, build_vendor
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.clock import Clock
from sms10692_mock.domain.keywords import DEFAULT_WORDS, Keywords
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.profile_file import parse_profile, read_profile
from sms10692_mock.serve_options import OPTIONS, ServeOptions
from sms10692_mock.server.process import LazyWsgiApp
from sms10692_mock.server.receive_limits import ConnectionLimits
from sms10692_mock.server.thread_runner import ThreadRunner
from sms10692_mock.server.wsgi_types import Application
from sms10692_mock.startup import complete_options
from support.http_client import TIMEOUT, Address, Response, build_request, parse_address

MANUAL_TIME = 1322835131.0
"""2011-12-02 22:12:11 in China, the receivetime of the manual's examples."""

MANUAL_SIGN = "5cc68982f55ac74348e3d819f868fbe1"

CREDENTIALS = {"userid": "12", "timestamp": "20120701231212", "sign": MANUAL_SIGN}
"""The example account of the manual (1.2)."""

UTF8, GBK, STATUS, CALL = "/v2sms.aspx", "/v2smsGBK.aspx", "/v2statusApi.aspx", "/v2callApi.aspx"
CHARSETS = {UTF8: "utf-8", GBK: "gbk", STATUS: "utf-8", CALL: "utf-8"}


def sign(account: str, password: str, timestamp: str) -> str:
    """Compute the signature of manual section 1.2, independently of `sms10692.signing`."""
    return hashlib.md5((account + password + timestamp).encode(), usedforsecurity=False).hexdigest()


def build_options(
    clock: Clock = lambda: MANUAL_TIME, *, keywords: Sequence[str] = DEFAULT_WORDS, **given: Any
) -> ServeOptions:
    """Build options from values as on the command line, by the names of their fields, and from forbidden words.

    `profile` is a profile or a list of profiles: each a name, a path, or the text of a profile file.
    """
    profiles = given.pop("profile", [])
    values = {name: OPTIONS[name].convert(value) for name, value in given.items()}
    if profiles:
        texts = [profiles] if isinstance(profiles, str) else profiles
        values["profiles"] = tuple(
            read_profile(text, Path("given.toml")) if "=" in text else parse_profile(text) for text in texts
        )
    return complete_options(ServeOptions(clock=clock, keywords=Keywords(keywords), **values))


def admin_app(vendor: Vendor, config: Options, notifier: ChangeNotifier) -> LazyWsgiApp:
    """Return the admin application. Flask is imported at the first request, which most tests never make."""

    def make() -> Application:
        from sms10692_mock.admin.app import create_admin_app
        from sms10692_mock.admin.services import ControlService

        return create_admin_app(ControlService(vendor, config, notifier), AccessPolicy())

    return LazyWsgiApp(make)


class WsgiHarness:
    """An emulator in this process, called through WSGI. Its clock stands still at `now`, which tests may set."""

    def __init__(self, **settings: Any) -> None:
        self.now = MANUAL_TIME
        config = build_options(lambda: self.now, **settings)
        vendor, notifier = build_vendor(config), ChangeNotifier()
        self.vendor, self.store = vendor, vendor.store
        self._application = WsgiVendorApp(
            VendorApp(vendor, config, notifier=notifier), admin_app(vendor, config, notifier)
        )

    def send_raw(self, raw: bytes) -> Response:
        """Send a raw HTTP request and return the response."""
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
            environ["wsgi.input"] = io.BytesIO(decode_chunked(body))
            environ["wsgi.input_terminated"] = True
        return call_wsgi(self._application, environ)

    def post(self, path: str, **fields: str) -> str:
        """Post a form and return the response text. `fields` are added to the manual's credentials, or replace them."""
        charset = CHARSETS[path]
        form = "&".join(f"{name}={quote(value.encode(charset))}" for name, value in (CREDENTIALS | fields).items())
        body = form.encode("ascii")
        return self.send_raw(build_request(path, body)).body.decode(charset)

    def send(self, mobile: str = "15023239810", content: str = "内容", path: str = UTF8, **fields: str) -> str:
        """Send a message (manual 1.2)."""
        return self.post(path, action="send", mobile=mobile, content=content, **fields)

    def status(self, **fields: str) -> str:
        """Fetch reports (manual 4.2)."""
        return self.post(STATUS, **{"action": "query"} | fields)

    def call(self, **fields: str) -> str:
        """Fetch replies (manual 5.2)."""
        return self.post(CALL, **{"action": "query"} | fields)

    def balance(self, **fields: str) -> int:
        """Return the balance that `overage` reports."""
        return int(self.post(UTF8, action="overage", **fields).partition("<overage>")[2].partition("<")[0])


def call_wsgi(application: Any, environ: dict[str, Any]) -> Response:
    """Call a WSGI application and return its response."""
    started: list[tuple[int, str]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        started.append((int(status[:3]), dict(headers)["Content-Type"]))

    body = b"".join(application(environ, start_response))
    return Response(*started[0], body)


def build_form_request(account: dict[str, str], path: str, charset: str = "utf-8", **fields: str) -> bytes:
    """Build a raw signed request to a vendor endpoint. `account` is the account's document from the control API."""
    signed = {"userid": account["userid"], "timestamp": CREDENTIALS["timestamp"]}
    signed["sign"] = sign(account["account"], account["password"], signed["timestamp"])
    pairs = (f"{name}={quote(value.encode(charset), safe=',')}" for name, value in (signed | fields).items())
    return build_request(path, "&".join(pairs).encode())


def get_message(response_text: str) -> str:
    """Return the content of the element `message`, or `remark`, of a response."""
    name = "message" if "<message>" in response_text else "remark"
    return response_text.partition(f"<{name}>")[2].partition(f"</{name}>")[0]


def read_log(process: subprocess.Popen[str], requests: int) -> list[str]:
    """Read standard error up to the line of the last of `requests` requests. Kills the process if they do not arrive.

    Tests that count lines must call this before they stop the process, because shutdown does not wait for a slow log.
    """
    assert process.stderr is not None
    lines: list[str] = []
    with killed_after(process, TIMEOUT):
        while sum(map(is_request_line, lines)) < requests:
            lines.append(process.stderr.readline())
            assert lines[-1], f"the log ended: {lines}"
    return lines


def is_request_line(line: str) -> bool:
    """Return whether this is the line of a request. Indented lines explain the line above."""
    return not line.startswith("  ")


def wait_exit(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Wait for the end of a process that was stopped. Returns the rest of its standard output and standard error.

    Kills the process, and fails the test, if it does not exit with 0 in time.
    """
    with killed_after(process, TIMEOUT):
        output = _read_rest(process.stdout), _read_rest(process.stderr)
        assert process.wait() == 0
    return output


def _read_rest(stream: IO[str] | None) -> str:
    return "" if stream is None or stream.closed else stream.read()


@contextmanager
def killed_after(process: subprocess.Popen[str], seconds: float) -> Iterator[None]:
    """Kill the process after `seconds`, so that a read from it cannot block for ever."""
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
    log: IO[str] | int = subprocess.PIPE,
) -> Iterator[tuple[subprocess.Popen[str], Address]]:
    """Start `sms10692-mock serve` on a free port. Yields the process and its address.

    `files` is the soft limit of open files, or the hard limit with `at_most`; `encoding` is that of the streams; `log`
    is where standard error goes.
    """
    command = [sys.executable, "-m", "sms10692_mock", "serve", "--port", "0", *arguments]
    if files is not None:
        command = ["sh", "-c", f'ulimit {"" if at_most else "-S "}-n "$0" && exec "$@"', str(files), *command]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=log, text=True, encoding=encoding, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            with killed_after(process, TIMEOUT):
                first_line = process.stdout.readline()
            assert first_line.startswith("listening on http://"), process.communicate()[1]
            yield process, parse_address(first_line)
        finally:
            process.kill()


@contextmanager
def emulator_server(
    settings: dict[str, Any], limits: ConnectionLimits | None = None, accounts: Sequence[Account] = ()
) -> Iterator[Address]:
    """Serve an emulator on a socket of this process, with the clock frozen at `MANUAL_TIME`.

    `accounts` replaces the accounts, if there are any.
    """
    config = build_options(**settings)
    if accounts:
        config = replace(config, accounts=tuple(accounts))
    vendor, notifier = build_vendor(config), ChangeNotifier()
    pages = VendorApp(vendor, config, notifier=notifier)
    with ThreadRunner(dispatcher_factory(pages, admin_app(vendor, config, notifier)), limits) as runner:
        yield parse_address(runner.url)
