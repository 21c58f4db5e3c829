"""The command `sms10692-contract learn`: writes a profile of what a server does."""

from datetime import date
from pathlib import Path
from typing import Any, Final

import click

from sms10692_contract import terminal
from sms10692_contract.account_check import check_account_at_start
from sms10692_contract.checks.brands import BY_KEY
from sms10692_contract.conclusion import INCONCLUSIVE
from sms10692_contract.dry_run import print_requests_to_model
from sms10692_contract.escaping import escape_unprintable
from sms10692_contract.http import Address
from sms10692_contract.learned_profile import format_toml, list_missing, render_learned
from sms10692_contract.learning import LearnedKeys, learn_keys
from sms10692_contract.options import (
    HELP,
    AddressType,
    EncodableCommand,
    check_encodable,
    check_writable,
    describe_write_error,
)
from sms10692_contract.probes import NotObserved, ProbeSession, is_accepted
from sms10692_contract.target_options import add_target_options, check_account, take_target_options

_ACCOUNT: Final = ("userid", "account", "password")


@click.command(
    "learn",
    cls=EncodableCommand,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.argument("address", type=AddressType(), metavar="URL")
@click.argument(
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=check_writable,
    metavar="FILE",
)
@click.option("--userid", envvar="SMS10692_USERID", show_envvar=True, callback=check_encodable, help=HELP["--userid"])
@click.option(
    "--account", envvar="SMS10692_ACCOUNT", show_envvar=True, callback=check_encodable, help=HELP["--account"]
)
@click.option(
    "--password", envvar="SMS10692_PASSWORD", show_envvar=True, callback=check_encodable, help=HELP["--password"]
)
@add_target_options
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@click.option("--dry-run", is_flag=True, help=HELP["--dry-run"])
def learn(address: Address, file: Path, overwrite: bool, dry_run: bool, **values: Any) -> int:
    """Write the profile of the server at URL, as far as its responses show it, to FILE.

    `sms10692-mock serve --profile FILE` then imitates that server. Each key has the exchanges that show it, masked;
    the keys that could not be observed are listed. Nothing is sent or fetched unless --allow-send or --allow-fetch
    allows it. Exit code 3: the server is not reachable, ended the run, or refuses the account.
    """
    options = take_target_options(values)
    session = options.build_session(address, check_account(values, _ACCOUNT))
    if dry_run:
        print_requests_to_model(session.context, options.rate, lambda: learn_keys(session))
        return 0
    if file.exists() and file.stat().st_size and not overwrite:
        raise click.UsageError(f"{file} exists; --overwrite replaces it")
    session.context.fetched = options.open_fetched_file(date.today())
    return write_profile(session, file, date.today())


def write_profile(session: ProbeSession, file: Path, today: date) -> int:
    """Learn the keys of a server and write them; return the exit code. Raises TargetUnreachable."""
    refusal = check_account_at_start(session.context) or _find_refusal(session)
    if refusal is not None:
        terminal.write_message(str(refusal))
        return INCONCLUSIVE
    keys = learn_keys(session)
    try:
        file.write_text(render_learned(session, keys, today), "utf-8")
    except OSError as error:
        raise click.ClickException(describe_write_error(file, error)) from error
    _print_summary(keys, file)
    report_fetched(session)
    if session.stopped is not None:
        terminal.write_message(session.mask(str(session.stopped)))
        return INCONCLUSIVE
    return 0


def _find_refusal(session: ProbeSession) -> str | None:
    """Return why nothing can be learned; None if the server accepts the account."""
    try:
        response = session.play("overage")
    except NotObserved as error:
        return str(error)
    if is_accepted(response):
        return None
    return f"the server refuses the account: {escape_unprintable(session.describe(response))}"


def report_fetched(session: ProbeSession) -> None:
    """Name the file of what was fetched."""
    fetched = session.context.fetched
    if fetched is not None and fetched.count:
        terminal.write_message(f"{fetched.count} responses with fetched items are in {fetched.path}")


def _print_summary(keys: LearnedKeys, file: Path) -> None:
    differing = [key for key, each in keys.observed.items() if each.value != BY_KEY[key].manual_value]
    for key in differing:
        value = escape_unprintable(format_toml(keys.observed[key].value))
        terminal.write_line(f"{key} = {value}  # the manual: {format_toml(BY_KEY[key].manual_value)}")
    for key, reason in list_missing(keys):
        terminal.write_line(f"not observed: {key}: {escape_unprintable(reason)}")
    terminal.write_line(
        f"\n{len(keys.observed)} keys observed, {len(differing)} of them not as in the manual; they are in {file}"
    )
