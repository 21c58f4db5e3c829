"""CPU quotas for server processes, by Linux control groups: each server is limited to a fraction of a core."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.servers import Server

_PERIOD: Final = 10_000
"""Quota period in microseconds. It is short, so that responses do not arrive in bursts."""

_CGROUP_V1, _CGROUP_V2 = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")
"""Directories of the two versions of control groups."""


class QuotaUnavailable(Exception):
    """This machine does not support CPU quotas; the message states the reason."""


@contextmanager
def limited_cpu(cores: float, *servers: Server) -> Iterator[None]:
    """Limit each server to `cores` of a core, such as 0.4. Raises QuotaUnavailable."""
    groups = []
    try:
        for server in servers:
            groups.append(_create_group(cores))
            (groups[-1] / "cgroup.procs").write_text(str(server.process.pid))
        yield
    finally:
        for group in groups:
            for process in (group / "cgroup.procs").read_text().split():
                (group.parent / "cgroup.procs").write_text(process)
            group.rmdir()


def _create_group(cores: float) -> Path:
    parent = _CGROUP_V1 if _CGROUP_V1.is_dir() else _CGROUP_V2
    group = parent / f"benchmarks-{os.getpid()}-{uuid.uuid4().hex}"
    quota = int(cores * _PERIOD)
    try:
        group.mkdir()
        if parent is _CGROUP_V1:
            (group / "cpu.cfs_period_us").write_text(str(_PERIOD))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (group / "cpu.max").write_text(f"{quota} {_PERIOD}")
    except OSError as error:
        if group.is_dir():
            group.rmdir()
        raise QuotaUnavailable(f"control groups are not available: {error.strerror}") from None
    return group
