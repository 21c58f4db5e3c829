"""The suite's command as its tests call it, and how they choose what it examines.

Here belongs what several of them need. Whom it examines is in `vendors` and `strangers`.
"""

import subprocess
import sys


def contract(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The command, as a process of its own."""
    command = [sys.executable, "-m", "sms10692_contract", *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False, env=environment, timeout=180)


def only(*clauses: str) -> list[str]:
    """The options that choose these clauses."""
    return [word for clause in clauses for word in ("--only", clause)]
