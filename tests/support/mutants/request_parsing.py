"""Defects of reading requests: parameters in the wrong place or the wrong encoding (Q1 to Q17, R14, R16)."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from sms10692.protocol import ENDPOINTS, Endpoint
from sms10692_mock.app.vendor_app import VendorRequest
from sms10692_mock.codec.forms import Fields
from support.mutant_vendor import Defect
from support.mutants.mutant import Mutant


def _change_request(change: Callable[[VendorRequest], VendorRequest]) -> Defect:
    return Defect(http_request=lambda endpoint, request: change(request))


def _has_type(request: VendorRequest, kind: str) -> bool:
    return kind in request.content_type


def _is_not_multipart(request: VendorRequest) -> bool:
    return not _has_type(request, "multipart")


def _join_repeated_action(request: VendorRequest) -> VendorRequest:
    """Join an action that is in both query and body to "value,value"."""
    found = re.search(rb"(?:^|&)action=([^&]*)", request.query)
    if found and re.search(rb"(?:^|&)action=%b(?:&|$)" % re.escape(found[1]), request.body):
        return request._replace(query=request.query.replace(found[0], found[0] + b"," + found[1]))
    return request


def _decode_as_declared(endpoint: Endpoint, request: VendorRequest) -> VendorRequest:
    """Decode the body with the charset in the Content-Type."""
    named = re.search("charset=(gbk|utf-8)", request.content_type, re.IGNORECASE)
    if not named:
        return request
    codec = "gbk" if endpoint.charset == "gb2312" else "utf-8"

    def read(value: bytes) -> bytes:
        text = unquote_to_bytes(value).decode(named[1], "replace")
        return quote_from_bytes(text.encode(codec, "replace"), safe="").encode()

    pairs = (pair.partition(b"=") for pair in request.body.split(b"&"))
    return request._replace(body=b"&".join(name + equals + read(value) for name, equals, value in pairs))


def _change_request_line(change: Callable[[bytes], bytes]) -> Defect:
    """Change the request line after the method."""

    def changed(line: bytes) -> bytes:
        method, _, rest = line.partition(b" ")
        return line if b"/_mock" in line else method + b" " + change(rest)

    return Defect(request_line=changed)


_KNOWN: Final = frozenset(
    ("userid", "timestamp", "sign", "mobile", "content", "sendtime", "action", "extno", "statusnum", "rt")
)
_PAGES: Final = b"|".join(re.escape(page.path.encode()) for page in ENDPOINTS)


def _reject_unknown_fields(fields: Fields) -> Fields:
    return fields if fields.keys() <= _KNOWN else {}


REQUEST_PARSING: Final = (
    Mutant(
        "the query string is ignored",
        _change_request(lambda request: request._replace(query=b"")),
        ("Q1", "Q2", "R14-query-first"),
    ),
    Mutant(
        "the query string is ignored if there is a body",
        _change_request(lambda request: request._replace(query=b"") if request.body else request),
        ("Q1",),
    ),
    Mutant(
        "multipart bodies are ignored",
        _change_request(lambda request: request._replace(body=b"") if _has_type(request, "multipart") else request),
        ("Q5",),
    ),
    Mutant(
        "bodies without a Content-Type are ignored",
        _change_request(lambda request: request if _has_type(request, "form") else request._replace(body=b"")),
        ("Q7",),
    ),
    Mutant(
        "%u escapes are not decoded",
        _change_request(lambda request: request._replace(body=request.body.replace(b"%u", b"%25u"))),
        ("R14-percent-u",),
    ),
    Mutant(
        "%u escapes with upper-case digits are not decoded",
        _change_request(
            lambda request: request._replace(body=re.sub(rb"%u(?=.{0,3}[A-F])", b"%25u", request.body, flags=re.DOTALL))
        ),
        ("R14-percent-u",),
    ),
    Mutant(
        "+ is not decoded",
        _change_request(lambda request: request._replace(body=request.body.replace(b"+", b"%2B"))),
        ("R14-plus",),
    ),
    Mutant(
        "the form comes before the query string",
        _change_request(
            lambda request: (
                request._replace(query=request.body, body=request.query)
                if request.query and request.body and not _has_type(request, "json")
                else request
            )
        ),
        ("R14-query-first",),
    ),
    Mutant(
        "field names are trimmed",
        _change_request(lambda request: request._replace(body=request.body.replace(b"%20=", b"="))),
        ("R14-names",),
    ),
    Mutant(
        "the first of repeated fields counts",
        Defect(fields=lambda fields: fields | {"mobile": fields.get("mobile", "").split(",13000000002")[0]}),
        ("R14-repeated",),
    ),
    Mutant(
        "JSON bodies are read as forms",
        _change_request(lambda request: request._replace(content_type="") if _has_type(request, "json") else request),
        ("R16-json",),
    ),
    Mutant(
        "field names are case-sensitive",
        _change_request(lambda request: request._replace(body=re.sub(rb"(^|&)([A-Z])", rb"\1x\2", request.body))),
        ("Q8",),
    ),
    Mutant("an action in query string and body is joined", _change_request(_join_repeated_action), ("Q3",)),
    Mutant("the Content-Type decides the charset", Defect(http_request=_decode_as_declared), ("Q4",)),
    Mutant(
        "unencoded bytes in a form are replaced by ?",
        _change_request(
            lambda request: (
                request._replace(body=re.sub(rb"[\x80-\xff]", b"?", request.body))
                if _is_not_multipart(request)
                else request
            )
        ),
        ("Q6",),
    ),
    Mutant(
        "unencoded bytes in the query string are replaced by ?",
        _change_request_line(lambda rest: re.sub(rb"[\x80-\xff]", b"?", rest)),
        ("Q6-query",),
    ),
    Mutant(
        "paths are case-sensitive",
        _change_request_line(lambda rest: rest if re.match(rb"/*(%b)" % _PAGES, rest) else b"/no" + rest),
        ("Q9",),
    ),
    Mutant(
        "a doubled slash is another path", _change_request_line(lambda rest: re.sub(rb"^//", b"/no/", rest)), ("Q9",)
    ),
    Mutant(
        "a suffix of a path is not ignored",
        _change_request_line(lambda rest: re.sub(rb"^(/*)([^/? ]+)/", rb"\1no\2/", rest)),
        ("Q9",),
    ),
    Mutant(
        "a form ends at a doubled separator",
        _change_request(
            lambda request: (
                request._replace(body=request.body.split(b"&&")[0]) if _is_not_multipart(request) else request
            )
        ),
        ("Q10",),
    ),
    Mutant(
        "a form must not begin with a separator",
        _change_request(lambda request: request._replace(body=b"") if request.body.startswith(b"&") else request),
        ("Q10",),
    ),
    Mutant("an unknown parameter is an error", Defect(fields=_reject_unknown_fields), ("Q11",)),
    Mutant(
        "a send must contain extno",
        Defect(fields=lambda fields: fields if "extno" in fields else fields | {"extno": "?"}),
        ("Q12",),
    ),
    Mutant(
        "HTTP/1.0 is not supported",
        _change_request_line(lambda rest: b"/no" + rest if b"HTTP/1.0" in rest else rest),
        ("Q17",),
    ),
    Mutant("only the first chunk of a body is read", Defect(join_chunks=lambda chunks: b"".join(chunks[:1])), ("Q17",)),
    Mutant(
        "percent codes with lower-case digits are not decoded",
        _change_request(
            lambda request: request._replace(body=re.sub(rb"%(?=[0-9][a-f]|[a-f][0-9a-f])", b"%25", request.body))
        ),
        ("R14-lower-percent",),
    ),
    Mutant(
        "a part with a file name is a field",
        _change_request(lambda request: request._replace(body=request.body.replace(b"; filename=", b"; x="))),
        ("R16-files",),
    ),
)
