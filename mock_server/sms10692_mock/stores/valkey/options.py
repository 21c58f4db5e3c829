"""Parser of the address of a server: `valkey://USER:PASSWORD@HOST:PORT/DATABASE?timeout=5`.

**No error message contains any part of the address**: it may contain a password, and messages end up in CI logs.
"""

import inspect
import math
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from valkey.connection import SSLConnection, parse_url

_CONNECT_SECONDS: Final = 0.5
_REPLY_SECONDS: Final = 2.0
_MAX_SECONDS: Final = 3600.0

_SCHEMES: Final = ("valkey", "valkeys", "redis", "rediss")
_TLS_SCHEMES: Final = ("valkeys", "rediss")

_ESCAPES: Final = "write / as %2F, ? as %3F, # as %23 and @ as %40 in a password"


def parse_options(url: str) -> dict[str, Any]:
    """Convert an address to connection options of the `valkey` library. Raises ValueError.

    `timeout` is the time-out of a reply in seconds; options that begin with `ssl_` are passed to the library.
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
        seconds = float(dict(parameters).get("timeout", _REPLY_SECONDS))
    except ValueError:
        raise ValueError("write the options of a Valkey store as ?NAME=VALUE&NAME=VALUE; timeout is a number") from None
    if not (0 < seconds <= _MAX_SECONDS and math.isfinite(seconds)):
        raise ValueError(f"the timeout of a Valkey store must be more than 0 and at most {_MAX_SECONDS:.0f} s")
    allowed = {"timeout", *(_TLS_OPTIONS if scheme in _TLS_SCHEMES else ())}
    for name, value in parameters:
        if name not in allowed:
            raise ValueError(f"unknown option of a Valkey store; allowed: {', '.join(sorted(allowed))}")
        if not value:
            raise ValueError(f"the option {name} of a Valkey store needs a value")
    try:
        options: dict[str, Any] = dict(parse_url(f"{scheme.replace('redis', 'valkey')}://{rest}"))
    except ValueError:
        raise ValueError("the address of a Valkey store is invalid") from None
    options.pop("timeout", None)
    timeouts = {"socket_connect_timeout": min(seconds, _CONNECT_SECONDS), "socket_timeout": seconds}
    return {**timeouts, "client_name": "sms10692-mock", **options}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


_TLS_OPTIONS: Final = frozenset(
    name for name in inspect.signature(SSLConnection.__init__).parameters if name[:4] == "ssl_"
)
