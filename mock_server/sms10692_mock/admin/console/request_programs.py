"""A logged request as a program that sends the same bytes, in each language of the snippets.

The programs are in `templates/snippets/request`. **Clients choose the content of a logged request.** A body of
printable ASCII is a literal, any other is base64, so no byte of it can end a literal.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from sms10692_mock.admin.console.export_request import as_curl, request_target, to_line
from sms10692_mock.admin.console.snippets import snippet_environment
from sms10692_mock.diagnosis.service import content_type
from sms10692_mock.domain.api_request import match_endpoint
from sms10692_mock.domain.records import LoggedRequest

PROGRAMS: Final[Mapping[str, str]] = {
    "python": "Python",
    "php": "PHP",
    "java": "Java",
    "csharp": "C#",
    "node": "Node",
    "go": "Go",
}
"""Display names, by the name of the template."""

_EXACT: Final = frozenset({"python", "php"})
"""Languages whose HTTP client sends any method, address and header. The others refuse or change some."""

_PRINTABLE: Final = re.compile(rb"[\x20-\x7e]*")
_PLAIN_METHOD: Final = re.compile("[A-Z]{1,20}")
_PLAIN_KIND: Final = re.compile(r"[\x20-\x7e]*")
_PLAIN_QUERY: Final = re.compile(rb"(?:[^%\[\]]|%[0-9A-Fa-f]{2})*")
_MAX_LITERAL: Final = 45_000
"""Bytes of a body whose base64 still fits into a string constant of Java."""


def as_programs(entry: LoggedRequest, url: str) -> dict[str, str]:
    """Render the request as a curl command and as a program in each language that can send it unchanged."""
    names = PROGRAMS if is_plain(entry) else [name for name in PROGRAMS if name in _EXACT]
    return {"curl": as_curl(entry, url)} | {name: as_program(name, entry, url) for name in names}


def is_plain(entry: LoggedRequest) -> bool:
    """Whether the HTTP client of every language sends this request unchanged."""
    endpoint = match_endpoint(entry.path)
    return (
        endpoint is not None
        and entry.path.casefold() == endpoint.path.casefold()
        and _PLAIN_METHOD.fullmatch(entry.method) is not None
        and _PLAIN_KIND.fullmatch(content_type(entry)) is not None
        and _PLAIN_QUERY.fullmatch(entry.query) is not None
        and len(entry.body) <= _MAX_LITERAL
    )


def as_program(name: str, entry: LoggedRequest, url: str) -> str:
    """Render the request in one language; `url` is the address without a path, or with the prefix of a proxy."""
    address, endpoint = urlsplit(url), match_endpoint(entry.path)
    is_text = _PRINTABLE.fullmatch(entry.body) is not None
    return (
        snippet_environment()
        .get_template(f"request/{name}.txt")
        .render(
            method=to_line(entry.method).decode("latin-1"),
            url=f"{url}{request_target(entry)}",
            netloc=address.netloc,
            target=f"{address.path}{request_target(entry)}",
            is_tls=address.scheme == "https",
            kind=to_line(content_type(entry)).decode("latin-1"),
            body=entry.body.decode("ascii") if is_text else entry.body,
            is_text=is_text,
            base64=b64encode(entry.body).decode(),
            codec="utf-8" if endpoint is None or endpoint.charset == "utf-8" else "gbk",
        )
    )
