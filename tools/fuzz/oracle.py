"""Oracle of the fuzzer: rules that hold for every response, whatever the request was.

Each `check_*` function returns None for a correct response, or a description of what is wrong. XML is validated against
the RELAX NG schema in `fixtures/schema`.
"""

import json
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from lxml import etree

from fuzz.corpus import FuzzInput

_SCHEMA: Final = Path(__file__).parent.parent.parent / "fixtures" / "schema" / "answers.rng"
_MAX_HINT: Final = 1000
_PLAIN_BODIES: Final = {
    400: ("the body broke off\n",),
    405: ("this page answers GET, HEAD, POST\n",),
    413: ("a body has at most 4194304 bytes here\n",),
}
"""Plain-text bodies of the vendor's endpoints, by status."""

_JSON_KEYS: Final = frozenset({"ReturnStatus", "Message", "StatusBox", "CallBox", "ErrorStatus"})
_FORBIDDEN_BYTES: Final = (b"Traceback", b"Internal Server Error")


class FuzzResponse(NamedTuple):
    """A response. The names of the headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@cache
def _load_schema() -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(_SCHEMA))


def check_vendor_response(request: FuzzInput, response: FuzzResponse) -> str | None:
    """Check a response of one of the vendor's endpoints."""
    status, headers, body = response
    hint = headers.get("x-mock-hint", "")
    if not (hint.isascii() and hint.isprintable() and len(hint) <= _MAX_HINT):
        return f"the hint is not a valid header value: {hint!a}"
    if request.method == b"HEAD":
        return None if not body and status == 200 else f"{status} to HEAD, with {len(body)} bytes"
    if status != 200:
        text = body.decode("utf-8", "replace")
        plain = headers["content-type"] == "text/plain; charset=utf-8" and text in _PLAIN_BODIES.get(status, ())
        return None if plain else f"{status}: {body[:200]!r}"
    media_type, _, charset = headers["content-type"].partition("; charset=")
    if media_type == "application/json":
        return _check_json(body)
    if media_type != "text/xml" or charset not in ("utf-8", "gb2312"):
        return f"unexpected content type {headers['content-type']}"
    return _check_xml(body, charset)


def _check_xml(body: bytes, charset: str) -> str | None:
    declaration = f'<?xml version="1.0" encoding="{charset}" ?>'
    try:
        text = body.decode("gbk" if charset == "gb2312" else charset)
        document = etree.fromstring(text.removeprefix(declaration))
    except (UnicodeDecodeError, etree.XMLSyntaxError) as error:
        return f"the XML cannot be parsed: {error}"
    if not text.startswith(declaration):
        return "unexpected XML declaration"
    schema = _load_schema()
    return None if schema.validate(document) else f"the XML violates the schema: {schema.error_log.last_error}"


def _check_json(body: bytes) -> str | None:
    try:
        document = json.loads(body)
    except ValueError as error:
        return f"the body is not JSON: {error}"
    return None if isinstance(document, dict) and document.keys() & _JSON_KEYS else f"unexpected JSON: {body[:200]!r}"


def check_control_response(request: FuzzInput, response: FuzzResponse) -> str | None:
    """Check a response of the control API: no 5xx, and every error is a JSON object with the key `error`."""
    status, headers, body = response
    if status >= 500:
        return f"{status}: {body[:300]!r}"
    if request.method == b"HEAD" or (request.method == b"OPTIONS" and status == 200) or status in (301, 308):
        return None
    if headers.get("content-type", "").startswith("text/plain") and status == 404:
        return None
    try:
        document = json.loads(body)
    except ValueError as error:
        return f"{status}, and the body is not JSON: {error}, {body[:200]!r}"
    return (
        None
        if status < 400 or isinstance(document.get("error"), str)
        else f"{status} without an error message: {body[:200]!r}"
    )


def check_raw_response(received: bytes) -> str | None:
    """Check bytes received over a socket. The request may have been no valid HTTP."""
    if received and not received.startswith((b"HTTP/1.1 ", b"HTTP/1.0 ")):
        return f"the response is not HTTP: {received[:200]!r}"
    if received[9:10] == b"5" or any(words in received for words in _FORBIDDEN_BYTES):
        return f"{received[:300]!r}"
    return None
