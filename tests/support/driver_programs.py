"""Small programs that act as drivers of the examiner, and whether a process runs."""

import sys
from pathlib import Path
from typing import Final

CONFIGURED: Final = '{"id": 1, "answer": "configured", "operations": ["send"]}'
START: Final = f"input(); print('{CONFIGURED}', flush=True); input(); "
"""Configures itself and reads the first request."""


def write_driver(folder: Path, text: str) -> tuple[str, ...]:
    """Write a driver in Python and return the command that runs it."""
    driver = folder / "driver.py"
    driver.write_text(f"import os, subprocess, sys, time\n{text}\n", "utf-8")
    return sys.executable, str(driver)


def is_running(process: int) -> bool:
    """Whether a process runs. A process that ended and was not collected by its parent does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
