"""What the control address costs in process, in milliseconds: an account, a reset, a diagnosis, and Flask beside them.

Here belongs what is timed without a socket. Each is the median of repeated calls, in time of this thread's own.
"""

import io
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, jsonify

from sms10692 import protocol
from sms10692_mock.admin.app import build_control, create_admin_app
from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.accounts import NewAccount
from sms10692_mock.app.vendor_app import Request, VendorApp
from sms10692_mock.config import Options, build_vendor
from sms10692_mock.domain.api_request import parse_request
from sms10692_mock.domain.notifier import ChangeNotifier

_Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def _post(application: _Wsgi, path: str) -> None:
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": "2",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(b"{}"),
        "wsgi.errors": sys.stderr,
    }
    statuses: list[str] = []
    b"".join(application(environ, lambda status, headers, exc_info=None: statuses.append(status)))
    if statuses[0][0] != "2":
        raise RuntimeError(f"not an answer to measure: {statuses[0]}")


def _median(work: Callable[[], object], rounds: int) -> float:
    """Milliseconds of this thread's own: what others do on the machine does not count."""
    figures = []
    for _ in range(rounds):
        begun = time.thread_time()
        work()
        figures.append((time.thread_time() - begun) * 1000)
    return statistics.median(figures)


def _filled(control: ControlService, messages: int) -> str:
    """The userid of an account that sent so many messages, each in a send of its own."""
    userid = control.accounts.create(NewAccount(points=messages)).userid
    account = control.accounts.get(userid)
    for number in range(messages):
        fields = {"action": "send", "userid": userid, "mobile": f"1{number:010}", "content": f"text {number}"}
        control.vendor.send(account, control.vendor.now(), number, parse_request(protocol.V2SMS, fields))
    return userid


def control_figures() -> dict[str, float]:
    """Milliseconds, by what was done."""
    options = Options()
    vendor, bell = build_vendor(options), ChangeNotifier()
    control = build_control(vendor, options, bell)
    ours, bare = create_admin_app(control, AccessPolicy()), Flask("bare")
    bare.post("/")(lambda: jsonify(userid="1"))
    pages = VendorApp(vendor, options.dialect)
    wrong = b"action=overage&userid=12&timestamp=20260101000000&sign=" + b"0" * 32
    refused = Request("POST", b"", "application/x-www-form-urlencoded", wrong, protocol.V2SMS.path)
    full = [_filled(control, 100_000) for _ in range(3)]
    resets = iter(full)
    return {
        "a bare Flask view that answers JSON": _median(lambda: _post(bare, "/"), 300),
        "POST /_mock/accounts": _median(lambda: _post(ours, "/_mock/accounts"), 300),
        "reset of an account that sent nothing": _median(lambda: _post(ours, "/_mock/accounts/12/reset"), 100),
        "reset of one that sent 100,000 messages": _median(
            lambda: _post(ours, f"/_mock/accounts/{next(resets)}/reset"), len(full)
        ),
        "a refused request, explained": _median(lambda: pages.handle(protocol.V2SMS, refused), 50),
    }
