"""`DriverProcess`: a running driver.

Its answers are read by a thread of their own and checked, its standard error is kept, and its whole process group is
ended with it.
"""

import contextlib
import os
import queue
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sms10692_examine import driver_protocol
from sms10692_examine.driver_protocol import ITEM, VERSION, Answer, DriverError, DriverNotStarted
from sms10692_examine.observations import Observation

MAX_LINE: Final = 1 << 20
_STANDARD_INPUT: Final = Observation("standard input")
_STANDARD_OUTPUT: Final = Observation("standard output")
_QUIET_TIME: Final = 0.02
"""Seconds in which a line that follows an answer is noticed."""
MAX_ITEMS: Final = 20_000
_KEPT_STDERR: Final = 64 << 10
START_LIMIT: Final = 60.0
"""Seconds that the first answer may take: runtimes compile and start."""
WRITE_LIMIT: Final = 30.0
"""Seconds that a driver has to read a request; runtimes start before they read."""
_END_LIMIT: Final = 2.0
"""Seconds that a driver has to end after its standard input was closed."""
_END_CHECK: Final = 0.5
"""Seconds without a line after which the driver is looked at: a child can hold its output open when it has ended."""
_PENDING_LINES: Final = 64
"""Lines read ahead. A driver that writes more waits, so that it has not processed what nobody has read."""


def find_program(command: Sequence[str]) -> list[str]:
    """Return a command with the path of its program: Windows finds `npm.cmd` for `npm`, and starts it by its path."""
    return [shutil.which(command[0]) or command[0], *command[1:]]


class DriverProcess:
    """A driver, started by `command` in a process group of its own.

    **`close` ends the process; call it in every case.** All methods but `kill` belong to one thread.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.command = tuple(command)
        self.start_seconds = 0.0
        self._number = 0
        self._write_error: Exception | None = None
        self._is_closed = False
        self._stderr = bytearray()
        started = time.monotonic()
        try:
            self._process = subprocess.Popen(
                find_program(self.command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        except OSError as error:
            raise DriverNotStarted("cannot start {}: {}", shlex.join(self.command), error.strerror or error) from error
        self._started = started
        self._lines: queue.Queue[bytes] = queue.Queue(_PENDING_LINES)
        self._is_discarding = threading.Event()
        self._readers = [
            threading.Thread(target=self._read_lines, name="driver output", daemon=True),
            threading.Thread(target=self._read_stderr, name="driver errors", daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def stderr(self) -> str:
        """The end of what the driver wrote to its standard error since `forget_stderr`."""
        return bytes(self._stderr).decode("utf-8", "backslashreplace")

    def forget_stderr(self) -> None:
        self._stderr.clear()

    def configure(self, limit: float, **settings: Any) -> Answer:
        """Configure the client. The first call waits for the start of the runtime and measures it."""
        is_first = not self._number
        answer = self.ask("configure", START_LIMIT if is_first else limit, protocol=VERSION, **settings)
        if is_first:
            self.start_seconds = time.monotonic() - self._started
        if answer.kind == "unsupported":
            raise DriverError("the driver does not know version {} of the driver protocol: {}", VERSION, answer)
        if answer.kind != "configured":
            raise DriverError("configure was answered with {}; expected configured", answer)
        return answer

    def ask(self, operation: str, limit: float, **fields: Any) -> Answer:
        """Send a request and wait at most `limit` seconds for the whole answer. Raises DriverError."""
        self.begin(operation, **fields)
        return self.finish(operation, limit)

    def begin(self, operation: str, **fields: Any) -> None:
        """Send a request without waiting for the answer."""
        self._number += 1
        line = driver_protocol.encode({"id": self._number, "operation": operation, **fields})
        # A driver that does not read would let this thread wait for ever once the pipe is full.
        writer = threading.Thread(target=self._write, args=(line,), name="driver input", daemon=True)
        self._write_error = None
        writer.start()
        writer.join(WRITE_LIMIT)
        if writer.is_alive():
            raise DriverError(
                "the driver does not read its standard input: {} waited {:g} s",
                operation,
                WRITE_LIMIT,
                cause="driver-silent",
            )
        if self._write_error is not None:
            raise self._describe_end(_STANDARD_INPUT) from self._write_error

    def _write(self, line: bytes) -> None:
        stream = self._process.stdin
        if stream is None:
            raise RuntimeError("the driver has no standard input")
        try:
            stream.write(line)
            stream.flush()
        except (OSError, ValueError) as error:
            self._write_error = error

    def finish(self, operation: str, limit: float) -> Answer:
        """Wait for the answer to the last request."""
        deadline = time.monotonic() + limit
        items: list[Mapping[str, str]] = []
        while True:
            document = self._read_document(operation, deadline)
            if document is None:
                raise DriverError("no answer to {} within {:g} s", operation, limit, cause="driver-silent")
            if document["answer"] != ITEM:
                return Answer(document["answer"], document, tuple(items))
            items.append(document)
            if len(items) > MAX_ITEMS:
                raise DriverError(
                    "the answer to {} has more than {:,} items", operation, MAX_ITEMS, cause="driver-output"
                )

    def check_quiet(self) -> None:
        """Raise DriverError if the driver has written a line after its last answer."""
        try:
            line = self._lines.get(timeout=_QUIET_TIME)
        except queue.Empty:
            return
        if line:
            shown = repr(line[:200].decode("utf-8", "backslashreplace"))
            raise DriverError("standard output has a line after the last answer: {}", shown, cause="driver-output")

    def read_items(self, operation: str, limit: float, count: int | None = None) -> list[Mapping[str, str]]:
        """Return items: `count`, or all that were written completely until the end of the process or of `limit`."""
        deadline = time.monotonic() + limit
        items: list[Mapping[str, str]] = []
        with contextlib.suppress(DriverError):  # the last line is cut, or the driver has ended: both are expected here
            while len(items) != count and (document := self._read_document(operation, deadline)) is not None:
                if document["answer"] != ITEM:
                    break
                items.append(document)
        return items

    def _read_document(self, operation: str, deadline: float) -> Mapping[str, Any] | None:
        """Return the next document, or None if there is none before the deadline."""
        while True:
            has_ended = not self.is_running
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return None
            try:
                line = self._lines.get(timeout=min(remaining, _END_CHECK))
                break
            except queue.Empty:
                if has_ended:
                    raise self._describe_end(_STANDARD_OUTPUT) from None
        if not line:
            raise self._describe_end(_STANDARD_OUTPUT)
        if len(line) > MAX_LINE:
            raise DriverError("standard output has a line of more than {:,} bytes", MAX_LINE, cause="driver-output")
        return driver_protocol.parse_line(line, self._number, operation)

    def _describe_end(self, closed: Observation) -> DriverError:
        """Return how the driver ended, or that it runs without the stream that it closed."""
        with contextlib.suppress(subprocess.TimeoutExpired):  # it has closed the stream, and may still be running
            self._process.wait(_END_LIMIT)
        code = self._process.returncode
        if code is None:
            return DriverError("the driver closed its {} and is still running", closed, cause="driver-ended")
        if code < 0:
            return DriverError("the driver was ended by signal {}", -code, cause="driver-ended")
        return DriverError("the driver ended with exit code {}", code, cause="driver-ended")

    def _read_lines(self) -> None:
        stream = self._process.stdout
        if stream is None:
            raise RuntimeError("the driver has no standard output")
        with stream:
            while line := stream.readline(MAX_LINE + 1):
                self._put(line)
            self._put(b"")

    def _put(self, line: bytes) -> None:
        while not self._is_discarding.is_set():
            try:
                self._lines.put(line, timeout=0.1)
            except queue.Full:
                continue
            return

    def _read_stderr(self) -> None:
        stream = self._process.stderr
        if stream is None:
            raise RuntimeError("the driver has no standard error")
        with stream:
            while content := os.read(stream.fileno(), 1 << 16):
                self._stderr += content
                del self._stderr[:-_KEPT_STDERR]

    def kill(self) -> None:
        """End the driver and its children at once, with SIGKILL."""
        if not self._is_closed:
            self._signal_group()
        self._process.wait()

    def close(self) -> None:
        """Close the driver's standard input, let it end, and end what remains of its process group."""
        self._is_discarding.set()
        # In a thread, because a request that the driver does not read holds the lock of the stream.
        closer = threading.Thread(target=self._close_input, name="driver input", daemon=True)
        closer.start()
        with contextlib.suppress(subprocess.TimeoutExpired):  # it did not end by itself
            self._process.wait(_END_LIMIT)
        self.kill()
        self._is_closed = True  # from now on the number of the group may be that of another one
        closer.join(_END_LIMIT)
        for reader in self._readers:
            reader.join(_END_LIMIT)  # a process that has left the group may still hold the pipe

    def _close_input(self) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):  # the driver has ended, and a line was still buffered
                self._process.stdin.close()

    def _signal_group(self) -> None:
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):  # every process of the group has ended
                os.killpg(self._process.pid, signal.SIGKILL)
        elif self.is_running:  # Windows, where a process that has ended leaves its children behind
            tree = ["taskkill", "/T", "/F", "/PID", str(self._process.pid)]
            subprocess.run(tree, check=False, capture_output=True)
            self._process.kill()
