"""Runs `sms10692-contract run` in this process with the default limits of a real vendor, without waiting for its turns.

The clock of the rate limit is turned; reports and replies are waited for as briefly as `vendor_programs.PACE` says.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest

from sms10692_contract.harness import CheckContext
from sms10692_contract.rate_limit import RateLimit
from sms10692_contract.run_command import run
from support.vendor_programs import NUMBERS, PACE


class LimitedRun(NamedTuple):
    """Exit code, failed clauses, and clauses without a result with their reasons."""

    code: int
    failed: dict[str, str]
    skipped: dict[str, str]


def run_limited(url: str, *options: str, numbers: Sequence[str] = NUMBERS, budget: int = 500) -> LimitedRun:
    """Run the command against a vendor of `vendor_programs`, with sends to these numbers and with fetches."""
    limit_requests = CheckContext.limit_requests
    turned = 0.0

    def turn(seconds: float) -> None:
        nonlocal turned
        turned += seconds

    def limit_without_waiting(context: CheckContext, rate: float) -> None:
        limit_requests(context, rate)
        assert context.limits is not None
        context.limits.clock = lambda: monotonic() + turned
        context.target.rate_limit = RateLimit(rate, context.limits.clock, turn)
        context.pace = PACE

    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(CheckContext, "limit_requests", limit_without_waiting)
        junit = Path(folder) / "report.xml"
        files = ["--junit", str(junit), "--fetched", str(Path(folder) / "fetched.jsonl")]
        account = ["--userid", "12", "--account", "test", "--password", "mima", "--seed", "0"]
        permissions = ["--allow-send", ",".join(numbers), "--allow-fetch", "--budget", str(budget)]
        code = run.main([url, *account, *permissions, *options, *files], standalone_mode=False)
        cases = list(ET.parse(junit).getroot().iter("testcase"))
    return LimitedRun(code, _collect(cases, "failure"), _collect(cases, "skipped"))


def _collect(cases: list[ET.Element], tag: str) -> dict[str, str]:
    """Return the messages of the cases with this result, by the id of their clause."""
    return {
        (case.get("name") or "").partition(" ")[0]: result.get("message") or ""
        for case in cases
        for result in case.iter(tag)
    }
