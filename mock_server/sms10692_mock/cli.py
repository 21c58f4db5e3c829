"""The command `sms10692-mock`: options and environment in, a running emulator out.

Here belongs what a person types, and how it is refused. What is made of it, and what it says then, is in `starting`.
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
from sms10692_mock.domain.billing import BILLINGS
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


class _Lines(click.types.StringParamType):
    """A text that may be given several times; in the environment, once a line."""

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        return [line for line in rv.replace("\r\n", "\n").split("\n") if line.strip()]


def _accounts(context: click.Context, option: click.Parameter, texts: Sequence[str]) -> dict[str, Account]:
    accounts: dict[str, Account] = {}
    for text in texts:
        try:
            account = parse_account(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
        if account.userid in accounts:
            raise click.BadParameter(f"the userid {account.userid} is given twice")
        accounts[account.userid] = account
    return {DEFAULT_ACCOUNT.userid: DEFAULT_ACCOUNT} | accounts


def _seconds(context: click.Context, option: click.Parameter, seconds: float | None) -> float | None:
    if seconds is not None and not 0 <= seconds <= MAX_SECONDS:  # which nan is not
        raise click.BadParameter(f"a number of seconds, from 0 to {MAX_SECONDS:.0f}")
    return seconds


def _token(context: click.Context, option: click.Parameter, token: str | None) -> str | None:
    if token is not None and not (token.isascii() and token.isprintable() and token and " " not in token):
        raise click.BadParameter("a token is made of ASCII characters without spaces: others arrive in no header")
    return token


def _hosts(context: click.Context, option: click.Parameter, names: Sequence[str]) -> frozenset[str]:
    hosts = {name: normalize_host(name.strip()) for name in names}
    for name, host in hosts.items():
        if host is None:
            raise click.BadParameter(f"{name!a} is no name of a host: without scheme and port, as in sms.example")
    return frozenset(filter(None, hosts.values()))


def _public_url(context: click.Context, option: click.Parameter, url: str | None) -> Origin | None:
    origin = None if url is None else parse_origin(url.removesuffix("/"))
    if url is not None and origin is None:
        raise click.BadParameter(f"{url!a} is no address such as https://sms.example:8443, without path and user name")
    return origin


def _networks(context: click.Context, option: click.Parameter, texts: Sequence[str]) -> Sequence[Network]:
    try:
        return [parse_network(text) for text in texts]
    except ValueError as error:
        raise click.BadParameter(f"{error}: a numeric address, or a network such as 10.0.0.0/8") from None


def _keywords(context: click.Context, option: click.Parameter, file: str | None) -> Keywords:
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


def _permitted(accounts: Mapping[str, Account], postpaid: Sequence[str], no_reports: Sequence[str]) -> list[Account]:
    for option, userids in (("--postpaid", postpaid), ("--no-reports", no_reports)):
        for userid in userids:
            if userid not in accounts:
                raise click.BadParameter(f"no account has the userid {userid}", param_hint=option)
    return [
        replace(account, postpaid=userid in postpaid, may_read_reports=userid not in no_reports)
        for userid, account in accounts.items()
    ]


def _seed(context: click.Context, option: click.Parameter, file: str | None) -> "InitialState | None":
    if file is None:
        return None
    from sms10692_mock.admin.services.initial_state import load_initial_state  # of use to few, and it takes time

    try:
        return load_initial_state(Path(file))
    except OSError as error:
        raise click.BadParameter(f"cannot read {file}: {error.strerror}") from None
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
def command() -> None:
    """An emulator of the sms10692.com SMS API, for whoever has no test account."""


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
    type=_Lines(),
    multiple=True,
    callback=_accounts,
    metavar="USERID:ACCOUNT:PASSWORD[:POINTS]",
    envvar="SMS10692_MOCK_ACCOUNT",
    help="Add an account, or replace the manual's (userid 12). Repeatable.",
    show_envvar=True,
)
@click.option(
    "--postpaid",
    type=_Lines(),
    multiple=True,
    metavar="USERID",
    help="It pays afterwards. Repeatable.",
    show_envvar=True,
)
@click.option(
    "--no-reports",
    type=_Lines(),
    multiple=True,
    metavar="USERID",
    help="It may not read reports or replies. Repeatable.",
    show_envvar=True,
)
@click.option(
    "--keywords",
    metavar="FILE",
    callback=_keywords,
    help="Forbidden words, UTF-8, one a line, in place of the default ones.",
    show_envvar=True,
)
@click.option(
    "--report-delay",
    type=float,
    default=0.0,
    callback=_seconds,
    metavar="SECONDS",
    help="Time from a send to its reports.",
    show_envvar=True,
)
@click.option(
    "--billing",
    type=click.Choice(list(BILLINGS)),
    default="parts",
    help="Charge each part of a long text, or each number once.",
    show_envvar=True,
)
@click.option(
    "--max-clock-skew",
    type=float,
    callback=_seconds,
    metavar="SECONDS",
    help="Refuse a timestamp that is further off. Without it, any will do.",
    show_envvar=True,
)
@click.option(
    "--dialect",
    type=click.Choice(list(PROFILES)),
    default="manual",
    help="Write as the manual says, or as newer servers were seen to.",
    show_envvar=True,
)
@click.option(
    "--allow-host",
    "hosts",
    type=_Lines(),
    multiple=True,
    callback=_hosts,
    metavar="NAME",
    envvar="SMS10692_MOCK_ALLOW_HOST",
    help="A name by which the control address may be called, beside those of loopback. Repeatable.",
    show_envvar=True,
)
@click.option(
    "--public-url",
    callback=_public_url,
    metavar="URL",
    help="The address that clients use where a proxy is in front: its host and origin are let in, links have it.",
    show_envvar=True,
)
@click.option(
    "--trusted-proxy",
    "proxies",
    type=_Lines(),
    multiple=True,
    callback=_networks,
    metavar="ADDRESS",
    envvar="SMS10692_MOCK_TRUSTED_PROXY",
    help="A proxy, or a network of proxies, whose X-Forwarded-* and Forwarded headers are believed. Repeatable.",
    show_envvar=True,
)
@click.option(
    "--allow-cross-site",
    is_flag=True,
    help="Answer requests to the vendor's pages that browsers send for pages of other sites.",
    show_envvar=True,
)
@click.option(
    "--token",
    callback=_token,
    help="Demanded by the control address. Made and printed where others than this machine can reach it.",
    show_envvar=True,
)
@click.option(
    "--store",
    "address",
    default="memory",
    metavar="ADDRESS",
    help="Where all of it is kept: memory, sqlite:PATH, or valkey://HOST:PORT/DATABASE.",
    envvar="SMS10692_MOCK_STORE",
    show_envvar=True,
)
@click.option("--durable", is_flag=True, help="Answer only when it is on the disk.", show_envvar=True)
@click.option("--reset", is_flag=True, help="Forget first what is kept there.", show_envvar=True)
@click.option(
    "--seed",
    metavar="FILE",
    callback=_seed,
    help="A start state, TOML: accounts, outcomes, what waits. Stored accounts stay as they are.",
    show_envvar=True,
)
@click.option(
    "--expire",
    type=float,
    default=24 * 3600.0,
    callback=_seconds,
    metavar="SECONDS",
    help="Close throw-away accounts that nobody used for so long.",
    show_envvar=True,
)
@click.option(
    "--keep-accounts",
    type=click.IntRange(1),
    default=_LIMITS.accounts,
    help="Temporary accounts with empty queues; beyond, those unused longest are closed.",
    show_envvar=True,
)
@click.option(
    "--keep-messages",
    type=click.IntRange(1),
    default=_LIMITS.messages,
    help="Messages of all accounts together that can still be looked at, and as many items handed out of each queue.",
    show_envvar=True,
)
@click.option(
    "--keep-requests",
    type=click.IntRange(1),
    default=_LIMITS.requests,
    help="Requests, of all accounts together, that can still be looked at.",
    show_envvar=True,
)
@click.option(
    "--keep-mebibytes",
    type=click.IntRange(1),
    default=_LIMITS.request_bytes // _MEBIBYTE,
    help="Bytes of these requests with their answers; of what was sent; and of what was fetched of each queue.",
    show_envvar=True,
)
@click.option(
    "--log-level",
    type=click.Choice(_LEVELS),
    default="info",
    help="info: one line a request; debug: also for what the console reads.",
    show_envvar=True,
)
def serve_command(
    host: str,
    port: int,
    accounts: Mapping[str, Account],
    postpaid: Sequence[str],
    no_reports: Sequence[str],
    keywords: Keywords,
    report_delay: float,
    billing: str,
    max_clock_skew: float | None,
    dialect: str,
    hosts: frozenset[str],
    public_url: Origin | None,
    proxies: Sequence[Network],
    allow_cross_site: bool,
    token: str | None,
    address: str,
    durable: bool,
    reset: bool,
    seed: "InitialState | None",
    expire: float,
    keep_accounts: int,
    keep_messages: int,
    keep_requests: int,
    keep_mebibytes: int,
    log_level: str,
) -> None:
    """Start the emulator and answer until Ctrl-C."""
    options = Options(
        accounts=merge_accounts(seed, _permitted(accounts, postpaid, no_reports)),
        keywords=keywords,
        billing=BILLINGS[billing],
        report_delay=report_delay,
        max_clock_skew=max_clock_skew,
        dialect=PROFILES[dialect],
        limits=Limits(
            messages=keep_messages,
            message_bytes=keep_mebibytes * _MEBIBYTE,
            handed_out=keep_messages,
            handed_out_bytes=keep_mebibytes * _MEBIBYTE,
            requests=keep_requests,
            request_bytes=keep_mebibytes * _MEBIBYTE,
            accounts=keep_accounts,
        ),
        unused=expire,
    )
    try:
        listener = listening_socket(host, port)
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host} port {port}: {error.strerror}") from None
    except UnicodeError:
        raise click.ClickException(f"cannot listen on {host!a}: that is no name of a host") from None
    log = take_over_stderr(log_level)
    log_ignored_links()
    vendor = _vendor(options, address, durable, reset, seed, accounts)
    words = banner(format_url(listener), options, vendor.store)
    guard = AccessPolicy(hosts, token, public_url, proxies)
    can_others_reach_it = is_exposed(listener.getsockname()[0], guard)
    if token is None and can_others_reach_it:
        token = secrets.token_urlsafe(16)
        words = f"{words}\ntoken of the control address: {token}"
        guard = replace(guard, token=token)
    bell = ChangeNotifier()
    pages = VendorApp(
        vendor,
        options.dialect,
        log if log_level in _LEVELS_WITH_REQUESTS else None,
        bell,
        debug_log=log if log_level == "debug" else None,
        is_exposed=can_others_reach_it,
        allows_cross_site=allow_cross_site,
    )

    def when_stopped() -> None:
        log.flush()
        vendor.store.close()
        log.flush()

    try:
        serve(
            dispatcher_factory(pages, LazyWsgiApp(lambda: build_admin_app(vendor, options, bell, guard))),
            listener,
            when_ready=lambda: _greet(words, log),
            when_stopped=when_stopped,
        )
    finally:
        log.flush()  # an internal error ends the process at once


def _vendor(
    options: Options,
    address: str,
    durable: bool,
    reset: bool,
    seed: "InitialState | None",
    accounts: Mapping[str, Account],
) -> Vendor:
    named = {userid for userid, account in accounts.items() if account is not DEFAULT_ACCOUNT}
    if seed is not None:
        named.update(account.userid for account in seed.accounts)
    try:
        return open_vendor(options, address, durable, reset, seed, named)
    except StoredOtherwise as error:
        raise click.UsageError(str(error)) from None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--store") from None
    except StoreUnavailable as error:
        raise click.ClickException(str(error)) from None


def main() -> None:
    """Run the command. Whatever was wrong with it is one line on standard error, and exit code 2."""
    # Help and version go through click, which would choose another encoding, and hide that nobody reads.
    written = io.StringIO()
    try:
        try:
            with redirect_stdout(written):
                command.main(prog_name=NAME, standalone_mode=False)
        finally:
            write_output(written.getvalue())
    except click.exceptions.NoArgsIsHelpError as error:
        write_error(f"{error.format_message()}\n")
        sys.exit(2)
    except click.ClickException as error:
        write_error(f"{NAME}: {' '.join(error.format_message().split())}\n")
        sys.exit(2)
    except OutputFailed as error:
        write_error(f"{NAME}: {_unwritten(error)}\n")
        sys.exit(2)
    except click.Abort:
        sys.exit(130)


def _unwritten(error: OutputFailed) -> str:
    return f"cannot write to standard output: {error}"


def _greet(words: str, log: LogWriter) -> None:
    """Say that it serves. Where that cannot be said nothing is served; threads at work would hold the process up."""
    try:
        write_output(f"{words}\n")
    except OutputFailed as error:
        log.flush()
        write_error(f"{NAME}: {_unwritten(error)}\n")
        os._exit(2)
