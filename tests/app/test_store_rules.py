"""The rule of `domain.store`: no lock is held across a store call, in neither phase of a request.

A runner may suspend a request during each store call and run another one on the same thread. Here, every store call
runs requests of all operations before it returns: a lock held across the call would block them for ever.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast
from urllib.parse import urlencode

import pytest

from sms10692 import protocol
from sms10692_mock.app.vendor_app import VendorApp, VendorRequest
from sms10692_mock.config import Options, build_vendor
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT
from sms10692_mock.domain.delivery import DeliveryOutcome, DeliveryRule, DeliveryRules
from sms10692_mock.domain.faults import Fault
from sms10692_mock.domain.store import Store
from sms10692_mock.stores.memory.store import MemoryStore
from support.emulators import CREDENTIALS

_TIMEOUT = 10.0

REQUESTS = {
    operation: VendorRequest(
        "POST",
        b"",
        "application/x-www-form-urlencoded",
        urlencode(CREDENTIALS | {"action": operation.action, "mobile": "15023239810", "content": "x"}).encode(),
        operation.endpoints[0].path,
    )
    for operation in protocol.OPERATIONS
}


class InterruptedStore:
    """A store of which each method is interrupted once by `interrupt`, if that is set."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.interrupt: Callable[[], None] | None = None
        self.interrupted: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._store, name)

        def call(*arguments: Any, **options: Any) -> Any:
            if self.interrupt is not None and name not in self.interrupted:
                self.interrupted.add(name)
                self.interrupt()
            return attribute(*arguments, **options)

        return call if callable(attribute) else attribute


@pytest.mark.parametrize("operation", protocol.OPERATIONS, ids=lambda operation: operation.name)
def test_other_requests_run_during_each_store_call(operation: protocol.Operation) -> None:
    faults = (Fault(id="a", kind="latency", operations=("overage",)),)
    rules = DeliveryRules((DeliveryRule("", DeliveryOutcome(reply="T"), times=9),))
    store = MemoryStore()
    store.create_account(replace(DEFAULT_ACCOUNT, faults=faults, delivery_rules=rules))
    interrupted_store = InterruptedStore(store)
    app = VendorApp(build_vendor(Options(), cast(Store, interrupted_store)), Options())

    def run_others() -> None:
        for other, request in REQUESTS.items():
            assert app.respond(other.endpoints[0], request).status == 200

    interrupted_store.interrupt = run_others
    statuses: list[int] = []
    thread = threading.Thread(
        target=lambda: statuses.append(app.respond(operation.endpoints[0], REQUESTS[operation]).status), daemon=True
    )
    thread.start()
    thread.join(_TIMEOUT)
    assert statuses == [200], "a lock is held across a store call"
    expected = {"account", "record_send", "balance", "fetch_reports", "fetch_replies", "update_account", "log_request"}
    assert interrupted_store.interrupted >= expected
