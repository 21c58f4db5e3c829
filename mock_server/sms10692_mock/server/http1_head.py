"""The heads of HTTP messages (RFC 9112): of a request, from its bytes to what they say; of a response, to its bytes.

Here belong pure functions. The bytes of a target may be any but spaces and control characters, as clients send texts
without encoding them; that is why no library reads them, which all refuse such requests.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

TARGET_LIMIT: Final = 65_534
"""Bytes of a target."""

HEADERS_LIMIT: Final = 100

HEAD_LIMIT: Final = 256 * 1024
"""Bytes of a whole head."""

PHRASES: Final = {int(status): status.phrase for status in HTTPStatus}

_NAME: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE: Final = re.compile(rf"({_NAME}) ([^\0-\x20\x7f]+) HTTP/1\.([01])\r?")
# Possessive, so that a long field that is none costs no more than its length.
_FIELD: Final = re.compile(rf"^({_NAME}+):[ \t]*+([^\0-\x08\n-\x1f\x7f]*+)\r?\n", re.MULTILINE)
_ABSOLUTE: Final = re.compile(r"https?://([^/?]*)", re.IGNORECASE)
_LENGTH: Final = re.compile(r"[0-9]{1,18}")
_LISTS: Final = ("connection",)
_ONCE: Final = ("content-length", "transfer-encoding")


class BadRequest(Exception):
    """What came is no request. Holds the status of the response that says so."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class RequestHead(NamedTuple):
    """What a request says before its body.

    `path` is without percents, `query` as it came. The names of `headers` are as they came; in `said` they are in lower
    case, and the first of a name holds, or what all say of the connection. `length` is None where the body comes in
    chunks. `persists` says that the connection is kept. `authority` is host and port of a target in absolute form; they
    count instead of the header Host (RFC 9112, 3.2.2).
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
    """Read a head, the empty line at its end excluded. Raises NoHttp.

    >>> head = head_from(b"POST /v2sms.aspx?a=b HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 3\\r\\n")
    >>> head.method, head.path, head.query, head.length, head.persists
    ('POST', '/v2sms.aspx', b'a=b', 3, True)
    """
    first, _, rest = raw.decode("latin-1").partition("\n")
    line = _REQUEST_LINE.fullmatch(first)
    if line is None:
        raise BadRequest(400, "the request does not begin with a method, a target and HTTP/1.1")
    method, target, minor = line.groups()
    if len(target) > TARGET_LIMIT:
        raise BadRequest(414, f"a URL has at most {TARGET_LIMIT} bytes here")
    lines = rest.count("\n")
    if lines > HEADERS_LIMIT:
        raise BadRequest(431, f"a request has at most {HEADERS_LIMIT} headers here")
    fields: list[tuple[str, str]] = _FIELD.findall(rest)
    headers = [(name, value.rstrip(" \t")) for name, value in fields]
    if len(headers) != lines:
        raise BadRequest(400, "a header has no name, or a control character in it")
    said = {name.lower(): value for name, value in reversed(headers)}
    if len(said) != len(headers):
        said |= _merge_repeated(headers)
    authority, path, query = _parts(target)
    length, is_1_0 = _length(said), minor == "0"
    connection = said.get("connection")
    persists = not is_1_0 if connection is None else _persists(connection.lower(), is_1_0)
    if is_1_0 and length is None:  # which it does not know: who knows what else is wrong with it
        persists = False
    return RequestHead(method, path, query.encode("latin-1"), headers, said, length, persists, is_1_0, authority)


def _merge_repeated(headers: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """What is said by several headers of a name together. Raises NoHttp."""
    names = Counter(name.lower() for name, _ in headers)
    if any(names[name] > 1 for name in _ONCE):
        raise BadRequest(400, "the length of the body is given twice")
    return {name: ",".join(value for of, value in headers if of.lower() == name) for name in names if name in _LISTS}


def _parts(target: str) -> tuple[str | None, str, str]:
    authority = None
    if not target.startswith("/") and target != "*":
        absolute = _ABSOLUTE.match(target)
        if absolute is None:
            raise BadRequest(400, "the target of a request is a path")
        authority = absolute[1]
        if not authority:
            raise BadRequest(400, "the target of a request has no host")
        target = target[absolute.end() :]
    path, _, query = target.partition("?")
    if "%" in path or not path.isascii():
        path = unquote_to_bytes(path.encode("latin-1")).decode("utf-8", "backslashreplace")
    return authority, path or "/", query


def _length(said: Mapping[str, str]) -> int | None:
    coding, declared = said.get("transfer-encoding"), said.get("content-length")
    if coding is not None:
        if declared is not None:
            raise BadRequest(400, "the body has a length, and comes in chunks")
        if coding.lower() != "chunked":
            raise BadRequest(501, "the only transfer encoding here is chunked")
        return None
    if declared is None:
        return 0
    if _LENGTH.fullmatch(declared) is None:
        raise BadRequest(400, "the length of the body is no number")
    return int(declared)


def _persists(connection: str, is_1_0: bool) -> bool:
    options = [option.strip() for option in connection.split(",")]
    return "close" not in options and (not is_1_0 or "keep-alive" in options)


def format_head(status: int, headers: Iterable[tuple[str, str]], now: int) -> bytes:
    """The head of a response, with the `Date` of a second since 1970, and the empty line at its end."""
    phrase = PHRASES.get(status, "Unknown")
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
    return f"HTTP/1.1 {status} {phrase}\r\n{lines}Date: {_date(now)}\r\n\r\n".encode("latin-1")


@lru_cache(maxsize=1)
def _date(now: int) -> str:
    return formatdate(now, usegmt=True)
