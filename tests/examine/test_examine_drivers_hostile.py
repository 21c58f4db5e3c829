"""Drivers that break the protocol get a verdict, and leave no process behind."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sms10692_examine import driver_process
from sms10692_examine.driver_process import DriverProcess
from sms10692_examine.driver_protocol import DriverError, build_schema, parse_line
from sms10692_examine.report_files import build_html, build_junit, describe
from sms10692_examine.runner import run_cases, select_cases
from sms10692_examine.settings import Settings
from sms10692_examine.verdicts import State

CONFIGURED = '{"id": 1, "answer": "configured", "operations": ["send"]}'

START = f"input(); print('{CONFIGURED}', flush=True); input(); "
"""Configures itself and reads the first request."""

HOSTILE = {
    "a line of a megabyte": (
        f"{START}print('x' * (1 << 20), flush=True); input()",
        "standard output has a line of more than 1,048,576 bytes",
    ),
    "no line end": (
        f"{START}sys.stdout.write('[')",
        "standard output has a line that is no JSON",
    ),
    "bytes that are no UTF-8": (
        f"{START}sys.stdout.buffer.write(b'\\xff\\xfe\\n')",
        "standard output has a line that is no JSON in UTF-8: '\\\\xff\\\\xfe\\n'",
    ),
    "an operation that does not exist": (
        f"""{START}print('{{"id": 2, "answer": "accepted", "taskID": false}}', flush=True); input()""",
        "taskID is False; expected a text",
    ),
    "another text": (
        f"{START}print('sending', flush=True); input()",
        "no JSON in UTF-8: 'sending\\n'",
    ),
    "deeply nested JSON": (
        f"{START}print('[' * 200000, flush=True); input()",
        "no JSON in UTF-8",
    ),
    "a line after the answer": (
        f"""{START}print('{{"id": 2, "answer": "accepted"}}\\ndone', flush=True); input()""",
        "standard output has a line after the last answer: 'done\\n'",
    ),
    "another id": (
        f'{START}print("""{{"id": 1, "answer": "accepted"}}""", flush=True); input()',
        "the answer has the id 1, the request had 2",
    ),
    "an answer that does not exist": (
        f'{START}print("""{{"id": 2, "answer": "ok"}}""", flush=True); input()',
        "answer is 'ok'; expected one of configured, accepted",
    ),
    "an item of a send": (
        f'{START}print("""{{"id": 2, "answer": "item"}}""", flush=True); input()',
        "send has no items",
    ),
    "an end without answer": (
        f"{START}sys.exit(7)",
        "ended with exit code 7",
    ),
    "a signal": (
        f"{START}os.kill(os.getpid(), 9)",
        "the driver was ended by signal 9",
    ),
    "a closed standard output": (
        f"{START}os.close(1); time.sleep(60)",
        "the driver closed its standard output and is still running",
    ),
    "an end without answer, and a child that holds the output": (
        f"{START}subprocess.Popen(['sleep', '600']); sys.exit(7)",
        "the driver ended with exit code 7",
    ),
    "a byte order mark": (
        f"""{START}print('\\ufeff{{"id": 2, "answer": "accepted"}}', flush=True); input()""",
        "standard output has a byte order mark before an answer; write UTF-8 without one",
    ),
    "a number that JSON does not have": (
        f"""{START}print('{{"id": 2, "answer": "accepted", "more": NaN}}', flush=True); input()""",
        'no JSON in UTF-8: \'{"id": 2, "answer": "accepted", "more": NaN}\\n\' (NaN is no JSON)',
    ),
    "a number of 5,000 digits": (
        f"""{START}print('{{"id": 2, "answer": "accepted", "more": ' + '9' * 5000 + '}}', flush=True); input()""",
        "no JSON in UTF-8",
    ),
    "a NUL": (
        f"""{START}print('{{"id": 2,\\0 "answer": "accepted"}}', flush=True); input()""",
        'no JSON in UTF-8: \'{"id": 2,\\x00 ',
    ),
    "an answer twice": (
        f"""{START}print('{{"id": 2, "answer": "accepted"}}\\n' * 2, end='', flush=True); input()""",
        'standard output has a line after the last answer: \'{"id": 2',
    ),
    "a hundred megabytes of errors": (
        f"{START}[sys.stderr.write('e' * (1 << 20)) for _ in range(100)]; sys.exit(7)",
        "the driver ended with exit code 7",
    ),
    "no answer": (
        f"{START}time.sleep(60)",
        "no answer to send within ",
    ),
}


def write_driver(folder: Path, text: str) -> tuple[str, ...]:
    driver = folder / "driver.py"
    driver.write_text(f"import os, subprocess, sys, time\n{text}\n", "utf-8")
    return sys.executable, str(driver)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_driver_that_breaks_the_protocol_fails_the_case_with_the_reason(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Settings, "answer_limit", 0.5 if name == "no answer" else 10.0)
    text, reason = HOSTILE[name]
    settings = Settings(write_driver(tmp_path, text), jobs=1)
    (verdict,) = run_cases(settings, select_cases(["R-one-line"])).verdicts
    assert verdict.state is State.FAILED
    assert reason in verdict.observed


def test_a_driver_that_does_not_read_its_standard_input_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = DriverProcess(write_driver(tmp_path, f"{START.removesuffix('input(); ')}time.sleep(60)"), {})
    driver.configure(30)
    monkeypatch.setattr(driver_process, "WRITE_LIMIT", 0.5)
    with pytest.raises(DriverError, match=r"the driver does not read its standard input: send waited 0\.5 s"):
        driver.begin("send", mobiles=["13800000001"] * 10_000)
    driver.close()
    assert not driver.is_running


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("sys.exit('no such host')", "the driver ended with exit code 1\nno such host"),
        (
            'input(); print(\'{"id": 1, "answer": "configured", "operations": 5}\', flush=True); input()',
            "operations is 5",
        ),
        (
            'input(); print(\'{"id": 1, "answer": "unknown"}\', flush=True); input()',
            "configure was answered with unknown",
        ),
        ("time.sleep(60)", "no answer to configure within 0.5 s"),
    ],
)
def test_a_driver_that_cannot_be_configured_ends_the_run_at_once(
    text: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver_process, "START_LIMIT", 0.5 if "sleep" in text else 30.0)
    with pytest.raises(DriverError) as caught:
        run_cases(Settings(write_driver(tmp_path, text)), select_cases([]))
    assert reason in str(caught.value)


def test_a_driver_that_closes_its_standard_input_is_an_error(tmp_path: Path) -> None:
    closed = f"input(); os.close(0); print('{CONFIGURED}', flush=True); time.sleep(60)"
    driver = DriverProcess(write_driver(tmp_path, closed), {})
    try:
        driver.configure(30)
        with pytest.raises(DriverError, match="the driver closed its standard input and is still running"):
            driver.begin("send")
    finally:
        driver.close()


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs the list of processes of Linux")
def test_a_daemon_of_a_driver_is_ended_with_the_run(tmp_path: Path) -> None:
    number = tmp_path / "number"
    daemon = (
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork():\n        os._exit(0)\n"
        f"    open({str(number)!r}, 'a').write(f'{{os.getpid()}}\\n')\n    time.sleep(600)\n"
    )
    command = write_driver(tmp_path, f"{START.replace('; ', chr(10))}{daemon}os.wait(); sys.exit(7)")
    (verdict,) = run_cases(Settings(command, jobs=1), select_cases(["R-one-line"])).verdicts
    assert verdict.observed == "the driver ended with exit code 7"
    daemons = list(map(int, number.read_text().split()))
    assert len(daemons) >= 2  # one before the cases, one in the case
    deadline = time.monotonic() + 10
    while any(map(_is_running, daemons)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(_is_running, daemons))


def test_an_answer_with_windows_line_ends_and_whole_numbers_with_a_fraction_is_read() -> None:
    line = b'{"id": 2.0, "answer": "accepted", "successCounts": 1e2, "remainpoint": -35.0}\r\n'
    document = parse_line(line, 2, "send")
    assert (document["successCounts"], document["remainpoint"]) == (100, -35)
    with pytest.raises(DriverError, match=r"successCounts is 1\.5; expected a whole number"):
        parse_line(line.replace(b"1e2", b"1.5"), 2, "send")


def test_half_a_character_is_replaced() -> None:
    assert (
        parse_line(b'{"id": 1, "answer": "refused", "message": "\\ud83d \\ud83d\\ude00"}', 1, "send")["message"]
        == "\ufffd 😀"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_and_its_drivers(number: signal.Signals, code: int, tmp_path: Path) -> None:
    started = tmp_path / "started"
    text = f"{START}open({str(started)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    command = [sys.executable, "-m", "sms10692_examine", "run", "--jobs", "1", "--", *write_driver(tmp_path, text)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as run:
        deadline = time.monotonic() + 30
        while not (started.exists() and started.read_text()) and time.monotonic() < deadline:
            time.sleep(0.01)
        driver = int(started.read_text())
        run.send_signal(number)
        _, errors = run.communicate(timeout=20)
    assert (run.returncode, errors) == (code, b"\nsms10692-examine: interrupted\n")
    assert not _is_running(driver)


def test_a_child_of_a_driver_is_ended_with_it(tmp_path: Path) -> None:
    child = tmp_path / "child"
    text = (
        f"child = subprocess.Popen(['sleep', '600'])\nopen({str(child)!r}, 'w').write(str(child.pid))\n"
        f"input(); print('{CONFIGURED}', flush=True); input()"
    )
    driver = DriverProcess(write_driver(tmp_path, text), {})
    assert driver.configure(30).document["operations"] == ["send"]
    driver.close()
    assert not driver.is_running
    process = int(child.read_text())
    deadline = time.monotonic() + 10
    while _is_running(process) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _is_running(process)


def _is_running(process: int) -> bool:
    """Whether a process runs. A process that ended and was not collected by its parent does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_standard_error_of_a_driver_is_shown_with_its_failure(tmp_path: Path) -> None:
    text = f"{START}sys.exit('no such host \\udcff')"
    (verdict,) = run_cases(Settings(write_driver(tmp_path, text)), select_cases(["R-accepted"])).verdicts
    assert "no such host" in verdict.stderr


def test_control_characters_of_a_driver_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    answers = (
        r"""'{"id": 1, "answer": "configured", "operations": ["send"], "client": "a\\u0000b"}'""",
        r"""'{"id": 2, "answer": "refused", "message": "\\u001b[2J　文"}'""",
    )
    text = "\n".join(f"input(); print({answer}, flush=True)" for answer in answers)
    settings = Settings(write_driver(tmp_path, f"{text}\ninput()"), jobs=1)
    result = run_cases(settings, select_cases(["R-accepted"]))
    (verdict,) = result.verdicts
    assert (result.client, verdict.observed) == (r"a\x00b", r"the client understood: refused: \x1b[2J　文")
    noisy = replace(verdict, stderr=f"{'e' * 1000}\n\x07ring\n")
    assert describe(noisy, settings, "en")[-2:] == [f"… {'e' * 500}", r"\x07ring"]
    suite = ET.fromstring(build_junit(result, settings))[0]
    assert suite.get("name") == r"sms10692-examine a\x00b"
    assert "\x1b" not in build_html(result, settings)


def test_an_item_needs_every_value_as_text() -> None:
    whole = b'{"id": 2, "answer": "item", "mobile": "1", "taskid": "2", "content": "", "receivetime": "", "extno": ""}'
    assert parse_line(whole, 2, "call")["mobile"] == "1"
    with pytest.raises(DriverError, match="an item of call needs 'extno', a text"):
        parse_line(whole.replace(b'"extno": ""', b'"extno": 1'), 2, "call")


def test_a_value_of_another_type_is_named() -> None:
    with pytest.raises(DriverError, match="taskID is 7; expected a text"):
        parse_line(b'{"id": 1, "answer": "accepted", "taskID": 7}', 1, "send")


def test_the_schema_names_every_answer() -> None:
    last, *items = build_schema()["anyOf"]
    assert last["properties"]["answer"]["enum"] == ["configured", "accepted", "refused", "unknown", "unsupported"]
    assert [item["title"] for item in items] == ["an item of status", "an item of call"]


def test_no_file_descriptor_is_left_behind(tmp_path: Path) -> None:
    command = write_driver(tmp_path, f"input(); print('{CONFIGURED}', flush=True); input()")
    run_cases(Settings(command), select_cases(["R-accepted"]))
    before = len(list(Path("/proc/self/fd").iterdir()))
    run_cases(Settings(command), select_cases(["R-accepted"]))
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def write_program(file: Path, text: str) -> None:
    file.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    file.chmod(0o755)


def test_a_program_is_started_by_the_path_at_which_it_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, where `npm` is `npm.cmd`: only the name with its ending can be started."""
    program = tmp_path / "npm.cmd"
    write_program(program, """read line; echo '{"id": 1, "answer": "configured"}'; read line""")
    monkeypatch.setattr("shutil.which", lambda name: str(program) if name == "npm" else None)
    driver = DriverProcess(("npm", "start"), {})
    try:
        assert driver.configure(30).kind == "configured"
    finally:
        driver.close()


def test_without_process_groups_the_tree_of_the_driver_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, whose `taskkill /T` ends a process with its children."""
    write_program(tmp_path / "taskkill", f"""echo "$@" > '{tmp_path}/arguments'; kill -9 "$4" """)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    driver = DriverProcess(write_driver(tmp_path, f"{START}time.sleep(60)"), {})
    driver.configure(30)
    monkeypatch.delattr(os, "killpg")
    driver.kill()
    monkeypatch.undo()
    driver.close()
    assert re.fullmatch(r"/T /F /PID \d+\n", (tmp_path / "arguments").read_text("utf-8"))
    assert not driver.is_running
