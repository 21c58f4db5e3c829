"""Options of an emulator with their defaults, and the vendor built from them.

The command-line syntax is in `cli`.
"""

from dataclasses import dataclass, field

from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT, Account
from sms10692_mock.domain.billing import Pricing, segment_price
from sms10692_mock.domain.clock import Clock, system_time
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.records import Limits
from sms10692_mock.domain.store import Store
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.profiles import MANUAL, Profile
from sms10692_mock.stores.memory.store import MemoryStore


@dataclass(frozen=True)
class Options:
    """Options of an emulator. `accounts` are created at the start unless they are stored already.

    `keywords`, `pricing`, `report_delay`, `max_clock_skew` and `clock` are the arguments of `Vendor`, `profile` and
    `allow_cross_site` those of `VendorApp`. `limits` bounds the history that the store keeps. Temporary accounts are
    deleted after `unused` seconds without a request. `allow_cross_site` accepts requests that browsers send from pages
    of other origins.
    """

    accounts: tuple[Account, ...] = (DEFAULT_ACCOUNT,)
    keywords: Keywords = field(default_factory=Keywords)
    pricing: Pricing = segment_price
    report_delay: float = 0.0
    max_clock_skew: float | None = None
    profile: Profile = MANUAL
    clock: Clock = system_time
    limits: Limits = field(default_factory=Limits)
    account_ttl: float = 24 * 3600.0
    allow_cross_site: bool = False


def build_vendor(options: Options, store: Store | None = None) -> Vendor:
    """Build a vendor on this store, or on a new in-memory store. Accounts that are stored already stay unchanged."""
    store = store or MemoryStore(options.limits, options.clock)
    for account in options.accounts:
        store.create_account(account, keep=True)
    return Vendor(
        store,
        options.clock,
        options.keywords,
        pricing=options.pricing,
        report_delay=options.report_delay,
        max_clock_skew=options.max_clock_skew,
    )
