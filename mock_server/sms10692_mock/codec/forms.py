"""Parser of query strings, forms and multipart bodies, with the rules of `Request[name]` in ASP.NET (R14, R16).

Escapes within one name or value are decoded by `percent`.
"""

from typing import Final, NamedTuple, TypeAlias

from sms10692_mock.codec.percent import Decoder, decode_component
from sms10692_mock.lazy_imports import LAZY_IMPORT_LOCK

Fields: TypeAlias = dict[str, str]
"""Values by lower-case name."""

FORM: Final = "application/x-www-form-urlencoded"
"""Content-Type of a conventional request body."""

_MAX_PARTS: Final = 1000


class ParsedForm(NamedTuple):
    """The fields of a request, and what the parser saw of its form.

    `is_form`: there is no query string, and the body has the conventional Content-Type. `is_regular`: it is such a form
    in ASCII without '+', without a repeated name, and with '=' in each pair. `escaped` is how many of its pairs were
    decoded.
    """

    fields: Fields
    is_form: bool
    is_regular: bool
    escaped: int


def parse_form(query: bytes, content_type: str, body: bytes, decode: Decoder) -> ParsedForm:
    """Parse the fields of a request as `parse_fields` does, and tell what its form looks like."""
    if not query and content_type == FORM:
        return _parse_urlencoded(body, decode)
    return ParsedForm(parse_fields(query, content_type, body, decode), is_form=False, is_regular=False, escaped=0)


def parse_fields(query: bytes, content_type: str, body: bytes, decode: Decoder) -> Fields:
    """Parse the fields of a request. A field of the query string hides the body's field of the same name.

    >>> parse_fields(b"action=send&&extno", "", b"Action=x&mobile=1&mobile=2&content=%E5%86%85+%u5bb9", bytes.decode)
    {'action': 'send', 'mobile': '1,2', 'content': '内 容'}
    """
    from_body = _parse_body(content_type, body, decode) if body else {}
    return from_body | _parse_urlencoded(query, decode).fields if query else from_body


def _parse_body(content_type: str, body: bytes, decode: Decoder) -> Fields:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "multipart/form-data":
        return _parse_multipart(content_type, body, decode)
    if media_type == "application/json" or media_type.endswith("+json"):
        return {}
    return _parse_urlencoded(body, decode).fields


def _parse_urlencoded(raw: bytes, decode: Decoder) -> ParsedForm:
    fields: Fields = {}
    repeated: dict[str, list[str]] = {}
    # Latin-1 maps each byte to one character: ASCII without escapes, the usual case, needs no further decoding.
    text = raw.decode("latin-1")
    is_ascii = text.isascii()
    has_plus = "+" in text
    is_plain = is_ascii and not has_plus and "%" not in text
    pairs = text.split("&")
    escaped = 0
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            continue
        if not is_plain and ("%" in pair or "+" in pair or not is_ascii):
            escaped += 1
            name, value = decode_component(name, decode), decode_component(value, decode)
        name = name.lower()
        if name in fields:
            repeated.setdefault(name, [fields[name]]).append(value)
        else:
            fields[name] = value
    for name, texts in repeated.items():
        fields[name] = ",".join(texts)
    return ParsedForm(fields, True, is_ascii and not has_plus and len(fields) == len(pairs), escaped)


def _parse_multipart(content_type: str, body: bytes, decode: Decoder) -> Fields:
    """Parse a multipart body. A truncated or malformed body has no fields (R16)."""
    # Imported here: the import takes longer than the rest of the start, and few clients send multipart bodies.
    with LAZY_IMPORT_LOCK:
        from werkzeug.exceptions import RequestEntityTooLarge
        from werkzeug.http import parse_options_header
        from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder

    boundary = parse_options_header(content_type)[1].get("boundary", "")
    if not boundary:
        return {}
    delimiter = boundary.encode("utf-8", "replace")
    first = body.find(b"--" + delimiter)
    if first < 0:
        return {}
    decoder = MultipartDecoder(delimiter, max_parts=_MAX_PARTS)
    values: dict[str, list[str]] = {}
    name, value = "", b""
    try:
        # A preamble is ignored. It is skipped here, because the decoder would hold the interpreter lock for megabytes.
        decoder.receive_data(body[max(0, first - len(b"\r\n")) :])
        decoder.receive_data(None)
        while not isinstance(event := decoder.next_event(), Epilogue):
            match event:
                case Field():
                    # The annotation says str, but a part without a name has None.
                    name = (getattr(event, "name", None) or "").lower()
                case File():
                    name = ""  # R16: a part with a file name is no field
                case Data():
                    value += event.data
                    if not event.more_data:
                        if name:
                            values.setdefault(name, []).append(decode(value))
                        value = b""
    except (ValueError, RequestEntityTooLarge):
        return {}
    return _join_repeated(values)


def _join_repeated(values: dict[str, list[str]]) -> Fields:
    return {name: ",".join(repeated) for name, repeated in values.items()}
