"""Command line `sms10692`: one subcommand per operation, with tables for people and JSON lines for scripts.

**Text from the vendor is escaped (`sms10692.terminal`) before it is printed.** Unexpected exceptions exit with code 70.
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
from sms10692.base_client import DEFAULT_TOTAL_TIMEOUT, MAX_TIMEOUT, Item
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
from sms10692.recipients import InvalidRecipients, parse_arguments, parse_file
from sms10692.segmentation import count_segments
from sms10692.signing import CHINA
from sms10692.terminal import escape_controls, json_line

PROGRAM_NAME: Final = "sms10692"
REFUSED, USAGE, NO_RESPONSE, INTERRUPTED = 1, 2, 3, 130
"""Exit codes; `command` documents them for users."""

MIN_INTERVAL: Final = 1.0
"""Shortest interval of --follow, in seconds."""

Row = dict[str, Any]


class _Console(Console):
    """Console with our handling of a broken pipe, where rich would exit with code 1.

    A broken pipe on standard output raises BrokenPipeError. On standard error, output stops and the work continues.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False)

    def on_broken_pipe(self) -> None:
        self.quiet = True
        if not self.stderr:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


class _Commands(click.Group):
    """Group of all subcommands. A failed write to standard output becomes a _CliError; click would exit with 1."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        with _translate_output_errors():
            return super().make_context(*arguments, **options)

    def invoke(self, context: click.Context) -> Any:
        with _translate_output_errors():
            return super().invoke(context)


@contextmanager
def _translate_output_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _CliError(f"{error.filename or 'standard output'}: {error.strerror or error}", NO_RESPONSE) from None


class _CliError(Exception):
    """Ends the command: the message for standard error, and the exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def _build_cli_error(error: SmsError) -> _CliError:
    match error:
        case VendorRefusal():
            return _CliError(f"refused: {escape_controls(str(error))} ({error.reason.value})", REFUSED)
        case UnencodableText():
            return _CliError(str(error), USAGE)
        case _:
            return _CliError(str(error), NO_RESPONSE)


def _print_rows(as_json: bool, rows: Sequence[Row]) -> None:
    """Print rows as a table, or as one JSON object per line."""
    if as_json:
        for row in rows:
            click.echo(_format_row(row))
    elif rows:
        table = Table()
        for name in rows[0]:
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(*map(_format_text, row.values()))
        _Console().print(table)


def _format_row(row: Row) -> str:
    """Format a row as one line of JSON, in ASCII unless standard output is UTF-8."""
    is_utf_8 = codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    return json_line(row, _format_json, ascii_only=not is_utf_8)


def _build_row(result: Any) -> Row:
    """Return the fields of a result dataclass, enums replaced by their values."""
    return {name: value.value if isinstance(value, Enum) else value for name, value in asdict(result).items()}


def _format_text(value: object) -> str:
    return value.strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else escape_controls(str(value))


def _format_json(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _validate_finite(context: click.Context, option: click.Parameter, seconds: float | None) -> float | None:
    if seconds is not None and not math.isfinite(seconds):
        raise click.BadParameter("must be a finite number of seconds")
    return seconds


def _client_options(action: Callable[..., None]) -> Callable[..., None]:
    """Decorate a subcommand: add the common options, pass a client built from them, and translate its errors."""

    @click.option(
        "--url",
        required=True,
        envvar="SMS10692_URL",
        show_envvar=True,
        help="Address of the vendor, with or without the endpoint path.",
    )
    @click.option("--userid", required=True, envvar="SMS10692_USERID", show_envvar=True)
    @click.option("--account", required=True, envvar="SMS10692_ACCOUNT", show_envvar=True)
    @click.option(
        "--password",
        required=True,
        envvar="SMS10692_PASSWORD",
        show_envvar=True,
        help="Prefer the environment variable: other users of this machine can read your command line.",
    )
    @click.option(
        "--charset",
        type=click.Choice(["utf-8", "gbk"]),
        default="utf-8",
        show_default=True,
        help="Charset of the send endpoint.",
    )
    @click.option(
        "--timeout",
        type=click.FloatRange(0, MAX_TIMEOUT, min_open=True),
        default=30.0,
        show_default=True,
        callback=_validate_finite,
        help="Seconds for each step of a request.",
    )
    @click.option(
        "--total-timeout",
        type=click.FloatRange(0, MAX_TIMEOUT, min_open=True),
        default=DEFAULT_TOTAL_TIMEOUT,
        show_default=True,
        callback=_validate_finite,
        help="Seconds for a whole request.",
    )
    @click.option("--proxy", metavar="URL", help="Proxy: http, https or socks5.")
    @click.option(
        "--trust-env/--no-trust-env",
        default=True,
        show_default=True,
        help="Use the proxy and certificates of the environment. Loopback addresses never use its proxy.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
    @wraps(action)
    def run_with_client(
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
                raise _build_cli_error(error) from None
            except OSError as error:
                if error.filename is None:
                    raise
                raise _CliError(f"{error.filename}: {error.strerror}", USAGE) from None

    return run_with_client


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
def command() -> None:
    """Client for the sms10692.com SMS API.

    Exit codes: 0 success, 1 refused by the vendor, 2 usage error, 3 no valid response or output cannot be written,
    70 internal error, 130 interrupted.
    """


@command.command()
@_client_options
@click.argument("mobiles", nargs=-1)
@click.option("--text", required=True, help="Text of the message.")
@click.option(
    "--file",
    type=click.File("rb"),
    help="Read the numbers from a file: one per line, or a CSV table with --column. Nothing is sent unless every"
    " number has 11 digits and begins with 1.",
)
@click.option("--column", metavar="NAME", help="Column of the file with the numbers: its name, or its index from 1.")
@click.option("--batch", type=click.IntRange(min=1), default=1000, show_default=True, help="Numbers per request.")
@click.option("--send-time", type=click.DateTime(["%Y-%m-%d %H:%M:%S"]), help="Scheduled time, China Standard Time.")
@click.option("--extno", default="", help="Extension number (扩展子号).")
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
    """Send a text to phone numbers, passed as arguments or in a file."""
    if bool(mobiles) == bool(file):
        raise click.UsageError("pass the numbers either as arguments or with --file")
    if column is not None and file is None:
        raise click.UsageError("--column requires --file")
    try:
        recipients = parse_arguments(mobiles) if file is None else parse_file(file, column)
    except InvalidRecipients as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"nothing was sent: the file cannot be read: {error.strerror}") from None
    if not recipients.numbers:
        raise click.UsageError("the list contains no number")
    if recipients.notice:
        _print_error(recipients.notice)
    progress = BulkProgress(recipients.numbers)
    time_in_china = send_time.replace(tzinfo=CHINA) if send_time else None
    try:
        with Progress(console=_Console(stderr=True), disable=as_json or len(progress.numbers) <= batch) as bar:
            task = bar.add_task("numbers", total=len(progress.numbers))
            batches = send_in_batches(client, progress, text, batch=batch, send_time=time_in_china, extno=extno)
            for result, numbers in batches:
                bar.update(task, completed=progress.counts.accepted)
                if as_json:
                    _print_rows(True, [_build_row(result) | {"mobiles": numbers}])
        if not as_json:
            _print_rows(False, [_build_row(result) for result in progress.results])
            click.echo(f"{progress}\neach text is {count_segments(text)}")
    except (SmsError, KeyboardInterrupt, OSError) as error:
        if len(progress.numbers) > 1 or progress.counts != BulkCounts():
            _print_note(str(progress))
        if isinstance(error, KeyboardInterrupt):
            raise _CliError("interrupted", INTERRUPTED) from None
        if isinstance(error, OSError):
            raise _CliError(f"standard output: {error.strerror}", NO_RESPONSE) from None
        raise


@command.command()
@_client_options
def overage(client: Client, as_json: bool) -> None:
    """Show the billing type and the balance of the account."""
    _print_rows(as_json, [_build_row(client.overage())])


@command.command()
@_client_options
@click.argument("text")
def checkkeyword(client: Client, as_json: bool, text: str) -> None:
    """Check whether a text contains a forbidden word."""
    _print_rows(as_json, [_build_row(client.checkkeyword(text))])


def _queue_options(action: Callable[..., None]) -> Callable[..., None]:
    """Decorate a subcommand that fetches from a queue: add its options and the common ones."""
    for option in (
        click.option(
            "--follow",
            type=click.FloatRange(MIN_INTERVAL, MAX_TIMEOUT),
            callback=_validate_finite,
            metavar="SECONDS",
            help=f"Fetch repeatedly at this interval, at least {MIN_INTERVAL:g}, until Ctrl-C.",
        ),
        click.option(
            "--spool",
            "spool_dir",
            type=click.Path(path_type=Path),
            metavar="FOLDER",
            help="Write the raw responses to this directory before parsing them (sms10692.replay_spool).",
        ),
    ):
        action = option(action)
    return _client_options(action)


@command.command()
@_queue_options
@click.option("--limit", "status_num", type=click.IntRange(min=1), help="Maximum number of reports per fetch.")
def status(client: Client, as_json: bool, follow: float | None, spool_dir: Path | None, status_num: int | None) -> None:
    """Fetch status reports. The vendor returns each report only once."""
    _fetch(lambda: client.status(status_num, spool_dir=spool_dir), responses.parse_reports, as_json, follow)


@command.command()
@_queue_options
def call(client: Client, as_json: bool, follow: float | None, spool_dir: Path | None) -> None:
    """Fetch replies. The vendor returns each reply only once."""
    _fetch(lambda: client.call(spool_dir=spool_dir), responses.parse_replies, as_json, follow)


def _fetch(
    fetch: Callable[[], FetchedBatch[Item]],
    parse: Callable[[RawResponse], list[Item]],
    as_json: bool,
    follow: float | None,
) -> None:
    """Fetch once or repeatedly, and print the items. **No fetched item may be lost, whatever fails.**"""
    try:
        _fetch_and_print(fetch, as_json, follow)
    except SpoolError as error:  # the exception has the only copy of the items
        _print_batch(FetchedBatch(parse(error.response)), as_json)
        raise


def _fetch_and_print(fetch: Callable[[], FetchedBatch[Item]], as_json: bool, follow: float | None) -> None:
    if follow is None:
        batch = fetch()
        _print_batch(batch, as_json)
        if not batch and not as_json:
            click.echo("the queue is empty")
        return
    console = _Console(stderr=True)
    fetched = fetches = 0
    try:
        with console.status("fetching", spinner="line") as status_line:
            while True:
                try:
                    batch = fetch()
                except (ConnectionFailed, InvalidResponse) as error:  # possibly temporary, unlike a refusal
                    _print_note(escape_controls(str(error)))
                else:
                    fetches, fetched = fetches + 1, fetched + len(batch)
                    _print_batch(batch, as_json)
                status_line.update(f"{fetched} in {fetches} fetches, one every {follow:g} s; press Ctrl-C to stop")
                time.sleep(follow)
    except KeyboardInterrupt:
        _print_note(f"{fetched} in {fetches} fetches")


def _print_batch(batch: FetchedBatch[Item], as_json: bool) -> None:
    """Print a fetched batch. **Items that standard output did not accept are written to standard error.**"""
    printed = 0
    try:
        if as_json:
            for item in batch:
                click.echo(_format_row(_build_row(item)))
                printed += 1
        else:
            _print_rows(False, [_build_row(item) for item in batch])
            printed = len(batch)
        sys.stdout.flush()
    except OSError as error:  # items written before the failure may not have been read either
        _print_to_stderr(batch)
        raise _CliError(f"standard output: {error.strerror}; the lines above were fetched", NO_RESPONSE) from None
    except KeyboardInterrupt:
        _print_to_stderr(batch[printed:])
        raise


def _print_to_stderr(items: Sequence[Report | Reply]) -> None:
    for item in items:
        click.echo(_format_row(_build_row(item)), err=True)


def _raise_interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line. Errors are printed as one line on standard error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # replies may contain characters outside the encoding
    if sys.stdout is None:  # closed by the parent process: fetched items would be lost
        _print_error("standard output is closed; no request was sent")
        sys.exit(NO_RESPONSE)
    signal.signal(signal.SIGTERM, _raise_interrupt)
    try:
        command.main(prog_name=PROGRAM_NAME, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(USAGE)
    except click.ClickException as error:
        _print_error(" ".join(error.format_message().split()))
        sys.exit(USAGE)
    except _CliError as error:
        _print_error(str(error))
        sys.exit(error.code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except Exception as error:
        _print_internal_error(error)
        sys.exit(INTERNAL_ERROR)


def _print_error(text: str) -> None:
    """Print a message on one line on standard error, prefixed with the program name."""
    _print_note(f"{PROGRAM_NAME}: {escape_controls(text)}")


def _print_note(text: str) -> None:
    """Print a text on standard error. A failure to write it is ignored and does not change the exit code."""
    with suppress(OSError):
        click.echo(text, err=True)


def _print_internal_error(error: Exception) -> None:
    _print_note("\n".join(map(escape_controls, "".join(traceback.format_exception(error)).splitlines())))
    _print_error(f"internal error, {type(error).__name__}; please report the lines above")
