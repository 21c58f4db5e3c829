"""Real requests, changed: by their grammar, so that most of one stays right, and by their bytes.

Here belong requests as values and what can be changed of them, by dice. What an answer to one must be is in `judging`.
"""

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final, NamedTuple

from support.exchanges import EXCHANGES

Headers = tuple[tuple[bytes, bytes], ...]


class FuzzInput(NamedTuple):
    """A request. `target` is a path, percent-encoded where that is needed, without the query."""

    method: bytes
    target: bytes
    query: bytes
    headers: Headers
    body: bytes

    def raw(self) -> bytes:
        """As it goes over a socket: what declares no other length declares the right one."""
        lines = b"Connection: close\r\n" + b"".join(b"%s: %s\r\n" % header for header in self.headers)
        names = {name.lower() for name, _ in self.headers}
        if not names & {b"content-length", b"transfer-encoding"}:
            lines += b"Content-Length: %d\r\n" % len(self.body)
        query = b"?" + self.query if self.query else b""
        return b"%s %s%s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n%s" % (self.method, self.target, query, lines, self.body)


def _of(raw: bytes) -> FuzzInput:
    head, _, body = raw.partition(b"\r\n\r\n")
    first_line, *lines = head.split(b"\r\n")
    method, target, _ = first_line.split(b" ")
    path, _, query = target.partition(b"?")
    headers = tuple((name, value) for name, _, value in (line.partition(b": ") for line in lines))
    kept = tuple(header for header in headers if header[0].lower() in (b"content-type", b"transfer-encoding"))
    return FuzzInput(method, path, query, kept, body)


REAL: Final = tuple(_of(exchange.request) for exchange in EXCHANGES)
"""The requests of the hand-written exchanges."""


def _control(method: str, path: str, document: object = None) -> FuzzInput:
    path, _, query = path.partition("?")
    body = b"" if document is None else json.dumps(document).encode()
    headers = ((b"Content-Type", b"application/json"),)
    return FuzzInput(method.encode(), b"/_mock" + path.encode(), query.encode(), headers, body)


CONTROL: Final = (
    _control("GET", "/accounts"),
    _control("POST", "/accounts", {"points": 5, "postpaid": False, "may_read_reports": True, "dialect": "observed"}),
    _control("GET", "/accounts/12"),
    _control("PATCH", "/accounts/12", {"charge": 5, "dialect": None}),
    _control("POST", "/reset", {"userid": "12"}),
    _control("POST", "/accounts/12/reset"),
    _control("GET", "/keywords"),
    _control("PUT", "/keywords", {"words": ["发票", "x"]}),
    _control("PUT", "/clock", {"mode": "frozen", "now": "2026-01-02T03:04:05+08:00", "speed": 1.5}),
    _control("POST", "/clock/advance", {"seconds": 60.5}),
    _control("PUT", "/accounts/12/clock", {"mode": "running", "now": "2026-01-02T03:04:05Z", "speed": 2.0}),
    _control("POST", "/accounts/12/clock/advance", {"to": "next"}),
    _control("GET", "/accounts/12/messages?mobile=15023239810&text=x&order=desc&limit=5&count=1"),
    _control("GET", "/accounts/12/messages?since=2026-01-02T03:04:05%2B08:00&after=3&task_id=100001"),
    _control("GET", "/accounts/12/queues"),
    _control("GET", "/accounts/12/reports?state=waiting&until=2026-01-02T03:04:05Z"),
    _control("GET", "/accounts/12/replies?state=handed%20out"),
    _control("POST", "/accounts/12/reports", {"mobile": "15023239810", "status": 20, "errorcode": "2", "extno": "01"}),
    _control(
        "POST", "/accounts/12/replies", {"mobile": "15023239810", "content": "好", "task_id": None, "seconds": 1.0}
    ),
    _control("POST", "/accounts/12/reports/rewind", {"count": 3}),
    _control("POST", "/accounts/12/replies/rewind", {"since": "2026-01-02T03:04:05+08:00"}),
    _control(
        "PUT", "/accounts/12/outcomes", {"rules": [{"number": "150", "outcome": "failed", "share": 0.5}], "seed": 1}
    ),
    _control("POST", "/accounts/12/outcomes", {"number": "", "outcome": "silent", "remaining": 2, "delay": 3.0}),
    _control("POST", "/accounts/12/faults", {"kind": "cut", "at": 3, "remaining": 1, "operations": ["send"]}),
    _control("POST", "/faults", {"kind": "status", "status": 503, "share": 0.01, "remaining": 1, "seed": 3}),
    _control("GET", "/faults"),
    _control("DELETE", "/faults/x", {}),
    _control("DELETE", "/accounts/12/faults", {}),
    _control("GET", "/requests?limit=3&text=x"),
    _control("GET", "/requests/3"),
    _control("GET", "/accounts/12/requests/3"),
    _control("GET", "/nowhere"),
)
"""One request to each address of the control address."""

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
_NAMES: Final = (
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
_TYPES: Final = (
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
_VALUES: Final[tuple[Any, ...]] = (
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


def malformed(dice: Random, kept: Sequence[FuzzInput] = REAL) -> FuzzInput:
    """A request to one of the vendor's pages, with up to six changes."""
    one = dice.choice(kept)
    for _ in range(dice.choice((1, 1, 1, 2, 2, 3, 6))):
        one = dice.choice(_CHANGES)(dice, one)
    return one


def malformed_control(dice: Random) -> FuzzInput:
    """A request to the control address, with up to three changes. None of them waits."""
    one = dice.choice(CONTROL)
    for _ in range(dice.choice((1, 1, 2, 3))):
        one = dice.choice(_CONTROL_CHANGES)(dice, one)
    return one._replace(query=one.query.replace(b"wait", b"w")) if b"wait" in one.query else one


def broken_line(dice: Random, one: FuzzInput) -> bytes:
    """The bytes of a request, with something wrong below what a page gets to see."""
    raw = one.raw()
    wrong = dice.randrange(8)
    head, _, body = raw.partition(b"\r\n\r\n")
    if wrong == 0:
        return _bytes_changed(dice, raw)
    if wrong == 1:
        return raw[: dice.randrange(len(raw) + 1)]
    if wrong == 2:
        return head + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + dice.choice(_CHUNKS) + body
    if wrong == 3:
        return (
            head.replace(b"Content-Length: ", b"Content-Length: " + dice.choice((b"-", b"+", b"9", b"0x", b" ")))
            + b"\r\n\r\n"
            + body
        )
    if wrong == 4:
        return head + b"\r\n" + dice.choice(_LINES) + b"\r\n\r\n" + body
    if wrong == 5:
        return raw + raw
    if wrong == 6:
        return raw.replace(b"HTTP/1.1", dice.choice((b"HTTP/1.0", b"HTTP/2.0", b"HTTP/9", b"http/1.1", b"")), 1)
    return raw.replace(b"\r\n", b"\n", dice.randrange(1, 4))


_CHUNKS: Final = (
    b"",
    b"0\r\n\r\n",
    b"3\r\na=b\r\n0\r\n\r\n",
    b"zz\r\n",
    b"-1\r\n",
    b"ffffffffffffffffff\r\n",
    b"3\r\na=b",
    b"3;x=y\r\na=b\r\n0\r\nx: y\r\n\r\n",
)
_LINES: Final = (
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


def _bytes_changed(dice: Random, raw: bytes) -> bytes:
    place = dice.randrange(len(raw) + 1)
    end = min(len(raw), place + dice.choice((0, 1, 1, 2, 10, 100)))
    what = dice.randrange(4)
    if what == 0:
        return raw[:place] + raw[end:]
    if what == 1:
        return raw[:end] + raw[place:]
    if what == 2:
        return raw[:place] + bytes([dice.randrange(256)]) + raw[place + 1 :]
    return raw[:place] + dice.choice(_TOKENS) + raw[end:]


def _in_pairs(change: Callable[[Random, list[bytes]], None]) -> Callable[[Random, FuzzInput], FuzzInput]:
    """A change of the pairs of a form, in the query or in the body, whichever there is."""

    def changed(dice: Random, one: FuzzInput) -> FuzzInput:
        of_query = not one.body or (bool(one.query) and dice.random() < 0.5)
        pairs = (one.query if of_query else one.body).split(b"&")
        change(dice, pairs)
        form = b"&".join(pairs)
        return one._replace(query=_line_safe(form)) if of_query else one._replace(body=form)

    return changed


def _line_safe(query: bytes) -> bytes:
    return query.replace(b" ", b"+").replace(b"#", b"%23")


def _value(dice: Random, pairs: list[bytes]) -> None:
    place = dice.randrange(len(pairs))
    pairs[place] = pairs[place].partition(b"=")[0] + b"=" + dice.choice(_TOKENS)


def _value_in_part(dice: Random, pairs: list[bytes]) -> None:
    place = dice.randrange(len(pairs))
    name, _, value = pairs[place].partition(b"=")
    pairs[place] = name + b"=" + _bytes_changed(dice, value)


def _content(dice: Random, pairs: list[bytes]) -> None:
    tokens = b"".join(dice.choices(_TOKENS[:-9], k=dice.randint(1, 8)))
    name = dice.choice((b"content=", b"mobile=", b"extno=", b"sendTime=", b"statusNum="))
    pairs[:] = [pair for pair in pairs if not pair.startswith(name)] + [name + tokens]


def _drop(dice: Random, pairs: list[bytes]) -> None:
    del pairs[dice.randrange(len(pairs))]


def _twice(dice: Random, pairs: list[bytes]) -> None:
    pairs.insert(dice.randrange(len(pairs) + 1), dice.choice(pairs))


def _rename(dice: Random, pairs: list[bytes]) -> None:
    place = dice.randrange(len(pairs))
    pairs[place] = dice.choice(_NAMES) + b"=" + pairs[place].partition(b"=")[2]


def _add(dice: Random, pairs: list[bytes]) -> None:
    pairs.insert(dice.randrange(len(pairs) + 1), dice.choice(_NAMES) + b"=" + dice.choice(_TOKENS))


def _swap(dice: Random, pairs: list[bytes]) -> None:
    one, other = dice.randrange(len(pairs)), dice.randrange(len(pairs))
    (name, _, value), (name2, _, value2) = pairs[one].partition(b"="), pairs[other].partition(b"=")
    pairs[one], pairs[other] = name + b"=" + value2, name2 + b"=" + value


def _multipart(dice: Random, one: FuzzInput) -> FuzzInput:
    end, boundary = dice.choice((b"\r\n", b"\n", b"\r")), dice.choice((b"x", b"----b", b"a b"))
    part = b'--%s%sContent-Disposition: form-data; name="%s"%s%s%s%s'
    parts = [
        part % (boundary, end, name, end, end, value, end)
        for name, _, value in (pair.partition(b"=") for pair in one.body.split(b"&"))
    ]
    body = b"".join(parts) + b"--%s--%s" % (boundary, end)
    return one._replace(headers=((b"Content-Type", b'multipart/form-data; boundary="%s"' % boundary),), body=body)


def _splice(dice: Random, one: FuzzInput) -> FuzzInput:
    other = dice.choice(REAL)
    return one._replace(
        body=one.body[: dice.randrange(len(one.body) + 1)] + other.body[dice.randrange(len(other.body) + 1) :]
    )


def _path(dice: Random, one: FuzzInput) -> FuzzInput:
    path = one.target + dice.choice((b"", b"/", b"/x", b"/%00", b"/%E5", b"%20"))
    return one._replace(
        target=dice.choice((path, path.upper(), b"/" + path, b"/./" + path[1:], path.replace(b"s", b"%73")))
    )


_CHANGES: Final[tuple[Callable[[Random, FuzzInput], FuzzInput], ...]] = (
    *map(_in_pairs, (_value, _value_in_part, _content, _content, _drop, _twice, _rename, _add, _swap)),
    lambda dice, one: one._replace(body=_bytes_changed(dice, one.body)),
    lambda dice, one: one._replace(query=_line_safe(_bytes_changed(dice, one.query))),
    lambda dice, one: one._replace(query=_line_safe(one.body), body=b""),
    lambda dice, one: one._replace(method=dice.choice(_METHODS)),
    lambda dice, one: one._replace(target=dice.choice(_TARGETS)),
    lambda dice, one: one._replace(headers=((b"Content-Type", dice.choice(_TYPES)),)),
    _multipart,
    _splice,
    _path,
)


def _of_document(dice: Random, one: FuzzInput) -> FuzzInput:
    try:
        document = json.loads(one.body or b"{}")
    except ValueError:
        return one
    if not isinstance(document, dict) or not document:
        return one._replace(body=json.dumps(dice.choice(_VALUES)).encode())
    name, what = dice.choice(list(document)), dice.randrange(4)
    if what == 0:
        del document[name]
    elif what == 1:
        document[dice.choice(("x", "", "id", "seconds", "now", "to", "kind", "\ud800"))] = dice.choice(_VALUES)
    else:
        document[name] = dice.choice(_VALUES)
    return one._replace(body=json.dumps(document).encode())


_CONTROL_CHANGES: Final[tuple[Callable[[Random, FuzzInput], FuzzInput], ...]] = (
    _of_document,
    _of_document,
    _of_document,
    lambda dice, one: one._replace(body=_bytes_changed(dice, one.body)),
    lambda dice, one: one._replace(query=_line_safe(_bytes_changed(dice, one.query))),
    lambda dice, one: one._replace(
        target=one.target.replace(b"12", dice.choice((b"%00", b"%E5%86%85", b"13", b"%FF", b"..", b"")))
    ),
    lambda dice, one: one._replace(
        target=one.target.replace(b"/3", b"/" + dice.choice((b"-1", b"9" * 30, b"0", b"1", b"x")))
    ),
    lambda dice, one: one._replace(method=dice.choice(_METHODS)),
    lambda dice, one: one._replace(headers=((b"Content-Type", dice.choice(_TYPES)),)),
)
