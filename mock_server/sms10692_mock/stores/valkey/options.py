"""The address of a server, and the options of the client library that it stands for.

No error says what the address was: a password may be in it, and errors end up in terminals and logs of CI.
"""

import inspect
import math
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from valkey.connection import SSLConnection, parse_url

_CONNECT_SECONDS: Final = 0.5
_ANSWER_SECONDS: Final = 2.0
_LONGEST_SECONDS: Final = 3600.0

_SCHEMES: Final = ("valkey", "valkeys", "redis", "rediss")
_WITH_TLS: Final = ("valkeys", "rediss")

_ESCAPES: Final = "write / as %2F, ? as %3F, # as %23 and @ as %40 in a password"


def parse_options(url: str) -> dict[str, Any]:
    """What the library needs to connect. Raises ValueError, in words that have no part of the address in them.

    `?timeout=5` is seconds in which an answer must be there; what begins with `ssl_` is the library's.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in _SCHEMES or not rest:
        raise ValueError(f"a store on a server is written {_SCHEMES[0]}://HOST:PORT/DATABASE")
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        port = parts.port
    except ValueError:
        raise ValueError(f"a store on a server has a port from 1 to 65535; {_ESCAPES}") from None
    if "@" in parts.path + parts.query + parts.fragment:
        raise ValueError(f"a store on a server has an address that cannot be read; {_ESCAPES}")
    if port == 0:
        raise ValueError("a store on a server has a port from 1 to 65535")
    if parts.path not in ("", "/") and not _is_number(parts.path[1:]):
        raise ValueError(f"the database of a store on a server is a number: {scheme}://HOST:PORT/0")
    try:
        given = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        seconds = float(dict(given).get("timeout", _ANSWER_SECONDS))
    except ValueError:
        raise ValueError("the options of a store on a server are written ?NAME=VALUE&NAME=VALUE") from None
    if not (0 < seconds <= _LONGEST_SECONDS and math.isfinite(seconds)):
        raise ValueError(f"the timeout of a store on a server is more than 0 and at most {_LONGEST_SECONDS:.0f} s")
    known = {"timeout", *(_TLS if scheme in _WITH_TLS else ())}
    for name, value in given:
        if name not in known:
            raise ValueError(f"a store on a server has no such option; it has {', '.join(sorted(known))}")
        if not value:
            raise ValueError(f"the option {name} of a store on a server has no value")
    try:
        options: dict[str, Any] = dict(parse_url(f"{scheme.replace('redis', 'valkey')}://{rest}"))
    except ValueError:
        raise ValueError("a store on a server has an address that can be read") from None
    options.pop("timeout", None)
    waiting = {"socket_connect_timeout": min(seconds, _CONNECT_SECONDS), "socket_timeout": seconds}
    return {**waiting, "client_name": "sms10692-mock", **options}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


_TLS: Final = frozenset(name for name in inspect.signature(SSLConnection.__init__).parameters if name[:4] == "ssl_")
