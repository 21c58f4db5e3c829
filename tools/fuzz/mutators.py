"""Hypothesis strategies of malformed requests: valid ones with changed form fields, JSON, headers, paths, or bytes.

A mutator takes Hypothesis' `draw` and a request, and returns the changed request.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from fuzz.corpus import CONTROL_REQUESTS, VENDOR_REQUESTS, FuzzInput
from sms10692.protocol import ENDPOINTS, OPERATIONS

Mutator: TypeAlias = Callable[[DrawFn, FuzzInput], FuzzInput]

_TOKENS: Final = st.sampled_from((
    *(b"", b" ", b"\0", *b"% %0 %u %u12 %uD83D %uDE00 %u0000 %00 %0A %0D%0A %FF".split()),
    *(b"%C4%DA", b"%E5%86%85", b"%80", b"%AA%A1", b"%FE%FE", b"\xc4\xda", b"\xe5\x86\x85", b"\x80", b"\xff", b"\xfe"),
    *(b"+", b"&", b"=", b";", b",", b"?", b"#", b"<", b">", b"]]>", b"<![CDATA[", b"%26%230;", b"%26lt;", b"&#0;"),
    *(b"'", b"' or 1=1--", b"union select", b";drop", b"exec(", b"xp_", b"%EF%BF%BE", b"%EF%BB%BF", b"%1B[2J"),
    *(b"-1", b"0", b"1", b"4000", b"1e5", b"NaN", b"9" * 20, b"9" * 5000, b"%EF%BC%91", b"%D9%A3", b"1.0", b"01"),
    *(b"2010-10-24 09:08:10", b"9999-12-31 23:59:59", b"0001-01-01 00:00:00", b"2010-02-30 00:00:00"),
    *b"20120701231212 send overage checkkeyword query SEND json xml 12 test mima 15023239810".split(),
    *(b"10000000001", b"10000000030", b"10000000031", b"1" * 300, b"x" * 70_000, b"15023239810," * 200, b"__proto__"),
))  # fmt: skip
_PARAMETERS: Final = {
    *(name for endpoint in ENDPOINTS for name in endpoint.authentication.parameters),
    *(name for operation in OPERATIONS for name in operation.parameters),
}
_FIELD_NAMES: Final = st.sampled_from((
    *sorted(name.encode() for name in _PARAMETERS),
    *b"rt x ACTION Content %61ction".split(),
    *(b"sign ", b"", b"\xe5", b"a" * 300),
))  # fmt: skip
_CONTENT_TYPES: Final = st.sampled_from((
    *(b"", b"application/x-www-form-urlencoded", b"application/x-www-form-urlencoded; charset=gbk"),
    *(b"application/json", b"text/plain", b"\xc4\xda", b"a" * 5000, b"multipart/form-data"),
    *(b"multipart/form-data; boundary=", b'multipart/form-data; boundary="x\xff"', b"multipart/form-data; boundary=x"),
    b"multipart/form-data; boundary*=utf-8''%E5",
))  # fmt: skip
_METHODS: Final = st.sampled_from(b"GET POST HEAD PUT DELETE PATCH OPTIONS TRACE post X".split())
_TARGETS: Final = st.sampled_from([endpoint.path.encode() for endpoint in ENDPOINTS])
_JSON_VALUES: Final[st.SearchStrategy[Any]] = st.sampled_from((
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, 10**400, 0.5, -0.0, 1e308, 1e-320, float("nan"), float("inf")),
    *("", " ", "x", "\0", "\ud800", "12", "next", "real", "running", "send", "状态", "1" * 20_000),
    *("2026-01-02T03:04:05", "9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00-23:59"),
    *("2026-13-01T00:00:00Z", [], {}, [[]], [None], ["send"], {"x": {}}, [1] * 1000),
    *("其他错误", "manual", "utf-16", "150", "hang", "latency"),
))  # fmt: skip
_CHANGES: Final = st.sampled_from((1, 1, 1, 2, 2, 3, 6))
_POSITIONS: Final = st.integers(0, 2**16 - 1)
_LENGTHS: Final = st.sampled_from((0, 1, 1, 2, 10, 100))
_REPLACEMENTS: Final = st.none() | st.just(b"") | st.binary(min_size=1, max_size=1) | _TOKENS
"""What replaces a part of some bytes; None repeats the part."""


def draw_position(draw: DrawFn, length: int) -> int:
    """Draw a position in something of this length, or behind it."""
    return draw(_POSITIONS) % (length + 1)


def change_bytes(draw: DrawFn, raw: bytes) -> bytes:
    """Delete, repeat or replace a part."""
    begin = draw_position(draw, len(raw))
    end, replacement = begin + draw(_LENGTHS), draw(_REPLACEMENTS)
    return raw[:begin] + (raw[begin:end] * 2 if replacement is None else replacement) + raw[end:]


def _escape_query(query: bytes) -> bytes:
    return query.replace(b" ", b"+").replace(b"#", b"%23")


_TEXTS: Final = st.lists(_TOKENS.filter(lambda token: len(token) < 100), min_size=1, max_size=8).map(b"".join)
_PAIR_CHANGES: Final[st.SearchStrategy[Callable[[DrawFn, bytes, bytes, bytes], list[bytes]]]] = st.sampled_from(
    (
        lambda draw, name, value, other: [],
        lambda draw, name, value, other: [b"%b=%b" % (name, draw(_TOKENS))],
        lambda draw, name, value, other: [b"%b=%b" % (name, draw(_TEXTS))],
        lambda draw, name, value, other: [b"%b=%b" % (name, change_bytes(draw, value))],
        lambda draw, name, value, other: [b"%b=%b" % (name, other.partition(b"=")[2])],
        lambda draw, name, value, other: [b"%b=%b" % (name, value), other],
        lambda draw, name, value, other: [b"%b=%b" % (draw(_FIELD_NAMES), value)],
        lambda draw, name, value, other: [b"%b=%b" % (name, value), b"%b=%b" % (draw(_FIELD_NAMES), draw(_TOKENS))],
    )
)
"""Each returns the pairs that replace `name=value`; `other` is another pair of the same form."""


def _change_pairs(draw: DrawFn, request: FuzzInput) -> FuzzInput:
    """Change the pairs of the query or of the body, whichever is present."""
    in_query = not request.body or (bool(request.query) and draw(st.booleans()))
    pairs = (request.query if in_query else request.body).split(b"&")
    index, other = draw_position(draw, len(pairs) - 1), pairs[draw_position(draw, len(pairs) - 1)]
    name, _, value = pairs[index].partition(b"=")
    pairs[index : index + 1] = draw(_PAIR_CHANGES)(draw, name, value, other)
    form = b"&".join(pairs)
    return request._replace(query=_escape_query(form)) if in_query else request._replace(body=form)


def _change_body(draw: DrawFn, request: FuzzInput) -> FuzzInput:
    return request._replace(body=change_bytes(draw, request.body))


def _change_query(draw: DrawFn, request: FuzzInput) -> FuzzInput:
    return request._replace(query=_escape_query(change_bytes(draw, request.query)))


def _change_method(draw: DrawFn, request: FuzzInput) -> FuzzInput:
    return request._replace(method=draw(_METHODS))


def _change_content_type(draw: DrawFn, request: FuzzInput) -> FuzzInput:
    return request._replace(headers=((b"Content-Type", draw(_CONTENT_TYPES)),))


_LINE_ENDS: Final = st.sampled_from((b"\r\n", b"\n", b"\r"))
_BOUNDARIES: Final = st.sampled_from((b"x", b"----b", b"a b"))
_SUFFIXES: Final = st.sampled_from((b"", b"/", b"/x", b"/%00", b"/%E5", b"%20"))


def _to_multipart(draw: DrawFn, request: FuzzInput) -> FuzzInput:
    end, boundary = draw(_LINE_ENDS), draw(_BOUNDARIES)
    part = b'--%s%sContent-Disposition: form-data; name="%s"%s%s%s%s'
    parts = [
        part % (boundary, end, name, end, end, value, end)
        for name, _, value in (pair.partition(b"=") for pair in request.body.split(b"&"))
    ]
    body = b"".join(parts) + b"--%s--%s" % (boundary, end)
    return request._replace(headers=((b"Content-Type", b'multipart/form-data; boundary="%s"' % boundary),), body=body)


_BODIES: Final = st.sampled_from([request.body for request in VENDOR_REQUESTS])


def _splice_bodies(draw: DrawFn, request: FuzzInput) -> FuzzInput:
    other = draw(_BODIES)
    end, begin = draw_position(draw, len(request.body)), draw_position(draw, len(other))
    return request._replace(body=request.body[:end] + other[begin:])


def _change_path(draw: DrawFn, request: FuzzInput) -> FuzzInput:
    path = request.target + draw(_SUFFIXES)
    paths = (path, path.upper(), b"/" + path, b"/./" + path[1:], path.replace(b"s", b"%73"))
    return request._replace(target=paths[draw_position(draw, len(paths) - 1)])


_VENDOR_MUTATORS: Final[tuple[Mutator, ...]] = (
    *(_change_pairs,) * 9,
    *(_change_body, _change_query, _change_method, _change_content_type, _to_multipart, _splice_bodies, _change_path),
    lambda draw, request: request._replace(query=_escape_query(request.body), body=b""),
    lambda draw, request: request._replace(target=draw(_TARGETS)),
)


def _change_document(draw: DrawFn, request: FuzzInput) -> FuzzInput:
    try:
        document = json.loads(request.body or b"{}")
    except ValueError:
        return request
    if isinstance(document, dict) and document:
        name, value = draw(st.sampled_from(list(document))), draw(_JSON_VALUES)
        if draw(st.booleans()):
            document[name] = value
        elif draw(st.booleans()):
            document[draw(_KEYS)] = value
        else:
            del document[name]
    else:
        document = draw(_JSON_VALUES)
    return request._replace(body=json.dumps(document).encode())


_KEYS: Final = st.sampled_from(("x", "", "id", "seconds", "now", "to", "kind", "\ud800"))
_USERIDS: Final = st.sampled_from((b"%00", b"%E5%86%85", b"13", b"%FF", b"..", b""))
_NUMBERS: Final = st.sampled_from((b"-1", b"9" * 30, b"0", b"1", b"x"))
_CONTROL_MUTATORS: Final[tuple[Mutator, ...]] = (
    *(_change_document,) * 3,
    *(_change_body, _change_query, _change_method, _change_content_type),
    lambda draw, request: request._replace(target=request.target.replace(b"12", draw(_USERIDS))),
    lambda draw, request: request._replace(target=request.target.replace(b"/3", b"/" + draw(_NUMBERS))),
)


def malformed_requests(
    corpus: Sequence[FuzzInput] = VENDOR_REQUESTS, mutators: Sequence[Mutator] = _VENDOR_MUTATORS
) -> st.SearchStrategy[FuzzInput]:
    """Requests to the vendor's endpoints, with up to six changes."""
    # Strategies are built once, not for each request: that takes longer than drawing from them.
    originals, changes = st.sampled_from(corpus), st.sampled_from(mutators)

    @st.composite
    def build(draw: DrawFn) -> FuzzInput:
        request = draw(originals)
        for _ in range(draw(_CHANGES)):
            request = draw(changes)(draw, request)
        return request

    return build()


def malformed_control_requests() -> st.SearchStrategy[FuzzInput]:
    """Requests to the control API, with up to six changes and without long polling (`wait`)."""
    requests = malformed_requests(CONTROL_REQUESTS, _CONTROL_MUTATORS)
    return requests.map(lambda request: request._replace(query=request.query.replace(b"wait", b"w")))
