"""A send as a handler of pytest-httpserver: `python by_pytest_httpserver.py PORT`.

It runs in the peers' own virtual environment and must not import the packages of this project.
"""

import hashlib
import sys
import threading
import time
from itertools import count
from typing import Any
from xml.sax.saxutils import escape

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

ACCOUNTS = {"12": ("test", "mima")}
task_ids = count(100001)
reports: list[tuple[str, int, int, float]] = []
points = 10**12


def send(request: Request) -> Response:
    """Parse the form, check the signature, charge the account, queue the reports, respond with XML."""
    global points
    form: Any = request.form
    account, password = ACCOUNTS.get(form.get("userid", ""), ("", ""))
    expected = hashlib.md5(f"{account}{password}{form.get('timestamp', '')}".encode()).hexdigest()  # noqa: S324 - the vendor's signature
    numbers = [number.strip() for number in form.get("mobile", "").split(",") if number.strip()]
    message, task = "ok", 0
    if not account or expected != form.get("sign"):
        message = "用户名或密码错误"
    elif not numbers:
        message = "手机号码不能为空"
    elif not form.get("content"):
        message = "短信内容不能为空"
    else:
        task = next(task_ids)
        points -= len(numbers)
        reports.extend((number, task, 10, time.time()) for number in numbers)
    accepted = message == "ok"
    body = (
        '<?xml version="1.0" encoding="utf-8" ?><returnsms>\n'
        f" <returnstatus>{'Success' if accepted else 'Faild'}</returnstatus>\n <message>{escape(message)}</message>\n"
        f" <remainpoint>{points if accepted else 0}</remainpoint>\n <taskID>{task}</taskID>\n"
        f" <successCounts>{len(numbers) if accepted else 0}</successCounts></returnsms>"
    )
    return Response(body, content_type="text/xml; charset=utf-8")


if __name__ == "__main__":
    server = HTTPServer("127.0.0.1", int(sys.argv[1]))
    server.expect_request("/v2sms.aspx", method="POST").respond_with_handler(send)
    server.start()
    threading.Event().wait()
