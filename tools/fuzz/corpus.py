"""The requests that the fuzzer changes: the vendor requests of the fixtures, and one per path of the control API."""

import json
from typing import Final, NamedTuple

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
        "POST", "/accounts", {"points": 5, "postpaid": False, "can_read_queues": True, "profile": "observed"}
    ),
    _build_control_request("GET", "/accounts/12"),
    _build_control_request("PATCH", "/accounts/12", {"top_up": 5, "profile": None}),
    _build_control_request("POST", "/reset", {"userid": "12"}),
    _build_control_request("POST", "/accounts/12/reset"),
    _build_control_request("GET", "/keywords"),
    _build_control_request("GET", "/profile"),
    _build_control_request("GET", "/accounts/12/profile"),
    _build_control_request("PUT", "/keywords", {"words": ["发票", "x"]}),
    _build_control_request("PUT", "/clock", {"mode": "frozen", "now": "2026-01-02T03:04:05+08:00", "speed": 1.5}),
    _build_control_request("POST", "/clock/advance", {"seconds": 60.5}),
    _build_control_request(
        "PUT", "/accounts/12/clock", {"mode": "running", "now": "2026-01-02T03:04:05Z", "speed": 2.0}
    ),
    _build_control_request("POST", "/accounts/12/clock/advance", {"to": "next"}),
    _build_control_request("GET", "/accounts/12/messages?mobile=15023239810&text=x&order=desc&limit=5&count=1"),
    _build_control_request("GET", "/accounts/12/messages?since=2026-01-02T03:04:05%2B08:00&after=3&task_id=100001"),
    _build_control_request("GET", "/accounts/12/queue-stats"),
    _build_control_request("GET", "/accounts/12/reports?state=waiting&until=2026-01-02T03:04:05Z"),
    _build_control_request("GET", "/accounts/12/replies?state=fetched"),
    _build_control_request(
        "POST", "/accounts/12/reports", {"mobile": "15023239810", "status": 20, "errorcode": "2", "extno": "01"}
    ),
    _build_control_request(
        "POST", "/accounts/12/replies", {"mobile": "15023239810", "content": "好", "task_id": None, "seconds": 1.0}
    ),
    _build_control_request("POST", "/accounts/12/reports/requeue", {"count": 3}),
    _build_control_request("POST", "/accounts/12/replies/requeue", {"since": "2026-01-02T03:04:05+08:00"}),
    _build_control_request(
        "PUT",
        "/accounts/12/delivery-rules",
        {"rules": [{"number": "150", "outcome": "failed", "probability": 0.5}], "seed": 1},
    ),
    _build_control_request(
        "POST", "/accounts/12/delivery-rules", {"number": "", "outcome": "unreported", "times": 2, "delay": 3.0}
    ),
    _build_control_request(
        "POST", "/accounts/12/faults", {"kind": "truncate", "at": 3, "times": 1, "operations": ["send"]}
    ),
    _build_control_request(
        "POST", "/faults", {"kind": "status", "status": 503, "probability": 0.01, "times": 1, "seed": 3}
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
