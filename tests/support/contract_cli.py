"""Runs the command `sms10692-contract run` for its tests."""

import re
import subprocess
import sys


def run_contract(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command with these arguments. Progress lines, which appear on a busy machine, are removed."""
    command = [sys.executable, "-m", "sms10692_contract", "run", *arguments]
    completed = subprocess.run(
        command, capture_output=True, encoding="utf-8", check=False, env=environment, timeout=180
    )
    completed.stderr = re.sub(r"sms10692-contract: \d+ of \d+ clauses checked, now .*\n", "", completed.stderr)
    return completed


def select(*clauses: str) -> list[str]:
    """Return the options that select these clauses."""
    return [word for clause in clauses for word in ("--only", clause)]
