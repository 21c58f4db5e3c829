"""Command line of the suite, `sms10692-contract`: options, progress, output and exit codes."""

import os
import random
import shlex
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from sms10692 import __version__
from sms10692_contract import report, terminal
from sms10692_contract.clauses import BY_ID, Clause
from sms10692_contract.control import ControlClient, ControlRefused
from sms10692_contract.harness import EFFORTS, CheckContext, SuiteAccount
from sms10692_contract.http import Address, TargetUnreachable, parse_address, send_request
from sms10692_contract.interruptions import INTERRUPTIONS, Interrupted
from sms10692_contract.requests import UTF8, form, is_encodable
from sms10692_contract.runner import (
    CREDENTIALS_NEEDED,
    State,
    Verdict,
    accounts_left,
    enable_sandbox,
    run_checks,
    select,
    shares_accounts,
)
from sms10692_contract.safety import BUDGET_DEFAULT, SafetyGuard

NAME: Final = "sms10692-contract"
FAILED, USAGE, UNREACHABLE, INTERNAL = 1, 2, 3, 70


class _AddressType(click.ParamType[Address]):
    name = "http[s]://HOST:PORT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        try:
            return parse_address(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _Command(click.Command):
    def get_help(self, ctx: click.Context) -> str:
        return terminal.encodable(super().get_help(ctx))


def _check_ids(context: click.Context, option: click.Parameter, ids: Sequence[str]) -> Sequence[str]:
    for clause_id in ids:
        if clause_id not in BY_ID:
            raise click.BadParameter(f"there is no clause {clause_id}")
    return ids


def _check_utf_8(context: click.Context, option: click.Parameter, text: str | None) -> str | None:
    if text is not None and not is_encodable(text, "utf-8"):
        raise click.BadParameter("the value is not valid UTF-8")
    return text


def _check_gbk(context: click.Context, option: click.Parameter, text: str | None) -> str | None:
    if text is not None and not is_encodable(text, "gbk"):
        raise click.BadParameter("the value cannot be encoded in GBK, the charset of /v2smsGBK.aspx")
    return text


def _check_writable(context: click.Context, option: click.Parameter, file: Path | None) -> Path | None:
    if file is not None:
        try:
            report.check_writable(file)
        except OSError as error:
            raise click.BadParameter(_cannot_write(file, error)) from error
    return file


@click.command(
    cls=_Command,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="%(version)s")
@click.argument("address", type=_AddressType(), envvar="SMS10692_CONTRACT_URL", metavar="http[s]://HOST:PORT")
@click.option(
    "--userid", envvar="SMS10692_USERID", show_envvar=True, callback=_check_gbk, help="The userid of the account."
)
@click.option("--account", envvar="SMS10692_ACCOUNT", show_envvar=True, callback=_check_utf_8, help="Its login name.")
@click.option(
    "--password",
    envvar="SMS10692_PASSWORD",
    show_envvar=True,
    callback=_check_utf_8,
    help="Its password. Prefer the environment variable: other users of this machine can read the command line.",
)
@click.option(
    "--control",
    type=_AddressType(),
    envvar="SMS10692_CONTRACT_CONTROL",
    show_envvar=True,
    help="The control API of an emulator. Allows all requests of the temporary accounts created there.",
)
@click.option(
    "--control-token",
    envvar="SMS10692_CONTRACT_TOKEN",
    show_envvar=True,
    callback=_check_utf_8,
    help="The token of the control API, which the emulator prints at start if it needs one.",
)
@click.option(
    "--keep-accounts", is_flag=True, help="Do not delete the accounts created at --control when the run ends."
)
@click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="For https: trust the CA certificates of this file.",
)
@click.option("--insecure", is_flag=True, help="For https: trust any certificate.")
@click.option("--allow-send", multiple=True, metavar="NUMBER", help="Allow sending to this number. Repeatable.")
@click.option(
    "--budget", default=BUDGET_DEFAULT, show_default=True, type=click.IntRange(0), help="Maximum points to spend."
)
@click.option("--allow-fetch", is_flag=True, help="Allow emptying the queues of the account.")
@click.option(
    "--forbidden",
    default="发票",
    show_default=True,
    metavar="WORD",
    callback=_check_gbk,
    help="A word that the vendor forbids.",
)
@click.option(
    "--profile", type=click.Choice(list(EFFORTS)), default="quick", show_default=True, help="Size of the run."
)
@click.option("--seed", type=int, help="Random seed, to repeat a run. Default: random, or 0 if CI is set.")
@click.option(
    "--only", multiple=True, callback=_check_ids, metavar="CLAUSE", help="Check this clause only. Repeatable."
)
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), callback=_check_writable, help="Write an HTML report."
)
@click.option(
    "--junit",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_check_writable,
    help="Write a JUnit XML report.",
)
def command(
    address: Address,
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
    forbidden: str,
    profile: str,
    seed: int | None,
    only: tuple[str, ...],
    html: Path | None,
    junit: Path | None,
) -> int:
    """Check whether the server at http[s]://HOST:PORT behaves as the sms10692.com manual says, clause by clause.

    Nothing is sent or fetched unless --allow-send, --allow-fetch or --control allows it.

    Exit code 0: all exercised clauses held. 1: a clause failed. 2: wrong usage, or a report cannot be written. 3: the
    server is not reachable. 70: internal error of this command. After a signal: 128 plus the number of the signal.
    """
    if control is None and not (userid and account and password):
        raise click.UsageError(CREDENTIALS_NEEDED)
    if html is not None and junit is not None and html.resolve() == junit.resolve():
        raise click.UsageError("--html and --junit name the same file")
    try:
        address = address.with_tls(ca, insecure)
        control = control and control.with_tls(ca, insecure)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--ca") from error
    guard = SafetyGuard(frozenset(allow_send), budget, allow_fetch)
    own = SuiteAccount(userid or "", account or "", password or "")
    control_client = ControlClient(control, control_token) if control is not None else None
    if seed is None:
        seed = 0 if os.environ.get("CI") else random.SystemRandom().randrange(2**32)
    with _deleting_accounts(control_client, keep_accounts):
        own = _prepare_account(address, own, control_client, guard)
        context = CheckContext(address, own, guard, control_client, EFFORTS[profile], seed, forbidden, keep_accounts)
        verdicts, interruption = _run(context, only)
    repeat_command = _repeat_command(context, control, allow_send, allow_fetch, profile)
    repeat = {verdict.clause.id: f"{repeat_command} --only {verdict.clause.id}" for verdict in verdicts}
    write_errors = []
    for file, write in ((html, report.write_html), (junit, report.write_junit)):
        if file is not None:
            try:
                write(verdicts, file, address, repeat)
            except OSError as error:
                write_errors.append(_cannot_write(file, error))
    try:
        _print_report(verdicts, address, repeat, deleted=control_client is not None and not keep_accounts)
    except OSError as error:
        write_errors.append(_cannot_write("standard output", error))
    if isinstance(interruption, KeyboardInterrupt):
        return _report_interruption(interruption)  # click prints no message for a KeyboardInterrupt
    if interruption is not None:
        raise interruption
    if write_errors:
        raise click.ClickException("; ".join(write_errors))
    return FAILED if any(verdict.state is State.FAILED for verdict in verdicts) else 0


def _prepare_account(
    address: Address, own: SuiteAccount, control: ControlClient | None, guard: SafetyGuard
) -> SuiteAccount:
    """Return the account for the run, and warn if the server does not accept it."""
    if control is None:
        response = send_request(address, form(UTF8, own.credentials() | {"action": "overage"}))
        if "用户名或密码错误".encode() in response.body:
            terminal.write_error(f"{NAME}: {address.url} refuses the account or the password")
        return own
    own, accepted = enable_sandbox(address, control, guard)
    if not accepted and not shares_accounts(address, control):
        raise click.UsageError(
            f"{control.address.url} is not the control API of {address.url}: the server does not know the accounts"
            " created there. Nothing was sent or fetched."
        )
    if not accepted:
        terminal.write_error(
            f"{NAME}: the account created at {control.address.url} is not accepted: nothing is sent or fetched"
        )
    return own


@contextmanager
def _deleting_accounts(control: ControlClient | None, keep: bool) -> Iterator[None]:
    """Delete the created accounts when the block ends in any way, and report those that are left."""
    try:
        yield
    finally:
        if control is not None:
            left = accounts_left(control, keep)
            if left:
                terminal.write_error(f"{NAME}: {left}")


def _run(context: CheckContext, only: Sequence[str]) -> tuple[list[Verdict], BaseException | None]:
    """Run the selected clauses with a progress bar. Return all verdicts, and the exception that stopped the run."""
    clauses = list(select(only))
    verdicts: list[Verdict] = []
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    try:
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("", total=len(clauses))

            def show_clause(clause: Clause) -> None:
                progress.update(task, description=clause.id)

            for verdict in run_checks(context, clauses, show_clause):
                verdicts.append(verdict)
                progress.advance(task)
    except (KeyboardInterrupt, Exception) as error:
        reason = f"the run was stopped: {str(error) or type(error).__name__}"
        verdicts += [Verdict(clause, State.NOT_EXERCISED, reason) for clause in clauses[len(verdicts) :]]
        return verdicts, error
    return verdicts, None


def _cannot_write(file: Path | str, error: OSError) -> str:
    return f"{file} cannot be written: {error.strerror or error}"


def _print_report(verdicts: Sequence[Verdict], address: Address, repeat: dict[str, str], deleted: bool) -> None:
    terminal.write_line(report.table(verdicts, Console(highlight=False, markup=False, emoji=False)))
    failed = [verdict for verdict in verdicts if verdict.state is State.FAILED]
    for verdict in failed:
        terminal.write_line("\n" + report.failure(verdict, address, repeat[verdict.clause.id]))
    if failed and deleted:
        terminal.write_line("\nThe accounts of this run are deleted; --keep-accounts keeps them for the curl lines.")
    terminal.write_line(f"\n{report.summary(verdicts)}")


def _repeat_command(
    context: CheckContext, control: Address | None, allow_send: Sequence[str], allow_fetch: bool, profile: str
) -> str:
    words = [NAME, context.address.url, "--seed", str(context.seed), "--profile", profile]
    if control is not None:
        words += ["--control", control.url]
    else:
        words += ["--userid", context.own.userid, "--account", context.own.account]
    words += context.address.options
    for number in allow_send:
        words += ["--allow-send", number]
    words += ["--budget", str(context.guard.budget)] if allow_send else []
    words += ["--allow-fetch"] if allow_fetch else []
    words += ["--forbidden", context.forbidden] if context.forbidden != "发票" else []
    return shlex.join(words)


def main() -> None:
    """Run the command. Errors are printed as one line on standard error."""
    terminal.accept_any_text()
    INTERRUPTIONS.install()
    sys.exit(_run_command())


def _report_interruption(error: BaseException | None) -> int:
    terminal.write_error(f"{NAME}: {error}" if isinstance(error, Interrupted) else f"{NAME}: interrupted")
    return error.exit_code if isinstance(error, Interrupted) else 130


def _run_command() -> int:
    """Run the click command and return the exit code."""
    try:
        code: int = command.main(prog_name=NAME, standalone_mode=False)
        terminal.flush()
    except TargetUnreachable as error:
        terminal.write_error(f"{NAME}: {error}")
        return UNREACHABLE
    except ControlRefused as error:
        terminal.write_error(f"{NAME}: {error}: check --control and --control-token")
        return USAGE
    except click.ClickException as error:
        terminal.write_error(f"{NAME}: {' '.join(error.format_message().split())}")
        return USAGE
    except click.Abort as error:
        return _report_interruption(error.__cause__)
    except KeyboardInterrupt as error:
        return _report_interruption(error)
    except OSError as error:
        terminal.write_error(f"{NAME}: {_cannot_write('standard output', error)}")
        return USAGE
    except Exception:
        for line in traceback.format_exc().splitlines():
            terminal.write_error(line)
        terminal.write_error(f"{NAME}: this is a bug of {NAME}, not a failure of the server")
        return INTERNAL
    return code
