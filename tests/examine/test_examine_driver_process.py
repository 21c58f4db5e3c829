"""`DriverProcess`: how a driver is started and ended, and its streams."""

import os
import re
import time
from pathlib import Path

import pytest

from sms10692_examine import driver_process
from sms10692_examine.driver_process import DriverProcess
from sms10692_examine.driver_protocol import DriverError
from support.driver_programs import CONFIGURED, START, is_running, write_driver


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


def test_a_driver_that_closes_its_standard_input_is_an_error(tmp_path: Path) -> None:
    closed = f"input(); os.close(0); print('{CONFIGURED}', flush=True); time.sleep(60)"
    driver = DriverProcess(write_driver(tmp_path, closed), {})
    try:
        driver.configure(30)
        with pytest.raises(DriverError, match="the driver closed its standard input and is still running"):
            driver.begin("send")
    finally:
        driver.close()


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
    while is_running(process) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_running(process)


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


def test_a_driver_may_have_spaces_and_chinese_in_its_path(tmp_path: Path) -> None:
    folder = tmp_path / "我的 程序 (1)"
    folder.mkdir()
    program = folder / "驱动 & 程序"
    write_program(program, """read line; echo '{"id": 1, "answer": "configured"}'; read line""")
    commands = [(str(program),), write_driver(folder, f"{START}input()")]
    for command in commands:
        driver = DriverProcess(command, {})
        try:
            assert driver.configure(30).kind == "configured"
        finally:
            driver.close()


def test_a_driver_may_end_its_lines_as_windows_does(tmp_path: Path) -> None:
    text = f"input(); print('{CONFIGURED}', end='\\r\\n', flush=True); input()"
    driver = DriverProcess(write_driver(tmp_path, text), {})
    try:
        assert driver.configure(30).document["operations"] == ["send"]
        driver.check_quiet()
    finally:
        driver.close()
