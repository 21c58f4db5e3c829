"""What must be true of every answer, whatever was asked.

Here belongs the judgement about one answer. An answer is read as clients read it, and against the schema.
"""

import json
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from lxml import etree

from fuzz.mutators import FuzzInput

_SCHEMA: Final = Path(__file__).parent.parent.parent / "fixtures" / "schema" / "answers.rng"
_HINT: Final = 1000
_PLAIN: Final = {
    400: ("the body broke off\n",),
    405: ("this page answers GET, HEAD, POST\n",),
    413: ("a body has at most 4194304 bytes here\n",),
}
"""What a page says beside the vendor's words, by status."""

_KEYS: Final = frozenset({"ReturnStatus", "Message", "StatusBox", "CallBox", "ErrorStatus"})
_FORBIDDEN: Final = (b"Traceback", b"Internal Server Error")


class FuzzAnswer(NamedTuple):
    """What came back. The names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@cache
def _schema() -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(_SCHEMA))


def check_vendor_response(one: FuzzInput, answer: FuzzAnswer) -> str | None:
    """What is wrong with an answer of the vendor's pages."""
    status, headers, body = answer
    hint = headers.get("x-mock-hint", "")
    if not (hint.isascii() and hint.isprintable() and len(hint) <= _HINT):
        return f"no hint for a header: {hint!a}"
    if one.method == b"HEAD":
        return None if not body and status == 200 else f"{status} to HEAD, with {len(body)} bytes"
    if status != 200:
        said = body.decode("utf-8", "replace")
        plain = headers["content-type"] == "text/plain; charset=utf-8" and said in _PLAIN.get(status, ())
        return None if plain else f"{status}: {body[:200]!r}"
    media_type, _, charset = headers["content-type"].partition("; charset=")
    if media_type == "application/json":
        return _wrong_of_json(body)
    if media_type != "text/xml" or charset not in ("utf-8", "gb2312"):
        return f"the type is {headers['content-type']}"
    return _wrong_of_xml(body, charset)


def _wrong_of_xml(body: bytes, charset: str) -> str | None:
    declaration = f'<?xml version="1.0" encoding="{charset}" ?>'
    try:
        text = body.decode("gbk" if charset == "gb2312" else charset)
        document = etree.fromstring(text.removeprefix(declaration))
    except (UnicodeDecodeError, etree.XMLSyntaxError) as error:
        return f"not to be read: {error}"
    if not text.startswith(declaration):
        return "another declaration"
    schema = _schema()
    return None if schema.validate(document) else f"not as the schema says: {schema.error_log.last_error}"


def _wrong_of_json(body: bytes) -> str | None:
    try:
        document = json.loads(body)
    except ValueError as error:
        return f"no JSON: {error}"
    return None if isinstance(document, dict) and document.keys() & _KEYS else f"not one of ours: {body[:200]!r}"


def check_control_response(one: FuzzInput, answer: FuzzAnswer) -> str | None:
    """What is wrong with an answer of the control address: an error is an object that says so."""
    status, headers, body = answer
    if status >= 500:
        return f"{status}: {body[:300]!r}"
    if one.method == b"HEAD" or (one.method == b"OPTIONS" and status == 200) or status in (301, 308):
        return None
    if headers.get("content-type", "").startswith("text/plain") and status == 404:
        return None
    try:
        document = json.loads(body)
    except ValueError as error:
        return f"{status}, no JSON: {error}, {body[:200]!r}"
    return (
        None if status < 400 or isinstance(document.get("error"), str) else f"{status} without a word: {body[:200]!r}"
    )


def check_raw_bytes(received: bytes) -> str | None:
    """What is wrong with what came over a socket, of which nobody knows whether it was a request at all."""
    if received and not received.startswith((b"HTTP/1.1 ", b"HTTP/1.0 ")):
        return f"no HTTP: {received[:200]!r}"
    if received[9:10] == b"5" or any(words in received for words in _FORBIDDEN):
        return f"{received[:300]!r}"
    return None
