"""Requests that came through a proxy: how they are recognised, and what is believed of a trusted one."""

from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final, TypeAlias

from sms10692_mock.admin.origins import PORTS, split_host

Network: TypeAlias = IPv4Network | IPv6Network
Environ: TypeAlias = dict[str, Any]

_PREFIX: Final = "HTTP_X_FORWARDED"
_KEYS: Final = frozenset(
    f"HTTP_{name.upper().replace('-', '_')}"
    for name in (
        "forwarded",
        "via",
        "x-real-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-envoy-external-address",
        "x-original-forwarded-for",
        "x-original-host",
        "x-proxyuser-ip",
        "x-scheme",
        "x-url-scheme",
        "cdn-loop",
        "cf-connecting-ip",
        "fastly-client-ip",
        "fly-client-ip",
        "front-end-https",
        "true-client-ip",
    )
)
"""The keys in a WSGI environment of headers that proxies add, beside those of `_PREFIX`."""


def parse_network(text: str) -> Network:
    """An address, or a network such as 10.0.0.0/8. Raises ValueError."""
    return ip_network(text.strip().strip("[]"), strict=False)


def forwarding_header(environ: Mapping[str, Any]) -> str | None:
    """The name of a header that says that the request came through a proxy, if there is one.

    >>> forwarding_header({"HTTP_HOST": "x", "HTTP_X_FORWARDED_FOR": "10.0.0.1"})
    'X-Forwarded-For'
    """
    for key in environ:
        if key.startswith(_PREFIX) or key in _KEYS:
            return key.removeprefix("HTTP_").replace("_", "-").title()
    return None


def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Whether a numeric address is in one of the networks; an IPv4 address may be written as IPv6."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in networks)


class TrustedProxies:
    """WSGI middleware: host and scheme that a trusted proxy forwards take the place of those of its own request.

    The forwarding headers of such a request are removed, those of any other peer stay.
    """

    def __init__(self, application: Callable[..., Any], networks: Sequence[Network]) -> None:
        self._application = application
        self._networks = networks

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Any:
        if is_within(environ.get("REMOTE_ADDR", ""), self._networks):
            environ = as_forwarded(environ)
        return self._application(environ, start_response)


def as_forwarded(environ: Environ) -> Environ:
    """The request as the proxy received it. Of several values the last counts: the trusted proxy added it."""
    pairs = dict(_pairs(_last(environ, "HTTP_FORWARDED")))
    scheme = (_last(environ, "HTTP_X_FORWARDED_PROTO") or pairs.get("proto", "")).lower()
    host = _last(environ, "HTTP_X_FORWARDED_HOST") or pairs.get("host", "") or environ.get("HTTP_HOST", "")
    port = _last(environ, "HTTP_X_FORWARDED_PORT")
    if scheme not in PORTS:
        scheme = environ["wsgi.url_scheme"]
    if port.isascii() and port.isdigit() and split_host(host)[1] is None and int(port[:6]) != PORTS[scheme]:
        host = f"{host}:{port}"
    kept = {key: value for key, value in environ.items() if not (key.startswith(_PREFIX) or key in _KEYS)}
    return kept | {"wsgi.url_scheme": scheme, "HTTP_HOST": host}


def _last(environ: Environ, key: str) -> str:
    return str(environ.get(key, "")).rpartition(",")[2].strip()


def _pairs(element: str) -> list[tuple[str, str]]:
    """The parameters of an element of `Forwarded` (RFC 7239)."""
    parted = (pair.partition("=") for pair in element.split(";"))
    return [(name.strip().lower(), value.strip().strip('"')) for name, _, value in parted]
