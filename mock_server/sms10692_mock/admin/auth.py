"""Access policy of the control API and the console: which requests are allowed.

Allowed are programs and browsers of this user on this machine and, if a token is set, requests with the token. A
second token, which is read-only, lets spectators of a demonstration read without secrets.
Rejected are pages of other origins, unknown host names (DNS rebinding), form posts, and requests through an undeclared
proxy. The vendor's endpoints are not checked here: they authenticate by the vendor's signature.
"""

import hmac
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Any, Final, Protocol

from sms10692_mock.admin.forwarding import Network, forwarding_header
from sms10692_mock.admin.origins import PORTS, PublicUrl, parse_origin, split_host
from sms10692_mock.server.peer_user import can_find_peers, find_peer_uid

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""

CONSOLE_HEADER: Final = "HX-Request"
"""Header of all requests of the console's script. Pages of other origins cannot send it without a CORS preflight."""

_ROOT: Final = 0
"""User id that may read the memory of every program."""

_OWN: Final = None if sys.platform == "win32" else os.getuid()
"""User id of this process."""

_MAX_QUOTED: Final = 100
"""Characters of a header value that an error message quotes at most."""

_READ_ONLY: Final = "the token is read-only"

_DECLARE_PROXY: Final = (
    "declare the proxy with --public-url URL (the URL that clients use) or --trusted-proxy ADDRESS (its own address)"
)


class Headers(Protocol):
    """Headers of a request. Names are case-insensitive."""

    def get(self, name: str, default: str, /) -> str: ...


@dataclass(frozen=True)
class AccessPolicy:
    """Decides which requests are allowed.

    Each check returns None, or an HTTP status and an error message. `hosts` are allowed host names in lower case, in
    addition to those of loopback. If `token` is not None, every request must carry it, or one that reads must carry
    `read_only_token`. `public` is the URL that clients use, if there is a proxy in front. `proxies` are the proxies
    whose forwarding headers are trusted.

    **Behind a proxy and with other hosts a token is required**, otherwise ValueError is raised: a request that a proxy
    on this machine forwards looks like one of this machine, and whoever owns a name may point it to this machine.
    """

    hosts: frozenset[str] = frozenset()
    token: str | None = None
    public: PublicUrl | None = None
    proxies: Sequence[Network] = ()
    read_only_token: str | None = None

    def __post_init__(self) -> None:
        if self.token is None and is_proxied(self.public, self.proxies):
            raise ValueError("behind a proxy a token is required")
        if self.token is None and self.hosts:
            raise ValueError("with allowed hosts a token is required")
        if self.read_only_token is not None and self.token in (None, self.read_only_token):
            raise ValueError("a read-only token requires another token for full access")

    def check_api(self, method: str, headers: Headers) -> tuple[int, str] | None:
        """Check a request to the control API.

        >>> AccessPolicy().check_api("GET", {"Host": "127.0.0.1:10692"}) is None
        True
        >>> AccessPolicy().check_api("GET", {"Host": "rebound.example"})
        (403, 'rebound.example is not an allowed host name; allow it with --allow-host')
        """
        foreign = self._check_host_and_origin(headers)
        if foreign:
            return 403, foreign
        if method not in SAFE_METHODS and not (_is_json(headers) or _is_empty_from_program(method, headers)):
            return 415, "requests that change something must be sent as application/json"
        if self.token is None or self.is_token(bearer := _bearer(headers.get("Authorization", ""))):
            return None
        if not self._is_read_only_token(bearer):
            return 401, "a token is required: Authorization: Bearer ..."
        return None if method in SAFE_METHODS else (403, _READ_ONLY)

    def check_console(self, method: str, headers: Headers, key: str) -> tuple[int, str] | None:
        """Check a request to a page of the console; `key` is the value of the session cookie, or empty.

        Links from other sites may lead to a page. Requests that change something need `CONSOLE_HEADER`.
        """
        is_link = method in SAFE_METHODS and headers.get("Sec-Fetch-Mode", "") == "navigate"
        foreign = self._check_host_and_origin(headers, is_link and headers.get("Sec-Fetch-Dest", "") == "document")
        if foreign:
            return 403, foreign
        if method not in SAFE_METHODS and not headers.get(CONSOLE_HEADER, ""):
            return (
                403,
                f"requests that change something must come from the console itself, with the header {CONSOLE_HEADER}",
            )
        if self.token is None or _equal(key, _session_key(self.token)):
            return None
        if not self._is_read_only_key(key):
            return 401, "a token is required"
        return None if method in SAFE_METHODS else (403, _READ_ONLY)

    def is_read_only(self, headers: Headers, key: str, *, is_console: bool) -> bool:
        """Whether a request that was let in has the read-only token, in the session cookie if it is for the console."""
        if self.read_only_token is None:
            return False
        if is_console or not headers.get("Authorization", ""):
            return self._is_read_only_key(key)
        return self._is_read_only_token(_bearer(headers.get("Authorization", "")))

    def _is_read_only_token(self, given: str) -> bool:
        return self.read_only_token is not None and _equal(given, self.read_only_token)

    def _is_read_only_key(self, key: str) -> bool:
        return self.read_only_token is not None and _equal(key, _session_key(self.read_only_token))

    def check_login(self, headers: Headers) -> tuple[int, str] | None:
        """Check a request to the login page, whose form is an ordinary one, or to a static file."""
        foreign = self._check_host_and_origin(headers)
        return (403, foreign) if foreign else None

    def check_forwarded(self, environ: Mapping[str, Any]) -> tuple[int, str] | None:
        """Check a request, as a WSGI environment, for an undeclared proxy.

        **`forwarding.BehindProxy` must have removed the forwarding headers of trusted proxies before.** Without a
        token, two more signs count, because nginx adds no header by default: HTTP/1.0, which it uses before version
        1.29.7, and on Linux the user of the program that has connected. nginx has a user of its own. Root may read
        everything, so its programs are let in. **A program of this machine that has closed its connection is refused**:
        its user is no longer known.
        """
        header = forwarding_header(environ)
        if header is not None and self.proxies:
            peer = environ.get("REMOTE_ADDR", "")
            return 403, f"{header} came from {peer}, which is not among --trusted-proxy"
        if self.public is not None:
            return None
        if header is not None:
            return 403, f"this request came through a proxy ({header}): {_DECLARE_PROXY}"
        if self.token is None and environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
            return 403, f"this request is HTTP/1.0, as from a proxy: {_DECLARE_PROXY}; or require a token with --token"
        stranger = "" if self.token is not None else _describe_foreign_program(environ)
        if stranger:
            return 403, (
                f"this request came from {stranger}, as from a proxy: {_DECLARE_PROXY}; or require a token with --token"
            )
        return None

    def session_key(self, given: str) -> str | None:
        """Return the session cookie for a token that somebody gives; None if it is none of the tokens.

        It is a keyed hash, which does not reveal the token.
        """
        return _session_key(given) if self.is_token(given) or self._is_read_only_token(given) else None

    def is_token(self, given: str) -> bool:
        """Whether this is the token."""
        return self.token is not None and _equal(given, self.token)

    def is_secure(self, origin: str, scheme: str) -> bool:
        """Whether the client uses TLS, by its `Origin`, else by the public URL or the request's scheme."""
        sent_from = parse_origin(origin)
        if sent_from is not None:
            return sent_from.scheme == "https"
        return (self.public.origin.scheme if self.public else scheme) == "https"

    def _check_host_and_origin(self, headers: Headers, is_link: bool = False) -> str:
        header = headers.get("Host", "")
        host, port = split_host(header)
        if not self._is_known(host):
            return f"{_cut(host)} is not an allowed host name; allow it with --allow-host"
        if not is_link and headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
            return "requests from pages of other sites are not allowed"
        origin = headers.get("Origin", "")
        if origin and not self._is_own(origin, host, port):
            advice = (
                "" if parse_origin(origin) is None else f"; to allow this one, start with --public-url {_cut(origin)}"
            )
            return f"requests from pages of other origins are not allowed (Origin: {_cut(origin)}){advice}"
        return ""

    def _is_known(self, host: str) -> bool:
        """Whether a host name or address is allowed.

        The owner of a DNS name can point it to this machine (DNS rebinding); numeric addresses and, in browsers,
        localhost cannot be rebound. **Numeric addresses outside loopback are allowed only if a token is set**:
        otherwise everybody who reaches this machine through a forwarded port would have access.
        """
        name = host.removesuffix(".")
        if is_loopback(host) or name in self.hosts or (self.public is not None and name == self.public.origin.host):
            return True
        if self.token is None:
            return False
        return is_address(host) or name == "localhost" or name.endswith(".localhost")

    def _is_own(self, origin: str, host: str, port: int | None) -> bool:
        """Whether an `Origin` matches the request's `Host`, an allowed host or the public origin.

        A proxy may have rewritten Host, or left the port out.
        """
        found = parse_origin(origin)
        if found is None:
            return False
        if found.host in self.hosts or (self.public is not None and found == self.public.origin):
            return True
        return (found.host, found.port) == (host.removesuffix("."), port or PORTS[found.scheme])


def _session_key(token: str) -> str:
    return hmac.new(token.encode(), b"console", "sha256").hexdigest()


def _describe_foreign_program(environ: Mapping[str, Any]) -> str:
    """Describe the program that has connected, unless it is root's or this process' user's; "" if it may be let in.

    Programs of other machines are let in, and all where the addresses or their users cannot be known: on other
    systems, and in WSGI servers that give a name or no address of the connection.
    """
    client, server, port = environ.get("REMOTE_ADDR", ""), environ.get("SERVER_NAME", ""), environ.get("REMOTE_PORT")
    if not (port and is_address(client) and is_address(server)) or ip_address(server).is_unspecified:
        return ""
    uid = find_peer_uid((client, int(port)), (server, int(environ["SERVER_PORT"])))
    if uid is not None:
        return "" if uid in (_ROOT, _OWN) else f"a program of another user (uid {uid})"
    is_local = is_loopback(client) or client == server
    return "a program of an unknown user, which may have closed its connection" if is_local and can_find_peers() else ""


def _bearer(header: str) -> str:
    """Return the token of an `Authorization` header, or "". The scheme is case-insensitive (RFC 9110, 11.1).

    >>> _bearer("bearer  abc"), _bearer("Basic abc")
    ('abc', '')
    """
    scheme, _, token = header.partition(" ")
    return token.strip(" ") if scheme.lower() == "bearer" else ""


def _cut(text: str) -> str:
    return text[:_MAX_QUOTED]


def _is_json(headers: Headers) -> bool:
    """Whether a request declares JSON or TOML. A page of another origin needs a CORS preflight to do so."""
    return headers.get("Content-Type", "").partition(";")[0].strip() in ("application/json", "application/toml")


def _is_empty_from_program(method: str, headers: Headers) -> bool:
    """Whether a request has neither a body nor a Content-Type, and does not come from a browser of unknown origin.

    A page of another origin can make a browser send an empty POST without a CORS preflight. Current browsers send
    `Sec-Fetch-Site` or `Origin`, which were checked before; a browser that sends neither is rejected.
    """
    if method not in _METHODS_WITHOUT_BODY or headers.get("Content-Type", "") or headers.get("Transfer-Encoding", ""):
        return False
    names_origin = headers.get("Sec-Fetch-Site", "") or headers.get("Origin", "")
    is_browser = headers.get("User-Agent", "").startswith("Mozilla/")
    return headers.get("Content-Length", "0") in ("", "0") and bool(names_origin or not is_browser)


_METHODS_WITHOUT_BODY: Final = frozenset({"POST", "DELETE"})


def _equal(value: str, expected: str) -> bool:
    return hmac.compare_digest(value.encode(), expected.encode())


def is_address(host: str) -> bool:
    """Whether this is a numeric address, in the canonical form that browsers send.

    >>> [is_address(host) for host in ("10.0.0.5", "fe80::1", "127.1", "2130706433")]
    [True, True, False, False]
    """
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_proxied(public: PublicUrl | None, proxies: Sequence[Network]) -> bool:
    """Whether a proxy is in front of the emulator. Every machine that reaches the proxy then reaches the emulator."""
    return public is not None or bool(proxies)


def is_exposed(address: str, public: PublicUrl | None, proxies: Sequence[Network]) -> bool:
    """Whether other machines can reach an emulator that listens at this address, directly or through a proxy."""
    return is_proxied(public, proxies) or not is_loopback(address)


def may_show_secrets(peer: str, access_policy: AccessPolicy) -> bool:
    """Whether valid signatures, and passwords in logged requests, may be shown to a reader at an address.

    **A signature is valid for every action.** With a token there is one level of access: a client with the token may do
    everything. Without one, only this machine may read signatures.

    >>> may_show_secrets("127.0.0.1", AccessPolicy()), may_show_secrets("10.0.0.5", AccessPolicy())
    (True, False)
    >>> may_show_secrets("10.0.0.5", AccessPolicy(token="x"))
    True
    """
    return access_policy.token is not None or is_loopback(peer)


def is_loopback(host: str) -> bool:
    """Whether a host is a loopback address or `localhost`. Other names can be rebound to another address.

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
        if address.scope_id is not None:  # a scope id can be any text, and loopback needs none
            return False
        address = address.ipv4_mapped or address
    return address.is_loopback
