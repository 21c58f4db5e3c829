"""Subcommands of `sms10692`, one per operation of the vendor's API."""

from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import click
from rich.progress import Progress

from sms10692 import __version__, responses
from sms10692.bulk import BulkCounts, BulkProgress, send_in_batches
from sms10692.cli.errors import CliError, translate_output_errors
from sms10692.cli.exit_codes import INTERRUPTED, NO_RESPONSE
from sms10692.cli.fetching import fetch_and_print
from sms10692.cli.options import client_options, queue_options
from sms10692.cli.output import PipeSafeConsole, build_row, print_error, print_note, print_rows
from sms10692.client import Client
from sms10692.errors import SmsError
from sms10692.recipients import InvalidRecipients, parse_arguments, parse_file
from sms10692.segmentation import count_segments
from sms10692.signing import CHINA


class _CommandGroup(click.Group):
    """Group of all subcommands. A failed write to standard output becomes a CliError; click would exit with 1."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        with translate_output_errors():
            return super().make_context(*arguments, **options)

    def invoke(self, context: click.Context) -> Any:
        with translate_output_errors():
            return super().invoke(context)


@click.group(cls=_CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
def command() -> None:
    """Client for the sms10692.com SMS API.

    Exit codes: 0 success, 1 refused by the vendor, 2 usage error, 3 no valid response or output cannot be written,
    70 internal error, 130 interrupted.
    """


@command.command()
@client_options
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
        print_error(recipients.notice)
    progress = BulkProgress(recipients.numbers)
    time_in_china = send_time.replace(tzinfo=CHINA) if send_time else None
    try:
        with Progress(console=PipeSafeConsole(stderr=True), disable=as_json or len(progress.numbers) <= batch) as bar:
            task = bar.add_task("numbers", total=len(progress.numbers))
            batches = send_in_batches(client, progress, text, batch=batch, send_time=time_in_china, extno=extno)
            for result, numbers in batches:
                bar.update(task, completed=progress.counts.accepted)
                if as_json:
                    print_rows(True, [build_row(result) | {"mobiles": numbers}])
        if not as_json:
            print_rows(False, [build_row(result) for result in progress.results])
            click.echo(f"{progress}\neach text is {count_segments(text)}")
    except (SmsError, KeyboardInterrupt, OSError) as error:
        if len(progress.numbers) > 1 or progress.counts != BulkCounts():
            print_note(str(progress))
        if isinstance(error, KeyboardInterrupt):
            raise CliError("interrupted", INTERRUPTED) from None
        if isinstance(error, OSError):
            raise CliError(f"standard output: {error.strerror}", NO_RESPONSE) from None
        raise


@command.command()
@client_options
def overage(client: Client, as_json: bool) -> None:
    """Show the billing type and the balance of the account."""
    print_rows(as_json, [build_row(client.overage())])


@command.command()
@client_options
@click.argument("text")
def checkkeyword(client: Client, as_json: bool, text: str) -> None:
    """Check whether a text contains a forbidden word."""
    print_rows(as_json, [build_row(client.checkkeyword(text))])


@command.command()
@queue_options
@click.option("--limit", type=click.IntRange(min=1), help="Maximum number of reports per fetch.")
def status(client: Client, as_json: bool, follow: float | None, spool_dir: Path | None, limit: int | None) -> None:
    """Fetch status reports. The vendor returns each report only once."""
    fetch_and_print(lambda: client.status(limit, spool_dir=spool_dir), responses.parse_reports, as_json, follow)


@command.command()
@queue_options
def call(client: Client, as_json: bool, follow: float | None, spool_dir: Path | None) -> None:
    """Fetch replies. The vendor returns each reply only once."""
    fetch_and_print(lambda: client.call(spool_dir=spool_dir), responses.parse_replies, as_json, follow)
