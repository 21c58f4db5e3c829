"""Who may use the control address and the console: this machine's own programs and browsers, or whoever has the token.

Everything else is refused: pages of other origins, names that were rebound to this machine, form posts, and requests
that came through a proxy nobody declared. The vendor's pages are not guarded: they have the vendor's own signature.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Any, Final, Protocol

from sms10692_mock.admin.forwarding import Network, forwarding_header
from sms10692_mock.admin.origins import PORTS, Origin, parse_origin, split_host

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""

CONSOLE_HEADER: Final = "HX-Request"
"""The header of all that the console's own script sends. Pages of other origins would have to ask for leave first."""

_SHOWN: Final = 100
"""Characters of a header that a refusal quotes at most."""

_DECLARE: Final = (
    "declare the proxy with --public-url URL, the address that clients use, or with --trusted-proxy ADDRESS, its own"
)


class Headers(Protocol):
    """Of a request; the names ignore case."""

    def get(self, name: str, default: str, /) -> str: ...


@dataclass(frozen=True)
class AccessPolicy:
    """Lets requests in or not.

    `hosts` are names in lower case, beside those of loopback, by which this machine may be called; `token`, where it
    is not None, is demanded of every request. `public` is the address that clients use where there is a proxy in
    front, `proxies` are the proxies whose forwarding headers are believed.
    """

    hosts: frozenset[str] = frozenset()
    token: str | None = None
    public: Origin | None = None
    proxies: Sequence[Network] = ()

    def check_api(self, method: str, headers: Headers) -> tuple[int, str] | None:
        """An HTTP status and a sentence for a request that is not let in.

        >>> Guard().refusal("GET", {"Host": "127.0.0.1:10692"}) is None
        True
        >>> Guard().refusal("GET", {"Host": "rebound.example"})
        (403, 'rebound.example is no name of this machine; allow it with --allow-host')
        """
        stranger = self._stranger(headers)
        if stranger:
            return 403, stranger
        if method not in SAFE_METHODS and not (_is_json(headers) or _is_empty_of_a_program(method, headers)):
            return 415, "what changes something is sent as application/json"
        if self.token is not None and not self.is_token(_bearer(headers.get("Authorization", ""))):
            return 401, "a token is needed: Authorization: Bearer ..."
        return None

    def check_console(self, method: str, headers: Headers, key: str) -> tuple[int, str] | None:
        """The same for the console's pages; `key` is what the cookie of somebody who logged in holds, or empty.

        A link from elsewhere may lead to a page. What changes something has a header that no page elsewhere can send.
        """
        is_link = method in SAFE_METHODS and headers.get("Sec-Fetch-Mode", "") == "navigate"
        stranger = self._stranger(headers, is_link and headers.get("Sec-Fetch-Dest", "") == "document")
        if stranger:
            return 403, stranger
        if method not in SAFE_METHODS and not headers.get(CONSOLE_HEADER, ""):
            return 403, f"what changes something is sent by the console itself, with {CONSOLE_HEADER}"
        if self.token is not None and not _same(key, self.session_key()):
            return 401, "a token is needed"
        return None

    def check_login(self, headers: Headers) -> tuple[int, str] | None:
        """The same for who sends a token, which is an ordinary form."""
        stranger = self._stranger(headers)
        return (403, stranger) if stranger else None

    def check_forwarded(self, environ: Mapping[str, Any]) -> tuple[int, str] | None:
        """The same for a request, as a WSGI environment, that came through a proxy which nobody declared.

        Forwarding headers of a trusted proxy must have been removed before (`forwarding.TrustedProxies`).
        Where no token is demanded, HTTP/1.0 is taken for a proxy too: nginx sends nothing else by default.
        """
        header = forwarding_header(environ)
        if header is not None and self.proxies:
            peer = environ.get("REMOTE_ADDR", "")
            return 403, f"{header} came from {peer}, which is not among --trusted-proxy"
        if self.public is not None:
            return None
        if header is not None:
            return 403, f"this request came through a proxy ({header}): {_DECLARE}"
        if self.token is None and not self.proxies and environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
            return 403, f"this request is in HTTP/1.0, as proxies send it: {_DECLARE}; or demand a token with --token"
        return None

    def session_key(self) -> str:
        """What the cookie of somebody who gave the token holds: made of the token, which it does not give away."""
        return hmac.new((self.token or "").encode(), b"console", "sha256").hexdigest()

    def is_token(self, given: str) -> bool:
        """Whether this is the token."""
        return self.token is not None and _same(given, self.token)

    def is_secure(self, origin: str, scheme: str) -> bool:
        """Whether the client sent a form over TLS: by its `Origin`, else by the public URL or the request's scheme."""
        sent_from = parse_origin(origin)
        if sent_from is not None:
            return sent_from.scheme == "https"
        return (self.public.scheme if self.public else scheme) == "https"

    def _stranger(self, headers: Headers, is_link: bool = False) -> str:
        header = headers.get("Host", "")
        host, port = split_host(header)
        if not self._is_known(host):
            return f"{_cut(host)} is no name of this machine; allow it with --allow-host"
        if not is_link and headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
            return "pages of other sites are not let in"
        origin = headers.get("Origin", "")
        if origin and not self._is_own(origin, host, port):
            advice = "" if parse_origin(origin) is None else f"; --public-url {_cut(origin)} would let this one in"
            return f"pages of other origins are not let in (Origin: {_cut(origin)}){advice}"
        return ""

    def _is_known(self, host: str) -> bool:
        """Whether this machine may be called so.

        Names can be rebound to this machine, by whoever answers for them; numeric addresses and, in browsers,
        localhost cannot. A numeric address that is not of loopback is known where a token is demanded, since without
        one whoever reaches it through a forwarded port would be let in.
        """
        name = host.removesuffix(".")
        if is_loopback(host) or name in self.hosts or (self.public is not None and name == self.public.host):
            return True
        if self.token is None:
            return False
        return is_address(host) or name == "localhost" or name.endswith(".localhost")

    def _is_own(self, origin: str, host: str, port: int | None) -> bool:
        """Whether an `Origin` is that of the request's `Host`, or of a name or an address that is allowed.

        A proxy may have rewritten Host, or left the port out.
        """
        found = parse_origin(origin)
        if found is None:
            return False
        if found.host in self.hosts or found == self.public:
            return True
        return (found.host, found.port) == (host.removesuffix("."), port or PORTS[found.scheme])


def _bearer(header: str) -> str:
    """The token in an `Authorization` header, or nothing. The name of the scheme ignores case (RFC 9110, 11.1).

    >>> _bearer("bearer  abc"), _bearer("Basic abc")
    ('abc', '')
    """
    scheme, _, token = header.partition(" ")
    return token.strip(" ") if scheme.lower() == "bearer" else ""


def _cut(text: str) -> str:
    return text[:_SHOWN]


def _is_json(headers: Headers) -> bool:
    """Whether a request says that it is JSON: a page of another origin has to ask for leave to say so."""
    return headers.get("Content-Type", "").partition(";")[0].strip() == "application/json"


def _is_empty_of_a_program(method: str, headers: Headers) -> bool:
    """Whether a request has neither a body nor a Content-Type, and is not a browser's that hides from where it is.

    A page of another origin can make a browser send an empty POST without asking for leave. Browsers of today say so in
    `Sec-Fetch-Site` and `Origin`, by which such a request was refused before; those that say neither are not let in.
    """
    if method not in _MAY_BE_EMPTY or headers.get("Content-Type", "") or headers.get("Transfer-Encoding", ""):
        return False
    is_told = headers.get("Sec-Fetch-Site", "") or headers.get("Origin", "")
    is_browser = headers.get("User-Agent", "").startswith("Mozilla/")
    return headers.get("Content-Length", "0") in ("", "0") and bool(is_told or not is_browser)


_MAY_BE_EMPTY: Final = frozenset({"POST", "DELETE"})


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())


def is_address(host: str) -> bool:
    """Whether this is a numeric address, in the one form that browsers write it in.

    >>> [is_address(host) for host in ("10.0.0.5", "fe80::1", "127.1", "2130706433")]
    [True, True, False, False]
    """
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_exposed(address: str, guard: AccessPolicy) -> bool:
    """Whether others than this machine can reach an emulator that listens at this address, directly or by a proxy."""
    is_proxied = bool(guard.proxies) or (guard.public is not None and not is_loopback(guard.public.host))
    return is_proxied or not is_loopback(address)


def is_loopback(host: str) -> bool:
    """Whether a name or a numeric address is of this machine, and out of others' reach.

    Names are what can be rebound, so there is only one; no name looks like an address.

    >>> [is_loopback(host) for host in ("localhost", "127.0.0.1", "::1", "127.8.0.1", "127.0.0.1.example", "0.0.0.0")]
    [True, True, True, True, False, False]
    >>> is_loopback("::ffff:127.0.0.1"), is_loopback("::ffff:8.8.8.8"), is_loopback("::1%rebound.example")
    (True, False, False)
    """
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost"
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:  # any text, and no address of loopback needs one
            return False
        address = address.ipv4_mapped or address
    return address.is_loopback
