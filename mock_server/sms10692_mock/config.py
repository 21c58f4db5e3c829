"""What can be chosen when an emulator is made, and the vendor made of it.

Here belong the choices as values, with their defaults. How they are written on a command line is in `command`.
"""

from dataclasses import dataclass, field

from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT, Account
from sms10692_mock.domain.billing import Billing, segment_price
from sms10692_mock.domain.clock import Clock, system_time
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.records import Limits
from sms10692_mock.domain.store import Store
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.profiles import MANUAL, Profile
from sms10692_mock.stores.memory.store import MemoryStore


@dataclass(frozen=True)
class Options:
    """`accounts` beside or in place of the manual's own; the rest as `Vendor` and `VendorApp` take it.

    `limits` are of what a store keeps; throw-away accounts are closed when `unused` for so many seconds.
    `allow_cross_site` lets requests in that browsers send for pages of other sites.
    """

    accounts: tuple[Account, ...] = (DEFAULT_ACCOUNT,)
    keywords: Keywords = field(default_factory=Keywords)
    billing: Billing = segment_price
    report_delay: float = 0.0
    max_clock_skew: float | None = None
    dialect: Profile = MANUAL
    clock: Clock = system_time
    limits: Limits = field(default_factory=Limits)
    unused: float = 24 * 3600.0
    allow_cross_site: bool = False


def build_vendor(options: Options, store: Store | None = None) -> Vendor:
    """A vendor who keeps what happens in this store, or in memory; stored accounts stay as they are."""
    store = store or MemoryStore(options.limits, options.clock)
    for account in options.accounts:
        store.create_account(account, keep=True)
    return Vendor(
        store,
        options.clock,
        options.keywords,
        billing=options.billing,
        report_delay=options.report_delay,
        max_clock_skew=options.max_clock_skew,
    )
