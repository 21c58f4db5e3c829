"""The command `sms10692-mock`: parses options and environment variables, and runs the emulator.

What is built from the options, and the banner, are in `startup`.
"""

import io
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from sms10692 import __version__
from sms10692_mock.admin.auth import AccessPolicy, is_exposed
from sms10692_mock.admin.forwarding import Network, parse_network
from sms10692_mock.admin.origins import Origin, normalize_host, parse_origin
from sms10692_mock.app.dispatch import dispatcher_factory
from sms10692_mock.app.vendor_app import VendorApp
from sms10692_mock.config import Options
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT, Account, parse_account
from sms10692_mock.domain.billing import PRICE_PER
from sms10692_mock.domain.bounds import MAX_SECONDS
from sms10692_mock.domain.keywords import Keywords, load_words
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.records import Limits
from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.profiles import PROFILES
from sms10692_mock.server.access_log import LogWriter, take_over_stderr
from sms10692_mock.server.process import LazyWsgiApp, format_url, listening_socket, serve
from sms10692_mock.service_links import ServiceLinkCommand, log_ignored_links
from sms10692_mock.startup import StoredOtherwise, banner, build_admin_app, merge_accounts, open_vendor
from sms10692_mock.streams import OutputFailed, write_error, write_output

if TYPE_CHECKING:
    from sms10692_mock.admin.services.initial_state import InitialState

NAME: Final = "sms10692-mock"

_LIMITS: Final = Limits()
_MEBIBYTE: Final = 1024 * 1024

_LEVELS_WITH_REQUESTS: Final = ("debug", "info")
_LEVELS: Final = (*_LEVELS_WITH_REQUESTS, "warning", "error")


class _LineList(click.types.StringParamType):
    """A string option that can be repeated; its environment variable holds one value per line."""

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        return [line for line in rv.replace("\r\n", "\n").split("\n") if line.strip()]


def _parse_accounts(context: click.Context, option: click.Parameter, texts: Sequence[str]) -> dict[str, Account]:
    accounts: dict[str, Account] = {}
    for text in texts:
        try:
            account = parse_account(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
        if account.userid in accounts:
            raise click.BadParameter(f"the userid {account.userid} occurs twice; give each userid once")
        accounts[account.userid] = account
    return {DEFAULT_ACCOUNT.userid: DEFAULT_ACCOUNT} | accounts


def _check_seconds(context: click.Context, option: click.Parameter, seconds: float | None) -> float | None:
    if seconds is not None and not 0 <= seconds <= MAX_SECONDS:  # also rejects NaN
        raise click.BadParameter(f"expected a number of seconds from 0 to {MAX_SECONDS:.0f}")
    return seconds


def _check_token(context: click.Context, option: click.Parameter, token: str | None) -> str | None:
    if token is not None and not (token.isascii() and token.isprintable() and token and " " not in token):
        raise click.BadParameter("expected printable ASCII characters without spaces, as an HTTP header carries them")
    return token


def _parse_hosts(context: click.Context, option: click.Parameter, names: Sequence[str]) -> frozenset[str]:
    hosts = {name: normalize_host(name.strip()) for name in names}
    for name, host in hosts.items():
        if host is None:
            raise click.BadParameter(
                f"{name!a} is not a host name; expected a name without scheme and port: sms.example"
            )
    return frozenset(filter(None, hosts.values()))


def _parse_public_url(context: click.Context, option: click.Parameter, url: str | None) -> Origin | None:
    origin = None if url is None else parse_origin(url.removesuffix("/"))
    if url is not None and origin is None:
        raise click.BadParameter(f"{url!a} is not a base URL: https://sms.example:8443, without path and user name")
    return origin


def _parse_networks(context: click.Context, option: click.Parameter, texts: Sequence[str]) -> Sequence[Network]:
    try:
        return [parse_network(text) for text in texts]
    except ValueError as error:
        raise click.BadParameter(f"{error}; expected an IP address, or a network such as 10.0.0.0/8") from None


def _load_keywords(context: click.Context, option: click.Parameter, file: str | None) -> Keywords:
    if file is None:
        return Keywords()
    try:
        return Keywords(load_words(Path(file)))
    except OSError as error:
        raise click.BadParameter(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise click.BadParameter(f"{file} is not UTF-8 (byte {error.start})") from None
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _apply_flags(accounts: Mapping[str, Account], postpaid: Sequence[str], deny_queues: Sequence[str]) -> list[Account]:
    for option, userids in (("--postpaid", postpaid), ("--deny-queues", deny_queues)):
        for userid in userids:
            if userid not in accounts:
                raise click.BadParameter(f"no account has the userid {userid}", param_hint=option)
    return [
        replace(account, postpaid=userid in postpaid, can_read_queues=userid not in deny_queues)
        for userid, account in accounts.items()
    ]


def _load_initial_state(context: click.Context, option: click.Parameter, file: str | None) -> "InitialState | None":
    if file is None:
        return None
    from sms10692_mock.admin.services.initial_state import load_initial_state  # slow to import and rarely needed

    try:
        return load_initial_state(Path(file))
    except OSError as error:
        raise click.BadParameter(f"cannot read {file}: {error.strerror}") from None
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
def command() -> None:
    """An emulator of the sms10692.com SMS API, for development without a test account."""


@command.command(
    "serve",
    cls=ServiceLinkCommand,
    context_settings={"auto_envvar_prefix": "SMS10692_MOCK", "show_default": True, "max_content_width": 100},
)
@click.option("--host", default="127.0.0.1", help="Address to listen on.", show_envvar=True)
@click.option(
    "--port", default=10692, type=click.IntRange(0, 65535), help="Port; 0 takes a free one.", show_envvar=True
)
@click.option(
    "--account",
    "accounts",
    type=_LineList(),
    multiple=True,
    callback=_parse_accounts,
    metavar="USERID:ACCOUNT:PASSWORD[:POINTS]",
    envvar="SMS10692_MOCK_ACCOUNT",
    help="Add an account, or replace the manual's (userid 12). Repeatable.",
    show_envvar=True,
)
@click.option(
    "--postpaid",
    type=_LineList(),
    multiple=True,
    metavar="USERID",
    help="Make this account postpaid. Repeatable.",
    show_envvar=True,
)
@click.option(
    "--deny-queues",
    type=_LineList(),
    multiple=True,
    metavar="USERID",
    help="Do not let this account fetch reports or replies. Repeatable.",
    show_envvar=True,
)
@click.option(
    "--keywords",
    metavar="FILE",
    callback=_load_keywords,
    help="Forbidden words that replace the default list: a UTF-8 file, one word per line.",
    show_envvar=True,
)
@click.option(
    "--report-delay",
    type=float,
    default=0.0,
    callback=_check_seconds,
    metavar="SECONDS",
    help="Delay between a send and its reports.",
    show_envvar=True,
)
@click.option(
    "--price-per",
    type=click.Choice(list(PRICE_PER)),
    default="segment",
    help="Price per recipient: one point per SMS segment of the text, or one point per recipient.",
    show_envvar=True,
)
@click.option(
    "--max-clock-skew",
    type=float,
    callback=_check_seconds,
    metavar="SECONDS",
    help="Refuse timestamps that differ more from the clock. By default any timestamp is accepted.",
    show_envvar=True,
)
@click.option(
    "--profile",
    type=click.Choice(list(PROFILES)),
    default="manual",
    help="Response format: as in the manual, or as observed on newer servers.",
    show_envvar=True,
)
@click.option(
    "--allow-host",
    "hosts",
    type=_LineList(),
    multiple=True,
    callback=_parse_hosts,
    metavar="NAME",
    envvar="SMS10692_MOCK_ALLOW_HOST",
    help="Accept this host name in requests to the control API, besides loopback names. Repeatable.",
    show_envvar=True,
)
@click.option(
    "--public-url",
    callback=_parse_public_url,
    metavar="URL",
    help="Base URL that clients use behind a proxy. Its host and origin are accepted; links use it.",
    show_envvar=True,
)
@click.option(
    "--trusted-proxy",
    "proxies",
    type=_LineList(),
    multiple=True,
    callback=_parse_networks,
    metavar="ADDRESS",
    envvar="SMS10692_MOCK_TRUSTED_PROXY",
    help="Trust the X-Forwarded-* and Forwarded headers of this proxy or network. Repeatable.",
    show_envvar=True,
)
@click.option(
    "--allow-cross-site",
    is_flag=True,
    help="Accept requests to the vendor's endpoints that browsers send from pages of other sites.",
    show_envvar=True,
)
@click.option(
    "--token",
    callback=_check_token,
    help="Token of the control API. By default random, and printed, if other machines can reach the emulator.",
    show_envvar=True,
)
@click.option(
    "--store",
    "address",
    default="memory",
    metavar="ADDRESS",
    help="Where data is stored: memory, sqlite:PATH, or valkey://HOST:PORT/DATABASE.",
    envvar="SMS10692_MOCK_STORE",
    show_envvar=True,
)
@click.option("--durable", is_flag=True, help="Send a response only after its data is on disk.", show_envvar=True)
@click.option("--reset", is_flag=True, help="Delete the stored data first.", show_envvar=True)
@click.option(
    "--initial-state",
    metavar="FILE",
    callback=_load_initial_state,
    help="Initial state, a TOML file: accounts, outcomes, queued items. Stored accounts stay unchanged.",
    show_envvar=True,
)
@click.option(
    "--account-ttl",
    type=float,
    default=24 * 3600.0,
    callback=_check_seconds,
    metavar="SECONDS",
    help="Delete temporary accounts after this time without a request.",
    show_envvar=True,
)
@click.option(
    "--max-accounts",
    type=click.IntRange(1),
    default=_LIMITS.accounts,
    help="Maximum number of temporary accounts with empty queues; the least recently used are deleted.",
    show_envvar=True,
)
@click.option(
    "--max-messages",
    type=click.IntRange(1),
    default=_LIMITS.messages,
    help="Sent messages to keep for inspection, and fetched items per queue, over all accounts.",
    show_envvar=True,
)
@click.option(
    "--max-requests",
    type=click.IntRange(1),
    default=_LIMITS.requests,
    help="Logged requests to keep for inspection, over all accounts.",
    show_envvar=True,
)
@click.option(
    "--max-history-mib",
    type=click.IntRange(1),
    default=_LIMITS.request_bytes // _MEBIBYTE,
    help="MiB to keep of logged requests, of sent messages, and of fetched items per queue.",
    show_envvar=True,
)
@click.option(
    "--log-level",
    type=click.Choice(_LEVELS),
    default="info",
    help="info: one line per request; debug: requests of the console too.",
    show_envvar=True,
)
def serve_command(
    host: str,
    port: int,
    accounts: Mapping[str, Account],
    postpaid: Sequence[str],
    deny_queues: Sequence[str],
    keywords: Keywords,
    report_delay: float,
    price_per: str,
    max_clock_skew: float | None,
    profile: str,
    hosts: frozenset[str],
    public_url: Origin | None,
    proxies: Sequence[Network],
    allow_cross_site: bool,
    token: str | None,
    address: str,
    durable: bool,
    reset: bool,
    initial_state: "InitialState | None",
    account_ttl: float,
    max_accounts: int,
    max_messages: int,
    max_requests: int,
    max_history_mib: int,
    log_level: str,
) -> None:
    """Start the emulator and serve requests until Ctrl-C."""
    options = Options(
        accounts=merge_accounts(initial_state, _apply_flags(accounts, postpaid, deny_queues)),
        keywords=keywords,
        pricing=PRICE_PER[price_per],
        report_delay=report_delay,
        max_clock_skew=max_clock_skew,
        profile=PROFILES[profile],
        limits=Limits(
            messages=max_messages,
            message_bytes=max_history_mib * _MEBIBYTE,
            fetched=max_messages,
            fetched_bytes=max_history_mib * _MEBIBYTE,
            requests=max_requests,
            request_bytes=max_history_mib * _MEBIBYTE,
            accounts=max_accounts,
        ),
        account_ttl=account_ttl,
    )
    try:
        listener = listening_socket(host, port)
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host} port {port}: {error.strerror}") from None
    except UnicodeError:
        raise click.ClickException(f"cannot listen on {host!a}: not a host name") from None
    log = take_over_stderr(log_level)
    log_ignored_links()
    vendor = _open_vendor(options, address, durable, reset, initial_state, accounts)
    words = banner(format_url(listener), options, vendor.store)
    access_policy = AccessPolicy(hosts, token, public_url, proxies)
    exposed = is_exposed(listener.getsockname()[0], access_policy)
    if token is None and exposed:
        token = secrets.token_urlsafe(16)
        words = f"{words}\ntoken of the control API: {token}"
        access_policy = replace(access_policy, token=token)
    bell = ChangeNotifier()
    pages = VendorApp(
        vendor,
        options.profile,
        log if log_level in _LEVELS_WITH_REQUESTS else None,
        bell,
        debug_log=log if log_level == "debug" else None,
        is_exposed=exposed,
        allows_cross_site=allow_cross_site,
    )

    def when_stopped() -> None:
        log.flush()
        vendor.store.close()
        log.flush()

    try:
        serve(
            dispatcher_factory(pages, LazyWsgiApp(lambda: build_admin_app(vendor, options, bell, access_policy))),
            listener,
            when_ready=lambda: _print_banner(words, log),
            when_stopped=when_stopped,
        )
    finally:
        log.flush()  # an internal error ends the process without another flush


def _open_vendor(
    options: Options,
    address: str,
    durable: bool,
    reset: bool,
    initial_state: "InitialState | None",
    accounts: Mapping[str, Account],
) -> Vendor:
    explicit_userids = {userid for userid, account in accounts.items() if account is not DEFAULT_ACCOUNT}
    if initial_state is not None:
        explicit_userids.update(account.userid for account in initial_state.accounts)
    try:
        return open_vendor(options, address, durable, reset, initial_state, explicit_userids)
    except StoredOtherwise as error:
        raise click.UsageError(str(error)) from None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--store") from None
    except StoreUnavailable as error:
        raise click.ClickException(str(error)) from None


def main() -> None:
    """Run the command. A usage error is one line on standard error and exit code 2."""
    # Capture click's output of --help and --version: click would choose another encoding and hide a broken pipe.
    captured = io.StringIO()
    try:
        try:
            with redirect_stdout(captured):
                command.main(prog_name=NAME, standalone_mode=False)
        finally:
            write_output(captured.getvalue())
    except click.exceptions.NoArgsIsHelpError as error:
        write_error(f"{error.format_message()}\n")
        sys.exit(2)
    except click.ClickException as error:
        write_error(f"{NAME}: {' '.join(error.format_message().split())}\n")
        sys.exit(2)
    except OutputFailed as error:
        write_error(f"{NAME}: {_output_error(error)}\n")
        sys.exit(2)
    except click.Abort:
        sys.exit(130)


def _output_error(error: OutputFailed) -> str:
    return f"cannot write to standard output: {error}"


def _print_banner(words: str, log: LogWriter) -> None:
    """Print the banner. If standard output fails, end the process at once: running threads would keep it alive."""
    try:
        write_output(f"{words}\n")
    except OutputFailed as error:
        log.flush()
        write_error(f"{NAME}: {_output_error(error)}\n")
        os._exit(2)
