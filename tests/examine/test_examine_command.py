"""The command `sms10692-examine`: options, reports, exit codes."""

import json
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click import UsageError
from click.testing import CliRunner, Result

from examine.careless_clients import CAREFUL, CARELESS
from sms10692_examine.cli import command
from sms10692_mock import Emulator
from support.documents import read

CARELESS_BY_NAME = {client.name: client for client in CARELESS}


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, standalone_mode=False, catch_exceptions=False)


@pytest.fixture
def careless(tmp_path: Path) -> str:
    """The path of a client that does not escape &."""
    driver = tmp_path / "careless & driver.py"
    driver.write_text(CARELESS_BY_NAME["& is not escaped"].build(), "utf-8")
    return str(driver)


def test_a_failed_case_says_what_is_lost_how_to_mend_it_and_how_to_repeat_it(careless: str) -> None:
    result = invoke("run", "--only", "Q-ampersand", "--only", "Q-plus", "--", sys.executable, careless)
    assert result.return_value == 1
    assert "failed Q-ampersand\n  observed: the text '【商店】A&B&mobile=1' arrived as '【商店】A'\n" in result.output
    assert "  cost: the text is cut at the &, and the rest becomes parameters\n" in result.output
    assert "  fix: percent-encode each value, or let a form library build the body\n" in result.output
    assert f"  repeat: sms10692-examine run --only Q-ampersand -- {sys.executable} '{careless}'\n" in result.output
    assert "careful: 1 passed, 1 failed (driver started in " in result.output


def test_the_terminal_speaks_chinese(careless: str) -> None:
    output = invoke("run", "--lang", "zh", "--only", "Q-ampersand", "--", sys.executable, careless).output
    assert "失败 Q-ampersand\n" in output
    assert "  后果: 内容在 & 处被截断，后面的部分变成参数\n" in output


@pytest.mark.parametrize(("language", "document"), [("en", "examine.md"), ("zh", "examine.zh-CN.md")])
def test_the_guide_shows_what_a_run_prints(language: str, document: str, careless: str) -> None:
    block = read(f"docs/{document}").partition("```text\n")[2].partition("```")[0]
    output = invoke("run", "--lang", language, "--only", "Q-ampersand", "--", sys.executable, careless).output
    shown = output.replace(f"-- {sys.executable} '{careless}'", "-- php driver.php")
    assert shown.startswith(block)


def test_a_known_failure_does_not_fail_the_run(careless: str, tmp_path: Path) -> None:
    known = tmp_path / "known.toml"
    known.write_text(
        '\ufeff[[known]]\r\ncase = "Q-ampersand"\r\nreason = "our texts have no &"\r\n\r\n'
        '[[known]]\r\ncase = "Q-plus"\r\nreason = "old"\r\n',
        "utf-8",
    )
    arguments = ("--only", "Q-ampersand", "--only", "Q-plus", "--", sys.executable, careless)
    result = invoke("run", "--expect", str(known), *arguments)
    assert result.return_value == 0
    assert "  known: our texts have no &\n" in result.output
    assert "Q-plus passed, and is listed as a known failure" in result.output.replace("\n", " ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[known]]\ncase = 'Q-nothing'\nreason = 'x'\n", "no such case: Q-nothing"),
        ("[[known]]\ncase = 'Q-plus'\n", "table 1 needs case and reason, and may have since"),
        ("[known]\n", "expected tables [[known]] only"),
        ("[[known\n", "known.toml: "),
    ],
)
def test_a_wrong_file_of_known_failures_is_named(text: str, message: str, tmp_path: Path) -> None:
    known = tmp_path / "known.toml"
    known.write_text(text, "utf-8")
    with pytest.raises(Exception, match=r"known\.toml") as caught:
        invoke("run", "--expect", str(known), "--", "true")
    assert message in str(caught.value)


def test_the_reports_hold_the_verdicts(careless: str, tmp_path: Path) -> None:
    html, junit, document = tmp_path / "a.html", tmp_path / "a.xml", tmp_path / "a.json"
    arguments = ("--html", str(html), "--junit", str(junit), "--json", str(document))
    invoke("run", *arguments, "--only", "Q-ampersand", "--only", "Q-plus", "--", sys.executable, careless)
    page = html.read_text("utf-8")
    assert "内容在 &amp; 处被截断" in page
    assert "the text is cut at the &amp;" in page
    assert "content=%E3%80%90%E5%95%86%E5%BA%97%E3%80%91A&amp;B&amp;mobile%3D1" in page
    assert "http://" not in page.replace("http://127.0.0.1", "")
    suite = ET.parse(junit).getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("2", "1", "0")
    cases = json.loads(document.read_text("utf-8"))["cases"]
    assert [(case["id"], case["state"]) for case in cases] == [("Q-ampersand", "failed"), ("Q-plus", "passed")]


def test_the_matrix_has_a_column_per_client(careless: str, tmp_path: Path) -> None:
    files = [tmp_path / "one.json", tmp_path / "two.json"]
    for file, driver in zip(files, (careless, str(CAREFUL)), strict=True):
        invoke("run", "--json", str(file), "--only", "Q-ampersand", "--", sys.executable, driver)
    page = tmp_path / "matrix.html"
    result = invoke("report", *map(str, files), "--html", str(page))
    assert result.return_value == 0
    row = next(line for line in result.output.splitlines() if "Q-ampersand" in line)
    assert row.count("✗") == 1
    assert row.count("✓") == 1
    assert '<td class="failed">✗</td><td class="passed">✓</td>' in page.read_text("utf-8")


def test_a_file_that_is_no_result_is_named(tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text("[]")
    with pytest.raises(Exception, match=r"other\.json: not a document of sms10692-examine run --json"):
        invoke("report", str(file))


def test_github_shows_failures_beside_the_run(careless: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    output = invoke("run", "--only", "Q-ampersand", "--", sys.executable, careless).output
    assert (
        "::error title=sms10692-examine Q-ampersand::the text '【商店】A&B&mobile=1' arrived as '【商店】A'. percent"
        in output
    )


@pytest.fixture
def refused(tmp_path: Path) -> str:
    """The path of a client that signs without the account, so that the vendor refuses every request."""
    driver = tmp_path / "refused.py"
    source = CAREFUL.read_text("utf-8")
    assert source.count("(self.account + self.password") == 1
    driver.write_text(source.replace("(self.account + self.password", "(self.password"), "utf-8")
    return str(driver)


def test_every_report_begins_with_the_refusal_of_the_credentials(
    refused: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    html, junit, document = tmp_path / "a.html", tmp_path / "a.xml", tmp_path / "a.json"
    reports = ("--html", str(html), "--junit", str(junit), "--json", str(document), "--lang", "zh")
    result = invoke("run", *reports, "--only", "Q-plus", "--", sys.executable, refused)
    assert result.return_value == 3
    english = (
        "the vendor refused all 6 requests with 用户名或密码错误: nothing else can be judged before this is mended."
    )
    chinese = "厂商以“用户名或密码错误”拒绝了全部 6 个请求：修复之前无法判定其他用例。"
    assert result.output.startswith(f"失败 {chinese}")
    assert f"::error title=sms10692-examine::{chinese}" in result.output
    page = html.read_text("utf-8")
    assert f'<p class="failed en">{english}' in page
    assert f'<p class="failed zh">{chinese}' in page
    suite = ET.parse(junit).getroot()[0]
    assert (suite.get("tests"), suite.get("errors"), suite.get("skipped")) == ("2", "1", "1")
    assert suite[0].get("name") == "账号：厂商接受请求的账号和签名"
    assert (suite[0][0].get("message") or "").startswith(chinese)
    told = json.loads(document.read_text("utf-8"))["refused"]
    assert (told["en"].startswith(english), told["zh"].startswith(chinese)) == (True, True)
    matrix = tmp_path / "matrix.html"
    output = invoke("report", str(document), "--html", str(matrix)).output
    assert f"careful: {english}" in output
    assert f'<p class="failed zh">careful: {chinese}' in matrix.read_text("utf-8")


def test_a_run_that_judges_nothing_is_no_success() -> None:
    arguments = ("--authentication", "password", "--only", "Q-no-password")
    result = invoke("run", *arguments, "--", sys.executable, str(CAREFUL))
    assert result.return_value == 3
    assert "not supported Q-no-password\n  observed: the older endpoints have no timestamp\n" in result.output


def test_cases_that_are_not_judged_for_one_reason_stand_together() -> None:
    arguments = ("--authentication", "password", "--only", "Q-no-password", "--only", "Q-plus", "--only", "Q-one-clock")
    result = invoke("run", *arguments, "--", sys.executable, str(CAREFUL))
    assert (
        "not supported Q-one-clock, Q-no-password\n  observed: the older endpoints have no timestamp\n" in result.output
    )
    assert result.output.count("observed") == 1


def test_an_unknown_case_is_named() -> None:
    with pytest.raises(Exception, match="no case 'Q-nothing'; see --list"):
        invoke("run", "--only", "Q-nothing", "--", "true")


def test_a_driver_that_cannot_be_started_is_wrong_usage() -> None:
    with pytest.raises(Exception, match="there is no program '/no/such/driver'"):
        invoke("run", "--", "/no/such/driver")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission to execute")
@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        ("#!/bin/sh\n", 0o644, r"is not executable; see chmod \+x, or name its interpreter"),
        ("no first line", 0o755, "Exec format error. The first line of '.*' has to name an interpreter"),
        ("#!/no/such/interpreter\n", 0o755, "No such file or directory. The first line of '.*' has to name"),
    ],
)
def test_a_file_that_is_no_program_is_wrong_usage(content: str, mode: int, message: str, tmp_path: Path) -> None:
    file = tmp_path / "driver"
    file.write_text(content, "utf-8")
    file.chmod(mode)
    with pytest.raises(UsageError, match=message):
        invoke("run", "--", str(file))


def test_a_folder_is_no_driver(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        invoke("run", "--", str(tmp_path))


def test_the_list_shows_every_case_of_a_group() -> None:
    output = invoke("run", "--list", "--only", "once").output
    assert "E-status-drain  9,000 waiting reports are processed, each once\n" in output
    assert "Q-" not in output


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
    result = invoke("watch", "--", sys.executable, str(file))
    assert result.return_value == code
    assert expected in result.output


def test_watch_speaks_chinese_about_findings_too(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(f"{WATCHED}\npost(send('甲').replace(b'mobile', b'phone'))\n", "utf-8")
    result = invoke("watch", "--lang", "zh", "--", sys.executable, str(file))
    assert "1 个请求，0 条短信；程序的退出码：0\n" in result.output
    assert "警告: 被拒绝（1 次）：短信号码不能为空\n" in result.output
    assert (
        "警告: refusal.mobile-missing（1 次）：缺少 mobile，收到的是 'phone'：号码的参数名是“mobile”。\n"
        in result.output
    )


def test_the_commands_of_a_report_repeat_an_exchange_at_a_new_emulator(careless: str, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    file = tmp_path / "a.html"
    invoke("run", "--html", str(file), "--only", "Q-ampersand", "--", sys.executable, careless)
    blocks = [unescape(block) for block in re.findall(r"<pre>(.*?)</pre>", file.read_text("utf-8"), re.DOTALL)]
    commands = [block for block in blocks if "curl -sS" in block]
    assert commands[0].startswith("# sms10692-mock serve\ncurl -sS http://127.0.0.1:10692/_mock/accounts ")
    with Emulator() as emulator:
        script = "\n".join(commands).replace("http://127.0.0.1:10692", emulator.url)
        printed = subprocess.run(["/bin/sh", "-c", script], capture_output=True, encoding="utf-8", check=True).stdout
    assert "<message>ok</message>" in printed


def test_the_chinese_half_of_a_report_says_in_chinese_what_was_altered(tmp_path: Path) -> None:
    driver, file = tmp_path / "driver.py", tmp_path / "a.html"
    driver.write_text(CARELESS_BY_NAME["an error page is a refusal"].build(), "utf-8")
    invoke("run", "--html", str(file), "--only", "F-error-page", "--", sys.executable, str(driver))
    page = file.read_text("utf-8")
    assert '<p class="zh">发送之后返回 500 和一个页面</p>' in page
    assert '<p class="en">500 with a page after the send</p>' in page


def test_no_line_is_wrapped_in_a_pipe(careless: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    output = invoke("run", "--only", "Q-ampersand", "--only", "Q-plus", "--", sys.executable, careless).output
    assert re.search(r"^careful: 1 passed, 1 failed \(driver started in \d+\.\d s\)$", output, re.MULTILINE)


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
    result = invoke("watch", "--", sys.executable, str(file))
    assert "requests: 2, messages: 1; exit code of the program: 0\n" in result.output
    assert "warning: signature.no-account (1×): The account was not signed" in result.output
    assert "warning: refused (1×): 用户名或密码错误\n" in result.output
    assert "signature.userid-unknown" not in result.output
