"""Serves an emulator whose clock stands still: `python standing_still.py OPTIONS`, the options as JSON."""

import json
import sys

from emulators import beside, options
from sms10692_mock.bell import Bell
from sms10692_mock.http.pages import Pages
from sms10692_mock.http.serve import listening_socket, serve, url_of
from sms10692_mock.options import vendor_of

if __name__ == "__main__":
    chosen = options(**json.loads(sys.argv[1]))
    listener = listening_socket("127.0.0.1", 0)
    vendor, bell = vendor_of(chosen), Bell()
    serve(
        Pages(vendor, chosen.dialect, bell=bell),
        beside(vendor, chosen, bell),
        listener,
        when_ready=lambda: print(f"listening on {url_of(listener)}", flush=True),  # noqa: T201 - that is its purpose
        when_stopped=lambda: None,
    )
