"""The command `sms10692-contract run`: its options, its progress bar, and its reports."""

import os
import random
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import click

from sms10692_contract import report, terminal
from sms10692_contract.account_check import check_account_at_start
from sms10692_contract.clauses import Clause
from sms10692_contract.conclusion import INCONCLUSIVE, conclude
from sms10692_contract.control import ControlClient
from sms10692_contract.demand import Demand, choose_demand
from sms10692_contract.dry_run import print_dry_run
from sms10692_contract.effort import EFFORTS
from sms10692_contract.expected_differences import (
    apply_differences,
    find_gone,
    format_gone,
    load_differences,
    write_differences,
)
from sms10692_contract.fetched_file import FetchedFile, FetchedFileError, build_default_path
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import Address
from sms10692_contract.network_errors import TargetStopped
from sms10692_contract.options import (
    CREDENTIALS_NEEDED,
    DRY_RUN_WITH_CONTROL,
    ENDPOINTS,
    FORBIDDEN_WORD,
    HELP,
    AddressType,
    EncodableCommand,
    check_encodable,
    check_file,
    check_rate,
    check_writable,
    describe_write_error,
    parse_numbers,
)
from sms10692_contract.progress import show_progress
from sms10692_contract.rate_limit import DEFAULT_RATE
from sms10692_contract.runner import (
    State,
    Verdict,
    allow_older_endpoints,
    delete_run_accounts,
    enable_sandbox,
    run_checks,
    shares_accounts,
)
from sms10692_contract.safety import BUDGET_DEFAULT, SafetyGuard
from sms10692_contract.selection import Selection, find_reasons_not_run, parse_selection
from sms10692_contract.suite_account import SuiteAccount
from sms10692_contract.terminal import NAME
from sms10692_contract.worker_processes import choose_jobs, start_workers

_NUMBER, _TOKEN = "$NUMBER", "$TOKEN"
_VARIABLES = (_NUMBER, _TOKEN)
"""Shell variables in the command that repeats a clause: it shows neither numbers nor the token."""


@click.command(
    "run", cls=EncodableCommand, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.argument("address", type=AddressType(), required=False, envvar="SMS10692_CONTRACT_URL", metavar="URL")
@click.option("--userid", envvar="SMS10692_USERID", show_envvar=True, callback=check_encodable, help=HELP["--userid"])
@click.option(
    "--account", envvar="SMS10692_ACCOUNT", show_envvar=True, callback=check_encodable, help=HELP["--account"]
)
@click.option(
    "--password", envvar="SMS10692_PASSWORD", show_envvar=True, callback=check_encodable, help=HELP["--password"]
)
@click.option(
    "--control", type=AddressType(), envvar="SMS10692_CONTRACT_CONTROL", show_envvar=True, help=HELP["--control"]
)
@click.option(
    "--control-token",
    envvar="SMS10692_CONTRACT_TOKEN",
    show_envvar=True,
    callback=check_encodable,
    metavar="TOKEN",
    help=HELP["--control-token"],
)
@click.option("--keep-accounts", is_flag=True, help=HELP["--keep-accounts"])
@click.option("--ca", type=click.Path(exists=True, dir_okay=False, path_type=Path), help=HELP["--ca"])
@click.option("--insecure", is_flag=True, help=HELP["--insecure"])
@click.option("--allow-send", multiple=True, metavar="NUMBER", help=HELP["--allow-send"])
@click.option(
    "--budget",
    default=BUDGET_DEFAULT,
    show_default=True,
    type=click.IntRange(0),
    metavar="POINTS",
    help=HELP["--budget"],
)
@click.option("--allow-fetch", is_flag=True, help=HELP["--allow-fetch"])
@click.option(
    "--fetched",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=check_writable,
    metavar="FILE",
    help=HELP["--fetched"],
)
@click.option(
    "--rate",
    default=DEFAULT_RATE,
    show_default=True,
    type=click.FloatRange(0),
    metavar="NUMBER",
    help=HELP["--rate"],
)
@click.option(
    "--forbidden-word",
    default=FORBIDDEN_WORD,
    show_default=True,
    metavar="WORD",
    callback=check_encodable,
    help=HELP["--forbidden-word"],
)
@click.option("--effort", type=click.Choice(list(EFFORTS)), default="quick", show_default=True, help=HELP["--effort"])
@click.option("--jobs", type=click.IntRange(1), default=choose_jobs, show_default="2 or 3", help=HELP["--jobs"])
@click.option("--seed", type=int, help="Random seed, to repeat a run. Default: random, or 0 if CI is set.")
@click.option(
    "--demand",
    type=click.Choice([demand.value for demand in Demand]),
    metavar="[manual|observed|reading|all]",
    help=HELP["--demand"],
)
@click.option("--endpoints", type=click.Choice(ENDPOINTS), help=HELP["--endpoints"])
@click.option("--expect", type=click.Path(exists=True, dir_okay=False, path_type=Path), help=HELP["--expect"])
@click.option(
    "--write-expect",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=check_writable,
    metavar="FILE",
    help=HELP["--write-expect"],
)
@click.option("--dry-run", is_flag=True, help=HELP["--dry-run"])
@click.option("--only", multiple=True, metavar="CLAUSES", help=HELP["--only"])
@click.option("--skip", multiple=True, metavar="CLAUSES", help=HELP["--skip"])
@click.option("--list", "list_only", is_flag=True, help=HELP["--list"])
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), callback=check_writable, help="Write an HTML report."
)
@click.option(
    "--junit",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=check_writable,
    help="Write a JUnit XML report.",
)
def run(
    address: Address | None,
    userid: str | None,
    account: str | None,
    password: str | None,
    control: Address | None,
    control_token: str | None,
    keep_accounts: bool,
    ca: Path | None,
    insecure: bool,
    allow_send: tuple[str, ...],
    budget: int,
    allow_fetch: bool,
    fetched: Path | None,
    rate: float,
    forbidden_word: str,
    effort: str,
    jobs: int,
    seed: int | None,
    demand: str | None,
    endpoints: str | None,
    expect: Path | None,
    write_expect: Path | None,
    dry_run: bool,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    list_only: bool,
    html: Path | None,
    junit: Path | None,
) -> int:
    """Check, clause by clause, whether the server at URL behaves as the sms10692.com manual says.

    Clauses are also checked that the manual does not state: what was observed at real servers, our readings, and our
    inventions. They fail the run only if --demand includes them.

    URL is http[s]://HOST:PORT. Nothing is sent or fetched unless --allow-send, --allow-fetch or --control allows it.
    """
    try:
        numbers = parse_numbers(allow_send)
        check_rate(rate)
        selection = parse_selection(only, skip)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    guard = SafetyGuard(frozenset(numbers), budget, allow_fetch, older=endpoints == "all")
    try:
        accepted = load_differences(expect) if expect is not None else []
    except (ValueError, OSError) as error:
        raise click.BadParameter(str(error), param_hint="--expect") from error
    if list_only:
        _list_clauses(selection, guard, control is not None, endpoints)
        return 0
    if address is None:
        raise click.UsageError("the URL of the server is missing: http[s]://HOST:PORT")
    if control is None and not (userid and account and password):
        raise click.UsageError(CREDENTIALS_NEEDED)
    if html is not None and junit is not None and html.resolve() == junit.resolve():
        raise click.UsageError("--html and --junit name the same file")
    try:
        address = address.with_tls(ca, insecure)
        control = control and control.with_tls(ca, insecure)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--ca") from error
    if fetched is None and allow_fetch and control is None:
        fetched = check_file(build_default_path(date.today()))
    own = SuiteAccount(userid or "", account or "", password or "")
    control_client = ControlClient(control, control_token) if control is not None else None
    if seed is None:
        seed = 0 if os.environ.get("CI") else random.SystemRandom().randrange(2**32)
    if dry_run:
        if control is not None:
            raise click.UsageError(DRY_RUN_WITH_CONTROL)
        dry_context = CheckContext(address, own, guard, None, EFFORTS[effort], seed, forbidden_word)
        print_dry_run(dry_context, selection.get_clauses(), rate)
        return 0
    with _deleting_accounts(control_client, keep_accounts):
        own = _prepare_account(address, own, control_client, guard)
        allow_older_endpoints(endpoints, control_client, guard)
        context = CheckContext(
            address, own, guard, control_client, EFFORTS[effort], seed, forbidden_word, keep_accounts
        )
        if control_client is None:
            context.limit_requests(rate)
            if fetched is not None and allow_fetch:
                context.fetched = FetchedFile(fetched)
        refusal = check_account_at_start(context) if control_client is None else None
        demanded = choose_demand(demand, control is not None)
        verdicts, interruption = _run_clauses(context, selection.get_clauses(), demanded, refusal, jobs)
    verdicts = apply_differences(verdicts, accepted)
    repeat_command = _build_repeat_command(
        context, control, control_token is not None, numbers, allow_fetch, demand, expect
    )
    repeat = {verdict.clause.id: f"{repeat_command} --only {verdict.clause.id}" for verdict in verdicts}
    write_errors = []
    for file, write in ((html, report.write_html), (junit, report.write_junit)):
        if file is not None:
            try:
                write(verdicts, file, address, repeat)
            except OSError as error:
                write_errors.append(describe_write_error(file, error))
    if context.fetched is not None and context.fetched.count:
        terminal.write_message(f"{context.fetched.count} responses with fetched items are in {context.fetched.path}")
    if write_expect is not None:
        try:
            write_differences(verdicts, accepted, write_expect, date.today())
        except OSError as error:
            write_errors.append(describe_write_error(write_expect, error))
    try:
        for gone in find_gone(verdicts, accepted):
            terminal.write_line(format_gone(gone))
        _print_report(verdicts, address, repeat, deleted=control_client is not None and not keep_accounts)
    except OSError as error:
        write_errors.append(describe_write_error("standard output", error))
    if isinstance(interruption, TargetStopped):
        terminal.write_message(str(interruption))
        return INCONCLUSIVE
    if isinstance(interruption, FetchedFileError):
        raise click.ClickException(str(interruption))
    if isinstance(interruption, KeyboardInterrupt):
        return terminal.report_interruption(interruption)  # click prints no message for a KeyboardInterrupt
    if interruption is not None:
        raise interruption
    if write_errors:
        raise click.ClickException("; ".join(write_errors))
    code, message = conclude(verdicts, demanded)
    if message:
        terminal.write_message(message)
    return code


def _list_clauses(selection: Selection, guard: SafetyGuard, has_control: bool, endpoints: str | None) -> None:
    """Print every clause, and whether it would be checked."""
    guard.older |= has_control and endpoints is None
    reasons = find_reasons_not_run(selection, guard, has_control)
    terminal.write_line(report.format_selection(reasons, report.build_console()))


def _prepare_account(
    address: Address, own: SuiteAccount, control: ControlClient | None, guard: SafetyGuard
) -> SuiteAccount:
    """Return the account for the run, and warn if the server does not accept the one of the control API."""
    if control is None:
        return own
    own, accepted = enable_sandbox(address, control, guard)
    if not accepted and not shares_accounts(address, control):
        raise click.UsageError(
            f"{control.address.url} is not the control API of {address.url}: the server does not know the accounts"
            " created there. Nothing was sent or fetched."
        )
    if not accepted:
        terminal.write_message(
            f"the account created at {control.address.url} is not accepted: nothing is sent or fetched"
        )
    return own


@contextmanager
def _deleting_accounts(control: ControlClient | None, keep: bool) -> Iterator[None]:
    """Delete the created accounts when the block ends in any way, and report those that are left."""
    try:
        yield
    finally:
        if control is not None:
            left = delete_run_accounts(control, keep)
            if left:
                terminal.write_message(left)


def _run_clauses(
    context: CheckContext, clauses: Sequence[Clause], demand: Demand, refusal: TargetStopped | None, jobs: int
) -> tuple[list[Verdict], BaseException | None]:
    """Run the clauses and show the progress. Return all verdicts, and the exception that stopped the run.

    `refusal` is why the run cannot start. The reason of a stop is that of the first clause after it; the others refer
    to it.
    """
    verdicts: list[Verdict] = []
    try:
        if refusal is not None:
            raise refusal
        with start_workers(context, clauses, jobs) as check_runner, show_progress(len(clauses)) as progress:
            for verdict in run_checks(
                context, clauses, progress.start_clause, demand=demand, check_runner=check_runner
            ):
                verdicts.append(verdict)
                progress.end_clause()
    except (KeyboardInterrupt, Exception) as error:
        reason = f"the run was stopped: {str(error) or type(error).__name__}"
        for clause in clauses[len(verdicts) :]:
            verdicts.append(Verdict(clause, State.NOT_EXERCISED, reason))
            reason = "the run was stopped"
        return verdicts, error
    return verdicts, None


def _print_report(verdicts: Sequence[Verdict], address: Address, repeat: dict[str, str], deleted: bool) -> None:
    terminal.write_line(report.format_verdicts(verdicts, report.build_console()))
    terminal.write_line(f"\n{report.LEGEND}")
    failed = [verdict for verdict in verdicts if verdict.state is State.FAILED]
    for group in report.group_by_cause(failed):
        terminal.write_line("\n" + report.format_group(group, address, repeat))
    differing = [verdict for verdict in verdicts if verdict.state is State.DIFFERS]
    for group in report.group_by_cause(differing):
        terminal.write_line("\n" + report.format_difference(group))
    if failed and deleted:
        terminal.write_line("\nThe accounts of this run are deleted; --keep-accounts keeps them for the curl lines.")
    if failed and any("$" in repeat[verdict.clause.id] for verdict in failed):
        terminal.write_line("\nSet the shell variables of a repeat line ($NUMBER, $TOKEN) first; no report shows them.")
    terminal.write_line(f"\n{report.format_summary(verdicts)}")


def _build_repeat_command(
    context: CheckContext,
    control: Address | None,
    needs_token: bool,
    numbers: Sequence[str],
    allow_fetch: bool,
    demand: str | None,
    expect: Path | None,
) -> str:
    """Return the command that repeats the run. Numbers and the token are shell variables that the reader sets."""
    words = [NAME, "run", context.address.url, "--seed", str(context.seed), "--effort", context.effort.name]
    if control is not None:
        words += ["--control", control.url]
        words += ["--control-token", _TOKEN] if needs_token else []
    else:
        words += ["--userid", context.own.userid, "--account", context.own.account]
    words += context.address.options
    for index, _ in enumerate(numbers, 1):
        words += ["--allow-send", _NUMBER if len(numbers) == 1 else f"{_NUMBER}{index}"]
    words += ["--budget", str(context.guard.budget)] if numbers else []
    words += ["--allow-fetch"] if allow_fetch else []
    words += ["--rate", f"{context.target.rate_limit.rate:g}"] if control is None else []
    words += ["--forbidden-word", context.forbidden_word] if context.forbidden_word != FORBIDDEN_WORD else []
    words += ["--endpoints", "all"] if context.guard.older and control is None else []
    words += ["--demand", demand] if demand else []
    words += ["--expect", str(expect)] if expect is not None else []
    return " ".join(f'"{word}"' if word.startswith(_VARIABLES) else shlex.quote(word) for word in words)
