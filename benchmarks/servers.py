"""A server under measurement: a process of its own, on one core, and what it has used of the machine.

Here belongs what the machine says of a process. Which servers there are is in `contenders` and `peers`.
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

_PATIENCE: Final = 60.0
_TICK: Final = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0


SERVERS_CORE: Final = 0
LOADS_CORE: Final = 1


class Server(NamedTuple):
    """A process that listens, and the seconds from its start until it said so."""

    process: subprocess.Popen[str]
    port: int
    until_ready: float

    def cpu(self) -> float:
        """Seconds of processor time that it and its children have used, where Linux says so, or not a number."""
        return sum(map(_cpu, _family(self.process.pid))) if _TICK and Path("/proc/self/stat").exists() else float("nan")

    def resident(self) -> float:
        """Mebibytes in memory, where Linux says so, or not a number."""
        status = Path(f"/proc/{self.process.pid}/status")
        if not status.exists():
            return float("nan")
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024


def _family(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _family(int(child))


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


@contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """What is started meanwhile runs on this core alone, where there are two and the system lets one choose."""
    if core is None or not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(before)[core]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def start_emulator(*arguments: str, core: int | None = SERVERS_CORE) -> Server:
    """Start a module of Python that says `listening on http://…:PORT` in its first line."""
    begun = time.perf_counter()
    with on_core(core):
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    line = process.stdout.readline() if process.stdout else ""
    if not line.startswith("listening on "):
        raise RuntimeError(f"{' '.join(arguments)} did not start: {line!r}")
    return Server(process, int(line.rpartition(":")[2]), time.perf_counter() - begun)


def start_peer(command: Sequence[str], port: int, environment: Mapping[str, str]) -> Server:
    """Start a command that will listen on a port some time."""
    begun = time.perf_counter()
    with on_core(SERVERS_CORE):
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | environment,
            start_new_session=True,
        )
    while time.perf_counter() - begun < _PATIENCE:
        if process.poll() is not None:
            raise RuntimeError(f"{command[0]} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return Server(process, port, time.perf_counter() - begun)
    end(Server(process, port, _PATIENCE))
    raise RuntimeError(f"{command[0]} does not listen")


def end(server: Server) -> None:
    """End a server, and what it has started."""
    family = list(_family(server.process.pid)) if Path("/proc/self/task").exists() else [server.process.pid]
    server.process.terminate()
    try:
        server.process.wait(5)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()
    for pid in family[1:]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port
