"""Forwarding headers of reverse proxies: detection, and their use if the proxy is trusted."""

import re
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final, TypeAlias

from sms10692_mock.admin.origins import PORTS, parse_prefix, split_host
from sms10692_mock.app.path_prefix import cut_prefix

Network: TypeAlias = IPv4Network | IPv6Network
Environ: TypeAlias = dict[str, Any]

OWN_SCHEME: Final = "sms10692_mock.own_scheme"
"""Key of the scheme of the emulator's own socket in a WSGI environment whose scheme is that of the proxy."""

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
"""WSGI environment keys of headers that proxies add, in addition to those with `_PREFIX`."""


_PORT: Final = re.compile("[1-9][0-9]{0,4}")
_MAX_PORT: Final = 65535


def parse_network(text: str) -> Network:
    """Parse an address or a network such as 10.0.0.0/8. Raises ValueError."""
    return ip_network(text.strip().strip("[]"), strict=False)


def forwarding_header(environ: Mapping[str, Any]) -> str | None:
    """Return the name of a header that shows that the request came through a proxy, or None.

    >>> forwarding_header({"HTTP_HOST": "x", "HTTP_X_FORWARDED_FOR": "10.0.0.1"})
    'X-Forwarded-For'
    """
    for key in environ:
        if key.startswith(_PREFIX) or key in _KEYS:
            return key.removeprefix("HTTP_").replace("_", "-").title()
    return None


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Whether a numeric address is in one of the networks; an IPv4 address may be written as IPv6."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in networks)


class BehindProxy:
    """WSGI middleware that applies the prefix of the public URL, and what trusted proxies forward.

    Trusted are scheme, host, client address and prefix; the headers are removed afterwards. Those of other peers stay,
    so that `AccessPolicy.check_forwarded` can reject them.
    """

    def __init__(self, application: Callable[..., Any], networks: Sequence[Network], prefix: str) -> None:
        self._application = application
        self._networks = networks
        self._prefix = prefix

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Any:
        prefix = self._prefix
        if is_within(environ.get("REMOTE_ADDR", ""), self._networks):
            prefix = parse_prefix(_last_value(environ, "HTTP_X_FORWARDED_PREFIX")) or prefix
            environ = as_forwarded(environ, self._networks) | {OWN_SCHEME: environ["wsgi.url_scheme"]}
        path = environ.get("PATH_INFO", "")
        return self._application(
            environ | {"SCRIPT_NAME": prefix, "PATH_INFO": cut_prefix(path, prefix)}, start_response
        )


def as_forwarded(environ: Environ, networks: Sequence[Network] = ()) -> Environ:
    """Return the request as the proxy received it. Of several values the last counts: the trusted proxy added it.

    The client is the last address of `X-Forwarded-For` that is no proxy of `networks`.
    """
    pairs = dict(_parse_element(_last_value(environ, "HTTP_FORWARDED")))
    scheme = (_last_value(environ, "HTTP_X_FORWARDED_PROTO") or pairs.get("proto", "")).lower()
    host = _last_value(environ, "HTTP_X_FORWARDED_HOST") or pairs.get("host", "") or environ.get("HTTP_HOST", "")
    port = _last_value(environ, "HTTP_X_FORWARDED_PORT")
    if scheme not in PORTS:
        scheme = environ["wsgi.url_scheme"]
    if _is_port(port) and split_host(host)[1] is None and int(port) != PORTS[scheme]:
        host = f"{host}:{port}"
    kept = {key: value for key, value in environ.items() if not (key.startswith(_PREFIX) or key in _KEYS)}
    forwarded_for = map(_parse_client, str(environ.get("HTTP_X_FORWARDED_FOR", "")).split(","))
    clients = [address for address in forwarded_for if _is_address(address) and not is_within(address, networks)]
    client = clients[-1] if clients else environ.get("REMOTE_ADDR", "")
    return kept | {"wsgi.url_scheme": scheme, "HTTP_HOST": host, "REMOTE_ADDR": client}


def _is_port(text: str) -> bool:
    return _PORT.fullmatch(text) is not None and int(text) <= _MAX_PORT


def _parse_client(element: str) -> str:
    """Return an address of `X-Forwarded-For` without the port that some proxies add.

    >>> [_parse_client(element) for element in (" 192.0.2.7:51234", "[2001:db8::7]:443", "[::1]", "2001:db8::7")]
    ['192.0.2.7', '2001:db8::7', '::1', '2001:db8::7']
    """
    element = element.strip()
    if element.startswith("["):
        return element[1:].partition("]")[0]
    host, _, port = element.rpartition(":")
    return host if _is_port(port) and ":" not in host and _is_address(host) else element


def _last_value(environ: Environ, key: str) -> str:
    return str(environ.get(key, "")).rpartition(",")[2].strip()


def _parse_element(element: str) -> list[tuple[str, str]]:
    """Parse the parameters of an element of `Forwarded` (RFC 7239)."""
    pairs = (pair.partition("=") for pair in element.split(";"))
    return [(name.strip().lower(), value.strip().strip('"')) for name, _, value in pairs]
