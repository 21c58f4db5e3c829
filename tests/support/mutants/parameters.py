"""Defects of single parameters: read in one form of request and not in another, or changed by what is beside them."""

import re
from collections.abc import Callable
from typing import Final

from sms10692.protocol import Endpoint
from sms10692_mock.app.vendor_app import VendorRequest
from sms10692_mock.codec.forms import Fields
from sms10692_mock.domain.api_request import ApiRequest
from support.mutant_vendor import Defect
from support.mutants.mutant import Mutant


def _change_request(change: Callable[[VendorRequest], VendorRequest]) -> Defect:
    return Defect(http_request=lambda endpoint, request: change(request))


def _change_raw(change: Callable[[bytes], bytes]) -> Defect:
    """Change query string and form."""
    return _change_request(
        lambda request: request._replace(
            query=change(request.query),
            body=request.body if "multipart" in request.content_type else change(request.body),
        )
    )


def _change_multipart(change: Callable[[bytes], bytes]) -> Defect:
    return _change_request(
        lambda request: request._replace(body=change(request.body)) if "multipart" in request.content_type else request
    )


def _keep_one_part(keeps: Callable[[list[bytes]], bytes]) -> Defect:
    """Read one of several parts with the same name in a multipart body."""

    def change(body: bytes) -> bytes:
        parts = re.findall(rb"--[^\r]+\r\n(?:[^\r]+\r\n)+\r\n.*?\r\n(?=--)", body, re.DOTALL)
        by_name: dict[bytes, list[bytes]] = {}
        for part in parts:
            found = re.search(rb'(?i)name="?([^"\r;]+)', part)
            by_name.setdefault(found[1].lower() if found else b"", []).append(part)
        for same in by_name.values():
            kept = keeps(same)
            for part in same:
                if part is not kept:
                    body = body.replace(part, b"", 1) if same.index(part) < same.index(kept) else _cut_last(body, part)
        return body

    return _change_multipart(change)


def _cut_last(body: bytes, part: bytes) -> bytes:
    before, _, behind = body.rpartition(part)
    return before + behind


def _decoding_parts(charsets: str) -> Defect:
    """Decode a part of a multipart body in the charset of its Content-Type, if that is one of these."""
    pattern = re.compile(rb"(charset=(%b)\r\n(?:[^\r]+\r\n)*\r\n)(.*?)(?=\r\n--)" % charsets.encode(), re.DOTALL)

    def change(endpoint: Endpoint, request: VendorRequest) -> VendorRequest:
        if "multipart" not in request.content_type:
            return request
        return request._replace(
            body=pattern.sub(
                lambda found: (
                    found[1] + found[3].decode(found[2].decode(), "replace").encode(endpoint.charset, "replace")
                ),
                request.body,
            )
        )

    return Defect(http_request=change)


def _hide(raw: bytes, name: str) -> bytes:
    return re.sub(rb"(?i)(^|&)(?=%b=)" % name.encode(), rb"\1x", raw)


def _only_spelled(name: str) -> Defect:
    """Read a parameter only in the manual's spelling of its name."""
    return _change_raw(
        lambda raw: re.sub(
            rb"(?i)(^|&)(%b)=" % name.encode(),
            lambda found: found[0] if found[2] == name.encode() else found[1] + b"x" + found[2] + b"=",
            raw,
        )
    )


def _not_in_query(name: str) -> Defect:
    return _change_request(lambda request: request._replace(query=_hide(request.query, name)))


def _change_fields(change: Callable[[Fields], Fields]) -> Defect:
    return Defect(fields=change)


def _change_content(change: Callable[[str], str]) -> Defect:
    def changed(request: ApiRequest) -> ApiRequest:
        return request._replace(content=change(request.content))

    return Defect(api_request=changed)


def _first_of_repeated(raw: bytes, name: bytes) -> bytes:
    first, *rest = re.split(rb"(?i)(?:^|&)(?=%b=)" % name, raw)
    if len(rest) < 2:
        return raw
    return first + b"&" + rest[0] + b"".join(b"&" + part.partition(b"&")[2] for part in rest[1:])


PARAMETERS: Final = (
    *(
        Mutant(f"{name} is case-sensitive", _only_spelled(name), ("F-names",))
        for name in ("sendTime", "extno", "statusNum", "mobile", "content", "action", "timestamp")
    ),
    *(
        Mutant(f"{name} in the query string is ignored", _not_in_query(name), ("F-places",))
        for name in ("sendTime", "extno", "statusNum", "mobile", "content")
    ),
    Mutant(
        "mobile in query string and form is joined",
        _change_request(
            lambda request: (
                request._replace(query=request.query + b"&" + found[0])
                if re.search(rb"(?:^|&)mobile=", request.query) and (found := re.search(rb"mobile=[^&]*", request.body))
                else request
            )
        ),
        ("F-places",),
    ),
    Mutant(
        "the first of repeated texts counts",
        _change_raw(lambda raw: _first_of_repeated(raw, b"content")),
        ("F-repeated",),
    ),
    Mutant(
        "the first of repeated extnos counts",
        _change_raw(lambda raw: _first_of_repeated(raw, b"extno")),
        ("F-repeated",),
    ),
    Mutant(
        "parameters behind the action are ignored",
        _change_raw(
            lambda raw: (
                re.sub(rb"((?:^|&)action=query).*", rb"\1", raw)
                if b"statusNum" in raw and b"sign" in raw.partition(b"action=")[0]
                else raw
            )
        ),
        ("F-order",),
    ),
    Mutant(
        "an empty parameter takes the next one",
        _change_raw(lambda raw: re.sub(rb"(?<==)&(?=extno|statusNum)", b"%26", raw)),
        ("F-order",),
    ),
    Mutant("a semicolon separates parameters", _change_raw(lambda raw: raw.replace(b";", b"&")), ("F-escapes",)),
    Mutant(
        "a value ends at its second =",
        _change_raw(lambda raw: re.sub(rb"=([^&=]*)=[^&]*", rb"=\1", raw)),
        ("F-escapes",),
    ),
    Mutant(
        "escaped names are not decoded",
        _change_raw(lambda raw: re.sub(rb"(^|&)([^=&%]*)%(?=[^=&]*=)", rb"\1\2%25", raw)),
        ("F-escapes",),
    ),
    Mutant(
        "the end of a name decides",
        _change_raw(lambda raw: re.sub(rb"(^|&)[a-z_0-9]+(?=(?:mobile|content|extno|sendTime)=)", rb"\1", raw)),
        ("F-beside",),
    ),
    Mutant(
        "brackets behind a name are ignored",
        _change_raw(lambda raw: re.sub(rb"(\[\]|%5B%5D)=", b"=", raw)),
        ("F-beside",),
    ),
    Mutant(
        "queries end at 2,048 bytes",
        _change_request(lambda request: request._replace(query=request.query[:2048])),
        ("F-long",),
    ),
    Mutant(
        "forms end at 8,192 bytes",
        _change_request(lambda request: request._replace(body=request.body[:8192])),
        ("F-long",),
    ),
    Mutant(
        "escapes are decoded twice", _change_raw(lambda raw: re.sub(rb"%25(?=[0-9A-F]{2})", b"%", raw)), ("F-escapes",)
    ),
    Mutant(
        "an escape of a percent sign is not decoded",
        _change_raw(lambda raw: raw.replace(b"%25", b"%2525")),
        ("F-places",),
    ),
    Mutant(
        "only multipart boundaries without quotes are understood",
        _change_request(lambda request: request._replace(content_type=request.content_type.replace('"', "%"))),
        ("F-multipart",),
    ),
    Mutant(
        "multipart parts with a Content-Type are ignored",
        _change_multipart(lambda body: re.sub(rb'; name="?(?=[^\r]*\r\nContent-Type)', rb'; name="x', body)),
        ("F-multipart",),
    ),
    Mutant("multipart parts are decoded as ISO-8859-1 if they say so", _decoding_parts("ISO-8859-1"), ("F-multipart",)),
    Mutant("multipart parts are decoded as UTF-8 if they say so", _decoding_parts("UTF-8"), ("F-multipart",)),
    Mutant("multipart parts are decoded as ASCII if they say so", _decoding_parts("US-ASCII"), ("F-multipart",)),
    Mutant("the last of repeated multipart values counts", _keep_one_part(lambda same: same[-1]), ("F-repeated",)),
    Mutant("the first of repeated multipart values counts", _keep_one_part(lambda same: same[0]), ("F-repeated",)),
    Mutant(
        "the longest of repeated multipart values counts",
        _keep_one_part(lambda same: max(same, key=len)),
        ("F-repeated",),
    ),
    Mutant(
        "multipart parts with unquoted names are ignored",
        _change_multipart(lambda body: re.sub(rb"; name=(?!\")", b"; name=x", body)),
        ("F-multipart",),
    ),
    Mutant(
        "multipart header names are case-sensitive",
        _change_multipart(lambda body: re.sub(rb"\r\ncontent-disposition", b"\r\nx", body)),
        ("F-multipart",),
    ),
    Mutant(
        "plus signs in multipart are spaces", _change_multipart(lambda body: body.replace(b"+", b" ")), ("F-multipart",)
    ),
    Mutant(
        "escapes in multipart are decoded",
        _change_multipart(lambda body: re.sub(rb"%([0-7][0-9A-F])", lambda found: bytes((int(found[1], 16),)), body)),
        ("F-multipart",),
    ),
    Mutant(
        "line ends in multipart are lost",
        _change_multipart(lambda body: re.sub(rb"(?<=[^\r-])\n(?=[^-])", b"", body)),
        ("F-multipart",),
    ),
    Mutant(
        "multipart names in another case are ignored",
        _change_multipart(lambda body: re.sub(rb'name="?(?=[a-z]*[A-Z])(?!sendTime|statusNum)', b'name="x', body)),
        ("F-multipart",),
    ),
    Mutant(
        "spaces around a text are removed", _change_content(lambda content: content.strip() or content), ("F-order",)
    ),
    Mutant(
        "line ends in a text are lost",
        _change_content(lambda content: content.replace("\r", "").replace("\n", "")),
        ("F-order",),
    ),
    Mutant(
        "markup in a text is removed", _change_content(lambda content: re.sub("<[^>]*>", "", content)), ("F-order",)
    ),
    Mutant(
        "an empty parameter in the query string is absent",
        _change_request(
            lambda request: request._replace(
                query=re.sub(rb"(^|&)(extno|sendTime|statusNum)=(?=&|$)", rb"\1", request.query)
            )
        ),
        ("F-places",),
    ),
    Mutant(
        "Accept: application/json is answered in JSON",
        _change_request(
            lambda request: (
                request._replace(query=request.query + b"&rt=json")
                if any(name.lower() == "accept" and "json" in value for name, value in request.headers)
                else request
            )
        ),
        ("F-headers",),
    ),
    Mutant(
        "names in capitals in a query string are ignored",
        _change_request(
            lambda request: request._replace(query=re.sub(rb"(^|&)[A-Z]{2,}(?==)", rb"\1x", request.query))
        ),
        ("F-any",),
    ),
    Mutant(
        "multipart bodies in chunks are ignored",
        _change_request(
            lambda request: (
                request._replace(body=b"")
                if "multipart" in request.content_type
                and any(name.lower() == "transfer-encoding" for name, _ in request.headers)
                else request
            )
        ),
        ("F-any",),
    ),
    Mutant(
        "a cookie replaces a parameter",
        _change_request(
            lambda request: request._replace(
                query=b"&".join(
                    [request.query, *(value.encode() for name, value in request.headers if name.lower() == "cookie")]
                )
            )
        ),
        ("F-headers",),
    ),
    Mutant(
        "a query string ends at its second ?",
        _change_request(lambda request: request._replace(query=request.query.partition(b"?")[0])),
        ("F-escapes",),
    ),
    Mutant(
        "a query string ends at a |, which a gateway does not let through",
        _change_request(lambda request: request._replace(query=re.split(rb"[|\\^`{}]", request.query)[0])),
        ("F-escapes",),
    ),
    Mutant(
        "a form value ends at a second =",
        _change_raw(lambda raw: re.sub(rb"(=[^&=]*)=[^&]*", rb"\1", raw)),
        ("F-escapes",),
    ),
)
