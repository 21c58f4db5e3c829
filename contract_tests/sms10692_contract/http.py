"""The address that is examined, and one HTTP exchange with it over a socket of its own.

Here belongs how bytes go out and an answer comes in. Whether they may go out is the affair of `gate`.
"""

import http.client
import json
import re
import socket
import ssl
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any, Final, NamedTuple, cast
from urllib.parse import quote, urlsplit

from sms10692_contract import bounds
from sms10692_contract.bounds import BoundedConnection, BoundExceeded, step_timeout, timeout_message
from sms10692_contract.requests import WireRequest


class RawAnswer(NamedTuple):
    """What came back."""

    status: int
    content_type: str
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON. Raises ValueError where it is none, or is nested too deeply to be read."""
        try:
            return json.loads(self.body)
        except RecursionError:
            raise ValueError("the document is nested too deeply") from None


class TargetUnreachable(Exception):
    """The address cannot be reached, hung up, did not speak HTTP, or exceeded a bound. The message names its URL."""


class Unbounded(TargetUnreachable):
    """The exchange took too long, or the response is too large. A request that is made shorter would not help."""


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

    def with_tls(self, ca: Path | None, insecure: bool) -> "Address":
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


def parse_address(url: str) -> Address:
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


_EXCERPT: Final = 200
_PIECE: Final = 65536


def send_request(address: Address, request: WireRequest) -> RawAnswer:
    """Send a request, as it is, and read the response. Raises NoAnswer; it is Unbounded where a bound was exceeded."""
    head = request.head(address.netloc)
    if address.prefix:
        head = head.replace(b" /", b" " + address.prefix.encode() + b"/", 1)
    deadline = monotonic() + bounds.EXCHANGE_SECONDS
    try:
        with _connected(address, deadline) as connection:
            bounded = BoundedConnection(connection, deadline)
            if any(name == "Expect" for name, _ in request.headers):
                bounded.send(head)
                _await_continue(bounded)
                bounded.send(request.body)
            else:
                bounded.send(head + request.body)
            return _response(bounded, request.method)
    except BoundExceeded as error:
        raise Unbounded(f"{address.url}: {error}") from error
    except TimeoutError as error:
        raise Unbounded(f"{address.url}: {timeout_message(deadline)}") from error
    except ssl.SSLCertVerificationError as error:
        raise TargetUnreachable(f"{address.url}: {error.verify_message}; see --ca and --insecure") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise TargetUnreachable(f"{address.url}: {str(error)[:_EXCERPT] or type(error).__name__}") from error


def _connected(address: Address, deadline: float) -> socket.socket:
    last: OSError | None = None
    for family, kind, protocol, _, place in socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(step_timeout(deadline))
            connection.connect(place)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if address.tls is None:
                return connection
            connection.settimeout(step_timeout(deadline))
            return address.tls.wrap_socket(connection, server_hostname=address.host)
        except ssl.SSLError:
            connection.close()
            raise
        except OSError as error:
            connection.close()
            last = error
        except BaseException:
            connection.close()
            raise
    raise last or OSError("the name of the host has no address")


def _response(connection: BoundedConnection, method: str) -> RawAnswer:
    """Read a response piece by piece: a length that is only announced must not reserve memory."""
    while True:
        response = http.client.HTTPResponse(cast(socket.socket, connection), method=method)
        response.begin()
        if not 100 < response.status < 200:
            break
        cast(Any, response).fp = None  # an interim response that is collected would close the connection
    pieces = []
    while piece := response.read(_PIECE):
        pieces.append(piece)
    if response.length:
        raise OSError(f"the connection ended {response.length} bytes before the response did")
    return RawAnswer(response.status, response.getheader("Content-Type", ""), b"".join(pieces))


def _await_continue(connection: BoundedConnection) -> None:
    first = connection.reader.readline(_PIECE)
    if not first.startswith(b"HTTP/1.1 100"):
        raise OSError(f"it said {first[:12]!r} instead of 100 Continue" if first else "it hung up before 100 Continue")
    while connection.reader.readline(_PIECE).strip(b"\r\n"):
        pass
