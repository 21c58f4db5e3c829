"""Parser for the vendor's base URL, which users write with or without the endpoint path."""

import httpx2

from sms10692 import protocol
from sms10692.protocol import Authentication


def parse_address(url: str, authentication: Authentication = protocol.SIGNED) -> str:
    """Return the base URL: without the vendor's endpoint and without a trailing slash. A path prefix is kept.

    Raises ValueError for anything but an http or https URL, for a query string, a fragment, or an .aspx path that is no
    endpoint with this authentication.
    The message does not repeat the URL, which may contain a password.

    >>> parse_address("http://sms10692.com/v2SMS.aspx/"), parse_address("https://host/brand/v2statusApi.aspx")
    ('http://sms10692.com', 'https://host/brand')
    """
    if not _is_http_url(url):
        raise ValueError(
            "invalid address of the vendor: expected a URL such as http://127.0.0.1:10692"
            " or http://127.0.0.1:10692/v2sms.aspx"
        )
    parsed = httpx2.URL(url)
    for component, value in (("query string", parsed.query), ("fragment", parsed.fragment)):
        if value:
            raise ValueError(f"the vendor's address contains a {component}: remove the {component}")
    names = [endpoint.path.strip("/") for endpoint in protocol.ENDPOINTS if endpoint.authentication is authentication]
    known = frozenset(map(str.casefold, names))
    segments = parsed.raw_path.partition(b"?")[0].decode("ascii").split("/")
    while segments and (not segments[-1] or segments[-1].casefold() in known):
        del segments[-1]
    if segments and segments[-1].casefold().endswith(".aspx"):
        raise ValueError(
            f"the vendor's address ends in {segments[-1]!a}; with authentication='{authentication.name}' the endpoints"
            f" are {', '.join(names)}"
        )
    return str(parsed.copy_with(raw_path="/".join([*segments, ""]).encode(), fragment=None)).rstrip("/")


def _is_http_url(url: str) -> bool:
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        return False
    return parsed.scheme in {"http", "https"} and is_connectable(parsed)


def is_connectable(url: httpx2.URL) -> bool:
    """Return whether the URL has a host name that can be looked up and a valid port."""
    try:
        url.host.encode("idna")  # name resolution does the same and raises UnicodeError, not an exception of httpx2
    except UnicodeError:
        return False
    return bool(url.host) and (url.port is None or 0 <= url.port < 65536)
