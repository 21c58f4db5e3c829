"""Kind of a body: what a client really sent, whatever its Content-Type says.

Only forms and multipart forms have fields; every other kind arrives as an empty request, or as nonsense.
"""

import re
from typing import Final, Literal, NamedTuple, TypeAlias

from sms10692_mock.codec.percent import decode_component
from sms10692_mock.diagnosis.context import DiagnosisContext

Kind: TypeAlias = Literal["empty", "compressed", "multipart", "json", "xml", "object", "no-pair", "form"]

_COMPRESSED: Final = re.compile(rb"\x1f\x8b|\x78[\x01\x5e\x9c\xda]")
"""The first bytes of gzip and of zlib, which HTTP calls deflate."""
_COMPRESSIONS: Final = ("gzip", "x-gzip", "deflate", "br", "zstd", "compress")

MULTIPART: Final = "multipart/form-data"

_BEGINNING: Final = 512
"""Bytes of a body that tell its kind."""

_OBJECT: Final = re.compile(
    r"""
      \[object\ \w{1,40}\]                                              # JavaScript
    | \[Function\b[^\]]{0,40}\]
    | (?:undefined|null|None|nil|Array|\(null\))(?=\s*$)
    | \[?\{'\w{1,20}'\s*:                                               # Python
    | \[\('\w{1,20}',
    | b['"](?=\w{1,20}=)
    | <(?:[\w.]+\ object\ at|generator\ object|_io\.)
    | \{:?"?\w{1,20}"?\s*=>                                             # Ruby
    | \{\w{1,20}=(?!["{])                                               # Java
    | map\[\w{1,20}:                                                    # Go
    | [Aa]rray\s*\(
    | (?:[a-z]\w*\.)+[A-Z]\w*@[0-9a-f]{1,8}(?=\s*$)                      # Java
    | (?:System|Newtonsoft)(?:\.\w+)+(?:`\d)?                           # .NET
    """,
    re.VERBOSE,
)
"""The beginning of an object that was printed, without any value of a parameter."""


class Body(NamedTuple):
    """Kind of a body. `shown` is the harmless beginning of a printed object, otherwise empty."""

    kind: Kind
    shown: str = ""


def get_media_type(context: DiagnosisContext) -> str:
    """Return the media type of the Content-Type in lower case, without parameters."""
    return context.content_type.partition(";")[0].strip().lower()


def is_json_label(media_type: str) -> bool:
    """Return whether a media type is that of JSON, whose bodies the endpoints do not read."""
    return media_type == "application/json" or media_type.endswith("+json")


def get_content_encoding(context: DiagnosisContext) -> str:
    """Return the header Content-Encoding in lower case; empty if there is none, or only `identity`."""
    values = (value.strip().lower() for name, value in context.headers if name.lower() == "content-encoding")
    return next((value for value in values if value not in ("", "identity")), "")


def classify_body(context: DiagnosisContext) -> Body:
    """Return the kind of the body. The first bytes count, and the Content-Type only for bytes of no clear kind.

    A body that is a form is not compressed, whatever its Content-Encoding says.
    """
    body = context.body
    if not body:
        return Body("empty")
    if _COMPRESSED.match(body) and not body.isascii():
        return Body("compressed")
    if get_content_encoding(context) in _COMPRESSIONS and not (body.isascii() and b"=" in body):
        return Body("compressed")
    beginning = decode_component(body[:_BEGINNING].decode("latin-1"), _decode).lstrip("\ufeff \t\r\n")
    if beginning.startswith("--") and "content-disposition:" in beginning.lower():
        return Body("multipart")
    if found := _OBJECT.match(beginning):
        return Body("object", found[0])
    if beginning.startswith("<"):
        return Body("xml")
    if beginning.startswith(("{", "[", '"{', '"[')):
        return Body("json")
    if b"=" not in body and b"%3d" not in body[:_BEGINNING].lower():
        return Body("json" if is_json_label(get_media_type(context)) else "no-pair")
    return Body("form")


def is_form_read(context: DiagnosisContext) -> bool:
    """Return whether the body is a form, and its Content-Type lets the endpoint read it."""
    media_type = get_media_type(context)
    return classify_body(context).kind == "form" and media_type != MULTIPART and not is_json_label(media_type)


def are_fields_read(context: DiagnosisContext) -> bool:
    """Return whether the names that were read from the body are those of parameters."""
    return is_form_read(context) or get_media_type(context) == MULTIPART


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
