"""Server processes under test: start on one core, stop, and read CPU time and memory from /proc.

`targets` and `peers` define the servers.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.rss import rss_mib

_START_TIMEOUT: Final = 60.0
_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0


SERVER_CORE: Final = 0
LOAD_CORE: Final = 1


class Server(NamedTuple):
    """A listening server process. `startup_seconds` is the time from its start until it was ready."""

    process: subprocess.Popen[str]
    port: int
    startup_seconds: float

    def cpu_seconds(self) -> float:
        """Return the CPU time of the process and its descendants; NaN on systems other than Linux."""
        if not _TICKS_PER_SECOND or not Path("/proc/self/stat").exists():
            return float("nan")
        return sum(map(_read_cpu_seconds, _iterate_descendants(self.process.pid)))

    def rss_mib(self) -> float:
        """Return the resident memory in MiB; NaN on systems other than Linux."""
        return rss_mib(self.process.pid)


def _iterate_descendants(pid: int) -> Iterator[int]:
    """Yield a process ID and those of all its descendants."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _iterate_descendants(int(child))


def _read_cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


@contextmanager
def pinned_to(core: int | None) -> Iterator[None]:
    """Pin processes started in this context to a core. Does nothing with fewer than two cores or without support."""
    if core is None or not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(before)[core]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def start_emulator(*arguments: str, core: int | None = SERVER_CORE) -> Server:
    """Start a Python module whose first line of output is `listening on http://…:PORT`."""
    started = time.perf_counter()
    with pinned_to(core):
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    line = process.stdout.readline() if process.stdout else ""
    if not line.startswith("listening on "):
        raise RuntimeError(f"{' '.join(arguments)} did not start: {line!r}")
    return Server(process, int(line.rpartition(":")[2]), time.perf_counter() - started)


def start_peer(command: Sequence[str], port: int, environment: Mapping[str, str]) -> Server:
    """Start a command and wait until it listens on the port."""
    started = time.perf_counter()
    with pinned_to(SERVER_CORE):
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | environment,
            start_new_session=True,
        )
    while time.perf_counter() - started < _START_TIMEOUT:
        if process.poll() is not None:
            raise RuntimeError(f"{command[0]} exited with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return Server(process, port, time.perf_counter() - started)
    stop(Server(process, port, _START_TIMEOUT))
    raise RuntimeError(f"{command[0]} does not listen after {_START_TIMEOUT:g} s")


def stop(server: Server) -> None:
    """Terminate a server and its descendants."""
    pids = list(_iterate_descendants(server.process.pid)) if Path("/proc/self/task").exists() else [server.process.pid]
    server.process.terminate()
    try:
        server.process.wait(5)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()
    for pid in pids[1:]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
