"""An emulator on a store, for being killed: `python -m crash.killable_emulator ADDRESS [durable]`.

Here belongs the little for which the command has no option: nothing is dropped, so that all can be counted.
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

_ALL = 10**9
KEPT = Limits(messages=_ALL, message_bytes=_ALL, handed_out=_ALL, handed_out_bytes=_ALL)


def opened(address: str, durable: bool = False) -> Store:
    """The store, with an account that can pay for everything."""
    store = open_store(address, KEPT, time.time, durable)
    store.create_account(replace(DEFAULT_ACCOUNT, points=10**12), keep=True)
    return store


def nothing() -> LazyWsgiApp:
    """What is served beside the vendor's pages."""
    raise NotImplementedError("nobody asks for it")


if __name__ == "__main__":
    listener = listening_socket("127.0.0.1", 0)
    serve(
        dispatcher_factory(
            VendorApp(Vendor(opened(sys.argv[1], "durable" in sys.argv[2:]), time.time, Keywords()), MANUAL),
            LazyWsgiApp(nothing),
        ),
        listener,
        when_ready=lambda: print(f"listening on {format_url(listener)}", flush=True),
        when_stopped=lambda: None,
    )
