"""Whether memory stays bounded: `python -m benchmarks.leak_test 1000000` asks so many requests in one process.

Here belongs a long day of a busy emulator: sends, fetches, refusals, unknown userids, accounts that come and go. Its
clock is turned by hand, a twentieth of a second a request, so that accounts expire as they would.
"""

import random
import sys
import time
from dataclasses import replace
from urllib.parse import urlencode

from benchmarks.rss import resident
from sms10692 import protocol, signing
from sms10692_mock.admin.app import control_of
from sms10692_mock.admin.services.accounts import NewAccount
from sms10692_mock.app.vendor_app import Pages, Request
from sms10692_mock.config import Options, vendor_of
from sms10692_mock.domain.accounts import MANUALS_OWN
from sms10692_mock.domain.notifier import Bell

_FORM = "application/x-www-form-urlencoded"
_LIVES = 600.0
_SENDS, _STATUSES, _CALLS, _BALANCES, _REFUSED, _UNKNOWN = range(6)
_WEIGHTS = (60, 9, 5, 22, 2, 2)


class Day:
    """A busy emulator. `now` is its time."""

    def __init__(self) -> None:
        self.now = time.time()
        self.options = replace(Options(), clock=lambda: self.now, unused=_LIVES)
        self.vendor = vendor_of(self.options)
        bell = Bell()
        self.control = control_of(self.vendor, self.options, bell)
        self.pages = Pages(self.vendor, self.options.dialect, bell=bell)
        self.vendor.store.charge_up(MANUALS_OWN.userid, 10**9)
        self.dice = random.Random(1)
        self.customer = (MANUALS_OWN.userid, MANUALS_OWN.account, MANUALS_OWN.password)
        self.made = 0

    def ask(self, number: int) -> None:
        """One request, as one of two customers: one that stays, and one of many that come and go."""
        if number % 200 == 0:
            document = self.control.accounts.make(NewAccount())
            self.customer = (document.userid, document.account, document.password)
            self.made += 1
        self.now += 0.05
        name = self.customer if number % 2 else (MANUALS_OWN.userid, MANUALS_OWN.account, MANUALS_OWN.password)
        (what,) = self.dice.choices(range(6), _WEIGHTS)
        stamp = str(20260101000000 + number % 60)
        userid = f"u{number}" if what == _UNKNOWN else name[0]
        sign = signing.sign(name[1], "wrong" if what == _REFUSED else name[2], stamp)
        fields = {"userid": userid, "timestamp": stamp, "sign": sign}
        operation = (protocol.SEND, protocol.STATUS, protocol.CALL, *[protocol.OVERAGE] * 3)[what]
        if what == _SENDS:
            texts = {"mobile": f"1{self.dice.randrange(10**10):010},10000000030", "content": f"验证码 {number}"}
            fields |= texts
        body = urlencode(fields | {"action": operation.action}).encode()
        page = operation.pages[0]
        self.pages.respond(page, Request("POST", b"", _FORM, body, page.path, (("content-type", _FORM),)))


def main(requests: int) -> None:
    """Ask, and print twenty times what is in memory."""
    day = Day()
    begun = time.perf_counter()
    print("| requests | MiB resident | accounts now | of | seconds |\n|---:|---:|---:|---:|---:|")
    for number in range(requests + 1):
        if number % max(requests // 20, 1) == 0:
            accounts = len(day.vendor.store.userids())
            seconds = time.perf_counter() - begun
            print(f"| {number:,} | {resident():.0f} | {accounts} | {day.made + 1} | {seconds:.0f} |", flush=True)
        day.ask(number)


if __name__ == "__main__":
    main(int(sys.argv[1]))
