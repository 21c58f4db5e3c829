"""How much memory a process takes.

Here belongs asking the system for it. What is measured is the affair of those who ask.
"""

import os
from pathlib import Path


def rss_bytes(pid: int | None = None) -> float:
    """Mebibytes in memory of a process, of this one if none is named; where Linux says so, or not a number."""
    status = Path(f"/proc/{os.getpid() if pid is None else pid}/status")
    if not status.exists():
        return float("nan")
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024
