"""What is put together when an emulator starts by itself, and what it says then.

Here belongs the way from options to a vendor, what is served beside its pages, and the greeting. What a person types
is in `command`; an emulator of somebody's process is put together in `emulator`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.app.curl_example import example_curl
from sms10692_mock.app.log_lines import sanitize
from sms10692_mock.config import Options, build_vendor
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT, Account
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.store import Store
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.server.wsgi_types import Application
from sms10692_mock.stores.factory import open_store, wipe

if TYPE_CHECKING:
    from sms10692_mock.admin.services.initial_state import InitialState

# What few need, or nobody at once, is imported where it is needed: nobody waits for it at the start.


def merge_accounts(seed: "InitialState | None", accounts: Sequence[Account]) -> tuple[Account, ...]:
    """The accounts of the seed, and the others: what the seed says of a userid comes first."""
    if seed is None:
        return tuple(accounts)
    from sms10692_mock.admin.services.initial_state import accounts_of

    seeded = {account.userid: account for account in accounts_of(seed)}
    others = {account.userid: account for account in accounts}
    return tuple((others | seeded).values())


class StoredOtherwise(ValueError):
    """An account that was given is stored with other credentials, or pays otherwise; nothing was changed."""


def open_vendor(
    options: Options, address: str, durable: bool, reset: bool, seed: "InitialState | None", named: Collection[str] = ()
) -> Vendor:
    """The vendor whose store is at this address, emptied if it is to begin anew, and planted with the seed.

    `named` are the userids whose name and password were given by the user. Raises StoredOtherwise, ValueError, in
    words, where that is no address of a store, or StoreUnavailable.
    """
    store = open_store(address, options.limits, options.clock, durable)
    if reset:
        wipe(store)
    try:
        _check_stored(store, options.accounts, named)
    except StoredOtherwise:
        store.close()
        raise
    if seed is not None:
        from sms10692_mock.admin.services.initial_state import plant

        plant(seed, build_vendor(replace(options, accounts=()), store))
    return build_vendor(options, store)


def _check_stored(store: Store, accounts: Sequence[Account], named: Collection[str]) -> None:
    """Raise StoredOtherwise where what is stored contradicts what was given.

    The balance is no contradiction: points are those of the first start. Nor is what tests may turn, as whether the
    queues may be read.
    """
    for given in accounts:
        stored = store.account(given.userid)
        if stored is None:
            continue
        others = [name for name in ("account", "password") if getattr(stored, name) != getattr(given, name)]
        changed = others if given.userid in named else []
        words = [_CREDENTIALS[name] for name in changed] + ["way to pay"] * (given.postpaid and not stored.postpaid)
        if not words:
            continue
        userid = sanitize(given.userid)
        fields = ", ".join(f'"{name}": ...' for name in changed)
        patch = f"PATCH /_mock/accounts/{userid} {{{fields}}} changes it in a running emulator, and " if changed else ""
        raise StoredOtherwise(
            f"the account {userid} is stored with another {' and another '.join(words)}, and a start changes no stored "
            f"account: {patch}--reset forgets all that is stored"
        )


_CREDENTIALS: Final[Mapping[str, str]] = {"account": "name", "password": "password"}


def banner(url: str, options: Options, store: Store) -> str:
    """What a person needs to go on: the address, the accounts, and a line to paste that gets a real answer."""
    lines = [f"listening on {url}"]
    accounts = [store.account(given.userid) or given for given in options.accounts]
    for given, account in zip(options.accounts, accounts, strict=True):
        password = "as given" if account.password == given.password else "as stored"
        if (account.account, account.password) == (DEFAULT_ACCOUNT.account, DEFAULT_ACCOUNT.password):
            password = account.password
        pays = "post-paid" if account.postpaid else f"prepaid, {store.balance(account.userid).points} points"
        names = f"account {sanitize(account.account)}, userid {sanitize(account.userid)}"
        lines.append(f"{names}, password {password}, {pays}")
    now = None if options.max_clock_skew is None else options.clock()
    reachable = url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    return "\n".join([*lines, example_curl(reachable, accounts[0], now)])


def build_admin_app(vendor: Vendor, options: Options, bell: ChangeNotifier, guard: AccessPolicy) -> Application:
    """What is served beside the vendor's pages. Loads Flask, which takes longer than all the rest of the start."""
    from sms10692_mock.admin.app import build_control, create_admin_app

    return create_admin_app(build_control(vendor, options, bell), guard)
