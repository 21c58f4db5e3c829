"""Tests of the output of `sms10692-contract`: encodings, closed pipes, report files, and write errors."""

import os
import subprocess
import sys
import unicodedata
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sms10692_contract.clauses import CLAUSES
from sms10692_contract.escaping import escape_unprintable, show_invisible
from support.contract_cli import run_contract, select
from support.fake_servers import fake_control_api, recording_server
from support.mutant_vendor import Defect, mutant_server

pytestmark = pytest.mark.slow("Starts the command many times, once for each encoding.")

OWN = ["--userid", "12", "--account", "test", "--password", "mima", "--rate", "0"]
ENCODINGS = ["gbk", "cp936", "cp1252", "ascii", "cp437", "latin-1", "utf-8"]
HOSTILE = "Succ€ess😀内容\x9b2J\x1b[2J\u202e\u2066\u2028\r\nsms10692-contract: all held\x00\u200b"
WRONG_STATUS = Defect(text=lambda text, call: text.replace("Sucess", HOSTILE))
SHOWN = select(*(clause.id for clause in CLAUSES if clause.permissions), "2.3-found")
"""Many clauses that are only listed as not exercised, and one that fails."""


def raw_contract(*arguments: str, encoding: str) -> tuple[int, str, str]:
    """Run the command; return exit code, standard output and standard error, decoded strictly in the encoding."""
    command = [sys.executable, "-m", "sms10692_contract", *arguments]
    environment = os.environ | {"PYTHONIOENCODING": encoding, "COLUMNS": "200"}
    completed = subprocess.run(command, capture_output=True, check=False, env=environment, timeout=180)
    return completed.returncode, completed.stdout.decode(encoding), completed.stderr.decode(encoding)


def control_characters(text: str) -> set[str]:
    """Return characters that control a terminal or the writing direction."""
    return {
        character
        for character in text
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character != "\n"
    }


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_failed_clause_is_reported_in_every_encoding(encoding: str, tmp_path: Path) -> None:
    html, junit = tmp_path / "report.html", tmp_path / "report.xml"
    files = ["--html", str(html), "--junit", str(junit)]
    with mutant_server(WRONG_STATUS) as vendor:
        code, out, err = raw_contract("run", vendor.url, *OWN, *SHOWN, *files, encoding=encoding)
    assert (code, err) == (1, "")
    assert "0 held, 1 failed" in out
    line_end = "␍␊\n" if encoding == "utf-8" else "\\r\\n\n"
    assert f"\\x9b2J\\x1b[2J\\u202e\\u2066\\u2028{line_end}" in out
    assert ("€" in out) is (encoding in ("cp1252", "utf-8"))
    suite = ET.parse(junit).getroot()
    assert suite.get("failures") == "1"
    assert "Succ€ess😀内容" in html.read_text("utf-8")
    for text in (out, html.read_text("utf-8"), junit.read_text("utf-8")):
        assert control_characters(text) == set()
        assert "\nsms10692-contract: all held" not in text


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["run", "--help"], 0),
        (["run", "--list"], 0),
        (["--version"], 0),
        ([], 2),
        (["条款€😀\x9b"], 2),
        (["run", "http://127.0.0.1:1", *OWN, "--only", "条款€😀\x9b"], 2),
        (["run", "http://127.0.0.1:1", *OWN, "--条款€😀"], 2),
        (["run", "http://主机..😀/短信", *OWN], 2),
        (["run", "http://127.0.0.1:1/短信😀", *OWN], 3),
        (["run", "http://127.0.0.1:1", *OWN, "--html", "/no/such/文件夹€😀"], 2),
        (["run", "http://127.0.0.1:1", *OWN, "--ca", "/no/such/文件夹€😀"], 2),
    ],
    ids=str,
)
def test_every_message_is_written_in_every_encoding(arguments: list[str], code: int, encoding: str) -> None:
    completed, out, err = raw_contract(*arguments, encoding=encoding)
    assert completed == code, err
    assert bool(out) is (code == 0)
    assert err.count("\n") == (1 if code else 0)
    assert control_characters(out + err) == set()


def test_an_error_text_of_a_hostile_server_is_escaped_to_one_line() -> None:
    with fake_control_api(401, HOSTILE) as url:
        code, out, err = raw_contract("run", url, "--control", url, encoding="utf-8")
    assert (code, out) == (2, "")
    assert "\\x9b2J\\x1b[2J\\u202e\\u2066\\u2028\\r\\nsms10692-contract: all held\\x00\\u200b" in err
    assert err.count("\n") == 1
    assert control_characters(err) == set()


@pytest.mark.parametrize("option", ["--userid", "--account", "--password", "--forbidden-word", "--control-token"])
def test_an_option_that_is_not_valid_text_is_wrong_usage(option: str) -> None:
    command = [sys.executable, "-m", "sms10692_contract", "run", "http://127.0.0.1:1", *OWN, option]
    completed = subprocess.run([*map(os.fsencode, command), b"\xff"], capture_output=True, check=False, timeout=60)
    assert (completed.returncode, completed.stdout) == (2, b"")
    assert option.encode() in completed.stderr


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("内容　€😀 <é>", "内容　€😀 <é>"),
        ("\t\r\n", "\\t\\r\n"),
        ("\x00\x1b\x7f\x85\x9b", "\\x00\\x1b\\x7f\\x85\\x9b"),
        (
            "\u061c\u200e\u200f\u202a\u202e\u2066\u2069\ufeff",
            "\\u061c\\u200e\\u200f\\u202a\\u202e\\u2066\\u2069\\ufeff",
        ),
        ("\u2028\u2029\ud800\uffff\U000e0001", "\\u2028\\u2029\\ud800\\uffff\\U000e0001"),
    ],
)
def test_unprintable_characters_are_escaped(text: str, escaped: str) -> None:
    assert escape_unprintable(text, keep="\n") == escaped


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\nb\n", "a␍␊\nb␊\n"),
        ("\u200b\u00a0\ufeff\ufe0f\u3164\u2028", "\\u200b\\xa0\\ufeff\\ufe0f\\u3164\\u2028"),
        ("内容　€😀 é", "内容　€😀 é"),
    ],
)
def test_line_ends_and_invisible_characters_are_visible(text: str, shown: str) -> None:
    assert show_invisible(text) == shown


# Report files and streams


def test_a_closed_pipe_changes_neither_the_verdict_nor_the_files(tmp_path: Path) -> None:
    html = tmp_path / "report.html"
    for defect, code in ((None, 0), (WRONG_STATUS, 1)):
        with mutant_server(defect) as vendor:
            command = [sys.executable, "-m", "sms10692_contract", "run", vendor.url, *OWN, *SHOWN, "--html", str(html)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                assert process.stdout is not None
                assert process.stderr is not None
                process.stdout.close()
                err = process.stderr.read()
        assert (process.returncode, err) == (code, b"")
        assert "</html>" in html.read_text("utf-8")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_change_neither_the_verdict_nor_the_files(closed: str, tmp_path: Path) -> None:
    html = tmp_path / "report.html"
    with mutant_server() as vendor:
        command = [sys.executable, "-m", "sms10692_contract", "run", vendor.url, *OWN, *SHOWN, "--html", str(html)]
        completed = subprocess.run(["/bin/sh", "-c", f'"$@" {closed}', "sh", *command], check=False, timeout=60)
    assert completed.returncode == 0
    assert "</html>" in html.read_text("utf-8")


needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")


@needs_full
def test_a_full_standard_output_is_exit_code_2(tmp_path: Path) -> None:
    html = tmp_path / "report.html"
    with mutant_server() as vendor, Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "sms10692_contract", "run", vendor.url, *OWN, *SHOWN, "--html", str(html)]
        completed = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, encoding="utf-8", check=False, timeout=60
        )
    assert completed.returncode == 2
    assert completed.stderr == "sms10692-contract: standard output cannot be written: No space left on device\n"
    assert "</html>" in html.read_text("utf-8")


@needs_full
def test_a_write_error_of_one_report_loses_no_other_report(tmp_path: Path) -> None:
    html = tmp_path / "report.html"
    with mutant_server() as vendor:
        completed = run_contract(vendor.url, *OWN, *SHOWN, "--junit", "/dev/full", "--html", str(html))
    assert completed.returncode == 2
    assert completed.stderr == "sms10692-contract: /dev/full cannot be written: No space left on device\n"
    assert "1 held" in completed.stdout
    assert "</html>" in html.read_text("utf-8")


@pytest.mark.parametrize("option", ["--html", "--junit"])
def test_an_unwritable_report_file_is_wrong_usage_before_any_request(option: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept", "utf-8")
    with recording_server() as (url, received):
        for file in (tmp_path / "none" / "report", tmp_path / "file" / "report", tmp_path):
            completed = run_contract(url, *OWN, option, str(file))
            assert (completed.returncode, completed.stdout) == (2, "")
            assert str(file) in completed.stderr
            assert completed.stderr.count("\n") == 1
        same_file = run_contract(url, *OWN, "--html", str(tmp_path / "a"), "--junit", str(tmp_path / "a"))
        assert (same_file.returncode, received) == (2, [])
    assert "name the same file" in same_file.stderr


def test_a_run_that_cannot_start_leaves_the_report_files_unchanged(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("kept", "utf-8")
    completed = run_contract(
        "http://127.0.0.1:1", *OWN, "--html", str(tmp_path / "old"), "--junit", str(tmp_path / "new")
    )
    assert completed.returncode == 3
    assert {file.name: file.read_text("utf-8") for file in tmp_path.iterdir()} == {"old": "kept"}


BUG = """
import sys
from sms10692_contract import cli, run_command
def run_checks(context, clauses, progress, **options):
    progress(clauses[0])
    raise RuntimeError("a defect: €😀\\u202e")
    yield
run_command.run_checks = run_checks
cli.main()
"""


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_an_internal_error_is_exit_code_70_with_its_traceback_and_all_reports(encoding: str, tmp_path: Path) -> None:
    html, junit = tmp_path / "report.html", tmp_path / "report.xml"
    with mutant_server() as vendor:
        command = [sys.executable, "-c", BUG, "run", vendor.url, *OWN, *select("2.3-found")]
        command += ["--html", str(html), "--junit", str(junit)]
        environment = os.environ | {"PYTHONIOENCODING": encoding}
        completed = subprocess.run(command, capture_output=True, encoding=encoding, check=False, env=environment)
    assert completed.returncode == 70
    assert "Traceback (most recent call last)" in completed.stderr
    assert "RuntimeError: a defect: " in completed.stderr
    assert "this is a bug of sms10692-contract" in completed.stderr
    assert control_characters(completed.stderr) == set()
    assert "0 of 1 clauses exercised" in completed.stdout
    assert ET.parse(junit).getroot().get("skipped") == "1"
    assert "the run was stopped: a defect" in html.read_text("utf-8")


def test_an_error_during_import_is_exit_code_70() -> None:
    program = (
        "import sys; sys.modules['hypothesis.errors'] = object(); from sms10692_contract.__main__ import main; main()"
    )
    completed = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=False)
    assert completed.returncode == 70
    assert "Traceback" in completed.stderr
