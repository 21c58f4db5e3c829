"""Entry point of the command line: runs a command and turns every exception into a message and an exit code.

**An unexpected exception exits with code 70**: Python's own exit code 1 would mean "refused by the vendor".
"""

import signal
import sys
import traceback
from io import TextIOWrapper
from types import FrameType
from typing import NoReturn

import click

from sms10692.cli.commands import command
from sms10692.cli.errors import CliError
from sms10692.cli.exit_codes import INTERNAL_ERROR, INTERRUPTED, NO_RESPONSE, USAGE
from sms10692.cli.output import PROGRAM_NAME, print_error, print_note
from sms10692.terminal import escape_controls


def main() -> None:
    """Run the command line. Errors are printed as one line on standard error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # replies may contain characters outside the encoding
    if sys.stdout is None:  # closed by the parent process: fetched items would be lost
        print_error("standard output is closed; no request was sent")
        sys.exit(NO_RESPONSE)
    signal.signal(signal.SIGTERM, _raise_interrupt)
    try:
        command.main(prog_name=PROGRAM_NAME, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(USAGE)
    except click.ClickException as error:
        print_error(" ".join(error.format_message().split()))
        sys.exit(USAGE)
    except CliError as error:
        print_error(str(error))
        sys.exit(error.code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except Exception as error:
        _print_internal_error(error)
        sys.exit(INTERNAL_ERROR)


def _raise_interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    """Signal handler that ends the command like Ctrl-C."""
    raise KeyboardInterrupt


def _print_internal_error(error: Exception) -> None:
    print_note("\n".join(map(escape_controls, "".join(traceback.format_exception(error)).splitlines())))
    print_error(f"internal error, {type(error).__name__}; please report the lines above")
