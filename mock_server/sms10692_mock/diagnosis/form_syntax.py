"""Findings about the syntax of forms: text lost at a raw '&', broken escapes, parameters that were sent twice.

They examine the bytes as received, because the decoded fields no longer show what was lost.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_plus

from sms10692 import protocol
from sms10692_mock.codec.forms import parse_fields
from sms10692_mock.diagnosis.context import DiagnosisContext, Finding, make_finding

KNOWN_NAMES: Final = frozenset(
    name.lower()
    for parameters in (protocol.SIGNED.parameters, *(operation.parameters for operation in protocol.OPERATIONS))
    for name in parameters
)
"""Every parameter of the manual, in lower case."""

BROKEN_PERCENT: Final = re.compile(rb"%(?![0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})")
UNENCODED_PLUS: Final = re.compile(rb"=(?=[^&]*\+)[^&]*?(?:[^A-Za-z0-9*._~%+!'()&,:/@-]|%20)")
"""A value with '+' in which something else shows that the client did not encode a space as '+'."""

_TRAILING_CONTEXT: Final = 12
"""Characters that a finding shows before a lost text."""

_FILE_PART: Final = re.compile(rb'(?i)content-disposition:[^\r\n]*[; ]name="?([^";\r\n]+)"?[^\r\n]*;\s*filename')
_GZIP: Final = b"\x1f\x8b"


def is_compressed(context: DiagnosisContext) -> bool:
    """Return whether the body is compressed, which the endpoints do not decode."""
    if context.body[: len(_GZIP)] == _GZIP:
        return True
    return any(
        name.lower() == "content-encoding" and value.strip().lower() not in ("", "identity")
        for name, value in context.headers
    )


def check_form_syntax(context: DiagnosisContext) -> Iterator[Finding]:
    """Yield the findings about query string and body."""
    if context.body and is_compressed(context):
        yield make_finding("habit.compressed-body")
        body = b""
    else:
        body = context.body
    media_type = context.content_type.partition(";")[0].strip().lower()
    if media_type == "multipart/form-data":
        for name in _FILE_PART.findall(body):
            yield make_finding("habit.part-with-filename", context.quote(name.decode("utf-8", "replace")))
        body = b""
    elif "json" in media_type or body.lstrip()[:1] in (b"{", b"["):
        body = b""
    for form in (context.query, body):
        if form:
            yield from _check_pairs(context, form)
    if context.query and body:
        yield from _check_both_places(context, body)


def _show(context: DiagnosisContext, raw: bytes) -> str:
    return context.show(unquote_plus(raw.decode("utf-8", "replace")))


def _check_pairs(context: DiagnosisContext, form: bytes) -> Iterator[Finding]:
    pairs = form.split(b"&")
    names: Counter[str] = Counter()
    previous: tuple[bytes, bytes] | None = None
    for pair in pairs:
        name, equals, value = pair.partition(b"=")
        if not equals:
            yield from _check_lost(context, pair, previous)
            continue
        names[unquote_plus(name.decode("latin-1")).lower()] += 1
        previous = name, value
        if broken := BROKEN_PERCENT.search(value):
            near = value[max(0, broken.start() - _TRAILING_CONTEXT) : broken.start() + 4]
            yield make_finding("habit.broken-percent", _show(context, name), _show(context, near.replace(b"%", b"%25")))
        if b"+" in value and (UNENCODED_PLUS.search(b"=" + value) or broken or not value.isascii()):
            index = value.index(b"+")
            near = value[max(0, index - _TRAILING_CONTEXT) : index + 4].replace(b"+", b"%2B")
            yield make_finding("habit.plus-as-space", _show(context, name), _show(context, near))
    for repeated, count in names.items():
        if count > 1 and repeated in KNOWN_NAMES:
            yield make_finding("habit.repeated-parameter", context.show(repeated), str(count))


def _check_lost(context: DiagnosisContext, pair: bytes, previous: tuple[bytes, bytes] | None) -> Iterator[Finding]:
    text = pair.strip()
    if re.search(rb"(?i)%3d", text):
        yield make_finding("habit.escaped-pair", context.show(text.decode("latin-1")))
    elif text and previous is not None and unquote_plus(text.decode("latin-1")).strip().lower() not in KNOWN_NAMES:
        name, value = previous
        end = unquote_plus(value.decode("utf-8", "replace"))[-_TRAILING_CONTEXT:]
        yield make_finding("habit.text-lost", _show(context, text), _show(context, name), context.show(end))


def _check_both_places(context: DiagnosisContext, body: bytes) -> Iterator[Finding]:
    in_query = parse_fields(context.query, "", b"", _decode)
    in_body = parse_fields(b"", context.content_type, body, _decode)
    for name in in_query.keys() & in_body.keys():
        if in_query[name] != in_body[name]:
            yield make_finding("habit.query-and-body", context.show(name), context.show(in_query[name]))


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
