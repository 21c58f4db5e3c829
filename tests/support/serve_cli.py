"""The command as its tests speak to it: what they send, and what it says when it does not start.

Here belongs what several of them need. How it is started is in `emulators`.
"""

import subprocess
import sys

from support.emulators import (
    CREDENTIALS,
    MANUAL_SIGN,
    TIMEOUT,
    UTF8,
    Address,
    ask,
    request,
    sign,
)

QUERY = f"userid=12&timestamp=20120701231212&sign={MANUAL_SIGN}"
SEND = f"action=send&{QUERY}&mobile=15023239810&content=x".encode()


def overage(address: Address, account: str = "test", password: str = "mima", userid: str = "12") -> str:
    timestamp = CREDENTIALS["timestamp"]
    form = f"action=overage&userid={userid}&timestamp={timestamp}&sign={sign(account, password, timestamp)}"
    return ask(address, request(UTF8, form.encode())).body.decode()


def refused(*arguments: str, environment: dict[str, str] | None = None) -> str:
    """What the command says when it does not start: one line on standard error, exit code 2, nothing else."""
    done = subprocess.run(
        [sys.executable, "-m", "sms10692_mock", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
        env=environment,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("sms10692-mock: ")
    assert done.stderr.count("\n") == 1
    return done.stderr
