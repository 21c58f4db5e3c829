"""The command `sms10692-contract compare`: lists the differences of two servers by clause."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import click

from sms10692_contract import report, terminal
from sms10692_contract.account_check import check_account_at_start
from sms10692_contract.comparison import Comparison, play_all
from sms10692_contract.conclusion import INCONCLUSIVE, conclude
from sms10692_contract.demand import Demand
from sms10692_contract.dry_run import print_requests_to_model
from sms10692_contract.expected_differences import (
    apply_differences,
    find_gone,
    format_gone,
    load_differences,
    write_differences,
)
from sms10692_contract.http import Address
from sms10692_contract.learn_command import report_fetched
from sms10692_contract.options import (
    HELP,
    AddressType,
    EncodableCommand,
    check_encodable,
    check_writable,
    describe_write_error,
)
from sms10692_contract.probes import ProbeSession
from sms10692_contract.runner import State, Verdict
from sms10692_contract.target_options import NUMBER_VARIABLE, add_target_options, check_account, take_target_options
from sms10692_contract.terminal import NAME

_FIRST: Final = ("userid", "account", "password")
_SECOND: Final = ("userid_b", "account_b", "password_b")
_FILE: Final = click.Path(dir_okay=False, path_type=Path)


@click.command(
    "compare",
    cls=EncodableCommand,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.argument("first", type=AddressType(), metavar="A")
@click.argument("second", type=AddressType(), metavar="B")
@click.option("--userid", envvar="SMS10692_USERID", show_envvar=True, callback=check_encodable, help=HELP["--userid"])
@click.option(
    "--account", envvar="SMS10692_ACCOUNT", show_envvar=True, callback=check_encodable, help=HELP["--account"]
)
@click.option(
    "--password", envvar="SMS10692_PASSWORD", show_envvar=True, callback=check_encodable, help=HELP["--password"]
)
@click.option(
    "--userid-b",
    envvar="SMS10692_USERID_B",
    show_envvar=True,
    callback=check_encodable,
    help="The same at B, if other.",
)
@click.option(
    "--account-b", envvar="SMS10692_ACCOUNT_B", show_envvar=True, callback=check_encodable, help="The same at B."
)
@click.option(
    "--password-b", envvar="SMS10692_PASSWORD_B", show_envvar=True, callback=check_encodable, help="The same at B."
)
@add_target_options
@click.option("--expect", type=click.Path(exists=True, dir_okay=False, path_type=Path), help=HELP["--expect"])
@click.option("--write-expect", type=_FILE, callback=check_writable, metavar="FILE", help=HELP["--write-expect"])
@click.option("--dry-run", is_flag=True, help=HELP["--dry-run"])
@click.option("--html", type=_FILE, callback=check_writable, help="Write an HTML report.")
@click.option("--junit", type=_FILE, callback=check_writable, help="Write a JUnit XML report.")
@click.option("--json", "json_file", type=_FILE, callback=check_writable, help="Write a JSON report.")
def compare(
    first: Address,
    second: Address,
    expect: Path | None,
    write_expect: Path | None,
    dry_run: bool,
    html: Path | None,
    junit: Path | None,
    json_file: Path | None,
    **values: Any,
) -> int:
    """Send the same requests to the servers A and B, and list by clause where their responses differ.

    An emulator and a vendor: what the emulator does not imitate. The vendor of yesterday and of today, recorded as a
    profile: what changed. Values that differ from run to run are replaced before. A failed clause is one in which B
    differs from A. Nothing is sent or fetched unless --allow-send or --allow-fetch allows it; the budget and the rate
    are those of each server. Exit codes are those of `run`.
    """
    options = take_target_options(values)
    try:
        accepted = load_differences(expect) if expect is not None else []
    except (ValueError, OSError) as error:
        raise click.BadParameter(str(error), param_hint="--expect") from error
    files = [file.resolve() for file in (html, junit, json_file) if file is not None]
    if len(files) > len({*files}):
        raise click.UsageError("two reports name the same file")
    values |= {name: values[name] or values[own] for name, own in zip(_SECOND, _FIRST, strict=True)}
    sessions = [
        options.build_session(address, check_account(values, names))
        for address, names in ((first, _FIRST), (second, _SECOND))
    ]
    if dry_run:
        terminal.write_line("Each of the two servers receives:")
        print_requests_to_model(sessions[0].context, options.rate, lambda: play_all(sessions[0]))
        return 0
    for label, session in zip("AB", sessions, strict=True):
        server = f"{label}: {session.context.address.url}"
        session.context.fetched = options.open_fetched_file(date.today(), server)
    verdicts = run_comparison(*sessions)
    if verdicts is None:
        return INCONCLUSIVE
    verdicts = apply_differences(verdicts, accepted)
    words = [NAME, "compare", first.url, second.url, *_build_account_words(values), *options.build_words(first)]
    words += ["--expect", str(expect)] if expect is not None else []
    line = " ".join(f'"{word}"' if word.startswith(NUMBER_VARIABLE) else shlex.quote(word) for word in words)
    repeat = dict.fromkeys((verdict.clause.id for verdict in verdicts), line)
    title = f"A: {first.url}, B: {second.url}"
    errors = _write_reports(verdicts, second, repeat, title, html, junit, json_file)
    if write_expect is not None:
        try:
            write_differences(verdicts, accepted, write_expect, date.today())
        except OSError as error:
            errors.append(describe_write_error(write_expect, error))
    for gone in find_gone(verdicts, accepted):
        terminal.write_line(format_gone(gone))
    _print_report(verdicts, second, repeat, title)
    for session in sessions:
        report_fetched(session)
        if session.stopped is not None:
            terminal.write_message(session.mask(str(session.stopped)))
    if '"$' in line and any(verdict.state is State.FAILED for verdict in verdicts):
        terminal.write_line("\nSet the shell variables of a repeat line ($NUMBER) first; no report shows them.")
    if errors:
        raise click.ClickException("; ".join(errors))
    code, message = conclude(verdicts, Demand.ALL)
    if message:
        terminal.write_message(message)
    return code if not any(session.stopped for session in sessions) else INCONCLUSIVE


def _build_account_words(values: Mapping[str, str]) -> list[str]:
    """Return the options of both accounts, without the passwords: they stay in the environment."""
    names = [
        *_FIRST[:2],
        *(name for name, own in zip(_SECOND[:2], _FIRST, strict=False) if values[name] != values[own]),
    ]
    return [word for name in names for word in (f"--{name.replace('_', '-')}", values[name])]


def run_comparison(first: ProbeSession, second: ProbeSession) -> list[Verdict] | None:
    """Compare two servers; None, after a message, if one does not accept its account. Raises TargetUnreachable."""
    for session in (first, second):
        refusal = check_account_at_start(session.context)
        if refusal is not None:
            terminal.write_message(f"{session.context.address.url}: {refusal}")
            return None
    return Comparison(first, second).compare()


def _write_reports(
    verdicts: Sequence[Verdict],
    address: Address,
    repeat: dict[str, str],
    title: str,
    html: Path | None,
    junit: Path | None,
    json_file: Path | None,
) -> list[str]:
    """Write the reports that are asked for; return the messages of those that cannot be written."""
    writers: list[tuple[Path | None, Callable[[Path], None]]] = [
        (html, lambda file: report.write_html(verdicts, file, address, repeat, title)),
        (junit, lambda file: report.write_junit(verdicts, file, address, repeat)),
        (json_file, lambda file: report.write_json(verdicts, file, address, title)),
    ]
    errors = []
    for file, write in writers:
        if file is not None:
            try:
                write(file)
            except OSError as error:
                errors.append(describe_write_error(file, error))
    return errors


def _print_report(verdicts: Sequence[Verdict], address: Address, repeat: dict[str, str], title: str) -> None:
    terminal.write_line(report.format_verdicts(verdicts, report.build_console()))
    failed = [verdict for verdict in verdicts if verdict.state is State.FAILED]
    for group in report.group_by_cause(failed):
        terminal.write_line("\n" + report.format_group(group, address, repeat))
    terminal.write_line(f"\n{title}: {report.format_summary(verdicts)}")
