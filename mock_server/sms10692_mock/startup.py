"""Start-up of `sms10692-mock serve`: opens the store, builds the vendor and the admin app, and writes the banner.

The options are in `serve_options`. An emulator inside another process is built in `emulator`.
"""

import ssl
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from sms10692.extras import missing_package
from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.app.curl_example import example_curl
from sms10692_mock.app.log_lines import sanitize
from sms10692_mock.app.request_metrics import RequestMetrics
from sms10692_mock.app.shell_quoting import quote_text
from sms10692_mock.certificates import InvalidCertificate, load_context
from sms10692_mock.config import Options, build_vendor, check_profiles
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT, Account
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.profile_table import ProfileTable
from sms10692_mock.domain.profiles import Profile
from sms10692_mock.domain.store import Store
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.serve_options import ServeOptions
from sms10692_mock.server.wsgi_types import Application
from sms10692_mock.stores.factory import open_store, wipe
from sms10692_mock.trust_command import find_folder

# Modules that are rarely needed, or not at once, are imported inside functions to keep the start fast.


def complete_options(options: ServeOptions) -> ServeOptions:
    """Return the options with the limits of the store, and with all accounts as the options and the state set them.

    For the same userid an account of the initial state wins. Raises InvalidOption.
    """
    if options.read_only_token is not None and options.read_only_token == options.token:
        raise InvalidOption("--read-only-token", "must differ from --token")
    profiles = dict(options.account_profile)
    accounts = {
        account.userid: replace(
            account,
            postpaid=account.userid in options.postpaid,
            can_read_queues=account.userid not in options.deny_queues,
            profile=profiles.get(account.userid),
        )
        for account in options.accounts
    }
    named = {"--postpaid": options.postpaid, "--deny-queues": options.deny_queues, "--account-profile": profiles}
    for flag, userids in named.items():
        for userid in userids:
            if userid not in accounts:
                raise InvalidOption(flag, f"no account has the userid {userid}")
    _check_profiles("--account-profile", accounts.values(), options.profiles)
    if options.initial_state is not None:
        from sms10692_mock.admin.services.initial_state import InvalidState, build_accounts, rehearse

        file, replay = options.initial_state, options.replay
        flag = "--replay" if replay is not None and file.file == replay.state_file else "--initial-state"
        added = build_accounts(file.state)
        _check_profiles(flag, added, (*options.profiles, *file.state.build_profiles()))
        try:
            rehearse(file.state, file.source, ProfileTable(options.profiles), options.build_limits())
        except InvalidState as error:
            raise InvalidOption(flag, file.describe(error)) from None
        accounts |= {account.userid: account for account in added}
    return replace(options, accounts=tuple(accounts.values()), limits=options.build_limits())


def add_replay_state(options: ServeOptions) -> ServeOptions:
    """Return the options with the start state of the recording to replay, unless another is given.

    New task numbers begin after those of the recording. Raises InvalidOption.
    """
    replay = options.replay
    if replay is None or options.initial_state is not None:
        return options
    from sms10692_mock.admin.services.initial_state import InitialState, StateFile, load_initial_state

    try:
        file = StateFile(InitialState()) if replay.state_file is None else load_initial_state(replay.state_file)
    except OSError as error:
        raise InvalidOption("--replay", f"cannot read {error.filename}: {error.strerror}") from None
    except ValueError as error:
        raise InvalidOption("--replay", str(error)) from None
    last_task_id = max(file.state.last_task_id, replay.last_task_id)
    state = file.state.model_copy(update={"last_task_id": last_task_id})
    return replace(options, initial_state=file._replace(state=state))


class InvalidOption(ValueError):
    """An option names a userid that no account has, or a profile that is not loaded."""

    def __init__(self, flag: str, message: str) -> None:
        super().__init__(message)
        self.flag = flag


def _check_profiles(flag: str, accounts: Iterable[Account], profiles: Sequence[Profile]) -> None:
    try:
        check_profiles(accounts, profiles)
    except ValueError as error:
        raise InvalidOption(flag, str(error)) from None


class TlsFiles(NamedTuple):
    """The TLS context of a server, and the certificate of the local CA that clients must trust, if there is one."""

    context: ssl.SSLContext
    ca: Path | None


def open_tls(options: ServeOptions) -> TlsFiles | None:
    """Load the certificate of the options, or let the local CA issue one. Raises InvalidOption."""
    is_self_signed = options.tls != "off"
    if options.tls_cert is None and options.tls_key is not None:
        raise InvalidOption("--tls-key", "the certificate is missing: --tls-cert FILE")
    if options.tls_cert is not None:
        if is_self_signed:
            raise InvalidOption("--tls", "either --tls-cert, or --tls self-signed")
        try:
            return TlsFiles(load_context(options.tls_cert, options.tls_key), None)
        except InvalidCertificate as error:
            raise InvalidOption("--tls-cert", str(error)) from None
    if not is_self_signed:
        return None
    try:
        from sms10692_mock.local_authority import LocalAuthority
    except ModuleNotFoundError as error:
        raise InvalidOption("--tls", missing_package(error.name, "tls")) from None
    public = [options.public_url.origin.host] if options.public_url else []
    try:
        authority = LocalAuthority(find_folder(options.tls_folder))
        return TlsFiles(
            authority.build_context([*options.host, *sorted(options.allow_host), *public]), authority.certificate_file
        )
    except InvalidCertificate as error:
        raise InvalidOption("--tls", str(error)) from None
    except OSError as error:
        raise InvalidOption("--tls-folder", f"cannot write {error.filename}: {error.strerror}") from None


class StoredOtherwise(ValueError):
    """A stored account contradicts the options: other credentials, or another way of payment. Nothing was changed."""


def open_vendor(options: ServeOptions, explicit_userids: Collection[str] = ()) -> Vendor:
    """Open the store, apply the initial state, and build the vendor.

    `explicit_userids` are those whose credentials the user gave. Raises StoredOtherwise, ValueError with a message for
    the user if the address of the store is invalid, and StoreUnavailable.
    **The store is closed before StoredOtherwise is raised; otherwise the caller closes it.**
    """
    store = open_store(options.store, options.limits, options.clock, options.durable)
    if options.reset:
        wipe(store)
    try:
        _check_stored(store, options.accounts, explicit_userids)
    except StoredOtherwise:
        store.close()
        raise
    if options.initial_state is not None:
        from sms10692_mock.admin.services.initial_state import apply_initial_state

        apply_initial_state(options.initial_state.state, build_vendor(replace(options, accounts=()), store))
    return build_vendor(options, store)


def _check_stored(store: Store, accounts: Sequence[Account], explicit_userids: Collection[str]) -> None:
    """Raise StoredOtherwise if a stored account contradicts the given one.

    The balance is not compared, because points apply to the first start only; nor are settings that tests may change,
    such as the permission to fetch reports.
    """
    for given in accounts:
        stored = store.account(given.userid)
        if stored is None:
            continue
        differing = [name for name in ("account", "password") if getattr(stored, name) != getattr(given, name)]
        changed = differing if given.userid in explicit_userids else []
        differences = [_CREDENTIALS[name] for name in changed] + ["way to pay"] * (
            given.postpaid and not stored.postpaid
        )
        if not differences:
            continue
        userid = sanitize(given.userid)
        fields = ", ".join(f'"{name}": ...' for name in changed)
        patch = f"PATCH /_mock/accounts/{userid} {{{fields}}} changes it in a running emulator, and " if changed else ""
        raise StoredOtherwise(
            f"the account {userid} is stored with another {' and another '.join(differences)}, and starting the "
            f"emulator changes no stored account: {patch}--reset deletes all stored data"
        )


_CREDENTIALS: Final[Mapping[str, str]] = {"account": "name", "password": "password"}


def banner(urls: Sequence[str], options: ServeOptions, store: Store, ca: Path | None = None) -> str:
    """Return the text printed at the start: URLs, accounts, the CA of HTTPS, and an example command that works."""
    lines = [f"listening on {url}" for url in urls]
    if ca is not None:
        lines.append(f"certificate authority {ca}; how clients trust it: sms10692-mock trust{_folder_option(options)}")
    accounts = [store.account(given.userid) or given for given in options.accounts]
    for given, account in zip(options.accounts, accounts, strict=True):
        password = "as given" if account.password == given.password else "as stored"
        if (account.account, account.password) == (DEFAULT_ACCOUNT.account, DEFAULT_ACCOUNT.password):
            password = account.password
        pays = "postpaid" if account.postpaid else f"prepaid, {store.balance(account.userid).points} points"
        identity = f"account {sanitize(account.account)}, userid {sanitize(account.userid)}"
        lines.append(f"{identity}, password {password}, {pays}")
    profile = ProfileTable(options.profiles)[accounts[0].profile]
    now = None if profile.max_clock_skew is None else options.clock()
    reachable = urls[0].replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    return "\n".join([*lines, example_curl(reachable, accounts[0], now, profile)])


def _folder_option(options: ServeOptions) -> str:
    return "" if options.tls_folder is None else f" --tls-folder {quote_text(str(options.tls_folder))}"


def build_admin_app(
    vendor: Vendor, options: Options, notifier: ChangeNotifier, metrics: RequestMetrics, policy: AccessPolicy
) -> Application:
    """Build the control API and the console. Imports Flask, which takes longer than the rest of the start."""
    from sms10692_mock.admin.app import create_admin_app
    from sms10692_mock.admin.services import ControlService

    return create_admin_app(ControlService(vendor, options, notifier, metrics), policy)
