"""Options of the command line: those of every subcommand, and those of the two queue subcommands."""

import math
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final, Literal

import click

from sms10692.base_client import DEFAULT_TOTAL_TIMEOUT, MAX_TIMEOUT
from sms10692.cli.errors import CliError, build_cli_error
from sms10692.cli.exit_codes import USAGE
from sms10692.client import Client
from sms10692.errors import SmsError
from sms10692.requests import AuthenticationName

MIN_INTERVAL: Final = 1.0
"""Shortest interval of --follow, in seconds."""


def client_options(action: Callable[..., None]) -> Callable[..., None]:
    """Decorate a subcommand: add the common options, pass a client built from them, and translate its errors."""

    @click.option(
        "--url",
        required=True,
        envvar="SMS10692_URL",
        show_envvar=True,
        help="Address of the vendor, with or without the endpoint path.",
    )
    @click.option("--userid", required=True, envvar="SMS10692_USERID", show_envvar=True)
    @click.option("--account", required=True, envvar="SMS10692_ACCOUNT", show_envvar=True)
    @click.option(
        "--password",
        required=True,
        envvar="SMS10692_PASSWORD",
        show_envvar=True,
        help="Prefer the environment variable: other users of this machine can read your command line.",
    )
    @click.option(
        "--charset",
        type=click.Choice(["utf-8", "gbk"]),
        default="utf-8",
        show_default=True,
        help="Charset of the send endpoint.",
    )
    @click.option(
        "--authentication",
        type=click.Choice(["signed", "password"]),
        default="signed",
        show_default=True,
        envvar="SMS10692_AUTHENTICATION",
        show_envvar=True,
        help="Send a signature, or account and password in clear to the older endpoints.",
    )
    @click.option(
        "--timeout",
        type=click.FloatRange(0, MAX_TIMEOUT, min_open=True),
        default=30.0,
        show_default=True,
        callback=_validate_finite,
        help="Seconds for each step of a request.",
    )
    @click.option(
        "--total-timeout",
        type=click.FloatRange(0, MAX_TIMEOUT, min_open=True),
        default=DEFAULT_TOTAL_TIMEOUT,
        show_default=True,
        callback=_validate_finite,
        help="Seconds for a whole request.",
    )
    @click.option("--proxy", metavar="URL", help="Proxy: http, https or socks5.")
    @click.option(
        "--trust-env/--no-trust-env",
        default=True,
        show_default=True,
        help="Use the proxy and certificates of the environment. Loopback addresses never use its proxy.",
    )
    @click.option(
        "--ca",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="For https: trust the CA certificates of this file.",
    )
    @click.option(
        "--accept-empty-body",
        "accepts_empty_body",
        is_flag=True,
        help="Take an empty response of status or call, with Content-Length: 0, for an empty queue.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
    @wraps(action)
    def run_with_client(
        url: str,
        userid: str,
        account: str,
        password: str,
        charset: Literal["utf-8", "gbk"],
        authentication: AuthenticationName,
        timeout: float,
        total_timeout: float,
        proxy: str | None,
        trust_env: bool,
        ca: Path | None,
        accepts_empty_body: bool,
        **options: Any,
    ) -> None:
        try:
            client = Client(
                url,
                userid=userid,
                account=account,
                password=password,
                charset=charset,
                authentication=authentication,
                timeout=timeout,
                total_timeout=total_timeout,
                proxy=proxy,
                trust_env=trust_env,
                ca=ca,
                accepts_empty_body=accepts_empty_body,
            )
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        with client:
            try:
                action(client, **options)
            except SmsError as error:
                raise build_cli_error(error) from None
            except OSError as error:
                if error.filename is None:
                    raise
                raise CliError(f"{error.filename}: {error.strerror}", USAGE) from None

    return run_with_client


def queue_options(action: Callable[..., None]) -> Callable[..., None]:
    """Decorate a subcommand that fetches from a queue: add its options and the common ones."""
    for option in (
        click.option(
            "--follow",
            type=click.FloatRange(MIN_INTERVAL, MAX_TIMEOUT),
            callback=_validate_finite,
            metavar="SECONDS",
            help=f"Fetch repeatedly at this interval, at least {MIN_INTERVAL:g}, until Ctrl-C.",
        ),
        click.option(
            "--spool",
            "spool_dir",
            type=click.Path(path_type=Path),
            metavar="FOLDER",
            help="Write the raw responses to this directory before parsing them.",
        ),
    ):
        action = option(action)
    return client_options(action)


def _validate_finite(context: click.Context, option: click.Parameter, seconds: float | None) -> float | None:
    if seconds is not None and not math.isfinite(seconds):
        raise click.BadParameter("must be a finite number of seconds")
    return seconds
