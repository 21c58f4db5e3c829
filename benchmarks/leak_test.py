"""Whether memory stays bounded: `python -m benchmarks.leak_test 1000000` asks so many requests in one process.

Here belongs a long day of a busy emulator: sends, fetches, refusals, unknown userids, accounts that come and go. Its
clock is turned by hand, a twentieth of a second a request, so that accounts expire as they would.
"""

import random
import sys
import time
from dataclasses import replace
from urllib.parse import urlencode

from benchmarks.rss import rss_bytes
from sms10692 import protocol, signing
from sms10692_mock.admin.app import build_control
from sms10692_mock.admin.services.accounts import NewAccount
from sms10692_mock.app.vendor_app import Request, VendorApp
from sms10692_mock.config import Options, build_vendor
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT
from sms10692_mock.domain.notifier import ChangeNotifier

_FORM = "application/x-www-form-urlencoded"
_LIVES = 600.0
_SENDS, _STATUSES, _CALLS, _BALANCES, _REFUSED, _UNKNOWN = range(6)
_WEIGHTS = (60, 9, 5, 22, 2, 2)


class Workload:
    """A busy emulator. `now` is its time."""

    def __init__(self) -> None:
        self.now = time.time()
        self.options = replace(Options(), clock=lambda: self.now, unused=_LIVES)
        self.vendor = build_vendor(self.options)
        bell = ChangeNotifier()
        self.control = build_control(self.vendor, self.options, bell)
        self.pages = VendorApp(self.vendor, self.options.dialect, notifier=bell)
        self.vendor.store.add_points(DEFAULT_ACCOUNT.userid, 10**9)
        self.dice = random.Random(1)
        self.customer = (DEFAULT_ACCOUNT.userid, DEFAULT_ACCOUNT.account, DEFAULT_ACCOUNT.password)
        self.made = 0

    def ask(self, number: int) -> None:
        """One request, as one of two customers: one that stays, and one of many that come and go."""
        if number % 200 == 0:
            document = self.control.accounts.create(NewAccount())
            self.customer = (document.userid, document.account, document.password)
            self.made += 1
        self.now += 0.05
        name = (
            self.customer if number % 2 else (DEFAULT_ACCOUNT.userid, DEFAULT_ACCOUNT.account, DEFAULT_ACCOUNT.password)
        )
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
        page = operation.endpoints[0]
        self.pages.handle(page, Request("POST", b"", _FORM, body, page.path, (("content-type", _FORM),)))


def main(requests: int) -> None:
    """Ask, and print twenty times what is in memory."""
    day = Workload()
    begun = time.perf_counter()
    print("| requests | MiB resident | accounts now | of | seconds |\n|---:|---:|---:|---:|---:|")
    for number in range(requests + 1):
        if number % max(requests // 20, 1) == 0:
            accounts = len(day.vendor.store.userids())
            seconds = time.perf_counter() - begun
            print(f"| {number:,} | {rss_bytes():.0f} | {accounts} | {day.made + 1} | {seconds:.0f} |", flush=True)
        day.ask(number)


if __name__ == "__main__":
    main(int(sys.argv[1]))
