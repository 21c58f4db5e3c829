"""Options of the commands that send probes to servers: accounts, permissions and limits, as those of `run`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from sms10692_contract.effort import EFFORTS
from sms10692_contract.fetched_file import FetchedFile, build_default_path
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import Address
from sms10692_contract.options import (
    ENDPOINTS,
    FORBIDDEN_WORD,
    HELP,
    check_encodable,
    check_file,
    check_rate,
    check_writable,
    parse_numbers,
)
from sms10692_contract.probes import LONGEST_SIGNATURE, SIGNATURE, ProbeSession
from sms10692_contract.rate_limit import DEFAULT_RATE
from sms10692_contract.safety import SafetyGuard
from sms10692_contract.suite_account import SuiteAccount

Command = TypeVar("Command", bound=Callable[..., Any])

NUMBER_VARIABLE: Final = "$NUMBER"
"""A shell variable in a command that repeats a run: reports show no numbers."""

BUDGET: Final = 60
"""Default of `--budget`: the probes of one server cost at most so many points with one allowed number."""


@dataclass(frozen=True)
class TargetOptions:
    """The values of the options that `add_target_options` adds, except the account."""

    ca: Path | None
    insecure: bool
    allow_send: tuple[str, ...]
    budget: int
    allow_fetch: bool
    fetched: Path | None
    rate: float
    forbidden_word: str
    endpoints: str
    signature: str

    def build_session(self, address: Address, own: SuiteAccount) -> ProbeSession:
        """Return the session of one server, with a budget and limits of its own. Raises UsageError."""
        try:
            numbers = parse_numbers(self.allow_send)
            address = address.with_tls(self.ca, self.insecure)
            check_rate(self.rate)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        guard = SafetyGuard(frozenset(numbers), self.budget, self.allow_fetch, older=self.endpoints == "all")
        context = CheckContext(address, own, guard, None, EFFORTS["quick"], forbidden_word=self.forbidden_word)
        context.limit_requests(self.rate)
        return ProbeSession(context, self.signature)

    def open_fetched_file(self, today: Any, server: str = "") -> FetchedFile | None:
        """Return the file for what is fetched from a server; None without `--allow-fetch`."""
        if not self.allow_fetch:
            return None
        return FetchedFile(self.fetched or check_file(build_default_path(today)), server)

    def build_words(self, address: Address) -> list[str]:
        """Return these options as words of a command. Numbers are shell variables that the reader sets."""
        numbers = parse_numbers(self.allow_send)
        words = list(address.with_tls(self.ca, self.insecure).options)
        for index, _ in enumerate(numbers, 1):
            words += ["--allow-send", NUMBER_VARIABLE if len(numbers) == 1 else f"{NUMBER_VARIABLE}{index}"]
        words += ["--budget", str(self.budget)] if numbers else []
        words += ["--allow-fetch"] if self.allow_fetch else []
        words += ["--fetched", str(self.fetched)] if self.fetched is not None else []
        words += ["--rate", f"{self.rate:g}"]
        words += ["--forbidden-word", self.forbidden_word] if self.forbidden_word != FORBIDDEN_WORD else []
        words += ["--endpoints", self.endpoints] if self.endpoints != ENDPOINTS[0] else []
        words += ["--signature", self.signature] if self.signature != SIGNATURE else []
        return words


def _check_signature(context: click.Context, option: click.Parameter, text: str) -> str:
    check_encodable(context, option, text)
    if not 1 <= len(text) <= LONGEST_SIGNATURE or any(character in "【】" for character in text):
        raise click.BadParameter(f"use 1 to {LONGEST_SIGNATURE} characters, without the brackets")
    return text


_OPTIONS: Final = (
    click.option("--ca", type=click.Path(exists=True, dir_okay=False, path_type=Path), help=HELP["--ca"]),
    click.option("--insecure", is_flag=True, help=HELP["--insecure"]),
    click.option("--allow-send", multiple=True, metavar="NUMBER", help=HELP["--allow-send"]),
    click.option(
        "--budget", default=BUDGET, show_default=True, type=click.IntRange(0), metavar="POINTS", help=HELP["--budget"]
    ),
    click.option("--allow-fetch", is_flag=True, help=HELP["--allow-fetch"]),
    click.option(
        "--fetched",
        type=click.Path(dir_okay=False, path_type=Path),
        callback=check_writable,
        metavar="FILE",
        help=HELP["--fetched"],
    ),
    click.option(
        "--rate",
        default=DEFAULT_RATE,
        show_default=True,
        type=click.FloatRange(0),
        metavar="NUMBER",
        help="Requests per second, one at a time, and few of them; 0 lifts these limits, for a local server.",
    ),
    click.option(
        "--forbidden-word",
        default=FORBIDDEN_WORD,
        show_default=True,
        metavar="WORD",
        callback=check_encodable,
        help=HELP["--forbidden-word"],
    ),
    click.option(
        "--endpoints",
        type=click.Choice(ENDPOINTS),
        default=ENDPOINTS[0],
        show_default=True,
        help="The endpoints to use: signed, those of the manual; or all, also the older ones, which take the password"
        " in clear.",
    ),
    click.option(
        "--signature",
        default=SIGNATURE,
        show_default=True,
        metavar="TEXT",
        callback=_check_signature,
        help="What the vendor lets stand between the brackets of a text.",
    ),
)


def add_target_options(command: Command) -> Command:
    """Add the options of `TargetOptions` to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def take_target_options(values: dict[str, Any]) -> TargetOptions:
    """Take the values of these options out of the values of a command."""
    return TargetOptions(**{name: values.pop(name) for name in TargetOptions.__dataclass_fields__})


def check_account(values: Mapping[str, str | None], names: tuple[str, str, str]) -> SuiteAccount:
    """Return the account of these three options. Raises UsageError if one is missing."""
    userid, account, password = (values[name] or "" for name in names)
    if not (userid and account and password):
        options = ", ".join(f"--{name.replace('_', '-')}" for name in names)
        raise click.UsageError(f"{options} are needed")
    return SuiteAccount(userid, account, password)
