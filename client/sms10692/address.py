"""The vendor's address as users have it: with the page, as the manual prints it, or without."""

from typing import Final

import httpx2

from sms10692 import protocol

_PAGES: Final = frozenset(page.path.strip("/").casefold() for page in protocol.ENDPOINTS)


def parse_address(url: str) -> str:
    """Return the address without its page and without a slash at the end; a path before the page is kept.

    Raises ValueError for what is no address, and for a query string or a fragment. The message does not repeat the
    address, which may hold a password.

    >>> parse_address("http://sms10692.com/v2SMS.aspx/"), parse_address("https://host/brand/v2statusApi.aspx")
    ('http://sms10692.com', 'https://host/brand')
    """
    if not _is_http(url):
        raise ValueError(
            "the vendor's address is like http://127.0.0.1:10692 or http://127.0.0.1:10692/v2sms.aspx,"
            " and what was given is not"
        )
    parsed = httpx2.URL(url)
    for part, value in (("query string", parsed.query), ("fragment", parsed.fragment)):
        if value:
            raise ValueError(f"the vendor's address has a {part}, which it must not: give it without")
    segments = parsed.raw_path.partition(b"?")[0].decode("ascii").split("/")
    while segments and (not segments[-1] or segments[-1].casefold() in _PAGES):
        del segments[-1]
    if segments and segments[-1].casefold().endswith(".aspx"):
        raise ValueError(
            f"the vendor's address ends in the page {segments[-1]!a}, and the manual's are"
            f" {', '.join(page.path.strip('/') for page in protocol.ENDPOINTS)}"
        )
    return str(parsed.copy_with(raw_path="/".join([*segments, ""]).encode(), fragment=None)).rstrip("/")


def _is_http(url: str) -> bool:
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        return False
    return parsed.scheme in {"http", "https"} and can_connect(parsed)


def can_connect(url: httpx2.URL) -> bool:
    """Whether a connection to the host and the port of a URL can be tried at all."""
    try:
        url.host.encode("idna")  # as every name look-up does, with an error that is none of httpx2's
    except UnicodeError:
        return False
    return bool(url.host) and (url.port is None or 0 <= url.port < 65536)
