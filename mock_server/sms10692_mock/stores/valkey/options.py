"""Parser of the address of a server: `valkey://USER:PASSWORD@HOST:PORT/DATABASE?timeout=5`.

**No error message contains any part of the address**: it may contain a password, and messages end up in CI logs.
"""

import math
import ssl
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from libvalkey import pack_command

from sms10692_mock.stores.valkey.connection import Address, Batch, ConnectionOptions

_DEFAULT_TIMEOUT: Final = 2.0
_MAX_TIMEOUT: Final = 3600.0
_DEFAULT_PORT: Final = 6379

_SCHEMES: Final = ("valkey", "valkeys", "redis", "rediss")
_TLS_SCHEMES: Final = ("valkeys", "rediss")
_TLS_OPTIONS: Final = frozenset(
    {
        "ssl_ca_certs",
        "ssl_ca_path",
        "ssl_cert_reqs",
        "ssl_certfile",
        "ssl_check_hostname",
        "ssl_keyfile",
        "ssl_password",
    }
)
"""The names that client libraries use."""

_CERTIFICATE_REQUIREMENTS: Final = {
    "none": ssl.CERT_NONE,
    "optional": ssl.CERT_OPTIONAL,
    "required": ssl.CERT_REQUIRED,
}

_FALSE: Final = ("0", "f", "false", "n", "no", "off", "disabled")

_ESCAPES: Final = "write / as %2F, ? as %3F, # as %23 and @ as %40 in a password"


class ServerOptions(NamedTuple):
    """A parsed address. `tls_parameters` is None without TLS."""

    address: Address
    username: str
    password: str
    database: int
    timeout: float
    tls_parameters: Mapping[str, str] | None

    def build_connection_options(self) -> ConnectionOptions:
        """Read the certificates. Raises OSError and ValueError."""
        login = ("AUTH", *([self.username] if self.username else []), self.password)
        hello = [
            *([login] if self.username or self.password else []),
            ("CLIENT", "SETNAME", "sms10692-mock"),
            *([("SELECT", self.database)] if self.database else []),
        ]
        return ConnectionOptions(
            Batch(b"".join(map(pack_command, hello)), len(hello)),
            self.timeout,
            None if self.tls_parameters is None else _build_tls_context(self.tls_parameters),
        )


def parse_options(url: str) -> ServerOptions:
    """Parse an address. Raises ValueError.

    `timeout` is the time-out of connecting and of a reply in seconds; options that begin with `ssl_` are for TLS.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in _SCHEMES or not rest:
        raise ValueError(f"write the address of a Valkey store as {_SCHEMES[0]}://HOST:PORT/DATABASE")
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        port = parts.port
    except ValueError:
        raise ValueError(f"the port of a Valkey store must be from 1 to 65535; {_ESCAPES}") from None
    if "@" in parts.path + parts.query + parts.fragment:
        raise ValueError(f"the address of a Valkey store is invalid; {_ESCAPES}")
    if port == 0:
        raise ValueError("the port of a Valkey store must be from 1 to 65535")
    if parts.path not in ("", "/") and not _is_number(parts.path[1:]):
        raise ValueError(f"the database of a Valkey store must be a number: {scheme}://HOST:PORT/0")
    try:
        parameters = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        seconds = float(dict(parameters).get("timeout", _DEFAULT_TIMEOUT))
    except ValueError:
        raise ValueError("write the options of a Valkey store as ?NAME=VALUE&NAME=VALUE; timeout is a number") from None
    if not (0 < seconds <= _MAX_TIMEOUT and math.isfinite(seconds)):
        raise ValueError(f"the timeout of a Valkey store must be more than 0 and at most {_MAX_TIMEOUT:.0f} s")
    uses_tls = scheme in _TLS_SCHEMES
    allowed = {"timeout", *(_TLS_OPTIONS if uses_tls else ())}
    for name, value in parameters:
        if name not in allowed:
            raise ValueError(f"unknown option of a Valkey store; allowed: {', '.join(sorted(allowed))}")
        if not value:
            raise ValueError(f"the option {name} of a Valkey store needs a value")
    return ServerOptions(
        (unquote(parts.hostname or "127.0.0.1"), port or _DEFAULT_PORT),
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        int(parts.path[1:] or 0),
        seconds,
        dict(parameters) if uses_tls else None,
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _build_tls_context(parameters: Mapping[str, str]) -> ssl.SSLContext:
    """Build a context. Certificates are required by default, host names are not checked."""
    requirement = parameters.get("ssl_cert_reqs", "required")
    if requirement not in _CERTIFICATE_REQUIREMENTS:
        raise ValueError(f"ssl_cert_reqs must be one of {', '.join(_CERTIFICATE_REQUIREMENTS)}")
    context = ssl.create_default_context()
    context.check_hostname = parameters.get("ssl_check_hostname", "false").lower() not in _FALSE
    context.verify_mode = _CERTIFICATE_REQUIREMENTS[requirement]
    certificate, key = parameters.get("ssl_certfile"), parameters.get("ssl_keyfile")
    if certificate is not None:
        context.load_cert_chain(certificate, key, parameters.get("ssl_password"))
    authorities = (parameters.get("ssl_ca_certs"), parameters.get("ssl_ca_path"))
    if any(authorities):
        context.load_verify_locations(*authorities)
    return context
