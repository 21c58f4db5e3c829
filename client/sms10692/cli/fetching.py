"""Fetches of the queue subcommands: once or repeatedly (--follow). **No fetched item may be lost, whatever fails.**"""

import sys
import time
from collections.abc import Callable, Sequence

import click

from sms10692.base_client import Item
from sms10692.cli.errors import CliError
from sms10692.cli.exit_codes import NO_RESPONSE
from sms10692.cli.output import PipeSafeConsole, build_row, format_json_line, print_note, print_rows
from sms10692.errors import ConnectionFailed, InvalidResponse, RawResponse, SpoolError
from sms10692.models import FetchedBatch, Reply, Report
from sms10692.terminal import escape_controls


def fetch_and_print(
    fetch: Callable[[], FetchedBatch[Item]],
    parse: Callable[[RawResponse], list[Item]],
    as_json: bool,
    follow: float | None,
) -> None:
    """Fetch once, or every `follow` seconds until Ctrl-C, and print the items.

    `parse` parses a response that could not be written to the spool directory, so that its items are printed.
    """
    try:
        if follow is None:
            _fetch_once(fetch, as_json)
        else:
            _fetch_repeatedly(fetch, as_json, follow)
    except SpoolError as error:  # the exception has the only copy of the items
        _print_batch(FetchedBatch(parse(error.response)), as_json)
        raise


def _fetch_once(fetch: Callable[[], FetchedBatch[Item]], as_json: bool) -> None:
    batch = fetch()
    _print_batch(batch, as_json)
    if not batch and not as_json:
        click.echo("the queue is empty")


def _fetch_repeatedly(fetch: Callable[[], FetchedBatch[Item]], as_json: bool, interval: float) -> None:
    console = PipeSafeConsole(stderr=True)
    fetched = fetches = 0
    try:
        with console.status("fetching", spinner="line") as status_line:
            while True:
                try:
                    batch = fetch()
                except (ConnectionFailed, InvalidResponse) as error:  # possibly temporary, unlike a refusal
                    print_note(escape_controls(str(error)))
                else:
                    fetches, fetched = fetches + 1, fetched + len(batch)
                    _print_batch(batch, as_json)
                status_line.update(
                    f"{fetched} items in {fetches} fetches, one every {interval:g} s; press Ctrl-C to stop"
                )
                time.sleep(interval)
    except KeyboardInterrupt:
        print_note(f"{fetched} items in {fetches} fetches")


def _print_batch(batch: FetchedBatch[Item], as_json: bool) -> None:
    """Print a fetched batch. **Items that standard output did not accept are written to standard error.**"""
    printed = 0
    try:
        if as_json:
            for item in batch:
                click.echo(format_json_line(build_row(item)))
                printed += 1
        else:
            print_rows(False, [build_row(item) for item in batch])
            printed = len(batch)
        sys.stdout.flush()
    except OSError as error:  # items written before the failure may not have been read either
        _print_to_stderr(batch)
        raise CliError(f"standard output: {error.strerror}; the lines above were fetched", NO_RESPONSE) from None
    except KeyboardInterrupt:
        _print_to_stderr(batch[printed:])
        raise


def _print_to_stderr(items: Sequence[Report | Reply]) -> None:
    """Print items as JSON lines on standard error."""
    for item in items:
        click.echo(format_json_line(build_row(item)), err=True)
