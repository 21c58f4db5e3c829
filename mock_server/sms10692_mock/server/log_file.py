"""The log file of a process: it is opened again on request, and survives a full disk."""

import os
from collections.abc import Callable
from pathlib import Path


class LogFile:
    """A file to which text is appended. `write` never raises: problems are told to `report`, once each.

    While the file cannot be written, text is dropped and its lines are counted; when it can be written again, it gets
    the text that `describe_loss` makes of the count. A file that was renamed or deleted is written until
    `request_reopen`. If the new one cannot be opened then, the old one stays in use. Call `write` on one thread only.
    Raises OSError if the file cannot be opened.
    """

    def __init__(self, path: Path, report: Callable[[str], None], describe_loss: Callable[[int], str]) -> None:
        self._path = path
        self._report = report
        self._describe_loss = describe_loss
        self._descriptor = _open(path)
        self._is_reopen_requested = False
        self._dropped = 0
        self._is_line_incomplete = False

    def request_reopen(self) -> None:
        """Open the path again before the next write. May be called on any thread."""
        self._is_reopen_requested = True

    def write(self, text: str) -> None:
        """Append text."""
        if self._is_reopen_requested:
            self._is_reopen_requested = False
            self._reopen()
        if not text:
            return
        loss = self._describe_loss(self._dropped) if self._dropped else ""
        data = f"{chr(10) * self._is_line_incomplete}{loss}{text}".encode("utf-8", "backslashreplace")
        written = 0
        try:
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
        except OSError as error:
            if not self._dropped:
                self._report(f"cannot write the log file {self._path}: {error.strerror}; its lines are dropped")
            if written:
                self._is_line_incomplete = not data[:written].endswith(b"\n")
            self._dropped += text.count("\n")
            return
        if self._dropped:
            self._report(f"the log file {self._path} can be written again; lines dropped: {self._dropped}")
        self._dropped, self._is_line_incomplete = 0, False

    def flush(self) -> None:
        """Do nothing: each write goes to the system at once."""

    def _reopen(self) -> None:
        try:
            descriptor = _open(self._path)
        except OSError as error:
            self._report(f"cannot open the log file {self._path} again: {error.strerror}; the old one is still written")
            return
        os.close(self._descriptor)
        self._descriptor, self._is_line_incomplete = descriptor, False


def _open(path: Path) -> int:
    # Lines name userids and texts of findings: readable by the owner and the group.
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
