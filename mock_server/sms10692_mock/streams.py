"""Standard output and standard error of the command: whatever their encoding, and whether they are open or not.

A character that the encoding does not have is written as a backslash escape. What cannot be written because the
stream is closed is dropped; a stream that fails is an error of standard output, and never one of the emulator.
"""

import os
import sys
import threading
import traceback
from io import TextIOWrapper
from typing import Final, NoReturn, TextIO

INTERNAL_ERROR: Final = 70
"""The exit code of an error of the program itself, as `EX_SOFTWARE` of sysexits.h."""

_DESCRIPTORS: Final = 3
_PATIENCE: Final = 1.0
"""Seconds that the end of the process waits for somebody to read why it ends."""


class OutputFailed(Exception):
    """Standard output cannot be written. The message says why."""


def prepare_streams() -> None:
    """Make every text writable. To be called once, before a file or a socket is opened.

    A closed descriptor is opened on the null device, as the next socket would take its number.
    """
    for descriptor in range(_DESCRIPTORS):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write_output(text: str) -> None:
    """Write to standard output at once. Raises OutputFailed."""
    failure = _write(sys.__stdout__, text)
    if failure:
        _drop(1)
        raise OutputFailed(failure)


def write_error(text: str) -> None:
    """Write to standard error at once; where that fails there is nobody to tell."""
    if _write(sys.__stderr__, text):
        _drop(2)


def end_with_internal_error(error: BaseException) -> NoReturn:
    """Show where it came from, and end the process at once: threads at work would hold it up."""
    text = f"{''.join(traceback.format_exception(error))}sms10692-mock: internal error: {error!r}\n"
    writing = threading.Thread(target=write_error, args=(text,), daemon=True)
    writing.start()
    writing.join(_PATIENCE)  # a pipe that nobody reads would hold it up too
    os._exit(INTERNAL_ERROR)


def _write(stream: TextIO | None, text: str) -> str:
    """Why that was not possible, or nothing."""
    if stream is None:
        return ""
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        return error.strerror or str(error)
    except ValueError as error:  # it was closed
        return str(error)
    return ""


def _drop(descriptor: int) -> None:
    """Let what could not be written go nowhere, or the interpreter tries again at its end and exits with 120."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, descriptor)
    os.close(null)
