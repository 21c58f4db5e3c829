"""The log of the command: request lines and records of `logging`, written by one thread so that nobody waits for it.

Whatever runs in the process may write to `sys.stderr` once `take_over_stderr` was called; nothing of it blocks, also
when standard error is a pipe that nobody reads.
"""

import atexit
import io
import logging
import sys
import threading
import time
from collections import deque
from functools import lru_cache
from typing import Final, TextIO

_EVERY: Final = 0.1
"""Seconds between two writes: a thread that wakes up keeps the one that answers from its work, ever so shortly."""
_MOST: Final = 4 * 1024 * 1024
"""Characters that wait to be written. Beyond, the newest are dropped and counted."""
_PATIENCE: Final = 0.5
"""Seconds that the end of the process waits for somebody to read."""


class LogWriter:
    """A bounded queue of text and the thread that writes it to a stream, ten times a second.

    Any thread may call it; no call waits for the stream. What does not fit is dropped, and how many lines that were is
    logged afterwards. When the stream is closed or broken all further text is dropped: an emulator does not end because
    a pager did.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._texts: deque[str] = deque()
        self._size = 0
        self._lost = 0
        self._has_some = threading.Event()
        self._hurried = threading.Event()
        self._written = threading.Event()
        self._written.set()
        threading.Thread(target=self._write_forever, name="log", daemon=True).start()

    def __call__(self, line: str) -> None:
        """Log a line, with the time."""
        self.write(f"{format_time(time.time())} {line}\n")

    def write(self, text: str) -> None:
        """Log text that ends with a line, as it is."""
        if self._stream is None:
            return
        with self._lock:
            if self._size + len(text) > _MOST:
                self._lost += text.count("\n")
                return
            self._texts.append(text)
            self._size += len(text)
            if not self._has_some.is_set():
                self._written.clear()
                self._has_some.set()

    def flush(self) -> None:
        """Wait until everything so far is written, for half a second at most."""
        self._hurried.set()
        self._written.wait(_PATIENCE)

    def _write_forever(self) -> None:
        while self._has_some.wait():
            self._hurried.wait(_EVERY)
            self._write(self._take())
            with self._lock:
                if not self._texts:
                    self._written.set()

    def _take(self) -> str:
        with self._lock:
            self._has_some.clear()
            text, self._size = "".join(self._texts), 0
            self._texts.clear()
            lost, self._lost = self._lost, 0
        return text if not lost else f"{text}{format_time(time.time())} {lost} lines are lost: nobody was reading\n"

    def _write(self, text: str) -> None:
        if self._stream is not None:
            try:
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError):  # ValueError: it was closed
                self._stream = None


class LogStream(io.TextIOBase):
    """A text stream that gives whole lines to a LogWriter. Its `write` never blocks."""

    def __init__(self, writer: LogWriter, instead_of: TextIO) -> None:
        super().__init__()
        self._writer = writer
        self._instead_of = instead_of
        self._lock = threading.Lock()
        self._begun = ""

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a plain attribute in typeshed
        return self._instead_of.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]  # the same
        return self._instead_of.errors

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._instead_of.fileno()

    def isatty(self) -> bool:
        return self._instead_of.isatty()

    def write(self, text: str, /) -> int:
        with self._lock:
            lines, end, rest = (self._begun + text).rpartition("\n")
            self._begun = rest
            if end:
                self._writer.write(lines + end)
        return len(text)


class RecordFormatter(logging.Formatter):
    """Formats records of `logging` with the time as request lines have it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(name)s: %(message)s")

    def formatTime(  # noqa: N802 - logging's name
        self,
        record: logging.LogRecord,
        datefmt: str | None = None,  # noqa: ARG002 - logging's signature
    ) -> str:
        return format_time(record.created)


def take_over_stderr(level: str) -> LogWriter:
    """Let a LogWriter write everything that goes to `sys.stderr` from now on, records of `logging` and warnings too.

    For a process of its own: it lasts until the process ends.
    """
    writer = LogWriter(sys.stderr)
    sys.stderr = LogStream(writer, sys.stderr)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RecordFormatter())
    logging.basicConfig(handlers=[handler], level=level.upper())
    logging.captureWarnings(True)
    atexit.register(writer.flush)
    return writer


def format_time(moment: float) -> str:
    """A moment in the local time zone, ISO 8601 with milliseconds.

    >>> format_time(1322835131.5)[-10:-6]
    '.500'
    """
    second, offset = _local_second(int(moment))
    return f"{second}.{int(moment * 1000) % 1000:03}{offset}"


@lru_cache(maxsize=1)
def _local_second(moment: int) -> tuple[str, str]:
    local = time.localtime(moment)
    offset = time.strftime("%z", local)
    return time.strftime("%Y-%m-%dT%H:%M:%S", local), f"{offset[:3]}:{offset[3:]}"
