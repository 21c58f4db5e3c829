"""Findings about requests that did not reach the vendor: invalid HTTP, broken bodies, methods, other sites."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from sms10692.protocol import ENDPOINTS
from sms10692_mock.diagnosis.context import Finding, make_finding
from sms10692_mock.diagnosis.messages import MESSAGES
from sms10692_mock.diagnosis.phrases import Phrase
from sms10692_mock.domain.api_request import match_endpoint
from sms10692_mock.domain.records import LoggedRequest

UNKNOWN_PATH: Final = "unknown-path"
"""The cause of a request to a path that is no endpoint."""

_VALUE_LIMIT: Final = 80
"""Maximum number of characters of a value in a finding."""

_HARMLESS_BEGINNING: Final = re.compile(rb"[A-Za-z*:/ .\-]{1,24}|[^\x20-\x7e].{0,2}|.{0,3}", re.DOTALL)
"""The part of an invalid request that may be shown. The rest may contain phone numbers, passwords and signatures."""

_JOINED: Final = re.compile(r"(?:[&;,?]|%3[Ff])?([A-Za-z]\w*=.*)", re.DOTALL)
"""Parameters behind the path of an endpoint, without a question mark or with an escaped one."""
_PARAMETERS: Final = re.compile("[&=;?]")
_LENGTH_HEADERS: Final = re.compile(rb"(?im)^((?:content-length|transfer-encoding)[ \t]*:[^\r\n]*)")
_WRONG_HEADER: Final = re.compile(rb"(?m)^(?![!#$%&'*+\-.^_`|~0-9A-Za-z]+:)([^\r\n:]{1,80})")


def describe_beginning(received: bytes) -> str:
    """Return the harmless beginning of bytes that are no HTTP request: ASCII, at most 24 characters.

    >>> describe_beginning(b"GET /v2sms.aspx?sign=5cc6 HTTP/1.1")
    'GET /v'
    """
    beginning = _HARMLESS_BEGINNING.match(received)
    return "" if beginning is None else ascii(beginning[0].decode("latin-1"))[1:-1]


def explain_unknown_path(path: str) -> Finding:
    """Return the finding about a path that is not served: it names the endpoints.

    An endpoint is not served if only those with another authentication are.
    """
    if (joined := find_joined_parameters(path)) is not None:
        return make_finding("http.question-mark-missing", joined[0], joined[0])
    own = match_endpoint(path)
    served = [each.path for each in ENDPOINTS if own is None or each.authentication is not own.authentication]
    return make_finding("http.unknown-path", ascii(cut_parameters(path)[:64])[1:-1], ", ".join(served))


def find_joined_parameters(path: str) -> tuple[str, str] | None:
    """Return the endpoint and the query string of a path to which parameters were joined without a question mark.

    >>> find_joined_parameters("/v2sms.aspx&action=send&userid=12"), find_joined_parameters("/V2sms.aspxaction=send")
    (('/v2sms.aspx', 'action=send&userid=12'), ('/v2sms.aspx', 'action=send'))
    >>> find_joined_parameters("/v2sms.aspx"), find_joined_parameters("/v2sms.aspx.bak"), find_joined_parameters("/x=1")
    (None, None, None)
    """
    for endpoint in ENDPOINTS:
        bare = f"/{path.lstrip('/')}"
        if bare.lower().startswith(endpoint.path.lower()):
            query = _JOINED.fullmatch(bare, len(endpoint.path))
            if query is not None:
                return endpoint.path, query[1]
    return None


def cut_parameters(path: str) -> str:
    """Return a path up to parameters that were joined to it without a question mark: these may be secrets.

    >>> cut_parameters("/v2sms.aspx&sign=5cc6"), cut_parameters("/v2sms.aspx")
    ('/v2sms.aspx', '/v2sms.aspx')
    """
    return _PARAMETERS.split(path, maxsplit=1)[0]


def rejection_findings(entry: LoggedRequest) -> tuple[Finding, ...]:
    """Return the cause for which a request did not reach the vendor; empty if the request did."""
    if entry.rejection == UNKNOWN_PATH:
        return (explain_unknown_path(entry.path),)
    code = f"http.{entry.rejection}"
    if code not in MESSAGES:
        return ()
    return (make_finding(code, _VALUES.get(entry.rejection, _beginning)(entry)),)


def _beginning(entry: LoggedRequest) -> str:
    return f"'{describe_beginning(entry.body)}…'"


def _method(entry: LoggedRequest) -> str:
    return entry.method


def _reason(entry: LoggedRequest) -> str:
    """Return the reason in the response, which names the limit."""
    reason = entry.response_body.decode("utf-8", "replace").strip()
    for template, pattern in _REASONS:
        if matched := pattern.fullmatch(reason):
            return Phrase(template, *matched.groups())
    return reason


LENGTH_TOO_SMALL: Final = "length-too-small"
"""The cause of bytes that follow a body whose Content-Length is too small."""


def find_declared_length(entry: LoggedRequest) -> int:
    """Return the Content-Length that was too small, which the response names; -1 if it does not."""
    matched = re.search(rb"Content-Length is (\d+)", entry.response_body)
    return int(matched[1]) if matched else -1


def _compile_reason(template: str) -> re.Pattern[str]:
    return re.compile(re.escape(template).replace(r"\{\}", r"(\d+)"))


_REASONS: Final = [
    (template, _compile_reason(template))
    for template in (
        "a URL has at most {} bytes here",
        "a request has at most {} headers here",
        "a head has at most {} bytes here",
        "trailers have at most {} bytes here",
        "a body has at most {} bytes here",
        "a line between chunks has at most {} bytes here",
        "a chunk is longer than it says",
        "a chunk has no length",
        "{} bytes follow a POST without Content-Length",
        "{} bytes follow a body whose Content-Length is {}: it counts bytes, not characters",
        "{} bytes of a request came, and more than {} bytes of unfinished requests are being received: try again",
        "{} bytes of a chunked body came without its last chunk, and more than {} bytes of unfinished requests are "
        "being received: try again",
        "{} of {} bytes came (Content-Length is {}, and counts bytes, not characters), and more than {} bytes of "
        "unfinished requests are being received: try again",
    )
]
"""The reasons of the server that a finding names, with a pattern of each."""


def _received_bytes(entry: LoggedRequest) -> str:
    """Return the number of bytes of an incomplete body that were received, and the declared number."""
    lengths = (value for name, value in entry.headers if name.lower() == "content-length")
    return f"{len(entry.body)} / {next(lengths, '?')}"


def _length_headers(entry: LoggedRequest) -> str:
    if entry.method:
        lines = [f"{name}: {value}" for name, value in entry.headers if name.lower() == "content-length"]
    else:
        lines = [line.decode("latin-1") for line in _LENGTH_HEADERS.findall(entry.body)]
    return ascii(", ".join(lines))[1:-1]


def _wrong_header(entry: LoggedRequest) -> str:
    """Return the name, or the text in its place, of the first header that is none."""
    _, _, headers = entry.body.partition(b"\n")
    found = _WRONG_HEADER.search(headers)
    return "" if found is None else f"'{ascii(found[1].partition(b'=')[0].decode('latin-1'))[1:-1]}'"


def _last_word(entry: LoggedRequest) -> str:
    """Return the last word of the reason in the response: a port, or OpenSSL's name of what failed."""
    return entry.response_body.decode("ascii", "replace").split()[-1].strip("()")


_VALUES: Final[Mapping[str, Callable[[LoggedRequest], str]]] = {
    "method": _method,
    "cross-site": _method,
    "tls-port": _last_word,
    "tls-untrusted": _last_word,
    "tls-handshake": _last_word,
    "body-cut": _received_bytes,
    "body-stalled": _received_bytes,
    "body-too-large": _reason,
    "overload": _reason,
    "url-too-long": _reason,
    "too-many-headers": _reason,
    "head-too-long": _reason,
    "trailers-too-long": _reason,
    "chunk": _reason,
    LENGTH_TOO_SMALL: _reason,
    "length-missing": _reason,
    "length-twice": _length_headers,
    "length-and-chunks": _length_headers,
    "length-not-a-number": _length_headers,
    "transfer-encoding": _length_headers,
    "header": _wrong_header,
    "folded-header": _wrong_header,
    "space-before-colon": _wrong_header,
}
"""By cause: the value that its finding names. Default: the beginning of the received bytes."""
