"""Helpers for tests of `sms10692-mock serve`: requests, and the error message when the command does not start."""

import subprocess
import sys

from support.emulators import CREDENTIALS, MANUAL_SIGN, UTF8, sign
from support.http_client import TIMEOUT, Address, build_request, send_raw

QUERY = f"userid=12&timestamp=20120701231212&sign={MANUAL_SIGN}"
SEND = f"action=send&{QUERY}&mobile=15023239810&content=x".encode()


def get_overage(address: Address, account: str = "test", password: str = "mima", userid: str = "12") -> str:
    timestamp = CREDENTIALS["timestamp"]
    form = f"action=overage&userid={userid}&timestamp={timestamp}&sign={sign(account, password, timestamp)}"
    return send_raw(address, build_request(UTF8, form.encode())).body.decode()


def get_start_error(*arguments: str, environment: dict[str, str] | None = None) -> str:
    """Run the command with wrong options. Returns its standard error.

    Asserts exit code 2, one line on standard error, and nothing on standard output.
    """
    completed = subprocess.run(
        [sys.executable, "-m", "sms10692_mock", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
        env=environment,
    )
    assert (completed.returncode, completed.stdout) == (2, "")
    assert completed.stderr.startswith("sms10692-mock: ")
    assert completed.stderr.count("\n") == 1
    return completed.stderr
