"""Who may use what is beside the vendor's pages: this machine's own programs and browsers, or whoever has the token.

Here belongs the refusal of everybody else: pages of other origins, names that were rebound to this machine, form
posts. The vendor's pages are not guarded: they have the vendor's own signature.
"""

import hmac
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Headers(Protocol):
    """Of a request; the names ignore case."""

    def get(self, name: str, default: str, /) -> str: ...


@dataclass(frozen=True)
class Guard:
    """Lets requests in or not.

    `hosts` are names, beside those of loopback, by which this machine may be called; `token`, where it is not None, is
    demanded of every request.
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
        if host not in _LOOPBACK and host not in self.hosts:
            return 403, f"{host} is no name of this machine; allow it with --allow-host"
        if headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
            return 403, "pages of other sites are not let in"
        origin = headers.get("Origin", "")
        if origin and urlsplit(origin).netloc != headers.get("Host", ""):
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


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())


def is_loopback(host: str) -> bool:
    """Whether a server that listens on this address is out of others' reach."""
    return host in _LOOPBACK or host.startswith("127.")
