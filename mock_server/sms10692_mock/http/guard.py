"""Who may use what is beside the vendor's pages: this machine's own programs and browsers, or whoever has the token.

Here belongs the refusal of everybody else: pages of other origins, names that were rebound to this machine, form
posts. The vendor's pages are not guarded: they have the vendor's own signature.
"""

import hmac
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Protocol
from urllib.parse import urlsplit

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


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
        host = _name(headers.get("Host", ""))
        if not is_loopback(host) and host not in self.hosts:
            return 403, f"{host} is no name of this machine; allow it with --allow-host"
        if headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
            return 403, "pages of other sites are not let in"
        origin = headers.get("Origin", "")
        if origin and _authority(origin) != headers.get("Host", "").lower():
            return 403, "pages of other origins are not let in"
        if method not in _SAFE and headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
            return 415, "what changes something is sent as application/json"
        if self.token is not None and not _same(headers.get("Authorization", ""), f"Bearer {self.token}"):
            return 401, "a token is needed: Authorization: Bearer ..."
        return None


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
