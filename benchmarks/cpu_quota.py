"""A part of a core for a server, by Linux's control groups: what two do where the machine has no core for each.

Here belongs how a process is rationed. Who is, `stores` says.
"""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.servers import Server

_PERIOD: Final = 10_000
"""Microseconds in which a process has its share: short, so that its answers do not come in bursts."""

_FIRST, _SECOND = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")
"""Where the groups of the two versions are."""


class QuotaUnavailable(Exception):
    """This machine gives no process a part of a core, and why."""


@contextmanager
def limited_cpu(share: float, *servers: Server) -> Iterator[None]:
    """Each of the servers has this share of a core. Raises NoRations."""
    groups = []
    try:
        for server in servers:
            groups.append(_new_group(share))
            (groups[-1] / "cgroup.procs").write_text(str(server.process.pid))
        yield
    finally:
        for group in groups:
            for process in (group / "cgroup.procs").read_text().split():
                (group.parent / "cgroup.procs").write_text(process)
            group.rmdir()


def _new_group(share: float) -> Path:
    parent = _FIRST if _FIRST.is_dir() else _SECOND
    group = parent / f"benchmarks-{os.getpid()}-{uuid.uuid4().hex}"
    quota = int(share * _PERIOD)
    try:
        group.mkdir()
        if parent is _FIRST:
            (group / "cpu.cfs_period_us").write_text(str(_PERIOD))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (group / "cpu.max").write_text(f"{quota} {_PERIOD}")
    except OSError as error:
        if group.is_dir():
            group.rmdir()
        raise QuotaUnavailable(f"there are no control groups to be had here: {error.strerror}") from None
    return group
