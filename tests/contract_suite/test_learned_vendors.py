"""Profiles learned from vendors that others wrote from the manual alone: an emulator with one imitates its vendor.

`compare` finds no difference in any key of a profile. What no key says remains: layout, refusals, some choices.
"""

import os
from datetime import date
from pathlib import Path

import pytest

from sms10692_contract.checks.brands import BY_KEY
from sms10692_contract.comparison import Comparison
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import parse_address
from sms10692_contract.learned_profile import render_learned
from sms10692_contract.learning import learn_keys
from sms10692_contract.pace import Pace
from sms10692_contract.probes import ProbeSession
from sms10692_contract.runner import State
from sms10692_contract.safety import SafetyGuard
from sms10692_mock.profile_file import read_profile
from support.mutant_vendor import Defect, mutant_server
from support.vendor_programs import CHANGING_VENDORS, NUMBERS, OWN, VENDORS, VendorProgram, vendor_program

pytestmark = pytest.mark.slow("Starts vendors that take some seconds to report.")

REQUIRE = "SMS10692_REQUIRE_INTERPRETERS" in os.environ
PACE = Pace(poll=0.2, report=30.0, reply=1.0, schedule=3.0)

TRIED = [*VENDORS, *CHANGING_VENDORS] if "SMS10692_ALL_BREAKS" in os.environ else ["node", "harbour", "meadow"]

_TEXTS = {
    f"texts.{cause}"
    for cause in ("forbidden-word", "extno-not-digits", "extno-too-long", "send-time-format", "send-time-no-date")
}
LEARNED: dict[str, set[str]] = {
    "python": {"texts.forbidden-word"},
    "node": {"cdata", "texts.forbidden-word"},
    "php": {"texts.forbidden-word"},
    "java": {"billing", "texts.forbidden-word"},
    "perl": {"line_end", "texts.forbidden-word"},
    "harbour": {"line_end", "texts.action", *_TEXTS},
    "meadow": {"line_end", "send_time_formats", *_TEXTS},
}
"""Keys in which each vendor differs from the manual's profile."""

_LAYOUT = {"A1-lines", "A3", "L-lines", "R17-type", "R15-overage"}
"""Lines of documents, and JSON, which these vendors do not have."""

REMAINING: dict[str, set[str]] = {
    "python": _LAYOUT | {"A1-declaration", "A10", "A4", "L-zeros", "R10-statusNum"},
    "node": _LAYOUT | {"A4", "A6-taskID", "A8", "R10-statusNum", "R17-values"},
    "php": _LAYOUT | {"A6-taskID", "A1-declaration", "A10", "A4", "A8", "L-zeros", "R10-statusNum", "R17-values"},
    "java": _LAYOUT | {"A1-declaration", "A4"},
    "perl": _LAYOUT
    | {"A6-taskID", "A1-declaration", "A10", "A4", "A7", "L-zeros", "R10-statusNum", "R17-values"}
    | {"1.2-action", "1.2-extno-invalid", "R9-other", "R9-sendTime"},  # its messages repeat what was sent
    "harbour": _LAYOUT | {"A1-declaration", "A10", "A4", "A6-taskID"},
    "meadow": _LAYOUT | {"A1-declaration", "A10"},
}
"""Clauses in which each vendor differs from the emulator with its profile."""


def start_session(url: str) -> ProbeSession:
    guard = SafetyGuard(frozenset(NUMBERS), 200, may_fetch=True)
    return ProbeSession(CheckContext(parse_address(url), OWN, guard, pace=PACE))


@pytest.mark.parametrize("name", TRIED)
def test_an_emulator_with_the_learned_profile_differs_from_the_vendor_in_no_key(name: str) -> None:
    vendor: VendorProgram = {**VENDORS, **CHANGING_VENDORS}[name]
    if not vendor.is_installed and not REQUIRE:
        pytest.skip(f"{vendor.interpreter} for the vendor {vendor.name} is not installed")
    with vendor_program(vendor) as url:
        session = start_session(url)
        keys = learn_keys(session)
        text = render_learned(session, keys, date(2030, 1, 1))
        assert {key for key, each in keys.observed.items() if each.value != BY_KEY[key].manual_value} == LEARNED[
            vendor.name
        ]
        with mutant_server(Defect(served_profile=read_profile(text, Path("learned.toml")))) as emulator:
            verdicts = Comparison(start_session(emulator.url), start_session(url)).compare()
    failed = {verdict.clause.id for verdict in verdicts if verdict.state is State.FAILED}
    assert failed == REMAINING[vendor.name]
    assert not {clause for clause in failed if clause.startswith("D-")}
