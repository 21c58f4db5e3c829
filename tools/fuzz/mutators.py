"""Builds malformed requests by changing valid ones, by grammar (form fields, JSON documents) or byte by byte.

All randomness comes from the `Random` that is passed in, so that a seed repeats a run.
"""

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final, NamedTuple

from support.exchanges import EXCHANGES

Headers = tuple[tuple[bytes, bytes], ...]


class FuzzInput(NamedTuple):
    """A request. `target` is the path without the query, percent-encoded where necessary."""

    method: bytes
    target: bytes
    query: bytes
    headers: Headers
    body: bytes

    def to_bytes(self) -> bytes:
        """Serialize the request. The correct Content-Length is added unless the headers contain a length."""
        lines = b"Connection: close\r\n" + b"".join(b"%s: %s\r\n" % header for header in self.headers)
        names = {name.lower() for name, _ in self.headers}
        if not names & {b"content-length", b"transfer-encoding"}:
            lines += b"Content-Length: %d\r\n" % len(self.body)
        query = b"?" + self.query if self.query else b""
        return b"%s %s%s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n%s" % (self.method, self.target, query, lines, self.body)


def _parse(raw: bytes) -> FuzzInput:
    head, _, body = raw.partition(b"\r\n\r\n")
    first_line, *lines = head.split(b"\r\n")
    method, target, _ = first_line.split(b" ")
    path, _, query = target.partition(b"?")
    headers = tuple((name, value) for name, _, value in (line.partition(b": ") for line in lines))
    kept_headers = tuple(header for header in headers if header[0].lower() in (b"content-type", b"transfer-encoding"))
    return FuzzInput(method, path, query, kept_headers, body)


VENDOR_REQUESTS: Final = tuple(_parse(exchange.request) for exchange in EXCHANGES)
"""The requests in `fixtures/exchanges`."""


def _build_control_request(method: str, path: str, document: object = None) -> FuzzInput:
    path, _, query = path.partition("?")
    body = b"" if document is None else json.dumps(document).encode()
    headers = ((b"Content-Type", b"application/json"),)
    return FuzzInput(method.encode(), b"/_mock" + path.encode(), query.encode(), headers, body)


CONTROL_REQUESTS: Final = (
    _build_control_request("GET", "/accounts"),
    _build_control_request(
        "POST", "/accounts", {"points": 5, "postpaid": False, "may_read_reports": True, "dialect": "observed"}
    ),
    _build_control_request("GET", "/accounts/12"),
    _build_control_request("PATCH", "/accounts/12", {"charge": 5, "dialect": None}),
    _build_control_request("POST", "/reset", {"userid": "12"}),
    _build_control_request("POST", "/accounts/12/reset"),
    _build_control_request("GET", "/keywords"),
    _build_control_request("PUT", "/keywords", {"words": ["发票", "x"]}),
    _build_control_request("PUT", "/clock", {"mode": "frozen", "now": "2026-01-02T03:04:05+08:00", "speed": 1.5}),
    _build_control_request("POST", "/clock/advance", {"seconds": 60.5}),
    _build_control_request(
        "PUT", "/accounts/12/clock", {"mode": "running", "now": "2026-01-02T03:04:05Z", "speed": 2.0}
    ),
    _build_control_request("POST", "/accounts/12/clock/advance", {"to": "next"}),
    _build_control_request("GET", "/accounts/12/messages?mobile=15023239810&text=x&order=desc&limit=5&count=1"),
    _build_control_request("GET", "/accounts/12/messages?since=2026-01-02T03:04:05%2B08:00&after=3&task_id=100001"),
    _build_control_request("GET", "/accounts/12/queues"),
    _build_control_request("GET", "/accounts/12/reports?state=waiting&until=2026-01-02T03:04:05Z"),
    _build_control_request("GET", "/accounts/12/replies?state=handed%20out"),
    _build_control_request(
        "POST", "/accounts/12/reports", {"mobile": "15023239810", "status": 20, "errorcode": "2", "extno": "01"}
    ),
    _build_control_request(
        "POST", "/accounts/12/replies", {"mobile": "15023239810", "content": "好", "task_id": None, "seconds": 1.0}
    ),
    _build_control_request("POST", "/accounts/12/reports/rewind", {"count": 3}),
    _build_control_request("POST", "/accounts/12/replies/rewind", {"since": "2026-01-02T03:04:05+08:00"}),
    _build_control_request(
        "PUT", "/accounts/12/outcomes", {"rules": [{"number": "150", "outcome": "failed", "share": 0.5}], "seed": 1}
    ),
    _build_control_request(
        "POST", "/accounts/12/outcomes", {"number": "", "outcome": "silent", "remaining": 2, "delay": 3.0}
    ),
    _build_control_request(
        "POST", "/accounts/12/faults", {"kind": "cut", "at": 3, "remaining": 1, "operations": ["send"]}
    ),
    _build_control_request(
        "POST", "/faults", {"kind": "status", "status": 503, "share": 0.01, "remaining": 1, "seed": 3}
    ),
    _build_control_request("GET", "/faults"),
    _build_control_request("DELETE", "/faults/x", {}),
    _build_control_request("DELETE", "/accounts/12/faults", {}),
    _build_control_request("GET", "/requests?limit=3&text=x"),
    _build_control_request("GET", "/requests/3"),
    _build_control_request("GET", "/accounts/12/requests/3"),
    _build_control_request("GET", "/nowhere"),
)
"""At least one request to each path of the control API."""

_TOKENS: Final = (
    *(
        b"",
        b" ",
        b"\0",
        b"%",
        b"%0",
        b"%u",
        b"%u12",
        b"%uD83D",
        b"%uDE00",
        b"%u0000",
        b"%00",
        b"%0A",
        b"%0D%0A",
        b"%FF",
    ),
    *(b"%C4%DA", b"%E5%86%85", b"%80", b"%AA%A1", b"%FE%FE", b"\xc4\xda", b"\xe5\x86\x85", b"\x80", b"\xff", b"\xfe"),
    *(b"+", b"&", b"=", b";", b",", b"?", b"#", b"<", b">", b"]]>", b"<![CDATA[", b"%26%230;", b"%26lt;", b"&#0;"),
    *(b"'", b"' or 1=1--", b"union select", b";drop", b"exec(", b"xp_", b"%EF%BF%BE", b"%EF%BB%BF", b"%1B[2J"),
    *(b"-1", b"0", b"1", b"4000", b"1e5", b"NaN", b"9" * 20, b"9" * 5000, b"%EF%BC%91", b"%D9%A3", b"1.0", b"01"),
    *(
        b"2010-10-24 09:08:10",
        b"9999-12-31 23:59:59",
        b"0001-01-01 00:00:00",
        b"2010-02-30 00:00:00",
        b"20120701231212",
    ),
    *(
        b"send",
        b"overage",
        b"checkkeyword",
        b"query",
        b"SEND",
        b"json",
        b"xml",
        b"12",
        b"test",
        b"mima",
        b"15023239810",
    ),
    *(b"10000000001", b"10000000030", b"10000000031", b"1" * 300, b"x" * 70_000, b"15023239810," * 200, b"__proto__"),
)
_FIELD_NAMES: Final = (
    *(
        b"userid",
        b"timestamp",
        b"sign",
        b"sign ",
        b"mobile",
        b"content",
        b"sendTime",
        b"action",
        b"extno",
        b"statusNum",
    ),
    *(b"rt", b"", b"x", b"ACTION", b"Content", b"%61ction", b"\xe5", b"a" * 300),
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


def corrupt_http(rng: Random, request: FuzzInput) -> bytes:
    """Serialize a request with an error at the HTTP level: truncated, wrong framing, invalid headers."""
    raw = request.to_bytes()
    defect = rng.randrange(8)
    head, _, body = raw.partition(b"\r\n\r\n")
    if defect == 0:
        return _change_bytes(rng, raw)
    if defect == 1:
        return raw[: rng.randrange(len(raw) + 1)]
    if defect == 2:
        return head + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + rng.choice(_CHUNKED_BODIES) + body
    if defect == 3:
        return (
            head.replace(b"Content-Length: ", b"Content-Length: " + rng.choice((b"-", b"+", b"9", b"0x", b" ")))
            + b"\r\n\r\n"
            + body
        )
    if defect == 4:
        return head + b"\r\n" + rng.choice(_HEADER_LINES) + b"\r\n\r\n" + body
    if defect == 5:
        return raw + raw
    if defect == 6:
        return raw.replace(b"HTTP/1.1", rng.choice((b"HTTP/1.0", b"HTTP/2.0", b"HTTP/9", b"http/1.1", b"")), 1)
    return raw.replace(b"\r\n", b"\n", rng.randrange(1, 4))


_CHUNKED_BODIES: Final = (
    b"",
    b"0\r\n\r\n",
    b"3\r\na=b\r\n0\r\n\r\n",
    b"zz\r\n",
    b"-1\r\n",
    b"ffffffffffffffffff\r\n",
    b"3\r\na=b",
    b"3;x=y\r\na=b\r\n0\r\nx: y\r\n\r\n",
)
_HEADER_LINES: Final = (
    *(
        b"Expect: 100-continue",
        b"Expect: x",
        b"Connection: close",
        b"Connection: upgrade\r\nUpgrade: websocket",
        b"X: \xff",
    ),
    *(
        b"Content-Length: 5",
        b": x",
        b"x",
        b" folded",
        b"Content-Encoding: gzip",
        b"Cookie: " + b"x" * 9000,
        b"Host: \xe5",
    ),
    *(b"X: y\r\n" * 150, b"Transfer-Encoding: gzip", b"Origin: http://[", b"Host: [::1", b"Range: bytes=0-1"),
)


def _change_bytes(rng: Random, raw: bytes) -> bytes:
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
    pairs[index] = name + b"=" + _change_bytes(rng, value)


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
    lambda rng, request: request._replace(body=_change_bytes(rng, request.body)),
    lambda rng, request: request._replace(query=_escape_query(_change_bytes(rng, request.query))),
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
    lambda rng, request: request._replace(body=_change_bytes(rng, request.body)),
    lambda rng, request: request._replace(query=_escape_query(_change_bytes(rng, request.query))),
    lambda rng, request: request._replace(
        target=request.target.replace(b"12", rng.choice((b"%00", b"%E5%86%85", b"13", b"%FF", b"..", b"")))
    ),
    lambda rng, request: request._replace(
        target=request.target.replace(b"/3", b"/" + rng.choice((b"-1", b"9" * 30, b"0", b"1", b"x")))
    ),
    lambda rng, request: request._replace(method=rng.choice(_METHODS)),
    lambda rng, request: request._replace(headers=((b"Content-Type", rng.choice(_CONTENT_TYPES)),)),
)
