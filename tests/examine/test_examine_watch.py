"""`sms10692-examine watch`: programs whose requests it judges."""

import sys
from pathlib import Path

import pytest

from support.examining import invoke_examine

WATCHED = """
import os, hashlib, time, urllib.parse, urllib.request
def send(text, number="13800000001"):
    stamp = time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + 8 * 3600))
    secret = os.environ["SMS10692_ACCOUNT"] + os.environ["SMS10692_PASSWORD"] + stamp
    form = {"action": "send", "userid": os.environ["SMS10692_USERID"], "timestamp": stamp, "mobile": number,
            "sign": hashlib.md5(secret.encode()).hexdigest(), "content": text}
    return urllib.parse.urlencode(form).encode()
def post(body):
    urllib.request.urlopen(os.environ["SMS10692_URL"] + "/v2sms.aspx", body).read()
"""


@pytest.mark.parametrize(
    ("program", "code", "expected"),
    [
        ("post(send('甲'))", 0, "requests: 1, messages: 1; exit code of the program: 0\n"),
        (
            "pass",
            1,
            "failed: no request arrived: let the program use the address in SMS10692_URL / SMS10692_MOCK_URL\n",
        ),
        (
            "post(send('甲'))\ntime.sleep(1.1)\npost(send('甲'))\npost(send('乙'))",
            0,
            "warning: texts sent to the same numbers more than once: 1; is that a retry?\n",
        ),
        ("post(send('甲').replace(b'mobile', b'phone'))", 0, "warning: refused (1×): 短信号码不能为空\n"),
        ("raise SystemExit(5)", 1, "exit code of the program: 5\n"),
        ("post(send('甲'))\nraise SystemExit(5)", 5, "exit code of the program: 5\n"),
    ],
)
def test_watch_judges_what_is_seen_on_the_wire(program: str, code: int, expected: str, tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(f"{WATCHED}\n{program}\n", "utf-8")
    result = invoke_examine("watch", "--", sys.executable, str(file))
    assert result.return_value == code
    assert expected in result.output


def test_watch_speaks_chinese_about_findings_too(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(f"{WATCHED}\npost(send('甲').replace(b'mobile', b'phone'))\n", "utf-8")
    result = invoke_examine("watch", "--lang", "zh", "--", sys.executable, str(file))
    assert "1 个请求，0 条短信；程序的退出码：0\n" in result.output
    assert "警告: 被拒绝（1 次）：短信号码不能为空\n" in result.output
    assert (
        "警告: refusal.mobile-missing（1 次）：缺少 mobile，收到的是 'phone'：号码的参数名是“mobile”。\n"
        in result.output
    )


OWN_ACCOUNT = """
import json
def control(method, path, document):
    url = os.environ["SMS10692_MOCK_URL"] + "/_mock/accounts" + path
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(document).encode(), headers, method=method)
    return urllib.request.urlopen(request).read()
made = json.loads(control("POST", "", {}))
os.environ |= {"SMS10692_" + name.upper(): made[name] for name in ("userid", "account", "password")}
post(send("甲"))
os.environ["SMS10692_ACCOUNT"] = ""
try:
    post(send("乙"))
finally:
    control("DELETE", "/" + made["userid"], {})
"""
"""A test with an account of its own, as the helpers of the tutorials make them, which is deleted at its end."""


def test_watch_judges_accounts_that_the_tests_create_and_delete(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(f"{WATCHED}\n{OWN_ACCOUNT}\n", "utf-8")
    result = invoke_examine("watch", "--", sys.executable, str(file))
    assert "requests: 2, messages: 1; exit code of the program: 0\n" in result.output
    assert "warning: signature.no-account (1×): The account was not signed" in result.output
    assert "warning: refused (1×): 用户名或密码错误\n" in result.output
    assert "signature.userid-unknown" not in result.output
