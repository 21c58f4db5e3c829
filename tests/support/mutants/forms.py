"""Defects of reading requests: parameters in the wrong place or the wrong encoding (Q1 to Q17, R14, R16)."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from sms10692.protocol import ENDPOINTS, Endpoint
from sms10692_mock.app.vendor_app import Request
from sms10692_mock.codec.forms import Fields
from support.mutant_vendor import Defect
from support.mutants.mutant import Mutant


def _change_request(change: Callable[[Request], Request]) -> Defect:
    return Defect(http_request=lambda page, request: change(request))


def _has_type(request: Request, kind: str) -> bool:
    return kind in request.content_type


def _is_not_multipart(request: Request) -> bool:
    return not _has_type(request, "multipart")


def _join_repeated_action(one: Request) -> Request:
    """Join an action that is in both query and body to "value,value"."""
    found = re.search(rb"(?:^|&)action=([^&]*)", one.query)
    if found and re.search(rb"(?:^|&)action=%b(?:&|$)" % re.escape(found[1]), one.body):
        return one._replace(query=one.query.replace(found[0], found[0] + b"," + found[1]))
    return one


def _decode_as_declared(page: Endpoint, one: Request) -> Request:
    """Decode the body with the charset in the Content-Type."""
    named = re.search("charset=(gbk|utf-8)", one.content_type, re.IGNORECASE)
    if not named:
        return one
    codec = "gbk" if page.charset == "gb2312" else "utf-8"

    def read(value: bytes) -> bytes:
        text = unquote_to_bytes(value).decode(named[1], "replace")
        return quote_from_bytes(text.encode(codec, "replace"), safe="").encode()

    pairs = (pair.partition(b"=") for pair in one.body.split(b"&"))
    return one._replace(body=b"&".join(name + equals + read(value) for name, equals, value in pairs))


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


FORMS: Final = (
    Mutant(
        "the query string is ignored",
        _change_request(lambda one: one._replace(query=b"")),
        ("Q1", "Q2", "R14-query-first"),
    ),
    Mutant(
        "the query string is ignored where there is a body",
        _change_request(lambda one: one._replace(query=b"") if one.body else one),
        ("Q1",),
    ),
    Mutant(
        "multipart is not read",
        _change_request(lambda one: one._replace(body=b"") if _has_type(one, "multipart") else one),
        ("Q5",),
    ),
    Mutant(
        "no form without its Content-Type",
        _change_request(lambda one: one if _has_type(one, "form") else one._replace(body=b"")),
        ("Q7",),
    ),
    Mutant(
        "%u is not read",
        _change_request(lambda one: one._replace(body=one.body.replace(b"%u", b"%25u"))),
        ("R14-percent-u",),
    ),
    Mutant("+ stays +", _change_request(lambda one: one._replace(body=one.body.replace(b"+", b"%2B"))), ("R14-plus",)),
    Mutant(
        "the form comes before the query string",
        _change_request(
            lambda one: (
                one._replace(query=one.body, body=one.query)
                if one.query and one.body and not _has_type(one, "json")
                else one
            )
        ),
        ("R14-query-first",),
    ),
    Mutant(
        "names are trimmed",
        _change_request(lambda one: one._replace(body=one.body.replace(b"%20=", b"="))),
        ("R14-names",),
    ),
    Mutant(
        "of a repeated name the first counts",
        Defect(fields=lambda fields: fields | {"mobile": fields.get("mobile", "").split(",13000000002")[0]}),
        ("R14-repeated",),
    ),
    Mutant(
        "JSON bodies are forms",
        _change_request(lambda one: one._replace(content_type="") if _has_type(one, "json") else one),
        ("R16-json",),
    ),
    Mutant(
        "names with case",
        _change_request(lambda one: one._replace(body=re.sub(rb"(^|&)([A-Z])", rb"\1x\2", one.body))),
        ("Q8",),
    ),
    Mutant("an action that is given twice is joined", _change_request(_join_repeated_action), ("Q3",)),
    Mutant("the Content-Type decides the charset", Defect(http_request=_decode_as_declared), ("Q4",)),
    Mutant(
        "the bytes of a text in a form are lost",
        _change_request(
            lambda one: one._replace(body=re.sub(rb"[\x80-\xff]", b"?", one.body)) if _is_not_multipart(one) else one
        ),
        ("Q6",),
    ),
    Mutant(
        "the bytes of a text in the query string are lost",
        _change_request_line(lambda rest: re.sub(rb"[\x80-\xff]", b"?", rest)),
        ("Q6-query",),
    ),
    Mutant(
        "pages with case",
        _change_request_line(lambda rest: rest if re.match(rb"/*(%b)" % _PAGES, rest) else b"/no" + rest),
        ("Q9",),
    ),
    Mutant(
        "a doubled slash is another page", _change_request_line(lambda rest: re.sub(rb"^//", b"/no/", rest)), ("Q9",)
    ),
    Mutant(
        "what stands behind a page is another page",
        _change_request_line(lambda rest: re.sub(rb"^(/*)([^/? ]+)/", rb"\1no\2/", rest)),
        ("Q9",),
    ),
    Mutant(
        "a form ends at a doubled separator",
        _change_request(lambda one: one._replace(body=one.body.split(b"&&")[0]) if _is_not_multipart(one) else one),
        ("Q10",),
    ),
    Mutant(
        "a separator before a form",
        _change_request(lambda one: one._replace(body=b"") if one.body.startswith(b"&") else one),
        ("Q10",),
    ),
    Mutant("a parameter that no manual names spoils all", Defect(fields=_reject_unknown_fields), ("Q11",)),
    Mutant(
        "a send must have its extno",
        Defect(fields=lambda fields: fields if "extno" in fields else fields | {"extno": "?"}),
        ("Q12",),
    ),
    Mutant(
        "HTTP/1.0 is not spoken",
        _change_request_line(lambda rest: b"/no" + rest if b"HTTP/1.0" in rest else rest),
        ("Q17",),
    ),
    Mutant(
        "of a chunked body the first chunk counts", Defect(join_chunks=lambda pieces: b"".join(pieces[:1])), ("Q17",)
    ),
    Mutant(
        "percent codes with lower-case digits stay",
        _change_request(lambda one: one._replace(body=re.sub(rb"%(?=[0-9][a-f]|[a-f][0-9a-f])", b"%25", one.body))),
        ("R14-lower-percent",),
    ),
    Mutant(
        "a part with a file name is a field",
        _change_request(lambda one: one._replace(body=one.body.replace(b"; filename=", b"; x="))),
        ("R16-files",),
    ),
)
