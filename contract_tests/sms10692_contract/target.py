"""The address that is examined, and one HTTP exchange with it over a socket of its own.

Here belongs how bytes go out and an answer comes in. Whether they may go out is the affair of `gate`.
"""

import http.client
import re
import socket
import ssl
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

from sms10692_contract.requests import Request

TIMEOUT: Final = 15.0
"""Seconds that an answer may take."""


class Raw(NamedTuple):
    """What came back."""

    status: int
    content_type: str
    body: bytes


class NoAnswer(Exception):
    """The address cannot be reached, hung up, or did not speak HTTP."""


@dataclass(frozen=True)
class Address:
    """`http://HOST:PORT` or `https://HOST:PORT`, perhaps with a path before the pages.

    `tls` says whose certificates are trusted, where it is `https`; `options` say the same to the command.
    """

    host: str
    port: int
    prefix: str = ""
    tls: ssl.SSLContext | None = field(default=None, compare=False, repr=False)
    options: tuple[str, ...] = ()

    @property
    def netloc(self) -> str:
        """Host and port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """As it is written."""
        return f"{'https' if self.tls else 'http'}://{self.netloc}{self.prefix}"

    @property
    def options_of_curl(self) -> tuple[str, ...]:
        """The options in the words of `curl`."""
        return tuple("--cacert" if option == "--ca" else option for option in self.options)

    def trusting(self, ca: Path | None, insecure: bool) -> "Address":
        """The same address, with certificates that `ca` signed, or with any.

        Raises ValueError where `ca` is no such file.
        """
        if self.tls is None or not (ca or insecure):
            return self
        if insecure:
            anyone = ssl.create_default_context()
            anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
            return replace(self, tls=anyone, options=("--insecure",))
        try:
            return replace(self, tls=ssl.create_default_context(cafile=ca), options=("--ca", str(ca)))
        except (OSError, ssl.SSLError) as error:
            raise ValueError(f"{ca} holds no certificates: {error}") from error


def address_of(url: str) -> Address:
    """Read an address, with or without a page of the vendor's behind it. Raises ValueError with a message for the user.

    >>> address_of("http://127.0.0.1:10692/"), address_of("http://[::1]").url
    (Address(host='127.0.0.1', port=10692, prefix='', options=()), 'http://[::1]:80')
    >>> address_of("https://sms.example").url, address_of("http://sms.example/sms/V2SMS.aspx/").url
    ('https://sms.example:443', 'http://sms.example:80/sms')
    """
    parts = urlsplit(url.strip())
    known = {"http": 80, "https": 443}
    if parts.scheme not in known or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError(f"an address is written http://HOST:PORT or https://HOST:PORT, and not {url}")
    if parts.port == 0:
        raise ValueError(f"0 is no port: {url}")
    try:
        parts.hostname.encode("idna")
    except UnicodeError:
        raise ValueError(f"{parts.hostname} is no name of a host") from None
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    return Address(parts.hostname, parts.port or known[parts.scheme], _prefix(parts.path), tls)


_PAGE: Final = re.compile(r"/+(?:v2(?:sms|smsGBK|statusApi|callApi)\.aspx|_mock)(?:/|$)", re.IGNORECASE)


def _prefix(path: str) -> str:
    """Return what stands before the pages and the control API in a path.

    The manual writes the address with the page, and pages are also reached with something behind them (Q9).
    """
    page = _PAGE.search(path)
    return quote(path[: page.start()] if page else path, safe="/%:@!$&'()*+,;=~-._").rstrip("/")


def exchange(address: Address, request: Request) -> Raw:
    """Send a request, as it is, and read the answer. Raises NoAnswer."""
    head = request.head(address.netloc)
    if address.prefix:
        head = head.replace(b" /", b" " + address.prefix.encode() + b"/", 1)
    try:
        with closing(_connection(address)) as connection:
            if any(name == "Expect" for name, _ in request.headers):
                connection.sendall(head)
                _await_continue(connection)
                connection.sendall(request.body)
            else:
                connection.sendall(head + request.body)
            response = http.client.HTTPResponse(connection, method=request.method)
            response.begin()
            return Raw(response.status, response.getheader("Content-Type", ""), response.read())
    except ssl.SSLCertVerificationError as error:
        raise NoAnswer(f"{address.url}: {error.verify_message}; see --ca and --insecure") from error
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(f"{address.url}: {error or type(error).__name__}") from error


def _connection(address: Address) -> socket.socket:
    connection = socket.create_connection((address.host, address.port), timeout=TIMEOUT)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return address.tls.wrap_socket(connection, server_hostname=address.host) if address.tls else connection
    except BaseException:
        connection.close()
        raise


def _await_continue(connection: socket.socket) -> None:
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        piece = connection.recv(1)
        if not piece:
            raise NoAnswer("it hung up instead of saying 100 Continue")
        received += piece
    if not received.startswith(b"HTTP/1.1 100"):
        raise NoAnswer(f"it said {received[:12]!r} instead of 100 Continue")
