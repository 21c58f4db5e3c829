"""Emulator process for the crash test: `python -m crash.killable_emulator STORE_URL [durable]`.

Unlike `sms10692-mock serve`, this emulator has no history limits, so that nothing is evicted before it is counted.
"""

import sys
import time
from dataclasses import replace

from sms10692_mock.app.dispatch import dispatcher_factory
from sms10692_mock.app.vendor_app import VendorApp
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.records import Limits
from sms10692_mock.domain.store import Store
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.profiles import MANUAL
from sms10692_mock.server.process import LazyWsgiApp, format_url, listening_socket, serve
from sms10692_mock.stores.factory import open_store

_UNLIMITED = 10**9
NO_LIMITS = Limits(messages=_UNLIMITED, message_bytes=_UNLIMITED, fetched=_UNLIMITED, fetched_bytes=_UNLIMITED)


def open_crash_store(address: str, durable: bool = False) -> Store:
    """Open the store without history limits, with a default account that never runs out of points."""
    store = open_store(address, NO_LIMITS, time.time, durable)
    store.create_account(replace(DEFAULT_ACCOUNT, points=10**12), keep=True)
    return store


def no_admin_app() -> LazyWsgiApp:
    """Factory of the fallback application, which the crash test never requests."""
    raise NotImplementedError("the crash test requests the vendor's endpoints only")


if __name__ == "__main__":
    listener = listening_socket("127.0.0.1", 0)
    serve(
        dispatcher_factory(
            VendorApp(Vendor(open_crash_store(sys.argv[1], "durable" in sys.argv[2:]), time.time, Keywords()), MANUAL),
            LazyWsgiApp(no_admin_app),
        ),
        listener,
        when_ready=lambda: print(f"listening on {format_url(listener)}", flush=True),
        when_stopped=lambda: None,
    )
