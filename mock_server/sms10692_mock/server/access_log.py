"""Log of the server process: access log and records of `logging`, written to standard error or a file by one thread.

After `take_over_stderr`, no write to `sys.stderr` blocks, even if standard error is a pipe that is not read.
"""

import atexit
import io
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, Protocol, TextIO, TypeAlias

_CHINA_OFFSET: Final = 8 * 60 * 60
"""Seconds by which China Standard Time, the zone of all times that the emulator shows, is ahead of UTC."""
_WRITE_INTERVAL: Final = 0.1
"""Seconds between two writes. Each wake-up of the writing thread delays the event loop a little."""
_MAX_BUFFERED: Final = 4 * 1024 * 1024
"""Number of characters that are buffered. Beyond, new text is dropped and its lines are counted."""
_FLUSH_TIMEOUT: Final = 0.5
"""Seconds for which the end of the process waits for the reader of the log."""


class AccessEntry(Protocol):
    """An entry of the access log. `str()` is its text, of one or more lines."""

    def fields(self) -> Mapping[str, object]:
        """What a log with fields shows: `message`, and what the message is made of."""


LogMessage: TypeAlias = str | AccessEntry
"""What is logged: text of one or more lines, or an entry of the access log that has fields."""

LineFormat: TypeAlias = Callable[[float, str, str, LogMessage], str]
"""Formats an entry. Parameters: Unix time, level, name of the logger (empty for the access log), message."""


def format_text(timestamp: float, level: str, logger: str, text: LogMessage) -> str:
    """Format an entry as text, preceded by the time.

    >>> format_text(0.0, "error", "a.b", "it failed")
    '1970-01-01T08:00:00.000+08:00 a.b: it failed\\n'
    """
    return f"{format_time(timestamp)} {logger}: {text}\n" if logger else f"{format_time(timestamp)} {text}\n"


class Destination(Protocol):
    """Where a LogWriter writes: a stream or a LogFile."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> None: ...


class LogWriter:
    """A bounded buffer of text, and the thread that writes it to a stream ten times a second.

    Any thread may call it; no call waits for the stream. Text that does not fit is dropped, and the number of dropped
    lines is logged later. After the stream was closed or broken, all text is dropped: the server goes on when the
    pager that reads its log has ended. `line_format` formats the entries.
    """

    def __init__(
        self,
        stream: Destination | None,
        max_buffered: int = _MAX_BUFFERED,
        line_format: LineFormat = format_text,
    ) -> None:
        self._stream = stream
        self._format = line_format
        self._max_buffered = max_buffered
        self._lock = threading.Lock()
        self._buffer: deque[str] = deque()
        self._size = 0
        self._dropped = 0
        self._has_text = threading.Event()
        self._flush_now = threading.Event()
        self._written = threading.Event()
        self._written.set()
        threading.Thread(target=self._write_forever, name="log", daemon=True).start()

    def __call__(self, message: LogMessage) -> None:
        """Write an entry of the access log."""
        self.write(self._format(time.time(), "info", "", message))

    def debug(self, message: LogMessage) -> None:
        """Write an entry of the access log that only the level `debug` shows."""
        self.write(self._format(time.time(), "debug", "", message))

    def log(self, timestamp: float, level: str, logger: str, text: str) -> None:
        """Write an entry of a logger."""
        self.write(self._format(timestamp, level, logger, text))

    def write(self, text: str) -> None:
        """Log complete lines as they are."""
        if self._stream is None:
            return
        with self._lock:
            if self._size + len(text) > self._max_buffered:
                self._dropped += text.count("\n")
                return
            self._buffer.append(text)
            self._size += len(text)
            if len(self._buffer) == 1:
                self._written.clear()
                self._has_text.set()

    def flush(self) -> None:
        """Write what is buffered; wait at most `_FLUSH_TIMEOUT` seconds for that."""
        self._flush_now.set()
        self._written.wait(_FLUSH_TIMEOUT)

    def _write_forever(self) -> None:
        while self._has_text.wait():
            self._flush_now.wait(_WRITE_INTERVAL)
            self._write(self._take())
            with self._lock:
                if not self._buffer:
                    self._written.set()

    def _take(self) -> str:
        with self._lock:
            self._has_text.clear()
            text, self._size = "".join(self._buffer), 0
            self._buffer.clear()
            dropped, self._dropped = self._dropped, 0
        if not dropped:
            return text
        return text + self._format(time.time(), "warning", "", f"{dropped} lines dropped: the log was not read")

    def _write(self, text: str) -> None:
        if self._stream is not None:
            try:
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError):  # ValueError: the stream is closed
                self._stream = None


class LogStream(io.TextIOBase):
    """A text stream that passes complete lines to `write`. Its own `write` never blocks."""

    def __init__(self, write: Callable[[str], None], replaced: TextIO) -> None:
        super().__init__()
        self._write = write
        self._replaced = replaced
        self._lock = threading.Lock()
        self._incomplete_line = ""

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a plain attribute in typeshed
        return self._replaced.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]  # likewise
        return self._replaced.errors

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._replaced.fileno()

    def isatty(self) -> bool:
        return self._replaced.isatty()

    def write(self, text: str, /) -> int:
        with self._lock:
            lines, end, rest = (self._incomplete_line + text).rpartition("\n")
            self._incomplete_line = rest
            if end:
                self._write(lines + end)
        return len(text)


class RecordHandler(logging.Handler):
    """Passes records of `logging` to a LogWriter."""

    def __init__(self, writer: LogWriter) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(message)s"))
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
        except Exception:  # a wrong format string must not end what is logged
            self.handleError(record)
        else:
            self._writer.log(record.created, record.levelname.lower(), record.name, text)


def take_over_stderr(
    level: str, destination: Destination | None = None, line_format: LineFormat = format_text
) -> LogWriter:
    """Replace `sys.stderr`, `logging` and `warnings` by a LogWriter, for the rest of the process.

    `level` is the lowest level of `logging` that is logged. Without a `destination`, it is standard error. Text that is
    written to `sys.stderr`, such as a traceback, stays as it is in the format of text; in another one it is an entry.
    """
    writer = LogWriter(destination or sys.stderr, line_format=line_format)

    def write_entry(text: str) -> None:
        writer.log(time.time(), "error", "stderr", text.rstrip("\n"))

    sys.stderr = LogStream(writer.write if line_format is format_text else write_entry, sys.stderr)
    logging.basicConfig(handlers=[RecordHandler(writer)], level=level.upper())
    logging.captureWarnings(True)
    atexit.register(writer.flush)
    return writer


def format_time(timestamp: float) -> str:
    """Format a Unix time in China Standard Time, as ISO 8601 with milliseconds.

    >>> format_time(1322835131.5)
    '2011-12-02T22:12:11.500+08:00'
    """
    return f"{_format_second(int(timestamp))}.{int(timestamp * 1000) % 1000:03}+08:00"


@lru_cache(maxsize=1)
def _format_second(timestamp: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(timestamp + _CHINA_OFFSET))
