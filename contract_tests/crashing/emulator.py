"""An emulator on a store, for being killed: `python -m crashing.emulator ADDRESS [durable]`.

Here belongs the little for which the command has no option: nothing is dropped, so that all can be counted.
"""

import sys
import time
from dataclasses import replace

from sms10692_mock.accounts import MANUALS_OWN
from sms10692_mock.dialects import MANUAL
from sms10692_mock.http.pages import Pages
from sms10692_mock.http.serve import Deferred, listening_socket, serve, url_of
from sms10692_mock.keywords import Keywords
from sms10692_mock.stores.opening import open_store
from sms10692_mock.stores.protocol import Store
from sms10692_mock.stores.records import Limits
from sms10692_mock.vendor import Vendor

_ALL = 10**9
KEPT = Limits(messages=_ALL, message_bytes=_ALL, handed_out=_ALL, handed_out_bytes=_ALL)


def opened(address: str, durable: bool = False) -> Store:
    """The store, with an account that can pay for everything."""
    store = open_store(address, KEPT, time.time, durable)
    store.open(replace(MANUALS_OWN, points=10**12), keep=True)
    return store


def nothing() -> Deferred:
    """What is served beside the vendor's pages."""
    raise NotImplementedError("nobody asks for it")


if __name__ == "__main__":
    listener = listening_socket("127.0.0.1", 0)
    serve(
        Pages(Vendor(opened(sys.argv[1], "durable" in sys.argv[2:]), time.time, Keywords()), MANUAL),
        Deferred(nothing),
        listener,
        when_ready=lambda: print(f"listening on {url_of(listener)}", flush=True),
        when_stopped=lambda: None,
    )
