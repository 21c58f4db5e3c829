"""The command `sms10692-examine run`: options, what it prints, wrong usage and exit codes."""

import json
import re
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest
from click import UsageError

from examine.careless_clients import CAREFUL
from sms10692_examine import driver_process
from support.documents import read
from support.driver_programs import write_driver
from support.examining import invoke_examine


def test_a_failed_case_says_what_is_lost_how_to_mend_it_and_how_to_repeat_it(careless: str) -> None:
    result = invoke_examine("run", "--only", "Q-ampersand", "--only", "Q-plus", "--", sys.executable, careless)
    assert result.return_value == 1
    assert "failed Q-ampersand\n  observed: the text '【商店】A&B&mobile=1' arrived as '【商店】A'\n" in result.output
    assert "  cost: the text is cut at the &, and the rest becomes parameters\n" in result.output
    assert "  fix: percent-encode each value, or let a form library build the body\n" in result.output
    assert f"  repeat: sms10692-examine run --only Q-ampersand -- {sys.executable} '{careless}'\n" in result.output
    assert "careful: 1 passed, 1 failed (driver started in " in result.output


def test_the_terminal_speaks_chinese(careless: str) -> None:
    output = invoke_examine("run", "--lang", "zh", "--only", "Q-ampersand", "--", sys.executable, careless).output
    assert "失败 Q-ampersand\n" in output
    assert "  后果: 内容在 & 处被截断，后面的部分变成参数\n" in output


@pytest.mark.parametrize(("language", "document"), [("en", "examine.md"), ("zh", "examine.zh-CN.md")])
def test_the_guide_shows_what_a_run_prints(language: str, document: str, careless: str) -> None:
    block = read(f"docs/{document}").partition("```text\n")[2].partition("```")[0]
    output = invoke_examine("run", "--lang", language, "--only", "Q-ampersand", "--", sys.executable, careless).output
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
    result = invoke_examine("run", "--expect", str(known), *arguments)
    assert result.return_value == 0
    assert "  known: our texts have no &\n" in result.output
    assert "careful: 1 passed, 1 failed (1 known) (driver started in " in result.output
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
        invoke_examine("run", "--expect", str(known), "--", "true")
    assert message in str(caught.value)


def test_a_run_that_judges_nothing_is_no_success() -> None:
    arguments = ("--authentication", "password", "--only", "Q-no-password")
    result = invoke_examine("run", *arguments, "--", sys.executable, str(CAREFUL))
    assert result.return_value == 3
    assert "not supported Q-no-password\n  observed: the older endpoints have no timestamp\n" in result.output


def test_cases_that_are_not_judged_for_one_reason_stand_together() -> None:
    arguments = ("--authentication", "password", "--only", "Q-no-password", "--only", "Q-plus", "--only", "Q-one-clock")
    result = invoke_examine("run", *arguments, "--", sys.executable, str(CAREFUL))
    assert (
        "not supported Q-one-clock, Q-no-password\n  observed: the older endpoints have no timestamp\n" in result.output
    )
    assert result.output.count("observed") == 1


def test_an_unknown_case_is_named() -> None:
    with pytest.raises(Exception, match="no case 'Q-nothing'; see --list"):
        invoke_examine("run", "--only", "Q-nothing", "--", "true")


def test_a_driver_that_cannot_be_started_is_wrong_usage() -> None:
    with pytest.raises(Exception, match="there is no program '/no/such/driver'"):
        invoke_examine("run", "--", "/no/such/driver")


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
        invoke_examine("run", "--", str(file))


def test_an_empty_name_of_the_driver_is_told() -> None:
    with pytest.raises(UsageError, match="the name of the program is empty; is a variable of the shell empty"):
        invoke_examine("run", "--", "")


@pytest.mark.parametrize(
    ("text", "message", "is_silent"),
    [
        ("time.sleep(60)", "no answer to configure within 0.5 s", True),
        (
            """input(); print('{"id": 1, "answer": "unsupported", "reason": "needs 2"}', flush=True); input()""",
            "the driver does not know version 1 of the driver protocol: unsupported: needs 2",
            False,
        ),
        (
            """input(); print('{"id": 1, "answer": "refused", "message": "no version 1"}', flush=True); input()""",
            "configure was answered with refused: no version 1; expected configured",
            False,
        ),
    ],
)
def test_only_a_silent_driver_is_asked_whether_it_writes(
    text: str, message: str, is_silent: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_silent:
        monkeypatch.setattr(driver_process, "START_LIMIT", 0.5)
    result = invoke_examine("run", "--", *write_driver(tmp_path, text))
    question = "sms10692-examine: does the driver write its answer to `configure`, and flush it?\n"
    assert result.return_value == 3
    assert result.stderr == f"sms10692-examine: {message}\n{question if is_silent else ''}"


def test_a_reader_that_leaves_costs_no_report(tmp_path: Path) -> None:
    """As with `| head`: the pipe is closed before the result is printed."""
    document = tmp_path / "a.json"
    command = [sys.executable, "-m", "sms10692_examine", "run", "--json", str(document), "--only", "Q-plus", "--"]
    with subprocess.Popen([*command, sys.executable, str(CAREFUL)], stdout=PIPE, stderr=PIPE) as run:
        assert run.stdout is not None
        run.stdout.close()
        assert run.stderr is not None
        assert run.stderr.read() == b""
    assert [case["state"] for case in json.loads(document.read_text("utf-8"))["cases"]] == ["passed"]


def test_a_folder_is_no_driver(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        invoke_examine("run", "--", str(tmp_path))


def test_the_list_shows_every_case_of_a_group() -> None:
    output = invoke_examine("run", "--list", "--only", "once").output
    assert "E-status-drain  9,000 waiting reports are processed, each once\n" in output
    assert "Q-" not in output


def test_no_line_is_wrapped_in_a_pipe(careless: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    output = invoke_examine("run", "--only", "Q-ampersand", "--only", "Q-plus", "--", sys.executable, careless).output
    assert re.search(r"^careful: 1 passed, 1 failed \(driver started in \d+\.\d s\)$", output, re.MULTILINE)
