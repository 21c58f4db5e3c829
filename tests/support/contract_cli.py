"""Runs the command `sms10692-contract run` for its tests."""

import subprocess
import sys


def run_contract(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command in a subprocess with these arguments."""
    command = [sys.executable, "-m", "sms10692_contract", "run", *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False, env=environment, timeout=180)


def select(*clauses: str) -> list[str]:
    """Return the options that select these clauses."""
    return [word for clause in clauses for word in ("--only", clause)]
