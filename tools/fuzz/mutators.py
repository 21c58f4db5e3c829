"""Builds malformed requests by changing valid ones: form fields, JSON documents, headers, paths, or single bytes.

All randomness comes from the `Random` that is passed in, so that a seed repeats a run.
"""

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

from fuzz.corpus import CONTROL_REQUESTS, VENDOR_REQUESTS, FuzzInput

_TOKENS: Final = (
    *(b"", b" ", b"\0", *b"% %0 %u %u12 %uD83D %uDE00 %u0000 %00 %0A %0D%0A %FF".split()),
    *(b"%C4%DA", b"%E5%86%85", b"%80", b"%AA%A1", b"%FE%FE", b"\xc4\xda", b"\xe5\x86\x85", b"\x80", b"\xff", b"\xfe"),
    *(b"+", b"&", b"=", b";", b",", b"?", b"#", b"<", b">", b"]]>", b"<![CDATA[", b"%26%230;", b"%26lt;", b"&#0;"),
    *(b"'", b"' or 1=1--", b"union select", b";drop", b"exec(", b"xp_", b"%EF%BF%BE", b"%EF%BB%BF", b"%1B[2J"),
    *(b"-1", b"0", b"1", b"4000", b"1e5", b"NaN", b"9" * 20, b"9" * 5000, b"%EF%BC%91", b"%D9%A3", b"1.0", b"01"),
    *(b"2010-10-24 09:08:10", b"9999-12-31 23:59:59", b"0001-01-01 00:00:00", b"2010-02-30 00:00:00"),
    *b"20120701231212 send overage checkkeyword query SEND json xml 12 test mima 15023239810".split(),
    *(b"10000000001", b"10000000030", b"10000000031", b"1" * 300, b"x" * 70_000, b"15023239810," * 200, b"__proto__"),
)
_FIELD_NAMES: Final = (
    *b"userid timestamp sign mobile content sendTime action extno statusNum rt x ACTION Content %61ction".split(),
    *(b"sign ", b"", b"\xe5", b"a" * 300),
)
_CONTENT_TYPES: Final = (
    b"",
    b"application/x-www-form-urlencoded",
    b"application/x-www-form-urlencoded; charset=gbk",
    b"application/json",
    b"text/plain",
    b"multipart/form-data",
    b"multipart/form-data; boundary=",
    b'multipart/form-data; boundary="x\xff"',
    b"multipart/form-data; boundary=x",
    b"multipart/form-data; boundary*=utf-8''%E5",
    b"\xc4\xda",
    b"a" * 5000,
)
_METHODS: Final = (b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE", b"post", b"X")
_TARGETS: Final = (b"/v2sms.aspx", b"/v2smsGBK.aspx", b"/v2statusApi.aspx", b"/v2callApi.aspx")
_JSON_VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, 10**400, 0.5, -0.0, 1e308, 1e-320, float("nan"), float("inf")),
    *(
        "",
        " ",
        "x",
        "\0",
        "\ud800",
        "12",
        "next",
        "real",
        "running",
        "send",
        "状态",
        "1" * 20_000,
        "2026-01-02T03:04:05",
    ),
    *("9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00-23:59", "2026-13-01T00:00:00Z"),
    *([], {}, [[]], [None], ["send"], {"x": {}}, [1] * 1000, "其他错误", "manual", "utf-16", "150", "hang", "latency"),
)


def build_malformed_request(rng: Random, corpus: Sequence[FuzzInput] = VENDOR_REQUESTS) -> FuzzInput:
    """Build a request to one of the vendor's endpoints, with up to six changes."""
    request = rng.choice(corpus)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 6))):
        request = rng.choice(_VENDOR_MUTATORS)(rng, request)
    return request


def build_malformed_control_request(rng: Random) -> FuzzInput:
    """Build a request to the control API, with up to three changes and without long polling (`wait`)."""
    request = rng.choice(CONTROL_REQUESTS)
    for _ in range(rng.choice((1, 1, 2, 3))):
        request = rng.choice(_CONTROL_MUTATORS)(rng, request)
    return request._replace(query=request.query.replace(b"wait", b"w")) if b"wait" in request.query else request


def change_bytes(rng: Random, raw: bytes) -> bytes:
    begin = rng.randrange(len(raw) + 1)
    end = min(len(raw), begin + rng.choice((0, 1, 1, 2, 10, 100)))
    kind = rng.randrange(4)
    if kind == 0:
        return raw[:begin] + raw[end:]
    if kind == 1:
        return raw[:end] + raw[begin:]
    if kind == 2:
        return raw[:begin] + bytes([rng.randrange(256)]) + raw[begin + 1 :]
    return raw[:begin] + rng.choice(_TOKENS) + raw[end:]


def _on_form_pairs(change: Callable[[Random, list[bytes]], None]) -> Callable[[Random, FuzzInput], FuzzInput]:
    """Turn a function that changes name=value pairs into a mutator of the query or the body, whichever is present."""

    def mutate(rng: Random, request: FuzzInput) -> FuzzInput:
        use_query = not request.body or (bool(request.query) and rng.random() < 0.5)
        pairs = (request.query if use_query else request.body).split(b"&")
        change(rng, pairs)
        form = b"&".join(pairs)
        return request._replace(query=_escape_query(form)) if use_query else request._replace(body=form)

    return mutate


def _escape_query(query: bytes) -> bytes:
    return query.replace(b" ", b"+").replace(b"#", b"%23")


def _replace_value(rng: Random, pairs: list[bytes]) -> None:
    index = rng.randrange(len(pairs))
    pairs[index] = pairs[index].partition(b"=")[0] + b"=" + rng.choice(_TOKENS)


def _corrupt_value(rng: Random, pairs: list[bytes]) -> None:
    index = rng.randrange(len(pairs))
    name, _, value = pairs[index].partition(b"=")
    pairs[index] = name + b"=" + change_bytes(rng, value)


def _replace_text_field(rng: Random, pairs: list[bytes]) -> None:
    tokens = b"".join(rng.choices(_TOKENS[:-9], k=rng.randint(1, 8)))
    name = rng.choice((b"content=", b"mobile=", b"extno=", b"sendTime=", b"statusNum="))
    pairs[:] = [pair for pair in pairs if not pair.startswith(name)] + [name + tokens]


def _drop_pair(rng: Random, pairs: list[bytes]) -> None:
    del pairs[rng.randrange(len(pairs))]


def _duplicate_pair(rng: Random, pairs: list[bytes]) -> None:
    pairs.insert(rng.randrange(len(pairs) + 1), rng.choice(pairs))


def _rename_pair(rng: Random, pairs: list[bytes]) -> None:
    index = rng.randrange(len(pairs))
    pairs[index] = rng.choice(_FIELD_NAMES) + b"=" + pairs[index].partition(b"=")[2]


def _add_pair(rng: Random, pairs: list[bytes]) -> None:
    pairs.insert(rng.randrange(len(pairs) + 1), rng.choice(_FIELD_NAMES) + b"=" + rng.choice(_TOKENS))


def _swap_values(rng: Random, pairs: list[bytes]) -> None:
    first, second = rng.randrange(len(pairs)), rng.randrange(len(pairs))
    (name, _, value), (name2, _, value2) = pairs[first].partition(b"="), pairs[second].partition(b"=")
    pairs[first], pairs[second] = name + b"=" + value2, name2 + b"=" + value


def _to_multipart(rng: Random, request: FuzzInput) -> FuzzInput:
    end, boundary = rng.choice((b"\r\n", b"\n", b"\r")), rng.choice((b"x", b"----b", b"a b"))
    part = b'--%s%sContent-Disposition: form-data; name="%s"%s%s%s%s'
    parts = [
        part % (boundary, end, name, end, end, value, end)
        for name, _, value in (pair.partition(b"=") for pair in request.body.split(b"&"))
    ]
    body = b"".join(parts) + b"--%s--%s" % (boundary, end)
    return request._replace(headers=((b"Content-Type", b'multipart/form-data; boundary="%s"' % boundary),), body=body)


def _splice_bodies(rng: Random, request: FuzzInput) -> FuzzInput:
    other = rng.choice(VENDOR_REQUESTS)
    return request._replace(
        body=request.body[: rng.randrange(len(request.body) + 1)] + other.body[rng.randrange(len(other.body) + 1) :]
    )


def _change_path(rng: Random, request: FuzzInput) -> FuzzInput:
    path = request.target + rng.choice((b"", b"/", b"/x", b"/%00", b"/%E5", b"%20"))
    return request._replace(
        target=rng.choice((path, path.upper(), b"/" + path, b"/./" + path[1:], path.replace(b"s", b"%73")))
    )


_VENDOR_MUTATORS: Final[tuple[Callable[[Random, FuzzInput], FuzzInput], ...]] = (
    *map(
        _on_form_pairs,
        (
            _replace_value,
            _corrupt_value,
            _replace_text_field,
            _replace_text_field,
            _drop_pair,
            _duplicate_pair,
            _rename_pair,
            _add_pair,
            _swap_values,
        ),
    ),
    lambda rng, request: request._replace(body=change_bytes(rng, request.body)),
    lambda rng, request: request._replace(query=_escape_query(change_bytes(rng, request.query))),
    lambda rng, request: request._replace(query=_escape_query(request.body), body=b""),
    lambda rng, request: request._replace(method=rng.choice(_METHODS)),
    lambda rng, request: request._replace(target=rng.choice(_TARGETS)),
    lambda rng, request: request._replace(headers=((b"Content-Type", rng.choice(_CONTENT_TYPES)),)),
    _to_multipart,
    _splice_bodies,
    _change_path,
)


def _change_document(rng: Random, request: FuzzInput) -> FuzzInput:
    try:
        document = json.loads(request.body or b"{}")
    except ValueError:
        return request
    if not isinstance(document, dict) or not document:
        return request._replace(body=json.dumps(rng.choice(_JSON_VALUES)).encode())
    name, kind = rng.choice(list(document)), rng.randrange(4)
    if kind == 0:
        del document[name]
    elif kind == 1:
        document[rng.choice(("x", "", "id", "seconds", "now", "to", "kind", "\ud800"))] = rng.choice(_JSON_VALUES)
    else:
        document[name] = rng.choice(_JSON_VALUES)
    return request._replace(body=json.dumps(document).encode())


_CONTROL_MUTATORS: Final[tuple[Callable[[Random, FuzzInput], FuzzInput], ...]] = (
    _change_document,
    _change_document,
    _change_document,
    lambda rng, request: request._replace(body=change_bytes(rng, request.body)),
    lambda rng, request: request._replace(query=_escape_query(change_bytes(rng, request.query))),
    lambda rng, request: request._replace(
        target=request.target.replace(b"12", rng.choice((b"%00", b"%E5%86%85", b"13", b"%FF", b"..", b"")))
    ),
    lambda rng, request: request._replace(
        target=request.target.replace(b"/3", b"/" + rng.choice((b"-1", b"9" * 30, b"0", b"1", b"x")))
    ),
    lambda rng, request: request._replace(method=rng.choice(_METHODS)),
    lambda rng, request: request._replace(headers=((b"Content-Type", rng.choice(_CONTENT_TYPES)),)),
)
