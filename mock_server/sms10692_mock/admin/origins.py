"""Parsers of origins and hosts: headers `Origin` and `Host`, option `--public-url`."""

import re
from ipaddress import ip_address
from typing import Final, NamedTuple

PORTS: Final = {"http": 80, "https": 443}
"""Default ports, by scheme."""

_ORIGIN: Final = re.compile(r"(https?)://(\[[0-9a-f:.]+\]|[^\[\]/?#@:,\s]+)(?::([0-9]{1,5}))?", re.IGNORECASE)
_PREFIX: Final = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]+)*")
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]*[A-Za-z0-9_-]")


class Origin(NamedTuple):
    """Scheme, host (lower case, without brackets) and port of an HTTP address."""

    scheme: str
    host: str
    port: int

    @property
    def url(self) -> str:
        """Return the URL without a trailing slash; a default port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == PORTS[self.scheme] else f":{self.port}")


def parse_origin(text: str) -> Origin | None:
    """Parse an origin as browsers send it; None if it is invalid, or `null`.

    >>> parse_origin("https://SMS.test:8443").url, parse_origin("http://[::1]:80").url, parse_origin("https://a/b")
    ('https://sms.test:8443', 'http://[::1]', None)
    """
    found = _ORIGIN.fullmatch(text)
    if found is None:
        return None
    scheme, host = found[1].lower(), normalize_host(found[2])
    port = int(found[3]) if found[3] else PORTS[scheme]
    return Origin(scheme, host, port) if host and 0 < port < 1 << 16 else None


class PublicUrl(NamedTuple):
    """The URL at which clients reach the emulator: an origin, and the prefix of all paths (`/sms`, or empty)."""

    origin: Origin
    prefix: str = ""

    @property
    def url(self) -> str:
        """Return the URL without a trailing slash."""
        return self.origin.url + self.prefix


def parse_public_url(text: str) -> PublicUrl | None:
    """Parse a base URL; None if it is invalid.

    >>> parse_public_url("https://SMS.test/a/b/").url, parse_public_url("https://sms.test/a?b"), parse_public_url("/a")
    ('https://sms.test/a/b', None, None)
    """
    scheme, separator, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    origin, prefix = parse_origin(f"{scheme}{separator}{host}"), parse_prefix(slash + path)
    return None if origin is None or prefix is None else PublicUrl(origin, prefix)


def parse_prefix(path: str) -> str | None:
    """Return the prefix of a path without a trailing slash; None if a link must not begin with it.

    >>> parse_prefix("/sms/"), parse_prefix("/"), parse_prefix("//foreign.example"), parse_prefix("/a/..")
    ('/sms', '', None, None)
    """
    prefix = path.removesuffix("/")
    return prefix if _PREFIX.fullmatch(prefix) else None


def normalize_host(host: str) -> str | None:
    """Normalize a host name or address: lower case, no brackets, no trailing dot; None if it is invalid.

    A name with other than ASCII characters is encoded with IDNA, as browsers do.

    >>> normalize_host("短信.Example."), normalize_host("[::1]"), normalize_host("[1::2::3]"), normalize_host("a b")
    ('xn--vuq298g.example', '::1', None, None)
    """
    try:
        if host.startswith("["):
            return str(ip_address(host.strip("[]")))
        name = (host if host.isascii() else host.encode("idna").decode()).removesuffix(".")
    except ValueError:
        return None
    return name.lower() if _NAME.fullmatch(name) else None


def split_host(header: str) -> tuple[str, int | None]:
    """Split a `Host` header into host (lower case, without brackets) and port (None if missing).

    >>> split_host("[::1]:10692"), split_host("LOCALHOST")
    (('::1', 10692), ('localhost', None))
    """
    name, _, port = header.rpartition(":")
    has_port = bool(name) and port.isascii() and port.isdigit()
    return (name if has_port else header).strip("[]").lower(), int(port[:6]) if has_port else None
