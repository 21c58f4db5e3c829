"""Option values and help texts that the command `run` and the pytest plugin share."""

import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import click

from sms10692_contract import report, terminal
from sms10692_contract.http import Address, parse_address
from sms10692_contract.requests import is_encodable

CREDENTIALS_NEEDED: Final = "--userid, --account and --password are needed, or --control"
ENDPOINTS: Final = ("signed", "all")
"""Values of --endpoints."""

DRY_RUN_WITH_CONTROL: Final = "--dry-run is for servers without --control, where requests have a cost"
FORBIDDEN_WORD: Final = "发票"
"""Default of --forbidden-word."""

CHARSETS: Final[Mapping[str, str]] = {
    "--userid": "gbk",
    "--account": "utf-8",
    "--password": "utf-8",
    "--control-token": "utf-8",
    "--forbidden-word": "gbk",
}
"""Charset in which an option must be encodable. Userid and forbidden word are also sent to the GBK endpoint."""

_CHARSETS_OF_PROBES: Final[Mapping[str, str]] = {
    "--signature": "gbk",
    "--userid-b": "gbk",
    "--account-b": "utf-8",
    "--password-b": "utf-8",
}
"""The same for options that the pytest plugin does not have."""

HELP: Final[Mapping[str, str]] = {
    "--userid": "The userid of the account.",
    "--account": "The login name of the account.",
    "--password": (
        "The password of the account. Prefer the environment variable: other users of this machine can read the command"
        " line."
    ),
    "--control": "The control API of an emulator. Allows all requests of the temporary accounts created there.",
    "--control-token": "The token of the control API, which the emulator prints at start if it needs one.",
    "--keep-accounts": "Do not delete the accounts created at --control when the run ends.",
    "--ca": "For https: trust the CA certificates of this file.",
    "--insecure": "For https: trust any certificate.",
    "--allow-send": "Allow sending to this number, or to several, separated by commas. Repeatable.",
    "--budget": "Maximum points to spend on these sends.",
    "--allow-fetch": "Allow emptying the queues of the account.",
    "--fetched": "Append what --allow-fetch took to this file. Default: sms10692-fetched-DATE.jsonl.",
    "--rate": (
        "Without --control: requests per second, one at a time, and few of them; 0 lifts these limits, for a local"
        " server."
    ),
    "--forbidden-word": "A word that the vendor forbids.",
    "--effort": "Number of examples per clause.",
    "--jobs": "With --control: number of processes that run checks at the same time.",
    "--demand": (
        "What must hold: the manual; also what was observed at real servers; also our readings; or all. Clauses beyond"
        " it are reported and do not fail. Default: all with --control, otherwise manual."
    ),
    "--endpoints": (
        "The endpoints to check: signed, those of the manual; or all, also the older ones, which take the password in"
        " clear. Default: those that the server at --control has, otherwise signed."
    ),
    "--expect": (
        "A TOML file with accepted differences: only other ones fail, and those that have gone are named. See"
        " --write-expect."
    ),
    "--write-expect": "Write the failed clauses of this run as such a file; reasons and dates of --expect are kept.",
    "--dry-run": (
        "Print the requests of such a run at an honest vendor, and what they cost, without sending any; then stop."
    ),
    "--only": "Check these clauses only: an id, a chapter such as 1.2, or a provenance such as manual. Repeatable.",
    "--skip": "Do not check these clauses: an id, a chapter or a provenance. Repeatable.",
    "--list": "List the clauses that would be checked, and why others would not, without a request; then stop.",
}
"""Help text of each shared option."""


_SEPARATORS: Final = re.compile(r"[,，、;；\s]+")
_NUMBER: Final = re.compile(r"\+?[0-9]+")


def parse_numbers(values: Iterable[str]) -> tuple[str, ...]:
    """Return the different numbers of `--allow-send`, in their order. Raises ValueError with a message for the user.

    >>> parse_numbers(["13000000002,13000000001", "13000000002"])
    ('13000000002', '13000000001')
    """
    numbers = dict.fromkeys(number for value in values for number in _SEPARATORS.split(value) if number)
    for number in numbers:
        if not _NUMBER.fullmatch(number):
            raise ValueError(f"--allow-send: {number} is not a phone number")
    return tuple(numbers)


def check_rate(rate: float) -> float:
    """Return the rate. Raises ValueError with a message for the user if it is negative or no number."""
    if not (math.isfinite(rate) and rate >= 0):
        raise ValueError(f"--rate {rate:g}: use a number of requests per second, or 0 for no limit")
    return rate


def check_budget(budget: int) -> int:
    """Return the budget. Raises ValueError with a message for the user if it is negative."""
    if budget < 0:
        raise ValueError(f"--budget {budget}: use a number of points, 0 or more")
    return budget


class EncodableCommand(click.Command):
    """A command whose help can be printed in every encoding."""

    def get_help(self, ctx: click.Context) -> str:
        return terminal.make_encodable(super().get_help(ctx))


class AddressType(click.ParamType[Address]):
    """Click parameter type of a server address."""

    name = "URL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        try:
            return parse_address(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def check_encodable(context: click.Context, option: click.Parameter, text: str | None) -> str | None:
    """Click callback: refuse a value that cannot be encoded in the charset of its option."""
    charset = {**CHARSETS, **_CHARSETS_OF_PROBES}[option.opts[0]]
    if text is not None and not is_encodable(text, charset):
        endpoint = ", the charset of /v2smsGBK.aspx" if charset == "gbk" else ""
        raise click.BadParameter(f"the value cannot be encoded in {charset.upper()}{endpoint}")
    return text


def check_writable(context: click.Context, option: click.Parameter, file: Path | None) -> Path | None:
    """Click callback: refuse a report file that cannot be written, before any request is sent."""
    return None if file is None else check_file(file)


def check_file(file: Path) -> Path:
    """Return the file. Raises BadParameter if it cannot be written."""
    try:
        report.check_writable(file)
    except OSError as error:
        raise click.BadParameter(describe_write_error(file, error)) from error
    return file


def describe_write_error(file: Path | str, error: OSError) -> str:
    """Return the message of a file or stream that cannot be written."""
    return f"{file} cannot be written: {error.strerror or error}"
