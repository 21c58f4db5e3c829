"""The command `sms10692`: the five actions for people and for scripts; options, exit codes and tables.

What the vendor sends is printed as `terminal` makes it safe. An error of the program itself is exit code 70.
"""

import codecs
import errno
import math
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import datetime
from enum import Enum
from functools import wraps
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import Any, BinaryIO, Final, Literal, NoReturn

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from sms10692 import __version__, responses
from sms10692.__main__ import INTERNAL_ERROR
from sms10692.base_client import LONGEST_TIMEOUT, TOTAL_TIMEOUT, Item
from sms10692.bulk import BulkCounts, BulkProgress, send_in_batches
from sms10692.client import Client
from sms10692.errors import (
    ConnectionFailed,
    InvalidResponse,
    RawResponse,
    SmsError,
    SpoolError,
    UnencodableText,
    VendorRefusal,
)
from sms10692.models import FetchedBatch, Reply, Report
from sms10692.recipients import WrongNumbers, from_arguments, from_file
from sms10692.segmentation import count_segments
from sms10692.signing import CHINA
from sms10692.terminal import json_line, printable

NAME: Final = "sms10692"
REFUSED, USAGE, NO_ANSWER, INTERRUPTED = 1, 2, 3, 130

SHORTEST_INTERVAL: Final = 1.0
"""Seconds between two fetches of --follow."""

Row = dict[str, Any]


class _Console(Console):
    """A console for a pipe that nobody reads, at which rich would end the program with exit code 1.

    On standard output that is an OSError; on standard error nothing more is shown, and the work goes on.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False)

    def on_broken_pipe(self) -> None:
        self.quiet = True
        if not self.stderr:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


class _Commands(click.Group):
    """The group of all actions; standard output that fails is an error of ours, where click would end with code 1."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        with _output_errors():
            return super().make_context(*arguments, **options)

    def invoke(self, context: click.Context) -> Any:
        with _output_errors():
            return super().invoke(context)


@contextmanager
def _output_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _CliError(f"{error.filename or 'standard output'}: {error.strerror or error}", NO_ANSWER) from None


class _CliError(Exception):
    """The command is over: what to say on standard error, and the exit code."""

    def __init__(self, said: str, code: int) -> None:
        super().__init__(said)
        self.code = code


def _failed(error: SmsError) -> _CliError:
    match error:
        case VendorRefusal():
            return _CliError(f"refused: {printable(str(error))} ({error.reason.value})", REFUSED)
        case UnencodableText():
            return _CliError(str(error), USAGE)
        case _:
            return _CliError(str(error), NO_ANSWER)


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
            table.add_row(*map(_format_text, row.values()))
        _Console().print(table)


def _json(row: Row) -> str:
    """One line, which is ASCII where standard output may not carry more."""
    in_full = codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    return json_line(row, _format_json, ascii_only=not in_full)


def _row(value: Any) -> Row:
    """The fields of a value: an enum is its word or number."""
    return {name: one.value if isinstance(one, Enum) else one for name, one in asdict(value).items()}


def _format_text(value: object) -> str:
    return value.strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else printable(str(value))


def _format_json(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _finite_seconds(context: click.Context, option: click.Parameter, seconds: float | None) -> float | None:
    if seconds is not None and not math.isfinite(seconds):
        raise click.BadParameter("a number of seconds")
    return seconds


def _client_options(action: Callable[..., None]) -> Callable[..., None]:
    """Give an action the options that all have, a client made of them, and the meaning of its errors."""

    @click.option(
        "--url",
        required=True,
        envvar="SMS10692_URL",
        show_envvar=True,
        help="The vendor's address, with or without the page.",
    )
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
        "--timeout",
        type=click.FloatRange(0, LONGEST_TIMEOUT, min_open=True),
        default=30.0,
        show_default=True,
        callback=_finite_seconds,
        help="Seconds for each step of a request.",
    )
    @click.option(
        "--total-timeout",
        type=click.FloatRange(0, LONGEST_TIMEOUT, min_open=True),
        default=TOTAL_TIMEOUT,
        show_default=True,
        callback=_finite_seconds,
        help="Seconds for a whole request.",
    )
    @click.option("--proxy", metavar="URL", help="A proxy: http, https or socks5.")
    @click.option(
        "--trust-env/--no-trust-env",
        default=True,
        show_default=True,
        help="Take a proxy and certificates from the environment; not the proxy for loopback addresses.",
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
        total_timeout: float,
        proxy: str | None,
        trust_env: bool,
        **options: Any,
    ) -> None:
        try:
            client = Client(
                url,
                userid=userid,
                account=account,
                password=password,
                charset=charset,
                timeout=timeout,
                total_timeout=total_timeout,
                proxy=proxy,
                trust_env=trust_env,
            )
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        with client:
            try:
                action(client, **options)
            except SmsError as error:
                raise _failed(error) from None
            except OSError as error:
                if error.filename is None:
                    raise
                raise _CliError(f"{error.filename}: {error.strerror}", USAGE) from None

    return with_a_client


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
def command() -> None:
    """The sms10692.com SMS API.

    Exit codes: 0 done, 1 refused by the vendor, 2 usage, 3 no answer that can be read or output that cannot be written,
    70 an error of this program, 130 interrupted.
    """


@command.command()
@_client_options
@click.argument("mobiles", nargs=-1)
@click.option("--text", required=True, help="What to send.")
@click.option(
    "--file",
    type=click.File("rb"),
    help="Numbers instead of arguments: one a line, or a table (CSV) with --column. Nothing is sent unless all are"
    " numbers: 11 digits that begin with 1.",
)
@click.option("--column", metavar="NAME", help="The column of the file that has the numbers, by name or from 1.")
@click.option("--batch", type=click.IntRange(min=1), default=1000, show_default=True, help="Numbers in a request.")
@click.option("--send-time", type=click.DateTime(["%Y-%m-%d %H:%M:%S"]), help="In China Standard Time.")
@click.option("--extno", default="")
def send(
    client: Client,
    as_json: bool,
    mobiles: tuple[str, ...],
    text: str,
    file: BinaryIO | None,
    column: str | None,
    batch: int,
    send_time: datetime | None,
    extno: str,
) -> None:
    """Send a text to numbers, or to the numbers in a file."""
    if bool(mobiles) == bool(file):
        raise click.UsageError("give numbers, or --file, and not both")
    if column is not None and file is None:
        raise click.UsageError("--column is for --file")
    try:
        recipients = from_arguments(mobiles) if file is None else from_file(file, column)
    except WrongNumbers as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"nothing was sent: the file cannot be read: {error.strerror}") from None
    if not recipients.numbers:
        raise click.UsageError("there is no number to send to")
    if recipients.remark:
        _say(recipients.remark)
    ledger = BulkProgress(recipients.numbers)
    at = send_time.replace(tzinfo=CHINA) if send_time else None
    try:
        with Progress(console=_Console(stderr=True), disable=as_json or len(ledger.numbers) <= batch) as progress:
            task = progress.add_task("numbers", total=len(ledger.numbers))
            for sent, numbers in send_in_batches(client, ledger, text, batch=batch, send_time=at, extno=extno):
                progress.update(task, completed=ledger.mark.accepted)
                if as_json:
                    _show(True, [_row(sent) | {"mobiles": numbers}])
        if not as_json:
            _show(False, [_row(sent) for sent in ledger.sent])
            click.echo(f"{ledger}\neach text is {count_segments(text)}")
    except (SmsError, KeyboardInterrupt, OSError) as error:
        if len(ledger.numbers) > 1 or ledger.mark != BulkCounts():
            _note(str(ledger))
        if isinstance(error, KeyboardInterrupt):
            raise _CliError("interrupted", INTERRUPTED) from None
        if isinstance(error, OSError):
            raise _CliError(f"standard output: {error.strerror}", NO_ANSWER) from None
        raise


@command.command()
@_client_options
def overage(client: Client, as_json: bool) -> None:
    """Tell how the account pays and what is left."""
    _show(as_json, [_row(client.overage())])


@command.command()
@_client_options
@click.argument("text")
def checkkeyword(client: Client, as_json: bool, text: str) -> None:
    """Tell whether a text holds a forbidden word."""
    _show(as_json, [_row(client.checkkeyword(text))])


def _queue_options(action: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option(
            "--follow",
            type=click.FloatRange(SHORTEST_INTERVAL, LONGEST_TIMEOUT),
            callback=_finite_seconds,
            metavar="SECONDS",
            help=f"Fetch again and again until Ctrl-C, every so many seconds, at least {SHORTEST_INTERVAL:g}.",
        ),
        click.option("--keep", type=click.Path(path_type=Path), metavar="FOLDER", help="Keep the raw answers there."),
    ):
        action = option(action)
    return _client_options(action)


@command.command()
@_queue_options
@click.option("--num", "status_num", type=click.IntRange(min=1), help="Reports to fetch at most.")
def status(client: Client, as_json: bool, follow: float | None, keep: Path | None, status_num: int | None) -> None:
    """Fetch reports. The vendor hands each over only once."""
    _fetch(lambda: client.status(status_num, keep=keep), responses.parse_reports, as_json, follow)


@command.command()
@_queue_options
def call(client: Client, as_json: bool, follow: float | None, keep: Path | None) -> None:
    """Fetch replies. The vendor hands each over only once."""
    _fetch(lambda: client.call(keep=keep), responses.parse_replies, as_json, follow)


def _fetch(
    fetch: Callable[[], FetchedBatch[Item]],
    read: Callable[[RawResponse], list[Item]],
    as_json: bool,
    follow: float | None,
) -> None:
    try:
        _fetch_and_show(fetch, as_json, follow)
    except SpoolError as error:  # no file has it, and it comes only once
        _print_batch(FetchedBatch(read(error.reply)), as_json)
        raise


def _fetch_and_show(fetch: Callable[[], FetchedBatch[Item]], as_json: bool, follow: float | None) -> None:
    if follow is None:
        batch = fetch()
        _print_batch(batch, as_json)
        if not batch and not as_json:
            click.echo("nothing waits")
        return
    counter = _Console(stderr=True)
    fetched = fetches = 0
    try:
        with counter.status("fetching", spinner="line") as live:
            while True:
                try:
                    batch = fetch()
                except (
                    ConnectionFailed,
                    InvalidResponse,
                ) as error:  # it may pass; what the vendor refuses it goes on refusing
                    _note(printable(str(error)))
                else:
                    fetches, fetched = fetches + 1, fetched + len(batch)
                    _print_batch(batch, as_json)
                live.update(f"{fetched} in {fetches} fetches, one every {follow:g} s; Ctrl-C ends it")
                time.sleep(follow)
    except KeyboardInterrupt:
        _note(f"{fetched} in {fetches} fetches")


def _print_batch(batch: FetchedBatch[Item], as_json: bool) -> None:
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
        raise _CliError(f"standard output: {error.strerror}; the above was fetched", NO_ANSWER) from None
    except KeyboardInterrupt:
        _to_standard_error(batch[shown:])
        raise


def _to_standard_error(items: Sequence[Report | Reply]) -> None:
    for item in items:
        click.echo(_json(_row(item)), err=True)


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def main() -> None:
    """Run the command. What went wrong is one line on standard error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a reply may hold what the terminal cannot show
    if sys.stdout is None:  # closed by whoever started us: what is fetched would be lost
        _say("standard output is closed; nothing was asked for")
        sys.exit(NO_ANSWER)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        command.main(prog_name=NAME, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(USAGE)
    except click.ClickException as error:
        _say(" ".join(error.format_message().split()))
        sys.exit(USAGE)
    except _CliError as end:
        _say(str(end))
        sys.exit(end.code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except Exception as error:
        _say_internal(error)
        sys.exit(INTERNAL_ERROR)


def _say(text: str) -> None:
    """Print one line on standard error."""
    _note(f"{NAME}: {printable(text)}")


def _note(text: str) -> None:
    """Print a text on standard error. That nobody can read it ends nothing, and changes no exit code."""
    with suppress(OSError):
        click.echo(text, err=True)


def _say_internal(error: Exception) -> None:
    _note("\n".join(map(printable, "".join(traceback.format_exception(error)).splitlines())))
    _say(f"an error of this program, {type(error).__name__}; please report the lines above")
