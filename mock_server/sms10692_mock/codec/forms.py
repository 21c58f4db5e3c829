"""From the bytes of a request to its fields, by the platform's rules: `Request[name]` of ASP.NET (R14, R16).

Here belong query strings, forms and multipart bodies. One name or value is the affair of `escapes`, what the fields
mean that of `calls`.
"""

from typing import Final, TypeAlias

from sms10692_mock.codec.percent import Decoder, decode_component
from sms10692_mock.lazy_imports import LAZY_IMPORT_LOCK

Fields: TypeAlias = dict[str, str]
"""Values by name in lower case."""

_MAX_PARTS: Final = 1000


def parse_fields(query: bytes, content_type: str, body: bytes, decode: Decoder) -> Fields:
    """The fields of a request: the query string's where it has one of that name, else the body's.

    >>> fields_of(b"action=send&&extno", "", b"Action=x&mobile=1&mobile=2&content=%E5%86%85+%u5bb9", bytes.decode)
    {'action': 'send', 'mobile': '1,2', 'content': '内 容'}
    """
    from_body = _of_body(content_type, body, decode) if body else {}
    return from_body | _urlencoded(query, decode) if query else from_body


def _of_body(content_type: str, body: bytes, decode: Decoder) -> Fields:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "multipart/form-data":
        return _multipart(content_type, body, decode)
    if media_type == "application/json" or media_type.endswith("+json"):
        return {}
    return _urlencoded(body, decode)


def _urlencoded(raw: bytes, decode: Decoder) -> Fields:
    fields: Fields = {}
    repeated: dict[str, list[str]] = {}
    # One character for each byte: what is ASCII without escapes, and that is nearly all, is text already.
    text = raw.decode("latin-1")
    is_ascii = text.isascii()
    for pair in text.split("&"):
        name, equals, value = pair.partition("=")
        if not equals:
            continue
        if not is_ascii or "%" in name or "+" in name:
            name = decode_component(name, decode)
        if not is_ascii or "%" in value or "+" in value:
            value = decode_component(value, decode)
        name = name.lower()
        if name in fields:
            repeated.setdefault(name, [fields[name]]).append(value)
        else:
            fields[name] = value
    for name, texts in repeated.items():
        fields[name] = ",".join(texts)
    return fields


def _multipart(content_type: str, body: bytes, decode: Decoder) -> Fields:
    """The fields of a multipart body. One that breaks off or is malformed has none (R16)."""
    # Imported here: it takes longer than the rest of the emulator's start, and most clients never need it.
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
        # What stands before the first part is nothing, but megabytes of it would keep every other thread waiting.
        decoder.receive_data(body[max(0, first - len(b"\r\n")) :])
        decoder.receive_data(None)
        while not isinstance(event := decoder.next_event(), Epilogue):
            match event:
                case Field():
                    # Its type says a text, and a part that has no name has None, which machine code would not take.
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
    return _joined(values)


def _joined(values: dict[str, list[str]]) -> Fields:
    return {name: ",".join(several) for name, several in values.items()}
