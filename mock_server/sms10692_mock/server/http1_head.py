"""HTTP/1 request-head parser and response-head writer (RFC 9112). Pure functions without I/O.

A request target may contain any bytes except spaces and control characters, because real clients send UTF-8 and GBK
text in it without percent-encoding. The parsers of h11 and httptools refuse such requests.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

from sms10692_mock.server.bad_request import BadRequest, explain_beginning

TARGET_LIMIT: Final = 65_534
"""Maximum length of a request target in bytes."""

HEADERS_LIMIT: Final = 100
"""Maximum number of header fields."""

HEAD_LIMIT: Final = 256 * 1024
"""Maximum length of a head in bytes, from the request line to the empty line."""

REASON_PHRASES: Final = {int(status): status.phrase for status in HTTPStatus}

_NAME: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE: Final = re.compile(rf"({_NAME}) ([^\0-\x20\x7f]+) HTTP/1\.([01])\r?")
# Possessive quantifiers: a long line that does not match takes linear time.
_FIELD: Final = re.compile(rf"^({_NAME}+):[ \t]*+([^\0-\x08\n-\x1f\x7f]*+)\r?\n", re.MULTILINE)
_ABSOLUTE: Final = re.compile(r"https?://([^/?]*)", re.IGNORECASE)
_LENGTH: Final = re.compile(r"[0-9]{1,18}")
_LENGTH_LIST: Final = re.compile(r"[0-9]+(?:[ \t]*,[ \t]*[0-9]+)+")
_SPACE_BEFORE_COLON: Final = re.compile(rf"^{_NAME}+[ \t]+:", re.MULTILINE)
_CONTINUATION: Final = re.compile(r"^[ \t]+\S", re.MULTILINE)
_LIST_HEADERS: Final = ("connection",)
_SINGLE_HEADERS: Final = ("content-length", "transfer-encoding")


class RequestHead(NamedTuple):
    """A parsed request head.

    `path`: percent-decoded. `query`: undecoded bytes.
    `headers`: all fields in their order, names as received.
    `headers_lower`: lower-case names; of a repeated field the first value, of Connection all values joined.
    `length`: Content-Length, 0 without a body, None for a chunked body.
    `keep_alive`: whether the connection stays open after the response.
    `authority`: host and port of a target in absolute form, which take precedence over Host (RFC 9112, 3.2.2).
    """

    method: str
    path: str
    query: bytes
    headers: Sequence[tuple[str, str]]
    headers_lower: Mapping[str, str]
    length: int | None
    keep_alive: bool
    is_http10: bool
    authority: str | None = None


def parse_head(raw: bytes) -> RequestHead:
    """Parse a request head without the empty line at its end. Raises BadRequest.

    >>> head = parse_head(b"POST /v2sms.aspx?a=b HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 3\\r\\n")
    >>> head.method, head.path, head.query, head.length, head.keep_alive
    ('POST', '/v2sms.aspx', b'a=b', 3, True)
    """
    request_line, _, rest = raw.decode("latin-1").partition("\n")
    matched = _REQUEST_LINE.fullmatch(request_line)
    if matched is None:
        raise explain_beginning(raw)
    method, target, minor = matched.groups()
    if method == "CONNECT":
        raise explain_beginning(raw)
    if len(target) > TARGET_LIMIT:
        raise BadRequest(414, "url-too-long", f"a URL has at most {TARGET_LIMIT} bytes here")
    field_count = rest.count("\n")
    if field_count > HEADERS_LIMIT:
        raise BadRequest(431, "too-many-headers", f"a request has at most {HEADERS_LIMIT} headers here")
    fields: list[tuple[str, str]] = _FIELD.findall(rest)
    headers = [(name, value.rstrip(" \t")) for name, value in fields]
    if len(headers) != field_count:
        raise _explain_header(rest)
    headers_lower = {name.lower(): value for name, value in reversed(headers)}
    if len(headers_lower) != len(headers):
        headers_lower |= _merge_repeated(headers)
    authority, path, query = _split_target(target)
    length, is_http10 = _body_length(headers_lower), minor == "0"
    connection = headers_lower.get("connection")
    keep_alive = not is_http10 if connection is None else _keep_alive(connection.lower(), is_http10)
    if is_http10 and length is None:  # HTTP/1.0 has no chunks, so the end of this request is doubtful
        keep_alive = False
    return RequestHead(
        method, path, query.encode("latin-1"), headers, headers_lower, length, keep_alive, is_http10, authority
    )


def _merge_repeated(headers: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """Join the values of repeated list headers. Raises BadRequest for a repeated header that defines the length."""
    names = Counter(name.lower() for name, _ in headers)
    if any(names[name] > 1 for name in _SINGLE_HEADERS):
        raise BadRequest(400, "length-twice", "the length of the body is given twice")
    return {
        name: ",".join(value for other, value in headers if other.lower() == name)
        for name in names
        if name in _LIST_HEADERS
    }


def _split_target(target: str) -> tuple[str | None, str, str]:
    authority = None
    if not target.startswith("/") and target != "*":
        absolute = _ABSOLUTE.match(target)
        if absolute is None:
            raise BadRequest(400, "target", "the target of a request is a path")
        authority = absolute[1]
        if not authority:
            raise BadRequest(400, "target", "the target of a request has no host")
        target = target[absolute.end() :]
    path, _, query = target.partition("?")
    if "%" in path or not path.isascii():
        path = unquote_to_bytes(path.encode("latin-1")).decode("utf-8", "backslashreplace")
    return authority, path or "/", query


def _body_length(headers_lower: Mapping[str, str]) -> int | None:
    coding, declared = headers_lower.get("transfer-encoding"), headers_lower.get("content-length")
    if coding is not None:
        if declared is not None:
            raise BadRequest(400, "length-and-chunks", "the body has a length, and comes in chunks")
        if coding.lower() != "chunked":
            raise BadRequest(501, "transfer-encoding", "the only transfer encoding here is chunked")
        return None
    if declared is None:
        return 0
    if _LENGTH.fullmatch(declared) is None:
        if _LENGTH_LIST.fullmatch(declared):
            raise BadRequest(400, "length-twice", "the length of the body is given twice")
        raise BadRequest(400, "length-not-a-number", "the length of the body is no number")
    return int(declared)


def _explain_header(lines: str) -> BadRequest:
    if _CONTINUATION.search(lines):
        return BadRequest(400, "folded-header", "a header is continued on the next line, which HTTP no longer allows")
    if _SPACE_BEFORE_COLON.search(lines):
        return BadRequest(400, "space-before-colon", "a space stands before the colon of a header")
    return BadRequest(400, "header", "a header has no name, or a control character in it")


def _keep_alive(connection: str, is_http10: bool) -> bool:
    options = [option.strip() for option in connection.split(",")]
    return "close" not in options and (not is_http10 or "keep-alive" in options)


def format_head(status: int, headers: Iterable[tuple[str, str]], now: int) -> bytes:
    """Return the bytes of a response head, including the empty line. `now` (Unix time) becomes the header Date."""
    phrase = REASON_PHRASES.get(status, "Unknown")
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
    return f"HTTP/1.1 {status} {phrase}\r\n{lines}Date: {_http_date(now)}\r\n\r\n".encode("latin-1")


@lru_cache(maxsize=1)
def _http_date(now: int) -> str:
    return formatdate(now, usegmt=True)
