"""Vendors that others wrote from the manual alone, in five languages, without having seen this suite.

Each is in a folder of `support/vendors`, unedited, with `breaks.json`: deviations of which the environment variable
BREAK chooses one. Those of `VENDORS` have twenty, each from one statement of the manual. Those of `CHANGING_VENDORS`
have a brand of their own, and ten small changes that such a vendor could make one day.
"""

import json
import os
import select
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, TypedDict

from sms10692_contract.clauses import CLAUSES, Clause
from sms10692_contract.demand import Demand
from sms10692_contract.effort import Effort
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import parse_address
from sms10692_contract.pace import Pace
from sms10692_contract.runner import Verdict, run_checks
from sms10692_contract.safety import SafetyGuard
from sms10692_contract.suite_account import SuiteAccount

_FOLDER: Final = Path(__file__).parent / "vendors"
_START_SECONDS: Final = 60
OWN: Final = SuiteAccount("12", "test", "mima")
NUMBERS: Final = ("13800138007", "13900139017", "15023239827")
"""Allowed numbers: the vendors let numbers that end in 7 reply."""

BRIEF: Final = Effort("brief", examples=3, machine_runs=1, machine_steps=1, concurrency_rounds=1, shrink_requests=0)
PACE: Final = Pace(poll=0.1, report=30.0, reply=20.0, schedule=5.0)


class Break(TypedDict):
    """A deviation: its number, the statement of the manual that it violates, in which chapter, and how it shows."""

    number: int
    statement: str
    chapter: int
    deviation: str
    how_a_client_sees_it: str


class VendorProgram(NamedTuple):
    """A vendor: its folder, the command that starts it there, and the interpreter that this needs."""

    name: str
    command: tuple[str, ...]
    interpreter: str

    @property
    def is_installed(self) -> bool:
        """Whether its interpreter is on this machine."""
        return all(map(shutil.which, (self.command[0], self.interpreter)))

    def load_breaks(self) -> list[Break]:
        """Load its deviations."""
        rows: list[Break] = json.loads((_FOLDER / self.name / "breaks.json").read_text("utf-8"))
        return rows


VENDORS: Final = {
    vendor.name: vendor
    for vendor in (
        VendorProgram("python", ("python3", "vendor.py"), "python3"),
        VendorProgram("node", ("node", "vendor.mjs"), "node"),
        VendorProgram("php", ("sh", "start.sh"), "php"),
        VendorProgram("java", ("java", "Vendor.java"), "java"),
        VendorProgram("perl", ("perl", "vendor.pl"), "perl"),
    )
}
CHANGING_VENDORS: Final = {
    vendor.name: vendor
    for vendor in (
        VendorProgram("harbour", ("node", "vendor.mjs"), "node"),
        VendorProgram("meadow", ("python3", "vendor.py"), "python3"),
    )
}


@contextmanager
def vendor_program(vendor: VendorProgram, deviation: int = 0, **environment: str) -> Iterator[str]:
    """Start a vendor with a deviation, or without one; yield its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"PORT": str(port), "BREAK": str(deviation or ""), "DELAY": "0.2", "TZ": "Asia/Shanghai"} | environment
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            vendor.command,
            cwd=_FOLDER / vendor.name,
            env=os.environ | settings,
            stdout=subprocess.PIPE,
            stderr=errors,
            stdin=subprocess.DEVNULL,
        )
        try:
            _await_line(process, b"listening")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _await_line(process: "subprocess.Popen[bytes]", text: bytes) -> None:
    """Wait until the process has printed the text."""
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], _START_SECONDS)
    line = process.stdout.readline() if readable else b""
    assert text in line, f"{process.args!r} did not start: {line!r}"


def run_suite(
    url: str,
    clauses: list[Clause] | None = None,
    *,
    numbers: tuple[str, ...] = NUMBERS,
    budget: int = 500,
    pace: Pace = PACE,
    seed: int = 0,
) -> list[Verdict]:
    """Run clauses against a vendor, with the demand `manual`; without numbers harmlessly."""
    guard = SafetyGuard(frozenset(numbers), budget, may_fetch=bool(numbers))
    context = CheckContext(parse_address(url), OWN, guard, None, BRIEF, seed, pace=pace)
    return list(run_checks(context, clauses or CLAUSES, demand=Demand.MANUAL))


MANUAL: Final = [clause for clause in CLAUSES if clause.provenance == "manual"]
"""The clauses that the words of the manual demand."""

SPECIAL_RUNS: Final[Mapping[str, tuple[dict[str, str], tuple[str, ...], int]]] = {
    "1.3-balance": ({"BALANCE": "2"}, NUMBERS, 500),
    "4.2-default": ({}, tuple(str(13000000000 + index) for index in range(4001)), 5000),
}
"""Environment, allowed numbers and budget for clauses that the ordinary run cannot exercise."""
