"""HTTP client of the suite: the address of the server, and one exchange per connection, byte by byte.

This module does not check permissions: use `CheckContext.exchange`, which calls the `SafetyGuard` first.
"""

import http.client
import json
import math
import re
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any, Final, cast
from urllib.parse import quote, urlsplit

from sms10692.protocol import ENDPOINTS
from sms10692_contract import limits
from sms10692_contract.limits import (
    LimitedConnection,
    LimitExceeded,
    TimeLimitExceeded,
    compute_step_timeout,
    describe_timeout,
)
from sms10692_contract.masking import mask_excerpt
from sms10692_contract.requests import WireRequest


@dataclass(frozen=True)
class HttpResponse:
    """A response as received. `date`, `retry_after` and `connection` are headers, empty if absent.

    `is_last` is whether the server closes the connection after the response.
    """

    status: int
    content_type: str
    body: bytes
    date: str = field(default="", compare=False)
    retry_after: str = field(default="", compare=False)
    connection: str = field(default="", compare=False)
    is_last: bool = field(default=False, compare=False)

    def json(self) -> Any:
        """Parse the body as JSON. Raises ValueError if it is invalid or nested too deeply."""
        try:
            return json.loads(self.body)
        except RecursionError:
            raise ValueError("the document is nested too deeply") from None


class TargetUnreachable(Exception):
    """The server cannot be reached, disconnected, sent no valid HTTP, or exceeded a limit. The message has the URL."""


class ConnectionRefused(TargetUnreachable):
    """No connection was made, so nothing was sent."""


class ExchangeLimitExceeded(TargetUnreachable):
    """The exchange took too long, or the response is too large. Shrinking the request would not help."""


class ExchangeTimeout(ExchangeLimitExceeded):
    """The exchange took too long."""


@dataclass(frozen=True)
class Address:
    """Address of a server: host, port, and an optional path prefix before the endpoints.

    `tls` is the TLS context of an https address, otherwise None; `options` are the command-line options for it.
    """

    host: str
    port: int
    prefix: str = ""
    tls: ssl.SSLContext | None = field(default=None, compare=False, repr=False)
    options: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle URL and options: a TLS context cannot be pickled."""
        return _restore_address, (self.url, self.options)

    @property
    def netloc(self) -> str:
        """Host and port, as in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The address as a URL."""
        return f"{'https' if self.tls else 'http'}://{self.netloc}{self.prefix}"

    @property
    def curl_options(self) -> tuple[str, ...]:
        """The TLS options for `curl`."""
        return tuple("--cacert" if option == "--ca" else option for option in self.options)

    def with_tls(self, ca: Path | None, insecure: bool) -> "Address":
        """Return the address with trust in the certificates of the file `ca`, or in any certificate if `insecure`.

        Raises ValueError if `ca` contains no certificates.
        """
        if self.tls is None or not (ca or insecure):
            return self
        if insecure:
            unverified = ssl.create_default_context()
            unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
            return replace(self, tls=unverified, options=("--insecure",))
        try:
            return replace(self, tls=ssl.create_default_context(cafile=ca), options=("--ca", str(ca)))
        except (OSError, ssl.SSLError) as error:
            raise ValueError(f"{ca} contains no certificates: {error}") from error


def _restore_address(url: str, options: tuple[str, ...]) -> Address:
    ca = Path(options[1]) if options[:1] == ("--ca",) else None
    return parse_address(url).with_tls(ca, insecure="--insecure" in options)


def parse_address(url: str) -> Address:
    """Parse an address, with or without a path of an endpoint. Raises ValueError with a message for the user.

    >>> parse_address("http://127.0.0.1:10692/"), parse_address("http://[::1]").url
    (Address(host='127.0.0.1', port=10692, prefix='', options=()), 'http://[::1]:80')
    >>> parse_address("https://sms.example").url, parse_address("http://sms.example/sms/V2SMS.aspx/").url
    ('https://sms.example:443', 'http://sms.example:80/sms')
    """
    parts = urlsplit(url.strip())
    default_ports = {"http": 80, "https": 443}
    if parts.scheme not in default_ports or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError(f"{url} is not a valid address: use http://HOST:PORT or https://HOST:PORT")
    if parts.port == 0:
        raise ValueError(f"{url} has the port 0: use a port from 1 to 65535")
    try:
        parts.hostname.encode("idna")
    except UnicodeError:
        raise ValueError(f"{parts.hostname} is not a valid host name") from None
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    return Address(parts.hostname, parts.port or default_ports[parts.scheme], _parse_prefix(parts.path), tls)


_PATHS: Final = "|".join(re.escape(endpoint.path.strip("/")) for endpoint in ENDPOINTS)
_ENDPOINT_PATH: Final = re.compile(rf"/+(?:{_PATHS}|_mock)(?:/|$)", re.IGNORECASE)


def _parse_prefix(path: str) -> str:
    """Return the part of a path before the endpoints and the control API.

    The manual gives addresses with the endpoint, and endpoints may be followed by more path segments (Q9).
    """
    endpoint = _ENDPOINT_PATH.search(path)
    return quote(path[: endpoint.start()] if endpoint else path, safe="/%:@!$&'()*+,;=~-._").rstrip("/")


_EXCERPT: Final = 200
_CHUNK_SIZE: Final = 65536


def describe_error(error: BaseException) -> str:
    """Return one text about a network error, which may quote the server."""
    return mask_excerpt(str(error), _EXCERPT) or type(error).__name__


def _drop(response: HttpResponse) -> None:
    """Do nothing with the part of a response that was received."""


def send_request(
    address: Address,
    request: WireRequest,
    keep_partial: Callable[[HttpResponse], None] = _drop,
    seconds: float = math.inf,
) -> HttpResponse:
    """Send a request unchanged and read the response. Raises TargetUnreachable or one of its subclasses.

    The exchange is given up after `seconds`, or after `EXCHANGE_SECONDS` if that is earlier. If the response is cut or
    exceeds a limit, `keep_partial` is called with what was received, before the exception.
    """
    head = request.build_head(address.netloc, address.prefix)
    deadline = monotonic() + min(limits.EXCHANGE_SECONDS, max(seconds, 0))
    is_connected = False
    try:
        with connect(address, deadline) as connection:
            is_connected = True
            limited = LimitedConnection(connection, deadline)
            if any(name == "Expect" for name, _ in request.headers):
                limited.send(head)
                _await_continue(limited)
                limited.send(request.body)
            else:
                limited.send(head + request.body)
            return read_response(limited, request.method, keep_partial)
    except TimeLimitExceeded as error:
        raise ExchangeTimeout(f"{address.url}: {error}") from error
    except LimitExceeded as error:
        raise ExchangeLimitExceeded(f"{address.url}: {error}") from error
    except TimeoutError as error:
        raise ExchangeTimeout(f"{address.url}: {describe_timeout(deadline)}") from error
    except ssl.SSLCertVerificationError as error:
        raise ConnectionRefused(f"{address.url}: {error.verify_message}; see --ca and --insecure") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        kind = TargetUnreachable if is_connected else ConnectionRefused
        raise kind(f"{address.url}: {describe_error(error)}") from error


def connect(address: Address, deadline: float) -> socket.socket:
    """Connect to the first address of the host that accepts. Raises OSError and LimitExceeded."""
    last_error: OSError | None = None
    for family, kind, protocol, _, socket_address in socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM
    ):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(compute_step_timeout(deadline))
            connection.connect(socket_address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if address.tls is None:
                return connection
            connection.settimeout(compute_step_timeout(deadline))
            return address.tls.wrap_socket(connection, server_hostname=address.host)
        except ssl.SSLError:
            connection.close()
            raise
        except OSError as error:
            connection.close()
            last_error = error
        except BaseException:
            connection.close()
            raise
    raise last_error or OSError("the host name has no address")


def read_response(
    connection: LimitedConnection, method: str, keep_partial: Callable[[HttpResponse], None] = _drop
) -> HttpResponse:
    """Read a response in chunks, so that an announced length does not reserve memory.

    `keep_partial` is called with what was received of a body that does not end as announced.
    """
    while True:
        response = http.client.HTTPResponse(cast(socket.socket, connection), method=method)
        response.begin()
        if not 100 < response.status < 200:
            break
        cast(Any, response).fp = None  # otherwise garbage collection of an interim response closes the connection
    chunks: list[bytes] = []

    def build() -> HttpResponse:
        content_type, date, retry_after, connection = (
            response.getheader(name, "") for name in ("Content-Type", "Date", "Retry-After", "Connection")
        )
        body = b"".join(chunks)
        return HttpResponse(
            response.status, content_type, body, date, retry_after, connection, is_last=response.will_close
        )

    left = None if response.chunked else response.length
    try:
        # read1 returns what each read of the socket brings: read would lose it if the next read fails.
        while left != 0 and (chunk := response.read1(_CHUNK_SIZE if left is None else min(left, _CHUNK_SIZE))):
            chunks.append(chunk)
            left = None if left is None else left - len(chunk)
        if left:
            raise OSError(f"the connection ended {left} bytes before the response did")
    except (OSError, LimitExceeded, http.client.HTTPException):
        keep_partial(build())
        raise
    return build()


CONTINUE_SECONDS: Final = 1.0
"""Time after which a client sends the body although no 100 Continue has come (RFC 9110, 10.1.1)."""


def _await_continue(connection: LimitedConnection) -> None:
    if not connection.wait_for_data(CONTINUE_SECONDS):
        return
    status_line = connection.reader.readline(_CHUNK_SIZE)
    if not status_line:
        raise OSError("the server disconnected before 100 Continue")
    if not status_line.startswith(b"HTTP/1.1 100"):
        raise OSError(f"the server sent {status_line[:12]!r} instead of 100 Continue")
    while connection.reader.readline(_CHUNK_SIZE).strip(b"\r\n"):
        pass
