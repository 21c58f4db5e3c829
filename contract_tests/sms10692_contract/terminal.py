"""Output of the command to standard output and standard error: any text, any encoding, and closed pipes."""

import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import Final, TextIO

from sms10692_contract.escaping import CARRIAGE_RETURN, LINE_FEED, escape_unprintable
from sms10692_contract.interruptions import Interrupted
from sms10692_contract.masking import hide_signatures_in_text

NAME: Final = "sms10692-contract"
"""Name of the command, at the beginning of each of its messages."""


def accept_any_text() -> None:
    """Let both streams write characters that their encoding lacks as backslash escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def make_encodable(text: str) -> str:
    """Replace characters that standard output cannot encode by backslash escapes.

    For text that click prints itself: click writes UTF-8 even if the encoding is ASCII.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def write_line(text: str) -> None:
    """Write a line to standard output. Raises OSError if that fails; a closed pipe is ignored."""
    _write(sys.stdout, text)


def write_message(text: str) -> None:
    """Write a message with the name of the command to standard error, escaped to one line."""
    write_error(f"{NAME}: {text}")


def write_error(text: str) -> None:
    """Write a text to standard error, escaped to one line."""
    with suppress(OSError):  # there is no other stream to report the error to
        _write(sys.stderr, escape_unprintable(text))


def report_interruption(error: BaseException | None) -> int:
    """Write the message of an interruption, and return its exit code."""
    write_message(str(error) if isinstance(error, Interrupted) else "interrupted")
    return error.exit_code if isinstance(error, Interrupted) else 130


def flush() -> None:
    """Flush standard output. Raises OSError like `write_line`."""
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            _discard(sys.stdout)
        except OSError:
            _discard(sys.stdout)
            raise


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # closed before the command was started
        return
    text = hide_signatures_in_text(text)
    for symbol, escape in ((CARRIAGE_RETURN, "\\r"), (LINE_FEED, "\\n")):
        if symbol in text and not _can_encode(stream, symbol):
            text = text.replace(symbol, escape)
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except BrokenPipeError:  # the reader closed the pipe, as `head` does; the run continues
        _discard(stream)
    except OSError:
        _discard(stream)
        raise


def _can_encode(stream: TextIO, text: str) -> bool:
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _discard(stream: TextIO) -> None:
    """Redirect the stream to the null device, including what the interpreter flushes at exit."""
    null_device = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null_device, stream.fileno())
    finally:
        os.close(null_device)
