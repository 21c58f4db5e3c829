"""Output of the command line: results as tables or JSON lines on standard output, messages on standard error.

**Text from the vendor is escaped (`sms10692.terminal`) before it is printed.**
"""

import codecs
import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from enum import Enum
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table

from sms10692.terminal import escape_controls, json_line

PROGRAM_NAME: Final = "sms10692"

Row = dict[str, Any]


class PipeSafeConsole(Console):
    """Console that handles a broken pipe itself, where rich would exit with code 1.

    A broken pipe on standard output raises BrokenPipeError. On standard error, output stops and the work continues.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False)

    def on_broken_pipe(self) -> None:
        self.quiet = True
        if not self.stderr:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def build_row(result: Any) -> Row:
    """Return the fields of a result dataclass, enums replaced by their values."""
    return {name: value.value if isinstance(value, Enum) else value for name, value in asdict(result).items()}


def print_rows(as_json: bool, rows: Sequence[Row]) -> None:
    """Print rows as a table, or as one JSON object per line."""
    if as_json:
        for row in rows:
            click.echo(format_json_line(row))
    elif rows:
        table = Table()
        for name in rows[0]:
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(*map(_format_cell, row.values()))
        PipeSafeConsole().print(table)


def format_json_line(row: Row) -> str:
    """Format a row as one line of JSON, in ASCII unless standard output is UTF-8."""
    is_utf_8 = codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    return json_line(row, _format_json_value, ascii_only=not is_utf_8)


def _format_cell(value: object) -> str:
    return value.strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else escape_controls(str(value))


def _format_json_value(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def print_error(text: str) -> None:
    """Print a message on one line on standard error, prefixed with the program name."""
    print_note(f"{PROGRAM_NAME}: {escape_controls(text)}")


def print_note(text: str) -> None:
    """Print a text on standard error. A failure to write it is ignored and does not change the exit code."""
    with suppress(OSError):
        click.echo(text, err=True)
