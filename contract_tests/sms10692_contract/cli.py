"""The command `sms10692-contract`: an address in, a verdict on every clause out.

Here belongs what a person types and reads: options, progress, exit codes.
"""

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


def _known(context: click.Context, option: click.Parameter, ids: Sequence[str]) -> Sequence[str]:
    for one in ids:
        if one not in BY_ID:
            raise click.BadParameter(f"no clause is called {one}")
    return ids


def _text(context: click.Context, option: click.Parameter, text: str | None) -> str | None:
    if text is not None and not is_encodable(text, "utf-8"):
        raise click.BadParameter("it is no text in UTF-8")
    return text


def _text_in_gbk(context: click.Context, option: click.Parameter, text: str | None) -> str | None:
    if text is not None and not is_encodable(text, "gbk"):
        raise click.BadParameter("it cannot be written in GBK, the charset of one of the pages")
    return text


def _writable(context: click.Context, option: click.Parameter, file: Path | None) -> Path | None:
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
@click.option("--userid", envvar="SMS10692_USERID", show_envvar=True, callback=_text_in_gbk)
@click.option("--account", envvar="SMS10692_ACCOUNT", show_envvar=True, callback=_text)
@click.option(
    "--password",
    envvar="SMS10692_PASSWORD",
    show_envvar=True,
    callback=_text,
    help="Better in the environment: others on this machine can read your command line.",
)
@click.option(
    "--control",
    type=_AddressType(),
    envvar="SMS10692_CONTRACT_CONTROL",
    show_envvar=True,
    help="An emulator's control address. Allows everything, to accounts made there, once one was accepted.",
)
@click.option(
    "--control-token",
    envvar="SMS10692_CONTRACT_TOKEN",
    show_envvar=True,
    callback=_text,
    help="What the control address prints where it is not on this machine.",
)
@click.option("--keep-accounts", is_flag=True, help="Do not delete the accounts made at --control when the run ends.")
@click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Of an https address, trust the certificates that those of this file signed.",
)
@click.option("--insecure", is_flag=True, help="Of an https address, trust any certificate.")
@click.option("--allow-send", multiple=True, metavar="NUMBER", help="This number may be sent to. Repeatable.")
@click.option("--budget", default=BUDGET_DEFAULT, show_default=True, type=click.IntRange(0), help="Points at most.")
@click.option("--allow-fetch", is_flag=True, help="The account's queues may be emptied.")
@click.option(
    "--forbidden",
    default="发票",
    show_default=True,
    metavar="WORD",
    callback=_text_in_gbk,
    help="A word that the vendor forbids.",
)
@click.option("--profile", type=click.Choice(list(EFFORTS)), default="quick", show_default=True)
@click.option("--seed", type=int, help="Where the search begins: repeats a run. Always 0 where CI is set.")
@click.option("--only", multiple=True, callback=_known, metavar="CLAUSE", help="This clause only. Repeatable.")
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), callback=_writable, help="Write the report for people."
)
@click.option(
    "--junit", type=click.Path(dir_okay=False, path_type=Path), callback=_writable, help="Write the report for CI."
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
    """Examine what answers at http[s]://HOST:PORT, clause by clause of the sms10692.com manual.

    Nothing is sent and nothing fetched unless --allow-send, --allow-fetch or --control says so.

    Exit code 0: all that was exercised held. 1: a clause failed. 2: usage, or the report cannot be written. 3: not
    reachable. 70: an error of this command itself. Interrupted: 128 and the number of the signal.
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
    gate = SafetyGuard(frozenset(allow_send), budget, allow_fetch)
    own = SuiteAccount(userid or "", account or "", password or "")
    turns = ControlClient(control, control_token) if control is not None else None
    if seed is None:
        seed = 0 if os.environ.get("CI") else random.SystemRandom().randrange(2**32)
    with _deleting_accounts(turns, keep_accounts):
        own = _accepted(address, own, turns, gate)
        lab = CheckContext(address, own, gate, turns, EFFORTS[profile], seed, forbidden, keep_accounts)
        verdicts, stopped = _examined(lab, only)
    again = _repeat(lab, control, allow_send, allow_fetch, profile)
    repeat = {verdict.clause.id: f"{again} --only {verdict.clause.id}" for verdict in verdicts}
    unwritten = []
    for file, write in ((html, report.write_html), (junit, report.write_junit)):
        if file is not None:
            try:
                write(verdicts, file, address, repeat)
            except OSError as error:
                unwritten.append(_cannot_write(file, error))
    try:
        _print_report(verdicts, address, repeat, deleted=turns is not None and not keep_accounts)
    except OSError as error:
        unwritten.append(_cannot_write("standard output", error))
    if isinstance(stopped, KeyboardInterrupt):
        return _interrupted(stopped)  # click would say nothing of a KeyboardInterrupt
    if stopped is not None:
        raise stopped
    if unwritten:
        raise click.ClickException("; ".join(unwritten))
    return FAILED if any(verdict.state is State.FAILED for verdict in verdicts) else 0


def _accepted(address: Address, own: SuiteAccount, turns: ControlClient | None, gate: SafetyGuard) -> SuiteAccount:
    """Return the account that is examined, and say where it is not accepted."""
    if turns is None:
        answer = send_request(address, form(UTF8, own.credentials() | {"action": "overage"}))
        if "用户名或密码错误".encode() in answer.body:
            terminal.write_error(f"{NAME}: {address.url} says that the account or the password is wrong")
        return own
    own, accepted = enable_sandbox(address, turns, gate)
    if not accepted and not shares_accounts(address, turns):
        raise click.UsageError(
            f"{turns.address.url} is not the control address of {address.url}, which does not know the accounts"
            " made there. Nothing was sent or fetched."
        )
    if not accepted:
        terminal.write_error(
            f"{NAME}: the account made at {turns.address.url} is not accepted: nothing is sent or fetched"
        )
    return own


@contextmanager
def _deleting_accounts(turns: ControlClient | None, keep: bool) -> Iterator[None]:
    """Delete the accounts that were made inside, however it ends; say which are left."""
    try:
        yield
    finally:
        if turns is not None:
            left = accounts_left(turns, keep)
            if left:
                terminal.write_error(f"{NAME}: {left}")


def _examined(lab: CheckContext, only: Sequence[str]) -> tuple[list[Verdict], BaseException | None]:
    """Return a verdict on every chosen clause, and what stopped the run before the last one."""
    clauses = list(select(only))
    verdicts: list[Verdict] = []
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    try:
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("", total=len(clauses))

            def show(clause: Clause) -> None:
                progress.update(task, description=clause.id)

            for verdict in run_checks(lab, clauses, show):
                verdicts.append(verdict)
                progress.advance(task)
    except (KeyboardInterrupt, Exception) as error:
        why = f"the run was stopped: {str(error) or type(error).__name__}"
        verdicts += [Verdict(clause, State.NOT_EXERCISED, why) for clause in clauses[len(verdicts) :]]
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


def _repeat(
    lab: CheckContext, control: Address | None, allow_send: Sequence[str], allow_fetch: bool, profile: str
) -> str:
    words = [NAME, lab.address.url, "--seed", str(lab.seed), "--profile", profile]
    if control is not None:
        words += ["--control", control.url]
    else:
        words += ["--userid", lab.own.userid, "--account", lab.own.account]
    words += lab.address.options
    for number in allow_send:
        words += ["--allow-send", number]
    words += ["--budget", str(lab.guard.budget)] if allow_send else []
    words += ["--allow-fetch"] if allow_fetch else []
    words += ["--forbidden", lab.forbidden] if lab.forbidden != "发票" else []
    return shlex.join(words)


def main() -> None:
    """Run the command. Whatever was wrong with it is one line on standard error."""
    terminal.accept_any_text()
    INTERRUPTIONS.install()
    sys.exit(_exit_code())


def _interrupted(error: BaseException | None) -> int:
    terminal.write_error(f"{NAME}: {error}" if isinstance(error, Interrupted) else f"{NAME}: interrupted")
    return error.exit_code if isinstance(error, Interrupted) else 130


def _exit_code() -> int:
    try:
        code: int = command.main(prog_name=NAME, standalone_mode=False)
        terminal.flush()
    except TargetUnreachable as error:
        terminal.write_error(f"{NAME}: {error}")
        return UNREACHABLE
    except ControlRefused as error:
        terminal.write_error(f"{NAME}: {error}: are --control and --control-token right?")
        return USAGE
    except click.ClickException as error:
        terminal.write_error(f"{NAME}: {' '.join(error.format_message().split())}")
        return USAGE
    except click.Abort as error:
        return _interrupted(error.__cause__)
    except KeyboardInterrupt as error:
        return _interrupted(error)
    except OSError as error:
        terminal.write_error(f"{NAME}: {_cannot_write('standard output', error)}")
        return USAGE
    except Exception:
        for line in traceback.format_exc().splitlines():
            terminal.write_error(line)
        terminal.write_error(f"{NAME}: this is a defect of {NAME} itself, and says nothing of the vendor")
        return INTERNAL
    return code
