"""Proxy and TLS configuration: direct connection or proxy, and the trusted certificates.

Proxies of the environment are never used for loopback addresses.
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

from sms10692.address import is_connectable

_TLS_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")
"""Environment variables that Python and httpx2 read when they load certificates."""

_SYSTEM_SETTINGS: Final = "the proxy settings of the system"


@dataclass(frozen=True, slots=True)
class ProxyRoute:
    """Route to the vendor. `proxy` is None for a direct connection; `source` names the origin of the proxy setting."""

    proxy: httpx2.Proxy | None
    source: str
    tls: ssl.SSLContext | None
    is_https: bool
    trust_env: bool
    ca: str | Path | None = None

    @property
    def description(self) -> str:
        """Proxy and certificate settings, for error messages. Empty for a direct connection with default settings."""
        details = []
        if self.proxy is not None:
            details.append(f"through the proxy {self.proxy.url} of {self.source}")
        if self.is_https and self.ca is not None:
            details.append(f"ca= is {str(self.ca)!a}")
        elif self.is_https and self.trust_env:
            details += [f"{name} is {os.environ[name]!a}" for name in _TLS_VARIABLES[:2] if os.environ.get(name)]
        return ", ".join(details)


def find_route(url: str, proxy: str | None, trust_env: bool, ca: str | Path | None = None) -> ProxyRoute:
    """Choose the proxy, and load certificates if the target or the proxy is https: those of `ca`, if it is given.

    Raises ValueError for unusable settings. The message is one line and names the argument or environment variable.
    """
    target = httpx2.URL(url)
    address, source = (
        (proxy, "proxy=") if proxy is not None else _find_environment_proxy(target) if trust_env else (None, "")
    )
    chosen_proxy = None if address is None else _parse_proxy(address, source)
    is_https = target.scheme == "https"
    needs_tls = is_https or (chosen_proxy is not None and chosen_proxy.url.scheme == "https")
    tls = None
    if needs_tls:
        tls = load_certificates(trust_env) if ca is None else load_authority(ca)
    if chosen_proxy is not None and chosen_proxy.url.scheme == "https":
        chosen_proxy.ssl_context = tls
    return ProxyRoute(chosen_proxy, source, tls, is_https, trust_env, ca)


def is_loopback(host: str) -> bool:
    """Return whether a host is a loopback address or a name reserved for this machine, without a DNS query.

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
    """Load the trusted certificates: those of SSL_CERT_FILE or SSL_CERT_DIR if set and `trust_env` is true.

    Raises ValueError if they cannot be loaded.
    """
    settings = [f"{name}={os.environ[name]!a}" for name in _TLS_VARIABLES if os.environ.get(name)]
    directories = [directory for directory in os.environ.get("SSL_CERT_DIR", "").split(os.pathsep) if directory]
    advice = f"correct or unset the environment variables {', '.join(settings)}"
    uses_directories = trust_env and bool(directories) and not os.environ.get("SSL_CERT_FILE")
    if uses_directories and not any(Path(directory).is_dir() for directory in directories):
        raise ValueError(f"the certificates cannot be loaded: no such directory; {advice}")
    try:
        return httpx2.create_ssl_context(trust_env=trust_env)
    except OSError as error:  # includes ssl.SSLError
        raise ValueError(
            f"the certificates cannot be loaded: {error.strerror or error}; "
            + (advice if settings else "the certificates of the system are unusable")
        ) from None


def load_authority(ca: str | Path) -> ssl.SSLContext:
    """Trust the CA certificates in a PEM file and no others. Raises ValueError."""
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:  # includes ssl.SSLError
        reason = "it contains no certificates" if isinstance(error, ssl.SSLError) else error.strerror
        raise ValueError(f"ca={str(ca)!a} cannot be loaded: {reason}") from None


def _find_environment_proxy(target: httpx2.URL) -> tuple[str | None, str]:
    """Return the proxy address that the environment or the system sets for a target, and the name of the setting."""
    if is_loopback(target.host):
        return None, ""
    proxies = getproxies()
    for scheme in (target.scheme, "all"):
        if (address := proxies.get(scheme)) and not _is_exempt(target.host, proxies):
            variables = (name for name in os.environ if name.lower() == f"{scheme}_proxy" and os.environ[name])
            return address, next(variables, _SYSTEM_SETTINGS)
    return None, ""


def _is_exempt(host: str, proxies: Mapping[str, str]) -> bool:
    """Return whether NO_PROXY or the system exempts a host, by name, domain suffix, address or network."""
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
    """Parse a proxy address. Raises ValueError. **The message never contains a password.**"""
    advice = "" if source == "proxy=" else f"; correct or unset {source}, or ignore it: trust_env=False, --no-trust-env"
    try:
        proxy = httpx2.Proxy(address if "://" in address else f"http://{address}")
    except (httpx2.InvalidURL, ValueError):
        scheme = address.partition("://")[0][:20] if "://" in address else ""
        received = f", not {scheme!a}" if scheme and scheme not in {"http", "https", "socks5", "socks5h"} else ""
        raise ValueError(
            f"invalid proxy address in {source}: use http, https, socks5 or socks5h{received}{advice}"
        ) from None
    if not is_connectable(proxy.url):
        raise ValueError(f"invalid proxy address in {source}: the host name or port is invalid{advice}")
    if proxy.url.scheme.startswith("socks") and find_spec("socksio") is None:
        raise ValueError(
            f"the proxy of {source} is {proxy.url}; SOCKS requires the package socksio: pip install socksio{advice}"
        )
    return proxy
