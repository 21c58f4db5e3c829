"""Leak test: `python -m benchmarks.leak_test 1000000` handles that many requests in one process and prints its memory.

The workload mixes sends, fetches, refusals, unknown userids and temporary accounts. A simulated clock advances by 50 ms
per request, so that accounts expire as they would in real time.
"""

import random
import sys
import time
from dataclasses import replace
from urllib.parse import urlencode

from benchmarks.rss import rss_mib
from sms10692 import protocol, signing
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.accounts import NewAccount
from sms10692_mock.app.vendor_app import VendorApp, VendorRequest
from sms10692_mock.config import Options, build_vendor
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT
from sms10692_mock.domain.notifier import ChangeNotifier

_FORM = "application/x-www-form-urlencoded"
_ACCOUNT_TTL = 600.0
_SENDS, _STATUSES, _CALLS, _BALANCES, _REFUSED, _UNKNOWN = range(6)
_WEIGHTS = (60, 9, 5, 22, 2, 2)


class Workload:
    """A busy emulator with a simulated clock, `now`."""

    def __init__(self) -> None:
        self.now = time.time()
        self.options = replace(Options(), clock=lambda: self.now, account_ttl=_ACCOUNT_TTL)
        self.vendor = build_vendor(self.options)
        notifier = ChangeNotifier()
        self.control = ControlService(self.vendor, self.options, notifier)
        self.vendor_app = VendorApp(self.vendor, self.options, notifier=notifier)
        self.vendor.store.add_points(DEFAULT_ACCOUNT.userid, 10**9)
        self.random = random.Random(1)
        self.temporary = (DEFAULT_ACCOUNT.userid, DEFAULT_ACCOUNT.account, DEFAULT_ACCOUNT.password)
        self.created = 0

    def run_request(self, number: int) -> None:
        """Handle one request, alternating between the permanent account and the current temporary one."""
        if number % 200 == 0:
            document = self.control.accounts.create(NewAccount())
            self.temporary = (document.userid, document.account, document.password)
            self.created += 1
        self.now += 0.05
        credentials = (
            self.temporary
            if number % 2
            else (DEFAULT_ACCOUNT.userid, DEFAULT_ACCOUNT.account, DEFAULT_ACCOUNT.password)
        )
        (kind,) = self.random.choices(range(6), _WEIGHTS)
        timestamp = str(20260101000000 + number % 60)
        userid = f"u{number}" if kind == _UNKNOWN else credentials[0]
        sign = signing.sign(credentials[1], "wrong" if kind == _REFUSED else credentials[2], timestamp)
        fields = {"userid": userid, "timestamp": timestamp, "sign": sign}
        operation = (protocol.SEND, protocol.STATUS, protocol.CALL, *[protocol.OVERAGE] * 3)[kind]
        if kind == _SENDS:
            content = {"mobile": f"1{self.random.randrange(10**10):010},10000000030", "content": f"验证码 {number}"}
            fields |= content
        body = urlencode(fields | {"action": operation.action}).encode()
        endpoint = operation.endpoints[0]
        self.vendor_app.respond(
            endpoint, VendorRequest("POST", b"", _FORM, body, endpoint.path, (("content-type", _FORM),))
        )


def main(requests: int) -> None:
    """Run the requests, and print the memory twenty times."""
    workload = Workload()
    started = time.perf_counter()
    print("| requests | RSS MiB | accounts | of | seconds |\n|---:|---:|---:|---:|---:|")
    for number in range(requests + 1):
        if number % max(requests // 20, 1) == 0:
            accounts = len(workload.vendor.store.userids())
            seconds = time.perf_counter() - started
            print(f"| {number:,} | {rss_mib():.0f} | {accounts} | {workload.created + 1} | {seconds:.0f} |", flush=True)
        workload.run_request(number)


if __name__ == "__main__":
    main(int(sys.argv[1]))
