"""Resident memory of a process, from /proc."""

import os
from pathlib import Path


def rss_mib(pid: int | None = None) -> float:
    """Return the resident memory of a process in MiB, of this process by default; NaN on systems other than Linux."""
    status = Path(f"/proc/{os.getpid() if pid is None else pid}/status")
    if not status.exists():
        return float("nan")
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024
