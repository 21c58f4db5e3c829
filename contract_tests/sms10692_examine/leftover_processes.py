"""Processes that have left the process group of their driver, such as daemons: they are ended with the run.

They are found by a variable of their environment, in /proc of Linux. Other systems have no such list.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

RUN_VARIABLE: Final = "SMS10692_EXAMINE_RUN"
"""Variable with the id of the run, which every process that a driver starts inherits."""

_PROCESSES: Final = Path("/proc")
_ROUNDS: Final = 10
"""Most looks at the list of processes: one that is read may start another before it is ended."""


def kill_leftover_processes(run_id: str) -> None:
    """End all processes of a run, with SIGKILL."""
    for _ in range(_ROUNDS):
        numbers = list(_find_processes(f"{RUN_VARIABLE}={run_id}".encode()))
        if not numbers:
            return
        for number in numbers:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # it has ended, or is of another user now
                os.kill(number, signal.SIGKILL)


def _find_processes(variable: bytes) -> Iterator[int]:
    """Yield the processes with this variable, which is their name, `=` and value."""
    for folder in _PROCESSES.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or belongs to another user
            if variable in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name)
