"""How a client reaches the vendor: directly or through a proxy, and which certificates it trusts.

Loopback addresses are reached directly, whatever the environment says.
"""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final
from urllib.request import getproxies, proxy_bypass

import httpx2

from sms10692.address import can_connect

_TLS_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")
"""What Python and httpx2 read when they load certificates."""

_SYSTEM: Final = "the proxy settings of the system"


@dataclass(frozen=True, slots=True)
class ProxyRoute:
    """A way to the vendor. `proxy` is None where the connection is direct; `source` says where the proxy comes from."""

    proxy: httpx2.Proxy | None
    source: str
    tls: ssl.SSLContext | None
    is_https: bool
    trust_env: bool

    @property
    def remark(self) -> str:
        """What a failure to connect has to add: the proxy, and where certificates come from. May be empty."""
        remarks = []
        if self.proxy is not None:
            remarks.append(f"through the proxy {self.proxy.url} of {self.source}")
        if self.is_https and self.trust_env:
            remarks += [f"{name} is {os.environ[name]!a}" for name in _TLS_VARIABLES[:2] if os.environ.get(name)]
        return ", ".join(remarks)


def find_route(url: str, proxy: str | None, trust_env: bool) -> ProxyRoute:
    """Choose the proxy, and load certificates where TLS is spoken: for an https:// address, or to an https:// proxy.

    Raises ValueError, whose message is one line that names the argument or the variable of the environment.
    """
    target = httpx2.URL(url)
    address, source = (
        (proxy, "proxy=") if proxy is not None else _environment_proxy(target) if trust_env else (None, "")
    )
    chosen = None if address is None else _parse_proxy(address, source)
    is_https = target.scheme == "https"
    needs_tls = is_https or (chosen is not None and chosen.url.scheme == "https")
    tls = load_certificates(trust_env) if needs_tls else None
    if chosen is not None and chosen.url.scheme == "https":
        chosen.ssl_context = tls
    return ProxyRoute(chosen, source, tls, is_https, trust_env)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its very name.

    >>> [is_loopback(host) for host in ("localhost", "127.9.9.9", "::1", "::ffff:127.0.0.1", "localhost.example")]
    [True, True, True, True, False]
    """
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def load_certificates(trust_env: bool) -> ssl.SSLContext:
    """Load the certificates to trust, those of SSL_CERT_FILE or SSL_CERT_DIR where set. Raises ValueError."""
    given = [f"{name}={os.environ[name]!a}" for name in _TLS_VARIABLES if os.environ.get(name)]
    folders = [folder for folder in os.environ.get("SSL_CERT_DIR", "").split(os.pathsep) if folder]
    advice = f"correct or unset what is set ({', '.join(given)})"
    is_used = trust_env and bool(folders) and not os.environ.get("SSL_CERT_FILE")
    if is_used and not any(Path(folder).is_dir() for folder in folders):
        raise ValueError(f"the certificates cannot be loaded: there is no such folder; {advice}")
    try:
        return httpx2.create_ssl_context(trust_env=trust_env)
    except OSError as error:  # ssl.SSLError is one
        raise ValueError(
            f"the certificates cannot be loaded: {error.strerror or error}; "
            + (advice if given else "the certificates of the system are unusable")
        ) from None


def _environment_proxy(target: httpx2.URL) -> tuple[str | None, str]:
    """The address of the proxy that the environment names for a target, and the name of the variable."""
    if is_loopback(target.host):
        return None, ""
    proxies = getproxies()
    for scheme in (target.scheme, "all"):
        if (address := proxies.get(scheme)) and not _is_exempt(target.host, proxies):
            return address, next((n for n in os.environ if n.lower() == f"{scheme}_proxy" and os.environ[n]), _SYSTEM)
    return None, ""


def _is_exempt(host: str, proxies: Mapping[str, str]) -> bool:
    """Whether NO_PROXY, or the system, exempts a host: by name, by the end of its name, by address or network."""
    if proxy_bypass(host):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(_is_in_network(address.compressed, entry.strip(" []")) for entry in proxies.get("no", "").split(","))


def _is_in_network(address: str, entry: str) -> bool:
    try:
        return ip_address(address) in ip_network(entry, strict=False)
    except ValueError:
        return False


def _parse_proxy(address: str, source: str) -> httpx2.Proxy:
    """Read the address of a proxy. Raises ValueError that shows no password."""
    advice = "" if source == "proxy=" else f"; correct or unset {source}, or ignore it: trust_env=False, --no-trust-env"
    try:
        proxy = httpx2.Proxy(address if "://" in address else f"http://{address}")
    except (httpx2.InvalidURL, ValueError):
        scheme = address.partition("://")[0][:20] if "://" in address else ""
        named = f" but {scheme!a}" if scheme and scheme not in {"http", "https", "socks5", "socks5h"} else ""
        raise ValueError(
            f"the proxy of {source} is none: its address begins with http, https, socks5 or socks5h{named}{advice}"
        ) from None
    if not can_connect(proxy.url):
        raise ValueError(
            f"the proxy of {source} is none: its address has no host that can exist, or no such port{advice}"
        )
    if proxy.url.scheme.startswith("socks") and find_spec("socksio") is None:
        raise ValueError(
            f"the proxy of {source} is {proxy.url}, and SOCKS needs the package socksio: pip install socksio{advice}"
        )
    return proxy
