"""The files of a run, HTML, JUnit and JSON; the matrix of several runs; and the annotations of GitHub."""

import json
import os
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click import UsageError

from examine.careless_clients import CAREFUL, CARELESS_BY_NAME, change_driver
from sms10692_mock import Emulator
from support.examining import invoke_examine


def test_the_reports_hold_the_verdicts(careless: str, tmp_path: Path) -> None:
    html, junit, document = tmp_path / "a.html", tmp_path / "a.xml", tmp_path / "a.json"
    arguments = ("--html", str(html), "--junit", str(junit), "--json", str(document))
    invoke_examine("run", *arguments, "--only", "Q-ampersand", "--only", "Q-plus", "--", sys.executable, careless)
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
        invoke_examine("run", "--json", str(file), "--only", "Q-ampersand", "--", sys.executable, driver)
    page = tmp_path / "matrix.html"
    result = invoke_examine("report", *map(str, files), "--html", str(page))
    assert result.return_value == 0
    row = next(line for line in result.output.splitlines() if "Q-ampersand" in line)
    assert row.count("✗") == 1
    assert row.count("✓") == 1
    assert '<td class="failed">✗</td><td class="passed">✓</td>' in page.read_text("utf-8")


def test_a_file_that_is_no_result_is_named(tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text("[]")
    with pytest.raises(Exception, match=r"other\.json: not a document of sms10692-examine run --json"):
        invoke_examine("report", str(file))


def test_github_shows_failures_beside_the_run(careless: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    output = invoke_examine("run", "--only", "Q-ampersand", "--", sys.executable, careless).output
    assert (
        "::error title=sms10692-examine Q-ampersand::the text '【商店】A&B&mobile=1' arrived as '【商店】A'. percent"
        in output
    )


@pytest.fixture
def refused(tmp_path: Path) -> str:
    """The path of a client that signs without the account, so that the vendor refuses every request."""
    driver = tmp_path / "refused.py"
    driver.write_text(change_driver("(self.account + self.password", "(self.password"), "utf-8")
    return str(driver)


def test_every_report_begins_with_the_refusal_of_the_credentials(
    refused: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    html, junit, document = tmp_path / "a.html", tmp_path / "a.xml", tmp_path / "a.json"
    reports = ("--html", str(html), "--junit", str(junit), "--json", str(document), "--lang", "zh")
    result = invoke_examine("run", *reports, "--only", "Q-plus", "--", sys.executable, refused)
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
    refusal = json.loads(document.read_text("utf-8"))["refused"]
    assert (refusal["en"].startswith(english), refusal["zh"].startswith(chinese)) == (True, True)
    matrix = tmp_path / "matrix.html"
    output = invoke_examine("report", str(document), "--html", str(matrix)).output
    assert f"careful: {english}" in output
    assert f'<p class="failed zh">careful: {chinese}' in matrix.read_text("utf-8")


def test_the_commands_of_a_report_repeat_an_exchange_at_a_new_emulator(careless: str, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    file = tmp_path / "a.html"
    invoke_examine("run", "--html", str(file), "--only", "Q-ampersand", "--", sys.executable, careless)
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
    invoke_examine("run", "--html", str(file), "--only", "F-error-page", "--", sys.executable, str(driver))
    page = file.read_text("utf-8")
    assert '<p class="zh">发送之后返回 500 和一个页面</p>' in page
    assert '<p class="en">500 with a page after the send</p>' in page


def test_a_page_begins_with_links_to_what_failed_and_with_shared_causes(tmp_path: Path) -> None:
    driver, file = tmp_path / "driver.py", tmp_path / "a.html"
    driver.write_text(CARELESS_BY_NAME["whatever fails is a refusal"].build(), "utf-8")
    cases = ("--only", "F-reset", "--only", "F-gateway", "--only", "R-faild")
    invoke_examine("run", "--html", str(file), *cases, "--", sys.executable, str(driver))
    head, _, cases_of_page = file.read_text("utf-8").partition("<h2>")
    links = '<a href="#F-reset">F-reset</a>, <a href="#F-gateway">F-gateway</a>'
    assert f'<p class="failed en">failed: {links}</p>' in head
    assert f'<p class="failed zh">失败: {links}</p>' in head
    assert '<p class="en">2 cases have one cause, ' in head
    assert '<details id="F-reset" open>' in cases_of_page
    assert '<details id="F-gateway" open>' in cases_of_page
    assert cases_of_page.count("<details") == 2  # a case that passed has nothing to open


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the full device of Linux")
def test_a_report_that_cannot_be_written_costs_no_other(careless: str, tmp_path: Path) -> None:
    document = tmp_path / "a.json"
    arguments = ("--html", "/dev/full", "--json", str(document), "--only", "Q-plus", "--", sys.executable, careless)
    with pytest.raises(UsageError, match="cannot write /dev/full: No space left on device"):
        invoke_examine("run", *arguments)
    assert [case["id"] for case in json.loads(document.read_text("utf-8"))["cases"]] == ["Q-plus"]


def test_runs_of_one_client_at_one_page_are_told_apart_by_their_files(tmp_path: Path) -> None:
    files = [tmp_path / "before.json", tmp_path / "after.json"]
    for file in files:
        invoke_examine("run", "--json", str(file), "--only", "Q-plus", "--", sys.executable, str(CAREFUL))
    page = tmp_path / "matrix.html"
    invoke_examine("report", *map(str, files), "--html", str(page))
    heads = re.findall(r"<th>(careful[^<]*)</th>", page.read_text("utf-8"))
    assert heads == ["careful (signed, utf-8) before.json", "careful (signed, utf-8) after.json"]


def test_a_terminal_of_chinese_windows_shows_the_matrix(careless: str, tmp_path: Path) -> None:
    """Code page 936 has no check mark."""
    document = tmp_path / "a.json"
    invoke_examine("run", "--json", str(document), "--only", "Q-plus", "--", sys.executable, careless)
    command = [sys.executable, "-m", "sms10692_examine", "report", str(document)]
    environment = {**os.environ, "PYTHONIOENCODING": "cp936", "PYTHONUTF8": "0"}
    printed = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert (printed.returncode, printed.stderr) == (0, b"")
    assert re.search(r"Q-plus .*\\u2713", printed.stdout.decode("cp936"))
