"""The command `sms10692-contract`: an address in, a verdict on every clause out.

Here belongs what a person types and reads: options, progress, exit codes.
"""

import os
import random
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from sms10692 import __version__
from sms10692_contract import report
from sms10692_contract.clauses import BY_ID, Clause
from sms10692_contract.control import Control, ControlRefused
from sms10692_contract.gate import BUDGET_DEFAULT, Gate
from sms10692_contract.lab import PROFILES, Account, Lab
from sms10692_contract.requests import UTF8, form
from sms10692_contract.run import CREDENTIALS_NEEDED, State, Verdict, chosen, examine, knows, open_gate
from sms10692_contract.target import Address, NoAnswer, address_of, exchange

NAME: Final = "sms10692-contract"
FAILED, USAGE, UNREACHABLE = 1, 2, 3


class _AddressType(click.ParamType[Address]):
    name = "http[s]://HOST:PORT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        try:
            return address_of(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _known(context: click.Context, option: click.Parameter, ids: Sequence[str]) -> Sequence[str]:
    for one in ids:
        if one not in BY_ID:
            raise click.BadParameter(f"no clause is called {one}")
    return ids


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(version)s")
@click.argument("address", type=_AddressType(), envvar="SMS10692_CONTRACT_URL", metavar="http[s]://HOST:PORT")
@click.option("--userid", envvar="SMS10692_USERID", show_envvar=True)
@click.option("--account", envvar="SMS10692_ACCOUNT", show_envvar=True)
@click.option(
    "--password",
    envvar="SMS10692_PASSWORD",
    show_envvar=True,
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
    help="What the control address prints where it is not on this machine.",
)
@click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Of an https address, trust the certificates that those of this file signed.",
)
@click.option("--insecure", is_flag=True, help="Of an https address, trust any certificate.")
@click.option("--allow-send", multiple=True, metavar="NUMBER", help="This number may be sent to. Repeatable.")
@click.option("--budget", default=BUDGET_DEFAULT, show_default=True, type=click.IntRange(0), help="Points at most.")
@click.option("--allow-fetch", is_flag=True, help="The account's queues may be emptied.")
@click.option("--forbidden", default="发票", show_default=True, metavar="WORD", help="A word that the vendor forbids.")
@click.option("--profile", type=click.Choice(list(PROFILES)), default="quick", show_default=True)
@click.option("--seed", type=int, help="Where the search begins: repeats a run. Always 0 where CI is set.")
@click.option("--only", multiple=True, callback=_known, metavar="CLAUSE", help="This clause only. Repeatable.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write the report for people.")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write the report for CI.")
def command(
    address: Address,
    userid: str | None,
    account: str | None,
    password: str | None,
    control: Address | None,
    control_token: str | None,
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
) -> None:
    """Examine what answers at http[s]://HOST:PORT, clause by clause of the sms10692.com manual.

    Nothing is sent and nothing fetched unless --allow-send, --allow-fetch or --control says so.

    Exit code 0: all that was exercised held. 1: a clause failed. 2: usage. 3: not reachable.
    """
    if control is None and not (userid and account and password):
        raise click.UsageError(CREDENTIALS_NEEDED)
    try:
        address = address.trusting(ca, insecure)
        control = control and control.trusting(ca, insecure)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--ca") from error
    console = Console(stderr=True, highlight=False)
    gate = Gate(frozenset(allow_send), budget, allow_fetch)
    own = Account(userid or "", account or "", password or "")
    turns = Control(control, control_token) if control is not None else None
    if turns is not None:
        own, accepted = open_gate(address, turns, gate)
        if not accepted and not knows(address, turns):
            raise click.UsageError(
                f"{turns.address.url} is not the control address of {address.url}, which does not know the accounts"
                " made there. Nothing was sent or fetched."
            )
        if not accepted:
            click.echo(
                f"{NAME}: the account made at {turns.address.url} is not accepted: nothing is sent or fetched", err=True
            )
    else:
        answer = exchange(address, form(UTF8, own.credentials() | {"action": "overage"}))
        if "用户名或密码错误".encode() in answer.body:
            click.echo(f"{NAME}: {address.url} says that the account or the password is wrong", err=True)
    if seed is None:
        seed = 0 if os.environ.get("CI") else random.SystemRandom().randrange(2**32)
    lab = Lab(address, own, gate, turns, PROFILES[profile], seed, forbidden)
    verdicts = _examined(lab, only, console)
    again = _repeat(lab, control, allow_send, allow_fetch, profile)
    repeat = {verdict.clause.id: f"{again} --only {verdict.clause.id}" for verdict in verdicts}
    report.print_table(verdicts, Console(highlight=False, markup=False))
    for verdict in verdicts:
        if verdict.state is State.FAILED:
            click.echo("\n" + report.failure(verdict, address, repeat[verdict.clause.id]))
    click.echo(f"\n{report.summary(verdicts)}")
    if html is not None:
        report.write_html(verdicts, html, address, repeat)
    if junit is not None:
        report.write_junit(verdicts, junit, address, repeat)
    if any(verdict.state is State.FAILED for verdict in verdicts):
        raise click.exceptions.Exit(FAILED)


def _examined(lab: Lab, only: Sequence[str], console: Console) -> list[Verdict]:
    clauses = list(chosen(only))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=len(clauses))

        def show(clause: Clause) -> None:
            progress.update(task, description=clause.id)

        verdicts = []
        for verdict in examine(lab, clauses, show):
            verdicts.append(verdict)
            progress.advance(task)
    return verdicts


def _repeat(lab: Lab, control: Address | None, allow_send: Sequence[str], allow_fetch: bool, profile: str) -> str:
    words = [NAME, lab.address.url, "--seed", str(lab.seed), "--profile", profile]
    if control is not None:
        words += ["--control", control.url]
    else:
        words += ["--userid", lab.own.userid, "--account", lab.own.account]
    words += lab.address.options
    for number in allow_send:
        words += ["--allow-send", number]
    words += ["--budget", str(lab.gate.budget)] if allow_send else []
    words += ["--allow-fetch"] if allow_fetch else []
    words += ["--forbidden", lab.forbidden] if lab.forbidden != "发票" else []
    return shlex.join(words)


def main() -> None:
    """Run the command. Whatever was wrong with it is one line on standard error."""
    try:
        code = command.main(prog_name=NAME, standalone_mode=False)
    except NoAnswer as error:
        click.echo(f"{NAME}: {error}", err=True)
        sys.exit(UNREACHABLE)
    except ControlRefused as error:
        click.echo(f"{NAME}: {error}: are --control and --control-token right?", err=True)
        sys.exit(USAGE)
    except click.ClickException as error:
        click.echo(f"{NAME}: {' '.join(error.format_message().split())}", err=True)
        sys.exit(USAGE)
    except click.Abort:
        sys.exit(130)
    sys.exit(code)
