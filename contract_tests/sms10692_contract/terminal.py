"""Standard output and standard error of the command: any text, in any encoding, to a terminal, a pipe, or nobody."""

import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import TextIO

from sms10692_contract.escaping import escape_unprintable


def accept_any_text() -> None:
    """Let both streams write what their encoding lacks as a backslash escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def encodable(text: str) -> str:
    """Return the text with what standard output cannot encode as a backslash escape.

    click writes UTF-8 where the encoding is ASCII, so what it prints itself must be plain ASCII there.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def write_line(text: str) -> None:
    """Write a line to standard output. Raises OSError where it cannot be written, but for a pipe that was closed."""
    _write(sys.stdout, text)


def write_error(text: str) -> None:
    """Write a message to standard error, on one line, whatever is in it."""
    with suppress(OSError):  # there is no other place to say so
        _write(sys.stderr, escape_unprintable(text))


def flush() -> None:
    """Write what standard output still holds. Raises OSError as `write_line` does."""
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            _discard(sys.stdout)
        except OSError:
            _discard(sys.stdout)
            raise


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # closed when the command was started
        return
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except BrokenPipeError:  # the reader has seen enough, as `head` does; the run counts all the same
        _discard(stream)
    except OSError:
        _discard(stream)
        raise


def _discard(stream: TextIO) -> None:
    """Let everything that is written from now on disappear, also what the interpreter flushes when it ends."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, stream.fileno())
    finally:
        os.close(nothing)
