"""Findings about the syntax of forms: text lost at a raw '&', broken escapes, parameters that were sent twice.

They examine the bytes as received, because the decoded fields no longer show what was lost. **A finding shows a part of
a value only if the whole value contains no secret** (`_show_part`): half a password would not be redacted.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from sms10692 import protocol
from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.forms import parse_fields
from sms10692_mock.codec.percent import decode_component
from sms10692_mock.diagnosis.body_kind import (
    MULTIPART,
    are_fields_read,
    classify_body,
    get_content_encoding,
    get_media_type,
    is_form_read,
)
from sms10692_mock.diagnosis.context import REDACTED, DiagnosisContext, Finding, make_finding
from sms10692_mock.diagnosis.parameter_names import KNOWN_NAMES, is_parameter, is_secret

BROKEN_PERCENT: Final = re.compile(rb"%(?![0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})")
_UNENCODED: Final = re.compile(rb"[^A-Za-z0-9*._~%+!'()&,:/@-]|%20")
"""Shows in a value with '+' that the client did not encode a space as '+'."""

_CONTENT: Final = protocol.SEND.parameters[1]
_MOBILE_BYTES: Final = protocol.SEND.parameters[0].encode()
_DIGITS: Final = re.compile(rb"[0-9&]{10,}")
_CONTENT_BYTES: Final = _CONTENT.encode()
_RESERVED: Final = re.compile(rb"[^A-Za-z0-9*._~%+!'()-]")
"""Shows that a client did not percent-encode a value."""
_PARAMETER_NAME: Final = re.compile(r"[A-Za-z_][\w.-]+")
_ESCAPED_AMPERSAND: Final = re.compile(rb"(?i)%%26(%s)%%3D" % "|".join(sorted(KNOWN_NAMES)).encode())
"""Shows in a value that a client escaped several parameters together."""
_ESCAPED_EQUALS: Final = re.compile(rb"(?i)%3d")

_TRAILING_CONTEXT: Final = 12
"""Characters that a finding shows before a lost text."""

_MAX_PAIRS: Final = 20
"""Pairs of a form that are reported, at most: each search for secrets in a value takes as long as the form."""

_DISPOSITION: Final = re.compile(rb"(?im)^content-disposition:([^\r\n]{0,500})")
_PART_NAME: Final = re.compile(rb'(?i)[; ]name="?([^";]+)')
_PART_FILENAME: Final = re.compile(rb"(?i);\s*filename")


def has_unencoded_plus(form: bytes) -> bool:
    """Return whether a value of a form contains a '+' that is probably no space. Linear in the size of the form.

    >>> has_unencoded_plus(b"a=1+1=2"), has_unencoded_plus(b"a=1+1%3D2&b==")
    (True, False)
    """
    for pair in form.split(b"&"):
        if b"+" in pair:
            name, _, value = pair.partition(b"=")
            if _has_lost_plus(name, value):
                return True
    return False


def _has_lost_plus(name: bytes, value: bytes) -> bool:
    """Return whether a '+' in a value is probably no space: spaces are encoded otherwise, or it is the whole text."""
    if _UNENCODED.search(value):
        return True
    return name.lower() == _CONTENT_BYTES and bool(value) and not value.strip(b"+")


_JOINT: Final = re.compile(rb"([;,|\r\n\t ]|\\u0026)\n?([A-Za-z]{4,12})(?:=|%3[Dd])")
"""A separator other than '&' and the name behind it."""

_BYTE_ORDER_MARK: Final = re.compile(rb"(?i)(?:\xef\xbb\xbf|%EF%BB%BF)([^=&]*)")
"""A byte order mark before the first name of a form, and that name."""

_QUOTED_FORM: Final = re.compile(rb"(['\"])([A-Za-z]{4,12})=")

_NESTED_NAME: Final = re.compile(r"[{,<\"'\s]([A-Za-z]{4,12})[\"']?\s*[:>]")
_NESTED_LIMIT: Final = 2000
"""Characters of a value in which names are searched."""

_FEWEST_NAMES: Final = 2
"""Names of parameters in one value that are no accident."""


def check_form_structure(context: DiagnosisContext) -> Iterator[Finding]:
    """Yield the findings about forms of which no parameter, or a wrong one, was read."""
    if context.query and not context.body and _decode_escapes(context.query)[:1] == "{":
        yield make_finding("habit.json-query")
    for form in _get_forms(context):
        if (mark := _BYTE_ORDER_MARK.match(form)) is not None:
            yield make_finding("habit.byte-order-mark", context.quote(_decode_escapes(mark[1])))
        if (quoted := _QUOTED_FORM.match(form)) and quoted[2].decode().lower() in KNOWN_NAMES:
            yield make_finding("habit.quoted-form", quoted[1].decode())
        if form.lstrip()[:1] == b"?":
            yield make_finding("habit.question-mark")
        joints = [joint for joint in _JOINT.finditer(form) if joint[2].decode().lower() in KNOWN_NAMES]
        if len({joint[2].lower() for joint in joints}) >= _FEWEST_NAMES:
            yield make_finding("habit.pairs-not-joined", context.show(_decode_escapes(joints[0][1])))
    if (name := find_nested_request(context)) is not None:
        yield make_finding("habit.nested-request", context.quote(find_sent_names(context).get(name, name)))


def find_nested_request(context: DiagnosisContext) -> str | None:
    """Return the name, in lower case, of a parameter that contains a whole request as JSON or XML."""
    for name, value in context.fields.items():
        if name not in KNOWN_NAMES:
            names = {found[1].lower() for found in _NESTED_NAME.finditer(value[:_NESTED_LIMIT])}
            if len(names & KNOWN_NAMES) >= _FEWEST_NAMES:
                return name
    return None


def check_form_syntax(context: DiagnosisContext) -> Iterator[Finding]:
    """Yield the findings about query string and body."""
    kind = classify_body(context).kind
    if kind not in ("empty", "compressed") and (encoding := get_content_encoding(context)):
        yield make_finding("habit.content-encoding", context.quote(encoding))
    if kind == "multipart":
        yield from _check_parts(context)
    for form in _get_forms(context):
        yield from _check_pairs(context, form)
        yield from _check_lost(context, form)
    if context.query:
        yield from _check_both_places(context)


def find_lost_names(context: DiagnosisContext) -> frozenset[str]:
    """Return the names, in lower case, that are no parameters but parts of a text with a raw '&'."""
    return frozenset(name for form in _get_forms(context) for lost in _find_lost(form) for name in lost.names)


def _get_forms(context: DiagnosisContext) -> Iterator[bytes]:
    if context.query:
        yield context.query
    if is_form_read(context):
        yield context.body


def find_sent_names(context: DiagnosisContext) -> Mapping[str, str]:
    """Return the names of all parameters as they were sent, by the name in lower case."""
    decode = DECODERS[context.request.endpoint.charset]
    names = [
        decode_component(pair.partition(b"=")[0].decode("latin-1"), decode)
        for form in _get_forms(context)
        for pair in form.split(b"&")
    ]
    if get_media_type(context) == MULTIPART:
        parts = (_PART_NAME.search(disposition[1]) for disposition in _DISPOSITION.finditer(context.body))
        names += [decode(part[1]) for part in parts if part is not None]
    return {name.lower(): name for name in reversed(names)}


def _check_parts(context: DiagnosisContext) -> Iterator[Finding]:
    names: Counter[str] = Counter()
    for disposition in _DISPOSITION.finditer(context.body):
        found = _PART_NAME.search(disposition[1])
        name = found[1].decode("utf-8", "replace") if found else ""
        if _PART_FILENAME.search(disposition[1]):
            yield make_finding("habit.part-with-filename", context.quote(name))
        else:
            names[name.lower()] += 1
    yield from _check_repeated(context, names)


def _check_repeated(context: DiagnosisContext, names: Counter[str]) -> Iterator[Finding]:
    for repeated, count in names.items():
        if count > 1 and repeated in KNOWN_NAMES:
            shown = context.show(find_sent_names(context).get(repeated, repeated))
            yield make_finding("habit.repeated-parameter", shown, str(count))


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _decode_escapes(raw: bytes) -> str:
    return decode_component(raw.decode("latin-1"), _decode)


def _show_part(context: DiagnosisContext, name: bytes, value: bytes, part: bytes | str) -> str:
    """Return a part of a value for a sentence; only the placeholder if the whole value is or contains a secret."""
    once = _decode_escapes(value)
    whole = once, _decode_escapes(once.encode()), _decode_escapes(value.replace(b"+", b"%2B")), _decode(value)
    if is_secret(_decode_escapes(name)) or any(map(context.has_secret, whole)):
        return REDACTED
    return context.show(_decode_escapes(part) if isinstance(part, bytes) else part)


def _check_pairs(context: DiagnosisContext, form: bytes) -> Iterator[Finding]:
    names: Counter[str] = Counter()
    reported = 0
    for pair in form.split(b"&"):
        name, equals, value = pair.partition(b"=")
        if not equals:
            escaped = _ESCAPED_EQUALS.search(pair)
            if escaped and reported < _MAX_PAIRS and _is_escaped_pair(pair):
                reported += 1
                name, value = pair[: escaped.start()], pair[escaped.end() :].partition(b"%26")[0]  # only one pair
                shown = _show_part(context, name, value, value)
                yield make_finding(
                    "habit.escaped-pair", f"{context.show(_decode_escapes(name))}{_decode(escaped[0])}{shown}"
                )
            continue
        names[_decode_escapes(name).lower()] += 1
        broken = BROKEN_PERCENT.search(value)
        is_unencoded_plus = b"+" in value and (_has_lost_plus(name, value) or broken or not value.isascii())
        if (inner := _ESCAPED_AMPERSAND.search(value)) and name.lower() != _CONTENT_BYTES and reported < _MAX_PAIRS:
            reported += 1
            yield make_finding("habit.escaped-ampersand", context.show(_decode_escapes(name)), _decode(inner[1]))
        if not (broken or is_unencoded_plus) or reported == _MAX_PAIRS:
            continue
        reported += 1
        shown_name = context.show(_decode_escapes(name))
        if broken:
            near = value[max(0, broken.start() - _TRAILING_CONTEXT) : broken.start() + 4].replace(b"%", b"%25")
            yield make_finding("habit.broken-percent", shown_name, _show_part(context, name, value, near))
        if is_unencoded_plus:
            index = value.index(b"+")
            near = value[max(0, index - _TRAILING_CONTEXT) : index + 4].replace(b"+", b"%2B")
            yield make_finding("habit.plus-as-space", shown_name, _show_part(context, name, value, near))
    yield from _check_repeated(context, names)


def _is_escaped_pair(pair: bytes) -> bool:
    """Return whether a pair without '=' is the name of a parameter, an escaped '=', and a value."""
    name = _ESCAPED_EQUALS.split(pair, maxsplit=1)[0]
    return len(name) < len(pair) and is_parameter(_decode_escapes(name))


class _LostText(NamedTuple):
    """The parts of a value after its raw '&'. `names` are those of the parts that look like parameters."""

    name: bytes
    value: bytes
    text: bytes
    names: tuple[str, ...]


def _find_lost(form: bytes) -> Iterator[_LostText]:
    """Yield the texts of a form that follow a raw '&', all parts after one value as one text."""
    name, value, parts, names = b"", b"", list[bytes](), list[str]()
    for pair in (*form.split(b"&"), b"="):
        next_name, equals, next_value = pair.partition(b"=")
        if not equals and (_is_escaped_pair(pair) or is_parameter(_decode_escapes(pair))):
            continue
        if not equals:
            if name and pair.strip():
                parts.append(pair)
            continue
        decoded = _decode_escapes(next_name)
        if _decode_escapes(name).lower() == _CONTENT and _is_text(decoded, value):
            parts.append(pair)
            names.append(decoded.lower())
            continue
        if parts:
            yield _LostText(name, value, b"&".join(parts), tuple(names))
        name, value, parts, names = next_name, next_value, [], []


def _is_text(name: str, content: bytes) -> bool:
    """Return whether a name after the content is a part of its text: the content is not encoded, or it is no name."""
    if not name.strip() or is_parameter(name) or name == "rt":
        return False
    return _PARAMETER_NAME.fullmatch(name) is None or _RESERVED.search(content) is not None


def _check_lost(context: DiagnosisContext, form: bytes) -> Iterator[Finding]:
    for lost in _find_lost(form):
        whole = lost.value + b"&" + lost.text
        if lost.name.lower() == _MOBILE_BYTES and _DIGITS.fullmatch(lost.text):
            yield make_finding("habit.numbers-lost", _show_part(context, lost.name, whole, lost.text))
            continue
        end = _decode_escapes(lost.value)[-_TRAILING_CONTEXT:]
        yield make_finding(
            "habit.text-lost",
            _show_part(context, lost.name, whole, lost.text.strip()),
            context.show(_decode_escapes(lost.name)),
            _show_part(context, lost.name, whole, end),
        )


def _check_both_places(context: DiagnosisContext) -> Iterator[Finding]:
    in_query = parse_fields(context.query, "", b"", _decode)
    if not are_fields_read(context):
        return
    sent_names = find_sent_names(context)
    in_body = parse_fields(b"", context.content_type, context.body, _decode)
    for name in in_query.keys() & in_body.keys():
        if in_query[name] != in_body[name]:
            shown = REDACTED if is_secret(name) else context.show(in_query[name])
            yield make_finding("habit.query-and-body", context.show(sent_names.get(name, name)), shown)
