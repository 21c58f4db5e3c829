"""Drivers that break the protocol get a verdict, and leave no process behind."""

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sms10692_examine import driver_process
from sms10692_examine.driver_protocol import DriverError
from sms10692_examine.report_files import build_html, build_junit, describe
from sms10692_examine.runner import run_cases, select_cases
from sms10692_examine.settings import Settings
from sms10692_examine.verdicts import State
from support.driver_programs import CONFIGURED, START, is_running, write_driver

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
    while any(map(is_running, daemons)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(is_running, daemons))


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
    assert not is_running(driver)


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


def test_no_file_descriptor_is_left_behind(tmp_path: Path) -> None:
    command = write_driver(tmp_path, f"input(); print('{CONFIGURED}', flush=True); input()")
    run_cases(Settings(command), select_cases(["R-accepted"]))
    before = len(list(Path("/proc/self/fd").iterdir()))
    run_cases(Settings(command), select_cases(["R-accepted"]))
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
