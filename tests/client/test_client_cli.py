"""Command line `sms10692` against an emulator, each in its own process: output, exit codes, bulk sends, --follow."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from support.emulators import emulator_process, killed_after
from support.http_client import TIMEOUT, read_request

PASSWORD = "mima-and-more"
NUMBERS = [str(13000000000 + index) for index in range(25)]


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    with emulator_process("--account", f"12:test:{PASSWORD}", "--log-level", "error") as (_, (host, port)):
        yield os.environ | {
            "SMS10692_URL": f"http://{host}:{port}",
            "SMS10692_USERID": "12",
            "SMS10692_ACCOUNT": "test",
            "SMS10692_PASSWORD": PASSWORD,
            "COLUMNS": "120",
        }


def run_cli(environment: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    result = subprocess.run(
        [sys.executable, "-m", "sms10692", *arguments],
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
        env=environment,
    )
    assert PASSWORD not in result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    return result.returncode, result.stdout, result.stderr


def run_json(environment: dict[str, str], *arguments: str) -> list[dict[str, Any]]:
    """Run the command with --json, which must succeed; return the printed objects."""
    code, out, err = run_cli(environment, *arguments, "--json")
    assert (code, err) == (0, "")
    return [json.loads(line) for line in out.splitlines()]


def test_every_subcommand_prints_one_json_object_per_line(environment: dict[str, str]) -> None:
    assert run_json(environment, "send", "15023239810", "10000000031", "--text", "内容", "--extno", "01") == [
        {"task_id": 100001, "remain_point": 998, "success_counts": 2, "mobiles": ["15023239810", "10000000031"]}
    ]
    assert run_json(environment, "overage") == [{"payinfo": "预付费", "overage": 998, "send_total": 1000}]
    assert run_json(environment, "checkkeyword", "发票") == [{"is_forbidden": True, "message": "包含非法字符"}]
    (report,) = run_json(environment, "status", "--limit", "1")
    assert report.pop("receivetime").endswith("+08:00")
    assert report == {
        "mobile": "15023239810",
        "task_id": 100001,
        "status": 10,
        "errorcode": "DELIVRD",
        "extno": "01",
    }
    (reply,) = run_json(environment, "call")
    assert (reply["mobile"], reply["content"]) == ("10000000031", "<好> & 😀")
    assert run_json(environment, "call") == []


def test_every_subcommand_prints_a_table(environment: dict[str, str]) -> None:
    code, out, err = run_cli(environment, "send", "15023239810", "10000000030", "--text", "字" * 71, "--charset", "gbk")
    assert (code, err) == (0, "")
    assert "100001" in out
    assert "each text is 2 messages" in out
    for arguments, expected in (
        (["overage"], "预付费"),
        (["checkkeyword", "x"], "没有包含屏蔽词"),
        (["status"], "DELIVRD"),
        (["status"], "the queue is empty"),
        (["call"], "T"),
    ):
        code, out, err = run_cli(environment, *arguments)
        assert (code, err) == (0, "")
        assert expected in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["send", "10000000007", "--text", "x"], 1, "balance-too-small"),
        (["overage", "--userid", "99"], 1, "用户名或密码错误"),
        (["status", "--account", "nobody"], 1, "error 2"),
        (["send", "--text", "x"], 2, "--file"),
        (["send", "1", "--text", "x", "--file", os.devnull], 2, "--file"),
        (["send", "1"], 2, "--text"),
        (["send", "13000000001", "--text", "한", "--charset", "gbk"], 2, "gbk cannot encode"),
        (["send", "1", "--text", "x", "--send-time", "tomorrow"], 2, "--send-time"),
        (["overage", "--url", "vendor"], 2, "address"),
        (["nonsense"], 2, "nonsense"),
        (["overage", "--url", "http://127.0.0.1:1"], 3, "nothing was sent"),
        (["status", "--follow", "nan"], 2, "--follow"),
        (["status", "--follow", "0"], 2, "--follow"),
        (["call", "--follow", "0.99"], 2, "--follow"),
        (["status", "--total-timeout", "0"], 2, "--total-timeout"),
        (["overage", "--url", "http://127.0.0.1:1/?a=b"], 2, "query string"),
        (["overage", "--proxy", "ftp://127.0.0.1"], 2, "proxy="),
        (["status", "--timeout", "inf"], 2, "--timeout"),
        (["status", "--spool", "/dev/null"], 2, "/dev/null"),
        (["send", "--text", "x", ","], 2, "contains no number"),
    ],
    ids=str,
)
def test_an_error_is_one_line_and_an_exit_code(
    environment: dict[str, str], arguments: list[str], code: int, message: str
) -> None:
    exit_code, out, err = run_cli(environment, *arguments)
    assert (exit_code, out) == (code, "")
    assert err.startswith("sms10692: ")
    assert err.count("\n") == 1
    assert message in err


def test_an_invalid_response_is_exit_code_3(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def respond() -> None:
            connection, _ = listener.accept()
            with connection:
                read_request(connection)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")

        thread = threading.Thread(target=respond)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        code, _, err = run_cli(environment, "overage", "--url", url)
        thread.join(TIMEOUT)
    assert code == 3
    assert "not valid XML" in err


def test_a_missing_setting_is_named(environment: dict[str, str]) -> None:
    del environment["SMS10692_PASSWORD"]
    code, _, err = run_cli(environment, "overage")
    assert code == 2
    assert "SMS10692_PASSWORD" in err


# Bulk sends


def test_a_long_list_is_sent_in_batches(environment: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "numbers.txt"
    file.write_text("\ufeff" + "\r\n\r\n".join(NUMBERS) + "\n", "utf-8")
    results = run_json(environment, "send", "--file", str(file), "--text", "内容", "--batch", "10")
    assert [result["success_counts"] for result in results] == [10, 10, 5]
    assert [number for result in results for number in result["mobiles"]] == NUMBERS
    assert [report["mobile"] for report in run_json(environment, "status")] == NUMBERS


def test_after_a_refusal_the_accepted_numbers_are_listed_exactly(environment: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "numbers.txt"
    file.write_text("\n".join([*NUMBERS[:12], "10000000006", *NUMBERS[12:]]), "utf-8")
    code, _, err = run_cli(environment, "send", "--file", str(file), "--text", "内容", "--batch", "5")
    assert code == 1
    assert "accepted: 10 of 26, number 1 (13000000000) to number 10 (13000000009)\n" in err
    assert "uncertain" not in err
    assert "not sent: 16 of 26, number 11 (13000000010) to number 26 (13000000024)\n" in err
    assert [report["mobile"] for report in run_json(environment, "status")] == NUMBERS[:10]


@pytest.mark.parametrize("interrupted", [True, False])
def test_after_a_lost_response_the_uncertain_numbers_are_listed_exactly(
    environment: dict[str, str], tmp_path: Path, interrupted: bool
) -> None:
    file = tmp_path / "numbers.txt"
    file.write_text("\n".join(NUMBERS), "utf-8")
    body = b"<returnsms><returnstatus>Success</returnstatus><message>ok</message><remainpoint>1</remainpoint>"
    body += b"<taskID>1</taskID><successCounts>10</successCounts></returnsms>"
    received = threading.Event()
    released = threading.Event()

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def respond_once() -> None:
            connection, _ = listener.accept()
            with connection:
                read_request(connection)
                connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            connection, _ = listener.accept()
            with connection:
                read_request(connection)
                received.set()
                released.wait(TIMEOUT)

        thread = threading.Thread(target=respond_once)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with subprocess.Popen(
            [
                sys.executable,
                "-m",
                "sms10692",
                "send",
                "--url",
                url,
                "--file",
                str(file),
                "--text",
                "x",
                "--batch",
                "10",
            ],
            env=environment,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        ) as process:
            assert received.wait(TIMEOUT)
            if interrupted:
                process.send_signal(signal.SIGINT)
            else:
                released.set()
            err = process.communicate(timeout=TIMEOUT)[1]
        released.set()
        thread.join(TIMEOUT)
    assert process.returncode == (130 if interrupted else 3)
    assert "accepted: 10 of 25, number 1 (13000000000) to number 10 (13000000009)\n" in err
    assert "uncertain: 10 of 25, number 11 (13000000010) to number 20 (13000000019): no response arrived" in err
    assert "not sent: 5 of 25, number 21 (13000000020) to number 25 (13000000024)\n" in err


def test_an_argument_may_contain_several_numbers(environment: dict[str, str]) -> None:
    code, out, _ = run_cli(environment, "send", "13000000001,13000000002", " 13000000003 ", "--text", "x")
    assert code == 0
    assert "accepted: 3 of 3, number 1 (13000000001) to number 3 (13000000003)\n" in out


# Standard output that is closed or cannot encode the text


def run_unread(environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    """Run the command with a closed pipe as standard output; return its exit code and standard error."""
    with subprocess.Popen(
        [sys.executable, "-m", "sms10692", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
    assert "Traceback" not in err
    return process.returncode, err


def test_items_that_a_closed_pipe_did_not_accept_are_on_standard_error(environment: dict[str, str]) -> None:
    run_json(environment, "send", *NUMBERS, "--text", "x")
    code, err = run_unread(environment, "status", "--json")
    assert code == 3
    assert [json.loads(line)["mobile"] for line in err.splitlines()[:-1]] == NUMBERS


@pytest.mark.parametrize("table", [False, True])
def test_items_not_printed_before_an_interrupt_are_on_standard_error(
    environment: dict[str, str], tmp_path: Path, table: bool
) -> None:
    """The output exceeds the pipe buffer, so that the interrupt arrives before the last item is printed."""
    numbers = [str(13000000000 + index) for index in range(1000)]
    file = tmp_path / "numbers.txt"
    file.write_text("\n".join(numbers), "utf-8")
    run_json(environment, "send", f"--file={file}", "--text=x")
    with (
        (tmp_path / "errors.txt").open("w+", encoding="utf-8") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "sms10692", "status", *([] if table else ["--json"])],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
        ) as process,
    ):
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        with killed_after(process, 30):
            rest = process.stdout.read()
            process.wait()
        errors.seek(0)
        err = errors.read()
    assert process.returncode == 130
    saved = [json.loads(line)["mobile"] for line in err.splitlines() if line]
    assert saved == (numbers if table else numbers[-len(saved) :])
    assert saved
    if not table:
        printed = set()
        for line in (first + rest).splitlines():
            with suppress(ValueError):  # the line cut by the interrupt is complete on standard error
                printed.add(json.loads(line)["mobile"])
        assert printed | set(saved) == set(numbers)


def test_a_bulk_send_with_closed_output_reports_its_progress(environment: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "numbers.txt"
    file.write_text("\n".join(NUMBERS), "utf-8")
    code, err = run_unread(environment, "send", f"--file={file}", "--text=x", "--batch=1", "--json")
    assert code == 3
    accepted = len(run_json(environment, "status"))
    assert f"accepted: {accepted} of 25" in err
    assert f"not sent: {25 - accepted} of 25" in err


@pytest.mark.slow("Starts a command for each encoding.")
@pytest.mark.parametrize("encoding", ["ascii", "gbk", "utf-8"])
def test_a_limited_output_encoding_loses_no_items(environment: dict[str, str], encoding: str) -> None:
    limited = environment | {"PYTHONIOENCODING": encoding}
    for _ in range(2):
        run_json(environment, "send", "10000000031", "--text", "x")
    result = subprocess.run(
        [sys.executable, "-m", "sms10692", "call", "--json"], capture_output=True, check=True, env=limited
    )
    assert [json.loads(line)["content"] for line in result.stdout.splitlines()] == ["<好> & 😀"] * 2
    run_json(environment, "send", "10000000031", "--text", "x")
    result = subprocess.run([sys.executable, "-m", "sms10692", "call"], capture_output=True, check=True, env=limited)
    assert b"10000000031" in result.stdout


def test_a_reply_is_printed_without_markup() -> None:
    program = "from sms10692.cli.output import print_rows; print_rows(False, [{'content': ':smile: [bold]x[/bold]'}])"
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True).stdout
    assert ":smile: [bold]x[/bold]" in output
    assert "\x1b" not in output


# --follow


@pytest.mark.slow("Starts a command that polls.")
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_follow_prints_new_items_until_interrupted(
    environment: dict[str, str], tmp_path: Path, stop: signal.Signals
) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "sms10692", "status", "--follow", "1", "--json", "--spool", str(tmp_path)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        for number in ("13000000001", "13000000002"):
            run_json(environment, "send", number, "--text", "x")
            assert json.loads(process.stdout.readline())["mobile"] == number
        process.send_signal(stop)
        _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0
    assert err.splitlines()[-1].startswith("2 items in ")
    assert len(list(tmp_path.iterdir())) == 2


def test_without_the_extra_the_command_names_what_to_install() -> None:
    program = "import sys; sys.modules['rich'] = None; from sms10692.__main__ import main; main()"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert 'rich is missing; install the packages of the extra [cli]: pip install "click>=8' in result.stderr
