"""Benchmark of the control API, in process: creating and resetting accounts, diagnosis, and a bare Flask view.

Figures are medians in milliseconds of this thread's CPU time, without sockets.
"""

import io
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, jsonify

from sms10692 import protocol
from sms10692_mock.admin.app import create_admin_app
from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.accounts import NewAccount
from sms10692_mock.app.vendor_app import VendorApp, VendorRequest
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
        raise RuntimeError(f"unexpected response: {statuses[0]}")


def _measure_median(work: Callable[[], object], rounds: int) -> float:
    """Return the median CPU time of this thread in milliseconds, which other processes do not affect."""
    samples = []
    for _ in range(rounds):
        started = time.thread_time()
        work()
        samples.append((time.thread_time() - started) * 1000)
    return statistics.median(samples)


def _create_filled_account(control: ControlService, messages: int) -> str:
    """Create an account that has sent `messages` messages, one per request; return its userid."""
    userid = control.accounts.create(NewAccount(points=messages)).userid
    account = control.accounts.get(userid)
    for number in range(messages):
        fields = {"action": "send", "userid": userid, "mobile": f"1{number:010}", "content": f"text {number}"}
        control.vendor.send(account, control.vendor.now(), number, parse_request(protocol.V2SMS, fields))
    return userid


def measure_admin_api() -> dict[str, float]:
    """Return milliseconds of CPU time by operation."""
    options = Options()
    vendor, notifier = build_vendor(options), ChangeNotifier()
    control = ControlService(vendor, options, notifier)
    admin_app, bare_app = create_admin_app(control, AccessPolicy()), Flask("bare")
    bare_app.post("/")(lambda: jsonify(userid="1"))
    vendor_app = VendorApp(vendor, options)
    body = b"action=overage&userid=12&timestamp=20260101000000&sign=" + b"0" * 32
    refused_request = VendorRequest("POST", b"", "application/x-www-form-urlencoded", body, protocol.V2SMS.path)
    filled = [_create_filled_account(control, 100_000) for _ in range(3)]
    resets = iter(filled)
    return {
        "a bare Flask view that returns JSON": _measure_median(lambda: _post(bare_app, "/"), 300),
        "POST /_mock/accounts": _measure_median(lambda: _post(admin_app, "/_mock/accounts"), 300),
        "reset of an account without messages": _measure_median(
            lambda: _post(admin_app, "/_mock/accounts/12/reset"), 100
        ),
        "reset of an account with 100,000 messages": _measure_median(
            lambda: _post(admin_app, f"/_mock/accounts/{next(resets)}/reset"), len(filled)
        ),
        "a refused request with its diagnosis": _measure_median(
            lambda: vendor_app.respond(protocol.V2SMS, refused_request), 50
        ),
    }
