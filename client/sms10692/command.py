"""The command `sms10692`: the five actions for people and for scripts.

Here belong options, exit codes and tables. What the vendor is asked, and how its answer is read, is `Client`'s affair;
a long list that is sent in batches is `batches`'.
"""

import codecs
import json
import math
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from enum import Enum
from functools import wraps
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import Any, Final, Literal, NoReturn

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from sms10692 import __version__
from sms10692.batches import Ledger, Mark, send_in_batches
from sms10692.client import Client
from sms10692.errors import Refused, SmsError, UnencodableText, Unreachable, Unreadable
from sms10692.segmentation import segments
from sms10692.signing import CHINA
from sms10692.values import Batch, Reply, Report

NAME: Final = "sms10692"
REFUSED, USAGE, NO_ANSWER, INTERRUPTED = 1, 2, 3, 130

Row = dict[str, Any]


class _Exit(Exception):
    """The command is over: what to say on standard error, and the exit code."""

    def __init__(self, said: str, code: int) -> None:
        super().__init__(said)
        self.code = code


def _failed(error: SmsError) -> _Exit:
    match error:
        case Refused():
            return _Exit(f"refused: {error} ({error.reason.value})", REFUSED)
        case UnencodableText():
            return _Exit(str(error), USAGE)
        case _:
            return _Exit(str(error), NO_ANSWER)


def _show(as_json: bool, rows: Sequence[Row]) -> None:
    """Print rows: a table for people, or one JSON object a line."""
    if as_json:
        for row in rows:
            click.echo(_json(row))
    elif rows:
        table = Table()
        for name in rows[0]:
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(*map(_for_people, row.values()))
        Console(highlight=False, markup=False, emoji=False).print(table)


def _json(row: Row) -> str:
    """One line, which is ASCII where standard output may not carry more."""
    in_full = codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    return json.dumps(row, ensure_ascii=not in_full, default=_for_programs)


def _row(value: Any) -> Row:
    """The fields of a value: an enum is its word or number."""
    return {name: one.value if isinstance(one, Enum) else one for name, one in asdict(value).items()}


def _for_people(value: object) -> str:
    return value.strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else str(value)


def _for_programs(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _finite(context: click.Context, option: click.Parameter, seconds: float | None) -> float | None:
    if seconds is not None and not math.isfinite(seconds):
        raise click.BadParameter("a number of seconds")
    return seconds


def _vendor(action: Callable[..., None]) -> Callable[..., None]:
    """Give an action the options that all have, a client made of them, and the meaning of its errors."""

    @click.option("--url", required=True, envvar="SMS10692_URL", show_envvar=True, help="The vendor's address.")
    @click.option("--userid", required=True, envvar="SMS10692_USERID", show_envvar=True)
    @click.option("--account", required=True, envvar="SMS10692_ACCOUNT", show_envvar=True)
    @click.option(
        "--password",
        required=True,
        envvar="SMS10692_PASSWORD",
        show_envvar=True,
        help="Better in the environment: others on this machine can read your command line.",
    )
    @click.option("--charset", type=click.Choice(["utf-8", "gbk"]), default="utf-8", help="Which page to use.")
    @click.option(
        "--timeout", type=click.FloatRange(min=0, min_open=True), default=30.0, callback=_finite, help="Seconds."
    )
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
    @wraps(action)
    def with_a_client(
        url: str,
        userid: str,
        account: str,
        password: str,
        charset: Literal["utf-8", "gbk"],
        timeout: float,
        **options: Any,
    ) -> None:
        try:
            client = Client(url, userid=userid, account=account, password=password, charset=charset, timeout=timeout)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        with client:
            try:
                action(client, **options)
            except SmsError as error:
                raise _failed(error) from None
            except OSError as error:
                raise _Exit(f"{error.filename or 'input or output'}: {error.strerror}", USAGE) from None

    return with_a_client


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
def command() -> None:
    """The sms10692.com SMS API. Exit codes: 0 done, 1 refused, 2 usage, 3 no answer that can be read."""


@command.command()
@_vendor
@click.argument("mobiles", nargs=-1)
@click.option("--text", required=True, help="What to send.")
@click.option("--file", type=click.File(encoding="utf-8-sig"), help="Numbers, one a line, instead of arguments.")
@click.option("--batch", type=click.IntRange(min=1), default=1000, show_default=True, help="Numbers in a request.")
@click.option("--send-time", type=click.DateTime(["%Y-%m-%d %H:%M:%S"]), help="In China Standard Time.")
@click.option("--extno", default="")
def send(
    client: Client,
    as_json: bool,
    mobiles: tuple[str, ...],
    text: str,
    file: Any,
    batch: int,
    send_time: datetime | None,
    extno: str,
) -> None:
    """Send a text to numbers, or to the numbers in a file."""
    if bool(mobiles) == bool(file):
        raise click.UsageError("give numbers, or --file, and not both")
    try:
        ledger = Ledger(file or mobiles)
    except UnicodeDecodeError:
        raise click.BadParameter("it is not UTF-8", param_hint="--file") from None
    if not ledger.numbers:
        raise click.UsageError("there is no number to send to")
    at = send_time.replace(tzinfo=CHINA) if send_time else None
    try:
        with Progress(console=Console(stderr=True), disable=as_json or len(ledger.numbers) <= batch) as progress:
            task = progress.add_task("numbers", total=len(ledger.numbers))
            for sent, numbers in send_in_batches(client, ledger, text, batch=batch, send_time=at, extno=extno):
                progress.update(task, completed=ledger.mark.accepted)
                if as_json:
                    _show(True, [_row(sent) | {"mobiles": numbers}])
        if not as_json:
            _show(False, [_row(sent) for sent in ledger.sent])
            click.echo(f"{ledger}\neach text is {segments(text)}")
    except (SmsError, KeyboardInterrupt, OSError) as error:
        if len(ledger.numbers) > 1 or ledger.mark != Mark():
            click.echo(str(ledger), err=True)
        if isinstance(error, KeyboardInterrupt):
            raise _Exit("interrupted", INTERRUPTED) from None
        if isinstance(error, OSError):
            raise _Exit(f"standard output: {error.strerror}", NO_ANSWER) from None
        raise


@command.command()
@_vendor
def overage(client: Client, as_json: bool) -> None:
    """Tell how the account pays and what is left."""
    _show(as_json, [_row(client.overage())])


@command.command()
@_vendor
@click.argument("text")
def checkkeyword(client: Client, as_json: bool, text: str) -> None:
    """Tell whether a text holds a forbidden word."""
    _show(as_json, [_row(client.checkkeyword(text))])


def _queue(action: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option(
            "--follow",
            type=click.FloatRange(min=0),
            callback=_finite,
            metavar="SECONDS",
            help="Fetch again and again until Ctrl-C.",
        ),
        click.option("--keep", type=click.Path(path_type=Path), metavar="FOLDER", help="Keep the raw answers there."),
    ):
        action = option(action)
    return _vendor(action)


@command.command()
@_queue
@click.option("--num", "status_num", type=click.IntRange(min=1), help="Reports to fetch at most.")
def status(client: Client, as_json: bool, follow: float | None, keep: Path | None, status_num: int | None) -> None:
    """Fetch reports. The vendor hands each over only once."""
    _fetch(lambda: client.status(status_num, keep=keep), as_json, follow)


@command.command()
@_queue
def call(client: Client, as_json: bool, follow: float | None, keep: Path | None) -> None:
    """Fetch replies. The vendor hands each over only once."""
    _fetch(lambda: client.call(keep=keep), as_json, follow)


def _fetch(fetch: Callable[[], Batch[Report] | Batch[Reply]], as_json: bool, follow: float | None) -> None:
    if follow is None:
        batch = fetch()
        _hand_over(batch, as_json)
        if not batch and not as_json:
            click.echo("nothing waits")
        return
    counter = Console(stderr=True)
    fetched = fetches = 0
    try:
        with counter.status("fetching") as live:
            while True:
                try:
                    batch = fetch()
                except (Unreachable, Unreadable) as error:  # it may pass; what the vendor refuses it goes on refusing
                    click.echo(str(error), err=True)
                else:
                    fetches, fetched = fetches + 1, fetched + len(batch)
                    _hand_over(batch, as_json)
                live.update(f"{fetched} in {fetches} fetches, one every {follow:g} s; Ctrl-C ends it")
                time.sleep(follow)
    except KeyboardInterrupt:
        click.echo(f"{fetched} in {fetches} fetches", err=True)


def _hand_over(batch: Batch[Report] | Batch[Reply], as_json: bool) -> None:
    """Print a batch, which comes only once: what standard output did not take goes to standard error."""
    shown = 0
    try:
        if as_json:
            for item in batch:
                click.echo(_json(_row(item)))
                shown += 1
        else:
            _show(False, [_row(item) for item in batch])
            shown = len(batch)
        sys.stdout.flush()
    except OSError as error:  # nobody reads, perhaps not even what was taken
        _to_standard_error(batch)
        raise _Exit(f"standard output: {error.strerror}; the above was fetched", NO_ANSWER) from None
    except KeyboardInterrupt:
        _to_standard_error(batch[shown:])
        raise


def _to_standard_error(items: Sequence[Report] | Sequence[Reply]) -> None:
    for item in items:
        click.echo(_json(_row(item)), err=True)


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def main() -> None:
    """Run the command. What went wrong is one line on standard error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a reply may hold what the terminal cannot show
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        command.main(prog_name=NAME, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(USAGE)
    except click.ClickException as error:
        click.echo(f"{NAME}: {' '.join(error.format_message().split())}", err=True)
        sys.exit(USAGE)
    except _Exit as end:
        click.echo(f"{NAME}: {end}", err=True)
        sys.exit(end.code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
