"""Standard output and standard error of the command, for any encoding and for closed streams.

A character that the encoding lacks is written as a backslash escape. Output to a closed stream is dropped. A failing
stream never stops the emulator: standard output raises OutputFailed, standard error is dropped.
"""

import os
import sys
import threading
import traceback
from io import TextIOWrapper
from typing import Final, NoReturn, TextIO

INTERNAL_ERROR: Final = 70
"""Exit code of an internal error (`EX_SOFTWARE` in sysexits.h)."""

_STANDARD_STREAMS: Final = 3
_WRITE_TIMEOUT: Final = 1.0
"""Seconds that the end of the process waits for a reader of standard error."""


class OutputFailed(Exception):
    """Standard output cannot be written. The message is the reason."""


def prepare_streams() -> None:
    """Make every text writable. **Call once, before any file or socket is opened.**

    A closed descriptor is opened on the null device; otherwise the next socket would get its number.
    """
    for descriptor in range(_STANDARD_STREAMS):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the system assigns the lowest free number
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write_output(text: str) -> None:
    """Write to standard output and flush. Raises OutputFailed."""
    failure = _write(sys.__stdout__, text)
    if failure:
        _redirect_to_null(1)
        raise OutputFailed(failure)


def write_error(text: str) -> None:
    """Write to standard error and flush; a failure is ignored."""
    if _write(sys.__stderr__, text):
        _redirect_to_null(2)


def end_with_internal_error(error: BaseException) -> NoReturn:
    """Print the traceback and end the process at once: running threads would keep it alive."""
    text = f"{''.join(traceback.format_exception(error))}sms10692-mock: internal error: {error!r}\n"
    writer = threading.Thread(target=write_error, args=(text,), daemon=True)
    writer.start()
    writer.join(_WRITE_TIMEOUT)  # a full pipe without a reader would block forever
    os._exit(INTERNAL_ERROR)


def _write(stream: TextIO | None, text: str) -> str:
    """Write and flush. Returns the reason of a failure, or an empty string."""
    if stream is None:
        return ""
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        return error.strerror or str(error)
    except ValueError as error:  # closed stream
        return str(error)
    return ""


def _redirect_to_null(descriptor: int) -> None:
    """Redirect a failed stream to the null device.

    Otherwise the interpreter flushes the stream again at exit and ends with code 120.
    """
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, descriptor)
    os.close(null)
