"""Request forms: every way in which a client can write the same parameters, as a value that Hypothesis combines.

A form has one field per dimension: names, order, place, escapes, body, framing, path, headers, and what is beside the
parameters (Q1 to Q11, Q17, R14, R16). Checks of any operation share these strategies.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle, islice
from typing import Any, Final
from urllib.parse import quote

from hypothesis import strategies as st

from sms10692_contract.requests import (
    CHARSET,
    FORM,
    PLAIN_CHUNKS,
    ChunkStyle,
    Encoder,
    Pairs,
    WireRequest,
    build_raw_encoder,
    build_request,
    chunk_body,
    escape_unicode,
    replace_body,
)

SPELLINGS: Final = ("percent", "lower", "full", "raw", "unicode", "unicode-upper", "plus")
"""Ways to write a character: percent escapes with upper-case or lower-case digits, the same also for characters that
need none, raw bytes, `%uXXXX` with lower-case or upper-case digits, and `+` for a space."""


@dataclass(frozen=True)
class MultipartStyle:
    """How a multipart body is written. `header_lines` are further headers of each part."""

    boundary: str = "XyZzYx7MA4YWxkTrZu0gW"
    is_boundary_quoted: bool = False
    are_names_quoted: bool = True
    header_lines: tuple[str, ...] = ()
    are_header_names_lower: bool = False
    preamble: bytes = b""
    epilogue: bytes = b"\r\n"


@dataclass(frozen=True)
class RequestForm:
    """One way of writing a request. The defaults are the manual's: a POST with an escaped form.

    Sequences are cycled over the parameters, or over the characters of a name or value. `upper`: case of the letters of
    names; empty leaves the manual's. `header_upper`: the same for the names of HTTP headers. `order`: sort keys.
    `in_query`: which parameters are in the query string. `is_shadowed`: parameters of the query string are in the form
    too, with a value that must not count. `multipart`: the form is a multipart body. `extra`: unknown parameters,
    `strays`: segments without `=`, each with its index. `origin`: scheme and host before the path, for a proxy.
    """

    upper: tuple[bool, ...] = ()
    order: tuple[int, ...] = (0,)
    in_query: tuple[bool, ...] = (False,)
    is_shadowed: bool = False
    spellings: tuple[str, ...] = ("percent",)
    name_spellings: tuple[str, ...] = ("percent",)
    method: str = "POST"
    content_type: str | None = FORM
    multipart: MultipartStyle | None = None
    extra: tuple[tuple[str, str, int], ...] = ()
    strays: tuple[tuple[str, int], ...] = ()
    chunk_size: int = 0
    chunk_style: ChunkStyle = PLAIN_CHUNKS
    protocol: str = "HTTP/1.1"
    path_upper: tuple[bool, ...] = ()
    slashes: int = 1
    suffix: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    header_upper: tuple[bool, ...] = ()
    origin: str = ""

    def build(self, endpoint: str, pairs: Pairs) -> WireRequest:
        """Build the request with these parameters."""
        pairs = self._order(pairs)
        flags = list(islice(cycle(self.in_query), len(pairs)))
        is_get = self.method == "GET"
        query = [pair for pair, flag in zip(pairs, flags, strict=True) if flag or is_get]
        body = [pair for pair, flag in zip(pairs, flags, strict=True) if not (flag or is_get)]
        if self.is_shadowed and not is_get:
            # The safety guard decides by the userid, so that it stays the same.
            body += [(name, value if name.lower() == "userid" else "x") for name, value in query]
        if is_get:
            query = self._insert_extra(query)
        else:
            body = self._insert_extra(body)
        request = build_request(
            endpoint,
            query=query,
            body=[] if self.multipart else body,
            encode=self._encode_value(endpoint),
            method=self.method,
            path=self._write_path(endpoint),
            content_type=self.content_type,
            transform=self._insert_strays,
        )
        if self.multipart and not is_get:
            raw = write_multipart(body, CHARSET[endpoint], self.multipart)
            request = replace(
                replace_body(request, raw, _write_multipart_type(self.multipart)), pairs=(*request.pairs, *body)
            )
        if self.chunk_size and request.body and self.protocol == "HTTP/1.1":
            request = chunk_body(request, self.chunk_size, self.chunk_style)
        headers = ((change_case(name, self.header_upper), value) for name, value in (*request.headers, *self.headers))
        target = self.origin.encode() + request.target
        return replace(request, headers=tuple(headers), protocol=self.protocol, target=target)

    def _order(self, pairs: Pairs) -> list[tuple[str, str]]:
        keyed = zip(cycle(self.order), pairs, strict=False)
        ordered = [pair for _, pair in sorted(keyed, key=lambda item: item[0])]
        return [(change_case(name, self.upper), value) for name, value in ordered]

    def _insert_extra(self, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
        for name, value, index in self.extra:
            pairs.insert(index % (len(pairs) + 1), (name, value))
        return pairs

    def _insert_strays(self, raw: bytes) -> bytes:
        segments = raw.split(b"&")
        for stray, index in self.strays:
            segments.insert(index % (len(segments) + 1), stray.encode())
        return b"&".join(segments)

    def _encode_value(self, endpoint: str) -> Encoder:
        # Names of parameters are ASCII letters, which only the spellings full and unicode change.
        spell = {spelling: _build_speller(spelling, CHARSET[endpoint]) for spelling in SPELLINGS}

        def encode(text: str) -> bytes:
            spellings = self.name_spellings if text.isascii() and text.isalpha() else self.spellings
            return b"".join(spell[spelling](char) for spelling, char in zip(cycle(spellings), text, strict=False))

        return encode

    def _write_path(self, endpoint: str) -> str:
        return "/" * self.slashes + change_case(endpoint[1:], self.path_upper) + self.suffix


def change_case(text: str, upper: Sequence[bool]) -> str:
    """Change the case of each character by the cycled flags; without flags leave the text as it is."""
    if not upper:
        return text
    return "".join(char.upper() if flag else char.lower() for char, flag in zip(text, cycle(upper), strict=False))


def _build_speller(spelling: str, charset: str) -> Encoder:
    raw = build_raw_encoder(charset)
    spellers: dict[str, Callable[[str], bytes]] = {
        "percent": lambda char: quote(char.encode(charset), safe="").encode(),
        "lower": lambda char: b"%" + b"%".join(b"%02x" % byte for byte in char.encode(charset)),
        "full": lambda char: b"%" + b"%".join(b"%02X" % byte for byte in char.encode(charset)),
        "raw": raw,
        "unicode": escape_unicode,
        "unicode-upper": partial(escape_unicode, digits="04X"),
        "plus": lambda char: b"+" if char == " " else quote(char.encode(charset), safe="").encode(),
    }
    return spellers[spelling]


def write_multipart(pairs: Pairs, charset: str, style: MultipartStyle) -> bytes:
    """Write parameters as a multipart body. A name that is no token, such as `extno[]`, is always quoted (RFC 2183)."""
    disposition = "content-disposition" if style.are_header_names_lower else "Content-Disposition"
    parts = []
    for name, value in pairs:
        written_name = name if not style.are_names_quoted and name.isidentifier() else f'"{name}"'
        lines = (f"{disposition}: form-data; name={written_name}", *style.header_lines)
        head = "\r\n".join(lines).encode() + b"\r\n\r\n"
        parts.append(b"--" + style.boundary.encode() + b"\r\n" + head + value.encode(charset) + b"\r\n")
    return style.preamble + b"".join(parts) + b"--" + style.boundary.encode() + b"--" + style.epilogue


def _write_multipart_type(style: MultipartStyle) -> str:
    boundary = f'"{style.boundary}"' if style.is_boundary_quoted else style.boundary
    return f"multipart/form-data; boundary={boundary}"


# Strategies of single dimensions

_FLAGS: Final = st.lists(st.booleans(), min_size=1, max_size=7).map(tuple)
_INDEX: Final = st.integers(0, 8)

NAME_CASES: Final = st.builds(RequestForm, upper=_FLAGS | st.sampled_from([(True,), (False,)]))
"""Names of parameters in any case (Q8)."""

ORDERS: Final = st.builds(RequestForm, order=st.lists(st.integers(0, 7), min_size=1, max_size=8).map(tuple))
"""Parameters in any order."""

PLACES: Final = st.builds(RequestForm, in_query=_FLAGS, is_shadowed=st.booleans()) | st.sampled_from(
    [RequestForm(method="GET"), RequestForm(in_query=(True,)), RequestForm(in_query=(True,), is_shadowed=True)]
)
"""Parameters in the query string, in the form, or in both (Q1 to Q3)."""

_SPELLINGS: Final = st.lists(st.sampled_from(SPELLINGS), min_size=1, max_size=4).map(tuple)
SPELLED: Final = st.builds(
    RequestForm,
    spellings=_SPELLINGS,
    name_spellings=st.just(("percent",)) | _SPELLINGS,
    in_query=st.sampled_from([(False,), (True,)]),
    method=st.sampled_from(["POST", "POST", "GET"]),
)
"""Values and names with any mixture of escapes (Q6, R14)."""

BOUNDARIES: Final = ("XyZzYx7MA4YWxkTrZu0gW", "----WebKitFormBoundaryABC123", "a", "=_a.b:c/d?e", "'()+_,-./:=?0")
PART_CHARSETS: Final = ("ISO-8859-1", "UTF-8", "US-ASCII", "gbk")
"""Charsets that clients write into the parts of a multipart body, whatever the bytes are; only the endpoint decides."""
_PART_HEADERS: Final = (
    (),
    ("Content-Type: text/plain",),
    *((f"Content-Type: text/plain; charset={charset}",) for charset in PART_CHARSETS),
    ("Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"),
    ("content-transfer-encoding: binary",),
)
_STYLES: Final = st.builds(
    MultipartStyle,
    boundary=st.sampled_from(BOUNDARIES[:3]),
    is_boundary_quoted=st.booleans(),
    are_names_quoted=st.booleans(),
    header_lines=st.sampled_from(_PART_HEADERS),
    are_header_names_lower=st.booleans(),
    preamble=st.sampled_from([b"", b"\r\n", b"a preamble\r\n"]),
    epilogue=st.sampled_from([b"\r\n", b"", b"\r\nan epilogue"]),
) | st.builds(MultipartStyle, boundary=st.sampled_from(BOUNDARIES[3:]), is_boundary_quoted=st.just(True))
MULTIPART: Final = st.builds(
    RequestForm, multipart=_STYLES, in_query=st.just((False,)) | _FLAGS, upper=st.just(()) | _FLAGS
)
"""Multipart bodies with any boundary, quoted or not, and with any headers of the parts (Q5)."""

_SIMILAR_NAMES: Final = st.sampled_from(
    [
        *("xmobile", "mobile2", "mobiles", "my_content", "content[]", "contents", "xextno", "extno[]", "sendtime2"),
        *("xsendTime", "userids", "user_id", "signature", "x_sign", "action1", "xaction", "timestamps", "rt2", "_"),
        *(
            "account",
            "ownExt",
            "taskName",
            "checkContent",
            "countnumber",
            "callback",
            "statusNum2",
            "a.sign",
        ),
    ]
)
_OTHER_VALUES: Final = st.sampled_from(["", "0", "x", "send", "overage", "13900000000", "json", "发票", "a=b", "a;b"])
BESIDE: Final = st.builds(
    RequestForm,
    extra=st.lists(st.tuples(_SIMILAR_NAMES, _OTHER_VALUES, _INDEX), max_size=3).map(tuple),
    strays=st.lists(
        st.tuples(st.sampled_from(["", "", "x", "extno", "sendTime", "=", "=x", "rt"]), _INDEX), max_size=3
    ).map(tuple),
    method=st.sampled_from(["POST", "GET"]),
)
"""Unknown parameters with similar names, empty segments, and names without a value beside the parameters (Q10, Q11)."""

LONG: Final = st.builds(
    lambda length, index, method: RequestForm(extra=(("padding", "x" * length, index),), method=method),
    st.sampled_from([500, 2100, 4100, 8300]),
    st.just(0) | _INDEX,
    st.sampled_from(["POST", "GET"]),
)
"""Long query strings and forms: an unknown parameter makes them long, so that what follows it may be cut off."""

_CHUNK_STYLES: Final = st.builds(
    ChunkStyle,
    st.booleans(),
    st.sampled_from(["", ";a", ";a=b", ' ;a="b; c"']),
    st.sampled_from([(), ("X-Checksum: 0",), ("X-First: 1", "X-Second:")]),
)

FRAMED: Final = st.one_of(
    st.builds(RequestForm, chunk_size=st.integers(1, 5) | st.integers(6, 300), chunk_style=_CHUNK_STYLES),
    st.builds(RequestForm, chunk_size=st.integers(1, 5), spellings=st.just(("raw",))),
    st.builds(RequestForm, multipart=_STYLES, chunk_size=st.integers(1, 200)),
    st.just(RequestForm(protocol="HTTP/1.0")),
    st.just(RequestForm(protocol="HTTP/1.0", method="GET")),
)
"""Bodies in chunks of any size, which may divide an escape or a character, and HTTP/1.0 (Q17)."""

_HEADERS: Final = (
    ("Accept", "application/json"),
    ("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"),
    ("Accept-Charset", "gbk"),
    ("Accept-Charset", "utf-8"),
    ("Accept-Encoding", "gzip, deflate, br"),
    ("Accept-Language", "zh-CN,zh;q=0.9"),
    ("Cookie", "action=overage; sign=0; extno=9"),
    ("User-Agent", "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)"),
    ("Cache-Control", "no-cache"),
    ("If-None-Match", "*"),
    ("If-Modified-Since", "Sat, 01 Jan 2050 00:00:00 GMT"),
    ("Range", "bytes=0-9"),
    ("X-Requested-With", "XMLHttpRequest"),
    ("SOAPAction", '"send"'),
)
ORIGINS: Final = ("http://sms10692.com", "http://sms10692.com:80", "HTTP://SMS10692.COM")
"""Scheme and host of a request that a client sends to a proxy."""

HEADED: Final = st.one_of(
    st.builds(
        RequestForm,
        headers=st.lists(st.sampled_from(_HEADERS), min_size=1, max_size=3, unique_by=lambda header: header[0]).map(
            tuple
        ),
    ),
    st.builds(
        RequestForm,
        content_type=st.sampled_from(
            [
                None,
                f"{FORM};charset=gbk",
                f"{FORM}; charset=UTF-8",
                FORM.upper(),
                "text/plain",
                "text/xml; charset=gb2312",
            ]
        ),
    ),
    st.builds(
        RequestForm,
        path_upper=st.just(()) | _FLAGS,
        slashes=st.integers(1, 3),
        suffix=st.sampled_from(["", "/", "/x", "/v2smsGBK.aspx", "/v2callApi.aspx"]),
    ),
    st.builds(
        RequestForm,
        header_upper=st.sampled_from([(False,), (True,)]) | _FLAGS,
        multipart=st.none() | _STYLES,
        chunk_size=st.sampled_from([0, 50]),
    ),
    st.builds(
        RequestForm,
        origin=st.sampled_from(ORIGINS),
        method=st.sampled_from(["POST", "GET"]),
        in_query=st.sampled_from([(False,), (True,)]),
    ),
)
"""Headers and Content-Types that must not matter, and spellings of headers and of the path (Q4, Q7, Q9)."""


def _combine(*forms: RequestForm) -> RequestForm:
    """Combine forms of different dimensions: of each field, the last value that is no default counts."""
    default = RequestForm()
    values: dict[str, Any] = {}
    for form in forms:
        values |= {name: value for name, value in vars(form).items() if value != getattr(default, name)}
    return replace(default, **values)


ANY_FORM: Final = st.lists(
    st.one_of(NAME_CASES, ORDERS, PLACES, SPELLED, MULTIPART, BESIDE, FRAMED, HEADED), min_size=1, max_size=4
).map(lambda forms: _combine(*forms))
"""Any combination of all dimensions, except long requests."""

PLAIN_FORMS: Final = (
    RequestForm(),
    RequestForm(method="GET"),
    RequestForm(in_query=(True,)),
    RequestForm(multipart=MultipartStyle()),
    RequestForm(chunk_size=7),
    RequestForm(spellings=("raw",)),
    RequestForm(spellings=("raw",), method="GET"),
    RequestForm(spellings=("unicode", "unicode-upper")),
    RequestForm(spellings=("full",), name_spellings=("full",)),
    RequestForm(upper=(True,)),
)
"""One form of each kind, for checks that try each with every operation."""
