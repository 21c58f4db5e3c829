"""Every refusal that a run of the suite causes at the emulator has a finding that names the received value."""

from collections import Counter
from collections.abc import Sequence

import pytest

from sms10692_contract.clauses import CLAUSES
from sms10692_contract.control import ControlClient
from sms10692_contract.effort import Effort
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import parse_address
from sms10692_contract.runner import enable_sandbox, run_checks
from sms10692_contract.safety import SafetyGuard
from sms10692_mock.app.dispatch import dispatcher_factory
from sms10692_mock.app.vendor_app import VendorApp
from sms10692_mock.config import build_vendor
from sms10692_mock.diagnosis import Finding
from sms10692_mock.diagnosis.service import diagnose_logged, has_findings
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.records import Limits, LoggedRequest, Query
from sms10692_mock.domain.store import Store
from sms10692_mock.server.thread_runner import ThreadRunner
from sms10692_mock.stores.memory.store import MemoryStore
from support.emulators import admin_app, build_options

BRIEF = Effort("brief", examples=4, machine_runs=15, machine_steps=15, concurrency_rounds=2, shrink_requests=0)
EXPLAINING = ("refusal", "signature", "password", "http")


def log_of_a_run() -> tuple[Store, list[LoggedRequest]]:
    """Run the whole suite against an emulator of this process. Returns its store and every logged request."""
    options = build_options()
    store = MemoryStore(limits=Limits(requests=1_000_000, request_bytes=2 * 1024**3))
    vendor, notifier = build_vendor(options, store), ChangeNotifier()
    for account in options.accounts:
        store.create_account(account)
    fallback = admin_app(vendor, options, notifier)
    with ThreadRunner(dispatcher_factory(VendorApp(vendor, options, notifier=notifier), fallback)) as runner:
        address, guard = parse_address(runner.url), SafetyGuard()
        control = ControlClient(address)
        own, _ = enable_sandbox(address, control, guard)
        for _ in run_checks(CheckContext(address, own, guard, control, BRIEF), list(CLAUSES)):
            pass
    return store, list(store.requests(None, Query(limit=1_000_000)).items)


def is_value_named(entry: LoggedRequest, findings: Sequence[Finding]) -> bool:
    """Return whether a finding names what the check of the vendor saw, where that needs no escapes and is no secret."""
    if entry.evidence is None or entry.evidence.code.startswith("credentials"):
        return True
    values = [text for value in entry.evidence.values if (text := str(value)).isascii() and text.isprintable()]
    shown = [text for text in values if len(text) <= 64]
    return any(all(text in finding.sentence for text in shown) for finding in findings)


@pytest.mark.slow("Runs the whole suite and diagnoses each refused request of the run.")
def test_every_refusal_of_a_run_of_the_suite_is_explained() -> None:
    store, entries = log_of_a_run()
    refused = [entry for entry in entries if entry.refusal or entry.rejection]
    assert len(refused) > 500
    unexplained: Counter[str] = Counter()
    for entry in refused:
        findings = [finding for finding in diagnose_logged(entry, store) if finding.kind in EXPLAINING]
        assert has_findings(entry, store)
        if not findings or not is_value_named(entry, findings):
            unexplained[f"{entry.operation} {entry.refusal or entry.rejection}"] += 1
    assert unexplained == {}
