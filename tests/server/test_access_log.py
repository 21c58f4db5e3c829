"""Tests of `server.access_log`: lines and records get a time, keep their order, and never block."""

import io
import logging
import re
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sms10692_mock.server import access_log
from sms10692_mock.server.access_log import LogStream, LogWriter, format_time, take_over_stderr
from support.emulators import UTF8, emulator_process, wait_exit
from support.http_client import TIMEOUT, send_raw

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d"


class BlockedStream(io.StringIO):
    """A stream whose writes block like those to a full pipe, until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.is_full = threading.Event()
        self.is_read = threading.Event()
        self.flushed = threading.Semaphore(0)

    def write(self, text: str) -> int:
        self.is_full.set()
        assert self.is_read.wait(TIMEOUT)
        return super().write(text)

    def flush(self) -> None:
        self.flushed.release()


def test_lines_beyond_the_buffer_are_dropped_and_counted_and_no_call_blocks() -> None:
    stuck = BlockedStream()
    writer = LogWriter(stuck, max_buffered=10 * len(f"{format_time(0.0)} line 0\n"))
    writer("first")
    assert stuck.is_full.wait(TIMEOUT)
    writer.flush()
    for number in range(30):
        writer(f"line {number}")
    stuck.is_read.set()
    for _ in range(2):
        assert stuck.flushed.acquire(timeout=TIMEOUT)
    text = stuck.getvalue()
    assert "first" in text
    assert "line 9\n" in text
    assert "line 10\n" not in text
    assert "20 lines dropped: the log was not read\n" in text


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_lines_and_records_have_date_time_and_the_zone_of_china(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    monkeypatch.setenv("TZ", zone)
    access_log._format_second.cache_clear()
    if hasattr(time, "tzset"):
        time.tzset()
        try:
            assert format_time(1322835131.0625) == "2011-12-02T22:12:11.062+08:00"
        finally:
            monkeypatch.undo()
            time.tzset()
            access_log._format_second.cache_clear()
    record = logging.makeLogRecord({"name": "a.b", "msg": "it %s", "args": ("failed",)})
    text = access_log.format_text(record.created, "info", record.name, record.getMessage())
    assert re.fullmatch(f"{TIME} a.b: it failed\n", text)


@contextmanager
def captured_process_stderr() -> Iterator[io.StringIO]:
    """Take over standard error as a process does, and restore everything afterwards."""
    before, handlers, level = sys.stderr, logging.root.handlers[:], logging.root.level
    logging.root.handlers = []
    sys.stderr = stream = io.StringIO()
    try:
        yield stream
    finally:
        sys.stderr, logging.root.handlers = before, handlers
        logging.root.setLevel(level)
        logging.captureWarnings(False)


def test_records_warnings_and_tracebacks_of_threads_go_through_the_writer() -> None:
    with captured_process_stderr() as stderr:
        writer = take_over_stderr("info")
        assert isinstance(sys.stderr, LogStream)
        logging.getLogger("sms10692_mock").info("a record")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logging.captureWarnings(False)  # pytest's own way with warnings has replaced it
            logging.captureWarnings(True)
            warnings.warn("a warning", stacklevel=1)
        threading.__excepthook__(threading.ExceptHookArgs((ValueError, ValueError("in a thread"), None, None)))
        sys.stderr.write("half a line")
        writer("a request")
        sys.stderr.write(", and the rest\n")
        writer.flush()
    lines = stderr.getvalue().splitlines()
    assert re.fullmatch(f"{TIME} sms10692_mock: a record", lines[0])
    assert any(re.match(f"{TIME} py.warnings: .*a warning", line) for line in lines)
    assert "ValueError: in a thread" in lines
    assert re.fullmatch(f"{TIME} a request", lines[-2])
    assert lines[-1] == "half a line, and the rest"


@pytest.mark.parametrize(("level", "reads"), [("info", False), ("debug", True)])
def test_reads_of_the_console_are_logged_only_at_level_debug(level: str, reads: bool) -> None:
    with emulator_process("--log-level", level) as (process, address):
        for target, status in [("/", 200), ("/static/console.css", 200), ("/_mock/health", 200)]:
            assert send_raw(address, f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()).status == status
        for target, status in [("/nowhere", 404), ("/_mock/accounts", 200), (f"{UTF8}?action=x", 200)]:
            assert send_raw(address, f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()).status == status
        process.send_signal(signal.SIGTERM)
        lines = wait_exit(process)[1]
    assert [f" GET {target}: 200\n" in lines for target in ("/", "/static/console.css", "/_mock/health")] == [reads] * 3
    assert " GET /nowhere: 404\n" in lines
    assert " GET /_mock/accounts: 200\n" in lines
    assert re.search(f"^{TIME} GET /v2sms.aspx no such action", lines, re.MULTILINE)
