"""Fault injection into responses: pure functions from a response and a fault to the faulty response.

`domain.faults` decides which faults are triggered. The server and `wsgi` act on the fields `delay`, `pauses` and
`truncate_at` of the result.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from sms10692_mock.domain.fault_kinds import FaultKind
from sms10692_mock.domain.faults import Fault
from sms10692_mock.server.http_types import BODILESS, Pause, Response

_BOM: Final = b"\xef\xbb\xbf"
_BEFORE_HEAD: Final = -1
"""Value of `truncate_at` with which not even the head is sent."""

_IIS_ERROR_PAGE: Final = """<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">
<html xmlns="http://www.w3.org/1999/xhtml">
<head>
<meta http-equiv="Content-Type" content="text/html; charset=gb2312"/>
<title>{status} - {title}</title>
</head>
<body>
<div id="header"><h1>服务器错误</h1></div>
<div id="content"><h2>{status} - {title}</h2></div>
</body>
</html>
"""
_IIS_TITLES: Final = {
    403: "禁止访问: 访问被拒绝。",
    404: "找不到文件或目录。",
    500: "内部服务器错误。",
    502: "Web 服务器在作为网关或代理服务器时收到了无效响应。",
    503: "服务不可用。",
}


def inject(response: Response, faults: Sequence[Fault]) -> Response:
    """Apply faults to a response, in their order."""
    for fault in faults:
        response = INJECTORS[fault.kind](response, fault)
    return _without_body(response) if response.status in BODILESS else response


def with_body(response: Response, body: bytes, content_type: str | None = None) -> Response:
    """Replace the body of a response, with its Content-Length and, if given, its Content-Type."""
    changed = {"content-length": str(len(body))} | ({"content-type": content_type} if content_type else {})
    headers = [(name, changed.get(name.lower(), value)) for name, value in response.headers]
    return response._replace(body=body, headers=headers)


def _without_body(response: Response) -> Response:
    headers = [(name, value) for name, value in response.headers if not name.lower().startswith("content-")]
    return response._replace(body=b"", headers=headers)


def _replace_by_error_page(response: Response, fault: Fault) -> Response:
    title = _IIS_TITLES.get(fault.status, "服务器错误。")
    page = _IIS_ERROR_PAGE.format(status=fault.status, title=title).replace("\n", "\r\n").encode("gbk")
    return with_body(response, page, "text/html")._replace(status=fault.status)


def _declare_charset(response: Response, fault: Fault) -> Response:
    content_type = dict(response.headers)["Content-Type"].partition(";")[0]
    head, end, rest = response.body.partition(b"?>")
    before, quote, label = head.partition(b'encoding="')
    if quote:
        head = before + quote + fault.charset.encode("ascii", "replace") + label[label.index(b'"') :]
    return with_body(response, head + end + rest, f"{content_type}; charset={fault.charset}")


INJECTORS: Final[Mapping[FaultKind, Callable[[Response, Fault], Response]]] = {
    "latency": lambda response, fault: response._replace(delay=response.delay + fault.latency()),
    "hang": lambda response, fault: response._replace(delay=math.inf),
    "slow_body": lambda response, fault: response._replace(
        pauses=(*response.pauses, Pause(b"\r\n\r\n", fault.latency()))
    ),
    "status": _replace_by_error_page,
    "empty_body": lambda response, fault: with_body(response, b""),
    "truncate": lambda response, fault: response._replace(truncate_at=fault.at),
    "disconnect": lambda response, fault: response._replace(truncate_at=_BEFORE_HEAD),
    "wrong_charset": _declare_charset,
    "bom": lambda response, fault: with_body(response, _BOM + response.body),
    "vendor_error": lambda response, fault: response,
    "drop_fetch": lambda response, fault: response._replace(truncate_at=_BEFORE_HEAD),
}
