"""The log file: it is opened again on request, and neither a full disk nor a removed folder stops the server."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sms10692 import protocol
from sms10692_mock.app.log_lines import ExplainedEntry, RequestEntry, VendorEntry, format_json
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT
from sms10692_mock.domain.api_request import parse_request
from sms10692_mock.domain.evidence import Evidence
from sms10692_mock.domain.results import AcceptedSend, Refusal, Result
from sms10692_mock.domain.vendor import VendorResult
from sms10692_mock.server.access_log import format_text, format_time
from sms10692_mock.server.log_file import LogFile
from support.emulators import UTF8, emulator_process, wait_exit
from support.http_client import Address, build_request, send_raw
from support.serve_cli import QUERY, SEND
from support.stores import disk_full
from support.valkey_store import eventually

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP and no limit of file sizes")


def open_log(path: Path) -> tuple[LogFile, list[str]]:
    """A log file, and the list of the problems that it reports."""
    problems: list[str] = []
    return LogFile(path, problems.append, lambda lines: f"{lines} lost\n"), problems


def test_lines_that_a_full_disk_does_not_take_are_counted_and_the_problem_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log, problems = open_log(path)
    log.write("12345\n")
    with disk_full(8):
        log.write("abc\n")
        log.write("d\ne\n")
        assert problems == [f"cannot write the log file {path}: File too large; its lines are dropped"]
    assert path.read_text() == "12345\nab"
    log.write("f\n")
    log.write("g\n")
    assert path.read_text() == "12345\nab\n3 lost\nf\ng\n"
    assert problems[1:] == [f"the log file {path} can be written again; lines dropped: 3"]


def test_a_file_that_cannot_be_opened_again_stays_in_use(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    log, problems = open_log(folder / "log")
    moved = folder.rename(tmp_path / "moved")
    log.write("a\n")
    log.request_reopen()
    log.write("b\n")
    log.write("c\n")
    assert problems == [
        f"cannot open the log file {folder / 'log'} again: No such file or directory; the old one is still written"
    ]
    assert (moved / "log").read_text() == "a\nb\nc\n"
    folder.mkdir()
    log.request_reopen()
    log.write("d\n")
    assert ((moved / "log").read_text(), (folder / "log").read_text()) == ("a\nb\nc\n", "d\n")
    assert len(problems) == 1


def send_sms(address: Address) -> None:
    assert b">Success<" in send_raw(address, build_request(UTF8, SEND)).body


def test_sighup_opens_the_log_file_again_and_the_server_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "日志.log"
    with emulator_process("--log-file", str(path)) as (process, address):
        send_sms(address)
        assert eventually(lambda: "POST /v2sms.aspx send" in path.read_text("utf-8"))
        rotated = path.rename(tmp_path / "rotated.log")
        process.send_signal(signal.SIGHUP)
        assert eventually(path.exists)
        send_sms(address)
        assert eventually(lambda: "POST /v2sms.aspx send" in path.read_text("utf-8"))
        process.send_signal(signal.SIGTERM)
        assert wait_exit(process)[1] == ""
    assert path.stat().st_mode & 0o007 == 0
    assert [file.read_text("utf-8").count("\n") for file in (rotated, path)] == [1, 1]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a device that is always full")  # noqa: PTH110 - a constant
def test_a_server_whose_disk_is_full_goes_on_and_says_so_once() -> None:
    with emulator_process("--log-file", "/dev/full") as (process, address):
        assert process.stderr is not None
        send_sms(address)
        line = process.stderr.readline()
        assert line.endswith("cannot write the log file /dev/full: No space left on device; its lines are dropped\n")
        send_sms(address)
        process.send_signal(signal.SIGTERM)
        assert wait_exit(process)[1] == ""


def read_entries(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_each_line_of_a_json_log_is_an_object() -> None:
    with emulator_process("--log-format", "json") as (process, address):
        send_sms(address)
        send_raw(address, build_request(UTF8, f"action=overage&{QUERY}x".encode()))
        send_raw(address, b"GET /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        process.send_signal(signal.SIGTERM)
        entries = read_entries(wait_exit(process)[1])
    sent, refused, unknown = entries
    assert sent.pop("time") != refused.pop("time")
    assert 0 < float(str(sent.pop("duration_ms"))) < 1000
    message = str(sent.pop("message"))
    assert message.startswith("POST /v2sms.aspx send, userid '12': task 100001, numbers 1, points left 999 (")
    access = {"level": "info", "logger": "access"}
    assert sent == {
        **access,
        "method": "POST",
        "path": "/v2sms.aspx",
        "operation": "send",
        "userid": "12",
        "findings": [],
    }
    (finding, *_) = list(refused["findings"])  # type: ignore[call-overload]  # a list, checked by the next line
    assert set(finding) == {"code", "text"}
    assert refused["operation"] == "overage"
    assert unknown["message"] == "GET /nowhere: 404"
    assert (unknown["method"], unknown["path"], unknown["status"]) == ("GET", "/nowhere", 404)
    assert "operation" not in unknown


ODD_USERID = "it's', userid '7\n" + "9" * 80


@pytest.mark.parametrize(
    ("action", "userid", "result", "text", "expected"),
    [
        (
            "nothing",
            "5e cret",
            Refusal("其他错误", Evidence("action")),
            "no such action, userid unknown: refused, 其他错误",
            (None, None),
        ),
        ("send", "", AcceptedSend(5, 7, 2), "send, userid '': task 7, numbers 2, points left 5", ("send", "")),
        ("send", ODD_USERID, AcceptedSend(5, 7, 2), r"\n999", ("send", ODD_USERID)),
    ],
)
def test_a_request_in_a_json_log_has_its_fields(
    action: str, userid: str, result: Result, text: str, expected: tuple[object, ...]
) -> None:
    request = parse_request(protocol.V2SMS, {"action": action, "userid": userid})
    account = DEFAULT_ACCOUNT if userid == ODD_USERID else None
    entry = VendorEntry("POST", request, VendorResult(result, account, 0.0), 0.00225)
    fields = json.loads(format_json(0.0, "info", "", entry))
    assert (fields["operation"], fields["userid"]) == expected
    assert (fields["method"], fields["path"], fields["duration_ms"]) == ("POST", "/v2sms.aspx", 2.25)
    assert fields["message"] == str(entry)
    assert text in str(entry)
    assert "\n" not in str(entry)
    assert fields["findings"] == []


def test_findings_are_below_the_line_in_text_and_a_list_in_json() -> None:
    entry = ExplainedEntry(RequestEntry("GET", "/nowhere", 404), [("a.b", "说明: 1"), ("c.d", "two\n  e.f: lines")])
    assert format_text(0.0, "info", "", entry).endswith(
        " GET /nowhere: 404\n  a.b: 说明: 1\n  c.d: two\n  e.f: lines\n"
    )
    fields = json.loads(format_json(0.0, "info", "", entry))
    assert fields["findings"] == [{"code": "a.b", "text": "说明: 1"}, {"code": "c.d", "text": "two\n  e.f: lines"}]
    assert fields["message"] == "GET /nowhere: 404"


def test_a_record_with_a_traceback_is_one_line_of_json() -> None:
    text = "it failed\nTraceback (most recent call last):\n  ValueError: 错误\u2028"
    (line,) = format_json(1.5, "error", "a.b", text).split("\n")[:-1]
    assert json.loads(line) == {"time": format_time(1.5), "level": "error", "logger": "a.b", "message": text}


def test_text_on_standard_error_becomes_entries_of_a_json_log() -> None:
    program = (
        "import sys\nfrom sms10692_mock.app.log_lines import format_json\n"
        "from sms10692_mock.server.access_log import take_over_stderr\n"
        "take_over_stderr('info', None, format_json)\nraise ValueError('a defect')\n"
    )
    completed = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=False)
    entries = read_entries(completed.stderr)
    assert "ValueError: a defect" in "\n".join(str(entry["message"]) for entry in entries)
    assert {(entry["level"], entry["logger"]) for entry in entries} == {("error", "stderr")}
