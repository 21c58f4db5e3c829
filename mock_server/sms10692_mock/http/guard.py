"""Who may use what is beside the vendor's pages: this machine's own programs and browsers, or whoever has the token.

Here belongs the refusal of everybody else: pages of other origins, names that were rebound to this machine, form
posts. The vendor's pages are not guarded: they have the vendor's own signature.
"""

import hmac
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Protocol
from urllib.parse import urlsplit

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""

OF_THE_CONSOLE: Final = "HX-Request"
"""The header of all that the console's own script sends. Pages of other origins would have to ask for leave first."""


class Headers(Protocol):
    """Of a request; the names ignore case."""

    def get(self, name: str, default: str, /) -> str: ...


@dataclass(frozen=True)
class Guard:
    """Lets requests in or not.

    `hosts` are names in lower case, beside those of loopback, by which this machine may be called; `token`, where it
    is not None, is demanded of every request.
    """

    hosts: frozenset[str] = frozenset()
    token: str | None = None

    def refusal(self, method: str, headers: Headers) -> tuple[int, str] | None:
        """An HTTP status and a sentence for a request that is not let in.

        >>> Guard().refusal("GET", {"Host": "127.0.0.1:10692"}) is None
        True
        >>> Guard().refusal("GET", {"Host": "rebound.example"})
        (403, 'rebound.example is no name of this machine; allow it with --allow-host')
        """
        stranger = self._stranger(headers)
        if stranger:
            return 403, stranger
        if method not in SAFE and headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
            return 415, "what changes something is sent as application/json"
        if self.token is not None and not _same(headers.get("Authorization", ""), f"Bearer {self.token}"):
            return 401, "a token is needed: Authorization: Bearer ..."
        return None

    def refusal_of_page(self, method: str, headers: Headers, key: str) -> tuple[int, str] | None:
        """The same for the console's pages; `key` is what the cookie of somebody who logged in holds, or empty.

        A link from elsewhere may lead to a page. What changes something has a header that no page elsewhere can send.
        """
        is_link = method in SAFE and headers.get("Sec-Fetch-Mode", "") == "navigate"
        stranger = self._stranger(headers, is_link and headers.get("Sec-Fetch-Dest", "") == "document")
        if stranger:
            return 403, stranger
        if method not in SAFE and not headers.get(OF_THE_CONSOLE, ""):
            return 403, f"what changes something is sent by the console itself, with {OF_THE_CONSOLE}"
        if self.token is not None and not _same(key, self.key()):
            return 401, "a token is needed"
        return None

    def refusal_of_login(self, headers: Headers) -> tuple[int, str] | None:
        """The same for who sends a token, which is an ordinary form."""
        stranger = self._stranger(headers)
        return (403, stranger) if stranger else None

    def key(self) -> str:
        """What the cookie of somebody who gave the token holds: made of the token, which it does not give away."""
        return hmac.new((self.token or "").encode(), b"console", "sha256").hexdigest()

    def is_token(self, given: str) -> bool:
        """Whether this is the token."""
        return self.token is not None and _same(given, self.token)

    def _stranger(self, headers: Headers, is_link: bool = False) -> str:
        host = _name(headers.get("Host", ""))
        if not is_loopback(host) and host not in self.hosts:
            return f"{host} is no name of this machine; allow it with --allow-host"
        if not is_link and headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
            return "pages of other sites are not let in"
        origin = headers.get("Origin", "")
        if origin and _authority(origin) != headers.get("Host", "").lower():
            return "pages of other origins are not let in"
        return ""


def _name(host: str) -> str:
    """The name in a Host header, without port or brackets.

    >>> _name("[::1]:10692"), _name("LOCALHOST")
    ('::1', 'localhost')
    """
    name, _, port = host.rpartition(":")
    return (name if name and port.isdigit() else host).strip("[]").lower()


def _authority(origin: str) -> str:
    """Host and port of an origin, or nothing where it has none.

    >>> _authority("http://LOCALHOST:10692"), _authority("null"), _authority("http://[::1")
    ('localhost:10692', '', '')
    """
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())


def is_loopback(host: str) -> bool:
    """Whether a name or a numeric address is of this machine, and out of others' reach.

    Names are what can be rebound, so there is only one; no name looks like an address.

    >>> [is_loopback(host) for host in ("localhost", "127.0.0.1", "::1", "127.8.0.1", "127.0.0.1.example", "0.0.0.0")]
    [True, True, True, True, False, False]
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
